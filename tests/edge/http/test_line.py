"""What comes over a connection before it is a request, byte by byte, and how answers are taken."""

import asyncio
import contextlib
import json
import os
import re
import socket
import ssl
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography import x509

from forecourt.app import serving
from forecourt.app.serving import served, tls_of
from forecourt.edge.http import line
from forecourt.edge.http.errors import TITLE
from forecourt.edge.http.line import ADDRESS_BYTES_MAX, FIELDS_BYTES_MAX
from forecourt.infra import tls as infra_tls
from forecourt.settings import Settings
from tests.edge.http.conftest import Door
from tests.edge.ocpp.house import a_yard
from tests.fixtures.certificates import Ca, Pair

pytestmark = pytest.mark.storage

HOST: Final = b"Host: x\r\n"
GOOD: Final = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
WITHIN_S: Final = 20
# What waits for somebody's good-bye by the libraries' own measure waits for 30 s.
LINGERS_S: Final = 10


@dataclass(frozen=True)
class Way:
    """How to get to the server."""

    port: int
    tls: ssl.SSLContext | None

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def connected(self) -> socket.socket:
        """A line of one that waits for each step."""
        line = socket.create_connection(self.address, timeout=WITHIN_S)
        return line if self.tls is None else self.tls.wrap_socket(line, server_hostname="localhost")

    def client(self, **more: Any) -> httpx.AsyncClient:
        scheme = "http" if self.tls is None else "https"
        verify = self.tls or True
        return httpx.AsyncClient(
            base_url=f"{scheme}://127.0.0.1:{self.port}", verify=verify, **more
        )


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Ca:
    return Ca(tmp_path_factory.mktemp("ca"))


@pytest.fixture(params=["plain", "tls"])
async def way(request: pytest.FixtureRequest, door: Door, ca: Ca) -> AsyncGenerator[Way]:
    settings = Settings(host="127.0.0.1", http_port=0, stop_timeout_s=1)
    if request.param == "tls":
        pair = ca.server()
        settings = settings.model_copy(update={"tls_cert": pair.cert, "tls_key": pair.key})
    tls = tls_of(settings)
    async with served(door.app, settings, tls=tls) as port:
        yield Way(port, ca.client() if tls else None)


async def sent(way: Way, *pieces: bytes) -> bytes:
    """All that comes back until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", way.port, ssl=way.tls)
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
REFUSED: Final[tuple[tuple[list[bytes], int, str], ...]] = (
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
)


async def test_what_is_refused_is_a_problem(way: Way) -> None:
    """Each on a line of its own, all of one server."""
    for pieces, status, code in REFUSED:
        told, problem = problem_of(await sent(way, *pieces))
        assert (told, problem["code"]) == (status, code), pieces[0][:40]
        assert problem["detail"]


async def test_what_is_long_and_allowed_is_answered(way: Way) -> None:
    close = b"Connection: close\r\n"
    for good in (
        asked(b"/healthz?x=" + b"x" * (ADDRESS_BYTES_MAX - 11), close),
        asked(b"/healthz", b"X-Long: " + b"x" * (FIELDS_BYTES_MAX - 100) + b"\r\n" + close),
    ):
        assert (await sent(way, good)).startswith(b"HTTP/1.1 200 ")
        half = len(good) // 2
        assert (await sent(way, good[:half], good[half:])).startswith(b"HTTP/1.1 200 ")


async def test_requests_in_a_row_are_answered_as_far_as_they_are_good(way: Way) -> None:
    answer = await sent(way, GOOD + GOOD + b"nonsense\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 ") >= 1
    assert answer.startswith(b"HTTP/1.1 200 ")
    # Large bodies before them count for nothing.
    body = b"x" * 200_000
    post = asked(b"/api/v1/login", b"Content-Length: 200000\r\n", b"POST") + body
    after = await sent(way, post + GOOD[:20], GOOD[20:-2] + b"Connection: close\r\n\r\n")
    assert b"HTTP/1.1 200 " in after


async def test_a_body_that_cannot_be_read(way: Way) -> None:
    fields = b"Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n"
    pieces = asked(b"/api/v1/login", fields, b"POST"), b"3\r\n{  \r\n", b"nonsense\r\n"
    status, problem = problem_of(await sent(way, *pieces))
    assert (status, problem["code"]) == (400, "request.malformed")


async def test_an_upgrade_that_there_is_not_is_a_request_like_any_other(way: Way) -> None:
    fields = (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    )
    answer = await sent(way, asked(b"/nothing", fields), b"\x00" * 100)
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"application/problem+json" in answer


async def test_who_takes_too_long_is_told_so(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "HEAD_WITHIN_S", 0.3)
    status, problem = problem_of(await sent(way, b"GET /healthz HTTP/1.1\r\nHost"))
    assert (status, problem["code"]) == (408, "request.too_slow")
    assert await sent(way) == b"", "who says nothing is told nothing"
    first, mark, second = (await sent(way, GOOD, GOOD[:10])).partition(b"HTTP/1.1 408 ")
    assert first.startswith(b"HTTP/1.1 200 ")
    assert problem_of(mark + second)[0] == 408


async def test_a_body_has_its_time_too(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "BODY_WITHIN_S", 0.3)
    fields = b"Content-Length: 100\r\nContent-Type: application/json\r\n"
    status, problem = problem_of(await sent(way, asked(b"/api/v1/login", fields, b"POST") + b"{"))
    assert (status, problem["code"]) == (408, "request.too_slow")
    # Who was answered before all of it had come is told no second thing.
    refused = asked(b"/api/v1/stations", fields, b"POST")
    for rest in (b"{", b""):
        answer = await sent(way, refused + rest)
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert answer.count(b"HTTP/1.1 ") == 1
    # In time, piece by piece.
    body = b'{"email": "a@b.example", "password": "wrong"}'
    fields = fields.replace(b"100", str(len(body)).encode()) + b"Connection: close\r\n"
    pieces = [bytes([letter]) for letter in body[-4:]]
    head = asked(b"/api/v1/login", fields, b"POST") + body[:-4]
    assert b'"login.refused"' in await sent(way, head, *pieces)


async def test_each_address_says_what_it_takes(way: Way, door: Door) -> None:
    made = await door.rooms.tenants.add_key(door.ctx(), "test")
    headers = {"Authorization": f"Bearer {made.secret}"}
    async with way.client(headers=headers) as client:
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


async def test_who_asks_for_the_head_alone(way: Way, door: Door) -> None:
    """As load balancers and ``curl -I`` do."""
    made = await door.rooms.tenants.add_key(door.ctx(), "test")
    headers = {"Authorization": f"Bearer {made.secret}"}
    async with way.client(headers=headers) as client:
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


async def test_who_sends_on_hears_the_answer_all_the_same(way: Way) -> None:
    """As clients do that write all of a body before they read."""

    def insist() -> bytes:
        with way.connected() as line:
            line.sendall(asked(LONG)[:-2])
            for _ in range(50):
                line.sendall(b"x" * 100_000)
                time.sleep(0.005)
            return b"".join(iter(lambda: line.recv(65_536), b""))

    status, problem = problem_of(await asyncio.to_thread(insist))
    assert (status, problem["code"]) == (414, "request.address_too_long")


async def test_a_connection_is_used_again(way: Way) -> None:
    async with way.client() as client:
        for _ in range(3):
            answer = await client.get("/healthz")
            assert answer.status_code == 200
        pool: Any = client._transport
        assert len(pool._pool.connections) == 1


async def test_who_does_not_say_good_bye_is_let_go(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below TLS both sides say that they close; some only ever vanish."""
    monkeypatch.setattr(line, "HEAD_WITHIN_S", 0.3)
    monkeypatch.setattr(line, "LINGER_S", 0.3)

    def silent(*said: bytes) -> bytes:
        with way.connected() as line:
            for piece in said:
                line.sendall(piece)
            # What TLS itself says is read over its head, and never answered.
            with socket.socket(fileno=os.dup(line.fileno())) as below:
                below.settimeout(WITHIN_S)
                return b"".join(iter(lambda: below.recv(65_536), b""))

    for said in ((), (b"GET /healthz HT",), (asked(LONG),)):
        async with asyncio.timeout(LINGERS_S):
            await asyncio.to_thread(silent, *said)


@pytest.mark.skipif(serving.TCP_USER_TIMEOUT is None, reason="the kernel does not look after it")
@pytest.mark.parametrize("takes", ["all", "nothing"])
async def test_who_takes_nothing_of_an_answer_is_let_go(
    door: Door, monkeypatch: pytest.MonkeyPatch, takes: str
) -> None:
    """Its answers would wait for it as long as it likes."""
    monkeypatch.setattr(serving, "READ_WITHIN_S", 2.0)
    settings = Settings(host="127.0.0.1", http_port=0)
    async with served(door.app, settings) as port:
        way = Way(port, None)
        async with way.client() as client:
            size = len((await client.get("/schema/openapi.json")).content)
        asked_for = 24_000_000 // size

        def slowly() -> int:
            with socket.socket() as line:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
                # Within a machine a segment has 64 KiB, and less room than for one counts as none.
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1_400)
                line.settimeout(WITHIN_S)
                line.connect(way.address)
                line.sendall(asked(b"/schema/openapi.json") * asked_for)
                if takes == "nothing":
                    time.sleep(6)
                taken = 0
                with contextlib.suppress(ConnectionResetError):
                    while piece := line.recv(1_000_000):
                        taken += len(piece)
                        if taken > asked_for * size:
                            break
                return taken

        taken = await asyncio.to_thread(slowly)
    assert (taken > asked_for * size) == (takes == "all")


async def test_who_takes_an_answer_slowly_is_not_idle(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a poor link one takes longer than a connection may be idle."""
    monkeypatch.setattr(serving, "KEEP_ALIVE_S", 1)
    monkeypatch.setattr(line, "LINGER_S", 0.1)
    create_server = socket.create_server

    def narrow(*args: Any, **more: Any) -> socket.socket:
        """Here the kernel would hold all of an answer."""
        made = create_server(*args, **more)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        return made

    monkeypatch.setattr(socket, "create_server", narrow)
    settings = Settings(host="127.0.0.1", http_port=0)
    async with served(door.app, settings) as port:

        def slowly() -> tuple[int, bytes]:
            with socket.socket() as line:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
                line.settimeout(WITHIN_S)
                line.connect(("127.0.0.1", port))
                line.sendall(asked(b"/schema/openapi.json"))
                head, _, body = line.recv(1_000).partition(b"\r\n\r\n")
                time.sleep(2.5)
                (size,) = re.findall(rb"content-length: (\d+)", head)
                return int(size), body + b"".join(iter(lambda: line.recv(65_536), b""))

        size, body = await asyncio.to_thread(slowly)
    assert len(body) == size


async def test_the_server_stops_without_waiting_for_the_silent(door: Door, ca: Ca) -> None:
    pair = ca.server()
    settings = Settings(
        host="127.0.0.1", http_port=0, stop_timeout_s=15, tls_cert=pair.cert, tls_key=pair.key
    )
    tls = tls_of(settings)
    async with served(door.app, settings, tls=tls) as port:
        way = Way(port, ca.client())
        idle, nobody = await asyncio.to_thread(way.connected), socket.create_connection(way.address)
        await asyncio.to_thread(idle.sendall, GOOD)
        assert (await asyncio.to_thread(idle.recv, 9)) == b"HTTP/1.1 "
        began_s = time.monotonic()
    assert time.monotonic() - began_s < LINGERS_S
    idle.close()
    nobody.close()


async def test_a_handshake_has_its_time_and_is_told_of(
    door: Door, ca: Ca, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(infra_tls, "HANDSHAKE_TIMEOUT_S", 0.3)
    pair = ca.server()
    settings = Settings(host="127.0.0.1", http_port=0, tls_cert=pair.cert, tls_key=pair.key)
    tls, failed = tls_of(settings), list[None]()
    async with served(door.app, settings, tls=tls, failed=lambda: failed.append(None)) as port:
        assert await sent(Way(port, None)) == b""
        assert b"HTTP/1.1" not in await sent(Way(port, None), GOOD)
        assert len(failed) == 2
        # All this is nothing to others.
        answer = await sent(Way(port, ca.client()), GOOD[:-2] + b"Connection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")
    out = capsys.readouterr()
    assert "the other end speaks HTTP without TLS" in out.out + out.err


async def test_a_new_certificate_is_taken_up(database_url: str, tmp_path: Path, ca: Ca) -> None:
    """As at the stations' ports, within a minute and without a restart."""
    cert, key = tmp_path / "chain.pem", tmp_path / "key.pem"

    def place(pair: Pair) -> None:
        cert.write_bytes(pair.cert.read_bytes())
        key.write_bytes(pair.key.read_bytes())

    def shown(port: int) -> int:
        with Way(port, ca.client()).connected() as line:
            assert isinstance(line, ssl.SSLSocket)
            found = line.getpeercert(binary_form=True)
            assert found is not None
            return x509.load_der_x509_certificate(found).serial_number

    first = ca.server()
    place(first)
    files: dict[str, Any] = {"tls_cert": cert, "tls_key": key, "tls_client_ca": ca.file}
    async with a_yard(database_url, tmp_path, **files) as yard:
        port = urlsplit(yard.house.http_url).port
        assert port is not None
        assert await asyncio.to_thread(shown, port) == first.serial
        second = ca.server()
        place(second)
        keeper = yard.house.ports._keeper
        assert keeper is not None
        keeper._stamp = ()  # The files may be as old as a moment ago.
        await yard.house.ports.look()
        assert await asyncio.to_thread(shown, port) == second.serial
        # No browser is asked for a certificate of its own, as stations are.
        assert yard.house.ports._contexts[0][0].verify_mode is ssl.CERT_OPTIONAL
        assert yard.house.ports._beside[0][0].verify_mode is ssl.CERT_NONE
