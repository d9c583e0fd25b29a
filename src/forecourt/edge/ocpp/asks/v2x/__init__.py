"""Commands in the words of OCPP 2.0.1 and 2.1, by topic.

All are written in the types of 2.1, which has everything that 2.0.1 has; what a command needs and
2.0.1 does not know is refused by 2.0.1's own types.
"""

from typing import Final

from forecourt.edge.ocpp.asks.raw import raw
from forecourt.edge.ocpp.asks.table import Rows, Speech
from forecourt.edge.ocpp.asks.v2x import (
    certificates,
    charging,
    core,
    devices,
    drivers,
    files,
    grid,
    monitors,
    tariffs,
)
from forecourt.edge.ocpp.asks.v2x.parts import JUDGED_BY
from forecourt.protocol.ocpp import v21, v201

SHARED: Final[Rows] = {
    **core.ROWS,
    **devices.ROWS,
    **monitors.ROWS,
    **certificates.ROWS,
    **charging.ROWS,
    **files.ROWS,
    **drivers.ROWS,
    **tariffs.ROWS,
}
NEW_IN_21: Final[Rows] = {
    **devices.ROWS_21,
    **monitors.ROWS_21,
    **charging.ROWS_21,
    **grid.ROWS_21,
    **tariffs.ROWS_21,
}

SPEECH_201: Final = Speech(
    name="2.0.1",
    dialect=v201.DIALECT,
    rows={**SHARED, **devices.ROWS_201, **raw(v201.DIALECT)},
    judged_by=JUDGED_BY,
)
SPEECH_21: Final = Speech(
    name="2.1",
    dialect=v21.DIALECT,
    rows={**SHARED, **NEW_IN_21, **raw(v21.DIALECT)},
    judged_by=JUDGED_BY,
)

__all__ = ["SPEECH_21", "SPEECH_201"]
