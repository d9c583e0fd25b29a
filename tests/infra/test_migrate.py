"""Migrations: to the head, back, and what does not agree is found."""

import asyncio
import importlib
import secrets
from collections.abc import Generator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from forecourt.base.context import Context
from forecourt.base.ids import TenantId
from forecourt.infra import partitions
from forecourt.infra.database import Database
from forecourt.infra.migrate import (
    DatabaseUnreachable,
    RightsMissing,
    SchemaDrift,
    check,
    downgrade,
    upgrade,
)
from forecourt.infra.partitions import Partitioned
from tests.fixtures.database import BLANK, database, execute, on_database, wait_for

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CUT = [
    Partitioned(table=table, column=column, received_column=column, interval="day")
    for table, column in (
        ("meter_values", "sampled_at"),
        ("session_events", "at"),
        ("messages", "at"),
        ("events", "at"),
    )
]


async def fetch(url: str, sql: str) -> list[str]:
    conn = await asyncpg.connect(url)
    try:
        return [str(row[0]) for row in await conn.fetch(sql)]
    finally:
        await conn.close()


async def test_an_empty_database_says_what_to_do(empty_database_url: str) -> None:
    with pytest.raises(SchemaDrift, match="forecourt db upgrade"):
        await check(empty_database_url)


async def test_a_database_at_the_head_agrees(database_url: str) -> None:
    assert await check(database_url) == await check(database_url)
    await upgrade(database_url)
    assert await check(database_url)


async def test_two_that_start_together_migrate_once(empty_database_url: str) -> None:
    await asyncio.gather(*(upgrade(empty_database_url) for _ in range(3)))
    assert await check(empty_database_url)


@pytest.mark.parametrize(
    "planted",
    [
        "ALTER TABLE stations ADD COLUMN colour text",
        "ALTER TABLE sessions DROP COLUMN soc_pct",
        "ALTER TABLE stations ALTER COLUMN vendor TYPE integer USING 0",
        "ALTER TABLE sessions ALTER COLUMN token DROP NOT NULL",
        "DROP TABLE tokens",
        "ALTER TABLE meter_values ADD COLUMN more text",
    ],
)
async def test_drift_is_found(database_url: str, planted: str) -> None:
    if "TYPE integer" in planted:
        await execute(database_url, "ALTER TABLE stations ALTER COLUMN vendor DROP DEFAULT")
    await execute(database_url, planted)
    with pytest.raises(SchemaDrift):
        await check(database_url)


async def test_partitions_are_no_drift(database_url: str) -> None:
    conn = await asyncpg.connect(database_url)
    made = await partitions.ensure(conn, CUT, NOW, timedelta(days=3))
    await conn.close()
    assert len(made) > 4
    assert await check(database_url)


async def test_an_extension_of_an_operator_is_no_drift(database_url: str) -> None:
    await execute(database_url, "CREATE TABLE of_my_own (id int)")
    await execute(database_url, "CREATE INDEX mine ON sessions (stop_reason)")
    assert await check(database_url)


@pytest.fixture
def plain_url(database_server_url: str) -> Generator[str]:
    """A database whose owner, as whom everybody works there, is no superuser."""
    role = f"forecourt_plain_{secrets.token_hex(4)}"
    server = database_server_url

    def run(sql: str, url: str = server) -> None:
        wait_for(execute(url, sql))

    run(f"CREATE ROLE {role} NOSUPERUSER NOBYPASSRLS CREATEROLE")
    try:
        run(f"GRANT {role} TO current_user")
        with database(server, BLANK) as name:
            url = on_database(server, name)
            run(f"ALTER DATABASE {name} OWNER TO {role}")
            run(f"GRANT CREATE ON SCHEMA public TO {role}", url)
            run(f"ALTER ROLE current_user IN DATABASE {name} SET role TO {role}")
            yield url
            run(f"ALTER ROLE current_user IN DATABASE {name} RESET ALL")
    finally:
        run(f"DROP ROLE {role}")


@pytest.mark.usefixtures("template")  # So that the tenants' role was made by another installation.
async def test_a_plain_role_migrates_and_works(plain_url: str, database_server_url: str) -> None:
    [me] = await fetch(plain_url, "SELECT current_user")
    assert await fetch(plain_url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [
        "False"
    ]
    [version] = await fetch(plain_url, "SELECT current_setting('server_version_num')")
    if int(version) >= 160_000:  # Before that, whoever may make roles may grant any.
        with pytest.raises(RightsMissing, match=f"GRANT forecourt_tenant TO {me}"):
            await upgrade(plain_url)
    # What an administrator does once for a second installation on one server.
    await execute(database_server_url, f"GRANT forecourt_tenant TO {me}")
    await upgrade(plain_url)
    assert await check(plain_url)
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
    assert await fetch(plain_url, owners) == [me]
    db = Database(plain_url, pool_size=2)
    await execute(plain_url, "INSERT INTO tenants VALUES ('acme', 'Acme', now())")
    ctx = Context(actor="test", tenant=TenantId("acme"), now=NOW)
    async with db.unit(ctx) as unit:
        found = await unit.conn.exec_driver_sql("SELECT current_user, tenant_id FROM tenants")
        assert tuple(found.one()) == ("forecourt_tenant", "acme")
    await db.close()
    await downgrade(plain_url, "base")


@pytest.mark.usefixtures("template")
async def test_a_role_that_may_make_no_roles(plain_url: str, database_server_url: str) -> None:
    """An administrator made the tenants' role, and took from everybody what he could."""
    [me] = await fetch(plain_url, "SELECT current_user")
    await execute(plain_url, "REVOKE ALL ON SCHEMA public FROM public")
    await execute(database_server_url, f"ALTER ROLE {me} NOCREATEROLE")
    with pytest.raises(RightsMissing, match=f"GRANT forecourt_tenant TO {me}"):
        await upgrade(plain_url)
    await execute(database_server_url, f"GRANT forecourt_tenant TO {me}")
    await upgrade(plain_url)
    assert await check(plain_url)
    db = Database(plain_url, pool_size=2)
    async with db.unit(Context(actor="test", tenant=TenantId("acme"), now=NOW)) as unit:
        assert (await unit.conn.exec_driver_sql("SELECT * FROM sessions")).all() == []
    await db.close()


async def test_nobody_made_the_role_and_we_may_not(
    plain_url: str, database_server_url: str
) -> None:
    [me] = await fetch(plain_url, "SELECT current_user")
    await execute(database_server_url, f"ALTER ROLE {me} NOCREATEROLE")
    step = importlib.import_module("forecourt.migrations.versions.0001_the_house")
    # The server's true one is there: other tests need it.
    missing = step.TENANT_ROLE.replace("forecourt_tenant", f"{me}_tenant")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match=f"GRANT {me}_tenant TO {me}"):
        await execute(plain_url, missing)


@pytest.mark.parametrize("url", ["mysql://x", "postgresql+asyncpg://x/y", "x", "sqlite:///a.db"])
async def test_an_address_that_is_no_postgresql(url: str) -> None:
    with pytest.raises(DatabaseUnreachable, match="should look like postgresql://"):
        await check(url)
