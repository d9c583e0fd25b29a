"""What strangers write is text: it is stored and given back, or refused, and never done.

Made from the API's description, so that a new field is tried without anybody thinking of it.
"""

from typing import Any

import asyncpg
import httpx
import pytest

from forecourt.domain.tenants import Role
from tests.edge.http.conftest import Door, LogIn
from tests.edge.http.schema import Described, filled

EVIL = {
    "sql": "';DROP TABLE tokens;--",
    "html": '<img src=x onerror="a()">',
    "header": "a\r\nX-Evil: 1",
    "nul": "a\0b",
    "format": "{0.__class__}%s%n$(id)",
    "surrogate-free": "\u202e\U0001f50c\ufeff",
}
NAMES = {"station_id": "CP1", "station": "CP1", "uid": "ABC"}


@pytest.fixture
async def owner(door: Door, log_in: LogIn) -> httpx.AsyncClient:
    await door.add_station("CP1")
    door.connect("CP1")
    return await log_in(Role.OWNER)


def check(answer: httpx.Response, what: Any) -> None:
    assert answer.status_code < 500, (what, answer.text)
    assert "x-evil" not in answer.headers, what
    if answer.content:
        kind = answer.headers["content-type"].partition(";")[0]
        assert kind in ("application/json", "application/problem+json", "text/csv"), what
        assert answer.headers["x-content-type-options"] == "nosniff"


def found(body: Any, way: tuple[Any, ...]) -> Any:
    """What stands at the same place of an answer, if it has that place."""
    for step in way:
        kind = dict if isinstance(step, str) else list
        if not isinstance(body, kind) or not (step in body if kind is dict else body):
            return None
        body = body[step]
    return body if isinstance(body, str) else None


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
async def test_in_every_field_of_every_body(
    door: Door, owner: httpx.AsyncClient, evil: str
) -> None:
    described, tried, kept = Described(door.app), 0, 0
    for method, path, operation in described.operations():
        for schema in described.variants(operation):
            for way in described.texts(schema):
                body = described.placed(schema, way, evil)
                answer = await owner.request(method, filled(path, NAMES), json=body)
                what = (method, path, way, evil)
                check(answer, what)
                tried += 1
                given_back = found(answer.json(), way) if answer.status_code in (200, 201) else None
                if given_back is not None and way[-1] not in ("command", "outcome", "key"):
                    assert given_back == evil, what
                    kept += 1
    assert tried > 100
    assert kept or evil.isprintable() is False
    await whole(door)


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
async def test_in_every_parameter(door: Door, owner: httpx.AsyncClient, evil: str) -> None:
    described, tried = Described(door.app), 0
    for method, path, operation in described.operations():
        for parameter in operation.get("parameters", ()):
            name, address = parameter["name"], filled(path, NAMES)
            query, headers = {}, {}
            match parameter["in"]:
                case "query":
                    query = {name: evil}
                case "path":
                    address = filled(path, {**NAMES, name: evil})
                case _ if evil.isascii() and evil.isprintable():
                    headers = {name: evil}
                case _:
                    continue
            bodies = [described.fitting(s) for s in described.variants(operation)][:1] or [None]
            answer = await owner.request(
                method, address, params=query, headers=headers, json=bodies[0]
            )
            check(answer, (method, path, name, evil))
            tried += 1
    assert tried > 100
    await whole(door)


async def whole(door: Door) -> None:
    """Nothing of it was done."""
    conn = await asyncpg.connect(door.db.url)
    try:
        assert await conn.fetchval("SELECT count(*) FROM stations WHERE station_id = 'CP1'") == 1
        assert await conn.fetchval("SELECT count(*) FROM tokens") >= 0
    finally:
        await conn.close()


async def test_every_complaint_about_a_body_says_where(
    door: Door, owner: httpx.AsyncClient
) -> None:
    described, tried = Described(door.app), 0
    for method, path, operation in described.operations():
        for schema in described.variants(operation):
            address, fitting = filled(path, NAMES), described.fitting(schema)
            known = schema.get("properties", {})
            wrong = {name: {**fitting, name: [["?"]]} for name in known}
            if schema.get("additionalProperties") is False or path.endswith("/tokens"):
                wrong["nobody"] = {**fitting, "nobody": 1}
            for name in schema.get("required", ()):
                if name != "command":
                    wrong[f"-{name}"] = {k: v for k, v in fitting.items() if k != name}
            # The framework calls the whole body so.
            wrong.pop("data", None)
            for name, body in wrong.items():
                answer = await owner.request(method, address, json=body)
                assert answer.status_code in (400, 429), (method, path, name, answer.text)
                if answer.status_code == 429:
                    continue  # Log-ins are slowed down.
                pointers = [fault.get("pointer") for fault in answer.json()["errors"]]
                assert pointers, (method, path, name)
                # A pattern that is not met by the least that fits is complained of as well.
                assert pointers[0].split("/")[1] in {name.removeprefix("-"), *known}, (path, name)
                tried += 1
    assert tried > 100


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b'"x"', b"\xff", b"{}garbage"])
async def test_what_is_no_such_body_is_told_too(
    door: Door, owner: httpx.AsyncClient, body: bytes
) -> None:
    described = Described(door.app)
    for method, path, operation in described.operations():
        if described.variants(operation):
            answer = await owner.request(method, filled(path, NAMES), content=body)
            assert answer.status_code in (400, 429), (path, answer.text)
            if answer.status_code == 400:
                assert answer.json()["errors"][0]["pointer"] == "", path
