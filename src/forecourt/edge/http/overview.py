"""The whole network in a few numbers, for the first page that an operator sees."""

from collections.abc import Mapping
from datetime import date, datetime

from litestar import Controller, get
from litestar.di import NamedDependency
from msgspec import Struct

from forecourt.base.context import Context
from forecourt.domain.monitoring import Monitoring
from forecourt.domain.sessions import Sessions
from forecourt.domain.sites import day
from forecourt.domain.stations import Stations
from forecourt.domain.tenants import Tenants


class Overview(Struct, frozen=True, kw_only=True):
    """Now, and today."""

    at: datetime
    stations_known: int
    stations_connected: int
    connectors: Mapping[str, int]
    """How many are in each state."""
    sessions_running: int
    power_w: int
    zone: str
    """The tenant's: the one that today is of."""
    day: date
    day_begins_at: datetime
    day_ends_at: datetime
    """A day on which the clocks are changed has 23 or 25 hours."""
    energy_today_wh: int
    """Of the sessions that run, or ended today: what they took since the day began."""
    sessions_today: int
    alarms: int
    """That stand, and nobody has acknowledged."""


class OverviewRoutes(Controller):
    """The first page."""

    path = "/overview"
    tags = ("Overview",)

    @get(operation_id="overview", summary="The network in a few numbers")
    async def overview(
        self,
        ctx: NamedDependency[Context],
        stations: NamedDependency[Stations],
        sessions: NamedDependency[Sessions],
        monitoring: NamedDependency[Monitoring],
        tenants: NamedDependency[Tenants],
    ) -> Overview:
        """Now, and today."""
        zone = (await tenants.settings(ctx)).time_zone
        today = day(ctx.now, zone)
        known = await stations.counts(ctx)
        running = await sessions.counts(ctx)
        charged = await sessions.since(ctx, today.begins_at)
        return Overview(
            at=ctx.now,
            stations_known=known["known"],
            stations_connected=known["connected"],
            connectors=await stations.connector_counts(ctx),
            sessions_running=running["running"],
            power_w=running["power_w"],
            zone=zone,
            day=today.date,
            day_begins_at=today.begins_at,
            day_ends_at=today.ends_at,
            energy_today_wh=charged["energy_wh"],
            sessions_today=charged["sessions"],
            alarms=await monitoring.standing_alarms(ctx),
        )
