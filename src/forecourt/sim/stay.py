"""What drivers do with their hands: plug in, show a card, come back, drive off. And who comes next.

A driver knows the outlet's socket and card reader, and no protocol. Times are the world's.
"""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from forecourt.sim.cars import Car
from forecourt.sim.drivers import Drivers, Visit
from forecourt.sim.luck import Luck
from forecourt.sim.outlet import Outlet
from forecourt.sim.station import Station

# How long somebody waits for a session that does not begin.
_PATIENCE_S: Final = 300.0
# How long it takes until somebody notices that the session was stopped, or the car is full.
_NOTICE_S: Final = (60.0, 900.0)


class Stay:
    """One driver's visit, played out."""

    def __init__(self, station: Station, outlet: Outlet, visit: Visit, luck: Luck) -> None:
        self._station = station
        self._outlet = outlet
        self._visit = visit
        self._luck = luck
        self._leaving = False

    def begin(self) -> None:
        outlet = self._outlet
        if not (outlet.usable and self._station.powered):
            self._station.stats.turned_away += 1
            return
        self._begin()

    def begin_reserved(self) -> None:
        """The outlet is kept for this one, if the reservation still stands."""
        outlet = self._outlet
        if outlet.idle and outlet.operative and outlet.fault is None and self._station.powered:
            self._begin()
        else:
            self._station.stats.turned_away += 1

    def _begin(self) -> None:
        outlet, visit = self._outlet, self._visit
        outlet.person = self
        if visit.plugs_first:
            self._plug()
            if not visit.by_app:
                self._later(visit.handling_s, self._show_card)
        else:
            self._show_card()
        self._later(_PATIENCE_S, self._lose_patience)
        self._later(visit.stays_s, self._go)

    def summoned(self) -> None:
        """Already authorised from afar; only the plug is missing."""
        self._outlet.person = self
        self._later(self._visit.handling_s, self._plug)
        self._later(_PATIENCE_S, self._lose_patience)
        self._later(self._visit.stays_s, self._go)

    def granted(self) -> None:
        if not self._outlet.plugged:
            self._later(self._visit.handling_s, self._plug)

    def refused(self) -> None:
        self._station.stats.refused += 1
        self._later(self._visit.handling_s, self._leave)

    def satisfied(self) -> None:
        if self._visit.leaves_when_done:
            self._later(self._luck.between(*_NOTICE_S), self._go)

    def stopped(self) -> None:
        if not self._leaving:
            self._later(self._luck.between(*_NOTICE_S), self._go)

    def _later(self, delay_s: float, do: Callable[[], object]) -> None:
        self._station.world.after(delay_s, do)

    @property
    def _here(self) -> bool:
        return self._outlet.person is self

    def _plug(self) -> None:
        if not self._here or self._outlet.plugged:
            return
        visit = self._visit
        car = Car(visit.car, visit.soc_pct, talk=visit.talk, contract=visit.contract)
        self._station.plug_in(self._outlet, car, visit.plug, target_wh=visit.target_wh)

    def _show_card(self) -> None:
        if self._here:
            self._station.swipe(self._outlet, self._visit.token)

    def _lose_patience(self) -> None:
        if not self._outlet.energised and not self._outlet.served:
            self._leave()

    def _go(self) -> None:
        """Back to the car; end the session, take the cable out."""
        if self._leaving or not self._here:
            return
        self._leaving = True
        outlet = self._outlet
        if self._visit.ends_by_card and outlet.token == self._visit.token and outlet.tx:
            self._station.swipe(outlet, self._visit.token)
            self._later(self._visit.handling_s, self._leave)
        else:
            self._leave()

    def _leave(self) -> None:
        if self._here:
            self._outlet.person = None
            self._station.unplug(self._outlet)


class Kerb:
    """The place before one outlet, where drivers arrive one after the other."""

    def __init__(self, station: Station, outlet: Outlet, drivers: Drivers, luck: Luck) -> None:
        self._station = station
        self._outlet = outlet
        self._drivers = drivers
        self._luck = luck

    def open(self, *, first_within_s: float | None) -> None:
        """Let the first one come: at once, within some seconds, or when the day brings one."""
        now = self._station.world.now
        if first_within_s is not None:
            visit = self._drivers.visit_at(now + self._luck.between(1.0, first_within_s))
            if visit is not None:
                self._station.world.at(visit.at, lambda: self._arrive(visit))
                return
        self._next(now)

    def expect(self, token: str, within_s: float) -> None:
        """Somebody reserved this outlet from afar, and comes in time."""
        at = self._station.world.now + self._luck.between(0.2, 0.8) * within_s
        visit = self._drivers.visit_at(at, token=token)
        if visit is not None:
            visit = replace(visit, by_app=False, plugs_first=False)
            stay = Stay(self._station, self._outlet, visit, self._luck)
            self._station.world.at(at, stay.begin_reserved)

    def summon(self, token: str) -> None:
        """Somebody started a session from afar: they are here, cable in hand."""
        visit = self._drivers.visit_at(self._station.world.now, token=token)
        if visit is not None:
            Stay(self._station, self._outlet, visit, self._luck).summoned()

    def _arrive(self, visit: Visit) -> None:
        Stay(self._station, self._outlet, visit, self._luck).begin()
        self._next(visit.at)

    def _next(self, after: float) -> None:
        visit = self._drivers.next_after(after)
        if visit is not None:
            self._station.world.at(visit.at, lambda: self._arrive(visit))
