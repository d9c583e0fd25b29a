"""Sites in a few numbers: how their ports are, what charges now, and today by their own clock."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct

from forecourt.base.context import Context
from forecourt.domain.sessions import Load, Sessions
from forecourt.domain.sites import SORTS, Day, Site, Sites, day
from forecourt.domain.stations import Ports, Stations
from forecourt.domain.tenants import Tenants
from forecourt.edge.http.lists import Cursor, Limit, Sort, Words, searched


class SitePorts(Struct, frozen=True, kw_only=True):
    """How the ports of a site are. A port of a station that is away is offline, whatever it was."""

    free: int
    charging: int
    """Taken: from plugging in to driving away; reserved, too."""
    faulted: int
    unavailable: int
    """Out of service, or in a state that no specification has."""
    offline: int


class SiteSummary(Struct, frozen=True, kw_only=True):
    """A site now, and today."""

    site: str
    name: str
    city: str
    country: str
    latitude: float | None
    longitude: float | None
    at: datetime
    ports: SitePorts
    sessions_running: int
    power_w: int
    zone: str
    """The one that today is of: the site's own, or the tenant's."""
    day: date
    day_begins_at: datetime
    day_ends_at: datetime
    """A day on which the clocks are changed has 23 or 25 hours."""
    sessions_today: int
    energy_today_wh: int
    """Of the sessions that run, or ended today: what they took since the day began."""


class SiteSummaryPage(Struct, frozen=True, kw_only=True):
    """Sites in numbers."""

    items: list[SiteSummary]
    next: str | None


class PlaceRoutes(Controller):
    """Sites in numbers."""

    path = "/"
    tags = ("Sites",)

    @get(
        "/overview/sites",
        operation_id="list_site_summaries",
        summary="Sites in a few numbers",
        sorts=SORTS,
    )
    async def page(
        self,
        ctx: NamedDependency[Context],
        *,
        sites: NamedDependency[Sites],
        stations: NamedDependency[Stations],
        sessions: NamedDependency[Sessions],
        tenants: NamedDependency[Tenants],
        limit: Limit = 1000,
        cursor: Cursor = "",
        sort: Sort = "",
        q: Words = "",
    ) -> SiteSummaryPage:
        """Every site: how its ports are, what charges there now, and today.

        Sorted and searched as the list of sites is.
        """
        found = await sites.list(ctx, searched(limit=limit, cursor=cursor, sort=sort, q=q))
        house = (await tenants.settings(ctx)).time_zone
        items = await _summaries(ctx, found.items, stations, sessions, house)
        return SiteSummaryPage(items=items, next=found.next)

    @get(
        "/sites/{site_id:str}/summary",
        operation_id="read_site_summary",
        summary="A site in a few numbers",
    )
    async def read(
        self,
        ctx: NamedDependency[Context],
        *,
        sites: NamedDependency[Sites],
        stations: NamedDependency[Stations],
        sessions: NamedDependency[Sessions],
        tenants: NamedDependency[Tenants],
        site_id: FromPath[str],
    ) -> SiteSummary:
        """One site: how its ports are, what charges there now, and today."""
        site = await sites.read(ctx, site_id)
        house = (await tenants.settings(ctx)).time_zone
        return (await _summaries(ctx, [site], stations, sessions, house))[0]


async def _summaries(
    ctx: Context, sites: Sequence[Site], stations: Stations, sessions: Sessions, house: str
) -> list[SiteSummary]:
    """``house``: the zone of those that have none of their own."""
    zones = {site.id: site.zone or house for site in sites}
    days = {name: day(ctx.now, zone) for name, zone in zones.items()}
    ports = await stations.ports(ctx, sites[0].id if len(sites) == 1 else None)
    loads = await sessions.by_site(ctx, {name: day.begins_at for name, day in days.items()})
    return [
        summary(
            ctx,
            site,
            days[site.id],
            zone=zones[site.id],
            ports=ports.get(site.id, Ports()),
            load=loads.get(site.id, Load()),
        )
        for site in sites
    ]


def summary(
    ctx: Context, site: Site, today: Day, *, zone: str, ports: Ports, load: Load
) -> SiteSummary:
    """A site as the overview shows it."""
    return SiteSummary(
        site=site.id,
        name=site.name,
        city=site.city,
        country=site.country,
        latitude=site.latitude,
        longitude=site.longitude,
        at=ctx.now,
        ports=SitePorts(**msgspec.structs.asdict(ports)),
        sessions_running=load.running,
        power_w=load.power_w,
        zone=zone,
        day=today.date,
        day_begins_at=today.begins_at,
        day_ends_at=today.ends_at,
        sessions_today=load.sessions,
        energy_today_wh=load.energy_wh,
    )
