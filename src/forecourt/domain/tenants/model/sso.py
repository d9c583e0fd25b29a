"""Single sign-on: whom a provider of identities vouches for, and how it is asked."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from msgspec import Struct

from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.ids import TenantId
from forecourt.domain.tenants.model.people import Role


class Provider(Struct, frozen=True, kw_only=True):
    """An OpenID provider that vouches for a tenant's people."""

    id: str
    tenant: TenantId
    name: str
    issuer: str
    client_id: str
    domains: tuple[str, ...]
    """It may vouch for addresses of these domains, and no others."""
    role_claim: str = ""
    """The claim of the id token that says what somebody is; dots lead into objects."""
    roles: Mapping[str, Role] = {}
    """What each of the claim's values makes somebody here."""
    default_role: Role | None = None
    """For whom no value says; None lets nobody in without one."""
    invites_only: bool = True
    """Only those whom somebody added before may log in."""
    trusts_email: bool = False
    """An address counts also where the provider does not say that it is verified."""
    created_at: datetime
    disabled_at: datetime | None = None


class NewProvider(Struct, frozen=True, kw_only=True):
    """How a provider shall be."""

    name: str
    issuer: str
    client_id: str
    client_secret: str = ""
    """Empty: as it was."""
    domains: tuple[str, ...]
    role_claim: str = ""
    roles: Mapping[str, Role] = {}
    default_role: Role | None = None
    invites_only: bool = True
    trusts_email: bool = False
    disabled: bool = False


class Vouched(Struct, frozen=True, kw_only=True):
    """What a provider says of somebody."""

    subject: str
    email: str
    verified: bool
    name: str
    claims: Mapping[str, Any]


class SsoRefused(ForecourtError):
    """The provider's answer is not good, or does not let this person in here."""

    kind: ClassVar[Kind] = Kind.UNAUTHENTICATED
    code: ClassVar[str] = "sso.refused"


class SsoUnknown(ForecourtError):
    """There is no such provider, or none that vouches for this address."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "sso.unknown"


class SsoInvalid(ForecourtError):
    """No OpenID provider, or not set so that it could be asked."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "sso.invalid"


class SsoDomainTaken(ForecourtError):
    """Another provider vouches for this domain already."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "sso.domain_taken"
