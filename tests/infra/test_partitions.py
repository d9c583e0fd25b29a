"""Partitions on a real database: made ahead, filled from the default one, dropped when old."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from forecourt.infra import partitions, retention
from forecourt.infra.partitions import Partition, Partitioned, ensure, retire, wanted

NOW = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)
DAY = timedelta(days=1)
READINGS = Partitioned(
    table="Readings", column="at", received_column="received", interval="day", keep_days=30
)
MONTHLY = Partitioned(table="Readings", column="at", received_column="received", interval="month")
NEAR = ["20260330", "20260331", "20260401", "20260402"]


@pytest.fixture
async def conn(empty_database_url: str) -> AsyncGenerator[asyncpg.Connection]:
    conn = await asyncpg.connect(empty_database_url, server_settings={"timezone": "Asia/Kolkata"})
    await conn.execute(
        'CREATE TABLE "Readings" (seq bigint GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL,'
        " received timestamptz NOT NULL DEFAULT now(), value int NOT NULL CHECK (value >= 0),"
        " twice int GENERATED ALWAYS AS (value * 2) STORED, PRIMARY KEY (seq, at))"
        " PARTITION BY RANGE (at)"
    )
    yield conn
    await conn.close()


async def insert(conn: asyncpg.Connection, at: datetime, received: datetime = NOW) -> None:
    sql = 'INSERT INTO "Readings" (at, received, value) VALUES ($1, $2, 21)'
    await conn.execute(sql, at, received)


async def rows(conn: asyncpg.Connection) -> dict[str, int]:
    """How many rows lie in which partition, by its name's end."""
    found = await conn.fetch(
        'SELECT tableoid::regclass::text AS name, count(*) AS n FROM "Readings" GROUP BY 1'
    )
    return {row["name"].strip('"').removeprefix("Readings_"): row["n"] for row in found}


def test_what_is_wanted_by_month_over_the_turn_of_a_year() -> None:
    spans = list(wanted("month", datetime(2025, 12, 31, tzinfo=UTC), 40 * DAY, existing=[]))
    assert [(start.isoformat()[:10], stop.isoformat()[:10]) for start, stop in spans] == [
        ("2025-11-01", "2025-12-01"),
        ("2025-12-01", "2026-01-01"),
        ("2026-01-01", "2026-02-01"),
        ("2026-02-01", "2026-03-01"),
    ]


def test_only_gaps_are_wanted() -> None:
    day = datetime(2026, 3, 30, tzinfo=UTC)
    existing = [Partition(name="p", start=day + n * DAY, stop=day + (n + 1) * DAY) for n in (0, 1)]
    spans = list(wanted("month", NOW, DAY, existing=existing))
    assert [(start.isoformat()[:10], stop.isoformat()[:10]) for start, stop in spans] == [
        ("2026-02-01", "2026-03-01"),
        ("2026-03-01", "2026-03-30"),
        ("2026-04-01", "2026-05-01"),
    ]


async def test_made_once_with_boundaries_in_utc(conn: asyncpg.Connection) -> None:
    made = await ensure(conn, [READINGS], NOW, 2 * DAY)
    assert made == [*(f"Readings_p{day}" for day in NEAR), "Readings_default"]
    assert await ensure(conn, [READINGS], NOW, 2 * DAY) == []
    await insert(conn, datetime(2026, 3, 31, 23, 59, 59, 999999, tzinfo=UTC))
    await insert(conn, datetime(2026, 4, 1, tzinfo=UTC))
    assert await rows(conn) == {"p20260331": 1, "p20260401": 1}


async def test_a_row_with_an_absurd_moment_is_kept(conn: asyncpg.Connection) -> None:
    await ensure(conn, [READINGS], NOW, DAY)
    await insert(conn, datetime(1970, 1, 1, tzinfo=UTC))
    await insert(conn, datetime(2099, 1, 1, tzinfo=UTC))
    assert await rows(conn) == {"default": 2}


async def test_rows_in_the_default_partition_move_when_theirs_is_made(
    conn: asyncpg.Connection,
) -> None:
    await ensure(conn, [READINGS], NOW, DAY)
    early = datetime(2026, 4, 5, 12, tzinfo=UTC)
    await insert(conn, early)
    await insert(conn, datetime(2099, 1, 1, tzinfo=UTC))
    assert await rows(conn) == {"default": 2}
    await ensure(conn, [READINGS], NOW + 5 * DAY, DAY)
    assert await rows(conn) == {"p20260405": 1, "default": 1}
    # As they were, down to the number that the database gave them; and the numbers go on.
    await insert(conn, early)
    found = await conn.fetch('SELECT seq, value, twice FROM "Readings_p20260405" ORDER BY seq')
    assert [tuple(row) for row in found] == [(1, 21, 42), (3, 21, 42)]


async def test_another_interval_fills_what_is_left(conn: asyncpg.Connection) -> None:
    await ensure(conn, [READINGS], NOW, 2 * DAY)
    await ensure(conn, [MONTHLY], NOW, 2 * DAY)
    await insert(conn, datetime(2026, 3, 2, tzinfo=UTC))
    await insert(conn, datetime(2026, 3, 31, tzinfo=UTC))
    await insert(conn, datetime(2026, 4, 20, tzinfo=UTC))
    assert await rows(conn) == {"p20260301": 1, "p20260331": 1, "p20260403": 1}


async def test_what_is_older_than_is_kept_goes(conn: asyncpg.Connection) -> None:
    await ensure(conn, [READINGS], NOW, DAY)
    await insert(conn, NOW)
    later = NOW + 30 * DAY
    await ensure(conn, [READINGS], later, DAY)
    # The day of NOW ends an hour and a half later: it is not wholly out of date yet.
    assert (await retire(conn, [READINGS], later)).dropped == ("Readings_p20260330",)
    assert await rows(conn) == {"p20260331": 1}
    retired = await retire(conn, [READINGS], later + timedelta(hours=2))
    assert retired.dropped == ("Readings_p20260331",)
    assert await rows(conn) == {}
    assert (await retire(conn, [READINGS], later + timedelta(hours=2))).dropped == ()


async def test_absurd_rows_go_by_the_moment_we_received_them(
    conn: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "DELETE_BATCH_MAX", 2)
    await ensure(conn, [READINGS], NOW, DAY)
    for _ in range(5):
        await insert(conn, datetime(2099, 1, 1, tzinfo=UTC), received=NOW - 31 * DAY)
    await insert(conn, datetime(1970, 1, 1, tzinfo=UTC), received=NOW)
    retired = await retire(conn, [READINGS], NOW)
    assert retired.deleted == 5
    assert await rows(conn) == {"default": 1}


async def test_without_a_limit_everything_stays(conn: asyncpg.Connection) -> None:
    await ensure(conn, [MONTHLY], NOW, DAY)
    retired = await retire(conn, [MONTHLY], NOW + 5000 * DAY)
    assert retired == partitions.Retired(dropped=(), deleted=0)


async def test_two_at_once_do_it_once(conn: asyncpg.Connection, empty_database_url: str) -> None:
    others = [await asyncpg.connect(empty_database_url) for _ in range(3)]
    try:
        async with asyncio.TaskGroup() as group:
            runs = [
                group.create_task(ensure(one, [READINGS], NOW, 5 * DAY)) for one in [conn, *others]
            ]
        made = [name for run in runs for name in run.result()]
        assert len(made) == len(set(made)) == 8
        async with asyncio.TaskGroup() as group:
            drops = [
                group.create_task(retire(one, [READINGS], NOW + 90 * DAY))
                for one in [conn, *others]
            ]
        dropped = [name for run in drops for name in run.result().dropped]
        assert len(dropped) == len(set(dropped)) == 7
    finally:
        for other in others:
            await other.close()


async def test_writers_are_not_kept_waiting(
    conn: asyncpg.Connection, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "ATTEMPTS_MAX", 2)
    await ensure(conn, [READINGS], NOW, DAY)
    reader = await asyncpg.connect(empty_database_url)
    try:
        async with asyncio.timeout(10), reader.transaction():
            await reader.execute('SELECT count(*) FROM "Readings"')
            await insert(reader, NOW)
            # A long transaction has the table: nothing is dropped, nobody is blocked, no error.
            assert (await retire(conn, [READINGS], NOW + 90 * DAY)).dropped == ()
            await insert(conn, NOW)
        assert len((await retire(conn, [READINGS], NOW + 90 * DAY)).dropped) == 3
    finally:
        await reader.close()
