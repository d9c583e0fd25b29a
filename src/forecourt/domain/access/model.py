"""What exists in this room."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Final, TypedDict

from msgspec import Meta, Struct

from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.events import Event
from forecourt.base.ids import SessionId, StationId, TenantId


def folded(uid: str) -> str:
    """The form in which tokens are compared: OCPP's CiString ignores case; readers add blanks."""
    return uid.strip().casefold()


class TokenStatus(StrEnum):
    """What an operator decided about a token."""

    ACCEPTED = "accepted"
    BLOCKED = "blocked"


class Standing(StrEnum):
    """Whether a token may charge now. Anything but ACCEPTED is an ordinary refusal."""

    ACCEPTED = "accepted"
    BLOCKED = "blocked"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    CONCURRENT = "concurrent"
    """It charges elsewhere already, as often at once as it may."""


class Token(Struct, frozen=True, kw_only=True):
    """A card, a key fob, an app account or a contract."""

    uid: str
    tenant: TenantId
    type: str
    """OCPP 2.x's word (ISO14443, ISO15693, eMAID, Central, …); 1.6 has one kind for all."""
    status: TokenStatus
    group: str = ""
    """Tokens of one group may stop each other's sessions."""
    label: str = ""
    valid_until: datetime | None = None
    sessions_max: int | None = 1
    """How many sessions at once; None: any number."""
    created_at: datetime


TOKEN_SORTS: Final = (*("uid", "label", "group", "type", "status", "valid_until", "created_at"),)
"""What tokens may be sorted by."""


class TokenFields(TypedDict, total=False):
    """What tokens can be chosen by; None is any."""

    status: TokenStatus | None
    type: str | None
    group: str | None


class NewToken(Struct, frozen=True, kw_only=True):
    """A token that an operator makes known."""

    uid: Annotated[str, Meta(min_length=1, max_length=255)]
    type: Annotated[str, Meta(min_length=1, max_length=20)] = "ISO14443"
    status: TokenStatus = TokenStatus.ACCEPTED
    group: Annotated[str, Meta(max_length=255)] = ""
    label: Annotated[str, Meta(max_length=200)] = ""
    valid_until: datetime | None = None
    sessions_max: Annotated[int, Meta(ge=1)] | None = 1


class Authorization(Struct, frozen=True, kw_only=True):
    """The answer to "may this token charge"."""

    standing: Standing
    group: str = ""
    valid_until: datetime | None = None
    sessions_max: int | None = 1


class ReservationState(StrEnum):
    """Where a reservation is in its life."""

    MADE = "made"
    USED = "used"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    """We gave it up."""
    REMOVED = "removed"
    """The station gave it up: it, or its connector, is out of order."""
    ABANDONED = "abandoned"
    """The driver came, and no session followed (2.1)."""


class Reservation(Struct, frozen=True, kw_only=True):
    """An outlet that a station keeps free for a token."""

    number: int
    """Its name on the wire; unique at its station."""
    state: ReservationState
    evse_no: int = 0
    """0: any of the station's."""
    token: str = ""
    """Empty where we heard of the reservation from the station alone; so is all that follows."""
    group: str = ""
    expires_at: datetime | None = None
    made_at: datetime
    settled_at: datetime | None = None
    """When it was used, or over."""
    session: SessionId | None = None


RESERVATION_SORTS: Final = ("made_at", "expires_at", "station", "state", "token")
"""What reservations may be sorted by."""


class ReservationFields(TypedDict, total=False):
    """What reservations can be chosen by; None is any."""

    station: StationId | None
    state: ReservationState | None
    token: str | None


class StationReservation(Struct, frozen=True, kw_only=True):
    """A reservation, and where."""

    station: StationId
    reservation: Reservation


class LocalList(Struct, frozen=True, kw_only=True):
    """Which list of tokens a station holds for when it has no link."""

    version: int
    entries: int | None = None
    """How many tokens we gave it; None where only the station told its version."""
    changed_at: datetime


class ReservationEvent(Event, frozen=True, kw_only=True):
    """Something that happened to a reservation; ordered with its station's other events."""

    station: StationId
    number: int

    @property
    def subject(self) -> str:
        return self.station


class ReservationMade(ReservationEvent, frozen=True, kw_only=True, tag="reservation.made"):
    """A station keeps an outlet free."""

    evse_no: int
    token: str
    expires_at: datetime


class ReservationSettled(ReservationEvent, frozen=True, kw_only=True, tag="reservation.settled"):
    """A reservation was used, or is over."""

    state: ReservationState
    session: SessionId | None = None


class TokenAdded(Event, frozen=True, kw_only=True, tag="token.added"):
    """A token was made known."""

    uid: str
    token_type: str

    @property
    def subject(self) -> str:
        return self.uid


class TokenChanged(Event, frozen=True, kw_only=True, tag="token.changed"):
    """A token was changed or removed."""

    uid: str

    @property
    def subject(self) -> str:
        return self.uid


class TokenExists(ForecourtError):
    """The tenant has a token of this uid already."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "token.exists"


class TokenUnknown(ForecourtError):
    """No such token."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "token.unknown"
