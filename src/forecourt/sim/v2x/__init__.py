"""OCPP 2.0.1 and 2.1 as a simulated station speaks them.

``voice`` says what happens. What is asked is done topic by topic, one table each; a topic that has
to remember something (monitors, messages on the display, tariffs) has an organ, made when needed.
"""

from forecourt.sim.v2x.voice import V2x

__all__ = ["V2x"]
