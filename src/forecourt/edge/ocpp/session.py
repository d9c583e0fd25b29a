"""One connected station: carries frames between its socket, the conversation and the rooms.

Its messages are handled strictly one after another, each answered after its commit; answers to our
own calls pass by that line, since each direction is independent (OCPP-J 4.1.1). Frames that come
faster than they can be handled wait in a short line, and past that in the station's own socket.

Decides nothing: routes and rooms do. Knows no listener: the transport is a few functions.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

import structlog

from forecourt.base.context import Context
from forecourt.base.errors import ForecourtError
from forecourt.domain.sessions import LiveSessions, Turn
from forecourt.domain.stations import (
    Admission,
    Answer,
    Ask,
    Door,
    Known,
    LiveStation,
    Trigger,
    may_transact,
)
from forecourt.edge.ocpp.asking import Asking, unready
from forecourt.edge.ocpp.asks.table import Asked, Facts, bids
from forecourt.edge.ocpp.certificates import remember
from forecourt.edge.ocpp.host import House
from forecourt.edge.ocpp.rawlog import Kept, Line, RawLog, ours_of
from forecourt.edge.ocpp.routes import REFUSALS, Call, Route
from forecourt.edge.ocpp.versions import Version
from forecourt.edge.ocpp.wire import Wire
from forecourt.infra.commit import Changes, Fenced, StorageFull, unheard
from forecourt.infra.database import DatabaseAway
from forecourt.protocol.ocpp.dialect import ErrorReason
from forecourt.protocol.ocpp.events import (
    Answered,
    Event,
    Failed,
    Malformed,
    Received,
    Sent,
)
from forecourt.protocol.ocpp.lenient import Fix
from forecourt.protocol.ocpp.rpc import Connection
from forecourt.protocol.ocpp.values import Message

log = structlog.get_logger(__name__)

# A station has one call open at a time; more than this waiting is a flood: stop reading its socket.
INBOX_PAUSE: Final = 8
# What was read from the socket before the pause took hold; past this it is an attack: hang up.
INBOX_MAX: Final = 4096
# Of the messages that come all the time the raw log keeps one in this many.
SAMPLE_ONE_IN: Final = 1000
# Of what cannot be used or is refused, so many a second tell the cause; more only fills the disk.
USELESS_KEPT_PER_S: Final = 10
BOOT: Final = "BootNotification"
DATABASE_RETRY_S: Final = 0.5

# Why the next message waits: one is in hand until its commit; or live state is being loaded.
IN_HAND, HELD = 1, 2

CLOSE_OK: Final = 1000
CLOSE_GOING_AWAY: Final = 1001
CLOSE_POLICY: Final = 1008
CLOSE_INTERNAL: Final = 1011


class StationLink:
    """Drives one conversation. There may be two for a moment; only the newest is alive."""

    __slots__ = (
        *("_actor", "_admitted", "_asking", "_bidden", "_boot_wanted", "_busy", "_call"),
        *("_changes", "_conn", "_data", "_draining", "_frame", "_house", "_inbox", "_kept"),
        *("_message_id", "_paused", "_settled", "_unlogged", "_wire", "answers_pings"),
        *("booted_here", "closed", "door", "handling", "heard", "heard_s", "live", "pinged"),
        *("raw", "sessions", "spent", "stale", "version"),
    )

    def __init__(
        self, house: "House[StationLink]", door: Door, version: Version, wire: Wire
    ) -> None:
        self._house = house
        self._wire = wire
        self._conn = Connection(version.dialect, accepts=version.dialect.from_station)
        self._inbox: deque[tuple[Received, bytes]] | None = None
        self._busy = HELD
        """IN_HAND, HELD, both, or 0."""
        self._draining = self._paused = False
        self._kept = 0
        self._settled: Callable[[], None] | None = None
        self._asking: Asking | None = None
        self._bidden: frozenset[str] = frozenset()
        """What a station that is not admitted may send, because we asked for it."""
        self._boot_wanted = False
        self._unlogged = 0
        self._actor = f"station:{door.id}"
        self._message_id: str | None = None
        self._data = b""
        self._frame = b""
        """The message that is being committed, and its answer, which waits for that."""
        self._call: Call | None = None
        self._changes = Changes(self._actor)
        """What the message in hand changes: one at a time, so one for all of them."""
        self._admitted = False
        self.raw = RawLog(house.rooms.stations, house.watch, door.id)
        self.door = door
        self.version = version
        self.live: LiveStation | None = None
        self.sessions: LiveSessions | None = None
        self.booted_here = False
        self.closed = False
        self.heard = False
        """Something came since the last sweep."""
        self.heard_s = house.beat_s
        self.pinged = False
        self.answers_pings = False
        self.stale = False
        """What is being loaded for it is not new enough."""
        self.spent = 0.0
        """Messages above what the station may send; the sweep pays some back each second."""
        self.fit()

    # ---- the socket's side ----------------------------------------------------------------------

    def on_frame(self, data: bytes) -> None:
        """One text message from the station."""
        self.heard = True
        self.spent += 1
        if self.spent > self._house.budget.burst and not self._paused:
            self._pause()
        event = self._conn.receive(data, self._house.beat_s)
        if type(event) is Received:
            if event.repairs:
                self._house.quirks.used(self.door, event.repairs, self._house.now())
            if self._busy:
                self._wait_in_line(event, data)
            else:
                self._handle(event, data)
        elif event is not None:
            self._heed(event, data)
        elif self.handling is not None:
            self._house.quirks.used(self.door, (Fix.EMPTY_FRAME,), self._house.now())

    def on_alive(self) -> None:
        """The station sent something that is no message."""
        self.heard = True

    def on_pong(self) -> None:
        """The station answers pings: from now on it is held to it."""
        self.answers_pings = True
        self.on_alive()

    def on_gone(self, reason: str) -> None:
        """The socket is closed, by whomever."""
        if self.closed:
            return
        self.closed = True
        self._fail_asked()
        self._inbox = None
        live = self.live
        if live is not None:
            changes = Changes(self._actor, "disconnected")
            ctx = self._context()
            self._house.rooms.stations.disconnected(ctx, live, reason, changes)
            self._house.submit(changes, unheard)

    def sweep(self, now_s: float, paid_back: float) -> None:
        """Once a second: note whether it was heard, pay its budget back, read it again."""
        if self.heard:
            self.heard, self.heard_s, self.pinged = False, now_s, False
            if not self.booted_here and not self._boot_wanted:
                self._want_boot()
        self._kept = 0
        if self.spent:
            self.spent = self.spent - paid_back if self.spent > paid_back else 0.0
            if self._paused:
                self._unpause()

    def tick(self, now_s: float) -> bool:
        """Give up on calls that were not answered in time; whether one is still open."""
        for event in self._conn.tick(now_s):
            self._heed(event, b"")
        self._flush()
        return self._conn.deadline() is not None

    # ---- the gateway's side ---------------------------------------------------------------------

    def loaded(self, live: LiveStation, sessions: LiveSessions) -> None:
        """Live state is there; begin, or go on."""
        self.live, self.sessions = live, sessions
        turn = Turn(self._context(), live, sessions, Changes())
        self._call = Call(turn, self._house.rooms, self)
        self._admitted = may_transact(live.station.admission)
        self._busy = 0
        self._go_on()

    def hold(self) -> None:
        """Begin no further message until live state is loaded."""
        self._busy |= HELD

    @property
    def held(self) -> bool:
        """Whether it waits for live state."""
        return bool(self._busy & HELD)

    def ping(self) -> None:
        """Ask the socket whether somebody is there."""
        self.pinged = True
        self._wire.ping()

    def close(self, code: int, reason: str) -> None:
        """Hang up."""
        if not self.closed:
            self._wire.close(code, reason)
            self.on_gone(reason)

    def when_settled(self, then: Callable[[], None]) -> None:
        """Call ``then`` once nothing of this link is on its way to the database.

        Only the last that was said counts: a link whose state is to be loaded anew may be
        superseded meanwhile, and then nobody wants its state.
        """
        if self._busy & IN_HAND:
            self._settled = then
        else:
            then()

    @property
    def in_hand(self) -> bool:
        """Whether a message is being decided or committed."""
        return bool(self._busy & IN_HAND)

    @property
    def heartbeat_s(self) -> int:
        return self._house.heartbeat_s

    def booted(self, admission: Admission) -> None:
        """The station is about to be told whether it may take part."""
        self.booted_here = True
        self._admitted = may_transact(admission)
        self._house.identify(self)
        self.fit()

    def fit(self) -> None:
        """Take up how a station of its kind is handled: known now, or known otherwise."""
        self.handling = self._house.quirks.handling(self.door, self._house.now)
        self._conn.forgive(None if self.handling is None else self.handling.lenient)

    def inventory(self, request_id: int) -> bool:
        return self._asking is not None and request_id in self._asking.inventories

    # ---- commands -------------------------------------------------------------------------------

    @property
    def judged_by(self) -> frozenset[str]:
        """The variables that tell what this station can do."""
        return self.version.speech.needed

    async def ask(self, command: Ask, known: Known) -> Answer:
        """Put a command to the station; its own answer, or why there is none."""
        station = None if self.closed or self.live is None else self.live.station
        asked: Asked | Answer | None
        asked = unready(station, command, told=self.booted_here or self._boot_wanted)
        if asked is None:
            asked = self.version.speech.ask(command, self._facts(known))
        if self.handling is not None:
            now, now_s = self._house.now(), self._house.monotonic()
            asked = self.handling.said(command, asked, now, now_s)
        if isinstance(asked, Answer):
            return asked
        if not self._admitted:
            self._bidden |= bids(asked.requests)
        if self._asking is None:
            self._asking = Asking(self._conn, self._house.monotonic)
        answer = await self._asking.ask(command, asked, self._called)
        await remember(self._house.rooms, self._context(), self.door.id, command, answer)
        return answer

    def _called(self) -> None:
        """A call of ours is open, or in line."""
        self._house.calling(self)
        self._flush()

    def _facts(self, known: Known) -> Facts:
        return Facts(request_id=self._house.next_request_id(), now=self._house.now(), known=known)

    # ---- inside: a call of the station's --------------------------------------------------------

    def _handle(self, event: Received, data: bytes) -> None:
        """Decide, submit, answer after the commit."""
        call = self._call
        assert call is not None, "nothing is handled before live state is loaded"
        self._busy |= IN_HAND
        # One message at a time, so one Call serves them all.
        call.ctx = ctx = Context(actor=self._actor, tenant=self.door.tenant, now=self._house.now())
        call.changes = changes = self._changes
        changes.rows, changes.what = [], event.action
        route = self.version.routes.get(type(event.request))
        if route is None:
            self._refuse(event, ErrorReason.NOT_SUPPORTED, "not supported yet", data)
            return
        if not self._admitted and event.action != BOOT and event.action not in self._bidden:
            self._refuse(event, ErrorReason.SECURITY, "not accepted yet: boot first", data)
            return
        due = ctx.now >= call.station.seen_due
        if due:
            self._house.rooms.stations.seen(ctx, call.station, changes)
        try:
            answer = route.handler(call, event.request)
        except ForecourtError as error:
            self._refuse(event, REFUSALS[error.kind], error.message, data)
        except Exception:  # The boundary: one broken message must not cost the link.
            log.exception("station.handler_failed", station=self.door.id, action=event.action)
            self._stumble(event, data)
        else:
            if isinstance(answer, Message):
                if due:  # Not before: a stop that was lost may be what it tells.
                    self._house.rooms.sessions.end_lost(call)
                self._submit(event, data, answer, call, sampled=route.periodic)
            else:
                self._house.spawn(self._handle_slowly(event, data, route, answer, call))

    async def _handle_slowly(
        self,
        event: Received,
        data: bytes,
        route: Route,
        answer: Coroutine[Any, Any, Message],
        call: Call,
    ) -> None:
        """The same for what must be read first."""
        try:
            message = await self._patiently(event, route, answer, call)
        except ForecourtError as error:
            self._refuse(event, REFUSALS[error.kind], error.message, data)
        except Exception:  # The boundary: one broken message must not cost the link.
            log.exception("station.handler_failed", station=self.door.id, action=event.action)
            self._stumble(event, data)
        else:
            if message is not None:
                self._submit(event, data, message, call, sampled=False)
            else:
                self._settle()

    async def _patiently(
        self, event: Received, route: Route, answer: Coroutine[Any, Any, Message], call: Call
    ) -> Message | None:
        """Try again while the database is away; None when the station gave up before.

        A refusal would lose what the station tells: it gives a message up that was refused thrice.
        """
        while True:
            try:
                return await answer
            except DatabaseAway:
                await asyncio.sleep(DATABASE_RETRY_S)
            if self.closed:
                return None
            call.changes = Changes(self._actor, event.action)
            again = route.handler(call, event.request)
            if isinstance(again, Message):
                return again
            answer = again

    def _submit(
        self, event: Received, data: bytes, answer: Message, call: Call, *, sampled: bool
    ) -> None:
        """Have the changes committed; the answer waits for that."""
        self._message_id, self._data = event.message_id, data
        self._frame = frame = self._conn.answer(event.message_id, answer)
        changes = call.changes
        if not sampled or self._keeps(event):
            kept = Kept(event.action, data, (frame,), event.repairs, call.ctx.now, True)
            self._log(changes, kept)
        if changes.rows:
            self._house.submit(changes, self._committed)
        else:
            self._committed(None)

    def _committed(self, error: BaseException | None) -> None:
        """The commit is over: answer, or say that it failed and begin anew from the record."""
        if self.closed or self._settled is not None:
            self._settle()
        if self.closed:
            if error is not None:
                self._keep_failed(error)
            return
        if error is None:
            if self.raw.watched:
                said = Line(self._changes.what, self._frame, inbound=False)
                self.raw.tell(self.door, self._house.now(), said)
            self._wire.send(self._frame)
            if self._inbox is None:
                self._busy &= HELD
            else:
                self._go_on()
            return
        if isinstance(error, Fenced):
            self.close(CLOSE_POLICY, "another connection of this station is newer")
            return
        message_id = self._message_id
        assert message_id is not None
        reason = "no space left" if isinstance(error, StorageFull) else "internal error"
        self._conn.refuse(message_id, ErrorReason.INTERNAL, reason)
        frames = self._conn.data_to_send()
        self._keep_failed(error, frames)
        for frame in frames:
            self._wire.send(frame)
        self._busy &= HELD
        # What was decided in memory did not come to be: load what did.
        self._house.reload(self)

    def _refuse(self, event: Received, reason: ErrorReason, text: str, data: bytes) -> None:
        """A message that changes nothing is refused at once."""
        self._settle()
        if self.closed:
            return
        self._conn.refuse(event.message_id, reason, text)
        frames = self._conn.data_to_send()
        self._keep_frame(event.action, data, text, frames)
        for frame in frames:
            self._wire.send(frame)
        self._go_on()

    def _stumble(self, event: Received, data: bytes) -> None:
        """Our own mistake: refuse, and forget what the handler may have decided by half."""
        self._house.reload(self)
        self._refuse(event, ErrorReason.INTERNAL, "internal error", data)

    def _go_on(self) -> None:
        """Take the next from the line, if somebody waits."""
        self._busy &= HELD
        inbox = self._inbox
        if inbox is None or self._draining:
            return  # What was answered at once goes on in the loop below, not one call deeper.
        self._draining = True
        while inbox and not self._busy and not self.closed:
            self._handle(*inbox.popleft())
        self._draining = False
        if self._paused:
            self._unpause()
        if not inbox and self._inbox is inbox:
            self._inbox = None

    def _settle(self) -> None:
        """Nothing is in hand any more: tell who waits for that, also when the socket is gone."""
        self._busy &= HELD
        if self._settled is not None:
            then, self._settled = self._settled, None
            then()

    def _want_boot(self) -> None:
        """Ask a station that talks but never told what it is, once (field quirk 18)."""
        live, said_something = self.live, self._message_id is not None
        if self.closed or not said_something or live is None or live.station.booted_at is not None:
            return
        self._boot_wanted = True
        self.trigger(Trigger(message="boot"))

    def trigger(self, wanted: Trigger) -> None:
        """Ask for a message that nobody waits for, unless something waits already."""
        asked = self.version.speech.ask(wanted, self._facts({}))
        if isinstance(asked, Asked) and not self.closed and not self._conn.waiting:
            self._conn.call(asked.requests[0], self._house.monotonic())
            self._called()

    def _wait_in_line(self, event: Received, data: bytes) -> None:
        if self._inbox is None:
            self._inbox = deque()
        self._inbox.append((event, data))
        if len(self._inbox) >= INBOX_MAX:
            self.close(CLOSE_POLICY, "too many messages at once")
        elif len(self._inbox) >= INBOX_PAUSE and not self._paused:
            self._pause()

    def _pause(self) -> None:
        """Leave what comes next in the station's own socket."""
        self._paused = True
        self._wire.pause()

    def _unpause(self) -> None:
        """Read on, once the line is short and the budget allows."""
        short = self._inbox is None or len(self._inbox) < INBOX_PAUSE
        if short and self.spent <= self._house.budget.burst and not self.closed:
            self._paused = False
            self._wire.resume()

    # ---- inside: everything but calls -----------------------------------------------------------

    def _heed(self, event: Event, data: bytes) -> None:
        if isinstance(event, Answered | Sent) and event.repairs:
            self._house.quirks.used(self.door, event.repairs, self._house.now())
        if data and isinstance(event, Answered | Failed):
            self._keep_ours([Line(type(event.request).__name__, data, inbound=True)])
        match event:
            case Answered(message_id=message_id, response=response):
                self._told(message_id, response)
            case Failed():
                self._not_told(event)
            case Malformed(code=code, description=description, action=action):
                self._house.counts.malformed += 1
                if action == BOOT and self.handling is None:
                    self._recognise(data)
                self._keep_frame("", data, f"{code}: {description}")
            case Sent(action=action, message=message):
                self._take(action, message, data)
            case _:
                self._house.counts.strays += 1
        self._flush()

    def _recognise(self, boot: bytes) -> None:
        """A boot that was refused for its form is repeated; then it can be read as it is meant."""
        known = self._house.quirks.recognised(self.door, self.version.dialect, boot)
        if known is not None:
            self.door = known
            self.fit()

    def _take(self, action: str, message: Message, data: bytes) -> None:
        """A message that wants no answer (2.1)."""
        route = self.version.sent.get(type(message))
        if route is None or self.live is None or self.sessions is None:
            self._keep_frame(action, data, "not handled")
            return
        changes = Changes(self._actor, action)
        turn = Turn(self._context(), self.live, self.sessions, changes)
        call = Call(turn, self._house.rooms, self)
        route.handler(call, message)
        self._house.offer(changes)

    def _told(self, message_id: str, response: Message) -> None:
        told = None if self._asking is None else self._asking.answered(message_id, response)
        if told is not None and told.variables:
            changes = Changes(self._actor, "variables")
            report = self._house.rooms.devices.reported
            report(self._context(), self.door.id, told.variables, changes, told.part)
            self._house.submit(changes, unheard)

    def _fail_asked(self) -> None:
        for event in self._conn.close():
            self._not_told(event)

    def _not_told(self, event: Failed) -> None:
        if self._asking is not None:
            self._asking.failed(event)

    def _flush(self) -> None:
        if self.closed:
            return
        frames = self._conn.data_to_send()
        for frame in frames:
            self._wire.send(frame)
        self._keep_ours(ours_of(frames))

    # ---- inside: the raw log --------------------------------------------------------------------

    def _keeps(self, event: Received) -> bool:
        """Of what comes all the time, one in many; all of it where somebody wants to look."""
        if self.door.log_all or self.raw.watched:
            return True
        if event.repairs and self._house.quirks.is_news(self.door.id, event.repairs):
            return True
        self._unlogged += 1
        if self._unlogged < SAMPLE_ONE_IN:
            return False
        self._unlogged = 0
        return True

    def _log(self, changes: Changes, kept: Kept) -> None:
        self.raw.keep(self.door, changes, self._house.now(), kept)

    def _keep_ours(self, some: Sequence[Line]) -> None:
        if some:
            changes = Changes(self._actor, "raw log")
            self.raw.keep_ours(self.door, changes, self._house.now(), some)
            self._house.offer(changes)

    def _keep_frame(self, action: str, data: bytes, why: str, sent: Sequence[bytes] = ()) -> None:
        """Log what changes nothing, within limits: no answer waits for it."""
        self._kept += 1
        if self._kept <= USELESS_KEPT_PER_S:
            self._log(changes := Changes(self._actor, "raw log"), Kept(action, data, sent, (why,)))
            self._house.offer(changes)

    def _keep_failed(self, error: BaseException, sent: Sequence[bytes] = ()) -> None:
        """Keep what could not be committed by a commit of its own: it is all that tells why."""
        if self._message_id is not None and not isinstance(error, Fenced | StorageFull):
            self._keep_frame(
                self._changes.what, self._data, f"not stored: {type(error).__name__}", sent
            )

    def _context(self) -> Context:
        return Context(actor=self._actor, tenant=self.door.tenant, now=self._house.now())
