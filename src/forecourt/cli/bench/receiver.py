"""A customer's receiver on this machine: takes every webhook at once, and counts them."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

START_S: Final = 10.0
_TAKEN: Final = b"HTTP/1.1 204 No Content\r\n\r\n"


class Receiver:
    """What came, by endpoint: each message's id, and how often in all."""

    def __init__(self) -> None:
        self.port = 0
        self.received = 0
        self.messages: set[tuple[bytes, bytes]] = set()
        """(Path, id of the message)."""
        self.lines: set[asyncio.Transport] = set()

    def take(self, head: bytes) -> None:
        """One request, by its head."""
        path = head.split(b" ", 2)[1]
        self.messages.add((path, _header(head, b"webhook-id")))
        self.received += 1


class _Line(asyncio.Protocol):
    """One connection, kept for as many requests as its caller likes."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._heard = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._receiver.lines.add(transport)

    def connection_lost(self, _: Exception | None) -> None:
        assert self._transport is not None
        self._receiver.lines.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        while (end := self._heard.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._heard[: end + 2])
            whole = end + 4 + int(_header(head, b"content-length") or b"0")
            if len(self._heard) < whole:
                return
            del self._heard[:whole]
            self._receiver.take(head)
            assert self._transport is not None
            self._transport.write(_TAKEN)


def _header(head: bytes, name: bytes) -> bytes:
    _, _, rest = head.lower().partition(b"\r\n" + name + b":")
    return rest.partition(b"\r\n")[0].strip()


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a port of its own, in a thread of its own."""
    receiver, listening = Receiver(), threading.Event()
    over: list[Callable[[], object]] = []

    async def live() -> None:
        loop, end = asyncio.get_running_loop(), asyncio.Event()
        server = await loop.create_server(lambda: _Line(receiver), "127.0.0.1", 0)
        receiver.port = server.sockets[0].getsockname()[1]
        over.append(lambda: loop.call_soon_threadsafe(end.set))
        listening.set()
        await end.wait()
        server.close()
        for line in [*receiver.lines]:
            line.abort()
        await asyncio.sleep(0)  # For the sockets to be closed.

    thread = threading.Thread(target=asyncio.run, args=[live()], daemon=True)
    thread.start()
    listening.wait(START_S)
    try:
        yield receiver
    finally:
        for end in over:
            end()
        thread.join()
