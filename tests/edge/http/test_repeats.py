"""A POST that is sent again with its key is answered again, and done once."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from forecourt.domain.tenants import NewUser, Role, Standing
from forecourt.edge.http import document
from tests.edge.http.conftest import Door

pytestmark = pytest.mark.storage

TOKENS = "/api/v1/tokens"
KEY = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
PASSWORD = "a long enough password"


@pytest.fixture
async def owner(door: Door) -> AsyncGenerator[httpx.AsyncClient]:
    new = NewUser(email="o@a.example", name="O", role=Role.OWNER, password=PASSWORD)
    await door.rooms.people.add(door.ctx(), new)
    async with door.client() as client:
        answer = await client.post(
            "/api/v1/login", json={"email": "o@a.example", "password": PASSWORD}
        )
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        yield client


async def fetch(door: Door, sql: str) -> list[Any]:
    conn = await asyncpg.connect(door.db.url)
    try:
        return list(await conn.fetch(sql))
    finally:
        await conn.close()


async def test_the_same_again_is_the_same_answer(door: Door, acme: httpx.AsyncClient) -> None:
    first = await acme.post(TOKENS, json={"uid": "ABC"}, headers=KEY)
    again = await acme.post(TOKENS, json={"uid": "ABC"}, headers=KEY)
    unquoted = {name: value.strip('"') for name, value in KEY.items()}
    bare = await acme.post(TOKENS, json={"uid": "ABC"}, headers=unquoted)
    assert first.status_code == 201
    assert "idempotent-replayed" not in first.headers
    for answer in (again, bare):
        assert (answer.status_code, answer.content) == (201, first.content)
        assert answer.headers["content-type"] == first.headers["content-type"]
        assert answer.headers["idempotent-replayed"] == "true"
    assert (await acme.post(TOKENS, json={"uid": "ABC"})).status_code == 409
    deeds = await fetch(door, "SELECT action FROM audit")
    assert len(deeds) == 1, "a repeat is no deed"


async def test_a_refusal_is_repeated_too(acme: httpx.AsyncClient) -> None:
    await acme.post(TOKENS, json={"uid": "ABC"})
    first = await acme.post(TOKENS, json={"uid": "ABC"}, headers=KEY)
    assert first.json()["code"] == "token.exists"
    await acme.delete(f"{TOKENS}/ABC")
    again = await acme.post(TOKENS, json={"uid": "ABC"}, headers=KEY)
    assert (again.status_code, again.content) == (409, first.content)


async def test_another_request_with_the_same_key_is_refused(acme: httpx.AsyncClient) -> None:
    await acme.post(TOKENS, json={"uid": "ABC"}, headers=KEY)
    for path, body in ((TOKENS, {"uid": "DEF"}), ("/api/v1/stations", {"uid": "ABC"})):
        answer = await acme.post(path, json=body, headers=KEY)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency.key_reused")
    assert (await acme.get(f"{TOKENS}/DEF")).status_code == 404


async def test_a_key_is_its_senders(
    door: Door, acme: httpx.AsyncClient, other: httpx.AsyncClient, owner: httpx.AsyncClient
) -> None:
    assert (await acme.post(TOKENS, json={"uid": "A"}, headers=KEY)).status_code == 201
    theirs = await other.post(TOKENS, json={"uid": "A"}, headers=KEY)
    assert (theirs.status_code, theirs.json()["tenant"]) == (201, "other")
    assert (await owner.post(TOKENS, json={"uid": "B"}, headers=KEY)).status_code == 201
    assert len(await fetch(door, "SELECT FROM repeats")) == 3


async def test_many_at_once_make_one(door: Door, acme: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(acme.post(TOKENS, json={"uid": "ABC"}, headers=KEY) for _ in range(8))
    )
    codes = sorted(answer.status_code for answer in answers)
    assert codes.count(201) >= 1
    assert set(codes) <= {201, 409}
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == "idempotency.running"
            assert answer.headers["retry-after"] == "1"
    assert len(await fetch(door, "SELECT FROM tokens")) == 1
    assert (await acme.post(TOKENS, json={"uid": "ABC"}, headers=KEY)).status_code == 201


async def test_what_died_in_the_middle_is_not_done_again(
    door: Door, acme: httpx.AsyncClient
) -> None:
    """As if the process had been killed between beginning and answering."""
    key = (await fetch(door, "SELECT api_key_id FROM api_keys WHERE tenant_id = 'acme'"))[0][0]
    ctx = door.ctx()
    ctx = type(ctx)(actor=f"apikey:{key}", tenant=ctx.tenant, now=ctx.now)
    body = b'{"uid":"ABC"}'
    request = TOKENS.encode() + b"\n\n" + body
    assert await door.rooms.repeats.begin(ctx, "k", request) is Standing.FRESH
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    answer = await acme.post(TOKENS, content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency.running")
    door.clock.advance(11 * 60)
    answer = await acme.post(TOKENS, content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency.lost")
    assert (await acme.get(f"{TOKENS}/ABC")).status_code == 404


async def test_a_day_later_the_key_is_new(door: Door, acme: httpx.AsyncClient) -> None:
    assert (await acme.post(TOKENS, json={"uid": "ABC"}, headers=KEY)).status_code == 201
    door.clock.advance(timedelta(hours=24, seconds=-1).total_seconds())
    assert (await acme.post(TOKENS, json={"uid": "ABC"}, headers=KEY)).status_code == 201
    door.clock.advance(2)
    answer = await acme.post(TOKENS, json={"uid": "ABC"}, headers=KEY)
    assert answer.json()["code"] == "token.exists"


async def test_a_secret_that_is_shown_once_lies_nowhere_in_clear(
    door: Door, owner: httpx.AsyncClient
) -> None:
    made = await owner.post("/api/v1/apikeys", json={"name": "n"}, headers=KEY)
    secret = made.json()["key"]
    again = await owner.post("/api/v1/apikeys", json={"name": "n"}, headers=KEY)
    assert again.json()["key"] == secret
    who = {"email": "b@a.example", "name": "B", "role": "operator", "password": PASSWORD}
    await owner.post("/api/v1/users", json=who, headers={"Idempotency-Key": "k2"})
    kept = await fetch(door, "SELECT * FROM repeats")
    assert len(kept) == 2
    for row in kept:
        for value in row.values():
            told = value if isinstance(value, bytes) else str(value).encode()
            assert secret.encode() not in told
            assert PASSWORD.encode() not in told


@pytest.mark.parametrize("key", ["", " ", '""', "x" * 256, "a\tb", "a\x7fb"])
async def test_what_is_no_key(acme: httpx.AsyncClient, key: str) -> None:
    answer = await acme.post(TOKENS, json={"uid": "ABC"}, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency.key_invalid")


async def test_who_may_not_leaves_no_key(
    door: Door, stranger: httpx.AsyncClient, acme: httpx.AsyncClient
) -> None:
    assert (await stranger.post(TOKENS, json={"uid": "A"}, headers=KEY)).status_code == 401
    assert (await acme.post("/api/v1/users", json={}, headers=KEY)).status_code == 403
    large = await acme.post(TOKENS, content=in_pieces(), headers=KEY)
    assert (large.status_code, large.json()["code"]) == (413, "body.too_large")
    assert await fetch(door, "SELECT FROM repeats") == []


async def in_pieces() -> AsyncGenerator[bytes]:
    for _ in range(20):
        yield b"x" * 100_000


async def test_every_post_takes_a_key(door: Door) -> None:
    for path, items in document(door.app)["paths"].items():
        one = items.get("post")
        if one is None or not path.startswith("/api/") or one.get("security") == [{}]:
            continue
        assert "Idempotency-Key" in {named["name"] for named in one["parameters"]}, path
        assert {"409", "422"} <= set(one["responses"]), path
