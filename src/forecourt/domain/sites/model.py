"""What exists in this room: sites, and what happens to them."""

from datetime import date, datetime
from typing import Annotated, ClassVar, Final

from msgspec import Meta, Struct

from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.events import Event
from forecourt.base.ids import TenantId

ClockTime = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](?![\s\S])")]
"""``07:30``, as the clock on site shows it."""


class Hours(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a site is open on one day of the week; an end before its begin is on the next day."""

    weekday: Annotated[int, Meta(ge=1, le=7)]
    """1 is Monday (ISO 8601)."""
    begin: ClockTime
    end: ClockTime


SORTS: Final = ("id", "name", "city", "country", "created_at")
"""What sites may be sorted by."""


class Site(Struct, frozen=True, kw_only=True):
    """A place where stations stand."""

    id: str
    """What stations and users call it; unique in its tenant, and never changed."""
    tenant: TenantId
    name: str
    address: tuple[str, ...] = ()
    """Lines above postal code and city."""
    postal_code: str = ""
    city: str = ""
    country: str = ""
    """ISO 3166-1 alpha-2, or nothing."""
    latitude: float | None = None
    """Degrees north (WGS 84); both are known, or neither."""
    longitude: float | None = None
    zone: str = ""
    """An IANA name; nothing: the tenant's."""
    hours: tuple[Hours, ...] = ()
    """None given: always open."""
    created_at: datetime


class Day(Struct, frozen=True, kw_only=True):
    """A day as the clocks of a zone have it: 23, 24 or 25 hours."""

    date: date
    begins_at: datetime
    ends_at: datetime


class SiteEvent(Event, frozen=True, kw_only=True):
    """Something that happened to a site."""

    site: str

    @property
    def subject(self) -> str:
        return self.site


class SiteAdded(SiteEvent, frozen=True, kw_only=True, tag="site.added"):
    """A site was made known, by an operator or because a station was said to stand there."""


class SiteChanged(SiteEvent, frozen=True, kw_only=True, tag="site.changed"):
    """Its name, place, zone or hours changed."""


class SiteRemoved(SiteEvent, frozen=True, kw_only=True, tag="site.removed"):
    """A site is no more."""


class SiteUnknown(ForecourtError):
    """No such site."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "site.unknown"


class SiteExists(ForecourtError):
    """The tenant has a site of this id."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "site.exists"


class SiteInUse(ForecourtError):
    """Stations stand there; they must be somewhere else first."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "site.in_use"


class SiteInvalid(ForecourtError):
    """An id, a zone, a country or a place that cannot be."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "site.invalid"
