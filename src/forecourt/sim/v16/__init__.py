"""OCPP 1.6 as a simulated station speaks it, with its security extension.

``voice`` says what happens; ``core``, ``access``, ``smart`` and ``upkeep`` do what is asked, one
table each.
"""

from forecourt.sim.v16.voice import V16

__all__ = ["V16"]
