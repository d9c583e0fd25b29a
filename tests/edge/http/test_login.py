"""People before the HTTP door: the first owner, logging in, what each may do, and the trail."""

import asyncio
import base64
import json
import time
from typing import Any

import asyncpg
import httpx
import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from forecourt.base.ids import StationId
from forecourt.domain.stations import NewStation
from forecourt.domain.tenants import ROLES, NewUser, Role
from forecourt.edge.http.permissions import ANYBODY, PERMISSIONS
from tests.edge.http.conftest import PASSWORD, Door, LogIn
from tests.edge.http.described import described

pytestmark = pytest.mark.storage


def operations() -> set[str]:
    """Every operation that wants somebody to be known."""
    paths = described()["paths"]
    return {
        one["operationId"]
        for path, held in paths.items()
        for one in held.values()
        if path.startswith("/api/") and one.get("security") != [{}]
    }


async def test_the_first_owner_is_made_with_the_printed_code_and_once(
    door: Door, stranger: httpx.AsyncClient
) -> None:
    assert (await stranger.get("/api/v1/setup")).json() == {"needed": True}
    first = {"email": "a@b.example", "name": "A", "password": PASSWORD, "code": "guess"}
    answer = await stranger.post("/api/v1/setup", json=first)
    assert (answer.status_code, answer.json()["code"]) == (403, "setup.refused")
    first["code"] = door.rooms.people.set_up_code
    answer = await stranger.post("/api/v1/setup", json=first)
    assert answer.json()["user"]["role"] == "owner"
    assert (await stranger.get("/api/v1/me")).json()["user"]["email"] == "a@b.example"
    assert (await stranger.get("/api/v1/setup")).json() == {"needed": False}
    answer = await stranger.post("/api/v1/setup", json=first)
    assert answer.json()["code"] == "setup.refused"


async def test_the_trail_begins_with_the_first_owner(
    door: Door, stranger: httpx.AsyncClient
) -> None:
    first = {"email": "a@b.example", "name": "A", "password": PASSWORD}
    trace = "0af7651916cd43dd8448eb211c80319c"
    made = await stranger.post(
        "/api/v1/setup",
        json={**first, "code": door.rooms.people.set_up_code},
        headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"},
    )
    (deed,) = (await stranger.get("/api/v1/audit")).json()["items"]
    user = made.json()["user"]
    assert (deed["actor"], deed["action"], deed["subject"]) == ("setup", "set_up", user["id"])
    assert (deed["address"], deed["trace"]) == ("127.0.0.1", trace)
    told = json.loads(deed["after"])
    assert (told["email"], told["name"], told["role"]) == ("a@b.example", "A", "owner")
    assert PASSWORD not in deed["after"]
    verdict = (await stranger.get("/api/v1/audit/verdict")).json()
    assert (verdict["entries"], verdict["broken_at"]) == (1, None)


async def test_no_owner_without_a_trail_of_it(
    door: Door, stranger: httpx.AsyncClient, database_url: str
) -> None:
    code = door.rooms.people.set_up_code
    first = {"email": "a@b.example", "name": "A", "password": PASSWORD, "code": code}
    conn = await asyncpg.connect(database_url)
    # Whatever the reason: nothing can be written there.
    await conn.execute("ALTER TABLE audit ADD CONSTRAINT shut CHECK (action <> 'set_up')")
    assert (await stranger.post("/api/v1/setup", json=first)).status_code == 500
    assert (await stranger.get("/api/v1/setup")).json() == {"needed": True}
    await conn.execute("ALTER TABLE audit DROP CONSTRAINT shut")
    await conn.close()
    assert (await stranger.post("/api/v1/setup", json=first)).status_code == 200


async def test_of_two_first_owners_at_once_one_is(door: Door) -> None:
    people, code = door.rooms.people, door.rooms.people.set_up_code
    new = [
        NewUser(email=f"{name}@b.example", name=name, role=Role.OWNER, password=PASSWORD)
        for name in "ab"
    ]
    done = await asyncio.gather(
        *(people.set_up(door.ctx(), code, one) for one in new), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in done) == ["SetUpDone", "User"]
    assert len((await people.list(door.ctx())).items) == 1


async def test_the_cookie_is_no_script_s_and_no_other_site_s(
    door: Door, stranger: httpx.AsyncClient
) -> None:
    new = NewUser(email="a@b.example", name="A", role=Role.OWNER, password=PASSWORD)
    await door.rooms.people.add(door.ctx(), new)
    answer = await stranger.post(
        "/api/v1/login", json={"email": "A@B.example", "password": PASSWORD}
    )
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    secret = answer.cookies["forecourt_session"]
    assert secret not in answer.text


async def test_wrong_passwords_and_unknown_addresses_look_the_same_and_slow_down(
    door: Door, stranger: httpx.AsyncClient
) -> None:
    new = NewUser(email="a@b.example", name="A", role=Role.OWNER, password=PASSWORD)
    await door.rooms.people.add(door.ctx(), new)
    said = []
    for email in ("a@b.example", "nobody@b.example"):
        answer = await stranger.post("/api/v1/login", json={"email": email, "password": "wrong"})
        said.append((answer.status_code, answer.json()["code"], answer.json()["detail"]))
    assert said[0] == said[1] == (401, "login.refused", "wrong address or password")
    for _ in range(4):
        answer = await stranger.post(
            "/api/v1/login", json={"email": "a@b.example", "password": "wrong"}
        )
    answer = await stranger.post(
        "/api/v1/login", json={"email": "a@b.example", "password": PASSWORD}
    )
    assert (answer.status_code, answer.json()["code"]) == (429, "login.throttled")


async def test_a_change_wants_the_page_s_token(log_in: LogIn) -> None:
    client = await log_in(Role.OWNER)
    token = client.headers.pop("X-CSRF-Token")
    answer = await client.post("/api/v1/tokens", json={"uid": "ABC"})
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf.missing")
    wrong = {"X-CSRF-Token": "0" * len(token)}
    answer = await client.post("/api/v1/tokens", json={"uid": "ABC"}, headers=wrong)
    assert answer.json()["code"] == "csrf.missing"
    right = {"X-CSRF-Token": token}
    assert (
        await client.post("/api/v1/tokens", json={"uid": "ABC"}, headers=right)
    ).status_code == 201


async def test_logged_out_is_out_at_once(log_in: LogIn) -> None:
    client = await log_in(Role.OWNER)
    cookies = dict(client.cookies)
    assert (await client.get("/api/v1/stations")).status_code == 200
    assert (await client.post("/api/v1/logout")).status_code == 204
    client.cookies.update(cookies)
    answer = await client.get("/api/v1/stations")
    assert (answer.status_code, answer.json()["code"]) == (401, "login.refused")


async def test_a_log_in_ends_when_nobody_uses_it(door: Door, log_in: LogIn) -> None:
    client = await log_in(Role.OWNER)
    door.clock.advance(11 * 3600)
    assert (await client.get("/api/v1/me")).status_code == 200
    door.clock.advance(11 * 3600)
    assert (await client.get("/api/v1/me")).status_code == 200
    door.clock.advance(13 * 3600)
    assert (await client.get("/api/v1/me")).status_code == 401


async def test_a_second_factor_is_wanted_and_is_good_once(door: Door, log_in: LogIn) -> None:
    client = await log_in(Role.OPERATOR)
    begun = (await client.post("/api/v1/me/totp")).json()
    totp = TOTP(base64.b32decode(begun["secret"]), 6, SHA1(), 30)
    now = int(door.clock.now().timestamp())
    code = totp.generate(now).decode()
    wrong = {"secret": begun["secret"], "code": "000000" if code != "000000" else "000001"}
    assert (await client.post("/api/v1/me/totp/proof", json=wrong)).status_code == 401
    proof = {"secret": begun["secret"], "code": code}
    assert (await client.post("/api/v1/me/totp/proof", json=proof)).status_code == 200

    who = {"email": "operator.0@acme.example", "password": PASSWORD}
    async with door.client() as fresh:
        answer = await fresh.post("/api/v1/login", json=who)
        assert (answer.status_code, answer.json()["code"]) == (401, "login.totp_wanted")
        answer = await fresh.post("/api/v1/login", json={**who, "totp": code})
        assert answer.status_code == 200
        answer = await fresh.post("/api/v1/login", json={**who, "totp": code})
        assert answer.json()["code"] == "login.totp_wanted", "a code is good once"
        door.clock.advance(60)
        fresh_code = totp.generate(now + 60).decode()
        answer = await fresh.post("/api/v1/login", json={**who, "totp": fresh_code})
        assert answer.status_code == 200
    kept = await asyncpg_rows(door, "SELECT totp FROM users")
    assert base64.b32decode(begun["secret"]) not in kept[0]["totp"]


async def asyncpg_rows(door: Door, sql: str) -> list[Any]:
    conn = await asyncpg.connect(door.db.url)
    try:
        return list(await conn.fetch(sql))
    finally:
        await conn.close()


def test_every_route_has_its_permission() -> None:
    assert operations() - PERMISSIONS.keys() - ANYBODY == set()
    assert PERMISSIONS.keys() - operations() == set(), "no route has this name"


@pytest.mark.parametrize("role", Role)
async def test_every_route_refuses_who_may_not(log_in: LogIn, role: Role) -> None:
    client = await log_in(role)
    refused = 0
    for path, held in described()["paths"].items():
        for method, one in held.items():
            operation = one["operationId"]
            if operation not in PERMISSIONS or operation == "live":
                continue
            parts = ("1" if part.startswith("{") else part for part in path.split("/"))
            address = "/".join(parts)
            answer = await client.request(method.upper(), address, content=b"no json")
            may = PERMISSIONS[operation] in ROLES[role]
            assert (answer.status_code != 403) is may, (role, operation, answer.text)
            refused += not may
    assert (refused == 0) is (role is Role.OWNER)


async def test_who_is_bound_to_a_site_sees_that_site_alone(door: Door, log_in: LogIn) -> None:
    """No query of the rooms names a site: it is PostgreSQL that holds this wall, too."""
    for name, site in (("CP1", "Berlin"), ("CP2", "Oslo")):
        new = NewStation(id=StationId(name), site=site)
        await door.rooms.stations.add(door.ctx(), new)
    host = await log_in(Role.OPERATOR, sites=("Oslo",))
    found = (await host.get("/api/v1/stations")).json()["items"]
    assert [station["id"] for station in found] == ["CP2"]
    assert (await host.get("/api/v1/stations/CP1")).status_code == 404
    door.connect("CP1")
    answer = await host.post("/api/v1/stations/CP1/commands", json={"command": "reset"})
    assert answer.json()["code"] == "station.unknown"
    answer = await host.post("/api/v1/stations", json={"id": "CP3", "site": "Berlin"})
    assert (answer.status_code, answer.json()["code"]) == (403, "scope.outside")
    answer = await host.patch("/api/v1/stations/CP2", json={"site": "Berlin"})
    assert answer.status_code == 403
    assert (await host.post("/api/v1/stations", json={"id": "CP3", "site": "Oslo"})).is_success
    assert (await host.get("/api/v1/overview")).json()["stations_known"] == 2
    sites = (await host.get("/api/v1/sites")).json()["items"]
    assert [site["id"] for site in sites] == ["Oslo"]
    assert (await host.get("/api/v1/sites/Berlin/summary")).status_code == 404
    answer = await host.post("/api/v1/sites", json={"id": "Bergen"})
    assert (answer.status_code, answer.json()["code"]) == (403, "scope.outside")
    assert (await host.patch("/api/v1/sites/Oslo", json={"city": "Oslo"})).is_success


async def test_every_table_of_stations_has_the_wall_around_sites(door: Door) -> None:
    tables = await asyncpg_rows(
        door,
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = current_schema()::regnamespace AND c.relrowsecurity"
        " AND NOT c.relispartition AND a.attname = 'station_id' AND NOT a.attisdropped",
    )
    walled = await asyncpg_rows(door, "SELECT tablename FROM pg_policies WHERE policyname='sites'")
    missing = {row["relname"] for row in tables} - {row["tablename"] for row in walled}
    assert missing == set(), "add a policy `sites` in the table's migration (see 0016)"
    assert "events" in {row["tablename"] for row in walled}


async def test_rights_that_change_end_every_log_in(door: Door, log_in: LogIn) -> None:
    owner, other = await log_in(Role.OWNER), await log_in(Role.OPERATOR)
    user = (await other.get("/api/v1/me")).json()["user"]["id"]
    answer = await owner.patch(f"/api/v1/users/{user}", json={"role": "read_only"})
    assert answer.json()["role"] == "read_only"
    door.clock.advance(6)
    assert (await other.get("/api/v1/stations")).status_code == 401


async def test_the_last_owner_stays(log_in: LogIn) -> None:
    owner = await log_in(Role.OWNER)
    me = (await owner.get("/api/v1/me")).json()["user"]["id"]
    for change in ({"role": "operator"}, {"disabled": True}):
        answer = await owner.patch(f"/api/v1/users/{me}", json=change)
        assert (answer.status_code, answer.json()["code"]) == (409, "user.last_owner")
    assert (await owner.delete(f"/api/v1/users/{me}")).status_code == 409


async def test_what_is_changed_stands_in_the_trail_without_its_secrets(
    door: Door, log_in: LogIn
) -> None:
    owner = await log_in(Role.OWNER)
    await door.add_station("CP1")
    await owner.patch("/api/v1/stations/CP1", json={"site": "Oslo", "password": "hunter2hunter2"})
    await owner.delete("/api/v1/stations/CP1")
    await owner.patch("/api/v1/stations/CP9", json={"site": "Oslo"})
    trail = (await owner.get("/api/v1/audit")).json()["items"]
    assert [entry["action"] for entry in trail] == ["remove_station", "change_station"]
    removed, changed = trail
    assert '"site": "Oslo"' in removed["before"]
    assert '"site": ""' in changed["before"]
    assert '"site": "Oslo"' in changed["after"]
    assert changed["subject"] == "CP1"
    assert changed["actor"].startswith("user:usr_")
    assert "hunter2" not in str(trail)
    assert (await owner.get("/api/v1/audit/verdict")).json() == {"entries": 2, "broken_at": None}


async def test_the_trail_cannot_be_changed_and_shows_it_if_it_was(
    door: Door, log_in: LogIn
) -> None:
    owner = await log_in(Role.OWNER)
    for uid in ("A", "B", "C"):
        await owner.post("/api/v1/tokens", json={"uid": uid})
    conn = await asyncpg.connect(door.db.url)
    try:
        for sql in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
            with pytest.raises(asyncpg.RaiseError, match="only ever added to"):
                await conn.execute(sql)
        await conn.execute("ALTER TABLE audit DISABLE TRIGGER append_only")
        await conn.execute("UPDATE audit SET subject = 'Z' WHERE seq = 2")
    finally:
        await conn.close()
    verdict = (await owner.get("/api/v1/audit/verdict")).json()
    assert verdict == {"entries": 0, "broken_at": 2}


async def test_deeds_at_the_same_moment_make_one_chain(log_in: LogIn) -> None:
    owner = await log_in(Role.OWNER)
    answers = await asyncio.gather(
        *(owner.post("/api/v1/tokens", json={"uid": f"T{n}"}) for n in range(12))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert (await owner.get("/api/v1/audit/verdict")).json() == {"entries": 12, "broken_at": None}


async def test_another_tenant_s_people_are_nobody(log_in: LogIn) -> None:
    ours, theirs = await log_in(Role.OWNER), await log_in(Role.OWNER, tenant="other")
    they = (await theirs.get("/api/v1/me")).json()["user"]["id"]
    assert len((await ours.get("/api/v1/users")).json()["items"]) == 1
    for method in ("GET", "PATCH", "DELETE"):
        answer = await ours.request(method, f"/api/v1/users/{they}", json={"name": "X"})
        assert answer.status_code == 404


async def test_many_wrong_passwords_leave_others_in_peace(door: Door, log_in: LogIn) -> None:
    """Argon2 is slow on purpose; it must not be slow for everybody."""
    client = await log_in(Role.OWNER)
    guesses = []
    async with door.client() as guesser:
        for n in range(8):
            body = {"email": f"x{n}@b.example", "password": "wrong"}
            guesses.append(asyncio.ensure_future(guesser.post("/api/v1/login", json=body)))
        await asyncio.sleep(0)
        began = time.monotonic()
        assert (await client.get("/api/v1/stations")).status_code == 200
        took_s = time.monotonic() - began
        await asyncio.gather(*guesses)
    assert took_s < 1.0
