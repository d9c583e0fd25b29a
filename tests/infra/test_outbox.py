"""The relay on a real database: in order, at least once, and nobody is forgotten."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import ClassVar

import asyncpg
import pytest
from sqlalchemy import text

from forecourt.base.context import Context
from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.events import Event
from forecourt.base.ids import TenantId
from forecourt.infra import outbox
from forecourt.infra.commit import Changes, Committer
from forecourt.infra.database import EVENTS, Database, DatabaseAway, emit
from forecourt.infra.outbox import BATCH_MAX, Handler, NameTaken, Relay

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACME = Context(actor="test", tenant=TenantId("acme"), now=NOW)


class Ticked(Event, frozen=True, kw_only=True, tag="test.ticked"):
    """What these tests tell."""

    number: int

    @property
    def subject(self) -> str:
        return "clock"


class Unheard(Event, frozen=True, kw_only=True, tag="test.unheard"):
    """What nobody listens to."""

    @property
    def subject(self) -> str:
        return "wood"


class Refused(ForecourtError):
    """A handler that cannot."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "test.refused"


def ticked(number: int) -> Ticked:
    return Ticked(tenant=ACME.tenant, at=NOW, number=number)


PAST = text("""
    INSERT INTO events (tenant_id, type, subject, at, body)
    SELECT 'acme', 'test.ticked', 'x', now(), '{}' FROM generate_series(1, 20000)""")
AT_THE_END = text("""
    UPDATE relays r SET xid = e.xid, seq = e.seq
    FROM (SELECT xid, seq FROM events ORDER BY xid DESC, seq DESC LIMIT 1) AS e""")
LOOKED_AT = text("""
    SELECT sum(idx_tup_fetch + seq_tup_read) FROM pg_stat_xact_user_tables
    WHERE relname LIKE 'events%'""")

HANG_UP = text("""
    SELECT pg_terminate_backend(l.pid) FROM pg_locks l
    JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()""")


class Heard:
    """A handler that remembers, and may be told to fail."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self._more = asyncio.Condition()
        self.fail: Callable[[int], None] = lambda _number: None

    async def __call__(self, event: Ticked) -> None:
        self.fail(event.number)
        async with self._more:
            self.numbers.append(event.number)
            self._more.notify_all()

    async def all(self, count: int) -> list[int]:
        async with asyncio.timeout(10), self._more:
            await self._more.wait_for(lambda: len(self.numbers) >= count)
        return self.numbers

    async def hear(self, number: int) -> None:
        async with asyncio.timeout(10), self._more:
            await self._more.wait_for(lambda: number in self.numbers)


@pytest.fixture
async def db(database_url: str) -> AsyncGenerator[Database]:
    db = Database(database_url, pool_size=3)
    yield db
    await db.close()


@asynccontextmanager
async def relaying(db: Database, *handlers: Handler, name: str = "r") -> AsyncGenerator[Relay]:
    relay = Relay(db, name=name, handlers={Ticked: handlers})
    await relay.open()
    async with asyncio.TaskGroup() as tasks:
        run = tasks.create_task(relay.run())
        try:
            yield relay
        finally:
            run.cancel()
            relay.close()


async def tell(db: Database, *numbers: int) -> None:
    async with db.unit(ACME) as unit:
        await unit.emit(*map(ticked, numbers))


async def test_in_order_and_only_what_came_later(db: Database) -> None:
    await tell(db, 1, 2)
    heard = Heard()
    async with relaying(db, heard):
        await tell(db, 3, 4)
        await tell(db, 5)
        assert await heard.all(3) == [3, 4, 5]


async def test_a_turn_reads_what_is_new_and_not_all_that_is_kept(db: Database) -> None:
    """Else each turn costs as much as all events of a year, at every wake."""
    async with relaying(db, Heard()):
        pass
    async with db.unit(ACME) as unit:
        await unit.conn.execute(PAST)
    async with db.house_unit() as unit:
        await unit.conn.execute(AT_THE_END)
        await unit.conn.execute(text("ANALYZE events, relays"))
    await tell(db, 1, 2, 3)
    async with db.house_unit() as unit:
        names = {"name": "r", "most": BATCH_MAX}
        assert len((await unit.conn.execute(outbox._next, names)).all()) == 3
        assert (await unit.conn.execute(LOOKED_AT)).scalar_one() <= 10


async def test_more_than_one_batch(db: Database) -> None:
    heard = Heard()
    total = 2 * BATCH_MAX + 7
    async with relaying(db, heard) as relay:
        await tell(db, *range(total))
        assert await heard.all(total) == list(range(total))
        assert relay.delivered == total


async def test_a_relay_that_ran_before_goes_on_where_it_was(db: Database) -> None:
    heard = Heard()
    async with relaying(db, heard):
        await tell(db, 1)
        await heard.all(1)
        await asyncio.sleep(0.05)
    await tell(db, 2, 3)
    async with relaying(db, heard):
        assert await heard.all(3) == [1, 2, 3]


async def test_each_relay_has_its_own_place(db: Database) -> None:
    one, two = Heard(), Heard()
    async with relaying(db, one, name="one"), relaying(db, two, name="two"):
        await tell(db, 1, 2)
        assert (await one.all(2), await two.all(2)) == ([1, 2], [1, 2])


async def test_two_processes_never_work_under_one_name(db: Database) -> None:
    """Each would miss what the other has read."""
    second = Relay(db, name="r", handlers={Ticked: [Heard()]})
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        async with relaying(db, Heard()):
            with pytest.raises(NameTaken, match=r"as 'r'.*FORECOURT_GATEWAY_NAME"):
                await second.open(within_s=0)
            waiting = tasks.create_task(second.open())
            await asyncio.sleep(0.1)
            assert not waiting.done()
        await waiting
    second.close()


async def test_a_name_lost_with_its_connection_is_claimed_anew(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And while it is another's, nothing is read: the mark is that one's."""
    # Who waits looks more often than who lost it.
    monkeypatch.setattr(outbox, "CLAIM_AGAIN_S", 0.05)
    first, other = Heard(), Heard()
    taker = Relay(db, name="r", handlers={Ticked: [other]})
    async with relaying(db, first), asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        await tell(db, 1)
        await first.all(1)
        claiming = tasks.create_task(taker.open())
        await asyncio.sleep(0.1)
        async with db.house_unit() as unit:
            await unit.conn.execute(HANG_UP)
        await claiming
        await tell(db, 2)
        await asyncio.sleep(2 * outbox.RETRY_S)
        assert first.numbers == [1]
        run = tasks.create_task(taker.run())
        await other.hear(2)
        run.cancel()
        await tell(db, 3)
        await first.hear(3)


async def test_a_crash_between_delivery_and_mark_delivers_again(db: Database) -> None:
    heard = Heard()
    relay = Relay(db, name="r", handlers={Ticked: [heard]})
    await relay.open()
    await tell(db, 1, 2)

    def crash(number: int) -> None:
        if number == 2 and heard.numbers == [1]:
            raise asyncio.CancelledError

    heard.fail = crash
    with pytest.raises(asyncio.CancelledError):
        await relay.run()
    async with relaying(db, heard):
        assert await heard.all(3) == [1, 1, 2]


async def test_the_database_goes_away_while_a_handler_works(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "RETRY_S", 0.01)
    heard = Heard()
    failures = iter([DatabaseAway("away"), DatabaseAway("away")])

    def away(number: int) -> None:
        if number == 2 and (error := next(failures, None)):
            raise error

    heard.fail = away
    async with relaying(db, heard):
        await tell(db, 1, 2, 3)
        assert (await heard.all(5))[-2:] == [2, 3]


async def test_one_that_commits_late_is_not_skipped(db: Database, database_url: str) -> None:
    """Its numbers were drawn first, and it is committed last."""
    heard = Heard()
    slow = await asyncpg.connect(database_url)
    async with relaying(db, heard):
        await slow.execute("BEGIN")
        body = (
            '{"type": "test.ticked", "tenant": "acme", "at": "2026-03-01T12:00:00Z", "number": 1}'
        )
        await slow.execute(
            "INSERT INTO events (tenant_id, type, subject, at, body)"
            f" VALUES ('acme', 'test.ticked', 'clock', now(), '{body}')"
        )
        await tell(db, 2)
        await asyncio.sleep(0.1)
        assert heard.numbers == []  # Nothing passes one that is not over.
        await slow.execute("COMMIT")
        assert await heard.all(2) == [1, 2]
    await slow.close()


async def test_a_transaction_of_another_database_holds_up_nobody(
    db: Database, database_url: str, empty_database_url: str
) -> None:
    """Numbers of transactions are the whole server's; its other databases tell nothing here."""
    heard = Heard()
    other = await asyncpg.connect(empty_database_url)
    slow = await asyncpg.connect(database_url)
    async with relaying(db, heard):
        await other.execute("BEGIN; CREATE TABLE taken (number int)")
        await tell(db, 1)
        assert await heard.all(1) == [1]
        await slow.execute("BEGIN; INSERT INTO relays VALUES ('slow', '1', 1)")
        await tell(db, 2)
        await asyncio.sleep(0.1)
        assert heard.numbers == [1]  # Beside it one of our own, which might yet tell something.
        await slow.execute("COMMIT")
        assert await heard.all(2) == [1, 2]
    await other.close()
    await slow.close()


async def test_a_commit_wakes_it_at_once(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "POLL_S", 60.0)
    heard = Heard()
    async with relaying(db, heard):
        await asyncio.sleep(0.1)  # It rests.
        for number in range(5):
            await tell(db, number)
            assert len(await heard.all(number + 1)) == number + 1


async def test_the_group_commit_wakes_it_too(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "POLL_S", 60.0)
    heard = Heard()
    committer = Committer(db.raw, order=[EVENTS])
    async with relaying(db, heard) as relay, asyncio.TaskGroup() as tasks:
        committer.after(EVENTS, relay.wake)
        run = tasks.create_task(committer.run())
        await asyncio.sleep(0.1)
        changes = Changes()
        emit(changes, ticked(1))
        await committer.commit(changes)
        assert await heard.all(1) == [1]
        run.cancel()


async def test_it_listens_again_when_its_connection_died(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "RETRY_S", 0.01)
    monkeypatch.setattr(outbox, "POLL_S", 0.2)
    heard = Heard()
    async with relaying(db, heard):
        await tell(db, 1)
        await heard.all(1)
        async with db.house_unit() as unit:
            await unit.conn.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        await asyncio.sleep(0.3)
        monkeypatch.setattr(outbox, "POLL_S", 60.0)
        await asyncio.sleep(0.3)
        await tell(db, 2)
        await heard.hear(2)  # By its notice: it does not look by itself for a minute.
        assert set(heard.numbers) == {1, 2}


async def test_a_handler_that_cannot_holds_up_nobody(db: Database) -> None:
    heard, other = Heard(), Heard()

    def refuse(number: int) -> None:
        if number == 1:
            raise Refused("not this one")

    heard.fail = refuse
    async with relaying(db, heard, other):
        await tell(db, 1, 2)
        assert await other.all(2) == [1, 2]
        assert heard.numbers == [2]


async def test_a_handler_that_breaks_is_tried_again_and_ends_nobody(db: Database) -> None:
    heard, other = Heard(), Heard()
    tried: list[int] = []

    def break_on(number: int) -> None:
        tried.append(number)
        if number == 1 or tried.count(number) < 2:
            raise RuntimeError

    heard.fail = break_on
    async with relaying(db, heard, other):
        await tell(db, 1, 2)
        assert await heard.all(1) == [2]
        assert tried == [1, 1, 1, 2, 2]
        assert await other.all(2) == [1, 2]


async def test_what_nobody_hears_is_passed_over(db: Database) -> None:
    heard = Heard()
    async with relaying(db, heard):
        async with db.unit(ACME) as unit:
            await unit.emit(Unheard(tenant=ACME.tenant, at=NOW), ticked(1))
        assert await heard.all(1) == [1]


async def test_an_event_of_another_release_stops_nothing(db: Database) -> None:
    """Its fields are not those that this release knows."""
    heard = Heard()
    async with relaying(db, heard):
        async with db.house_unit() as unit:
            await unit.conn.execute(
                text(
                    "INSERT INTO events (tenant_id, type, subject, at, body)"
                    " VALUES ('acme', 'test.ticked', 'clock', now(), '{}')"
                )
            )
        await tell(db, 2)
        assert await heard.all(1) == [2]


async def test_a_restored_dump_does_not_make_it_deaf(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Marks and events bear the numbers of a server that had come much further."""
    monkeypatch.setattr(outbox, "RESTORED_STEP", 2)
    await tell(db, 1, 2, 3, 4, 5)
    async with db.house_unit() as unit:
        # Some are ahead of this server by little: it gets there within this test.
        await unit.conn.execute(
            text(
                "UPDATE events SET xid = CAST(CAST(CAST(CAST(pg_current_xact_id() AS text)"
                " AS bigint) + 3 + 1000000 * (seq % 2) AS text) AS xid8)"
            )
        )
        await unit.conn.execute(
            text("INSERT INTO relays VALUES ('r', '999999999', 9), ('other', '999999999', 9)")
        )
    heard = Heard()
    async with relaying(db, heard):
        for number in range(10, 20):
            await tell(db, number)
        assert await heard.all(10) == list(range(10, 20))
    other = Heard()
    async with relaying(db, other, name="other"):
        await tell(db, 20)
        assert await other.all(1) == [20]
