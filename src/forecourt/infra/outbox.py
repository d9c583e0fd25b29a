"""The relay: carries events from the outbox to those who listen, in order, at least once.

Events lie in the table ``events``, written by the commit that made them true. The relay reads them
behind its mark, calls the handlers of each, and moves the mark. It reads only what no open
transaction can still come before: a number drawn first may be committed last, so the order is
(transaction, number), and transactions that are not over yet are left for the next turn.

Handlers are idempotent: after a crash the last few events come again. One that breaks on an event
is tried again and then passed over, with a line in the log: a platform that fell over it would fall
over it again after each start.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import text

from forecourt.base.errors import ForecourtError
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
# How many restored events one statement puts into the past.
RESTORED_STEP: Final = 10_000

log = structlog.get_logger(__name__)

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
        self._looks = 0
        self.delivered = 0

    def wake(self) -> None:
        """There may be something new."""
        self._woken.set()

    async def open(self) -> None:
        """Begin with what happens from now on, if this relay never ran or ran on another server.

        Nothing that a dump brought along is delivered: its reader starts, and reads the tables.
        """
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

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            while True:
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

    async def _listen(self) -> None:
        """Turn PostgreSQL's notices into wake-ups, over and over."""
        while True:
            try:
                conn = await self._db.raw()
            except AWAY:
                await asyncio.sleep(RETRY_S)
                continue
            try:
                gone = asyncio.Event()
                conn.add_termination_listener(lambda _conn, gone=gone: gone.set())
                await conn.add_listener(EVENTS_CHANNEL, lambda *_: self._woken.set())
                self._woken.set()
                await gone.wait()
            finally:
                conn.terminate()
            await asyncio.sleep(RETRY_S)
