"""The gateway: which stations may come in, which are here, and what is done for all of them.

Keeps the doors (identity, admission, password digest) of all stations in memory, since the listener
must answer before it can ask anybody; events refresh them. Loads the live state of those that
connect, many at once. Only the newest socket of a station is alive.
"""

import asyncio
import time
from collections.abc import Coroutine, Iterator
from datetime import datetime
from typing import Any, Final

import structlog

from forecourt.base.clock import Clock
from forecourt.base.context import Context
from forecourt.base.errors import ForecourtError
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.rooms import Rooms
from forecourt.domain.sessions import SessionState
from forecourt.domain.stations import (
    Admission,
    Arrival,
    Door,
    Entry,
    Links,
    LiveStation,
    NewStation,
    Ping,
    Shut,
    StationExists,
    lets_in,
)
from forecourt.edge.ocpp.doors import Admitted, Doors, Refusal
from forecourt.edge.ocpp.knock import Knock
from forecourt.edge.ocpp.options import GatewayOptions, UnknownStations
from forecourt.edge.ocpp.quirks import QuirkDesk, identified
from forecourt.edge.ocpp.session import (
    CLOSE_GOING_AWAY,
    CLOSE_POLICY,
    StationLink,
)
from forecourt.edge.ocpp.traced import TracedLink
from forecourt.edge.ocpp.versions import VERSIONS, Version
from forecourt.edge.ocpp.watch import Watch
from forecourt.edge.ocpp.wire import Budget, Counts, Wire
from forecourt.infra.commit import Changes, Committer
from forecourt.infra.database import DatabaseAway
from forecourt.infra.tracing import Tracing

log = structlog.get_logger(__name__)

# How many stations one query loads; a storm of reconnections is a few dozen of them.
LOAD_MAX: Final = 500
LOAD_RETRY_S: Final = 0.5
SWEEP_EVERY_S: Final = 1.0
# Ten thousand links at once would hold up everybody's answer by some fifteen milliseconds.
SWEEP_PARTS: Final = 20
# A silent station is pinged; one that answered pings before must answer this one.
PING_AFTER_S: Final = 60.0
PONG_WITHIN_S: Final = 30.0
# One that never answered a ping is given this many of its heartbeats.
HEARTBEATS_MISSED_MAX: Final = 2.5
QUIRKS_TOLD_EVERY_S: Final = 60.0
# Stopping closes this many sockets a second, so that not all come back in one moment.
CLOSES_PER_SECOND: Final = 5_000


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
        tracing: Tracing | None = None,
    ) -> None:
        self.rooms = rooms
        self._tracing = tracing
        self.options = options
        self.budget = Budget(options.messages_per_second, options.messages_burst)
        self.counts = Counts()
        self.heartbeat_s = options.heartbeat_s
        self.watch = Watch()
        self.watch.changed = self._watched
        self.quirks = QuirkDesk(rooms.catalogue, speaks=VERSIONS)
        self._quirks_told_s = time.monotonic()
        self._telling_quirks = False
        self.monotonic = time.monotonic
        self.beat_s = time.monotonic()
        self._links_board = links
        links.at_once = self.station_changed
        self._committer = committer
        self.submit = committer.submit
        self._clock = clock
        self._moment: datetime | None = None
        self.tasks = tasks
        self._door = Doors(
            rooms.stations,
            options=options,
            counts=self.counts,
            monotonic=self.monotonic,
            report=self._report_login,
        )
        self._doors = self._door.known
        self._links: dict[StationId, StationLink] = {}
        self._entries: dict[StationId, Entry] = {}
        """How each of these came in."""
        self._leaving: dict[StationId, StationLink] = {}
        """Closed, with a message still on its way to the database."""
        self._loading: list[StationLink] = []
        self._load_wanted = asyncio.Event()
        self._calling: set[StationLink] = set()
        self._knocks = self._door.knocks
        self._request_id = 0
        self._stopping = False

    async def open(self) -> None:
        """Load the doors, and forget what a crash left behind. Before the listener listens."""
        await self.rooms.stations.forget_connections(self.options.name, self.now())
        await self._door.load()
        self._request_id = int(self.now().timestamp()) & 0x3FFFFFFF
        self.tasks.create_task(self._load_forever())
        self.tasks.create_task(self._sweep_forever())

    # ---- the door -----------------------------------------------------------------------------

    def admit(self, knock: Knock) -> Admitted | Refusal:
        """Whether this identity may come in with what it brought. Asks nobody: it must answer."""
        if self._stopping:
            self.counts.refused_doors += 1
            return Refusal(503, "stopping")
        return self._door.admit(knock)

    def _report_login(self, door: Door, shut: Shut, address: str, attempts: int) -> None:
        ctx = Context(actor="gateway:door", tenant=door.tenant, now=self.now())
        changes = Changes(ctx.actor, "login_failed")
        self.rooms.stations.login_failed(
            ctx, door, shut, changes, address=address, attempts=attempts
        )
        self._committer.offer(changes)

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

    def connected(self, admitted: Admitted, version: Version, wire: Wire) -> StationLink:
        """A socket is up: its link takes the place of the one before."""
        door = admitted.door
        link = self._link(door, version, wire)
        self._entries[door.id] = admitted.entry
        older = self._links.get(door.id)
        self._links[door.id] = link
        if older is not None:
            self.counts.superseded += 1
            older.close(CLOSE_POLICY, "a newer connection took its place")
            self._leave(older)
        if door.id not in self._leaving:
            self._load(link)
        return link

    def _link(self, door: Door, version: Version, wire: Wire) -> StationLink:
        if self._tracing is None:
            return StationLink(self, door, version, wire)
        return TracedLink(self, door, version, wire, self._tracing)

    def gone(self, link: StationLink, reason: str) -> None:
        """A socket is closed. Late news of an older one changes nothing."""
        link.on_gone(reason)
        self._leave(link)
        if self._links.get(link.door.id) is link:
            del self._links[link.door.id]
            del self._entries[link.door.id]
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
        door = await self._door.refresh(station)
        link = self._links.get(station)
        if link is None:
            return
        if door is None or door.admission is Admission.BLOCKED:
            link.close(CLOSE_POLICY, "not admitted")
        elif not lets_in(door, self._entries[station]):
            link.close(CLOSE_POLICY, "what it came in by is good no more")
        elif door.admission is not link.door.admission:
            link.door = door
            self.reload(link)
        else:
            link.door = door
        link.fit()

    def certificate_revoked(self, serial: str) -> None:
        """A certificate is good no more: whoever came in by it leaves."""
        for station, entry in list(self._entries.items()):
            if entry.certificate and entry.certificate.lower() == serial.lower():
                link = self._links.get(station)
                if link is not None:
                    link.close(CLOSE_POLICY, "its certificate was revoked")

    def _watched(self, station: StationId, watched: bool) -> None:  # noqa: FBT001 (a callback)
        link = self._links.get(station)
        if link is not None:
            link.raw.watched = watched

    def __len__(self) -> int:
        return len(self._links)

    def tls_failed(self) -> None:
        """A TLS handshake failed: nobody knows yet whose it was."""
        self.counts.tls_failed += 1

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

    def progress(self) -> Iterator[tuple[TenantId, StationId, dict[str, object]]]:
        """How far each session is that runs at a station that is connected here."""
        for link in list(self._links.values()):
            if link.sessions is None:
                continue
            for session in link.sessions.known.values():
                if session.state is SessionState.ACTIVE:
                    now = link.sessions.ahead.get(session.transaction, session.progress)
                    yield (
                        session.tenant,
                        session.station,
                        {
                            "session": session.id,
                            "evse_no": session.evse_no,
                            "power_w": now.power_w,
                            "energy_wh": now.energy_wh,
                            "soc_pct": now.soc_pct,
                        },
                    )

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
        self.tasks.create_task(work)

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
            link.door.id: Arrival(
                station=link.door.id,
                protocol=link.version.name,
                at=now,
                entry=self._entries[link.door.id],
            )
            for link in batch
            if not link.closed and link.door.id in self._entries
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
        """Look after each link once a second, some at a time: nobody is answered meanwhile."""
        began_s = self.monotonic()
        while True:
            links = list(self._links.values())
            elapsed_s, began_s = self.monotonic() - began_s, self.monotonic()
            paid_back = elapsed_s * self.budget.per_second
            for part in range(SWEEP_PARTS):
                await asyncio.sleep(SWEEP_EVERY_S / SWEEP_PARTS)
                self.beat_s = now_s = self.monotonic()
                for link in list(self._calling):
                    if not link.tick(now_s):
                        self._calling.discard(link)
                for link in links[part::SWEEP_PARTS]:
                    if not link.closed:
                        self._sweep(link, now_s, paid_back)
            if self.beat_s - self._quirks_told_s >= QUIRKS_TOLD_EVERY_S:
                self.tell_quirks()

    def _sweep(self, link: StationLink, now_s: float, paid_back: float) -> None:
        link.sweep(now_s, paid_back)
        if link.handling is not None:
            link.handling.beat(link, now_s)
        if now_s - link.heard_s >= PING_AFTER_S:
            self._check_alive(link, now_s)

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
        ping = link.door.ping
        must_answer = link.answers_pings or ping is Ping.ALWAYS
        if not link.pinged and ping is not Ping.NEVER:
            link.ping()
        elif (link.pinged and must_answer and silent_s > PING_AFTER_S + PONG_WITHIN_S) or (
            silent_s > self.heartbeat_s * HEARTBEATS_MISSED_MAX
        ):
            link.close(CLOSE_GOING_AWAY, "silent")
            self.gone(link, "silent")
