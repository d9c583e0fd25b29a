"""The gateway: which stations may come in, which are here, and what is done for all of them.

Keeps the doors (identity, admission, password digest) of all stations in memory, since the listener
must answer before it can ask anybody; events refresh them. Loads the live state of those that
connect, many at once. Only the newest socket of a station is alive.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Coroutine
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import structlog
from msgspec import Struct

from forecourt.base.clock import Clock
from forecourt.base.context import Context
from forecourt.base.digest import same
from forecourt.base.errors import ForecourtError
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.rooms import Rooms
from forecourt.domain.sessions import SessionState
from forecourt.domain.stations import (
    Admission,
    Door,
    Links,
    LiveStation,
    NewStation,
    StationExists,
    StationIdInvalid,
    station_id,
)
from forecourt.edge.ocpp.quirks import QuirkDesk, identified
from forecourt.edge.ocpp.session import (
    CLOSE_GOING_AWAY,
    CLOSE_POLICY,
    StationLink,
)
from forecourt.edge.ocpp.versions import VERSIONS, Version
from forecourt.edge.ocpp.wire import Budget, Counts, Wire
from forecourt.infra.commit import Changes, Committer
from forecourt.infra.database import DatabaseAway

log = structlog.get_logger(__name__)

# How many stations one query loads; a storm of reconnections is a few dozen of them.
LOAD_MAX: Final = 500
LOAD_RETRY_S: Final = 0.5
SWEEP_EVERY_S: Final = 1.0
# A silent station is pinged; one that answered pings before must answer this one.
PING_AFTER_S: Final = 60.0
PONG_WITHIN_S: Final = 30.0
# One that never answered a ping is given this many of its heartbeats.
HEARTBEATS_MISSED_MAX: Final = 2.5
QUIRKS_TOLD_EVERY_S: Final = 60.0
# Sockets that one identity may open in a while before it is told to slow down.
KNOCKS_MAX: Final = 20
KNOCKS_WITHIN_S: Final = 10.0
KNOCKERS_KEPT_MAX: Final = 50_000
# Unknown stations that may be made pending in a minute: whoever can reach us can knock.
STRANGERS_PER_MINUTE: Final = 60
# Stopping closes this many sockets a second, so that not all come back in one moment.
CLOSES_PER_SECOND: Final = 5_000


class UnknownStations(StrEnum):
    """What happens to a station that nobody made known."""

    REFUSE = "refuse"
    PENDING = "pending"


class GatewayOptions(Struct, frozen=True, kw_only=True):
    """What an operator may choose."""

    name: str = "gateway-1"
    tenant: TenantId = TenantId("default")
    """Whose an unknown station becomes."""
    unknown_stations: UnknownStations = UnknownStations.REFUSE
    assume_16: bool = False
    """Take a station that offers no sub-protocol for a 1.6 station (field quirk 1)."""
    heartbeat_s: int = 300
    messages_per_second: float = 250.0
    messages_burst: float = 1_000.0
    frame_bytes_max: int = 1_048_576


class Refusal(Struct, frozen=True):
    """Why the door stays shut, as an HTTP status."""

    status: int
    reason: str


class Gateway:
    """All stations of this process."""

    def __init__(
        self,
        rooms: Rooms,
        *,
        links: Links,
        committer: Committer,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        options: GatewayOptions,
    ) -> None:
        self.rooms = rooms
        self.options = options
        self.budget = Budget(options.messages_per_second, options.messages_burst)
        self.counts = Counts()
        self.heartbeat_s = options.heartbeat_s
        self.quirks = QuirkDesk(rooms.catalogue, speaks=VERSIONS)
        self._quirks_told_s = time.monotonic()
        self._telling_quirks = False
        self.monotonic = time.monotonic
        self.beat_s = time.monotonic()
        self._links_board = links
        self._committer = committer
        self.submit = committer.submit
        self._clock = clock
        self._moment: datetime | None = None
        self._tasks = tasks
        self._doors: dict[StationId, Door] = {}
        self._links: dict[StationId, StationLink] = {}
        self._leaving: dict[StationId, StationLink] = {}
        """Closed, with a message still on its way to the database."""
        self._loading: list[StationLink] = []
        self._load_wanted = asyncio.Event()
        self._calling: set[StationLink] = set()
        self._knocks: OrderedDict[StationId, tuple[float, int]] = OrderedDict()
        self._strangers = (0.0, 0)
        self._request_id = 0
        self._stopping = False

    async def open(self) -> None:
        """Load the doors, and forget what a crash left behind. Before the listener listens."""
        await self.rooms.stations.forget_connections(self.options.name, self.now())
        for door in await self.rooms.stations.doors():
            self._doors[door.id] = door
        self._request_id = int(self.now().timestamp()) & 0x3FFFFFFF
        self._tasks.create_task(self._load_forever())
        self._tasks.create_task(self._sweep_forever())

    # ---- the door -----------------------------------------------------------------------------

    def admit(self, identity: str, password: bytes | None) -> Door | Refusal:
        """Whether this identity may come in with this password. Asks nobody: it must answer now."""
        found = Refusal(503, "stopping") if self._stopping else self._admit(identity, password)
        if isinstance(found, Refusal):
            self.counts.refused_doors += 1
        return found

    def _admit(self, identity: str, password: bytes | None) -> Door | Refusal:
        try:
            station = station_id(identity)
        except StationIdInvalid:
            return Refusal(404, "no such station")
        door = self._doors.get(station)
        if door is None:
            return self._admit_stranger(station)
        if door.password is not None and (
            password is None or not same(self.rooms.stations.digest(password), door.password)
        ):
            return Refusal(401, "wrong password")
        if door.admission is Admission.BLOCKED:
            return Refusal(403, "blocked")
        if not self._may_knock(station):
            return Refusal(429, "too many connections")
        return door

    def _admit_stranger(self, station: StationId) -> Door | Refusal:
        if self.options.unknown_stations is UnknownStations.REFUSE or not self._stranger():
            return Refusal(404, "no such station")
        return Door(
            id=station,
            tenant=self.options.tenant,
            admission=Admission.PENDING,
            password=None,
            lenient=False,
            log_all=False,
        )

    def choose(self, offered: list[str], door: Door) -> Version | None:
        """The version to speak: the newest of ours that the station offers."""
        if not offered and self.options.assume_16:
            return VERSIONS["ocpp1.6"]
        if (spoken := self.quirks.spoken(door, offered, self.now())) is not None:
            return VERSIONS[spoken]
        for subprotocol, version in VERSIONS.items():
            if subprotocol in offered:
                return version
        return None

    def connected(self, door: Door, version: Version, wire: Wire) -> StationLink:
        """A socket is up: its link takes the place of the one before."""
        link = StationLink(self, door, version, wire)
        older = self._links.get(door.id)
        self._links[door.id] = link
        if older is not None:
            self.counts.superseded += 1
            older.close(CLOSE_POLICY, "a newer connection took its place")
            self._leave(older)
        if door.id not in self._leaving:
            self._load(link)
        return link

    def gone(self, link: StationLink, reason: str) -> None:
        """A socket is closed. Late news of an older one changes nothing."""
        link.on_gone(reason)
        self._leave(link)
        if self._links.get(link.door.id) is link:
            del self._links[link.door.id]
        self._links_board.drop(link.door.id, link)
        self._calling.discard(link)

    def _leave(self, link: StationLink) -> None:
        """What a closed link has on its way is committed before a newer one loads."""
        if link.in_hand:
            self._leaving[link.door.id] = link
            link.when_settled(lambda: self._left(link.door.id))

    def _left(self, station: StationId) -> None:
        self._leaving.pop(station, None)
        newest = self._links.get(station)
        if newest is not None and newest.live is None:
            self._load(newest)

    async def station_changed(self, station: StationId) -> None:
        """Somebody changed what the door must know."""
        found = await self.rooms.stations.doors([station])
        before = self._doors.pop(station, None)
        link = self._links.get(station)
        if found:
            self._doors[station] = found[0]
        if link is None:
            return
        if not found or found[0].admission is Admission.BLOCKED:
            link.close(CLOSE_POLICY, "not admitted")
        elif before is not None and found[0].password != before.password:
            link.close(CLOSE_POLICY, "the password changed")
        elif found[0].admission is not link.door.admission:
            link.door = found[0]
            self.reload(link)
        else:
            link.door = found[0]
        link.fit()

    def __len__(self) -> int:
        return len(self._links)

    @property
    def accepting(self) -> bool:
        """Whether stations may come in; not any more once we stop."""
        return not self._stopping

    def load_now(self) -> tuple[int, int]:
        """Sessions that run at the stations that are connected here, and their power in W."""
        running, power_w = 0, 0
        for link in self._links.values():
            if link.sessions is None:
                continue
            ahead = link.sessions.ahead
            for session in link.sessions.known.values():
                if session.state is SessionState.ACTIVE:
                    running += 1
                    power_w += ahead.get(session.transaction, session.progress).power_w or 0
        return running, power_w

    # ---- what links ask of their house ----------------------------------------------------------

    def now(self) -> datetime:
        """The moment: one for all that arrives in the same turn of the loop."""
        moment = self._moment
        if moment is None:
            self._moment = moment = self._clock.now()
            asyncio.get_running_loop().call_soon(self._move_on)
        return moment

    def _move_on(self) -> None:
        self._moment = None

    def offer(self, changes: Changes) -> bool:
        return self._committer.offer(changes)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.create_task(work)

    def calling(self, link: StationLink) -> None:
        self._calling.add(link)

    def next_request_id(self) -> int:
        self._request_id = (self._request_id + 1) & 0x7FFFFFFF
        return self._request_id

    def identify(self, link: StationLink) -> None:
        """Its boot told what it is: so is it known, also when it knocks again."""
        if link.live is not None:
            link.door = identified(link.door, link.live.station)
            if link.door.id in self._doors:
                self._doors[link.door.id] = link.door

    def reload(self, link: StationLink) -> None:
        """Live state in memory is ahead of what was committed, or behind it: load it anew."""
        if link.held:
            # It is about to be loaded; what that reads may be older than what changed.
            link.stale = True
            return
        link.hold()
        link.when_settled(lambda: self._load(link))

    # ---- stopping -------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Let nobody in, finish what is in hand, close all sockets, a few at a time."""
        self._stopping = True
        for link in self._links.values():
            link.hold()
        self.tell_quirks()
        await self._committer.drained()
        for count, link in enumerate(list(self._links.values()), 1):
            link.close(CLOSE_GOING_AWAY, "the platform stops")
            self.gone(link, "stop")
            if count % (CLOSES_PER_SECOND // 10) == 0:
                await asyncio.sleep(0.1)
        await self._committer.drained()

    # ---- inside ---------------------------------------------------------------------------------

    def _load(self, link: StationLink) -> None:
        self._loading.append(link)
        self._load_wanted.set()

    async def _load_forever(self) -> None:
        while True:
            await self._load_wanted.wait()
            # Those that connect in the same turn of the loop are loaded together.
            await asyncio.sleep(0)
            batch, self._loading = self._loading[:LOAD_MAX], self._loading[LOAD_MAX:]
            if not self._loading:
                self._load_wanted.clear()
            batch = [link for link in batch if not link.closed]
            if batch:
                try:
                    await self._load_some(batch)
                except DatabaseAway:
                    self._loading.extend(batch)
                    self._load_wanted.set()
                    await asyncio.sleep(LOAD_RETRY_S)
                except ForecourtError as error:
                    log.exception("gateway.load_failed", code=error.code)
                    for link in batch:
                        link.close(CLOSE_POLICY, "cannot be served now")

    async def _load_some(self, batch: list[StationLink]) -> None:
        now = self.now()
        welcome = self.options.unknown_stations is UnknownStations.PENDING
        for link in batch:
            if link.door.id not in self._doors and welcome:
                await self._make_known(link, now)
        asked = {
            link.door.id: (link.door.id, link.version.dialect.subprotocol, now)
            for link in batch
            if not link.closed
        }
        if not asked:
            return
        stations = await self.rooms.stations.connect(list(asked.values()), self.options.name)
        sessions = await self.rooms.sessions.load(list(stations), now)
        for link in batch:
            live: LiveStation | None = stations.get(link.door.id)
            if live is None:
                link.close(CLOSE_POLICY, "no such station")
            elif link.stale:
                link.stale = False
                self._load(link)
            elif not link.closed and self._links.get(link.door.id) is link:
                self._links_board.put(link.door.id, link)
                link.loaded(live, sessions[link.door.id])

    async def _make_known(self, link: StationLink, now: datetime) -> None:
        """A stranger knocked where strangers are welcome to wait."""
        door = link.door
        ctx = Context(actor=f"station:{door.id}", tenant=door.tenant, now=now)
        new = NewStation(id=door.id, admission=Admission.PENDING)
        try:
            await self.rooms.stations.add(ctx, new)
        except StationExists:
            # Known, with a password perhaps; only this door had not heard of it yet.
            log.info("gateway.stranger_known", station=door.id)
            await self.station_changed(door.id)
            link.close(CLOSE_POLICY, "knock again")
        else:
            self._doors[door.id] = door

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            now_s = self.monotonic()
            elapsed_s, self.beat_s = now_s - self.beat_s, now_s
            for link in list(self._calling):
                if not link.tick(now_s):
                    self._calling.discard(link)
            for link in list(self._links.values()):
                link.sweep(now_s, elapsed_s)
                if link.handling is not None:
                    link.handling.beat(link, now_s)
                self._check_alive(link, now_s)
            if now_s - self._quirks_told_s >= QUIRKS_TOLD_EVERY_S:
                self.tell_quirks()

    def tell_quirks(self) -> None:
        """Tell the record how often quirks were met: now and then, never for each message."""
        self._quirks_told_s = self.monotonic()
        if self._telling_quirks:
            return  # Two of these in one commit would count the second alone.
        changes = Changes("gateway:quirks", "quirk uses")
        self.rooms.stations.quirks_used(self.quirks.drain(), changes)
        if changes.rows:
            self._telling_quirks = True
            self.submit(changes, self._quirks_told)

    def _quirks_told(self, error: BaseException | None) -> None:
        self._telling_quirks = False
        if error is not None:
            log.warning("gateway.quirks_not_counted", error=str(error))

    def _check_alive(self, link: StationLink, now_s: float) -> None:
        silent_s = now_s - link.heard_s
        if silent_s < PING_AFTER_S:
            return
        if not link.pinged:
            link.ping()
        elif (link.answers_pings and silent_s > PING_AFTER_S + PONG_WITHIN_S) or (
            silent_s > self.heartbeat_s * HEARTBEATS_MISSED_MAX
        ):
            link.close(CLOSE_GOING_AWAY, "silent")
            self.gone(link, "silent")

    def _may_knock(self, station: StationId) -> bool:
        now_s = self.monotonic()
        since_s, count = self._knocks.pop(station, (now_s, 0))
        if now_s - since_s > KNOCKS_WITHIN_S:
            since_s, count = now_s, 0
        self._knocks[station] = (since_s, count + 1)
        if len(self._knocks) > KNOCKERS_KEPT_MAX:
            self._knocks.popitem(last=False)
        return count < KNOCKS_MAX

    def _stranger(self) -> bool:
        now_s = self.monotonic()
        since_s, count = self._strangers
        if now_s - since_s > 60:  # noqa: PLR2004 (a minute)
            since_s, count = now_s, 0
        self._strangers = (since_s, count + 1)
        return count < STRANGERS_PER_MINUTE
