"""Drivers: who comes to an outlet, when, in which car, and what they want there. Seeded and pure.

An outlet's visits depend on its own luck alone, never on what the network did, so one seed gives
the same drivers whatever happens to the stations. Knows no protocol.
"""

import tomllib
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec
from msgspec import Struct

from forecourt.sim.cars import CarModel, Plug, Talk, catalogue
from forecourt.sim.luck import Luck
from forecourt.sim.models import Current, StationModel

_HOUR_S: Final = 3600.0
_DAY_S: Final = 86_400.0
_HOURS: Final = 24
_SATURDAY: Final = 5
# How empty a workplace is at the weekend, after the sessions of the data file.
_WEEKEND_WORK: Final = 0.3
# A car that fits is nearly always among so many; otherwise nobody comes this time.
_TRIES: Final = 12
# The longest anyone stays: a car left for a week tells the simulation nothing more.
_STAY_S_MAX: Final = 3 * _DAY_S
_STAY_S_MIN: Final = 240.0


class SiteKind(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How people use one kind of place."""

    current: Current
    visits_per_day: float
    by_hour: tuple[float, ...] = ()
    dwell_min: tuple[float, float] = (60.0, 30.0)
    arrival_soc_pct: tuple[float, float] = (45.0, 18.0)
    target_soc_pct: tuple[float, float] = (85.0, 8.0)
    leaves_when_done: float
    remote_start: float
    from_workplace_data: bool = False


class Habits(Struct, frozen=True, kw_only=True):
    """What all drivers of one simulation share."""

    tokens: tuple[str, ...]
    blocked_tokens: tuple[str, ...] = ()
    unknown_share: float = 0.02
    blocked_share: float = 0.01
    apps: bool = False
    """Whether some drivers wait for a start from afar, as the site's kind has it."""
    busy: float = 1.0
    """Multiplies the traffic of every site."""
    talking_share: float = 0.3
    """How many cars talk ISO 15118; half of these by its newer part, and give energy back."""
    contracts: tuple[str, ...] = ()
    """Accounts (eMAIDs) that every other of these charges on by itself."""


class Visit(Struct, frozen=True, kw_only=True):
    """One driver's stay at one outlet, as they mean it when they arrive."""

    at: float
    car: CarModel
    plug: Plug
    soc_pct: float
    target_wh: float
    """In the battery, when they have what they wanted."""
    stays_s: float
    leaves_when_done: bool
    token: str
    by_app: bool
    """Waits for the network to start the session instead of showing a card."""
    plugs_first: bool
    ends_by_card: bool
    talk: Talk = "none"
    contract: str | None = None
    """The account that the car itself charges on, without a card."""
    handling_s: float
    """Between one thing they do with their hands and the next."""


class _Sites(Struct):
    visits: list[tuple[int, int, int]]


@cache
def site_kinds() -> dict[str, SiteKind]:
    data = files("forecourt.sim").joinpath("data/sites.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(data), dict[str, SiteKind])


@cache
def _workplace() -> tuple[tuple[float, ...], tuple[tuple[tuple[float, float], ...], ...]]:
    """Traffic by hour, and for each hour the (stay s, energy Wh) of those who came in it."""
    data = files("forecourt.sim").joinpath("data/workplace.json").read_bytes()
    by_hour: list[list[tuple[float, float]]] = [[] for _ in range(_HOURS)]
    for arrival_min, dwell_min, wh_div_100 in msgspec.json.decode(data, type=_Sites).visits:
        by_hour[arrival_min // 60].append((dwell_min * 60.0, wh_div_100 * 100.0))
    return tuple(float(len(hour)) for hour in by_hour), tuple(map(tuple, by_hour))


class Drivers:
    """The stream of visits to one outlet."""

    def __init__(
        self,
        kind: SiteKind,
        station: StationModel,
        plugs: tuple[Plug, ...],
        *,
        habits: Habits,
        luck: Luck,
    ) -> None:
        self._kind = kind
        self._station = station
        self._plugs = plugs
        self._habits = habits
        self._luck = luck
        self._by_hour = _workplace()[0] if kind.from_workplace_data else kind.by_hour
        scale = kind.visits_per_day * habits.busy / sum(self._by_hour) / _HOUR_S
        self._rates_hz = tuple(weight * scale for weight in self._by_hour)
        self._utc_offset_h = 1 if station.region == "eu" else -6

    def next_after(self, now: float) -> Visit | None:
        """The next visit, or None when nobody ever comes."""
        rate_hz_max = max(self._rates_hz)
        if rate_hz_max <= 0.0:
            return None
        at = now
        while True:  # Thinning: draw at the busiest hour's rate, keep as many as this hour has.
            at += self._luck.exponential(1.0 / rate_hz_max)
            if self._luck.chance(self._rate_hz(at) / rate_hz_max):
                visit = self.visit_at(at)
                if visit is not None:
                    return visit

    def visit_at(self, at: float, *, token: str | None = None) -> Visit | None:
        """Somebody comes at this moment; None when no car was found that fits."""
        luck, kind = self._luck, self._kind
        found = self._car()
        if found is None:
            return None
        car, plug = found
        stays_s, soc_pct, target_wh = self._wish(at, car)
        talk, contract = self._talks(at, car)
        by_app = token is not None or (luck.chance(kind.remote_start) and self._habits.apps)
        return Visit(
            at=at,
            car=car,
            plug=plug,
            soc_pct=soc_pct,
            target_wh=target_wh,
            stays_s=min(max(stays_s, _STAY_S_MIN), _STAY_S_MAX),
            leaves_when_done=luck.chance(kind.leaves_when_done),
            token=self._token() if token is None else token,
            by_app=by_app,
            plugs_first=by_app or luck.chance(0.7),
            ends_by_card=not by_app and luck.chance(0.6),
            handling_s=luck.between(4.0, 25.0),
            talk=talk,
            contract=contract,
        )

    def _talks(self, at: float, car: CarModel) -> tuple[Talk, str | None]:
        """Drawn beside the stream of visits, so that it changes none of them."""
        luck, habits = Luck(car.name, int(at)), self._habits
        if not luck.chance(habits.talking_share):
            return "none", None
        talk: Talk = "iso20" if luck.chance(0.5) else "iso2"
        if habits.contracts and luck.chance(0.5):
            return talk, luck.pick(habits.contracts)
        return talk, None

    def _rate_hz(self, at: float) -> float:
        local = datetime.fromtimestamp(at + self._utc_offset_h * _HOUR_S, UTC)
        rate_hz = self._rates_hz[local.hour]
        weekend = self._kind.from_workplace_data and local.weekday() >= _SATURDAY
        return rate_hz * _WEEKEND_WORK if weekend else rate_hz

    def _car(self) -> tuple[CarModel, Plug] | None:
        for _ in range(_TRIES):
            car = self._luck.pick(catalogue())
            for plug in self._plugs:
                if car.fits(plug, self._station.region):
                    return car, plug
        return None

    def _wish(self, at: float, car: CarModel) -> tuple[float, float, float]:
        """How long they mean to stay, what is in the battery, and what they want in it."""
        luck, kind = self._luck, self._kind
        capacity_wh = car.usable_kwh * 1000.0
        soc_pct = min(max(luck.normal(*kind.arrival_soc_pct), 3.0), 92.0)
        if kind.from_workplace_data:
            local = datetime.fromtimestamp(at + self._utc_offset_h * _HOUR_S, UTC)
            seen = _workplace()[1][local.hour] or _workplace()[1][8]
            stays_s, wanted_wh = luck.pick(seen)
            return stays_s, soc_pct, min(capacity_wh, soc_pct / 100.0 * capacity_wh + wanted_wh)
        target_pct = min(max(luck.normal(*kind.target_soc_pct), soc_pct + 5.0), 100.0)
        return luck.normal(*kind.dwell_min) * 60.0, soc_pct, target_pct / 100.0 * capacity_wh

    def _token(self) -> str:
        luck, habits = self._luck, self._habits
        if luck.chance(habits.unknown_share):
            return f"0BAD{luck.bits() & 0xFFFFFFFFFF:010X}"
        if habits.blocked_tokens and luck.chance(habits.blocked_share):
            return luck.pick(habits.blocked_tokens)
        return luck.pick(habits.tokens)
