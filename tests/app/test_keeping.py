"""What the house lets go each hour, on a real database of all tables."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from forecourt.app.keeping import aging, keep_house
from forecourt.base.clock import ManualClock
from forecourt.base.ids import TenantId
from forecourt.domain.tenants import Tenants
from forecourt.infra.database import Database
from forecourt.settings import Settings, load

pytestmark = pytest.mark.database

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEPT_DAYS = 30
OLD = NOW - timedelta(days=KEPT_DAYS, seconds=1)
YOUNG = NOW - timedelta(days=KEPT_DAYS - 1)


@pytest.fixture
async def db(database_url: str) -> AsyncGenerator[Database]:
    db = Database(database_url, pool_size=2)
    await Tenants(db, secret_key=b"").ensure(TenantId("default"), "Default", NOW)
    yield db
    await db.close()


@pytest.fixture
async def conn(db: Database) -> AsyncGenerator[asyncpg.Connection]:
    conn = await db.raw()
    yield conn
    await conn.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({"data_dir": tmp_path, "keep_records_days": KEPT_DAYS})


async def left(conn: asyncpg.Connection, table: str, column: str) -> list[str]:
    rows = await conn.fetch(f"SELECT {column} AS name FROM {table} ORDER BY 1")
    return [row["name"] for row in rows]


async def test_commands_go_when_they_are_old(
    conn: asyncpg.Connection, db: Database, settings: Settings
) -> None:
    for name, at in (("old", OLD), ("young", YOUNG)):
        await conn.execute(
            "INSERT INTO commands (command_id, tenant_id, station_id, actor, command, asked_at)"
            " VALUES ($1, 'default', 'CP1', 'test', '{}', $2)",
            name,
            at,
        )
    await keep_house(db, settings, ManualClock(NOW))
    assert await left(conn, "commands", "command_id") == ["young"]


async def test_an_order_goes_with_its_lines_unless_one_still_waits(
    conn: asyncpg.Connection, db: Database, settings: Settings
) -> None:
    for order, at, state in (
        ("old", OLD, "settled"),
        ("waits", OLD, "waiting"),
        ("young", YOUNG, "settled"),
    ):
        await conn.execute(
            "INSERT INTO orders (order_id, tenant_id, actor, scopes, command, at_once_max, queue,"
            " asked_at) VALUES ($1, 'default', 'test', '{}', '{}', 1, true, $2)",
            order,
            at,
        )
        for station, how in (("CP1", "settled"), ("CP2", state)):
            await conn.execute(
                "INSERT INTO order_lines (order_id, station_id, tenant_id, state)"
                " VALUES ($1, $2, 'default', $3)",
                order,
                station,
                how,
            )
    await keep_house(db, settings, ManualClock(NOW))
    assert await left(conn, "orders", "order_id") == ["waits", "young"]
    assert await left(conn, "order_lines", "order_id") == ["waits", "waits", "young", "young"]


async def test_an_alarm_that_is_not_cleared_stays(
    conn: asyncpg.Connection, db: Database, settings: Settings
) -> None:
    for key, cleared_at in (("open", None), ("old", OLD), ("young", YOUNG)):
        await conn.execute(
            "INSERT INTO alarms (station_id, source, key, tenant_id, severity, text, raised_at,"
            " cleared_at) VALUES ('CP1', 'test', $1, 'default', 1, '', $2, $3)",
            key,
            OLD,
            cleared_at,
        )
    await keep_house(db, settings, ManualClock(NOW))
    assert await left(conn, "alarms", "key") == ["open", "young"]


async def test_every_table_and_column_is_there(
    conn: asyncpg.Connection, settings: Settings
) -> None:
    for one in aging(settings):
        sql = f"SELECT count(*) FROM {one.table} WHERE {one.column} < $1 AND {one.only}"
        assert await conn.fetchval(sql, NOW) == 0
