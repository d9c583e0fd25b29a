"""Quirk profiles at work: what is mended of what a station sends, and changed in what it is sent.

Decides nothing of rooms: which profile a station has, the catalogue says.
"""

from forecourt.edge.ocpp.quirks.desk import QuirkDesk, identified
from forecourt.edge.ocpp.quirks.handling import Handling
from forecourt.edge.ocpp.quirks.incoming import lenient_of
from forecourt.edge.ocpp.quirks.outgoing import Moment, Refused, rewrite

__all__ = ["Handling", "Moment", "QuirkDesk", "Refused", "identified", "lenient_of", "rewrite"]
