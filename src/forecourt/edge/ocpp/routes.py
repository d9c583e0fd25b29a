"""A message's way in: which function answers which OCPP message, and with what it may work."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final, Literal, Protocol, TypeAlias, TypeVar

from msgspec import Struct

from forecourt.base.errors import Kind
from forecourt.domain.rooms import Rooms
from forecourt.domain.sessions import Turn
from forecourt.domain.stations import Admission
from forecourt.protocol.ocpp.dialect import ErrorReason
from forecourt.protocol.ocpp.values import Message

# One failure, rendered for OCPP. The same kinds have a row for HTTP in edge/http.
REFUSALS: Final[Mapping[Kind, ErrorReason]] = {
    Kind.INVALID: ErrorReason.PROPERTY,
    Kind.UNAUTHENTICATED: ErrorReason.SECURITY,
    Kind.FORBIDDEN: ErrorReason.SECURITY,
    Kind.NOT_FOUND: ErrorReason.PROPERTY,
    Kind.CONFLICT: ErrorReason.GENERIC,
    Kind.LIMITED: ErrorReason.GENERIC,
    Kind.UNAVAILABLE: ErrorReason.INTERNAL,
    Kind.INTERNAL: ErrorReason.INTERNAL,
}


class Speaker(Protocol):
    """What a handler may want of the link besides its answer."""

    @property
    def heartbeat_s(self) -> int:
        """How often the station shall say that it lives."""

    def inventory(self, request_id: int) -> bool:
        """Whether this names a report of everything that the station has."""

    def booted(self, admission: Admission) -> None:
        """The station has been told whether it may take part."""


class Call(Turn):
    """One message of a station, with everything that its handler may use.

    A link has one, and sets ``ctx`` and ``changes`` anew for each message.
    """

    __slots__ = ("rooms", "speaker")

    def __init__(self, turn: Turn, rooms: Rooms, speaker: Speaker) -> None:
        super().__init__(turn.ctx, turn.station, turn.sessions, turn.changes)
        self.rooms = rooms
        self.speaker = speaker


Answer: TypeAlias = Message | Coroutine[Any, Any, Message]
"""What a handler returns: plain where live state suffices, a coroutine where it must read first."""

Request = TypeVar("Request", bound=Message)


class Route(Struct, frozen=True):
    """How one action is handled."""

    handler: Callable[[Call, Any], Answer]
    periodic: bool = False
    """It comes all the time and says little: the raw log keeps a sample."""


Routes = Mapping[type[Message], Route]


def route(
    shape: type[Request], handler: Callable[[Call, Request], Answer], *, periodic: bool = False
) -> tuple[type[Message], Route]:
    """Pair a message with its handler; the types must agree, and the checker sees to it."""
    return shape, Route(handler, periodic)


class Reply(Struct, frozen=True):
    """What a vendor's message (DataTransfer) is answered with. In 1.6 ``data`` is text."""

    status: Literal["Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId"]
    data: Any = None


Speaks: TypeAlias = Callable[[Call, Any], Awaitable[Reply]]
"""Handles one vendor's message; takes its data as it came."""
