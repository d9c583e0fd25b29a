"""permessage-deflate (RFC 7692) on real lines: what is inflated, and what closes the line."""

import json

import pytest
import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from forecourt.edge.ocpp import deflate
from tests.edge.ocpp.house import BOOT_16, IN_THE_HOUSE, Yard
from tests.edge.ocpp.wire import BINARY, CONTINUATION, PING, PONG, TEXT, Refused, Wire

OFFER = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
PLAIN = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
HEARTBEAT = b'[2,"h","Heartbeat",{}]'


pytestmark = IN_THE_HOUSE


async def agreed(yard: Yard) -> Wire:
    """A line with compression, whose station has booted."""
    name = await yard.add()
    wire = await yard.open(f"/{name}", headers=OFFER)
    assert wire.headers["sec-websocket-extensions"] == PLAIN
    assert (await wire.call("BootNotification", BOOT_16))["status"] == "Accepted"
    return wire


async def test_an_independent_client_speaks_compressed(yard: Yard) -> None:
    name = await yard.add()
    extension = ClientPerMessageDeflateFactory(server_max_window_bits=11)
    async with websockets.connect(
        f"{yard.house.ocpp_url}/{name}",
        subprotocols=[websockets.Subprotocol("ocpp1.6")],
        extensions=[extension],
        compression=None,
    ) as line:
        assert line.response is not None
        assert "server_max_window_bits=11" in line.response.headers["Sec-WebSocket-Extensions"]
        await line.send(json.dumps([2, "b", "BootNotification", BOOT_16]))
        assert json.loads(await line.recv())[2]["status"] == "Accepted"
        # An id is echoed: an answer that is long enough to be compressed.
        for number in range(3):
            long_id = f"{number}" * 36
            data = {"vendorId": "x" * 255, "data": "y" * 5_000}
            await line.send(json.dumps([2, long_id, "DataTransfer", data]))
            assert json.loads(await line.recv())[1] == long_id


async def test_what_goes_out_is_compressed_from_a_length_on(yard: Yard) -> None:
    wire = await agreed(yard)
    listener = next(iter(yard.gateway._links.values()))._wire
    long = b'[2,"m","DataTransfer",{"vendorId":"' + b"v" * 300 + b'"}]'
    listener.send(long)
    first, second = await wire._reader.readexactly(2)
    assert first == 0xC1, "RSV1 says that it is compressed"
    packed = await wire._reader.readexactly(second & 0x7F)
    assert deflate.inflate(packed, 1_000) == long
    listener.send(HEARTBEAT)
    assert await wire.next_frame() == (TEXT, HEARTBEAT)


async def test_whole_in_pieces_and_uncompressed_messages(yard: Yard) -> None:
    wire = await agreed(yard)
    packed = deflate.deflate(HEARTBEAT, 15)
    wire.frame(packed, rsv1=True)
    assert (await wire.answer_to("h"))["currentTime"]
    wire.frame(packed[:3], rsv1=True, fin=False)
    wire.frame(b"x", PING)
    wire.frame(packed[3:7], CONTINUATION, fin=False)
    wire.frame(packed[7:], CONTINUATION)
    assert await wire.next_frame() == (PONG, b"x")
    assert (await wire.answer_to("h"))["currentTime"]
    wire.frame(HEARTBEAT[:3], fin=False)
    wire.frame(HEARTBEAT[3:], CONTINUATION)
    assert (await wire.answer_to("h"))["currentTime"]
    wire.frame(HEARTBEAT)
    assert (await wire.answer_to("h"))["currentTime"]


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([(b"\xff\xff\xff", TEXT, True, True)], 1007),
        ([(deflate.deflate(b"\xff\xfe", 15), TEXT, True, True)], 1007),
        ([(deflate.deflate(b"x" * 2_000_000, 15), TEXT, True, True)], 1009),
        ([(b"x", PING, True, True)], 1002),
        ([(b"x", BINARY, True, True)], 1002),
        ([(b"x", BINARY, True, False)], 1003),
        ([(b"x", CONTINUATION, True, True)], 1002),
        ([(b"x", TEXT, False, True), (b"y", CONTINUATION, True, True)], 1002),
        ([(b"x", TEXT, False, True), (b"y", TEXT, True, True)], 1002),
        ([(b"x", TEXT, False, True), (b"y", TEXT, True, False)], 1002),
    ],
)
async def test_what_closes_the_line(
    yard: Yard, frames: list[tuple[bytes, int, bool, bool]], code: int
) -> None:
    wire = await agreed(yard)
    for payload, opcode, fin, rsv1 in frames:
        wire.frame(payload, opcode, fin=fin, rsv1=rsv1)
    assert (await wire.closed()).code == code


async def test_bits_that_nobody_agreed_on_close_the_line(yard: Yard) -> None:
    for first in (0x80 | 0x20 | TEXT, 0x80 | 0x10 | TEXT, 0x80 | 0x20 | PING):
        _, wire = await yard.station()
        wire._writer.write(bytes([first, 0x80, 0, 0, 0, 0]))
        assert (await wire.closed()).code == 1002


async def test_a_header_that_is_no_list_of_extensions_fails_the_handshake(yard: Yard) -> None:
    name = await yard.add()
    with pytest.raises(Refused) as refused:
        await yard.open(f"/{name}", headers={"Sec-WebSocket-Extensions": "permessage-deflate;;"})
    assert refused.value.status == 400
