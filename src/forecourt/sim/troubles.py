"""What goes wrong by itself: faults, power cuts, lost links. Seeded; times are the world's."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from forecourt.sim.luck import Luck
from forecourt.sim.outlet import FAULTS
from forecourt.sim.station import Station

_DAY_S: Final = 86_400.0


class Rates(Struct, frozen=True, kw_only=True):
    """How often, per station and day of the world; and for how long, on average."""

    faults_per_day: float = 0.05
    fault_s: float = 900.0
    power_cuts_per_day: float = 0.02
    power_cut_s: float = 120.0
    lost_links_per_day: float = 0.3
    lost_link_s: float = 300.0


class Troubles:
    """One station's bad luck."""

    def __init__(self, station: Station, rates: Rates, luck: Luck) -> None:
        self._station = station
        self._rates = rates
        self._luck = luck

    def begin(self) -> None:
        rates = self._rates
        self._again(rates.faults_per_day, self._fault)
        self._again(rates.power_cuts_per_day, self._power_cut)
        self._again(rates.lost_links_per_day, self._lost_link)

    def _again(self, per_day: float, happen: Callable[[], None]) -> None:
        if per_day <= 0.0:
            return

        def do() -> None:
            happen()
            self._again(per_day, happen)

        self._station.world.after(self._luck.exponential(_DAY_S / per_day), do)

    def _fault(self) -> None:
        outlet = self._luck.pick(self._station.outlets)
        duration_s = self._luck.exponential(self._rates.fault_s)
        self._station.fault(outlet, self._luck.pick(FAULTS), duration_s)

    def _power_cut(self) -> None:
        self._station.power_cut(self._luck.exponential(self._rates.power_cut_s))

    def _lost_link(self) -> None:
        self._station.link_cut(self._luck.exponential(self._rates.lost_link_s))
