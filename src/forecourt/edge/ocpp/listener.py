"""The websocket door: picows handshakes and frames in, link calls out. Decides nothing of OCPP."""

import asyncio
import base64
import binascii
import ssl
from typing import Final
from urllib.parse import unquote_to_bytes

from multidict import CIMultiDict
from picows import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from forecourt.domain.stations import Door
from forecourt.edge.ocpp.gateway import Gateway, Refusal
from forecourt.edge.ocpp.session import StationLink
from forecourt.edge.ocpp.versions import Version

# Who has not finished its request by then is no station.
HANDSHAKE_TIMEOUT_S: Final = 10.0
# Most frames are shorter; the buffer grows for those that are not.
READ_BUFFER_BYTES: Final = 2_048
BACKLOG: Final = 4_096
CLOSE_REASON_BYTES_MAX: Final = 123

_TEXT, _BINARY, _CONTINUATION = WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION
_CODES: Final = {code.value: code for code in WSCloseCode}


class StationListener(WSListener):
    """One socket, and the wire that its link sends by."""

    __slots__ = ("_door", "_gateway", "_link", "_parts", "_transport", "_version")

    def __init__(self, gateway: Gateway, door: Door, version: Version | None) -> None:
        super().__init__()
        self._gateway = gateway
        self._door = door
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
        self._link = self._gateway.connected(self._door, self._version, self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        link = self._link
        if link is None or link.closed:
            return
        kind = frame.msg_type
        if frame.rsv1 or kind is _BINARY:
            # Nothing was negotiated that would allow either.
            bad = WSCloseCode.PROTOCOL_ERROR if frame.rsv1 else WSCloseCode.UNSUPPORTED_DATA
            self.close(bad.value, "text frames only")
        elif kind is _TEXT and frame.fin and self._parts is None:
            link.on_frame(frame.get_payload_as_bytes())
        elif kind is _TEXT or kind is _CONTINUATION:
            self._gather(link, frame)
        elif kind is WSMsgType.PING:
            link.on_alive()
            transport.send_pong(frame.get_payload_as_bytes())
        elif kind is WSMsgType.PONG:
            link.on_pong()
        elif kind is WSMsgType.CLOSE:
            transport.send_close(WSCloseCode.OK)
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

    def _gather(self, link: StationLink, frame: WSFrame) -> None:
        """Put a fragmented message together, within the limit for whole ones."""
        starts = frame.msg_type is _TEXT
        if starts is (self._parts is not None):
            self.close(WSCloseCode.PROTOCOL_ERROR.value, "fragments out of order")
            return
        if self._parts is None:
            self._parts = bytearray()
        self._parts += frame.get_payload_as_memoryview()
        if len(self._parts) > self._gateway.options.frame_bytes_max:
            self.close(WSCloseCode.MESSAGE_TOO_BIG.value, "message too big")
        elif frame.fin:
            whole, self._parts = bytes(self._parts), None
            link.on_frame(whole)


async def listen(
    gateway: Gateway, *, host: str, port: int, tls: ssl.SSLContext | None
) -> asyncio.Server:
    """Open the port. Paths are ``/{id}`` and ``/ocpp/{id}``, percent-encoded (OCPP-J 3.1.1)."""

    def answer(request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        return _upgrade(gateway, request)

    return await ws_create_server(
        answer,
        host,
        port,
        ssl=tls,
        backlog=BACKLOG,
        enable_auto_pong=False,
        max_frame_size=gateway.options.frame_bytes_max,
        read_buffer_init_size=READ_BUFFER_BYTES,
        websocket_handshake_timeout=HANDSHAKE_TIMEOUT_S,
        use_aiofastnet=tls is not None,
    )


def _upgrade(gateway: Gateway, request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
    identity = identity_of(request.path.decode("latin-1"))
    found: Door | Refusal
    if identity is None:
        found = Refusal(404, "no such station")
    else:
        found = gateway.admit(identity, password_of(request.headers, identity))
    if isinstance(found, Refusal):
        headers = {"WWW-Authenticate": 'Basic realm="ocpp"'} if found.status == 401 else {}  # noqa: PLR2004 (the status that wants this header)
        refused = WSUpgradeResponse.create_error_response(
            found.status, found.reason.encode(), headers
        )
        return WSUpgradeResponseWithListener(refused, None)
    offered = [
        name.strip()
        for line in request.headers.getall("Sec-WebSocket-Protocol", [])
        for name in line.split(",")
        if name.strip()
    ]
    version = gateway.choose(offered, found)
    chosen = {} if version is None or not offered else {"Sec-WebSocket-Protocol": version.name}
    accepted = WSUpgradeResponse.create_101_response(chosen)
    return WSUpgradeResponseWithListener(accepted, StationListener(gateway, found, version))


def identity_of(path: str) -> str | None:
    """The station's identity in a request's path, or None where there is none.

    ``/{id}`` or ``/ocpp/{id}``, percent-encoded; stations in the field write the whole URL, double
    slashes, a slash at the end, or a query besides.
    """
    bare = path.split("?", 1)[0].split("#", 1)[0]
    if "://" in bare:
        bare = "/" + bare.split("://", 1)[1].partition("/")[2]
    parts = [part for part in bare.split("/") if part]
    if parts and parts[0] == "ocpp":
        parts = parts[1:]
    if len(parts) != 1:
        return None
    try:
        return unquote_to_bytes(parts[0]).decode()
    except UnicodeDecodeError:
        return None


def password_of(headers: CIMultiDict[str], identity: str) -> bytes | None:
    """The password of HTTP Basic authentication, as bytes: some stations send raw ones.

    The user must be the station's identity (OCPP-J security profile 1); then it counts, else not.
    """
    scheme, _, credentials = headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(credentials.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    # The identity may hold a colon, and the password too: cut where the identity ends.
    user = identity.encode()
    if not decoded.startswith(user + b":"):
        return None
    return decoded[len(user) + 1 :]
