"""Which stations are connected here, and how one is asked: what the edge offers this room."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeAlias

from forecourt.base.ids import StationId
from forecourt.domain.stations.commands import Answer, Ask

Known: TypeAlias = Mapping[tuple[str, str, str], str]
"""(Component, variable, its instance) -> value: what a station told of itself as a whole."""


class Link(Protocol):
    """A connected station, as the edge offers it."""

    @property
    def judged_by(self) -> frozenset[str]:
        """The names of the variables that tell what this station can do."""

    async def ask(self, command: Ask, known: Known) -> Answer:
        """Put a command to the station and return its own answer; never raises for what it says."""


class Links:
    """Which stations are connected here; the edge fills it, this room asks by it."""

    def __init__(self) -> None:
        self._links: dict[StationId, Link] = {}
        self.at_once: Callable[[StationId], Awaitable[None]] | None = None
        """Have this process's door read a station anew, before the event of it comes round."""

    def put(self, station: StationId, link: Link) -> None:
        self._links[station] = link

    def drop(self, station: StationId, link: Link) -> None:
        """Forget ``link``, unless a newer one has taken its place."""
        if self._links.get(station) is link:
            del self._links[station]

    def find(self, station: StationId) -> Link | None:
        return self._links.get(station)

    def here(self) -> list[StationId]:
        """All that are connected here."""
        return list(self._links)

    def __len__(self) -> int:
        return len(self._links)
