"""Rules of the websocket that no field quirk speaks of: tokens, closes, control frames."""

import asyncio
import struct
from urllib.parse import urlsplit

import pytest

from tests.edge.ocpp.house import IN_THE_HOUSE, Yard
from tests.edge.ocpp.wire import _KEY, CLOSE, PING, Closed

pytestmark = IN_THE_HOUSE


async def answer_to(yard: Yard, *lines: str) -> tuple[int, str]:
    """The door's answer to a request of these lines: its status, and all of it."""
    at = urlsplit(yard.house.ocpp_url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    head = [f"Host: {at.netloc}", "Upgrade: websocket", f"Sec-WebSocket-Key: {_KEY}"]
    head += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: ocpp1.6"]
    writer.write("\r\n".join([lines[0], *head, *lines[1:], "", ""]).encode())
    try:
        async with asyncio.timeout(8):
            told = (await reader.readuntil(b"\r\n\r\n")).decode()
    finally:
        writer.close()
    return int(told.split()[1]), told


@pytest.mark.parametrize(
    "connection",
    [
        "Connection: Upgrade",
        "Connection: keep-alive, Upgrade",
        "Connection: Upgrade,keep-alive",
        "Connection: keep-alive\r\nConnection: upgrade",
    ],
)
async def test_connection_may_hold_more_than_one_token(yard: Yard, connection: str) -> None:
    """RFC 6455, 4.2.1: it includes the token Upgrade."""
    name = await yard.add()
    status, _ = await answer_to(yard, f"GET /{name} HTTP/1.1", connection)
    assert status == 101


@pytest.mark.parametrize(
    "connection", ["Connection: close", "Connection: keep-alive, x-upgrade", "X-Nothing: here"]
)
async def test_without_that_token_it_is_no_websocket(yard: Yard, connection: str) -> None:
    name = await yard.add()
    status, _ = await answer_to(yard, f"GET /{name} HTTP/1.1", connection)
    assert status == 400


@pytest.mark.parametrize("code", [1000, 1001, 1011, 3000, 4999])
async def test_a_close_is_echoed(yard: Yard, code: int) -> None:
    _, wire = await yard.station()
    wire.frame(struct.pack("!H", code) + b"bye", CLOSE)
    assert (await wire.closed()).code == code


async def test_a_close_without_a_code_is_answered(yard: Yard) -> None:
    _, wire = await yard.station()
    wire.frame(b"", CLOSE)
    assert (await wire.closed()).code in {None, 1000}


@pytest.mark.parametrize(
    "frame",
    [
        bytes([0x80 | 0x3, 0x80]) + bytes(4),  # an opcode that nothing has
        bytes([0x80 | 0xB, 0x80]) + bytes(4),
        bytes([0x01, 0x02]) + b"[]",  # not masked
        bytes([PING, 0x80]) + bytes(4),  # a control frame in fragments
        bytes([0x80 | PING, 0x80 | 126, 0, 126]) + bytes(130),  # or too long
        bytes([0x80 | CLOSE, 0x81]) + bytes(5),  # half a code
        bytes([0x80 | CLOSE, 0x82]) + bytes(4) + struct.pack("!H", 1005),  # one that nobody sends
        bytes([0x80 | 0x1, 0x80 | 127, 0x80, *bytes(7)]) + bytes(4),  # a length below zero
    ],
)
async def test_frames_that_break_the_protocol_close_with_1002(yard: Yard, frame: bytes) -> None:
    name, wire = await yard.station()
    wire._writer.write(frame)
    assert (await wire.closed()).code == 1002
    back = await yard.connect(name)
    assert (await back.call("Heartbeat", {}))["currentTime"]


async def test_a_request_that_is_too_long_is_cut(yard: Yard) -> None:
    with pytest.raises((Closed, asyncio.IncompleteReadError, ConnectionError)):
        await answer_to(yard, "GET /nobody HTTP/1.1", "X-Long: " + "x" * 20_000)
