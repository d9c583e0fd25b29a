"""Who gets in: every route wants a key, and a key opens one tenant's rooms."""

import base64

import httpx
import pytest
from asyncpg import connect

from forecourt.base.ids import StationId
from forecourt.domain.monitoring import Page, ReportKind
from tests.edge.http import rows
from tests.edge.http.conftest import NOW, Door
from tests.edge.http.described import described

PARAMETERS = {
    "{station_id}": "CP1",
    "{session_id}": "ses_1",
    "{uid}": "ABC",
    "{request_id}": "1",
    "{stream_no}": "1",
    "{certificate}": "crt_1",
    "{authority}": "aut_1",
    "{station}": "CP1",
    "{emaid}": "DE8AAC12345678",
    "{profile_name}": "easee",
    "{connector_type}": "CCS2",
    "{template_name}": "T",
    "{webhook_id}": "whk_1",
    "{delivery_id}": "evt_1",
}
# What belongs to no tenant: it comes with the package.
SHARED = ("/api/v1/quirk-profiles", "/api/v1/connector-types", "/api/v1/event-types")
# Each tenant has its own, and can change no other's.
OWN = ("/api/v1/driver-page", "/api/v1/settings")
NOTHING: dict[str, object] = {"items": [], "next": None}


def routes() -> list[tuple[str, str]]:
    """Every operation of the API that wants somebody to be known, with names filled in."""
    found = []
    for path, operations in described()["paths"].items():
        # Before anybody is logged in (test_login.py), and what never ends (test_live.py).
        if "/v1/login" in path or path.endswith(("/setup", "/live")):
            continue
        for name, value in PARAMETERS.items():
            path = path.replace(name, value)  # noqa: PLW2901 (filled in step by step)
        found += [(method.upper(), path) for method in operations if path.startswith("/api/")]
    return found


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer fck_wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer " + "x" * 5_000},
        {"Authorization": "Basic " + base64.b64encode(b"me:fck_wrong").decode()},
        {"X-API-Key": "fck_wrong"},
        {"X-API-Key": "' OR 1=1 --"},
    ],
    ids=lambda headers: " ".join(headers.values())[:24] or "none",
)
async def test_no_route_without_a_key(stranger: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert len(routes()) >= 16
    for method, path in routes():
        answer = await stranger.request(method, path, headers=headers, content=b"not json")
        assert answer.status_code == 401, (method, path)
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] in {"apikey.missing", "apikey.invalid"}


async def test_a_browsers_credentials_open_no_route_that_changes_things(
    acme: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    key = acme.headers["authorization"].removeprefix("Bearer ")
    basic = "Basic " + base64.b64encode(f"me:{key}".encode()).decode()
    for method, path in routes():
        answer = await stranger.request(method, path, headers={"Authorization": basic})
        assert answer.status_code == 401, (method, path)


async def test_either_header_will_do(acme: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    key = acme.headers["authorization"].removeprefix("Bearer ")
    answer = await stranger.get("/api/v1/stations", headers={"X-API-Key": key})
    assert answer.json() == {"items": [], "next": None}


async def test_a_revoked_key_is_worth_nothing_after_seconds(
    door: Door, acme: httpx.AsyncClient
) -> None:
    assert (await acme.get("/api/v1/tokens")).status_code == 200
    await door.rooms.tenants.revoke_key(door.ctx(), "test")
    door.clock.advance(6)
    answer = await acme.get("/api/v1/tokens")
    assert (answer.status_code, answer.json()["code"]) == (401, "apikey.invalid")


async def test_an_expired_key_is_worth_nothing_at_once(door: Door) -> None:
    expires_at = NOW.replace(second=2)
    made = await door.rooms.tenants.add_key(door.ctx(), "short", expires_at=expires_at)
    async with door.client(made.secret) as client:
        assert (await client.get("/api/v1/tokens")).status_code == 200
        door.clock.advance(2)
        assert (await client.get("/api/v1/tokens")).status_code == 401


async def test_another_tenant_sees_nothing(
    door: Door, acme: httpx.AsyncClient, other: httpx.AsyncClient, database_url: str
) -> None:
    """No query of the rooms names a tenant: it is PostgreSQL that holds this wall."""
    await door.add_station("CP1")
    door.connect("CP1")
    await acme.post("/api/v1/tokens", json={"uid": "ABC"})
    values = {"values": [{"variable": "V", "value": "1"}]}
    await acme.post("/api/v1/templates", json={"name": "T", **values})
    conn = await connect(database_url)
    await rows.session(conn, "ses_1", NOW)
    await conn.close()
    page = Page(
        kind=ReportKind.CUSTOMER, request_id=1, number=0, last=True, rows=1, generated_at=NOW
    )
    cp1 = StationId("CP1")
    await door.rooms.monitoring.customer_reported(door.ctx(), cp1, page, "Jane Doe")
    # What has a name that is not known before is tried by the tests of its own.
    # People, their log-ins and the trail are tried with people: see test_login.py.
    # So are webhooks and single sign-on; each route with real rows in test_walk.py.
    elsewhere: tuple[str, ...] = (
        "/certificates",
        "{",
        "/users",
        "/apikeys",
        "/me",
        "/logout",
        "/audit",
        "/roles",
    )
    elsewhere += ("/webhooks", "/sso-providers", "/api/v1/events")
    tried = [(m, path) for m, path in routes() if not any(e in path for e in elsewhere)]
    ours = [await acme.get(path) for method, path in tried if method == "GET"]
    assert {answer.status_code for answer in ours} == {200}

    bodies = {"PATCH": {}, "POST": {"command": "reset"}, "PUT": values}
    for method, path in tried:
        if (method == "POST" and not path.endswith("CP1/commands")) or path.startswith(SHARED):
            continue
        if method != "GET" and path in OWN:
            continue
        answer = await other.request(method, path, json=bodies.get(method))
        if path.endswith("/overview"):
            assert answer.json()["stations_known"] == 0
        elif answer.status_code == 200:
            # Lists are empty; what every tenant has, its settings for one, is its own.
            said = answer.json()
            assert "next" not in said or said["items"] == [], path
            assert not any(word in answer.text for word in ("CP1", "acme", "ABC")), path
        else:
            assert answer.status_code == 404, (method, path)
            assert "acme" not in answer.text
    assert (await acme.get("/api/v1/stations/CP1")).json()["tenant"] == "acme"


async def test_the_same_identity_cannot_be_had_twice(
    door: Door, acme: httpx.AsyncClient, other: httpx.AsyncClient
) -> None:
    await door.add_station("CP1")
    answer = await other.post("/api/v1/stations", json={"id": "CP1"})
    assert (answer.status_code, answer.json()["code"]) == (409, "station.exists")
    assert (await other.post("/api/v1/tokens", json={"uid": "ABC"})).status_code == 201
    assert (await acme.post("/api/v1/tokens", json={"uid": "ABC"})).status_code == 201
