"""Commands in the words of OCPP 1.6, by topic."""

from typing import Final

from forecourt.edge.ocpp.asks.raw import raw
from forecourt.edge.ocpp.asks.table import Speech
from forecourt.edge.ocpp.asks.v16 import certificates, charging, core, devices, drivers, files
from forecourt.edge.ocpp.asks.v16.parts import JUDGED_BY
from forecourt.protocol.ocpp import v16

SPEECH: Final = Speech(
    name="1.6",
    dialect=v16.DIALECT,
    rows={
        **core.ROWS,
        **devices.ROWS,
        **certificates.ROWS,
        **charging.ROWS,
        **files.ROWS,
        **drivers.ROWS,
        **raw(v16.DIALECT),
    },
    judged_by=JUDGED_BY,
)

__all__ = ["SPEECH"]
