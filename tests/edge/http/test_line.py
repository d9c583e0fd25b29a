"""What comes over a connection before it is a request: over a real socket, byte by byte."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any, Final

import httpx
import pytest

from forecourt.app.serving import served
from forecourt.edge.http import line
from forecourt.edge.http.errors import TITLE
from forecourt.edge.http.line import ADDRESS_BYTES_MAX, FIELDS_BYTES_MAX
from forecourt.settings import Settings
from tests.edge.http.conftest import Door

pytestmark = pytest.mark.storage

HOST: Final = b"Host: x\r\n"
GOOD: Final = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
WITHIN_S: Final = 20


@pytest.fixture
async def port(door: Door) -> AsyncGenerator[int]:
    settings = Settings(host="127.0.0.1", http_port=0, stop_timeout_s=1)
    async with served(door.app, settings) as found:
        yield found


async def sent(port: int, *pieces: bytes) -> bytes:
    """All that comes back until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(WITHIN_S):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.02)
            return await reader.read()
    finally:
        writer.close()


def problem_of(answer: bytes) -> tuple[int, dict[str, Any]]:
    """Status and problem of the only answer there is."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    assert headers["x-content-type-options"] == "nosniff"
    assert int(headers["content-length"]) == len(body)
    problem = json.loads(body)
    status = int(first.split()[1])
    assert (problem["status"], problem["title"]) == (status, TITLE[status])
    assert problem["type"] == f"urn:forecourt:problem:{problem['code']}"
    return status, problem


def asked(address: bytes, fields: bytes = b"", method: bytes = b"GET") -> bytes:
    return method + b" " + address + b" HTTP/1.1\r\n" + HOST + fields + b"\r\n"


LONG: Final = b"/healthz?x=" + b"x" * ADDRESS_BYTES_MAX
FIELD: Final = b"X-Long: " + b"x" * FIELDS_BYTES_MAX
MANY: Final = b"".join(b"X-%d: y\r\n" % n for n in range(FIELDS_BYTES_MAX // 8))


@pytest.mark.parametrize(
    ("pieces", "status", "code"),
    [
        ([asked(LONG)], 414, "request.address_too_long"),
        ([asked(b"/" + b"x" * 70_000)], 414, "request.address_too_long"),
        ([asked(b"/" + b"x" * 900_000)], 414, "request.address_too_long"),
        ([b"GET /" + b"x" * 10_000, b"x" * 10_000], 414, "request.address_too_long"),
        ([asked(b"/healthz", FIELD + b"\r\n")], 431, "request.fields_too_large"),
        ([asked(b"/healthz", MANY)], 431, "request.fields_too_large"),
        ([asked(b"/healthz")[:-2], FIELD, FIELD, FIELD], 431, "request.fields_too_large"),
        ([b"nonsense\r\n\r\n"], 400, "request.malformed"),
        ([asked(b"x:1", method=b"CONNECT")], 400, "request.malformed"),
        ([asked("/é".encode())], 400, "request.malformed"),
        ([b"GET / HTTP/9.9\r\n\r\n"], 400, "request.malformed"),
        ([asked(b"/healthz", b"a b: c\r\n")], 400, "request.malformed"),
        ([b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"], 400, "request.malformed"),
    ],
)
async def test_what_is_refused_is_a_problem(
    port: int, pieces: list[bytes], status: int, code: str
) -> None:
    told, problem = problem_of(await sent(port, *pieces))
    assert (told, problem["code"]) == (status, code)
    assert problem["detail"]


async def test_what_is_long_and_allowed_is_answered(port: int) -> None:
    close = b"Connection: close\r\n"
    for good in (
        asked(b"/healthz?x=" + b"x" * (ADDRESS_BYTES_MAX - 11), close),
        asked(b"/healthz", b"X-Long: " + b"x" * (FIELDS_BYTES_MAX - 100) + b"\r\n" + close),
    ):
        assert (await sent(port, good)).startswith(b"HTTP/1.1 200 ")
        half = len(good) // 2
        assert (await sent(port, good[:half], good[half:])).startswith(b"HTTP/1.1 200 ")


async def test_requests_in_a_row_are_answered_as_far_as_they_are_good(port: int) -> None:
    answer = await sent(port, GOOD + GOOD + b"nonsense\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 ") >= 1
    assert answer.startswith(b"HTTP/1.1 200 ")
    # Large bodies before them count for nothing.
    body = b"x" * 200_000
    post = asked(b"/api/v1/login", b"Content-Length: 200000\r\n", b"POST") + body
    after = await sent(port, post + GOOD[:20], GOOD[20:-2] + b"Connection: close\r\n\r\n")
    assert b"HTTP/1.1 200 " in after


async def test_a_body_that_cannot_be_read(port: int) -> None:
    fields = b"Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n"
    pieces = asked(b"/api/v1/login", fields, b"POST"), b"3\r\n{  \r\n", b"nonsense\r\n"
    status, problem = problem_of(await sent(port, *pieces))
    assert (status, problem["code"]) == (400, "request.malformed")


async def test_an_upgrade_that_there_is_not_is_a_request_like_any_other(port: int) -> None:
    fields = (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    )
    answer = await sent(port, asked(b"/nothing", fields), b"\x00" * 100)
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"application/problem+json" in answer


async def test_who_takes_too_long_is_told_so(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "HEAD_WITHIN_S", 0.3)
    status, problem = problem_of(await sent(port, b"GET /healthz HTTP/1.1\r\nHost"))
    assert (status, problem["code"]) == (408, "request.too_slow")
    assert await sent(port) == b"", "who says nothing is told nothing"
    first, mark, second = (await sent(port, GOOD, GOOD[:10])).partition(b"HTTP/1.1 408 ")
    assert first.startswith(b"HTTP/1.1 200 ")
    assert problem_of(mark + second)[0] == 408


async def test_a_body_has_its_time_too(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "BODY_WITHIN_S", 0.3)
    fields = b"Content-Length: 100\r\nContent-Type: application/json\r\n"
    status, problem = problem_of(await sent(port, asked(b"/api/v1/login", fields, b"POST") + b"{"))
    assert (status, problem["code"]) == (408, "request.too_slow")
    # Who was answered before all of it had come is told no second thing.
    refused = asked(b"/api/v1/stations", fields, b"POST")
    for rest in (b"{", b""):
        answer = await sent(port, refused + rest)
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert answer.count(b"HTTP/1.1 ") == 1
    # In time, piece by piece.
    body = b'{"email": "a@b.example", "password": "wrong"}'
    fields = fields.replace(b"100", str(len(body)).encode()) + b"Connection: close\r\n"
    pieces = [bytes([letter]) for letter in body[-4:]]
    head = asked(b"/api/v1/login", fields, b"POST") + body[:-4]
    assert b'"login.refused"' in await sent(port, head, *pieces)


async def test_each_address_says_what_it_takes(port: int, door: Door) -> None:
    made = await door.rooms.tenants.add_key(door.ctx(), "test")
    headers = {"Authorization": f"Bearer {made.secret}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:
        for path, allowed in (
            ("/api/v1/stations", "GET, HEAD, OPTIONS, POST"),
            ("/api/v1/stations/CP1", "DELETE, GET, HEAD, OPTIONS, PATCH"),
            ("/api/v1/stations/CP1/settlements", "GET, HEAD, OPTIONS"),
            ("/api/v1/stations/CP1/codes", "GET, HEAD, OPTIONS, POST"),
            ("/api/v1/sso-providers/x", "DELETE, GET, HEAD, OPTIONS, PUT"),
            ("/api/v1/setup", "GET, HEAD, OPTIONS, POST"),
            ("/healthz", "GET, HEAD, OPTIONS"),
        ):
            answer = await client.options(path)
            assert (answer.status_code, answer.content) == (204, b""), (path, answer.text)
            assert answer.headers["allow"] == allowed
            wrong = await client.request("TRACE", path)
            assert wrong.status_code == 405
            assert set(wrong.headers["allow"].split(", ")) == set(allowed.split(", "))


async def test_who_asks_for_the_head_alone(port: int, door: Door) -> None:
    """As load balancers and ``curl -I`` do."""
    made = await door.rooms.tenants.add_key(door.ctx(), "test")
    headers = {"Authorization": f"Bearer {made.secret}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:
        for path, status in (
            *(("/healthz", 200), ("/api/v1/stations", 200), ("/api/v1/stations.csv", 404)),
            *(("/api/v1/stations/CP1", 404), ("/schema/openapi.json", 200)),
        ):
            whole = await client.get(path)
            head = await client.head(path)
            assert (head.status_code, whole.status_code, head.content) == (status, status, b"")
            assert head.headers.get("content-length") == whole.headers.get("content-length")
            assert head.headers["content-type"] == whole.headers["content-type"]
        # What never ends is not waited for.
        live = await client.head("/api/v1/live")
        assert (live.status_code, live.content) == (200, b"")
        assert (await client.head("/api/v1/logout")).status_code == 405
        # On the same connection the next answer is where it should be.
        assert (await client.get("/healthz")).status_code == 200
