"""Raw messages as they pass, for whoever watches a station. Nobody watching costs nothing."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from typing import ClassVar, Final

from msgspec import Struct

from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.ids import StationId

WATCHERS_MAX: Final = 100
"""For all stations: each has a line of its own, and its stations' logs are kept whole."""


class Passed(Struct, frozen=True):
    """One raw message, as it went over the wire."""

    at: datetime
    direction: str
    action: str
    note: str
    frame: str


class TooManyWatch(ForecourtError):
    """Every line is taken."""

    kind: ClassVar[Kind] = Kind.LIMITED
    code: ClassVar[str] = "watch.too_many"


Watcher = Callable[[Passed], None]


class Watch:
    """Who watches which station of this process. One owner, so it may change."""

    def __init__(self) -> None:
        self._watchers: dict[StationId, list[Watcher]] = {}
        self.changed: Callable[[StationId, bool], None] | None = None
        """Told when a station has its first watcher, and when it has lost its last."""

    def __len__(self) -> int:
        return sum(map(len, self._watchers.values()))

    def __contains__(self, station: StationId) -> bool:
        return station in self._watchers

    def passed(self, station: StationId, message: Passed) -> None:
        """A message went over the wire of a station that is watched."""
        for watcher in self._watchers.get(station, ()):
            watcher(message)

    def check(self) -> None:
        """Whether one more may watch. Raises TooManyWatch."""
        if len(self) >= WATCHERS_MAX:
            raise TooManyWatch("too many watch already; try again later")

    @contextmanager
    def watching(self, station: StationId, watcher: Watcher) -> Generator[None]:
        """Tell ``watcher`` of every message while the block lasts. Raises TooManyWatch."""
        self.check()
        held = self._watchers.setdefault(station, [])
        held.append(watcher)
        self._tell(station, watched=True)
        try:
            yield
        finally:
            held.remove(watcher)
            if not held:
                del self._watchers[station]
                self._tell(station, watched=False)

    def _tell(self, station: StationId, *, watched: bool) -> None:
        if self.changed is not None:
            self.changed(station, watched)
