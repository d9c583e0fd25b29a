"""Passkeys: added, used, refused. The device is in software and speaks WebAuthn's own bytes."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

import httpx
import pytest

from forecourt.domain.tenants import NewUser, Role
from tests.edge.http.conftest import Door
from tests.fixtures.authenticator import PRESENT, Authenticator

pytestmark = pytest.mark.storage

PASSWORD = "a long enough password"
HERE = "http://localhost"
BENDS: tuple[Callable[[str], str], ...] = (
    lambda text: text[: len(text) // 2],
    lambda text: "AAAA" + text,
)


@pytest.fixture
async def owner(door: Door) -> AsyncGenerator[httpx.AsyncClient]:
    """Somebody who is logged in by a password, at a host that passkeys can be bound to."""
    new = NewUser(email="a@b.example", name="A", role=Role.OWNER, password=PASSWORD)
    await door.rooms.people.add(door.ctx(), new)
    async with at(door) as client:
        answer = await client.post(
            "/api/v1/login", json={"email": "a@b.example", "password": PASSWORD}
        )
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        yield client


def at(door: Door, base: str = HERE) -> httpx.AsyncClient:
    client = door.client()
    client.base_url = httpx.URL(base)
    return client


async def begin(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.post("/api/v1/me/passkeys/question")
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["options"])


async def add(client: httpx.AsyncClient, device: Authenticator, name: str = "Key") -> str:
    body = {"name": name, "credential": device.create(await begin(client))}
    answer = await client.post("/api/v1/me/passkeys", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def ask(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.post("/api/v1/login/passkey")
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["options"])


async def answer_with(client: httpx.AsyncClient, credential: dict[str, Any]) -> httpx.Response:
    return await client.post("/api/v1/login/passkey/answer", json={"credential": credential})


async def test_a_passkey_logs_in_without_address_password_and_code(
    door: Door, owner: httpx.AsyncClient
) -> None:
    device = Authenticator()
    options = await begin(owner)
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    await add(owner, device, "Laptop")
    async with at(door) as fresh:
        asked = await ask(fresh)
        assert asked["userVerification"] == "required"
        assert not asked.get("allowCredentials")
        done = await answer_with(fresh, device.find(asked))
        assert done.status_code == 200, done.text
        assert done.json()["user"]["email"] == "a@b.example"
        assert (await fresh.get("/api/v1/users")).status_code == 200
        [one] = (await fresh.get("/api/v1/me/passkeys")).json()["items"]
        assert (one["name"], one["used_at"] is not None) == ("Laptop", True)
        logins = (await fresh.get("/api/v1/me/logins")).json()["items"]
        assert {(one["method"], one["current"]) for one in logins} == {
            ("passkey", True),
            ("password", False),
        }
    trail = (await owner.get("/api/v1/audit")).json()["items"]
    assert [entry["action"] for entry in trail] == ["add_passkey"]


async def test_several_have_names_and_can_be_removed(door: Door, owner: httpx.AsyncClient) -> None:
    one, other = Authenticator(), Authenticator()
    gone = await add(owner, one, "One")
    await add(owner, other, "Other")
    excluded = (await begin(owner))["excludeCredentials"]
    assert len(excluded) == 2, "a device is not asked to make a second one"
    assert (await owner.delete(f"/api/v1/me/passkeys/{gone}")).status_code == 204
    answer = await owner.delete(f"/api/v1/me/passkeys/{gone}")
    assert (answer.status_code, answer.json()["code"]) == (404, "passkey.unknown")
    async with at(door) as fresh:
        answer = await answer_with(fresh, one.find(await ask(fresh)))
        assert (answer.status_code, answer.json()["code"]) == (401, "passkey.refused")
        assert (await answer_with(fresh, other.find(await ask(fresh)))).status_code == 200


async def test_a_question_is_good_once_for_one_browser_and_not_for_long(
    door: Door, owner: httpx.AsyncClient
) -> None:
    device = Authenticator()
    await add(owner, device)
    async with at(door) as fresh, at(door) as thief:
        said = device.find(await ask(fresh))
        stolen = await answer_with(thief, said)
        assert stolen.json()["code"] == "passkey.refused", "the thief's browser was not asked"
        assert (await answer_with(fresh, said)).status_code == 200
        assert (await answer_with(fresh, said)).json()["code"] == "passkey.refused", "replayed"
        late = device.find(await ask(fresh))
        door.clock.advance(301)
        assert (await answer_with(fresh, late)).json()["code"] == "passkey.refused"
        wrong = device.find({"challenge": "AAAA"})
        await ask(fresh)
        assert (await answer_with(fresh, wrong)).json()["code"] == "passkey.refused"


async def test_a_failed_answer_uses_the_question_up(door: Door, owner: httpx.AsyncClient) -> None:
    device = Authenticator()
    await add(owner, device)
    async with at(door) as fresh:
        asked = await ask(fresh)
        wrong = Authenticator(credential=device.credential, user=device.user)
        assert (await answer_with(fresh, wrong.find(asked))).status_code == 401
        assert (await answer_with(fresh, device.find(asked))).status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:81"},
        {"host": "evil.example"},
        {"flags": PRESENT},
        {"flags": 0},
        {"user": b"usr_somebody_else"},
    ],
    ids=str,
)
async def test_other_pages_and_unverified_users_are_refused(
    door: Door, owner: httpx.AsyncClient, wrong: dict[str, Any]
) -> None:
    device = Authenticator()
    await add(owner, device)
    for name, value in wrong.items():
        setattr(device, name, value)
    async with at(door) as fresh:
        answer = await answer_with(fresh, device.find(await ask(fresh)))
        assert (answer.status_code, answer.json()["code"]) == (401, "passkey.refused")
        assert (await fresh.get("/api/v1/me")).status_code == 401


async def test_a_copied_key_shows_by_its_count(door: Door, owner: httpx.AsyncClient) -> None:
    device = Authenticator()
    await add(owner, device)
    async with at(door) as fresh:
        for _ in range(3):
            assert (await answer_with(fresh, device.find(await ask(fresh)))).status_code == 200
        device.count = 1
        answer = await answer_with(fresh, device.find(await ask(fresh)))
        assert answer.json()["code"] == "passkey.refused"


@pytest.mark.parametrize("wrong", [{"origin": "https://evil.example"}, {"flags": PRESENT}], ids=str)
async def test_what_is_made_elsewhere_or_unverified_is_not_kept(
    owner: httpx.AsyncClient, wrong: dict[str, Any]
) -> None:
    device = Authenticator(**wrong)
    body = {"name": "Key", "credential": device.create(await begin(owner))}
    answer = await owner.post("/api/v1/me/passkeys", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "passkey.invalid")
    assert (await owner.get("/api/v1/me/passkeys")).json()["items"] == []


@pytest.mark.parametrize(
    "garbage",
    [{}, {"id": 1}, {"rawId": "!"}, {"rawId": "AAAA", "id": "AAAA", "response": []}],
    ids=str,
)
async def test_garbage_is_refused_not_a_failure(
    door: Door, owner: httpx.AsyncClient, garbage: dict[str, Any]
) -> None:
    await begin(owner)
    body = {"name": "Key", "credential": garbage}
    answer = await owner.post("/api/v1/me/passkeys", json=body)
    assert answer.status_code == 400, answer.text
    async with at(door) as fresh:
        await ask(fresh)
        assert (await answer_with(fresh, garbage)).status_code == 401


async def test_bent_bytes_are_refused_not_a_failure(door: Door, owner: httpx.AsyncClient) -> None:
    """Every part of a right answer, cut short and bent."""
    device = Authenticator()
    await add(owner, device)
    async with at(door) as fresh:
        for part in ("clientDataJSON", "authenticatorData", "signature", "userHandle"):
            for bend in BENDS:
                whole = device.find(await ask(fresh))
                whole["response"][part] = bend(whole["response"][part])
                answer = await answer_with(fresh, whole)
                assert (answer.status_code, answer.json()["code"]) == (401, "passkey.refused")
                # Somebody who fails often is slowed down; here that would only take time.
                assert (await answer_with(fresh, device.find(await ask(fresh)))).status_code == 200
    for part in ("clientDataJSON", "attestationObject"):
        for bend in BENDS:
            made = Authenticator().create(await begin(owner))
            made["response"][part] = bend(made["response"][part])
            answer = await owner.post("/api/v1/me/passkeys", json={"name": "K", "credential": made})
            assert (answer.status_code, answer.json()["code"]) == (400, "passkey.invalid")


async def test_somebody_locked_out_stays_out(door: Door, owner: httpx.AsyncClient) -> None:
    device = Authenticator()
    new = NewUser(email="b@b.example", name="B", role=Role.OPERATOR, password=PASSWORD)
    user = await door.rooms.people.add(door.ctx(), new)
    async with at(door) as theirs:
        answer = await theirs.post(
            "/api/v1/login", json={"email": "b@b.example", "password": PASSWORD}
        )
        theirs.headers["X-CSRF-Token"] = answer.json()["csrf"]
        await add(theirs, device)
        await owner.patch(f"/api/v1/users/{user.id}", json={"disabled": True})
        answer = await answer_with(theirs, device.find(await ask(theirs)))
        assert (answer.status_code, answer.json()["code"]) == (401, "login.refused")


@pytest.mark.parametrize("base", ["http://127.0.0.1:8080", "http://charging.example"])
async def test_without_a_name_there_are_no_passkeys(door: Door, base: str) -> None:
    """Whoever asks chooses the host in the request: nothing is bound to what they say."""
    async with at(door, base) as fresh:
        answer = await fresh.post("/api/v1/login/passkey")
        assert (answer.status_code, answer.json()["code"]) == (409, "passkey.nowhere")


async def test_who_asks_and_never_answers_is_slowed_down(door: Door) -> None:
    async with at(door) as fresh:
        said = [(await fresh.post("/api/v1/login/passkey")).status_code for _ in range(8)]
    assert said[0] == 200
    assert said[-1] == 429


async def test_a_browser_is_logged_out_from_another(door: Door, owner: httpx.AsyncClient) -> None:
    async with at(door) as other, at(door) as third:
        for client in (other, third):
            await client.post("/api/v1/login", json={"email": "a@b.example", "password": PASSWORD})
        logins = (await owner.get("/api/v1/me/logins")).json()["items"]
        assert len(logins) == 3
        assert (await other.get("/api/v1/me")).status_code == 200
        mine = next(
            one["id"]
            for one in (await other.get("/api/v1/me/logins")).json()["items"]
            if one["current"]
        )
        assert (await owner.delete(f"/api/v1/me/logins/{mine}")).status_code == 204
        assert (await other.get("/api/v1/me")).status_code == 401
        assert (await owner.delete(f"/api/v1/me/logins/{mine}")).status_code == 404
        assert (await third.get("/api/v1/me")).status_code == 200
        assert (await owner.delete("/api/v1/me/logins")).status_code == 204
        assert (await third.get("/api/v1/me")).status_code == 401
        assert (await owner.get("/api/v1/me")).status_code == 200


async def test_a_passkey_shows_once_more_who_sits_there(
    door: Door, owner: httpx.AsyncClient
) -> None:
    mine, anothers = Authenticator(), Authenticator()
    await add(owner, mine)
    new = NewUser(email="c@b.example", name="C", role=Role.OWNER, password=PASSWORD)
    await door.rooms.people.add(door.ctx(), new)
    async with at(door) as other:
        who = {"email": "c@b.example", "password": PASSWORD}
        other.headers["X-CSRF-Token"] = (await other.post("/api/v1/login", json=who)).json()["csrf"]
        await add(other, anothers)
    door.clock.advance(16 * 60)

    async def show(device: Authenticator) -> httpx.Response:
        credential = device.find(await ask(owner))
        body = {"credential": credential}
        return await owner.post("/api/v1/me/confirmation/passkey", json=body)

    assert (await owner.post("/api/v1/me/totp")).json()["code"] == "login.fresh_wanted"
    refused = await show(anothers)
    assert (refused.status_code, refused.json()["code"]) == (401, "passkey.refused")
    assert (await owner.post("/api/v1/me/totp")).json()["code"] == "login.fresh_wanted"
    assert (await show(mine)).status_code == 204
    assert (await owner.post("/api/v1/me/totp")).status_code == 200
