"""Broken frames, floods, crowds and slow hands: the others do not notice."""

import asyncio
import json
import struct
import time
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from structlog.testing import capture_logs

from tests.edge.ocpp.house import IN_THE_HOUSE, Yard, until
from tests.edge.ocpp.says import event, status
from tests.edge.ocpp.wire import BINARY, CONTINUATION, TEXT, CallError, Closed, Refused, Wire

pytestmark = IN_THE_HOUSE

versions = pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
# How long a well-behaved station waits at most while others misbehave: far below its own time-out,
# and above what a busy machine needs.
PATIENT_S = 1.0


@asynccontextmanager
async def a_bystander(yard: Yard) -> AsyncGenerator[list[float]]:
    """A well-behaved station; yields how long its messages took."""
    _, wire = await yard.station()
    took: list[float] = []

    async def charge() -> None:
        while True:
            since = time.perf_counter()
            await wire.call("StatusNotification", status(1, "Available"))
            took.append(time.perf_counter() - since)
            await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as tasks:
        charging = tasks.create_task(charge())
        yield took
        await until(lambda: took)
        charging.cancel()
    assert max(took) < PATIENT_S


NONSENSE = [
    ("{", "RpcFrameworkError"),
    ("hello", "RpcFrameworkError"),
    ("[]", "RpcFrameworkError"),
    ("{}", "RpcFrameworkError"),
    ("null", "RpcFrameworkError"),
    ("42", "RpcFrameworkError"),
    ('["2","a","Heartbeat",{}]', "RpcFrameworkError"),
    ('[2,17,"Heartbeat",{}]', "RpcFrameworkError"),
    ('[2,"a"]', "RpcFrameworkError"),
    ('[2,"a","Heartbeat"]', "RpcFrameworkError"),
    ('[2,"a","Heartbeat",{},{}]', "RpcFrameworkError"),
    ('[2,"a",["Heartbeat"],{}]', "RpcFrameworkError"),
    ('[2,"a","Heartbeat",[]]', "FormatViolation"),
    ('[2,"a","Heartbeat",{"x":1}]', "FormatViolation"),
    ('[2,"a","NoSuchAction",{}]', "NotImplemented"),
    ('[2,"a","Reset",{"type":"Soft"}]', "NotSupported"),
    ('[2,"a","BootNotification",{}]', "OccurrenceConstraintViolation"),
    ('[2,"a","Authorize",{"idToken":7,"idTag":7}]', None),
    (f'[2,"a","Authorize",{"[" * 100_000}]', None),
    (f'[2,"a","DataTransfer",{{"vendorId":"a","data":{"[" * 5_000}{"]" * 5_000}}}]', None),
    (f'[2,"{"a" * 10_000}","Heartbeat",{{}}]', None),
    ('[3,"nobody-asked",{}]', ""),
    ('[4,"nobody-asked","InternalError","",{}]', ""),
    ('[99,"a",{}]', None),
]


@versions
@pytest.mark.parametrize(("frame", "code"), NONSENSE, ids=lambda v: str(v)[:30])
async def test_nonsense_is_answered_in_the_protocols_words(
    yard: Yard, version: str, frame: str, code: str | None
) -> None:
    name, wire = await yard.station(version)
    wire.text(frame)
    wire.ask("Heartbeat", {}, message_id="after")
    first = await wire.message()
    if code == "":
        assert first[:2] == [3, "after"], "an answer to nothing is not answered"
        return
    if first[1] != "after":
        assert first[0] == 4
        if version != "1.6" and code is not None:
            assert first[2] == code
        first = await wire.message()
    elif code is not None:
        assert version == "1.6", "1.6 has no answer to what has no id"
        assert code == "RpcFrameworkError"
    assert first[:2] == [3, "after"]
    assert name in yard.gateway._links


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([(b"[2,1", BINARY, True)], 1003),
        ([(b"a", CONTINUATION, True)], 1002),
        ([(b"a", TEXT, False), (b"b", TEXT, True)], 1002),
        ([(b"x" * 600_000, TEXT, False), (b"x" * 600_000, CONTINUATION, True)], 1009),
    ],
    ids=["binary", "continues nothing", "begins twice", "long in pieces"],
)
async def test_frames_that_end_the_line(
    yard: Yard, frames: list[tuple[bytes, int, bool]], code: int
) -> None:
    name, wire = await yard.station()
    for payload, opcode, fin in frames:
        wire.frame(payload, opcode, fin=fin)
    assert (await wire.closed()).code == code
    back = await yard.connect(name)
    assert (await back.call("Heartbeat", {}))["currentTime"]


async def test_a_message_in_fragments_is_a_message(yard: Yard) -> None:
    _, wire = await yard.station()
    text = b'[2,"f","Heartbeat",{}]'
    for n, byte in enumerate(text):
        last = n == len(text) - 1
        wire.frame(bytes([byte]), TEXT if n == 0 else CONTINUATION, fin=last)
    assert (await wire.answer_to("f"))["currentTime"]


@versions
async def test_bytes_that_are_no_utf8(yard: Yard, version: str) -> None:
    name, wire = await yard.station(version)
    wire.frame(b'[2,"u","DataTransfer",{"vendorId":"\xff\xfe"}]')
    assert (await wire.closed()).code == 1007
    wire = await yard.connect(name, version)
    # In pieces, and where no decoder would look.
    wire.frame(b'[2,"u","Heartbeat",{}]   \xe2\x82', fin=False)
    wire.frame(b"", CONTINUATION)
    assert (await wire.closed()).code == 1007
    wire = await yard.connect(name, version)
    wire.frame('[2,"v","DataTransfer",{"vendorId":"Größe"}]'.encode())
    assert (await wire.answer_to("v"))["status"]


async def test_bytes_that_are_no_utf8_are_forgiven_to_the_lenient(yard: Yard) -> None:
    _, wire = await yard.station(lenient=True)
    wire.frame('[2,"u","DataTransfer",{"vendorId":"Größe"}]'.encode("latin-1"))
    assert (await wire.answer_to("u"))["status"]


async def test_a_frame_of_10_mib_closes_with_1009_and_costs_no_memory(yard: Yard) -> None:
    name, wire = await yard.station()
    process = psutil.Process()
    async with a_bystander(yard):
        before = process.memory_info().rss
        for _ in range(3):
            head = struct.pack("!BBQ", 0x81, 0xFF, 10 * 1024 * 1024) + b"\0\0\0\0"
            wire._writer.write(head + b"[" * 65_536)
            assert (await wire.closed()).code == 1009
            wire = await yard.connect(name)
        assert process.memory_info().rss - before < 20 * 1024 * 1024
    assert (await wire.call("Heartbeat", {}))["currentTime"]


async def test_ten_thousand_messages_at_once_slow_nobody_else(yard: Yard) -> None:
    name, wire = await yard.station()
    process = psutil.Process()
    frames = b"".join(
        struct.pack("!BB", 0x81, 0x80 | len(text)) + b"\0\0\0\0" + text
        for text in (b'[2,"%d","Heartbeat",{}]' % n for n in range(10_000))
    )
    async with a_bystander(yard) as took:
        before = process.memory_info().rss
        wire._writer.write(frames)
        answered = 0
        since = time.perf_counter()
        while time.perf_counter() - since < 2.5:
            await wire.next_frame()
            answered += 1
            if answered % 100 == 0:
                await asyncio.sleep(0)
        assert process.memory_info().rss - before < 32 * 1024 * 1024
        assert len(took) > 50
    budget = yard.gateway.budget
    assert answered < budget.burst + 4 * budget.per_second + 1_000, "it is read more slowly"
    assert name in yard.gateway._links
    await wire.close(None)
    back = await yard.connect(name)
    assert (await back.call("Heartbeat", {}))["currentTime"]


async def test_a_thousand_sockets_of_one_identity(yard: Yard) -> None:
    name = await yard.add()

    async def knock() -> str:
        try:
            await yard.open(f"/{name}")
        except Refused as refused:
            return str(refused.status)
        except (Closed, OSError):
            return "closed"
        return "in"

    async with a_bystander(yard):
        told = [await each for each in in_crowds([knock() for _ in range(1_000)])]
        assert told.count("429") >= 900
        assert 1 <= told.count("in") <= 100
    assert sum(link.door.id == name for link in yard.gateway._links.values()) <= 1
    await yard.hang_up()
    yard.gateway._knocks.clear()
    wire = await yard.connect(name)
    assert (await yard.boot(wire))["status"] == "Accepted"


def in_crowds(work: list[Coroutine[Any, Any, str]]) -> list[asyncio.Future[str]]:
    """Begin all at once."""
    return [asyncio.ensure_future(each) for each in work]


async def test_slow_handshakes_keep_nobody_waiting(yard: Yard) -> None:
    at = urlsplit(yard.house.ocpp_url)
    assert at.hostname is not None
    slow = []
    for n in range(200):
        _, writer = await asyncio.open_connection(at.hostname, at.port)
        writer.write((b"G", b"GET /CP HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00\x01")[n % 3])
        slow.append(writer)
    names = [await yard.add() for _ in range(10)]
    try:
        async with a_bystander(yard):
            for name in names:
                since = time.perf_counter()
                await yard.boot(await yard.connect(name))
                assert time.perf_counter() - since < PATIENT_S
    finally:
        for writer in slow:
            writer.transport.abort()


@pytest.mark.parametrize(
    "request_text",
    [
        "POST /{name} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd",
        "GET /{name} HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /{name} HTTP/1.0\r\n\r\n",
        "GET /{name} HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "GET /{name} HTTP/1.1\r\n" + "X: y\r\n" * 20_000 + "\r\n",
        "\r\n\r\n\r\n\r\n",
    ],
    ids=["post", "no upgrade", "old", "no key", "many headers", "empty"],
)
async def test_what_is_no_handshake_ends_the_connection(yard: Yard, request_text: str) -> None:
    name = await yard.add()
    at = urlsplit(yard.house.ocpp_url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    writer.write(request_text.replace("{name}", name).encode("latin-1"))
    async with asyncio.timeout(15):
        try:
            said = await reader.read()
        except ConnectionError:
            said = b""
    writer.close()
    assert said == b"" or said.startswith(b"HTTP/1.1 4")
    assert name not in yard.gateway._links


async def test_a_station_that_does_not_read_is_not_read(yard: Yard) -> None:
    name, wire = await yard.station("2.0.1")
    big = "x" * 2_000
    process = psutil.Process()
    before = process.memory_info().rss
    async with a_bystander(yard):
        for n in range(400):
            body = event("Updated", f"{big[:20]}", n, yard.at(), n, evse=1)
            wire.ask("TransactionEvent", body)
        for n in range(400):
            wire.ask("DataTransfer", {"vendorId": "v", "data": big + str(n)})
        await asyncio.sleep(0.3)
    assert process.memory_info().rss - before < 32 * 1024 * 1024
    await wire.close(None)
    await until(lambda: name not in yard.gateway._links)


async def test_what_could_not_be_stored_is_named_and_kept(yard: Yard) -> None:
    name, wire = await yard.station()
    said = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "info": name}
    check = f"ALTER TABLE connectors ADD CONSTRAINT poison CHECK (info <> '{name}')"
    await yard.rows(check)
    try:
        with capture_logs() as logs, pytest.raises(CallError) as refused:
            await wire.call("StatusNotification", said)
    finally:
        await yard.rows("ALTER TABLE connectors DROP CONSTRAINT poison")
    assert refused.value.code == "InternalError"
    [told] = [line for line in logs if line["event"] == "commit.poisoned"]
    assert (told["who"], told["what"]) == (f"station:{name}", "StatusNotification")
    await yard.house.committer.drained()
    kept = await yard.rows(
        "SELECT frame, direction FROM messages WHERE station_id = $1 AND note LIKE 'not stored: %'",
        name,
    )
    assert [json.loads(row["frame"])[3] for row in kept] == [said]
    assert await wire.call("StatusNotification", said) == {}


async def test_afterwards_the_house_still_works(yard: Yard) -> None:
    for version in ("1.6", "2.0.1", "2.1"):
        name, wire = await yard.station(version)
        assert (await wire.call("Heartbeat", {}))["currentTime"]
        assert isinstance(wire, Wire)
        assert name in yard.gateway._links


async def test_our_own_mistake_costs_one_message_and_no_state(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler that falls half-way leaves nothing in memory that is not in the record."""
    station, wire = await yard.station()
    decide = yard.rooms.stations.status

    def fall(*given: Any) -> None:
        decide(*given)
        monkeypatch.undo()
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(yard.rooms.stations, "status", fall)
    with capture_logs() as logs, pytest.raises(CallError, match="InternalError"):
        await wire.call("StatusNotification", status(1, "Faulted"))
    assert "station.handler_failed" in [line["event"] for line in logs]
    # Told again it is news: the first time left no trace.
    await wire.call("StatusNotification", status(1, "Faulted"))
    assert len(await yard.events(station, "connector.changed")) == 1
