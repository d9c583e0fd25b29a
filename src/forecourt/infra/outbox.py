"""The relay: carries events from the outbox to those who listen, in order, at least once.

Events lie in the table ``events``, written by the commit that made them true. The relay reads them
behind its mark, calls the handlers of each, and moves the mark. It reads only what no open
transaction can still come before: a number drawn first may be committed last, so the order is
(transaction, number), and transactions that are not over yet are left for the next turn.

A name is one process's at a time, by a lock in PostgreSQL: two that moved one mark would each miss
what the other has read.

Handlers are idempotent: after a crash the last few events come again. One that breaks on an event
is tried again and then passed over, with a line in the log: a platform that fell over it would fall
over it again after each start.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

import asyncpg
import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import text

from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.events import Event
from forecourt.base.ids import TenantId
from forecourt.infra.commit import AWAY
from forecourt.infra.database import EVENTS_CHANNEL, Database, DatabaseAway, Unit

Handler = Callable[[Any], Awaitable[None]]

BATCH_MAX: Final = 500
# Notices wake the relay; this is for those that were lost with a connection.
POLL_S: Final = 1.0
AGAIN_S: Final = 0.05
LOOKS_AGAIN: Final = 20
RETRY_S: Final = 1.0
# Of a handler that breaks: transactions that met do not meet thrice.
TRIES: Final = 3
# A process that died is gone for PostgreSQL once its socket is: at once, or, when its machine went
# with it, once the server has asked in vain.
CLAIM_WITHIN_S: Final = 40.0
CLAIM_AGAIN_S: Final = 0.5
_DEAD_AFTER: Final = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
# How many restored events one statement puts into the past.
RESTORED_STEP: Final = 10_000

log = structlog.get_logger(__name__)


class NameTaken(ForecourtError):
    """Another process works on this database under our name."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "relay.name_taken"


_CLAIM: Final = "SELECT pg_try_advisory_lock(hashtext('forecourt.relay'), hashtext($1))"

_start = text("""
    INSERT INTO relays (name, xid, seq)
    SELECT :name, coalesce(max(xid), '0'::xid8), coalesce(max(seq), 0) FROM (
      SELECT xid, seq FROM events WHERE xid < (SELECT settled_before())
      ORDER BY xid DESC, seq DESC LIMIT 1) AS newest
    ON CONFLICT (name) DO NOTHING""")

# A dump brings the transaction numbers of the server that wrote it. Those that this server has yet
# to give would hold a mark in its future, and come up as news when it gets there.
_bury = text("""
    UPDATE events SET xid = '0'::xid8 WHERE (seq, at) IN (
      SELECT seq, at FROM events WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())
      LIMIT :most)""")

_forget = text("""
    DELETE FROM relays WHERE xid >= pg_snapshot_xmax(pg_current_snapshot()) RETURNING name""")

# The mark by sub-selects, which the index takes as its bound. Joined to the relay's row, the mark
# filters what the index gives from its very beginning: all events that are kept, at each turn.
_next = text("""
    SELECT e.seq, CAST(e.xid AS text) AS xid, e.type, CAST(e.body AS text) AS body,
      e.tenant_id, e.subject, e.at
    FROM events e
    WHERE (e.xid, e.seq) > ((SELECT r.xid FROM relays r WHERE r.name = :name),
        (SELECT r.seq FROM relays r WHERE r.name = :name))
      AND e.xid < (SELECT settled_before())
    ORDER BY e.xid, e.seq LIMIT :most""")

_mark = text("""
    UPDATE relays SET xid = CAST(CAST(:xid AS text) AS xid8), seq = :seq WHERE name = :name""")


_missed = text("""
    SELECT e.seq, CAST(e.xid AS text) AS xid, e.type, CAST(e.body AS text) AS body,
      e.tenant_id, e.subject, e.at
    FROM events e
    WHERE (e.xid, e.seq) > (CAST(CAST(:xid AS text) AS xid8), CAST(:seq AS bigint))
      AND e.xid < (SELECT settled_before())
    ORDER BY e.xid, e.seq LIMIT :most""")


# A transaction that this server has yet to give is of another one's, before a dump came here.
_kept = text("""
    SELECT EXISTS (SELECT FROM events
      WHERE (xid, seq) = (CAST(CAST(:xid AS text) AS xid8), CAST(:seq AS bigint))
        AND xid < pg_snapshot_xmax(pg_current_snapshot()))""")


class Told(Struct, frozen=True):
    """An event as it lies in the outbox, for those who pass it on as it is."""

    place: str
    """Where it stands in the order of all: transaction and number; empty if it is kept nowhere."""
    tenant: TenantId
    type: str
    subject: str
    at: datetime
    body: str
    """JSON."""


Tap = Callable[[Told], None]


async def missed(unit: Unit, after: tuple[int, int], most: int) -> list[Told]:
    """What happened behind a place (transaction, number), inside the unit's walls."""
    names = {"xid": str(after[0]), "seq": after[1], "most": most}
    return [_told(row) for row in await unit.conn.execute(_missed, names)]


async def kept(unit: Unit, place: tuple[int, int]) -> bool:
    """Whether the event of a place is still here: if not, what came behind it may be gone, too."""
    found = await unit.conn.scalar(_kept, {"xid": str(place[0]), "seq": place[1]})
    return bool(found)


def _told(row: Any) -> Told:
    """By place: by name a row costs more than all else that is done with it here."""
    seq, xid, kind, body, tenant, subject, at = row
    return Told(f"{xid}-{seq}", TenantId(tenant), kind, subject, at, body)


class Relay:
    """Delivers events to handlers. One for each process; ``name`` keeps its place."""

    def __init__(
        self,
        db: Database,
        *,
        name: str,
        handlers: Mapping[type[Event], Sequence[Handler]],
        taps: Sequence[Tap] = (),
    ) -> None:
        """``taps`` are told every event, whatever it is, before its handlers."""
        self._db = db
        self._name = name
        self._taps = taps
        self._handlers = {
            str(kind.__struct_config__.tag): (msgspec.json.Decoder(kind), held)
            for kind, held in handlers.items()
        }
        self._woken = asyncio.Event()
        self._conn: asyncpg.Connection | None = None
        self._mine = asyncio.Event()
        self._looks = 0
        self.delivered = 0

    def wake(self) -> None:
        """There may be something new."""
        self._woken.set()

    async def open(self, *, within_s: float = CLAIM_WITHIN_S) -> None:
        """Begin with what happens from now on, if this relay never ran or ran on another server.

        Nothing that a dump brought along is delivered: its reader starts, and reads the tables.
        Raises NameTaken if another process holds the name for longer than ``within_s``.
        """
        await self._claim(within_s)
        buried = RESTORED_STEP
        while buried == RESTORED_STEP:
            async with self._db.house_unit() as unit:
                done = await unit.conn.execute(_bury, {"most": RESTORED_STEP})
                buried = done.rowcount
        async with self._db.house_unit() as unit:
            forgotten = (await unit.conn.execute(_forget)).scalars().all()
            await unit.conn.execute(_start, {"name": self._name})
        if forgotten:
            log.info("relay.restored", relays=", ".join(forgotten))

    def close(self) -> None:
        """Give the name back."""
        self._mine.clear()
        if self._conn is not None:
            self._conn.terminate()
            self._conn = None

    async def run(self) -> None:
        """Work until cancelled; the name is free again then."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen())
                await self._work()
        finally:
            self.close()

    async def _work(self) -> None:
        while True:
            await self._mine.wait()
            # Before the turn: what is told while it reads must not be slept over.
            self._woken.clear()
            try:
                more = await self._turn()
            except DatabaseAway:
                more = False
                await asyncio.sleep(RETRY_S)
            if not more:
                await self._rest()

    async def _turn(self) -> bool:
        """Deliver the next few; whether there may be more."""
        async with self._db.house_unit() as unit:
            query = await unit.conn.execute(_next, {"name": self._name, "most": BATCH_MAX})
            rows = query.all()
        for told in map(_told, rows):
            for tap in self._taps:
                tap(told)
            await self._deliver(told.type, told.body)
        if rows:
            async with self._db.house_unit() as unit:
                last = rows[-1]
                await unit.conn.execute(
                    _mark, {"name": self._name, "xid": last.xid, "seq": last.seq}
                )
        return len(rows) == BATCH_MAX

    async def _deliver(self, kind: str, body: str) -> None:
        decoder, handlers = self._handlers.get(kind, (None, ()))
        if decoder is None:
            return
        try:
            event = decoder.decode(body)
        except msgspec.ValidationError as error:
            # Another release told it in its own way; those behind it must not wait for ever.
            log.warning("relay.event_unreadable", event_type=kind, error=str(error))
            return
        for handler in handlers:
            await self._hand(kind, handler, event)
            self.delivered += 1

    async def _hand(self, kind: str, handler: Handler, event: Any) -> None:
        """Have one handler hear an event; what is wrong with it stops neither others nor us."""
        for left in reversed(range(TRIES)):
            try:
                await handler(event)
            except DatabaseAway:
                raise  # The whole turn again, once it is back.
            except ForecourtError as error:
                log.warning("relay.handler_failed", event_type=kind, code=error.code)
            except Exception:  # The boundary: a fault of ours, or two transactions that met.
                log.exception("relay.handler_broke", event_type=kind, tries_left=left)
                await asyncio.sleep(AGAIN_S)
                continue
            return

    async def _rest(self) -> None:
        """Until there may be something new.

        A notice may come before its events may be read, while an older transaction is open:
        after one, look again soon, and for a while.
        """
        try:
            async with asyncio.timeout(AGAIN_S if self._looks else POLL_S):
                await self._woken.wait()
            self._looks = LOOKS_AGAIN
        except TimeoutError:
            self._looks = max(0, self._looks - 1)

    async def _claim(self, within_s: float) -> None:
        clock = asyncio.get_running_loop()
        until_s = clock.time() + within_s
        waiting = False
        while not await self._claimed():
            if clock.time() >= until_s:
                raise NameTaken(
                    f"another process works on this database as {self._name!r}: stop it, or give"
                    " this one a name of its own (FORECOURT_GATEWAY_NAME)"
                )
            if not waiting:
                waiting = True
                log.warning("relay.name_waited_for", relay=self._name, within_s=within_s)
            await asyncio.sleep(CLAIM_AGAIN_S)

    async def _claimed(self) -> bool:
        """Whether the name is ours, and held by a connection of our own."""
        conn = await self._db.raw(**_DEAD_AFTER)
        claimed = False
        try:
            claimed = bool(await conn.fetchval(_CLAIM, self._name))
        finally:
            if not claimed:
                conn.terminate()
        if claimed:
            self._conn = conn
            self._mine.set()
        return claimed

    async def _listen(self) -> None:
        """Turn PostgreSQL's notices into wake-ups, over and over."""
        told = False
        while True:
            try:
                if self._conn is not None or await self._claimed():
                    told = False
                    await self._hear()
                elif not told:
                    told = True
                    log.error("relay.name_taken", relay=self._name)
            except AWAY:
                # As when it ended in good order: again, after a while.
                log.debug("relay.away", relay=self._name)
            self.close()
            await asyncio.sleep(RETRY_S)

    async def _hear(self) -> None:
        """Until the connection ends."""
        conn = self._conn
        assert conn is not None, "a name is held by a connection"
        gone = asyncio.Event()
        conn.add_termination_listener(lambda _conn: gone.set())
        await conn.add_listener(EVENTS_CHANNEL, lambda *_: self._woken.set())
        self._woken.set()
        await gone.wait()
