"""What exists in this room."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, TypedDict

from msgspec import Struct

from forecourt.base.context import Context
from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.events import Event
from forecourt.base.ids import TenantId


class Tenant(Struct, frozen=True, kw_only=True):
    """An owner of rows."""

    id: TenantId
    name: str


class Scope(StrEnum):
    """What a key may do beyond the usual; none has it unless it was made so."""

    RAW = "raw"
    """Send any message to a station, as it stands."""


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


class Permission(StrEnum):
    """What somebody may do; a route asks for one of them."""

    STATIONS_READ = "stations.read"
    STATIONS_WRITE = "stations.write"
    COMMANDS = "commands.send"
    COMMANDS_RAW = "commands.raw"
    SESSIONS_READ = "sessions.read"
    TOKENS_READ = "tokens.read"
    TOKENS_WRITE = "tokens.write"
    CERTIFICATES_READ = "certificates.read"
    CERTIFICATES_WRITE = "certificates.write"
    PEOPLE_READ = "people.read"
    PEOPLE_WRITE = "people.write"
    AUDIT_READ = "audit.read"


class Role(StrEnum):
    """What somebody is to the network; ``rules.ROLES`` says what each may do."""

    OWNER = "owner"
    OPERATOR = "operator"
    TECHNICIAN = "technician"
    ACCOUNTANT = "accountant"
    SITE_HOST = "site_host"
    MANUFACTURER = "manufacturer"
    READ_ONLY = "read_only"


class User(Struct, frozen=True, kw_only=True):
    """Somebody who logs in."""

    id: str
    tenant: TenantId
    email: str
    name: str
    role: Role
    sites: tuple[str, ...] = ()
    """The sites that the user is bound to; none named is all of them."""
    totp: bool = False
    """A second factor is wanted."""
    created_at: datetime
    disabled_at: datetime | None = None


class NewUser(Struct, frozen=True, kw_only=True):
    """Somebody who shall be able to log in."""

    email: str
    name: str
    role: Role
    password: str
    sites: tuple[str, ...] = ()


class Login(Struct, frozen=True, kw_only=True):
    """A browser that is logged in: its secret (for the cookie), and whose it is."""

    secret: str
    user: User
    expires_at: datetime


class Caller(Struct, frozen=True, kw_only=True):
    """Whose a browser is, and until when it may be taken for that without asking again."""

    user: User
    expires_at: datetime


class Deed(Struct, frozen=True, kw_only=True):
    """Something that somebody did, to be remembered."""

    action: str
    subject: str
    before: str = ""
    after: str = ""
    """JSON, without secrets; empty where there was or is nothing."""
    address: str = ""


USER_SORTS: Final = ("id", "email", "name", "role", "created_at", "disabled_at")
"""What users may be sorted by."""
KEY_SORTS: Final = ("id", "name", "created_at", "expires_at", "revoked_at")
"""What API keys may be sorted by."""
DEED_SORTS: Final = ("seq",)
"""What deeds may be sorted by."""


class DeedFields(TypedDict, total=False):
    """What deeds can be chosen by; None is any."""

    actor: str | None
    action: str | None
    subject: str | None
    since: datetime | None
    until: datetime | None


class AuditEntry(Struct, frozen=True, kw_only=True):
    """A deed in the trail. Its hash covers the one before, so that none can be taken out unseen."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    before: str
    after: str
    address: str
    trace: str
    hash: bytes


class UserEvent(Event, frozen=True, kw_only=True):
    """Something about one user."""

    user_id: str
    email: str

    @property
    def subject(self) -> str:
        return self.user_id


class UserAdded(UserEvent, frozen=True, kw_only=True, tag="user.added"):
    """Somebody was given access."""

    role: Role


class UserChanged(UserEvent, frozen=True, kw_only=True, tag="user.changed"):
    """Somebody's role, sites, name, password or second factor changed, or access ended."""


class UserLoggedIn(UserEvent, frozen=True, kw_only=True, tag="user.logged_in"):
    """Somebody logged in."""

    address: str


class LoginRefused(ForecourtError):
    """Wrong address, wrong password, or no access any more; which of these is nobody's business."""

    kind: ClassVar[Kind] = Kind.UNAUTHENTICATED
    code: ClassVar[str] = "login.refused"


class TotpWanted(ForecourtError):
    """The password is right; the second factor is missing or wrong."""

    kind: ClassVar[Kind] = Kind.UNAUTHENTICATED
    code: ClassVar[str] = "login.totp_wanted"


class UserUnknown(ForecourtError):
    """No user has this id."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "user.unknown"


class UserExists(ForecourtError):
    """Somebody has this address already."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "user.exists"


class LastOwner(ForecourtError):
    """Then nobody could let anybody in any more."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "user.last_owner"


class PasswordWeak(ForecourtError):
    """A password that is too short, too long, or the address itself."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "user.password_weak"


class SetUpDone(ForecourtError):
    """There is an owner already; or the set-up code is not the one that the platform printed."""

    kind: ClassVar[Kind] = Kind.FORBIDDEN
    code: ClassVar[str] = "setup.refused"


class Forbidden(ForecourtError):
    """The caller may not do this."""

    kind: ClassVar[Kind] = Kind.FORBIDDEN
    code: ClassVar[str] = "permission.missing"


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


class KeptAnswer(Struct, frozen=True, array_like=True):
    """What was answered to a request that may come again."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Standing(StrEnum):
    """How a request's key stands that has no answer to give again."""

    FRESH = "fresh"
    """Nobody used it: go ahead."""
    RUNNING = "running"
    OTHER = "other"
    """It was used for another request."""
    LOST = "lost"
    """The request began, and nobody knows what came of it."""
