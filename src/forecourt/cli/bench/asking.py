"""Programs that ask an HTTP server in a closed loop: the next request leaves with the last answer.

As little as it takes to find where an answer ends; decodes nothing while it measures.
"""

import asyncio
import random
import re
from collections.abc import Callable, Sequence
from typing import Final, cast

import msgspec
import uvloop

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
HEAD_END: Final = b"\r\n\r\n"
FINE: Final = b"HTTP/1.1 200 "


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking for a while."""

    per_s: float
    latency_s: list[float]
    answered: int
    errors: int


class _Program(asyncio.Protocol):
    """One connection, one request open at a time."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._held = bytearray()
        self._whole = 0
        self._sent_s = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.ask()

    def ask(self) -> None:
        assert self._transport is not None, "connected first"
        self._held.clear()
        self._whole = 0
        self._sent_s = self._load.clock()
        self._transport.write(self._load.next())

    def data_received(self, data: bytes) -> None:
        self._held += data
        if not self._whole:
            end = self._held.find(HEAD_END)
            if end < 0:
                return
            length = _LENGTH.search(self._held, 0, end + 2)
            self._whole = end + len(HEAD_END) + (int(length[1]) if length else 0)
        if len(self._held) >= self._whole:
            fine = self._held.startswith(FINE)
            if self._load.answered(self._sent_s, fine=fine):
                self.ask()
            else:
                assert self._transport is not None, "it has just answered"
                self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.gone(self)


class _Load:
    """All connections, and the window in which is counted."""

    def __init__(
        self, requests: Sequence[bytes], clock: Callable[[], float], until: tuple[float, float]
    ) -> None:
        self.clock = clock
        self._requests = requests
        self._opens_s, self._closes_s = until
        self._at = 0
        self.latency_s: list[float] = []
        self.total = 0
        self.errors = 0
        self.open: set[_Program] = set()
        self.over = asyncio.Event()

    def next(self) -> bytes:
        self._at = (self._at + 1) % len(self._requests)
        return self._requests[self._at]

    def answered(self, sent_s: float, *, fine: bool) -> bool:
        """Count an answer; whether to go on."""
        now_s = self.clock()
        self.total += 1
        self.errors += not fine
        if self._opens_s <= now_s < self._closes_s:
            self.latency_s.append(now_s - sent_s)
        return now_s < self._closes_s

    def gone(self, program: _Program) -> None:
        if self.clock() < self._closes_s:
            self.errors += 1
        self.open.discard(program)
        if not self.open:
            self.over.set()


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """How long to warm up, and how long to count."""

    warm_s: float
    window_s: float
    listener: Callable[[bool], None]
    """Told when the window opens and closes."""


def ask(
    port: int,
    requests: Sequence[bytes],
    *,
    connections: int,
    window: Window,
    clock: Callable[[], float],
) -> Asked:
    """Ask for a while over so many connections."""

    async def run() -> Asked:
        loop = asyncio.get_running_loop()
        opens_s = clock() + window.warm_s
        load = _Load(requests, clock, (opens_s, opens_s + window.window_s))
        for _ in range(connections):
            program = _Program(load)
            load.open.add(program)
            await loop.create_connection(lambda one=program: one, "127.0.0.1", port)  # type: ignore[misc] # a default argument binds it
        loop.call_later(max(0.0, opens_s - clock()), window.listener, True)  # opens
        loop.call_later(opens_s + window.window_s - clock(), window.listener, False)
        await load.over.wait()
        return Asked(
            per_s=len(load.latency_s) / window.window_s,
            latency_s=load.latency_s,
            answered=load.total,
            errors=load.errors,
        )

    return uvloop.run(run())


def pages(path: str, key: str, cursors: Sequence[str], seed: int) -> list[bytes]:
    """Requests for pages from behind each cursor, in an order by seed."""
    shuffled = list(cursors)
    random.Random(seed).shuffle(shuffled)  # noqa: S311  # guards nothing
    return [
        (
            f"GET {path}?limit=100&cursor={cursor} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {key}\r\n\r\n"
        ).encode()
        for cursor in shuffled
    ]
