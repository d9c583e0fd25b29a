"""Where a station dials, and as whom: the network profiles that it was given. Pure."""

from typing import Final

from msgspec import Struct

SLOTS: Final = range(4)
"""Slot 0 is how the station was delivered."""


class Endpoint(Struct, frozen=True, kw_only=True):
    """One network profile."""

    url: str
    security_profile: int
    identity: str | None = None
    """By which name it comes there; None: its own."""
    password: str | None = None


class Network:
    """The profiles of one station, and which is in use."""

    __slots__ = ("_failures", "_order", "_place", "slots")

    def __init__(self) -> None:
        self.slots: dict[int, Endpoint] = {}
        self._order: tuple[int, ...] = (0,)
        self._place = 0
        self._failures = 0

    @property
    def slot(self) -> int:
        return self._order[self._place]

    @property
    def endpoint(self) -> Endpoint | None:
        """None: as the station was delivered."""
        return self.slots.get(self.slot)

    def begin(self, priorities: str) -> None:
        """A boot: start with the first profile that there is."""
        asked = [int(part) for part in priorities.split(",") if part.strip().isdigit()]
        self._order = tuple(n for n in asked if n == 0 or n in self.slots) or (0,)
        self._place = self._failures = 0

    def failed(self, attempts: int) -> bool:
        """No connection came about; True when it was so often that the next profile is tried."""
        self._failures += 1
        if self._failures < max(1, attempts):
            return False
        self._failures = 0
        self._place = (self._place + 1) % len(self._order)
        return True

    def connected(self) -> None:
        self._failures = 0

    def usable(self, priorities: str) -> bool:
        """Whether every slot of such a list holds a profile."""
        parts = [part.strip() for part in priorities.split(",")]
        return all(p.isdigit() and (int(p) == 0 or int(p) in self.slots) for p in parts)
