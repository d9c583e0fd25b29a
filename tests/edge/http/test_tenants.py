"""Tenants below tenants: a parent acts in a child, a child sees no parent and no sibling."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from forecourt.base.context import Context
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.stations import NewStation
from forecourt.domain.tenants import NewUser, Role, Scope
from forecourt.domain.tenants.service import tenants as service
from forecourt.domain.tenants.store import tenants as store
from forecourt.infra.database import Unit
from tests.edge.http.conftest import Door

pytestmark = pytest.mark.storage

PASSWORD = "a long enough password"
LogIn = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def log_in(door: Door) -> AsyncGenerator[LogIn]:
    """Makes a user of a role and logs in as it."""
    opened: list[httpx.AsyncClient] = []

    async def make(role: Role, tenant: str = "acme", sites: tuple[str, ...] = ()) -> Any:
        email = f"{role.value}.{len(opened)}@{tenant}.example"
        new = NewUser(email=email, name="N", role=role, password=PASSWORD, sites=sites)
        await door.rooms.people.add(door.ctx(tenant), new)
        client = door.client()
        opened.append(client)
        answer = await client.post("/api/v1/login", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        return client

    yield make
    for client in opened:
        await client.aclose()


async def child_of(client: httpx.AsyncClient, name: str = "Host", **headers: str) -> str:
    answer = await client.post("/api/v1/tenants", json={"name": name}, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def acting(tenant: str) -> dict[str, str]:
    return {"X-Forecourt-Tenant": tenant}


async def stations(client: httpx.AsyncClient, **headers: str) -> list[str]:
    answer = await client.get("/api/v1/stations", headers=headers)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["items"]]


async def test_a_parent_s_owner_acts_in_a_child_and_both_trails_tell(
    door: Door, log_in: LogIn
) -> None:
    owner = await log_in(Role.OWNER)
    child = await child_of(owner)
    await door.add_station("CP_OURS")
    answer = await owner.post("/api/v1/stations", json={"id": "CP_THEIRS"}, headers=acting(child))
    assert answer.status_code == 201, answer.text
    assert await stations(owner) == ["CP_OURS"], "one tenant at a time"
    assert await stations(owner, **acting(child)) == ["CP_THEIRS"]
    theirs = (await owner.get("/api/v1/audit", headers=acting(child))).json()["items"]
    assert [(one["action"], one["actor"][:15]) for one in theirs] == [
        ("add_station", "above:user:usr_")
    ]
    assert "acme" not in str(theirs)
    ours = (await owner.get("/api/v1/audit")).json()["items"]
    assert [one["action"] for one in ours] == ["add_station", "add_tenant"]
    assert ours[0]["subject"].startswith(f"{child} ")


async def test_the_choice_stays_with_the_browser(door: Door, log_in: LogIn) -> None:
    owner = await log_in(Role.OWNER)
    child = await child_of(owner)
    await door.add_station("CP_THEIRS", child)
    places = (await owner.get("/api/v1/me/places")).json()["items"]
    assert [one["id"] for one in places] == ["acme", child]
    answer = await owner.put("/api/v1/me/place", json={"place": child})
    assert answer.json()["place"]["id"] == child
    assert await stations(owner) == ["CP_THEIRS"]
    assert await stations(owner, **acting("acme")) == [], "by the header for one request"
    assert (await owner.get("/api/v1/me")).json()["user"]["place"]["name"] == "Host"
    # What is one's own stays at home.
    assert (await owner.get("/api/v1/me/logins")).json()["items"][0]["current"] is True
    assert (await owner.put("/api/v1/me/place", json={"place": ""})).status_code == 200
    assert await stations(owner) == []


async def test_a_child_sees_neither_its_parent_nor_its_siblings(door: Door, log_in: LogIn) -> None:
    owner = await log_in(Role.OWNER)
    child, sibling = await child_of(owner, "One"), await child_of(owner, "Two")
    await door.add_station("CP_OURS")
    await door.add_station("CP_SIBLING", sibling)
    theirs = await log_in(Role.OWNER, child)
    assert await stations(theirs) == []
    assert (await theirs.get("/api/v1/tenants")).json()["items"] == []
    assert [one["id"] for one in (await theirs.get("/api/v1/me/places")).json()["items"]] == [child]
    for elsewhere in ("acme", sibling, "other", "nowhere", "' OR 1=1 --"):
        answer = await theirs.get("/api/v1/stations", headers=acting(elsewhere))
        assert (answer.status_code, answer.json()["code"]) == (404, "tenant.unknown"), elsewhere
        answer = await theirs.put("/api/v1/me/place", json={"place": elsewhere})
        assert answer.status_code == 404
        for method, path in (("GET", ""), ("PATCH", ""), ("GET", "/shares")):
            answer = await theirs.request(
                method, f"/api/v1/tenants/{elsewhere}{path}", json={"name": "Mine"}
            )
            assert answer.status_code == 404, (method, path, elsewhere)
    assert "acme" not in (await theirs.get("/api/v1/me")).text.replace("example", "")


async def test_a_disabled_tenant_does_not_let_itself_in_again_without_our_own_checks_either(
    door: Door, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody asks who is shut out, nor whether a tenant is below; PostgreSQL does all the same."""
    owner = await log_in(Role.OWNER)
    child = await child_of(owner)
    theirs = await log_in(Role.OWNER, child)
    grandchild = await child_of(theirs, "Below")
    answer = await owner.patch(f"/api/v1/tenants/{child}", json={"disabled": True})
    shut_at = answer.json()["disabled_at"]
    door.clock.advance(6)
    assert (await theirs.get("/api/v1/me")).status_code == 401, "with our checks nobody gets in"

    async def open_(*_: object) -> bool:
        return True

    async def anybody(unit: Unit, _: Context, tenant: str) -> Any:
        return await store.find(unit, tenant)

    monkeypatch.setattr(store, "is_open", open_)
    monkeypatch.setattr(service, "_read", anybody)
    theirs = await log_in(Role.OWNER, child)
    assert (await theirs.get("/api/v1/stations")).status_code == 200, "the checks are away"
    for change in ({"disabled": False}, {"disabled": False, "name": "Free"}):
        answer = await theirs.patch(f"/api/v1/tenants/{child}", json=change)
        assert not answer.is_success, change
    stands = (await owner.get(f"/api/v1/tenants/{child}")).json()
    assert (stands["disabled_at"], stands["name"]) == (shut_at, "Host")
    # Nor does whoever is below let those above in; what is below one's own stays one's own.
    below = await log_in(Role.OWNER, grandchild)
    answer = await below.patch(f"/api/v1/tenants/{child}", json={"disabled": False})
    assert not answer.is_success
    answer = await theirs.patch(f"/api/v1/tenants/{grandchild}", json={"disabled": True})
    assert answer.is_success
    answer = await owner.patch(f"/api/v1/tenants/{child}", json={"disabled": False})
    assert answer.json()["disabled_at"] is None


async def test_no_tenant_s_role_lets_its_own_tenant_in(door: Door, log_in: LogIn) -> None:
    """In SQL, as whoever got that far would write it."""
    owner = await log_in(Role.OWNER)
    child = await child_of(owner)
    await owner.patch(f"/api/v1/tenants/{child}", json={"disabled": True})
    for sql in (
        "UPDATE tenants SET disabled_at = NULL",
        f"UPDATE tenants SET disabled_at = NULL, name = 'Free' WHERE tenant_id = '{child}'",
        "UPDATE tenants SET above = '{}'",
        "DELETE FROM tenants",
    ):
        with pytest.raises(DBAPIError, match=r"those above it|permission denied"):
            async with door.db.unit(door.ctx(child)) as unit:
                await unit.conn.execute(text(sql))
    async with door.db.unit(door.ctx(child)) as unit:
        await unit.conn.execute(text("UPDATE tenants SET name = 'Ours'"))
    stands = (await owner.get(f"/api/v1/tenants/{child}")).json()
    assert stands["disabled_at"] is not None
    assert stands["name"] == "Ours"


async def test_a_grandchild_is_below_both(log_in: LogIn) -> None:
    owner = await log_in(Role.OWNER)
    child = await child_of(owner, "Operator")
    grandchild = await child_of(owner, "Host", **acting(child))
    below = (await owner.get("/api/v1/tenants")).json()["items"]
    assert {one["id"]: one["above"] for one in below} == {child: "acme", grandchild: child}
    middle = await log_in(Role.OWNER, child)
    assert [one["id"] for one in (await middle.get("/api/v1/tenants")).json()["items"]] == [
        grandchild
    ]
    assert await stations(middle, **acting(grandchild)) == []


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OWNER])
async def test_only_owners_act_below(log_in: LogIn, role: Role) -> None:
    child = await child_of(await log_in(Role.OWNER))
    client = await log_in(role)
    answer = await client.get("/api/v1/stations", headers=acting(child))
    assert (answer.status_code, answer.json()["code"]) == (404, "tenant.unknown")
    assert (await client.get("/api/v1/tenants")).status_code == 403


async def test_an_owner_who_is_bound_to_sites_does_not_act_below(log_in: LogIn) -> None:
    child = await child_of(await log_in(Role.OWNER))
    bound = await log_in(Role.OWNER, sites=("Oslo",))
    assert (await bound.get("/api/v1/stations", headers=acting(child))).status_code == 404


async def test_a_key_acts_below_when_it_was_made_for_it(door: Door, log_in: LogIn) -> None:
    child = await child_of(await log_in(Role.OWNER))
    plain = await door.rooms.tenants.add_key(door.ctx(), "plain")
    wide = await door.rooms.tenants.add_key(door.ctx(), "wide", scopes=[Scope.TENANTS])
    async with door.client(plain.secret) as client:
        assert (await client.get("/api/v1/stations", headers=acting(child))).status_code == 404
    async with door.client(wide.secret) as client:
        assert await stations(client, **acting(child)) == []
        assert (await client.get("/api/v1/stations", headers=acting("other"))).status_code == 404


async def test_a_disabled_tenant_s_people_and_programs_are_shut_out(
    door: Door, log_in: LogIn
) -> None:
    owner = await log_in(Role.OWNER)
    child = await child_of(owner)
    grandchild = await child_of(owner, "Below", **acting(child))
    people = [await log_in(Role.OWNER, child), await log_in(Role.OPERATOR, grandchild)]
    key = await door.rooms.tenants.add_key(door.ctx(grandchild), "program")
    answer = await owner.patch(f"/api/v1/tenants/{child}", json={"disabled": True})
    assert answer.json()["disabled_at"] is not None
    door.clock.advance(6)
    for client in people:
        assert (await client.get("/api/v1/stations")).status_code == 401
    async with door.client(key.secret) as program:
        assert (await program.get("/api/v1/stations")).status_code == 401
    async with door.client() as fresh:
        body = {"email": f"owner.1@{child}.example", "password": PASSWORD}
        assert (await fresh.post("/api/v1/login", json=body)).status_code == 401
        await owner.patch(f"/api/v1/tenants/{child}", json={"disabled": False})
        assert (await fresh.post("/api/v1/login", json=body)).status_code == 200


async def two_sites(door: Door) -> None:
    for name, site in (("CP_OSLO", "Oslo"), ("CP_ROMA", "Roma")):
        new = NewStation(id=StationId(name), site=site)
        await door.rooms.stations.add(door.ctx(), new)


async def test_shared_sites_are_seen_and_not_touched(door: Door, log_in: LogIn) -> None:
    owner = await log_in(Role.OWNER)
    child = await child_of(owner)
    await two_sites(door)
    body = {"name": "At the mall", "sites": ["Oslo"]}
    share = (await owner.post(f"/api/v1/tenants/{child}/shares", json=body)).json()["id"]
    guest = await log_in(Role.OWNER, child)
    places = (await guest.get("/api/v1/me/places")).json()["items"]
    assert [(one["id"], one["name"], one["shared"]) for one in places] == [
        (child, "Host", False),
        (share, "At the mall", True),
    ]
    assert await stations(guest) == []
    assert await stations(guest, **acting(share)) == ["CP_OSLO"]
    me = (await guest.put("/api/v1/me/place", json={"place": share})).json()
    assert set(me["permissions"]) == {"stations.read", "sessions.read"}
    assert (await guest.get("/api/v1/stations/CP_OSLO")).status_code == 200
    assert (await guest.get("/api/v1/stations/CP_ROMA")).status_code == 404
    assert (await guest.get("/api/v1/overview")).json()["stations_known"] == 1
    for method, path, given in (
        ("PATCH", "/stations/CP_OSLO", {"site": "Roma"}),
        ("DELETE", "/stations/CP_OSLO", None),
        ("POST", "/stations/CP_OSLO/commands", {"command": "reset"}),
        ("GET", "/users", None),
        ("GET", "/templates", None),
        ("GET", "/tokens", None),
        ("GET", "/audit", None),
        ("POST", "/tenants", {"name": "X"}),
    ):
        answer = await guest.request(method, f"/api/v1{path}", json=given)
        assert answer.status_code == 403, (method, path, answer.text)
    assert "acme" not in (await guest.get("/api/v1/me")).text.replace("example", "")


async def test_a_share_that_ends_is_over_within_seconds(door: Door, log_in: LogIn) -> None:
    owner = await log_in(Role.OWNER)
    child = await child_of(owner)
    await two_sites(door)
    body = {"name": "Mall", "sites": ["Oslo"]}
    shares = f"/api/v1/tenants/{child}/shares"
    share = (await owner.post(shares, json=body)).json()["id"]
    guest = await log_in(Role.READ_ONLY, child)
    await guest.put("/api/v1/me/place", json={"place": share})
    assert await stations(guest) == ["CP_OSLO"]
    assert (await owner.delete(f"{shares}/{share}")).status_code == 204
    door.clock.advance(6)
    assert (await guest.get("/api/v1/stations")).status_code == 404
    assert (await guest.get("/api/v1/me")).json()["user"]["place"]["id"] == child
    assert await stations(guest) == [], "back at home"


async def test_who_is_bound_at_home_is_bound_in_what_is_shared(door: Door, log_in: LogIn) -> None:
    owner = await log_in(Role.OWNER)
    child = await child_of(owner)
    await two_sites(door)
    body = {"name": "Both", "sites": ["Oslo", "Roma"]}
    share = (await owner.post(f"/api/v1/tenants/{child}/shares", json=body)).json()["id"]
    bound = await log_in(Role.SITE_HOST, child, sites=("Roma",))
    assert await stations(bound, **acting(share)) == ["CP_ROMA"]
    elsewhere = await log_in(Role.SITE_HOST, child, sites=("Wien",))
    answer = await elsewhere.get("/api/v1/stations", headers=acting(share))
    assert answer.status_code == 404


@pytest.mark.parametrize("sites", [[], [""], [" "]], ids=str)
async def test_nothing_is_not_shared_as_everything(log_in: LogIn, sites: list[str]) -> None:
    owner = await log_in(Role.OWNER)
    child = await child_of(owner)
    body = {"name": "All?", "sites": sites}
    assert (await owner.post(f"/api/v1/tenants/{child}/shares", json=body)).status_code == 400


async def test_postgresql_holds_the_same_wall(door: Door, log_in: LogIn) -> None:
    """Without the application: the session's tenant is one, and sees below, never above."""
    owner = await log_in(Role.OWNER)
    child, sibling = await child_of(owner, "One"), await child_of(owner, "Two")
    await door.add_station("CP_OURS")
    await door.add_station("CP_SIBLING", sibling)
    async with door.db.unit(door.ctx(child)) as unit:
        seen = await unit.conn.execute(text("SELECT tenant_id FROM tenants"))
        assert [row.tenant_id for row in seen] == [child]
        assert await unit.conn.scalar(text("SELECT count(*) FROM stations")) == 0
        renamed = await unit.conn.execute(text("UPDATE tenants SET name = 'Mine'"))
        assert renamed.rowcount == 1, "its own entry, and nobody's above or beside it"
    async with door.db.unit(door.ctx()) as unit:
        assert await unit.conn.scalar(text("SELECT count(*) FROM stations")) == 1
    for sql, why in (
        (f"UPDATE tenants SET above = ARRAY['{child}'] WHERE tenant_id = 'acme'", "denied"),
        (
            "INSERT INTO tenants (tenant_id, name, created_at) VALUES ('evil', 'E', now())",
            "row-level security",
        ),
        (
            f"INSERT INTO site_shares VALUES ('shr_x', 'acme', '{child}', 'n', '{{Oslo}}', now())",
            "row-level security",
        ),
    ):
        with pytest.raises(DBAPIError, match=why):
            async with door.db.unit(door.ctx(child)) as unit:
                await unit.conn.execute(text(sql))
    conn = await asyncpg.connect(door.db.url)
    with pytest.raises(asyncpg.CheckViolationError):
        await conn.execute(
            "INSERT INTO site_shares VALUES ('shr_x', 'acme', 'other', 'n', '{}', now())"
        )
    await conn.close()
    assert TenantId(child) != TenantId(sibling)
