"""Reservations of a station: who may use which outlet until when. It says; the station acts.

Knows outlets by number and whether they are idle, and no version.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal

from msgspec import Struct

from forecourt.sim.cars import Plug
from forecourt.sim.timeline import Timeline, Timer

RESERVATIONS_MAX: Final = 20
"""More than the outlets of any station here."""

Over = Literal["Expired", "Removed"]


class Reservation(Struct, frozen=True, kw_only=True):
    """One reservation. Without ``evse`` any outlet (with ``plug``, where named) is meant."""

    id: int
    token: str
    group: str | None
    until: float
    evse: int | None = None
    plug: Plug | None = None

    def admits(self, token: str, group: str | None) -> bool:
        return token == self.token or (group is not None and group == self.group)


class Reservations:
    """All of one station."""

    __slots__ = ("_by_id", "_over", "_timers", "_world")

    def __init__(self, world: Timeline, over: Callable[[Reservation, Over], None]) -> None:
        self._world = world
        self._over = over
        self._by_id: dict[int, Reservation] = {}
        self._timers: dict[int, Timer] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Reservation]:
        return iter(self._by_id.values())

    def put(self, reservation: Reservation) -> None:
        """Take one; the same number again replaces it."""
        self._drop(reservation.id)
        self._by_id[reservation.id] = reservation
        self._timers[reservation.id] = self._world.at(
            reservation.until, lambda: self.end(reservation.id, "Expired")
        )

    def cancel(self, reservation_id: int) -> bool:
        return self._drop(reservation_id) is not None

    def end(self, reservation_id: int, over: Over) -> None:
        """It ends without having been used or cancelled, and somebody is told."""
        gone = self._drop(reservation_id)
        if gone is not None:
            self._over(gone, over)

    def use(self, evse: int, token: str, group: str | None) -> int | None:
        """Somebody begins to charge here: the number of the reservation that is used up by it."""
        fitting = [r for r in self._by_id.values() if r.admits(token, group)]
        for reservation in sorted(fitting, key=lambda r: r.evse is None):
            if reservation.evse in (None, evse):
                self._drop(reservation.id)
                return reservation.id
        return None

    def of(self, evse: int) -> Reservation | None:
        """The one that is for this outlet and no other."""
        return next((r for r in self._by_id.values() if r.evse == evse), None)

    def anywhere(self) -> list[Reservation]:
        """Those that leave the outlet open."""
        return [r for r in self._by_id.values() if r.evse is None]

    def held(self, idle: Iterable[int]) -> dict[int, list[Reservation]]:
        """Which of the idle outlets are kept free, and for whom.

        An outlet that nobody asked for by number is kept only where all that are left are needed.
        """
        if not self._by_id:
            return {}
        numbers = list(idle)
        own = {evse: r for evse in numbers if (r := self.of(evse)) is not None}
        rest = [evse for evse in numbers if evse not in own]
        open_ones = self.anywhere()
        held: dict[int, list[Reservation]] = {evse: [r] for evse, r in own.items()}
        if open_ones and len(rest) <= len(open_ones):
            held.update((evse, open_ones) for evse in rest)
        return held

    def _drop(self, reservation_id: int) -> Reservation | None:
        timer = self._timers.pop(reservation_id, None)
        if timer is not None:
            timer.cancel()
        return self._by_id.pop(reservation_id, None)
