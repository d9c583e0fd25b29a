"""A record of what the central system has acknowledged, one JSON line each, written at once.

Whoever tests that nothing acknowledged is lost compares it with what the system kept.
"""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from forecourt.base.ids import StationId
from forecourt.sim.talk import Note


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answered message about a transaction."""

    station: str
    version: str
    action: str
    message_id: str
    kind: str
    """``start``, ``update`` or ``end`` of a transaction, or ``meter`` outside one."""
    tx: str | None = None
    """The transaction's name: in 2.x its id on the wire, in 1.6 the station's own."""
    wire_tx: int | None = None
    """1.6: the transaction's number, which the answer to its start gave."""
    seq: int | None = None
    """2.x: seqNo; 1.6: counted by the station in the same way."""
    timestamp: str
    """As on the wire, to the millisecond."""
    meter_wh: int


class Journal:
    """An open journal. Lines go to the file system before the next message is handled."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def write(
        self, station: StationId, version: str, note: Note, *, action: str, message_id: str
    ) -> None:
        moment = datetime.fromtimestamp(note.at, UTC)
        line = Line(
            station=station,
            version=version,
            action=action,
            message_id=message_id,
            kind=note.kind,
            tx=note.tx.ref if note.tx is not None else None,
            wire_tx=note.tx.wire_id if note.tx is not None else None,
            seq=note.seq,
            timestamp=moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            meter_wh=note.meter_wh,
        )
        self._file.write(msgspec.json.encode(line) + b"\n")

    def close(self) -> None:
        self._file.close()
