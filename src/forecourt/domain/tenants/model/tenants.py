"""Whom rows belong to: tenants, those below them, and what they share."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from msgspec import Struct

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


TENANT_SORTS: Final = ("id", "name", "kind", "created_at")
"""What tenants may be sorted by."""
