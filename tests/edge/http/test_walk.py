"""Every route, as every role of another tenant, with the ids of real rows: nothing is seen or done.

The rows are those of tests/infra/test_database.py, one in every table behind the wall; the routes
are those of the API's description. So a new table and a new route are walked by themselves.
"""

from collections.abc import AsyncGenerator
from typing import Any

import asyncpg
import httpx
import pytest

from forecourt.domain.tenants import ROLES, Role
from forecourt.edge.http import auth
from forecourt.edge.http.permissions import ANYBODY, PERMISSIONS
from tests.edge.http.conftest import Door, LogIn
from tests.edge.http.schema import Described, filled
from tests.infra.test_database import ROWS, insert

pytestmark = pytest.mark.storage

IDS = {
    "station_id": "CP_acme",
    "station": "CP_acme",
    "session_id": "ses_acme",
    "order_id": "ord_acme",
    "user_id": "usr_acme",
    "key_id": "key_acme",
    "certificate": "crt_acme",
    "authority": "aut_acme",
    "emaid": "e",
    "uid": "uid",
    "template_name": "T",
    "site_id": "Oslo",
    "webhook_id": "whk_acme",
    "passkey_id": "psk_acme",
}
# Rows of the trail are made by asking; who is logged in, too.
MOVING = {"audit", "logins", "events", "edits", "repeats"}


@pytest.fixture
async def conn(door: Door) -> AsyncGenerator[asyncpg.Connection]:
    """Acme has a row in every table."""
    conn = await asyncpg.connect(door.db.url)
    for table in ROWS:
        await conn.execute(insert(table, "acme"))
    yield conn
    await conn.close()


async def acmes(conn: asyncpg.Connection) -> dict[str, list[str]]:
    """All that acme has, as text."""
    return {
        table: [
            str(row[0])
            for row in await conn.fetch(
                f"SELECT row_to_json(t)::text FROM {table} t WHERE tenant_id = 'acme' ORDER BY 1"
            )
        ]
        for table in ROWS
        if table not in MOVING
    }


async def walk(door: Door, client: httpx.AsyncClient) -> list[tuple[str, httpx.Response]]:
    """Every operation that wants somebody to be known, asked with acme's ids."""
    described, found = Described(door.app), []
    for method, path, operation in described.operations():
        if operation.get("security") == [{}]:
            continue
        bodies: list[Any] = [described.fitting(s) for s in described.variants(operation)][:1]
        body: Any = bodies[0] if bodies else None
        if operation["operationId"] == "place_command":
            body = {**body, "stations": ["CP_acme"]}
        answer = await client.request(method, filled(path, IDS), json=body)
        found.append((operation["operationId"], answer))
    return found


def nothing_of_acmes(operation: str, answer: httpx.Response) -> None:
    assert answer.status_code < 500, (operation, answer.text)
    if answer.is_success:
        assert "acme" not in answer.text, operation


@pytest.mark.parametrize("role", Role)
async def test_every_role_of_another_tenant(
    door: Door, conn: asyncpg.Connection, log_in: LogIn, role: Role
) -> None:
    client, before = await log_in(role, tenant="other"), await acmes(conn)
    for operation, answer in await walk(door, client):
        nothing_of_acmes(operation, answer)
        wanted = PERMISSIONS.get(operation)
        may = operation in ANYBODY or (wanted is not None and wanted in ROLES[role])
        assert (answer.status_code == 403) is not may, (role, operation, answer.text)
    assert await acmes(conn) == before


async def test_without_our_own_check_there_is_still_the_wall(
    door: Door, conn: asyncpg.Connection, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody asks for a permission any more; PostgreSQL gives nothing all the same."""
    monkeypatch.setattr(auth, "missing", lambda *_: None)
    client, before = await log_in(Role.READ_ONLY, tenant="other"), await acmes(conn)
    reached = 0
    for operation, answer in await walk(door, client):
        nothing_of_acmes(operation, answer)
        reached += answer.status_code != 403
    assert reached > 60, "the check is away"
    assert await acmes(conn) == before


async def test_the_owner_itself_finds_these_rows(
    door: Door, conn: asyncpg.Connection, log_in: LogIn
) -> None:
    """Else the walk above would prove nothing."""
    assert len(await conn.fetch("SELECT FROM stations")) == 1
    client = await log_in(Role.OWNER, tenant="acme")
    described, seen = Described(door.app), 0
    for method, path, operation in described.operations():
        # What never ends has tests of its own.
        endless = "text/event-stream" in str(operation["responses"])
        if method == "GET" and operation.get("security") != [{}] and not endless:
            seen += "acme" in (await client.get(filled(path, IDS))).text
    assert seen > 20
