"""What exists in this room."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, TypedDict

from msgspec import Struct

from forecourt.base.context import Context
from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.events import Event
from forecourt.base.ids import TenantId


class TenantKind(StrEnum):
    """What a tenant is to the network; it says what to expect of it, and decides nothing."""

    OPERATOR = "operator"
    SITE_HOST = "site_host"
    CUSTOMER = "customer"
    MANUFACTURER = "manufacturer"


class Tenant(Struct, frozen=True, kw_only=True):
    """An owner of rows."""

    id: TenantId
    name: str
    created_at: datetime
    kind: TenantKind = TenantKind.OPERATOR
    above: tuple[TenantId, ...] = ()
    """Those that it is below, the topmost first."""
    disabled_at: datetime | None = None


class Share(Struct, frozen=True, kw_only=True):
    """Sites that a tenant shows to another one below it."""

    id: str
    tenant: TenantId
    guest: TenantId
    name: str
    sites: tuple[str, ...]
    created_at: datetime


class Place(Struct, frozen=True, kw_only=True):
    """Where somebody acts: a tenant, and, where it is shared, on which of its sites."""

    id: str
    """What to choose it by: a tenant's id, or a share's."""
    tenant: TenantId
    name: str
    kind: TenantKind
    sites: tuple[str, ...] = ()
    shared: bool = False


class TenantSettings(Struct, frozen=True, kw_only=True):
    """What a tenant may set for itself."""

    id: TenantId
    name: str
    time_zone: str = "UTC"
    """An IANA name: for sites that have none of their own."""
    ocpp_url: str = ""
    """Where stations shall dial, up to and without their identity; empty: where we are reached."""


class SettingsChanged(Event, frozen=True, kw_only=True, tag="settings.changed"):
    """What a tenant set for itself is another."""

    name: str
    time_zone: str
    ocpp_url: str

    @property
    def subject(self) -> str:
        return self.tenant


class SettingInvalid(ForecourtError):
    """A tenant cannot have this setting."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "setting.invalid"


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


class TenantEvent(Event, frozen=True, kw_only=True):
    """Something about a tenant below."""

    tenant_id: str
    name: str

    @property
    def subject(self) -> str:
        return self.tenant_id


class TenantAdded(TenantEvent, frozen=True, kw_only=True, tag="tenant.added"):
    """A tenant was made below."""


class TenantChanged(TenantEvent, frozen=True, kw_only=True, tag="tenant.changed"):
    """A tenant below was renamed, shut out, or let in again."""


class TenantUnknown(ForecourtError):
    """No tenant below has this id, or the caller may not act there; which is nobody's business."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "tenant.unknown"


class TenantsFull(ForecourtError):
    """More tenants, or deeper ones, than anybody could oversee."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "tenant.full"


class ShareEmpty(ForecourtError):
    """A share names sites: without one it would be of all."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "share.empty"


class ShareUnknown(ForecourtError):
    """No such share is shown to that tenant."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "share.unknown"


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
    TENANTS_READ = "tenants.read"
    TENANTS_WRITE = "tenants.write"
    WEBHOOKS_READ = "webhooks.read"
    WEBHOOKS_WRITE = "webhooks.write"


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


class Method(StrEnum):
    """With what somebody logged in."""

    PASSWORD = "password"  # noqa: S105 (the word itself)
    PASSKEY = "passkey"
    SSO = "sso"
    LINK = "link"


class Seen(Struct, frozen=True, kw_only=True):
    """What a log-in looks like from outside."""

    address: str = ""
    agent: str = ""
    """What the browser calls itself."""


class Login(Struct, frozen=True, kw_only=True):
    """A browser that is logged in: its secret (for the cookie), and whose it is."""

    secret: str
    user: User
    expires_at: datetime


class Caller(Struct, frozen=True, kw_only=True):
    """Whose a browser is, and until when it may be taken for that without asking again."""

    user: User
    expires_at: datetime
    login_id: str = ""
    provider_id: str | None = None
    """Who vouched for the user, if somebody else did."""
    acting: str = ""
    """Where the user chose to act; empty is the user's own tenant."""


class Browser(Struct, frozen=True, kw_only=True):
    """A browser that is logged in, as its user sees it in a list."""

    id: str
    method: Method
    address: str
    agent: str
    created_at: datetime
    used_at: datetime
    expires_at: datetime


class Party(Struct, frozen=True, kw_only=True):
    """Who asks for a passkey: the host that it is bound to, and the pages that may use it."""

    host: str
    origin: str


class Passkey(Struct, frozen=True, kw_only=True):
    """A key that stays with the user's device; what we know of it opens nothing."""

    id: str
    name: str
    synced: bool
    """It is kept by more than one device."""
    created_at: datetime
    used_at: datetime | None = None


class PasskeyAdded(Event, frozen=True, kw_only=True, tag="user.passkey_added"):
    """Somebody may log in with a passkey from now on."""

    user_id: str
    passkey_id: str
    name: str

    @property
    def subject(self) -> str:
        return self.user_id


class PasskeyRemoved(Event, frozen=True, kw_only=True, tag="user.passkey_removed"):
    """A passkey opens nothing any more."""

    user_id: str
    passkey_id: str
    name: str

    @property
    def subject(self) -> str:
        return self.user_id


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
TENANT_SORTS: Final = ("id", "name", "kind", "created_at")
"""What tenants may be sorted by."""
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
    method: Method = Method.PASSWORD


class LoginRefused(ForecourtError):
    """Wrong address, wrong password, or no access any more; which of these is nobody's business."""

    kind: ClassVar[Kind] = Kind.UNAUTHENTICATED
    code: ClassVar[str] = "login.refused"


class LoginUnknown(ForecourtError):
    """The user is not logged in there, or not any more."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "login.unknown"


class PasskeyRefused(ForecourtError):
    """A passkey that nobody here has, or an answer to a question that we did not just ask."""

    kind: ClassVar[Kind] = Kind.UNAUTHENTICATED
    code: ClassVar[str] = "passkey.refused"


class PasskeyInvalid(ForecourtError):
    """What the browser made is no passkey for this platform."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "passkey.invalid"


class PasskeyExists(ForecourtError):
    """Somebody has this passkey already, or has as many as one may."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "passkey.exists"


class PasskeyUnknown(ForecourtError):
    """The user has no such passkey."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "passkey.unknown"


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
    field: ClassVar[str] = "password"


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
