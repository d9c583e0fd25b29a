"""A station's end of the socket, by hand: exact frames, also those that no library would send."""

import asyncio
import base64
import itertools
import json
import ssl
import struct
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
PATIENCE_S: Final = 20.0

_CALL, _RESULT, _ERROR, _SEND = 2, 3, 4, 6
_KEY: Final = base64.b64encode(b"sixteen bytes ok").decode()


class Closed(Exception):
    """The other end hung up; by which code, None where it said none."""

    def __init__(self, code: int | None, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Refused(Exception):
    """The door stayed shut."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers


class CallError(Exception):
    """A call was answered by CALLERROR."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(code, description)
        self.code = code


def basic(user: str, password: str | bytes) -> dict[str, str]:
    """The header of HTTP Basic authentication."""
    secret = password if isinstance(password, bytes) else password.encode()
    return {"Authorization": "Basic " + base64.b64encode(user.encode() + b":" + secret).decode()}


class Wire:
    """One websocket, seen from the station. Answers nothing by itself, not even pings."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        headers: Mapping[str, str],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self.headers = headers
        """Of the 101 answer, names in lower case."""
        self._ids = itertools.count(1)
        self._early: deque[list[Any]] = deque()
        """Messages that came while another was waited for."""

    @classmethod
    async def open(
        cls,
        url: str,
        path: str,
        *,
        offers: Sequence[str] = ("ocpp1.6",),
        headers: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        local: str | None = None,
    ) -> "Wire":
        """Knock at ``path``, written as it stands, from an address. Raises Refused."""
        at = urlsplit(url)
        assert at.hostname is not None
        reader, writer = await asyncio.open_connection(
            at.hostname, at.port, ssl=tls, local_addr=None if local is None else (local, 0)
        )
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {at.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {_KEY}",
            "Sec-WebSocket-Version: 13",
        ]
        if offers:
            lines.append(f"Sec-WebSocket-Protocol: {', '.join(offers)}")
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        try:
            async with asyncio.timeout(PATIENCE_S):
                head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            raise Closed(None) from None
        status, *rest = head.decode("latin-1").split("\r\n")
        told = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in rest if line)
        }
        code = int(status.split(" ")[1])
        if code != 101:
            writer.close()
            raise Refused(code, told)
        return cls(reader, writer, told)

    # ---- frames -------------------------------------------------------------------------------

    def frame(
        self, payload: bytes, opcode: int = TEXT, *, fin: bool = True, rsv1: bool = False
    ) -> None:
        """Send one frame. Its mask is zero, so that the payload goes out as it is."""
        first = (0x80 if fin else 0) | (0x40 if rsv1 else 0) | opcode
        size = len(payload)
        if size < 126:
            head = struct.pack("!BB", first, 0x80 | size)
        elif size < 65_536:
            head = struct.pack("!BBH", first, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", first, 0x80 | 127, size)
        self._writer.write(head + b"\0\0\0\0" + payload)

    def text(self, message: str) -> None:
        self.frame(message.encode())

    async def flushed(self) -> None:
        """Wait until the socket took what was sent."""
        await self._writer.drain()

    async def next_frame(self) -> tuple[int, bytes]:
        """The next frame of any kind. Raises Closed on a close frame or the end."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                first, second = await self._reader.readexactly(2)
                size = second & 0x7F
                if size == 126:
                    (size,) = struct.unpack("!H", await self._reader.readexactly(2))
                elif size == 127:
                    (size,) = struct.unpack("!Q", await self._reader.readexactly(8))
                payload = await self._reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise Closed(None) from None
        opcode = first & 0xF
        if opcode == CLOSE:
            code = struct.unpack("!H", payload[:2])[0] if payload else None
            raise Closed(code, payload[2:].decode())
        return opcode, payload

    async def message(self) -> list[Any]:
        """The next OCPP message."""
        if self._early:
            return self._early.popleft()
        return await self._arriving()

    async def _arriving(self) -> list[Any]:
        while True:
            opcode, payload = await self.next_frame()
            if opcode == TEXT:
                message: list[Any] = json.loads(payload)
                return message

    async def closed(self) -> Closed:
        """Read until the other end hangs up; how it did."""
        try:
            while True:
                await self.next_frame()
        except Closed as told:
            self._writer.close()
            return told

    async def close(self, code: int | None = 1000) -> None:
        """Hang up in good order and wait for the echo; without a code, drop the line."""
        if code is None:
            self._writer.transport.abort()
            return
        self.frame(struct.pack("!H", code), CLOSE)
        await self.closed()

    async def silent(self, for_s: float = 0.05) -> bool:
        """Whether nothing comes for a while."""
        try:
            async with asyncio.timeout(for_s):
                self._early.append(await self._arriving())
        except TimeoutError:
            return True
        return False

    # ---- OCPP ---------------------------------------------------------------------------------

    def ask(self, action: str, payload: object, *, message_id: str | None = None) -> str:
        """Send a call and do not wait. Returns its id."""
        name = message_id or f"s{next(self._ids)}"
        self.text(json.dumps([_CALL, name, action, payload]))
        return name

    def send(self, action: str, payload: object) -> None:
        """Say something that wants no answer (2.1)."""
        self.text(json.dumps([_SEND, f"s{next(self._ids)}", action, payload]))

    async def answer_to(self, message_id: str) -> dict[str, Any]:
        """The answer to a call of ours; what else comes meanwhile is kept. Raises CallError."""
        aside: list[list[Any]] = []
        try:
            while True:
                message = await self.message()
                if message[0] in {_RESULT, _ERROR} and message[1] == message_id:
                    break
                aside.append(message)
        finally:
            self._early.extend(aside)
        if message[0] == _ERROR:
            raise CallError(message[2], message[3])
        result: dict[str, Any] = message[2]
        return result

    async def call(self, action: str, payload: object) -> dict[str, Any]:
        """Call and wait for the answer."""
        return await self.answer_to(self.ask(action, payload))

    async def asked(self, action: str) -> tuple[str, dict[str, Any]]:
        """Wait for a call of the central system: its id and payload."""
        aside: list[list[Any]] = []
        try:
            while True:
                message = await self.message()
                if message[0] == _CALL and message[2] == action:
                    return message[1], message[3]
                aside.append(message)
        finally:
            self._early.extend(aside)

    def answer(self, message_id: str, payload: object) -> None:
        """Answer a call of the central system."""
        self.text(json.dumps([_RESULT, message_id, payload]))

    def refuse(self, message_id: str, code: str, description: str = "") -> None:
        """Answer a call of the central system by CALLERROR."""
        self.text(json.dumps([_ERROR, message_id, code, description, {}]))
