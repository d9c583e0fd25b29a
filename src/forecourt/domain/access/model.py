"""What exists in this room."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.events import Event
from forecourt.base.ids import TenantId


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
