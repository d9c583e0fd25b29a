"""Units of work: all or nothing, events too; and a tenant's unit stays inside its walls."""

import asyncio
import importlib
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import forecourt.migrations.versions
from forecourt.base.context import Context
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.stations import StationChanged
from forecourt.infra.commit import AWAY, Changes
from forecourt.infra.database import EVENTS, EVENTS_CHANNEL, Database, DatabaseAway, emit, event_row
from forecourt.infra.postgres import EmbeddedPostgres
from tests.infra.committing import kill_server

STEPS = [
    importlib.import_module(f"forecourt.migrations.versions.{file.stem}")
    for file in Path(forecourt.migrations.versions.__path__[0]).glob("0*.py")
]

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACME = Context(actor="test", tenant=TenantId("acme"), now=NOW)
OTHER = Context(actor="test", tenant=TenantId("other"), now=NOW)

# One row of each tenant in every table behind the wall; {t} is the tenant, which also names things.
ROWS = {
    "users": "(user_id, tenant_id, email, email_folded, name, role, sites, password, created_at)"
    " VALUES ('usr_{t}', '{t}', '{t}@x', '{t}@x', 'N', 'owner', '{{}}', 'hash', now())",
    "logins": "VALUES ('\\x{hex}', '{t}', 'usr_{t}', now(), now(), now(), '', '', 'lgn_{t}')",
    "passkeys": "VALUES ('psk_{t}', '{t}', 'usr_{t}', '\\x{hex}', '', 0, 'n', false, now(), NULL)",
    "one_time_secrets": "VALUES ('\\x{hex}', '{t}', 'reset', 'usr_{t}', '', now(), now())",
    "sso_providers": "VALUES ('sso_{t}', '{t}', 'n', 'i', 'c', '', '{{}}', '', '{{}}', NULL, true,"
    " false, now(), NULL)",
    "sso_identities": "VALUES ('sso_{t}', 's', '{t}', 'usr_{t}', now())",
    "site_shares": "VALUES ('shr_{t}', '{t}', '{t}', 'n', '{{Oslo}}', now())",
    "audit": "VALUES ('{t}', 1, now(), 'a', 'b', 'c', '', '', '', '', '\\x00')",
    "edits": "VALUES ('{t}', '\\x{hex}', 1)",
    "repeats": "VALUES ('{t}', 'a', 'k', '\\x{hex}', now(), NULL)",
    "api_keys": "(api_key_id, tenant_id, name, digest, created_at)"
    " VALUES ('key_{t}', '{t}', 'n', '\\x{hex}', now())",
    "sites": "VALUES ('{t}', 'Oslo', 'Oslo', '{{}}', '', '', '', NULL, NULL, '', '[]', now())",
    "stations": "(station_id, tenant_id, admission, created_at)"
    " VALUES ('CP_{t}', '{t}', 'accepted', now())",
    "connectors": "VALUES ('CP_{t}', 1, 1, '{t}', 'available', now(), now(), '', '', '', '', 1)",
    "variables": "VALUES ('CP_{t}', '', '', 0, 0, 'v', '', 'Actual', '{t}', '', '', '', '', now())",
    "report_parts": "VALUES ('CP_{t}', 1, 0, '{t}', true, true, now())",
    "upkeep": "(station_id, tenant_id) VALUES ('CP_{t}', '{t}')",
    "device_templates": "VALUES ('{t}', 'T', '', '', '', '', '', '', 0, false, '[]', now())",
    "commands": "(command_id, tenant_id, station_id, actor, command, asked_at)"
    " VALUES ('cmd_{t}', '{t}', 'CP_{t}', 'a', '{{}}', now())",
    "authorities": "(authority_id, tenant_id, role, name, certificate, fingerprint, expires_at,"
    " created_at) VALUES ('aut_{t}', '{t}', 'station', 'n', '', '{hex}', now(), now())",
    "certificates": "(certificate_id, tenant_id, use, subject, hosts, serial, fingerprint, chain,"
    " starts_at, expires_at, created_at)"
    " VALUES ('crt_{t}', '{t}', 'station', 's', '{{}}', '1', '{hex}', '{{}}', now(), now(), now())",
    "revocations": "(tenant_id, authority_id, serial, reason, revoked_at)"
    " VALUES ('{t}', 'aut_{t}', '{hex}', 'unspecified', now())",
    "signing_requests": "(request_id, tenant_id, station_id, use, csr, digest, subject,"
    " organization, state, detail, attempts, requested_at)"
    " VALUES ('csr_{t}', '{t}', 'CP_{t}', 'station', '', '', '', '', 'requested', '', 0,"
    " now())",
    "installed_certificates": "VALUES ('CP_{t}', 'csms_root', 'sha256', '', '', '1', '{t}', '', '',"
    " NULL, NULL, now())",
    "contract_certificates": "VALUES ('{t}', '{hex}', 'e', '1', '{{}}', now(), now(), NULL, now(),"
    " now())",
    "quirk_uses": "VALUES ('CP_{t}', 'long-text', '{t}', 1, now(), now())",
    "orders": "(order_id, tenant_id, actor, scopes, command, at_once_max, queue, asked_at)"
    " VALUES ('ord_{t}', '{t}', 'a', '{{}}', '{{}}', 1, false, now())",
    "order_lines": "(order_id, station_id, tenant_id, state)"
    " VALUES ('ord_{t}', 'CP_{t}', '{t}', 'waiting')",
    "connector_codes": "VALUES ('{t}', '{t}', 'CP_{t}', 1, 1, '', NULL, now())",
    "driver_visits": "VALUES ('\\x{hex}', '{t}', '{t}', 'CP_{t}', 1, 1, 'UID', '', NULL, now(),"
    " now())",
    "driver_pages": "VALUES ('{t}', true)",
    "tokens": "VALUES ('{t}', 'uid', 'UID', 'ISO14443', 'accepted', '', '', NULL, 1, now())",
    "sessions": "(session_id, tenant_id, station_id, evse_no, connector_no, transaction, start_key,"
    " token, token_folded, token_type, group_id, state, charging_state, offline, started_at,"
    " stop_reason, energy_wh, exported_wh, seq_next, seq_missing, flags, saved_at, epoch)"
    " VALUES ('ses_{t}', '{t}', 'CP_{t}', 1, 1, '1', 'k', '', '', '', '', 'active', '', false,"
    " now(), '', 0, 0, 0, '', '', now(), 1)",
    "unmatched_stops": "VALUES ('CP_{t}', '1', now(), '{t}', now(), 0, '{{}}')",
    "meter_values": "(station_id, sampled_at, evse_no, digest, tenant_id, received_at, samples)"
    " VALUES ('CP_{t}', now(), 1, 1, '{t}', now(), '[]')",
    "station_power": "VALUES ('CP_{t}', now(), '{t}', '', 1, 1, 1)",
    "site_power": "VALUES ('{t}', now(), '', 1, 1, 1)",
    "session_events": "VALUES ('ses_{t}', 0, now(), '{t}', 'CP_{t}', 'started', '', false, now(),"
    " '{{}}')",
    "monitors": "VALUES ('CP_{t}', 1, '{t}', 'c', '', 'v', '', 0, 0, 'Delta', 1, 5, false, NULL,"
    " now())",
    "displays": "VALUES ('CP_{t}', 1, '{t}', 'InFront', '', 'hi', 'UTF8', '', NULL, NULL, '', '',"
    " now())",
    "reports": "VALUES ('CP_{t}', 'monitors', 1, '{t}', '0', true, 0, 1, now(), now())",
    "alarms": "VALUES ('CP_{t}', 'variable', 'k', '{t}', 5, 'text', now(), NULL)",
    "streams": "VALUES ('CP_{t}', 1, '{t}', 1, NULL, NULL, now(), NULL)",
    "firmware_jobs": "VALUES ('CP_{t}', 'update', 1, '{t}', 'done', 'Installed', now(), now(),"
    " '[]', '[]')",
    "variable_events": "VALUES ('CP_{t}', now(), 1, '{t}', now(), 'delta', 'custom', 'c', '', 'v',"
    " '', 0, 0, '1', false, NULL, NULL, NULL, '', '', '')",
    "reservations": "VALUES ('CP_{t}', 1, '{t}', 'made', 1, 'ABC', '', now(), now(), NULL, NULL)",
    "local_lists": "VALUES ('CP_{t}', '{t}', 1, 0, now())",
    "external_limits": "VALUES ('CP_{t}', 1, 'EMS', '{t}', true, NULL, NULL, now(), NULL)",
    "vehicle_plans": "VALUES ('CP_{t}', 1, '{t}', NULL, NULL, NULL, NULL, NULL, NULL)",
    "installed_profiles": "VALUES ('CP_{t}', 1, 1, '{t}', 'CSO', 'TxProfile', 'Absolute', 0, '', 1,"
    " '{{}}', now())",
    "dynamic_schedules": "VALUES ('CP_{t}', 1, '{t}', '{{}}', now())",
    "transaction_modes": "VALUES ('CP_{t}', 'tx', '{t}', NULL, true, now())",
    "grid_controls": "VALUES ('CP_{t}', 'c', '{t}', NULL, NULL, NULL, true, now(), NULL, NULL)",
    "settlements": "VALUES ('CP_{t}', 'r', now(), 'settled', '{t}', 1.5, '', '', '', NULL, '', '',"
    " now())",
    "station_costs": "(station_id, transaction, tenant_id, changed_at)"
    " VALUES ('CP_{t}', 'tx', '{t}', now())",
    "battery_swaps": "VALUES ('CP_{t}', now(), 1, 'BatteryIn', '{t}', 'ABC', '[]')",
    "stream_values": "VALUES ('CP_{t}', now(), 1, '{t}', now(), '1')",
    "customer_pages": "VALUES ('CP_{t}', 1, 0, now(), '{t}', now(), 'd')",
    "webhook_endpoints": "(endpoint_id, tenant_id, url, description, types, sites, sealed,"
    " header_names, created_at)"
    " VALUES ('whk_{t}', '{t}', 'https://x', '', '{{}}', '{{}}', '', '{{}}', now())",
    "webhook_deliveries": "(endpoint_id, seq, tenant_id, type, subject, at, next_at)"
    " VALUES ('whk_{t}', 1, '{t}', 'x', 's', now(), now())",
    "webhook_attempts": "VALUES ('whk_{t}', 1, 1, '{t}', now(), 5, 200, '', '')",
    "messages": "VALUES ('CP_{t}', now(), '{t}', 'in', '', '', '')",
    "events": "(at, tenant_id, type, subject, body) VALUES (now(), '{t}', 'x', 'CP_{t}', '{{}}')",
}

KILL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


# Nobody may change what it says, not even within its own walls.
APPEND_ONLY = {"audit"}


def insert(table: str, tenant: str, *, hexed: str = "") -> str:
    row = ROWS[table].format(t=tenant, hex=hexed or tenant.encode().hex())
    return f"INSERT INTO {table} {row}"


@pytest.fixture
async def db(database_url: str) -> AsyncGenerator[Database]:
    db = Database(database_url, pool_size=2)
    yield db
    await db.close()


@pytest.fixture
async def settled(db: Database) -> Database:
    """Two tenants with a row in every table."""
    async with db.house_unit() as unit:
        for tenant in ("acme", "other"):
            await unit.conn.execute(text(f"INSERT INTO tenants VALUES ('{tenant}', 'T', now())"))
            for table in ROWS:
                await unit.conn.execute(text(insert(table, tenant).replace(":", "\\:")))
    return db


async def count(db: Database, sql: str, ctx: Context | None = None) -> int:
    async with db.unit(ctx) if ctx else db.house_unit() as unit:
        return int(str(await unit.conn.scalar(text(sql))))


def changed(station: str) -> StationChanged:
    return StationChanged(tenant=ACME.tenant, at=NOW, station=StationId(station))


class Failure(Exception):
    """What goes wrong in the middle of a verb."""


async def fail_after_telling(db: Database) -> None:
    async with db.unit(ACME) as unit:
        await unit.conn.execute(text("UPDATE stations SET serial = 'moved'"))
        await unit.emit(changed("CP_acme"))
        raise Failure


async def test_what_is_rolled_back_was_never_told(settled: Database) -> None:
    with pytest.raises(Failure):
        await fail_after_telling(settled)
    assert await count(settled, "SELECT count(*) FROM stations WHERE serial = 'moved'") == 0
    assert await count(settled, "SELECT count(*) FROM events WHERE type = 'station.changed'") == 0


async def test_units_that_are_together_are_done_together(settled: Database) -> None:
    async def serial(said: str) -> None:
        async with settled.unit(ACME) as unit:
            await unit.conn.execute(text(f"UPDATE stations SET serial = '{said}'"))

    async def serial_and_failure() -> None:
        async with settled.together(ACME):
            await serial("first")
            raise Failure

    with pytest.raises(Failure):
        await serial_and_failure()
    assert await count(settled, "SELECT count(*) FROM stations WHERE serial = 'first'") == 0
    async with settled.together(ACME):
        await serial("first")
        # What fails by itself, and is expected to, takes nothing else along.
        with pytest.raises(Failure):
            await fail_after_telling(settled)
        seen = "SELECT count(*) FROM stations WHERE serial = 'first'"
        assert await count(settled, seen, ACME) == 1
        assert await count(settled, seen) == 0, "nobody else sees it yet"
    assert await count(settled, seen) == 1
    assert await count(settled, "SELECT count(*) FROM events WHERE type = 'station.changed'") == 0
    with pytest.raises(AssertionError, match="one tenant"):
        async with settled.together(ACME), settled.unit(OTHER):
            pass


async def test_who_only_reads_changes_nothing(settled: Database) -> None:
    reader = Database(settled.url, pool_size=1, only_reads=True)
    assert await count(reader, "SELECT count(*) FROM stations", ACME) == 1
    with pytest.raises(DatabaseAway):
        await fail_after_telling(reader)
    await reader.close()


async def test_what_is_committed_was_told_in_order(settled: Database) -> None:
    async with settled.unit(ACME) as unit:
        await unit.emit(*(changed(f"CP{n}") for n in range(5)))
        await unit.emit()
    async with settled.house_unit() as unit:
        rows = await unit.conn.execute(
            text("SELECT subject FROM events WHERE type = 'station.changed' ORDER BY xid, seq")
        )
        assert [row.subject for row in rows] == [f"CP{n}" for n in range(5)]


async def test_a_commit_with_events_wakes_and_a_rollback_does_not(
    settled: Database, database_url: str
) -> None:
    heard = asyncio.Queue[str]()
    conn = await asyncpg.connect(database_url)
    await conn.add_listener(EVENTS_CHANNEL, lambda *said: heard.put_nowait(str(said[2])))
    with pytest.raises(Failure):
        await fail_after_telling(settled)
    async with settled.unit(ACME) as unit:
        await unit.emit(changed("CP1"))
    assert await asyncio.wait_for(heard.get(), 5) == EVENTS_CHANNEL
    assert heard.empty()
    await conn.close()


def test_the_hot_path_writes_the_same_event_row() -> None:
    changes = Changes()
    emit(changes, changed("CP1"))
    [(write, row)] = changes.rows
    assert write is EVENTS
    assert row == event_row(changed("CP1"))
    assert dict(zip(EVENTS.columns, row, strict=True))["subject"] == "CP1"


def test_every_walled_table_is_tried() -> None:
    assert set(ROWS) == {table for step in STEPS for table in getattr(step, "WALLED", ())}


async def test_every_table_with_a_tenant_has_its_wall(db: Database) -> None:
    """Also one that a later step adds: whoever forgets the wall learns it here."""
    async with db.house_unit() as unit:
        rows = await unit.conn.execute(
            text(
                """
            SELECT c.relname FROM pg_class c
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
              AND NOT c.relispartition AND NOT c.relrowsecurity""".replace("::", "\\:\\:")
            )
        )
        assert [row.relname for row in rows] == []


@pytest.mark.parametrize("table", ROWS)
async def test_one_tenant_cannot_touch_anothers_rows(settled: Database, table: str) -> None:
    assert await count(settled, f"SELECT count(*) FROM {table}") == 2
    async with settled.unit(ACME) as unit:
        seen = await unit.conn.execute(text(f"SELECT tenant_id FROM {table}"))
        assert [row.tenant_id for row in seen] == ["acme"]
        theirs = f"{table} WHERE tenant_id = 'other'"
        assert await unit.conn.scalar(text(f"SELECT count(*) FROM {theirs}")) == 0
    async with settled.unit(ACME) as unit:
        if table not in APPEND_ONLY:
            assert (await unit.conn.execute(text(f"DELETE FROM {theirs}"))).rowcount == 0
            moved = await unit.conn.execute(text(f"UPDATE {table} SET tenant_id = tenant_id"))
            assert moved.rowcount == 1
    assert await count(settled, f"SELECT count(*) FROM {table}") == 2
    told = "permission denied" if table in APPEND_ONLY else "row-level security"
    for sql, why in (
        (
            insert(table, "other", hexed="ff").replace("'CP_other'", "'CP_new'"),
            "row-level security",
        ),
        (f"UPDATE {table} SET tenant_id = 'other'", told),
    ):
        with pytest.raises(DBAPIError, match=why):
            async with settled.unit(ACME) as unit:
                await unit.conn.execute(text(sql.replace(":", "\\:")))


async def test_a_tenant_does_not_see_who_else_is_there(settled: Database) -> None:
    async with settled.unit(ACME) as unit:
        rows = await unit.conn.execute(text("SELECT tenant_id FROM tenants"))
        assert [row.tenant_id for row in rows] == ["acme"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM meter_values_default",
        "SELECT * FROM events_default",
        "SELECT * FROM relays",
        "TRUNCATE meter_values",
        "ALTER TABLE sessions DISABLE ROW LEVEL SECURITY",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "CREATE TABLE mine (id int)",
    ],
)
async def test_there_is_no_way_around_the_wall(settled: Database, sql: str) -> None:
    with pytest.raises(DBAPIError, match=r"permission denied|must be"):
        async with settled.unit(ACME) as unit:
            await unit.conn.execute(text(sql))


async def test_a_tenant_without_a_name_sees_nothing(settled: Database) -> None:
    nobody = Context(actor="test", tenant=TenantId(""), now=NOW)
    assert await count(settled, "SELECT count(*) FROM stations", nobody) == 0


async def test_walls_end_with_their_unit(settled: Database) -> None:
    """The next unit may get the same connection of the pool."""
    for _ in range(3):
        assert await count(settled, "SELECT count(*) FROM stations", ACME) == 1
        assert await count(settled, "SELECT count(*) FROM stations") == 2
        assert await count(settled, "SELECT count(*) FROM stations", OTHER) == 1


async def looked(db: Database, sql: str, ctx: Context) -> object:
    async with db.view(ctx) as view:
        return await view.conn.scalar(text(sql))


async def test_a_view_has_the_walls_of_who_looks(database_url: str, settled: Database) -> None:
    """Its connections keep their walls, for whoever is behind the same ones and nobody else."""
    db = Database(database_url, pool_size=1)
    sql = "SELECT string_agg(tenant_id || pg_backend_pid(), ' ') FROM stations"
    bound = Context(actor="test", tenant=ACME.tenant, now=NOW, sites=("Bergen",))
    seen = [await looked(db, sql, ctx) for ctx in (ACME, OTHER, OTHER, bound, ACME)]
    pid = str(seen[0]).removeprefix("acme")
    assert seen == [f"acme{pid}", f"other{pid}", f"other{pid}", None, f"acme{pid}"]
    assert await looked(settled, "SELECT count(*) FROM stations", ACME) == 1
    assert await count(settled, "SELECT count(*) FROM stations") == 2
    await db.close()


async def test_a_view_that_was_left_while_it_settled_is_nobodys(database_url: str) -> None:
    db = Database(database_url, pool_size=1)
    await looked(db, "SELECT 1", ACME)
    with pytest.raises(DBAPIError, match=r"invalid byte sequence|null character|encoding"):
        await looked(db, "SELECT 1", Context(actor="test", tenant=TenantId("a\x00"), now=NOW))
    mine = "SELECT current_setting('forecourt.tenant')"
    assert [await looked(db, mine, ctx) for ctx in (OTHER, ACME)] == ["other", "acme"]
    await db.close()


async def test_what_is_done_together_is_seen_together_and_goes_together(
    settled: Database,
) -> None:
    vendor = "SELECT vendor FROM stations"

    async def fail() -> None:
        async with settled.together(ACME):
            async with settled.unit(ACME) as unit:
                await unit.conn.execute(text("UPDATE stations SET vendor = 'x'"))
            assert await looked(settled, vendor, ACME) == "x"
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await looked(settled, vendor, ACME) == ""


async def test_a_view_changes_nothing(settled: Database) -> None:
    # The words of a server that is a copy: whoever asked would try again on the right one.
    with pytest.raises(DatabaseAway) as refused:
        await looked(settled, "UPDATE stations SET vendor = 'x' RETURNING vendor", ACME)
    assert "read-only transaction" in str(refused.value.__cause__)
    assert await looked(settled, "SELECT vendor FROM stations", ACME) == ""


async def test_a_database_that_is_not_there() -> None:
    away = Database("postgresql://forecourt@127.0.0.1:1/nothing", pool_size=2)
    with pytest.raises(DatabaseAway):
        await away.ping()
    await away.close()


async def told_up_to(db: Database) -> int:
    """The oldest transaction that runs: the outbox tells nothing behind it."""
    return await count(
        db, "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS int8)"
    )


async def test_who_falls_asleep_in_a_transaction_holds_back_nobody(
    settled: Database, database_url: str
) -> None:
    dozer = Database(database_url, pool_size=1, idle_s=0.3)

    async def doze() -> None:
        async with dozer.house_unit() as unit:
            own = int(str(await unit.conn.scalar(text("SELECT CAST(txid_current() AS int8)"))))
            assert await told_up_to(settled) <= own
            for _ in range(600):
                if await told_up_to(settled) > own:
                    break
                await asyncio.sleep(0.05)
            else:
                pytest.fail("the transaction was not ended")
            await unit.conn.execute(text("SELECT 1"))

    with pytest.raises(DatabaseAway):
        await doze()
    await dozer.ping()
    await dozer.close()


async def test_the_group_commit_that_falls_asleep_tries_again(database_url: str) -> None:
    dozer = Database(database_url, pool_size=1, idle_s=0.3)
    conn = await dozer.raw()
    cut = asyncio.Event()
    conn.add_termination_listener(lambda _: cut.set())
    await conn.execute("BEGIN")
    async with asyncio.timeout(30):
        await cut.wait()
    with pytest.raises(AWAY):
        await conn.execute("SELECT 1")
    await dozer.close()


async def test_a_statement_outlives_who_asked_by_two_minutes_at_most(db: Database) -> None:
    limit = "SHOW statement_timeout"
    async with db.house_unit() as unit:
        assert await unit.conn.scalar(text(limit)) == "2min"
    async with db.glance() as glance:
        assert await glance.fetchval(limit) == "2min"
    # Housekeeping may wait long for a lock, and the committer minds its own time.
    conn = await db.raw()
    assert await conn.fetchval(limit) == "0"
    await conn.close()


async def test_a_pool_whose_connections_died_goes_on(settled: Database, database_url: str) -> None:
    admin = await asyncpg.connect(database_url)
    await count(settled, "SELECT 1")
    await looked(settled, "SELECT 1", ACME)
    await admin.execute(KILL)
    assert await count(settled, "SELECT 1") == 1
    assert await looked(settled, "SELECT 1", ACME) == 1

    async def cut_off_in_the_middle() -> None:
        async with settled.house_unit() as unit:
            await admin.execute(KILL)
            await unit.conn.execute(text("SELECT 1"))

    with pytest.raises(DatabaseAway):
        await cut_off_in_the_middle()
    assert await count(settled, "SELECT 1") == 1
    await admin.close()


@pytest.mark.database
async def test_a_server_that_starts_again_is_away_and_nothing_else(tmp_path: Path) -> None:
    """Refused, starting, shutting down, cut off: one word for all of it, and then it is back."""
    server = EmbeddedPostgres(tmp_path, log=print, orphan_grace_s=0)
    await asyncio.to_thread(server.start)
    db = Database(server.url, pool_size=2)
    try:
        for _ in range(2):
            await db.ping()
            kill_server(server)
            away = 0
            async with asyncio.timeout(30):
                while True:
                    try:
                        await db.ping()
                    except DatabaseAway:
                        away += 1
                        await asyncio.sleep(0.005)
                    else:
                        break
            assert away
    finally:
        await db.close()
        await asyncio.to_thread(server.stop)


@pytest.mark.parametrize("error", [asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError])
async def test_a_server_that_says_not_now_is_away(error: type[asyncpg.PostgresError]) -> None:
    """The server's own greeting to whom it does not let in, in PostgreSQL's protocol."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(8)
        writer.write(b"N")  # No TLS here.
        await reader.read(1000)
        said = b"SFATAL\0C%s\0Mnot now\0\0" % error.sqlstate.encode()
        writer.write(b"E" + (len(said) + 4).to_bytes(4, "big") + said)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        db = Database(f"postgresql://forecourt@127.0.0.1:{port}/any", pool_size=2)
        with pytest.raises(DatabaseAway):
            await db.ping()
        await db.close()
