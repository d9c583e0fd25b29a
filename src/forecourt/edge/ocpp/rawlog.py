"""The raw log: a message and its answers as rows, each cut to what is worth keeping."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from forecourt.base.ids import StationId
from forecourt.domain.stations import Door, Stations
from forecourt.edge.ocpp.watch import Passed, Watch
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
    came_at: datetime | None = None
    """When, if not now."""
    answered_later: bool = False
    """The answer waits for its commit: who watches is told of it when it leaves."""


class Line(Struct, frozen=True):
    """One frame and what there is to say about it."""

    action: str
    frame: bytes
    inbound: bool
    note: str = ""


def ours_of(frames: Sequence[bytes]) -> list[Line]:
    """What of these frames we ask; answers to the station's own messages are kept with these."""
    return [
        Line(frame.split(b'"', 4)[3].decode(), frame, inbound=False)
        for frame in frames
        if frame.startswith(_OURS)
    ]


class RawLog:
    """Keeps what goes over one station's line, and tells it to who watches."""

    __slots__ = ("_stations", "_watch", "watched")

    def __init__(self, stations: Stations, watch: Watch, station: StationId) -> None:
        self._stations = stations
        self._watch = watch
        self.watched = station in watch
        """Somebody looks: all is kept, and told as it passes."""

    def keep(self, door: Door, changes: Changes, now: datetime, kept: Kept) -> None:
        """Leave rows for a message that came, and for what was answered."""
        data, notes = kept.data, kept.notes
        if kept.action in PRIVATE:
            data, notes = b"", (*notes, "tells of a person")
        came = Line(kept.action, data, inbound=True, note=", ".join(notes))
        answers = [Line(kept.action, answer, inbound=False) for answer in kept.answers]
        came_at = kept.came_at or now
        self._write(door, changes, came_at, came)
        self.tell(door, came_at, came)
        for line in answers:
            self._write(door, changes, now, line)
            if not kept.answered_later:
                self.tell(door, now, line)

    def keep_ours(self, door: Door, changes: Changes, now: datetime, some: Sequence[Line]) -> None:
        """Leave rows for what we asked, and for what the station said to that."""
        for ours in some:
            line = ours
            if SECRET.search(ours.frame) is not None:
                line = Line(ours.action, b"", ours.inbound, "holds a secret")
            self._write(door, changes, now, line)
            self.tell(door, now, line)

    def tell(self, door: Door, now: datetime, line: Line) -> None:
        """Tell who watches; nobody, mostly."""
        if self.watched:
            frame = line.frame[:FRAME_KEPT_MAX].decode("utf-8", "backslashreplace")
            direction = "in" if line.inbound else "out"
            self._watch.passed(door.id, Passed(now, direction, line.action, line.note, frame))

    def _write(self, door: Door, changes: Changes, now: datetime, line: Line) -> None:
        self._stations.log(
            door.id,
            door.tenant,
            changes,
            at=now,
            inbound=line.inbound,
            action=line.action,
            frame=line.frame[:FRAME_KEPT_MAX],
            note=line.note,
        )
