"""Programs that may ask: their keys."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from msgspec import Struct

from forecourt.base.context import Context
from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.events import Event
from forecourt.base.ids import TenantId


class Scope(StrEnum):
    """What a key may do beyond the usual; none has it unless it was made so."""

    RAW = "raw"
    """Send any message to a station, as it stands."""
    TENANTS = "tenants"
    """Act in the tenants below its own."""


class ApiKey(Struct, frozen=True, kw_only=True):
    """What we know of a key; the key itself is shown once and never kept."""

    id: str
    tenant: TenantId
    name: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    scopes: frozenset[Scope] = frozenset()


class NewApiKey(Struct, frozen=True, kw_only=True):
    """A key just made, with the secret that nobody can read again."""

    key: ApiKey
    secret: str


class ApiKeyAdded(Event, frozen=True, kw_only=True, tag="apikey.added"):
    """A machine was given access."""

    key_id: str
    name: str

    @property
    def subject(self) -> str:
        return self.key_id


class ApiKeyRevoked(Event, frozen=True, kw_only=True, tag="apikey.revoked"):
    """A machine's access ended."""

    key_id: str
    name: str

    @property
    def subject(self) -> str:
        return self.key_id


class ApiKeyUnknown(ForecourtError):
    """No live key has this name or id."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "apikey.unknown"


class ApiKeyInvalid(ForecourtError):
    """No such key, or it has expired or was revoked; which of these is nobody's business."""

    kind: ClassVar[Kind] = Kind.UNAUTHENTICATED
    code: ClassVar[str] = "apikey.invalid"


class ApiKeyExists(ForecourtError):
    """A live key of this name is there already."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "apikey.exists"


KEY_SORTS: Final = ("id", "name", "created_at", "expires_at", "revoked_at")
"""What API keys may be sorted by."""


class ScopeMissing(ForecourtError):
    """Whoever asks may not do this: their key was not made for it."""

    kind: ClassVar[Kind] = Kind.FORBIDDEN
    code: ClassVar[str] = "scope.missing"


def permit(ctx: Context, scope: Scope) -> None:
    """Raises ScopeMissing unless the actor may."""
    if scope.value not in ctx.scopes:
        raise ScopeMissing(
            f"this needs the scope {scope.value!r}: make a key with --scope {scope.value}"
        )
