"""The seeded world: which stations stand where, of which make, and who comes to them. Pure.

One seed and the same options give the same world, and adding stations or hurrying time changes
nothing for those that were there. Knows no protocol beyond the names of its versions.
"""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from forecourt.base.ids import StationId
from forecourt.sim.drivers import Drivers, Habits, SiteKind, site_kinds
from forecourt.sim.luck import Luck
from forecourt.sim.models import StationModel, station_models

Version = Literal["1.6", "2.0.1", "2.1"]
Profile = Literal["ac", "dc", "mix"]

Feature = Literal[
    "iso15118", "v2x", "payment", "swap", "controller", "ems", "der", "vendor", "alarms"
]
"""What not every station has. iso15118: talks with cars that can; v2x: takes power back from
them; payment: a terminal for bank cards; swap: exchanges batteries; controller: a local controller
that publishes firmware; ems: an energy manager on site limits it now and then; der: an inverter
that obeys the grid's rules; vendor: sends data of its maker's; alarms: hard-wired monitors."""
_FEATURE_SHARES: Final[Mapping[Feature, float]] = {
    "iso15118": 0.5,
    "v2x": 0.3,
    "payment": 0.3,
    "swap": 0.05,
    "controller": 0.1,
    "ems": 0.15,
    "der": 0.3,
    "vendor": 0.1,
    "alarms": 1.0,
}
FEATURES: Final[tuple[Feature, ...]] = tuple(_FEATURE_SHARES)

VERSIONS: Final[tuple[Version, ...]] = ("1.6", "2.0.1", "2.1")
# What the field runs: most stations still speak 1.6.
_VERSION_WEIGHTS: Final = (0.6, 0.3, 0.1)
_KINDS: Final[dict[Profile, tuple[str, ...]]] = {
    "ac": ("workplace", "street", "depot"),
    "dc": ("motorway", "retail"),
    "mix": ("workplace", "motorway", "street", "retail", "depot"),
}
_STATIONS_PER_SITE: Final = 12


class WorldOptions(Struct, frozen=True, kw_only=True):
    """What the user chose about the world."""

    stations: int
    seed: int = 1
    version: Version | Literal["mix"] = "mix"
    profile: Profile = "mix"
    sites: int = 0
    """0: one for every dozen stations."""
    identity: str = "SIM-{n:04d}"
    habits: Habits
    features: frozenset[Feature] = frozenset()
    """What every station has; the others are drawn."""


class StationPlan(Struct, frozen=True, kw_only=True):
    """One station that is to stand in this world."""

    identity: StationId
    serial: str
    version: Version
    site: int
    kind: SiteKind
    model: StationModel
    seed: int
    features: frozenset[Feature] = frozenset()

    def luck(self, what: str) -> Luck:
        return Luck(self.seed, self.identity, what)

    def drivers(self, evse: int, habits: Habits) -> Drivers:
        plugs = self.model.outlets[evse]
        luck = self.luck(f"drivers-{evse}")
        return Drivers(self.kind, self.model, plugs, habits=habits, luck=luck)


def default_tokens(count: int) -> tuple[str, ...]:
    """The cards that the simulated drivers carry: 14 hexadecimal digits, as a 7-byte UID has."""
    return tuple(f"04F0EC{n:08X}" for n in range(1, count + 1))


def plan_world(options: WorldOptions) -> list[StationPlan]:
    """Every station of the world, in order."""
    sites = options.sites or -(-options.stations // _STATIONS_PER_SITE)
    return [
        _plan_station(options, n, site=(n - 1) * sites // options.stations)
        for n in range(1, options.stations + 1)
    ]


def _plan_station(options: WorldOptions, n: int, *, site: int) -> StationPlan:
    identity = StationId(options.identity.format(n=n))
    luck = Luck(options.seed, identity, "plan")
    kinds = _KINDS[options.profile]
    kind = site_kinds()[kinds[site % len(kinds)]]
    # Each kind of site stands on both sides of the ocean, in turn.
    region = "eu" if (site // len(kinds) + site % len(kinds)) % 2 == 0 else "us"
    models = [
        model
        for model in station_models().values()
        if model.current == kind.current and model.region == region
    ]
    if options.version == "mix":
        version = luck.pick_weighted(VERSIONS, _VERSION_WEIGHTS)
    else:
        version = options.version
    return StationPlan(
        identity=identity,
        serial=f"{luck.bits() & 0xFFFFFFFFFF:010X}",
        version=version,
        site=site,
        kind=kind,
        model=luck.pick(models),
        seed=options.seed,
        features=options.features | _features(Luck(options.seed, identity, "features")),
    )


def _features(luck: Luck) -> frozenset[Feature]:
    drawn = {name for name, share in _FEATURE_SHARES.items() if luck.chance(share)}
    return frozenset(drawn if "iso15118" in drawn else drawn - {"v2x"})
