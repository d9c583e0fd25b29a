"""Many stations in one process against one central system: sockets, clocks, statistics.

    stats = await run(FleetOptions(url="ws://127.0.0.1:9220", stations=40, speed=10.0))

One loop moves the two timelines; no station has a task of its own. Knows only the wire.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar, Final, Literal

from msgspec import Struct, field
from picows import WSError

from forecourt.base.clock import Clock, SystemClock
from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.ids import StationId
from forecourt.protocol.ocpp import v21, v201
from forecourt.sim.drivers import Habits
from forecourt.sim.journal import Journal
from forecourt.sim.knobs import Key
from forecourt.sim.link import Link, connect
from forecourt.sim.mischief import TRAITS, Mischief, Trait
from forecourt.sim.outlet import Outlet
from forecourt.sim.pace import Pace
from forecourt.sim.station import Station
from forecourt.sim.stats import Stats
from forecourt.sim.stay import Kerb
from forecourt.sim.talk import Note
from forecourt.sim.timeline import Timeline
from forecourt.sim.tls import Contexts
from forecourt.sim.troubles import Rates, Troubles
from forecourt.sim.v2x import V2x
from forecourt.sim.v16 import V16
from forecourt.sim.voice import Voice
from forecourt.sim.world import (
    Feature,
    Profile,
    StationPlan,
    Version,
    WorldOptions,
    default_tokens,
    plan_world,
)

# How often the timelines are moved when nothing comes in; fine enough for time-outs and people.
_TICK_S: Final = 0.02
_STATS_S: Final = 1.0
# Handshakes under way at once: enough to be quick, few enough not to flood a listener's backlog.
_DIALLERS: Final = 64
_GOODBYE_S: Final = 3.0
# The security profiles that need TLS, and a certificate of the station's own.
_TLS: Final = 2
_CLIENT_CERTIFICATES: Final = 3

VOICES: Final[dict[Version, Callable[[Station], Voice]]] = {
    "1.6": V16,
    "2.0.1": partial(V2x, words=v201),
    "2.1": partial(V2x, words=v21),
}


class FleetOptions(Struct, frozen=True, kw_only=True):
    """Everything that a simulation can be told."""

    url: str
    stations: int = 10
    version: Version | Literal["mix"] = "mix"
    profile: Profile = "mix"
    sites: int = 0
    seed: int = 1
    speed: float = 1.0
    identity: str = "SIM-{n:04d}"
    password: str = ""
    """For HTTP Basic; ``{id}`` in it stands for the station's identity."""
    tls_ca: Path | None = None
    """For ``wss``: whom to trust instead of the system's authorities."""
    client_cert: str | None = None
    """A certificate (PEM) that every station shows; ``{id}`` stands for its identity."""
    client_key: str | None = None
    """Its key, where it is in a file of its own."""
    deflate: bool = False
    """Offer compression (permessage-deflate)."""
    mischief: float = 0.0
    """How many commands are answered badly (``mischief``)."""
    traits: tuple[Trait, ...] = TRAITS
    """In which ways."""
    naughty: float = 1.0
    """The share of stations that do so."""
    features: tuple[Feature, ...] = ()
    """What every station has (``world.Feature``); otherwise it is drawn."""
    contracts: tuple[str, ...] = ()
    """Accounts (eMAIDs) on which talking cars charge by themselves."""
    tokens: tuple[str, ...] = field(default_factory=lambda: default_tokens(100))
    blocked_tokens: tuple[str, ...] = ()
    unknown_share: float = 0.02
    apps: bool = False
    """Some drivers show no card and wait until the central system starts their session."""
    busy: float = 1.0
    warm: float = 0.3
    """The share of outlets to which somebody comes right at the start."""
    warm_within_s: float = 5.0
    rates: Rates = field(default_factory=Rates)
    connect_rate_hz: float = 250.0
    """How many stations are switched on per second."""
    duration_s: float | None = None
    start: float | None = None
    """Where the world's time starts (POSIX seconds); see ``pace``."""
    ahead: bool = False
    """Let the world's time run into the future."""
    journal: Path | None = None
    knobs: Mapping[str, str] = field(default_factory=dict)
    """Settings of every station (``knobs.Knobs``), as text."""


class KnobUnknown(ForecourtError):
    """No station has this setting, or it cannot be turned to that."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "sim.knob_unknown"


class Fleet:
    """The stations of one simulation, and everything outside their casings."""

    def __init__(
        self, options: FleetOptions, *, clock: Clock, elapsed_s: Callable[[], float]
    ) -> None:
        self.options = options
        self.stats = Stats(stations=options.stations)
        self._elapsed_s = elapsed_s
        self._pace = Pace(
            speed=options.speed,
            present=clock.now().timestamp(),
            start=options.start,
            duration_s=options.duration_s,
            ahead=options.ahead,
        )
        self.wire = Timeline()
        self.world = Timeline(self._pace.start)
        self._journal = Journal(options.journal) if options.journal is not None else None
        self._tls = Contexts(options.tls_ca, options.client_cert, options.client_key)
        self._links: dict[StationId, Link] = {}
        self._dialling: set[StationId] = set()
        self._to_dial: deque[Station] = deque()
        self._dial_wanted = asyncio.Semaphore(0)
        self._kerbs: dict[tuple[StationId, int], Kerb] = {}
        self._failure: Exception | None = None
        self._closing: set[Link] = set()
        self._closed = asyncio.Event()
        habits = _habits(options)
        self.stations = {plan.identity: self._build(plan, habits) for plan in plans(options)}

    def _build(self, plan: StationPlan, habits: Habits) -> Station:
        station = Station(
            plan,
            VOICES[plan.version],
            hub=self,
            world=self.world,
            wire=self.wire,
            password=self.options.password.replace("{id}", plan.identity),
            mischief=self._mischief(plan),
        )
        for name, text in self.options.knobs.items():
            if not (hasattr(station.knobs, name) and Key(knob=name).write(station.knobs, text)):
                raise KnobUnknown(f"no such setting of a station: {name}={text}")
        for outlet in station.outlets:
            self._kerbs[plan.identity, outlet.id] = Kerb(
                station,
                outlet,
                plan.drivers(outlet.id - 1, habits),
                plan.luck(f"kerb-{outlet.id}"),
            )
        return station

    def _mischief(self, plan: StationPlan) -> Mischief | None:
        luck, options = plan.luck("mischief"), self.options
        if options.mischief <= 0 or not luck.chance(options.naughty):
            return None
        return Mischief(luck, options.mischief, options.traits)

    # --- What a station needs (Hub) ---------------------------------------------------------------

    def dial(self, station: Station) -> None:
        identity = station.plan.identity
        if identity in self._links or identity in self._dialling:
            return
        self._dialling.add(identity)
        self._to_dial.append(station)
        self._dial_wanted.release()

    def hang_up(self, station: Station, *, clean: bool) -> None:
        link = self._links.pop(station.plan.identity, None)
        if link is not None:
            self.stats.disconnects += 1
            if clean:
                link.close()
            else:
                link.cut()

    def ping(self, station: Station) -> None:
        link = self._links.get(station.plan.identity)
        if link is not None:
            link.ping()

    def acknowledged(self, station: Station, note: Note, action: str, message_id: str) -> None:
        if self._journal is not None:
            plan = station.plan
            self._journal.write(
                plan.identity, plan.version, note, action=action, message_id=message_id
            )

    def summon(self, station: Station, outlet: Outlet, token: str) -> None:
        self._kerbs[station.plan.identity, outlet.id].summon(token)

    def expect(self, station: Station, outlet: Outlet, token: str, within_s: float) -> None:
        self._kerbs[station.plan.identity, outlet.id].expect(token, within_s)

    # --- What links tell (Owner) ------------------------------------------------------------------

    def link_up(self, link: Link) -> None:
        self._dialling.discard(link.station)
        self._links[link.station] = link
        self._guarded(partial(self.stations[link.station].link_up, link.send))

    def link_frame(self, link: Link, data: bytes) -> None:
        if self._links.get(link.station) is link:  # Or we hung up while it was under way.
            self._guarded(partial(self.stations[link.station].talk.receive, data))

    def link_down(self, link: Link) -> None:
        self._closing.discard(link)
        if not self._closing:
            self._closed.set()
        if self._links.get(link.station) is link:
            del self._links[link.station]
            self.stats.disconnects += 1
            self._guarded(self.stations[link.station].link_down)

    def _guarded(self, do: Callable[[], None]) -> None:
        """Whatever happens in a callback of picows would end there, unseen."""
        try:
            self.advance()
            do()
        except Exception as error:  # noqa: BLE001 - picows would only close the socket; run() raises it
            self._failure = self._failure or error

    # --- Running ----------------------------------------------------------------------------------

    def switch_on(self) -> None:
        """Every station starts at its own moment; the first drivers come with it."""
        for n, station in enumerate(self.stations.values()):
            at = n / self.options.connect_rate_hz
            self.wire.at(at, partial(self._switch_on, station))

    def _switch_on(self, station: Station) -> None:
        station.power_on()
        luck = station.plan.luck("warm")
        for outlet in station.outlets:
            kerb = self._kerbs[station.plan.identity, outlet.id]
            warm = luck.chance(self.options.warm)
            kerb.open(first_within_s=self.options.warm_within_s if warm else None)
        Troubles(station, self.options.rates, station.plan.luck("troubles")).begin()

    def advance(self) -> None:
        """Bring both timelines to the present."""
        elapsed_s = self._elapsed_s()
        self.wire.advance(elapsed_s)
        self.world.advance(self._pace.world(elapsed_s))

    def measure(self) -> Stats:
        """The gauges, as of now."""
        stats = self.stats
        stats.connected = len(self._links)
        stats.booted = stats.running = stats.queued = 0
        stats.power_w = 0.0
        for station in self.stations.values():
            stats.booted += station.online
            stats.queued += station.talk.durable_waiting
            for outlet in station.outlets:
                stats.running += outlet.tx is not None
                if outlet.energised:
                    stats.power_w += outlet.power_w
        return stats

    async def drive(self, stop: asyncio.Event, on_stats: Callable[[Stats], None] | None) -> None:
        """Move time until it is enough."""
        next_stats_s = _STATS_S
        end_s = self.options.duration_s
        while not stop.is_set():
            self.advance()
            if self._failure is not None:
                raise self._failure
            now_s = self.wire.now
            if on_stats is not None and now_s >= next_stats_s:
                next_stats_s = now_s + _STATS_S
                on_stats(self.measure())
            if end_s is not None and now_s >= end_s:
                return
            await asyncio.sleep(_TICK_S)

    async def dialler(self) -> None:
        """Connect stations, one after the other; several of these work side by side."""
        while True:
            await self._dial_wanted.acquire()
            station = self._to_dial.popleft()
            identity, subprotocol = station.plan.identity, station.voice.dialect.subprotocol
            self.stats.dials += 1
            link = Link(self, identity, subprotocol)
            url, name, password = self._address(station)
            try:
                await connect(
                    link,
                    url,
                    identity=name,
                    password=password,
                    subprotocol=subprotocol,
                    tls=self._tls.of(station, url),
                    deflate=self.options.deflate,
                )
            except (OSError, WSError) as error:
                self.stats.last_failure = f"{identity}: {type(error).__name__} {error}"
            if not link.opened:
                self._dialling.discard(identity)
                self.stats.dial_failures += 1
                station.link_down()

    def _address(self, station: Station) -> tuple[str, StationId, str]:
        """Where it dials, as whom, by which password: its network profile's, else as delivered."""
        endpoint, knobs = station.network.endpoint, station.knobs
        url, name, password = self.options.url, station.plan.identity, knobs.password
        if endpoint is not None:
            url, password = endpoint.url, endpoint.password or password
            name = StationId(endpoint.identity) if endpoint.identity else name
        if knobs.security_profile >= _TLS and url.startswith("ws:"):
            url = f"wss:{url.removeprefix('ws:')}"
        return url, name, "" if knobs.security_profile >= _CLIENT_CERTIFICATES else password

    async def goodbye(self) -> None:
        """Close every socket properly."""
        for station in self.stations.values():
            station.powered = False
        self._closing, self._links = set(self._links.values()), {}
        for link in list(self._closing):
            link.close()
        if self._closing:
            with contextlib.suppress(TimeoutError):  # They had their time; the process ends.
                await asyncio.wait_for(self._closed.wait(), _GOODBYE_S)
        if self._journal is not None:
            self._journal.close()


def plans(options: FleetOptions) -> list[StationPlan]:
    """The stations of this simulation, before any is built: for who must know them first."""
    return plan_world(
        WorldOptions(
            stations=options.stations,
            seed=options.seed,
            version=options.version,
            profile=options.profile,
            sites=options.sites,
            identity=options.identity,
            features=frozenset(options.features),
            habits=_habits(options),
        )
    )


def _habits(options: FleetOptions) -> Habits:
    return Habits(
        tokens=options.tokens,
        blocked_tokens=options.blocked_tokens,
        unknown_share=options.unknown_share,
        apps=options.apps,
        contracts=options.contracts,
        busy=options.busy,
    )


async def run(
    options: FleetOptions,
    *,
    on_stats: Callable[[Stats], None] | None = None,
    stop: asyncio.Event | None = None,
    clock: Clock | None = None,
) -> Stats:
    """Run a simulation until ``stop`` is set or its duration is over; returns what was counted."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    fleet = Fleet(options, clock=clock or SystemClock(), elapsed_s=lambda: loop.time() - begun)
    fleet.switch_on()
    try:
        async with asyncio.TaskGroup() as tasks:
            diallers = [tasks.create_task(fleet.dialler()) for _ in range(_DIALLERS)]
            await fleet.drive(stop or asyncio.Event(), on_stats)
            for dialler in diallers:
                dialler.cancel()
        return fleet.measure()
    finally:
        await fleet.goodbye()
