"""The raw log: a message and its answers as rows, each cut to what is worth keeping."""

import re
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


SECRET: Final = re.compile(rb"password|authorizationkey|://[^/\"@\s]+@", re.IGNORECASE)
"""What must not stay in the log: a station's password, a server's credentials."""
_OURS: Final = (b"[2,", b"[6,")
"""How a call begins, and a message that wants no answer."""


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


class Ours(Struct, frozen=True):
    """Something that we asked of a station, or what it said to that."""

    action: str
    frame: bytes
    inbound: bool


def ours_of(frames: Sequence[bytes]) -> list[Ours]:
    """What of these frames we ask; answers to the station's own messages are kept with these."""
    return [
        Ours(frame.split(b'"', 4)[3].decode(), frame, inbound=False)
        for frame in frames
        if frame.startswith(_OURS)
    ]


def keep_ours(
    stations: Stations, door: Door, changes: Changes, now: datetime, some: Sequence[Ours]
) -> None:
    """Leave rows for what we asked, and for what the station said to that."""
    for ours in some:
        secret = SECRET.search(ours.frame) is not None
        stations.log(
            door.id,
            door.tenant,
            changes,
            at=now,
            inbound=ours.inbound,
            action=ours.action,
            frame=b"" if secret else ours.frame[:FRAME_KEPT_MAX],
            note="holds a secret" if secret else "",
        )
