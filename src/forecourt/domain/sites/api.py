"""The room's routes: sites. Their figures of now and today are beside the overview's."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct
from msgspec.structs import replace

from forecourt.base.context import Context
from forecourt.base.pages import Wanted
from forecourt.base.text import Line, Name
from forecourt.domain.sites.model import SORTS, Hours, Site
from forecourt.domain.sites.service import Sites

Address = Annotated[tuple[Line, ...], Meta(max_length=5)]
PostalCode = Annotated[str, Meta(max_length=20, pattern=r"^[^\x00-\x1f\x7f]*(?![\s\S])")]
Country = Annotated[str, Meta(pattern=r"^([A-Z]{2})?(?![\s\S])", description="ISO 3166-1 alpha-2.")]
Zone = Annotated[
    str, Meta(max_length=64, description="An IANA name; empty: as the tenant's setting has it.")
]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
OpeningHours = Annotated[
    tuple[Hours, ...], Meta(max_length=50, description="By the clock on site; none: always open.")
]


class SiteView(Struct, frozen=True, kw_only=True):
    """A place where stations stand. Stations name it by its id."""

    id: str
    tenant: str
    name: str
    address: tuple[str, ...]
    postal_code: str
    city: str
    country: str
    latitude: float | None
    longitude: float | None
    zone: str
    """An IANA name; empty: as the tenant's setting has it."""
    hours: tuple[Hours, ...]
    created_at: datetime


class SitePage(Struct, frozen=True, kw_only=True):
    """Sites."""

    items: list[SiteView]
    next: str | None


class SiteAddition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A site to make known."""

    id: Name
    """What stations call it: one line without a slash. It stays."""
    name: Line = ""
    """Without it, the id."""
    address: Address = ()
    postal_code: PostalCode = ""
    city: Line = ""
    country: Country = ""
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    zone: Zone = ""
    hours: OpeningHours = ()


class SiteChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change; what is absent or null stays as it is."""

    name: Name | None = None
    address: Address | None = None
    postal_code: PostalCode | None = None
    city: Line | None = None
    country: Country | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    zone: Zone | None = None
    hours: OpeningHours | None = None


class SiteRoutes(Controller):
    """Sites: where stations stand."""

    path = "/sites"
    tags = ("Sites",)

    @get(operation_id="list_sites", sorts=SORTS, summary="List sites")
    async def page(
        self,
        ctx: NamedDependency[Context],
        sites: NamedDependency[Sites],
        search: NamedDependency[Wanted],
        country: FromQuery[str | None] = None,
        city: FromQuery[str | None] = None,
    ) -> SitePage:
        """Sites. A search looks at id, name, city and postal code."""
        found = await sites.list(ctx, search, country=country, city=city)
        return SitePage(items=[site_view(site) for site in found.items], next=found.next)

    @post(operation_id="add_site", summary="Add a site")
    async def add(
        self,
        ctx: NamedDependency[Context],
        sites: NamedDependency[Sites],
        data: JSONBody[SiteAddition],
    ) -> SiteView:
        """Make a site known. A station that is said to stand at an unknown one makes it, too."""
        given = {name: getattr(data, name) for name in SiteAddition.__struct_fields__}
        given["name"] = data.name or data.id
        site = Site(**given, tenant=ctx.tenant, created_at=ctx.now)
        return site_view(await sites.add(ctx, site))

    @get("/{site_id:str}", operation_id="read_site", summary="Read a site")
    async def read(
        self,
        ctx: NamedDependency[Context],
        sites: NamedDependency[Sites],
        site_id: FromPath[str],
    ) -> SiteView:
        """One site."""
        return site_view(await sites.read(ctx, site_id))

    @patch("/{site_id:str}", operation_id="change_site", summary="Change a site")
    async def change(
        self,
        ctx: NamedDependency[Context],
        sites: NamedDependency[Sites],
        site_id: FromPath[str],
        data: JSONBody[SiteChange],
    ) -> SiteView:
        """Change what is given."""
        named = {name: getattr(data, name) for name in SiteChange.__struct_fields__}
        given: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
        return site_view(await sites.change(ctx, site_id, lambda site: replace(site, **given)))

    @delete("/{site_id:str}", operation_id="remove_site", summary="Remove a site")
    async def remove(
        self,
        ctx: NamedDependency[Context],
        sites: NamedDependency[Sites],
        site_id: FromPath[str],
    ) -> None:
        """Forget a site where no station stands any more."""
        await sites.remove(ctx, site_id)


def site_view(site: Site) -> SiteView:
    """A site as the API shows it."""
    return SiteView(**{name: getattr(site, name) for name in SiteView.__struct_fields__})
