"""One station's websocket, by picows. Bytes in, bytes out; it understands none of them."""

import ssl
from base64 import b64encode
from typing import Final, Protocol
from urllib.parse import quote

import picows
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from forecourt.base.ids import StationId
from forecourt.sim.deflate import OFFER, Deflate, agreed

# OCPP frames are small; ten thousand stations with picows' own default would be 160 MB of buffer.
_READ_BUFFER: Final = 2_048
_FRAME_MAX: Final = 1 << 20
_HANDSHAKE_S: Final = 20.0


class Owner(Protocol):
    """Who is told of a link's life."""

    def link_up(self, link: "Link") -> None: ...

    def link_frame(self, link: "Link", data: bytes) -> None: ...

    def link_down(self, link: "Link") -> None: ...


class Link(WSListener):
    """A connection of one station, from the handshake to its end."""

    def __init__(self, owner: Owner, station: StationId, subprotocol: str) -> None:
        super().__init__()
        self.station = station
        self._subprotocol = subprotocol
        self._owner = owner
        self._transport: WSTransport | None = None
        self._parts: list[bytes] = []
        self._packed = False
        self._deflate: Deflate | None = None
        self.opened = False
        """Whether it ever was a connection that could be used."""

    def send(self, data: bytes) -> None:
        transport = self._writable()
        if transport is None:
            return
        if self._deflate is None:
            transport.send(WSMsgType.TEXT, data)
        else:
            payload, packed = self._deflate.pack(data)
            transport.send(WSMsgType.TEXT, payload, fin=True, rsv1=packed)

    def ping(self) -> None:
        transport = self._writable()
        if transport is not None:
            transport.send_ping()

    def close(self) -> None:
        """Say goodbye, as a station that restarts or is switched off properly does."""
        transport = self._writable()
        if transport is not None:
            transport.send_close(WSCloseCode.GOING_AWAY)
            transport.disconnect()

    def cut(self) -> None:
        """As when the cable is pulled: no close frame, nothing more is read."""
        if self._transport is not None:
            self._transport.underlying_transport.abort()

    def _writable(self) -> WSTransport | None:
        """A socket that broke is closed a moment before we hear of it."""
        transport = self._transport
        if transport is None or transport.underlying_transport.is_closing():
            return None
        return transport

    def on_ws_connected(self, transport: WSTransport) -> None:
        subprotocol = transport.response.headers.get("Sec-WebSocket-Protocol")
        if subprotocol != self._subprotocol:
            transport.disconnect()  # It speaks, but not our version (RFC 6455, 4.1).
            return
        extensions = transport.response.headers.get("Sec-WebSocket-Extensions")
        self._deflate = agreed(extensions, message_max=_FRAME_MAX)
        self._transport, self.opened = transport, True
        self._owner.link_up(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif kind in {WSMsgType.TEXT, WSMsgType.CONTINUATION}:
            data: bytes | None = frame.get_payload_as_bytes()
            assert data is not None, "a frame has a payload"
            if kind == WSMsgType.TEXT:
                self._packed = frame.rsv1 and self._deflate is not None
            if self._parts or not frame.fin:
                self._parts.append(data)
                if not frame.fin:
                    return
                data = b"".join(self._parts)
                self._parts = []
            if self._packed and self._deflate is not None:
                data = self._deflate.unpack(data)
            if data is None:
                transport.send_close(WSCloseCode.INVALID_TEXT)
                transport.disconnect()
                return
            self._owner.link_frame(self, data)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._transport = None
        self._owner.link_down(self)


async def connect(
    link: Link,
    url: str,
    *,
    identity: StationId,
    password: str,
    subprotocol: str,
    tls: ssl.SSLContext | None,
    deflate: bool = False,
) -> None:
    """Open one link; its owner hears of it before this returns. Raises OSError or WSError."""
    headers = {"Sec-WebSocket-Protocol": subprotocol}
    if password:
        pair = f"{identity}:{password}".encode()
        headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
    if deflate:
        headers["Sec-WebSocket-Extensions"] = OFFER
    await picows.ws_connect(
        lambda: link,
        f"{url.rstrip('/')}/{quote(identity, safe='')}",
        ssl_context=tls,
        extra_headers=headers,
        websocket_handshake_timeout=_HANDSHAKE_S,
        read_buffer_init_size=_READ_BUFFER,
        max_frame_size=_FRAME_MAX,
        max_redirects=0,
        use_aiofastnet=False,
    )
