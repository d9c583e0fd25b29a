"""A simulated station: its connection and its place in the conversation. It decides nothing."""

import socket
from collections import deque
from enum import IntEnum


class Stage(IntEnum):
    """How far a station has come."""

    AWAY = 0
    DIALLING = 1
    UPGRADING = 2
    BOOTING = 3
    BOOTED = 4
    STARTING = 5
    READY = 6
    STOPPING = 7
    FAILED = 8


class Station:
    """Slots, because ten thousand of these sit in the load client's cache."""

    __slots__ = (
        "asked_at", "booted_at", "dialled_at", "digits", "fd", "identity", "inbox", "open",
        "out", "seq", "sock", "stage", "transaction", "waiting",
    )  # fmt: skip

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.transaction: int | str = 0
        self.seq = 0
        self.reset()

    def reset(self) -> None:
        """As if it had never connected; its counters go on."""
        self.sock: socket.socket | None = None
        self.fd = -1
        self.stage = Stage.AWAY
        self.inbox = bytearray()
        self.out = bytearray()
        # The digits of the id in the open call: what the answer must repeat.
        self.digits = b""
        self.open = False
        self.asked_at = 0.0
        self.dialled_at = 0.0
        self.booted_at = 0.0
        self.waiting: deque[float] = deque()
