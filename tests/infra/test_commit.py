"""The group commit on a real database: together, in order, exactly once, whatever breaks."""

import asyncio
import random
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import asyncpg
import psutil
import pytest
from structlog.testing import capture_logs

from forecourt.domain import sessions, stations
from forecourt.infra.commit import (
    BATCH_MAX,
    OFFERS_MAX,
    Changes,
    Fenced,
    StorageFull,
    append,
)
from forecourt.infra.database import EVENTS
from forecourt.infra.migrate import upgrade
from forecourt.infra.postgres import EmbeddedPostgres
from tests.infra.committing import (
    FULL,
    NOTES,
    OWNERS,
    TABLES,
    THINGS,
    Answers,
    Breaking,
    breaking,
    changed,
    connecting,
    kill_server,
    note,
    working,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def conn(empty_database_url: str) -> AsyncGenerator[asyncpg.Connection]:
    """Sees what is committed, from outside."""
    conn = await asyncpg.connect(empty_database_url)
    await conn.execute(TABLES)
    yield conn
    await conn.close()


@pytest.fixture
def url(empty_database_url: str) -> str:
    return empty_database_url


async def numbers(conn: asyncpg.Connection) -> list[int]:
    return [row["id"] for row in await conn.fetch("SELECT id FROM notes ORDER BY id")]


async def test_what_came_together_is_one_transaction(conn: asyncpg.Connection, url: str) -> None:
    answers = Answers()
    async with working(connecting(url)) as committer:
        for n in range(100):
            committer.submit(note(n), answers.of(n))
        assert committer.waiting == 100
        await committer.drained()
        assert (committer.stats.batches, committer.stats.units, committer.stats.rows) == (
            1,
            100,
            100,
        )
    assert [name for name, _ in answers.told] == list(range(100))
    assert not answers.failed
    assert await conn.fetchval("SELECT count(DISTINCT xmin::text) FROM notes") == 1


async def test_moments_are_kept_to_the_microsecond(conn: asyncpg.Connection, url: str) -> None:
    """They are written by a function of ours: also the oddest that a station may send."""
    await conn.execute("CREATE TABLE moments (id bigint PRIMARY KEY, at timestamptz)")
    copied = append("moments", ("id", "at"), types=("bigint", "timestamptz"), copy=True)
    inserted = append("moments", ("id", "at"), types=("bigint", "timestamptz"), copy=False)
    east = timezone(timedelta(hours=14))
    moments = [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 2, 28, 23, 59, 59, 123_456, tzinfo=east),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ]
    answers = Answers()
    async with working(connecting(url), order=(copied, inserted)) as committer:
        for n, moment in enumerate(moments):
            committer.submit(changed((copied, (n, moment))), answers.of(n))
            committer.submit(changed((inserted, (n + 10, moment))), answers.of(n + 10))
        naive = datetime(2026, 1, 1)  # noqa: DTZ001 (what must not be)
        committer.submit(changed((copied, (99, naive))), answers.of(99))
        await committer.drained()
    assert set(answers.failed) == {99}
    kept = {row["id"]: row["at"] for row in await conn.fetch("SELECT id, at FROM moments")}
    assert kept == {n + more: at for n, at in enumerate(moments) for more in (0, 10)}


async def test_nobody_is_answered_before_the_commit(conn: asyncpg.Connection, url: str) -> None:
    async with working(connecting(url)) as committer:
        await conn.execute("BEGIN; LOCK TABLE notes IN EXCLUSIVE MODE")
        waits = asyncio.ensure_future(committer.commit(note(1)))
        await asyncio.sleep(0.1)
        assert not waits.done()
        await conn.execute("COMMIT")
        await waits
        assert await numbers(conn) == [1]


async def test_while_one_is_on_its_way_the_next_gathers(conn: asyncpg.Connection, url: str) -> None:
    async with working(connecting(url)) as committer:
        await conn.execute("BEGIN; LOCK TABLE notes IN EXCLUSIVE MODE")
        committer.submit(note(0), lambda _: None)
        await asyncio.sleep(0.05)
        for n in range(1, 51):
            committer.submit(note(n), lambda _: None)
        await conn.execute("COMMIT")
        await committer.drained()
        assert committer.stats.batches == 2
    assert await numbers(conn) == list(range(51))


async def test_a_batch_has_a_limit(conn: asyncpg.Connection, url: str) -> None:
    async with working(connecting(url)) as committer:
        for n in range(BATCH_MAX + 1):
            committer.submit(note(n), lambda _: None)
        await committer.drained()
        assert committer.stats.batches == 2
    assert len(await numbers(conn)) == BATCH_MAX + 1


async def test_kinds_are_written_in_their_order(conn: asyncpg.Connection, url: str) -> None:
    async with working(connecting(url)) as committer:
        # The thing first, its owner after it: only the declared order satisfies the reference.
        await committer.commit(changed((THINGS, ("a", "ann", 1, 1)), (OWNERS, ("ann",))))
        assert committer.stats.retries == 0
    assert await conn.fetchval("SELECT owner FROM things") == "ann"


async def test_the_last_row_of_a_key_wins(conn: asyncpg.Connection, url: str) -> None:
    async with working(connecting(url)) as committer:
        committer.submit(changed((OWNERS, ("ann",))), lambda _: None)
        for size in (1, 2, 3):
            committer.submit(changed((THINGS, ("a", "ann", size, 1))), lambda _: None)
        await committer.drained()
        assert committer.stats.batches == 1
    assert await conn.fetchval("SELECT size FROM things") == 3


POISON = {
    "a NUL in a text": (NOTES, (13, "a\0b")),
    "half a surrogate": (NOTES, (13, "\ud800")),
    "a number that is no number": (NOTES, ("x", "")),
    "a number past 64 bits": (NOTES, (2**70, "")),
    "a number past 64 bits in an array": (THINGS, ("b", "ann", 2**70, 1)),
    "a broken check": (THINGS, ("b", "ann", -1, 1)),
    "a broken reference": (THINGS, ("b", "nobody", 1, 1)),
}


@pytest.mark.parametrize("row", POISON.values(), ids=POISON)
async def test_a_poisoned_message_costs_only_itself(
    conn: asyncpg.Connection, url: str, row: tuple[object, tuple[object, ...]]
) -> None:
    answers = Answers()
    poisoned = changed(row)  # type: ignore[arg-type]  # the table above says it in general words
    poisoned.who, poisoned.what = "station:CP1", "MeterValues"
    poisoned.write(NOTES, (99, "goes down with it"))
    with capture_logs() as logs:
        await _with_poison(url, poisoned, answers)
    assert list(answers.failed) == [7]
    assert await numbers(conn) == [*(n for n in range(20) if n != 7), 50]
    [told] = [line for line in logs if line["event"] == "commit.poisoned"]
    assert (told["who"], told["what"]) == ("station:CP1", "MeterValues")


async def _with_poison(url: str, poisoned: Changes, answers: Answers) -> None:
    async with working(connecting(url)) as committer:
        await committer.commit(changed((OWNERS, ("ann",))))
        for n in range(20):
            committer.submit(poisoned if n == 7 else note(n), answers.of(n))
        assert committer.waiting == 20
        await asyncio.wait_for(committer.drained(), 10)
        assert committer.stats.failures == 1
        await committer.commit(note(50))


async def test_new_rows_that_were_there_after_all(conn: asyncpg.Connection, url: str) -> None:
    await conn.execute("INSERT INTO notes VALUES (3, 'first')")
    answers = Answers()
    async with working(connecting(url)) as committer:
        for n in range(6):
            committer.submit(note(n, "second"), answers.of(n))
        await committer.drained()
        assert (committer.stats.batches, committer.stats.failures) == (1, 0)
    assert not answers.failed
    assert await numbers(conn) == list(range(6))
    assert await conn.fetchval("SELECT said FROM notes WHERE id = 3") == "first"


async def test_the_same_new_row_twice_in_one_batch(conn: asyncpg.Connection, url: str) -> None:
    answers = Answers()
    async with working(connecting(url)) as committer:
        for name in ("one", "two"):
            committer.submit(note(1), answers.of(name))
        await committer.drained()
    assert not answers.failed
    assert await numbers(conn) == [1]


async def test_an_older_epoch_is_fenced_off(conn: asyncpg.Connection, url: str) -> None:
    await conn.execute("INSERT INTO owners VALUES ('ann')")
    await conn.execute("INSERT INTO things VALUES ('mine', 'ann', 1, 5), ('yours', 'ann', 1, 6)")
    answers = Answers()
    async with working(connecting(url)) as committer:
        committer.submit(changed((THINGS, ("mine", "ann", 2, 5))), answers.of("mine"))
        committer.submit(
            changed((THINGS, ("yours", "ann", 2, 5)), (NOTES, (1, ""))), answers.of("yours")
        )
        await committer.drained()
        assert committer.stats.failures == 0
    assert set(answers.failed) == {"yours"}
    assert isinstance(answers.failed["yours"], Fenced)
    rows = await conn.fetch("SELECT name, size, epoch FROM things ORDER BY name")
    assert [tuple(row) for row in rows] == [("mine", 2, 5), ("yours", 1, 6)]
    assert await numbers(conn) == []


async def test_two_epochs_in_one_batch(conn: asyncpg.Connection, url: str) -> None:
    """What an old socket left behind comes after the new one's word, in the same batch."""
    await conn.execute("INSERT INTO owners VALUES ('ann')")
    answers = Answers()
    async with working(connecting(url)) as committer:
        committer.submit(changed((THINGS, ("a", "ann", 2, 2))), answers.of("new"))
        committer.submit(changed((THINGS, ("a", "ann", 1, 1))), answers.of("old"))
        await committer.drained()
    assert set(answers.failed) == {"old"}
    row = await conn.fetchrow("SELECT size, epoch FROM things")
    assert row is not None
    assert tuple(row) == (2, 2)


async def test_a_full_disk_refuses_and_recovers(conn: asyncpg.Connection, url: str) -> None:
    async with working(connecting(url)) as committer:
        with pytest.raises(StorageFull):
            await committer.commit(changed((FULL, ("x",))))
        await committer.commit(note(1))
    assert await numbers(conn) == [1]


@pytest.mark.usefixtures("conn")
async def test_those_who_asked_hear_of_their_rows_alone(url: str) -> None:
    heard: list[str] = []
    async with working(connecting(url)) as committer:
        committer.after(NOTES, lambda: heard.append("notes"))
        await committer.commit(changed((OWNERS, ("ann",))))
        assert heard == []
        await committer.commit(note(1))
        await committer.commit(note(1))
    assert heard == ["notes", "notes"]


async def test_who_no_longer_waits_does_not_stop_the_others(
    conn: asyncpg.Connection, url: str
) -> None:
    async with working(connecting(url)) as committer:
        await conn.execute("BEGIN; LOCK TABLE notes IN EXCLUSIVE MODE")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(committer.commit(note(1)), 0.05)
        await conn.execute("COMMIT")
        await committer.commit(note(2))
    assert await numbers(conn) == [1, 2]


@pytest.mark.usefixtures("conn")
async def test_with_the_database_away_all_wait_and_go_on(url: str) -> None:
    tries = 0

    async def connect() -> asyncpg.Connection:
        nonlocal tries
        tries += 1
        if tries <= 3:
            raise ConnectionRefusedError
        return await connecting(url)()

    answers = Answers()
    async with working(connect) as committer:
        committer.submit(note(1), answers.of(1))
        await asyncio.sleep(0.1)
        before = (committer.away, answers.told.copy(), committer.waiting)
        await committer.drained()
        after = (committer.away, committer.stats.retries, committer.waiting)
    assert (before, after) == ((True, [], 1), (False, 3, 0))
    assert answers.told == [(1, None)]


async def test_a_link_that_breaks_during_commit_doubles_nothing(
    conn: asyncpg.Connection, url: str
) -> None:
    Breaking.breaks = 2
    await conn.execute("INSERT INTO owners VALUES ('ann')")
    async with working(breaking(url)) as committer:
        await committer.commit(changed((NOTES, (1, "")), (THINGS, ("a", "ann", 1, 1))))
        assert committer.stats.retries == 2
    assert Breaking.breaks == 0
    assert await numbers(conn) == [1]


async def test_what_has_no_key_is_not_doubled_either(database_url: str) -> None:
    """Events and raw messages of the rooms, whose commit was not heard of."""
    changes = Changes()
    for n in range(3):
        changes.write(EVENTS, ("acme", "station.booted", f"CP{n}", NOW, '{"type":"x"}'))
    frame = ("CP1", NOW, "acme", "in", "Heartbeat", "", b"[2]")
    messages = next(write for write in stations.WRITES if write.table == "messages")
    changes.write(messages, frame)
    order = (*stations.WRITES, *sessions.WRITES, EVENTS)
    Breaking.breaks = 1
    async with working(breaking(database_url), order) as committer:
        await committer.commit(changes)
        assert committer.stats.retries == 1
        later = Changes()
        later.write(EVENTS, ("acme", "station.booted", "CP1", NOW, '{"type":"another"}'))
        await committer.commit(later)
    conn = await asyncpg.connect(database_url)
    try:
        assert await conn.fetchval("SELECT count(*) FROM events") == 4
        assert await conn.fetchval("SELECT count(*) FROM messages") == 1
    finally:
        await conn.close()


async def test_backends_that_are_killed_under_load(conn: asyncpg.Connection, url: str) -> None:
    luck = random.Random(7)
    answers = Answers()
    total = 600
    async with working(connecting(url)) as committer:
        for n in range(total):
            committer.submit(note(n), answers.of(n))
            if n % 100 == 50:
                await asyncio.sleep(luck.random() / 200)
                await conn.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            await asyncio.sleep(0)
        await asyncio.wait_for(committer.drained(), 30)
    assert not answers.failed
    assert sorted(str(name) for name, _ in answers.told) == sorted(map(str, range(total)))
    assert await numbers(conn) == list(range(total))


@pytest.mark.database
async def test_a_server_that_is_killed_and_comes_back(tmp_path: Path) -> None:
    """kill -9 of PostgreSQL twice under load: every acknowledged row is there, none twice."""
    server = EmbeddedPostgres(tmp_path, log=print, orphan_grace_s=0)
    await asyncio.to_thread(server.start)
    try:
        await upgrade(server.url)
        admin = await asyncpg.connect(server.url)
        await admin.execute(TABLES)
        await admin.close()
        answers = Answers()
        async with working(connecting(server.url)) as committer:
            for n in range(300):
                committer.submit(note(n), answers.of(n))
                if n in (100, 200):
                    await asyncio.sleep(0.01)
                    kill_server(server)
                await asyncio.sleep(0.001)
            await asyncio.wait_for(committer.drained(), 60)
            assert committer.stats.retries > 0
        assert not answers.failed
        assert len(answers.told) == 300
        admin = await asyncpg.connect(server.url)
        assert await numbers(admin) == list(range(300))
        await admin.close()
    finally:
        await asyncio.to_thread(server.stop)


@pytest.mark.database
async def test_a_server_that_hangs_is_left_for_a_new_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when its machine is cut off: nothing comes back, not even to a request to cancel."""
    monkeypatch.setattr("forecourt.infra.commit.COMMAND_TIMEOUT_S", 0.5)
    server = EmbeddedPostgres(tmp_path, log=print, orphan_grace_s=0)
    await asyncio.to_thread(server.start)
    try:
        admin = await asyncpg.connect(server.url)
        await admin.execute(TABLES)
        backends: list[psutil.Process] = []

        async def connect() -> asyncpg.Connection:
            conn: asyncpg.Connection = await asyncpg.connect(server.url)
            backends.append(psutil.Process(conn.get_server_pid()))
            return conn

        async with working(connect) as committer:
            await committer.commit(note(1))
            backends[0].suspend()
            try:
                await asyncio.wait_for(committer.commit(note(2)), 10)
            finally:
                backends[0].resume()
        assert await numbers(admin) == [1, 2]
        await admin.close()
    finally:
        await asyncio.to_thread(server.stop)


async def test_one_who_fails_to_hear_does_not_silence_the_others(
    conn: asyncpg.Connection, url: str
) -> None:
    answers = Answers()

    def deaf(_error: BaseException | None) -> None:
        raise RuntimeError("a fault of ours")

    async with working(connecting(url)) as committer:
        committer.submit(note(1), deaf)
        committer.submit(note(2), answers.of(2))
        await committer.commit(note(3))
    assert answers.told == [(2, None)]
    assert await numbers(conn) == [1, 2, 3]


async def test_what_nobody_waits_for_is_left_out_when_too_much_waits(
    conn: asyncpg.Connection, url: str
) -> None:
    async with working(connecting(url)) as committer:
        taken = [committer.offer(note(n)) for n in range(OFFERS_MAX + 10)]
        assert taken == [True] * OFFERS_MAX + [False] * 10
        assert committer.stats.left_out == 10
        await committer.commit(note(-1))  # Who waits for an answer is never left out.
        assert committer.offer(note(-2))
        await committer.drained()
    assert await numbers(conn) == [-2, -1, *range(OFFERS_MAX)]
