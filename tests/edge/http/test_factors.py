"""A password of one's own, a link for who forgot it, codes for who lost a phone, and proof anew."""

import asyncio
import base64
from typing import Any

import asyncpg
import httpx
import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from forecourt.domain.tenants import Role
from forecourt.edge.http.permissions import ANYBODY, FRESH, PERMISSIONS
from tests.edge.http.conftest import PASSWORD, Door, LogIn

pytestmark = pytest.mark.storage

NEW = "quite another password"
OWNER = "owner.0@acme.example"
STALE = (403, "login.fresh_wanted")


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def rows(door: Door, sql: str) -> list[Any]:
    conn = await asyncpg.connect(door.db.url)
    try:
        return list(await conn.fetch(sql))
    finally:
        await conn.close()


async def enter(door: Door, password: str, email: str = OWNER, **more: str) -> httpx.Response:
    """Somebody tries to log in, from a browser of its own."""
    async with door.client() as client:
        body = {"email": email, "password": password, **more}
        return await client.post("/api/v1/login", json=body)


async def link_for(owner: httpx.AsyncClient, user: str) -> str:
    """The secret of a link that an owner made."""
    made = (await owner.post(f"/api/v1/users/{user}/reset-link")).json()
    path, _, secret = str(made["reset_link"]).partition("#")
    assert path == "/reset", "without public_url it has no host that somebody else could name"
    return secret


async def id_of(client: httpx.AsyncClient) -> str:
    return str((await client.get("/api/v1/me")).json()["user"]["id"])


async def with_totp(door: Door, client: httpx.AsyncClient) -> tuple[TOTP, list[str]]:
    """Turns the second factor on; the authenticator, and the codes for who loses it."""
    secret = (await client.post("/api/v1/me/totp")).json()["secret"]
    totp = TOTP(base64.b32decode(secret), 6, SHA1(), 30)
    proof = {"secret": secret, "code": totp.generate(int(door.clock.now().timestamp())).decode()}
    answer = await client.post("/api/v1/me/totp/proof", json=proof)
    return totp, answer.json()["recovery_codes"]


# ---- one's own password ---------------------------------------------------------------------


async def test_one_s_own_password_wants_the_old_one_and_ends_other_browsers(
    door: Door, log_in: LogIn
) -> None:
    client = await log_in(Role.OWNER)
    async with door.client() as elsewhere:
        who = {"email": OWNER, "password": PASSWORD}
        assert (await elsewhere.post("/api/v1/login", json=who)).status_code == 200
        wrong = {"old_password": "not this one", "new_password": NEW}
        answer = await client.post("/api/v1/me/password", json=wrong)
        assert told(answer) == (400, "user.password_wrong")
        assert answer.json()["errors"][0]["pointer"] == "/old_password"
        weak = {"old_password": PASSWORD, "new_password": "short"}
        assert told(await client.post("/api/v1/me/password", json=weak))[1] == "user.password_weak"
        assert (await elsewhere.get("/api/v1/me")).status_code == 200
        right = {"old_password": PASSWORD, "new_password": NEW}
        assert (await client.post("/api/v1/me/password", json=right)).status_code == 204
        assert (await elsewhere.get("/api/v1/me")).status_code == 401, "at once"
    assert (await client.get("/api/v1/me")).status_code == 200
    assert told(await enter(door, PASSWORD)) == (401, "login.refused")
    assert (await enter(door, NEW)).status_code == 200
    [deed] = (await client.get("/api/v1/audit")).json()["items"]
    assert deed["action"] == "change_my_password"
    assert PASSWORD not in str(deed)
    assert NEW not in str(deed)


async def test_who_guesses_the_old_password_is_slowed_down(log_in: LogIn) -> None:
    client = await log_in(Role.OWNER)
    wrong = {"old_password": "not this one", "new_password": NEW}
    for _ in range(5):
        await client.post("/api/v1/me/password", json=wrong)
    answer = await client.post(
        "/api/v1/me/password", json={"old_password": PASSWORD, "new_password": NEW}
    )
    assert told(answer) == (429, "login.throttled")


# ---- a link for who forgot it ---------------------------------------------------------------


async def test_a_link_sets_a_password_once(door: Door, log_in: LogIn) -> None:
    owner, other = await log_in(Role.OWNER), await log_in(Role.OPERATOR)
    user = await id_of(other)
    secret = await link_for(owner, user)
    async with door.client() as bearer:
        weak = {"secret": secret, "password": "short"}
        answer = await bearer.post("/api/v1/login/reset", json=weak)
        assert told(answer) == (400, "user.password_weak")
        body = {"secret": secret, "password": NEW}
        answers = await asyncio.gather(
            *(bearer.post("/api/v1/login/reset", json=body) for _ in range(3))
        )
        assert sorted(answer.status_code for answer in answers) == [204, 401, 401]
        answer = await bearer.post("/api/v1/login/reset", json=body)
        assert told(answer) == (401, "reset.refused")
    assert (await other.get("/api/v1/me")).status_code == 401, "logged out everywhere"
    email = "operator.1@acme.example"
    assert told(await enter(door, PASSWORD, email))[1] == "login.refused"
    assert (await enter(door, NEW, email)).status_code == 200
    trail = (await owner.get("/api/v1/audit")).json()["items"]
    assert [(one["action"], one["subject"]) for one in trail] == [
        ("reset_password", user),
        ("make_reset_link", user),
    ]
    assert trail[0]["actor"] == f"user:{user}"
    assert secret not in str(trail)
    assert (await owner.get("/api/v1/audit/verdict")).json() == {"entries": 2, "broken_at": None}


async def test_links_that_are_not_good_look_the_same(door: Door, log_in: LogIn) -> None:
    owner, other = await log_in(Role.OWNER), await log_in(Role.OPERATOR)
    user = await id_of(other)
    replaced = await link_for(owner, user)
    late = await link_for(owner, user)
    shut = await link_for(owner, await id_of(await log_in(Role.TECHNICIAN)))
    technician = (await owner.get("/api/v1/users?role=technician")).json()["items"][0]["id"]
    await owner.patch(f"/api/v1/users/{technician}", json={"disabled": True})
    door.clock.advance(24 * 3600 + 1)
    said = set()
    for secret in ("nobody ever made this", replaced, late, shut):
        async with door.client() as bearer:
            body = {"secret": secret, "password": "short"}
            answer = (await bearer.post("/api/v1/login/reset", json=body)).json()
        said.add((answer["code"], answer["detail"]))
    assert len(said) == 1, "also before anybody looks at the password"


async def test_who_guesses_links_is_slowed_down(stranger: httpx.AsyncClient) -> None:
    body = {"secret": "guess", "password": NEW}
    for _ in range(5):
        assert told(await stranger.post("/api/v1/login/reset", json=body))[1] == "reset.refused"
    answer = await stranger.post("/api/v1/login/reset", json=body)
    assert told(answer) == (429, "login.throttled")
    assert int(answer.headers["retry-after"]) >= 1


async def test_the_database_knows_no_link(door: Door, log_in: LogIn) -> None:
    owner = await log_in(Role.OWNER)
    secret = await link_for(owner, await id_of(owner))
    [kept] = await rows(door, "SELECT digest, body FROM one_time_secrets")
    assert secret.encode() not in bytes(kept["digest"]) + bytes(kept["body"])
    # A password that was changed in another way leaves no link behind.
    body = {"old_password": PASSWORD, "new_password": NEW}
    assert (await owner.post("/api/v1/me/password", json=body)).status_code == 204
    assert await rows(door, "SELECT FROM one_time_secrets") == []


async def test_links_are_for_owners_to_make_and_in_their_own_tenant(log_in: LogIn) -> None:
    owner, operator = await log_in(Role.OWNER), await log_in(Role.OPERATOR)
    theirs = await log_in(Role.OWNER, tenant="other")
    user = await id_of(owner)
    assert (await operator.post(f"/api/v1/users/{user}/reset-link")).status_code == 403
    assert told(await theirs.post(f"/api/v1/users/{user}/reset-link")) == (404, "user.unknown")


async def test_a_link_is_no_second_factor(door: Door, log_in: LogIn) -> None:
    owner = await log_in(Role.OWNER)
    await with_totp(door, owner)
    secret = await link_for(owner, await id_of(owner))
    async with door.client() as bearer:
        body = {"secret": secret, "password": NEW}
        assert (await bearer.post("/api/v1/login/reset", json=body)).status_code == 204
    assert told(await enter(door, NEW)) == (401, "login.totp_wanted")


# ---- codes for who lost the authenticator ---------------------------------------------------


async def test_a_recovery_code_is_good_once_in_the_place_of_the_other(
    door: Door, log_in: LogIn
) -> None:
    owner = await log_in(Role.OWNER)
    _, codes = await with_totp(door, owner)
    assert len(set(codes)) == 10
    assert (await owner.get("/api/v1/me")).json()["user"]["recovery_left"] == 10
    answers = await asyncio.gather(*(enter(door, PASSWORD, totp=codes[0]) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401]
    typed = f" {codes[1].upper().replace('-', ' ')} "
    answer = await enter(door, PASSWORD, totp=typed)
    assert answer.json()["user"]["recovery_left"] == 8, "as people type"
    assert told(await enter(door, PASSWORD, totp="aaaaa-aaaaa")) == (401, "login.totp_wanted")
    assert told(await enter(door, "not this one", totp=codes[2]))[1] == "login.refused"
    door.clock.advance(6)
    assert (await owner.get("/api/v1/me")).json()["user"]["recovery_left"] == 8
    trail = (await owner.get("/api/v1/audit")).json()["items"]
    assert [one["action"] for one in trail] == ["use_recovery_code"] * 2 + ["set_totp"]
    assert trail[0]["after"] == '{"left": 8}'
    assert not any(code in str(trail) for code in codes)
    [kept] = await rows(door, "SELECT recovery FROM users")
    assert not any(code.replace("-", "").encode() in b"".join(kept["recovery"]) for code in codes)


async def test_new_codes_take_the_place_of_the_old_ones(door: Door, log_in: LogIn) -> None:
    owner = await log_in(Role.OWNER)
    assert told(await owner.post("/api/v1/me/totp/recovery-codes")) == (409, "totp.off")
    totp, before = await with_totp(door, owner)
    answer = await owner.post("/api/v1/me/totp/recovery-codes")
    after = answer.json()["recovery_codes"]
    assert told(await enter(door, PASSWORD, totp=before[0]))[1] == "login.totp_wanted"
    assert (await enter(door, PASSWORD, totp=after[0])).status_code == 200
    trail = (await owner.get("/api/v1/audit")).text
    assert not any(code in trail for code in after)
    door.clock.advance(60)
    code = totp.generate(int(door.clock.now().timestamp())).decode()
    assert (await enter(door, PASSWORD, totp=code)).status_code == 200, "that one stays"


async def test_a_factor_that_is_taken_away_takes_its_codes_along(door: Door, log_in: LogIn) -> None:
    owner, other = await log_in(Role.OWNER), await log_in(Role.OPERATOR)
    await with_totp(door, other)
    user = await id_of(other)
    await owner.patch(f"/api/v1/users/{user}", json={"without_totp": True})
    [kept] = await rows(door, f"SELECT recovery FROM users WHERE user_id = '{user}'")
    assert kept["recovery"] == []


async def test_one_does_without_the_factor_again(door: Door, log_in: LogIn) -> None:
    operator = await log_in(Role.OPERATOR)
    assert told(await operator.delete("/api/v1/me/totp")) == (409, "totp.off")
    _, codes = await with_totp(door, operator)
    assert (await operator.delete("/api/v1/me/totp")).status_code == 204
    user = (await operator.get("/api/v1/me")).json()["user"]
    assert (user["totp"], user["recovery_left"]) == (False, 0)
    answer = await enter(door, PASSWORD, email=user["email"])
    assert answer.status_code == 200, "by the password alone"
    assert told(await operator.delete("/api/v1/me/totp")) == (409, "totp.off")
    owner = await log_in(Role.OWNER)
    trail = (await owner.get("/api/v1/audit")).json()["items"]
    assert [one["action"] for one in trail] == ["remove_totp", "set_totp"]
    assert {one["actor"] for one in trail} == {f"user:{user['id']}"}
    again, others = await with_totp(door, operator)
    assert again is not None
    assert set(others).isdisjoint(codes)


async def test_another_authenticator_takes_the_place_of_the_first(
    door: Door, log_in: LogIn
) -> None:
    owner = await log_in(Role.OWNER)
    first, _ = await with_totp(door, owner)
    second, _ = await with_totp(door, owner)
    now = int(door.clock.now().timestamp())
    lost = await enter(door, PASSWORD, totp=first.generate(now).decode())
    assert told(lost) == (401, "login.totp_wanted")
    assert (await enter(door, PASSWORD, totp=second.generate(now).decode())).status_code == 200


async def test_one_authenticator_s_code_lets_one_browser_in(door: Door, log_in: LogIn) -> None:
    owner = await log_in(Role.OWNER)
    totp, _ = await with_totp(door, owner)
    code = totp.generate(int(door.clock.now().timestamp())).decode()
    answers = await asyncio.gather(*(enter(door, PASSWORD, totp=code) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401]


# ---- who sits there ---------------------------------------------------------------------------


def test_what_wants_a_fresh_log_in_is_a_route() -> None:
    assert PERMISSIONS.keys() | ANYBODY >= FRESH


async def test_what_lets_somebody_in_wants_a_fresh_log_in(door: Door, log_in: LogIn) -> None:
    owner = await log_in(Role.OWNER)
    user = await id_of(owner)
    wanted: list[tuple[str, str, Any]] = [
        ("POST", "/me/password", {"old_password": PASSWORD, "new_password": NEW}),
        ("POST", "/me/totp", None),
        ("DELETE", "/me/totp", None),
        ("POST", "/me/totp/recovery-codes", None),
        ("POST", "/me/passkeys/question", None),
        ("POST", "/apikeys", {"name": "spare"}),
        ("POST", f"/users/{user}/reset-link", None),
        ("PATCH", f"/users/{user}", {"password": NEW}),
    ]
    door.clock.advance(14 * 60)
    assert (await owner.post("/api/v1/apikeys", json={"name": "in time"})).status_code == 201
    door.clock.advance(2 * 60)
    for method, path, body in wanted:
        answer = await owner.request(method, f"/api/v1{path}", json=body)
        assert told(answer) == STALE, path
    assert (await owner.get("/api/v1/apikeys")).status_code == 200, "all else goes on"
    assert (await owner.post("/api/v1/tokens", json={"uid": "ABC"})).status_code == 201
    answer = await owner.post("/api/v1/me/confirmation", json={"password": "not this one"})
    assert told(answer) == (400, "user.password_wrong")
    assert told(await owner.post("/api/v1/apikeys", json={"name": "spare"})) == STALE
    answer = await owner.post("/api/v1/me/confirmation", json={"password": PASSWORD})
    assert answer.status_code == 204
    assert (await owner.post("/api/v1/apikeys", json={"name": "spare"})).status_code == 201


async def test_the_second_factor_is_wanted_of_who_has_one(door: Door, log_in: LogIn) -> None:
    owner = await log_in(Role.OWNER)
    _, codes = await with_totp(door, owner)
    door.clock.advance(16 * 60)
    answer = await owner.post("/api/v1/me/confirmation", json={"password": PASSWORD})
    assert told(answer) == (401, "login.totp_wanted")
    proof = {"password": PASSWORD, "totp": codes[0]}
    assert (await owner.post("/api/v1/me/confirmation", json=proof)).status_code == 204
    assert (await owner.post("/api/v1/me/totp")).status_code == 200


async def test_one_browser_s_proof_is_no_other_s(door: Door, log_in: LogIn) -> None:
    owner = await log_in(Role.OWNER)
    door.clock.advance(16 * 60)
    await enter(door, PASSWORD)
    assert told(await owner.post("/api/v1/me/totp")) == STALE


async def test_what_was_refused_may_be_asked_again_with_the_same_key(
    door: Door, log_in: LogIn
) -> None:
    owner = await log_in(Role.OWNER)
    door.clock.advance(16 * 60)
    named: dict[str, Any] = {"json": {"name": "n"}, "headers": {"Idempotency-Key": "mine"}}
    assert told(await owner.post("/api/v1/apikeys", **named)) == STALE
    await owner.post("/api/v1/me/confirmation", json={"password": PASSWORD})
    assert (await owner.post("/api/v1/apikeys", **named)).status_code == 201
