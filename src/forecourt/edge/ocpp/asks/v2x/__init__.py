"""Commands in the words of OCPP 2.0.1 and 2.1, by topic.

All are written in the types of 2.1, which has everything that 2.0.1 has; what a command needs and
2.0.1 does not know is refused by 2.0.1's own types.
"""

from typing import Final

from forecourt.edge.ocpp.asks.table import Rows, Speech
from forecourt.edge.ocpp.asks.v2x import certificates, core, devices
from forecourt.protocol.ocpp import v21, v201

SHARED: Final[Rows] = {**core.ROWS, **devices.ROWS, **certificates.ROWS}

SPEECH_201: Final = Speech(name="2.0.1", dialect=v201.DIALECT, rows=SHARED)
SPEECH_21: Final = Speech(name="2.1", dialect=v21.DIALECT, rows=SHARED)

__all__ = ["SHARED", "SPEECH_21", "SPEECH_201"]
