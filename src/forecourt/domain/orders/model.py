"""What exists in this room: orders, and what became of each at each station."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, NewType

from msgspec import Struct

from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.events import Event
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.stations import Answer, ForMany

OrderId = NewType("OrderId", str)
"""``ord_`` and a time-ordered text."""


class LineState(StrEnum):
    """Where an order stands with one station."""

    WAITING = "waiting"
    """Nothing was sent."""
    SENT = "sent"
    """On the wire; it is not repeated, whatever happens now."""
    SETTLED = "settled"


class Ending(StrEnum):
    """How a line ended without the station's answer."""

    AWAY = "away"
    """The station was not connected, and the order does not wait."""
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    LOST = "lost"
    """It was on the wire when the platform died; whether the station did it is not known."""
    CROWDED = "crowded"
    """Too many commands wait for this station already."""


SORTS: Final = ("id",)
"""What orders may be sorted by."""
LINE_SORTS: Final = ("station", "state", "outcome", "sent_at", "settled_at")
"""What the lines of an order may be sorted by."""


class Chosen(Struct, frozen=True, kw_only=True):
    """Which stations are meant, if they are not named."""

    site: str | None = None
    model: str | None = None
    connected: bool | None = None


class NewOrder(Struct, frozen=True, kw_only=True):
    """A command for many stations, or for later."""

    command: ForMany
    stations: tuple[StationId, ...] = ()
    chosen: Chosen | None = None
    at_once_max: int = 20
    queue: bool = False
    """Wait for stations that are away."""
    expires_at: datetime | None = None


class Order(Struct, frozen=True, kw_only=True):
    """A command that was given for one station or many."""

    id: OrderId
    tenant: TenantId
    actor: str
    scopes: frozenset[str]
    command: ForMany
    at_once_max: int
    queue: bool
    expires_at: datetime | None
    asked_at: datetime
    cancelled_at: datetime | None = None


class Progress(Struct, frozen=True, kw_only=True):
    """How far an order is."""

    total: int
    waiting: int
    sent: int
    settled: int
    outcomes: dict[str, int]
    """How many ended how."""


class Line(Struct, frozen=True, kw_only=True):
    """An order at one station."""

    order: OrderId
    station: StationId
    tenant: TenantId
    state: LineState
    outcome: str = ""
    """Of the answer, or an ending."""
    answer: Answer | None = None
    sent_at: datetime | None = None
    settled_at: datetime | None = None


class OrderPlaced(Event, frozen=True, kw_only=True, tag="command.placed"):
    """A command was given for many stations, or for later."""

    order: OrderId
    command: str
    stations: int

    @property
    def subject(self) -> str:
        return self.order


class CommandSettled(Event, frozen=True, kw_only=True, tag="command.settled"):
    """A command of an order ended at one station."""

    order: OrderId
    command: str
    station: StationId
    outcome: str

    @property
    def subject(self) -> str:
        return self.station


class OrderUnknown(ForecourtError):
    """No such order."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "command.unknown"


class OrderInvalid(ForecourtError):
    """An order that cannot be: it names nobody, too many, or what must not be kept."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "command.invalid"
