"""People: who logs in and how, what each may do."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from msgspec import Struct

from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.events import Event
from forecourt.base.ids import TenantId


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
    recovery_left: int = 0
    """How many codes are left for who lost that factor."""
    has_password: bool = True
    """Not so for whom a provider of single sign-on brought."""
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
    authenticated_at: datetime
    """When the user last showed to be that."""
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


class ResetLink(Struct, frozen=True, kw_only=True):
    """What lets its bearer set a user's password, once."""

    user: User
    secret: str
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


USER_SORTS: Final = ("id", "email", "name", "role", "created_at", "disabled_at")
"""What users may be sorted by."""


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


class PasswordWrong(ForecourtError):
    """Not the password of whoever is logged in."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "user.password_wrong"
    field: ClassVar[str] = "password"


class ResetRefused(ForecourtError):
    """No such link, or it was used, or is over; which of these is nobody's business."""

    kind: ClassVar[Kind] = Kind.UNAUTHENTICATED
    code: ClassVar[str] = "reset.refused"


class TotpOff(ForecourtError):
    """The user has no second factor: none to turn off, and none for codes to be in the place of."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "totp.off"


class SetUpDone(ForecourtError):
    """There is an owner already; or the set-up code is not the one that the platform printed."""

    kind: ClassVar[Kind] = Kind.FORBIDDEN
    code: ClassVar[str] = "setup.refused"


class Forbidden(ForecourtError):
    """The caller may not do this."""

    kind: ClassVar[Kind] = Kind.FORBIDDEN
    code: ClassVar[str] = "permission.missing"
