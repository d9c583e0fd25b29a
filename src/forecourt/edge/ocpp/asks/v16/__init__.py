"""Commands in the words of OCPP 1.6, by topic."""

from typing import Final

from forecourt.edge.ocpp.asks.table import Speech
from forecourt.edge.ocpp.asks.v16 import certificates, core, devices
from forecourt.protocol.ocpp import v16

SPEECH: Final = Speech(
    name="1.6",
    dialect=v16.DIALECT,
    rows={**core.ROWS, **devices.ROWS, **certificates.ROWS},
)

__all__ = ["SPEECH"]
