"""The websocket door: picows handshakes and frames in, link calls out. Decides nothing of OCPP."""

import asyncio
import logging
import socket
import ssl
import sys
from collections.abc import Callable
from typing import Final

from msgspec import Struct
from picows import (
    WSAutoPingStrategy,
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # its stubs leave it out

from forecourt.edge.ocpp import deflate
from forecourt.edge.ocpp.doors import Admitted, Refusal
from forecourt.edge.ocpp.gateway import Gateway
from forecourt.edge.ocpp.knock import (
    OLD_TLS,
    Knock,
    Reader,
    certificate_of,
    identity_of,
    password_of,
    peer_of,
    tls_version,
)
from forecourt.edge.ocpp.session import StationLink
from forecourt.edge.ocpp.versions import VERSIONS, Version
from forecourt.infra.listening import sockets_of
from forecourt.infra.tls import TlsServer
from forecourt.protocol.ocpp.lenient import Fix

# Who has not finished its request by then is no station.
HANDSHAKE_TIMEOUT_S: Final = 10.0
# Most frames are shorter; the buffer grows for those that are not.
READ_BUFFER_BYTES: Final = 2_048
# What the kernel gathers of a socket that is not read (Linux doubles it). picows' buffer grows to
# that, once a read has filled it, and never shrinks: by default to tens of MiB for who floods.
RECEIVE_BYTES: Final = 131_072
BACKLOG: Final = 4_096
# At one socket no more than so many wait to be let in (Linux: somaxconn), and whom it turns away
# rings again after 1, 3, 7 and 15 s. When a whole network is back, that is what it waits for.
SOCKETS: Final = 4 if sys.platform == "linux" else 1
CLOSE_REASON_BYTES_MAX: Final = 123
# Over a TLS older than 1.2 only this version may speak (2.0.1 A00.FR.313).
OLD_TLS_VERSION: Final = "ocpp1.6"

_TEXT, _BINARY, _CONTINUATION = WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION
_CODES: Final = {code.value: code for code in WSCloseCode}
_log: Final = logging.getLogger("picows.server")


class StationListener(WSListener):
    """One socket, and the wire that its link sends by."""

    __slots__ = ("_admitted", "_gateway", "_link", "_parts", "_transport", "_version")

    def __init__(self, gateway: Gateway, admitted: Admitted, version: Version | None) -> None:
        super().__init__()
        self._gateway = gateway
        self._admitted = admitted
        self._version = version
        self._transport: WSTransport | None = None
        self._link: StationLink | None = None
        self._parts: bytearray | None = None
        """A message that comes in fragments."""

    # ---- picows calls -------------------------------------------------------------------------

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        if self._version is None:
            # No version in common: complete the handshake, then close (OCPP-J 3.3; part 4, 3.2).
            self.close(WSCloseCode.PROTOCOL_ERROR.value, "no common OCPP version")
            return
        self._link = self._gateway.connected(self._admitted, self._version, self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        link = self._link
        if link is None or link.closed:
            return
        kind = frame.msg_type
        if frame.rsv1 or frame.rsv2 or frame.rsv3 or kind is _BINARY:
            self._extended(link, frame)
        elif kind is _TEXT and frame.fin and self._parts is None:
            data = frame.get_payload_as_bytes()
            if data.isascii() or self._is_text(link, data):
                link.on_frame(data)
        elif kind is _TEXT or kind is _CONTINUATION:
            self._gather(link, frame)
        elif kind is WSMsgType.PING:
            link.on_alive()
            transport.send_pong(frame.get_payload_as_bytes())
        elif kind is WSMsgType.PONG:
            link.on_pong()
        elif kind is WSMsgType.CLOSE:
            code = frame.get_close_code()
            # The echo says what was said (RFC 6455, 5.5.1); 1005 is never sent.
            transport.send_close(WSCloseCode.OK if code is WSCloseCode.NO_INFO else code)
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._parts = None
        if self._link is not None:
            self._gateway.gone(self._link, "closed")

    def pause_writing(self) -> None:
        """The station does not read: stop reading it too, so that nothing piles up for it."""
        self.pause()

    def resume_writing(self) -> None:
        self.resume()

    # ---- the link calls -----------------------------------------------------------------------

    def send(self, frame: bytes) -> None:
        assert self._transport is not None
        self._transport.send(_TEXT, frame)

    def ping(self) -> None:
        assert self._transport is not None
        self._transport.send_ping()

    def close(self, code: int, reason: str) -> None:
        assert self._transport is not None
        text = reason.encode()[:CLOSE_REASON_BYTES_MAX]
        self._transport.send_close(_CODES[code], text)
        self._transport.disconnect()

    def pause(self) -> None:
        assert self._transport is not None
        self._transport.underlying_transport.pause_reading()

    def resume(self) -> None:
        assert self._transport is not None
        if not self._transport.underlying_transport.is_closing():
            self._transport.underlying_transport.resume_reading()

    # ---- inside -------------------------------------------------------------------------------

    def _extended(self, link: StationLink, frame: WSFrame) -> None:
        """A frame that uses what was not agreed on."""
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            self._break(WSCloseCode.PROTOCOL_ERROR, "nothing was agreed on for these bits")
        else:
            self._break(WSCloseCode.UNSUPPORTED_DATA, "text frames only")

    def _gather(self, link: StationLink, frame: WSFrame) -> None:
        """Put a fragmented message together, within the limit for whole ones."""
        starts = frame.msg_type is _TEXT
        if starts is (self._parts is not None):
            self._break(WSCloseCode.PROTOCOL_ERROR, "fragments out of order")
            return
        if self._parts is None:
            self._parts = bytearray()
        self._parts += frame.get_payload_as_memoryview()
        if len(self._parts) > self._gateway.options.frame_bytes_max:
            self._break(WSCloseCode.MESSAGE_TOO_BIG, "message too big")
        elif frame.fin:
            whole, self._parts = bytes(self._parts), None
            self._whole(link, whole)

    def _whole(self, link: StationLink, data: bytes) -> None:
        """A message that came in fragments is complete."""
        if data.isascii() or self._is_text(link, data):
            link.on_frame(data)

    def _is_text(self, link: StationLink, data: bytes) -> bool:
        """Whether it is UTF-8; who sends other bytes as text is closed, if it is read strictly."""
        try:
            data.decode()
        except UnicodeDecodeError:
            handling = link.handling
            lenient = None if handling is None else handling.lenient
            if lenient is not None and Fix.BROKEN_JSON in lenient.fixes:
                return True  # Read on as it was meant, and counted.
            self._break(WSCloseCode.INVALID_TEXT, "text that is not UTF-8")
            return False
        return True

    def _break(self, code: WSCloseCode, reason: str) -> None:
        """The station broke the websocket protocol: hang up, and forget what it had begun."""
        self._parts = None
        assert self._link is not None
        self._link.close(code.value, reason)


class DeflatingListener(StationListener):
    """The same where permessage-deflate was agreed on."""

    __slots__ = ("_packed", "_window_bits")

    def __init__(
        self, gateway: Gateway, admitted: Admitted, version: Version | None, window_bits: int
    ) -> None:
        super().__init__(gateway, admitted, version)
        self._window_bits = window_bits
        self._packed = False
        """The fragments that are being gathered are compressed."""

    def send(self, frame: bytes) -> None:
        if len(frame) < deflate.COMPRESS_FROM_BYTES:
            super().send(frame)
            return
        assert self._transport is not None
        packed = deflate.deflate(frame, self._window_bits)
        self._transport.send(_TEXT, packed, True, True)

    def _extended(self, link: StationLink, frame: WSFrame) -> None:
        """A compressed message; its first frame says so, and that of no other (RFC 7692, 6.1)."""
        if frame.msg_type is not _TEXT or frame.rsv2 or frame.rsv3 or self._parts is not None:
            super()._extended(link, frame)
        elif frame.fin:
            self._inflate(link, frame.get_payload_as_bytes())
        else:
            self._packed = True
            self._gather(link, frame)

    def _whole(self, link: StationLink, data: bytes) -> None:
        if self._packed:
            self._packed = False
            self._inflate(link, data)
        else:
            super()._whole(link, data)

    def _inflate(self, link: StationLink, packed: bytes) -> None:
        try:
            data = deflate.inflate(packed, self._gateway.options.frame_bytes_max)
        except deflate.TooBig:
            self._break(WSCloseCode.MESSAGE_TOO_BIG, "message too big")
        except deflate.Corrupt:
            self._break(WSCloseCode.INVALID_TEXT, "data that does not inflate")
        else:
            super()._whole(link, data)


# ---- listening ----------------------------------------------------------------------------------


class Listening(Struct, frozen=True, kw_only=True):
    """Where to listen, and how."""

    host: str
    port: int
    read: Reader
    """Who shows a certificate there is known by this."""
    tls: ssl.SSLContext | None = None


class _Door(WSProtocol):  # type: ignore[misc]  # its stubs leave it out
    """picows' protocol; it hands the transport to the request's answer: that wants its certificate.

    picows itself passes the request alone. What a transport holds is let go when it closes.
    """

    __slots__ = ("_request",)

    def __init__(self, request: "_Request", gateway: Gateway) -> None:
        super().__init__(
            None,  # host, of a client
            None,  # path, of a client
            False,
            request.answer,
            _log,
            True,
            HANDSHAKE_TIMEOUT_S,
            False,
            2.0,
            1.0,
            WSAutoPingStrategy.PING_WHEN_IDLE,
            False,
            gateway.options.frame_bytes_max,
            None,  # headers, of a client
            READ_BUFFER_BYTES,
        )
        self._request: _Request | None = request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._request is not None:
            self._request.socket, self._request = transport, None
        super().connection_made(transport)


class _Request:
    """One request for a websocket, from its socket to its answer."""

    __slots__ = ("_gateway", "_read", "socket")

    def __init__(self, gateway: Gateway, read: Reader) -> None:
        self._gateway = gateway
        self._read = read
        self.socket: asyncio.BaseTransport | None = None

    def answer(self, request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        assert self.socket is not None
        socket, self.socket = self.socket, None
        _tidy(request)
        identity = identity_of(request.path.decode("latin-1"))
        if identity is None:
            return _refused(Refusal(404, "no such station"))
        tls = tls_version(socket)
        gateway = self._gateway
        found = gateway.admit(
            Knock(
                identity=identity,
                address=peer_of(socket, request.headers, gateway.options.proxies),
                encrypted=tls is not None,
                password=password_of(request.headers, identity),
                certificate=certificate_of(socket, self._read),
            )
        )
        if isinstance(found, Refusal):
            return _refused(found)
        return _upgraded(gateway, found, request, old_tls=tls in OLD_TLS)


def _tidy(request: WSUpgradeRequest) -> None:
    """``Connection`` may hold more than the one token that picows looks for (RFC 6455, 4.2.1)."""
    tokens = ",".join(request.headers.getall("Connection", [])).lower().split(",")
    if len(tokens) > 1 and "upgrade" in (token.strip() for token in tokens):
        request.headers.popall("Connection")
        request.headers["Connection"] = "Upgrade"


def _refused(refusal: Refusal) -> WSUpgradeResponseWithListener:
    headers = {}
    if refusal.status == 401:  # noqa: PLR2004 (the status that wants this header)
        headers["WWW-Authenticate"] = 'Basic realm="ocpp"'
    if refusal.wait_s:
        headers["Retry-After"] = str(refusal.wait_s)
    response = WSUpgradeResponse.create_error_response(
        refusal.status, refusal.reason.encode(), headers
    )
    return WSUpgradeResponseWithListener(response, None)


def _upgraded(
    gateway: Gateway, admitted: Admitted, request: WSUpgradeRequest, *, old_tls: bool
) -> WSUpgradeResponseWithListener:
    offered = [
        name.strip()
        for line in request.headers.getall("Sec-WebSocket-Protocol", [])
        for name in line.split(",")
        if name.strip()
    ]
    version = gateway.choose(offered, admitted.door)
    if old_tls and version is not None:
        version = VERSIONS[OLD_TLS_VERSION] if OLD_TLS_VERSION in offered else None
    try:
        agreed = _agree(gateway, request)
    except deflate.OfferMalformed:
        return _refused(Refusal(400, "malformed Sec-WebSocket-Extensions"))
    headers = {} if version is None or not offered else {"Sec-WebSocket-Protocol": version.name}
    listener: StationListener
    if agreed is None:
        listener = StationListener(gateway, admitted, version)
    else:
        headers["Sec-WebSocket-Extensions"] = agreed.header
        listener = DeflatingListener(gateway, admitted, version, agreed.window_bits)
        gateway.counts.deflated += 1
    return WSUpgradeResponseWithListener(WSUpgradeResponse.create_101_response(headers), listener)


def _agree(gateway: Gateway, request: WSUpgradeRequest) -> deflate.Agreed | None:
    offers = request.headers.getall("Sec-WebSocket-Extensions", [])
    return deflate.agree(offers) if offers and gateway.options.compression else None


class Server:
    """A port that is listened on."""

    def __init__(self, port: int, close: Callable[[], None]) -> None:
        self.port = port
        self.close = close


async def listen(gateway: Gateway, where: Listening) -> Server:
    """Open a port. Paths are ``/{id}`` and ``/ocpp/{id}``, percent-encoded (OCPP-J 3.1.1)."""

    def door() -> asyncio.BaseProtocol:
        protocol: asyncio.BaseProtocol = _Door(_Request(gateway, where.read), gateway)
        return protocol

    loop = asyncio.get_running_loop()
    opened = await sockets_of(where.host, where.port, backlog=BACKLOG, each=SOCKETS)
    for one in opened:  # Whoever comes in here has it from this one.
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    port = opened[0].getsockname()[1]
    if where.tls is not None:
        tls = TlsServer(
            opened,
            door,
            where.tls,
            tasks=gateway.tasks,
            failed=gateway.tls_failed,
            backlog=BACKLOG,
        )
        return Server(port, tls.close)
    servers = [await loop.create_server(door, sock=one, backlog=BACKLOG) for one in opened]

    def close() -> None:
        for server in servers:
            server.close()

    return Server(port, close)
