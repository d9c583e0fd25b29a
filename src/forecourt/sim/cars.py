"""Cars: batteries, inlets and how fast they take energy at each state of charge. Pure physics.

Some talk ISO 15118 with the outlet, and some of these also give energy back.

Knows no protocol and no station; an outlet asks it what it takes, and hands it the energy.
"""

from bisect import bisect_right
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import msgspec
from msgspec import Struct

Region = Literal["eu", "us"]
Plug = Literal["TYPE2_CABLE", "TYPE2_SOCKET", "J1772", "CCS1", "CCS2", "J3400", "CHADEMO"]

# What reaches the battery of what the meter saw: on-board charger and wiring, or cable and pack.
AC_EFFICIENCY: Final = 0.90
DC_EFFICIENCY: Final = 0.97
# A pack takes its last percents slowly, whatever the charger could give.
_AC_TAPER_FROM_PCT: Final = 95.0
_AC_TAPER_TO: Final = 0.25
# Small enough that a curve's bend is not cut: the fastest car gains under 2 % in one step.
_STEP_S: Final = 15.0
# IEC 61851: below this a car does not charge at all.
AC_MIN_A: Final = 6.0
# North American cars charge on one phase at 240 V; 48 A is the usual end of it.
_US_AC_W_MAX: Final = 11_520.0
_HIGH_VOLTAGE_FROM_KW: Final = 215.0
# What a bidirectional car keeps for the road, and how much of its charging power it gives.
KEEPS_PCT: Final = 20.0
_GIVES_SHARE: Final = 0.5

Talk = Literal["none", "iso2", "iso20"]
"""How a car talks with the outlet: by the pilot alone, by ISO 15118-2, or -20 (and gives back)."""


class CarModel(Struct, frozen=True, array_like=True):
    """One product, as the data file has it."""

    name: str
    year: int
    usable_kwh: float
    ac_kw: float
    ac_phases: int
    dc_ports: tuple[str, ...]
    curve_pct_kw: tuple[tuple[float, float], ...]

    def dc_w(self, soc_pct: float) -> float:
        """What the pack takes at this state of charge; straight lines between the points."""
        curve = self.curve_pct_kw
        right = bisect_right(curve, soc_pct, key=lambda point: point[0])
        if right == 0:
            return curve[0][1] * 1000.0
        if right == len(curve):
            return curve[-1][1] * 1000.0
        (soc_a, kw_a), (soc_b, kw_b) = curve[right - 1], curve[right]
        return (kw_a + (kw_b - kw_a) * (soc_pct - soc_a) / (soc_b - soc_a)) * 1000.0

    @property
    def pack_v(self) -> float:
        fast = max(kw for _, kw in self.curve_pct_kw) >= _HIGH_VOLTAGE_FROM_KW
        return 720.0 if fast and not self.name.startswith("Tesla") else 380.0

    def fits(self, plug: Plug, region: Region) -> bool:
        return plug in _inlets(self, region)

    def phases(self, region: Region) -> int:
        return 1 if region == "us" else self.ac_phases

    def ac_w(self, region: Region) -> float:
        watts = self.ac_kw * 1000.0
        return min(watts, _US_AC_W_MAX) if region == "us" else watts


def _inlets(car: CarModel, region: Region) -> frozenset[Plug]:
    """Which plugs go in without an adapter."""
    tesla = car.name.startswith("Tesla")
    if region == "us":
        if tesla:
            return frozenset({"J3400"})
        return frozenset({"J1772", "CHADEMO"} if "chademo" in car.dc_ports else {"J1772", "CCS1"})
    inlets: set[Plug] = {"TYPE2_CABLE", "TYPE2_SOCKET"}
    if "chademo" in car.dc_ports and not tesla:
        inlets.add("CHADEMO")
    if {"ccs", "tesla_ccs"} & set(car.dc_ports):
        inlets.add("CCS2")
    return frozenset(inlets)


class _File(Struct):
    cars: tuple[CarModel, ...]


@cache
def catalogue() -> tuple[CarModel, ...]:
    """Every car of the data file, read once."""
    data = files("forecourt.sim").joinpath("data/cars.json").read_bytes()
    return msgspec.json.decode(data, type=_File).cars


class Car:
    """One car with its battery."""

    __slots__ = ("contract", "energy_wh", "gives", "model", "talk")

    def __init__(
        self, model: CarModel, soc_pct: float, *, talk: Talk = "none", contract: str | None = None
    ) -> None:
        self.model = model
        self.talk: Talk = talk
        self.gives = True
        """Whether giving back is allowed in this session."""
        self.contract = contract
        """An e-mobility account that it charges on without a card (Plug & Charge)."""
        self.energy_wh = model.usable_kwh * 1000.0 * soc_pct / 100.0

    @property
    def capacity_wh(self) -> float:
        return self.model.usable_kwh * 1000.0

    @property
    def soc_pct(self) -> float:
        return 100.0 * self.energy_wh / self.capacity_wh

    def takes_w(self, *, dc: bool, region: Region) -> float:
        """What it would draw now from an outlet without limits, as that outlet's meter sees it."""
        soc = self.soc_pct
        if self.energy_wh >= self.capacity_wh:
            return 0.0
        if dc:
            return self.model.dc_w(soc)
        watts = self.model.ac_w(region)
        if soc <= _AC_TAPER_FROM_PCT:
            return watts
        into = (soc - _AC_TAPER_FROM_PCT) / (100.0 - _AC_TAPER_FROM_PCT)
        return watts * (1.0 - (1.0 - _AC_TAPER_TO) * into)

    @property
    def bidirectional(self) -> bool:
        return self.talk == "iso20" and self.gives

    def gives_w(self, *, dc: bool, region: Region) -> float:
        """What it could give back now, as the outlet's meter would see it."""
        if not self.bidirectional or self.soc_pct <= KEEPS_PCT:
            return 0.0
        charging_w = self.model.dc_w(50.0) if dc else self.model.ac_w(region)
        return charging_w * _GIVES_SHARE

    def discharge(self, duration_s: float, *, limit_w: float, dc: bool, region: Region) -> float:
        """Give energy back for a while; returns Wh that the meter saw leave the car."""
        efficiency = DC_EFFICIENCY if dc else AC_EFFICIENCY
        watts = min(limit_w, self.gives_w(dc=dc, region=region))
        spare_wh = self.energy_wh - self.capacity_wh * KEEPS_PCT / 100.0
        taken_wh = max(0.0, min(watts * duration_s / 3600.0 / efficiency, spare_wh))
        self.energy_wh -= taken_wh
        return taken_wh * efficiency

    def charge(
        self, duration_s: float, *, limit_w: float, dc: bool, region: Region, target_wh: float
    ) -> float:
        """Charge for a while, up to ``target_wh`` in the battery; returns Wh that the meter saw."""
        efficiency = DC_EFFICIENCY if dc else AC_EFFICIENCY
        goal_wh = min(target_wh, self.capacity_wh)
        metered_wh = 0.0
        left_s = duration_s
        while left_s > 0.0 and self.energy_wh < goal_wh:
            step_s = min(left_s, _STEP_S)
            watts = min(limit_w, self.takes_w(dc=dc, region=region))
            if watts <= 0.0:
                break
            stored_wh = min(watts * step_s / 3600.0 * efficiency, goal_wh - self.energy_wh)
            self.energy_wh += stored_wh
            metered_wh += stored_wh / efficiency
            left_s -= step_s
        return metered_wh
