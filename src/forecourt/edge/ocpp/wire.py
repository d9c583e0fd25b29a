"""What a link has around it: its socket, what it may spend, and what is counted. Knows no OCPP."""

from typing import Protocol

from msgspec import Struct


class Wire(Protocol):
    """The socket, as much of it as a link needs."""

    def send(self, frame: bytes) -> None: ...

    def ping(self) -> None: ...

    def close(self, code: int, reason: str) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class Budget(Struct, frozen=True):
    """How many messages a station may send."""

    per_second: float
    burst: float


class Counts:
    """What went wrong on the wire, for the metrics page."""

    __slots__ = (
        *("deflated", "logins_failed", "logins_held", "malformed", "refused_doors", "strays"),
        *("superseded", "tls_failed"),
    )

    def __init__(self) -> None:
        self.malformed = self.strays = self.superseded = self.refused_doors = 0
        self.logins_failed = self.logins_held = self.tls_failed = self.deflated = 0
