"""The raw log: a message and its answers as rows, each cut to what is worth keeping."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from forecourt.domain.stations import Door, Stations
from forecourt.infra.commit import Changes

FRAME_KEPT_MAX: Final = 16_384
PRIVATE: Final = frozenset({"NotifyCustomerInformation"})
"""What tells of a person is kept where it belongs, and for as long as it may be: not here."""


class Kept(Struct, frozen=True):
    """What came, what was answered, and what there is to say about it."""

    action: str
    data: bytes
    answers: Sequence[bytes] = ()
    notes: Sequence[str] = ()


def keep(stations: Stations, door: Door, changes: Changes, now: datetime, kept: Kept) -> None:
    """Leave rows for a message that came, and for what was answered."""
    if kept.action in PRIVATE:
        kept = replace(kept, data=b"", notes=(*kept.notes, "tells of a person"))
    for inbound, frame in ((True, kept.data), *((False, answer) for answer in kept.answers)):
        stations.log(
            door.id,
            door.tenant,
            changes,
            at=now,
            inbound=inbound,
            action=kept.action,
            frame=frame[:FRAME_KEPT_MAX],
            note=", ".join(kept.notes) if inbound else "",
        )
