"""The whole network in a few numbers, for the first page that an operator sees."""

from collections.abc import Mapping
from datetime import datetime

from litestar import Controller, get
from litestar.di import NamedDependency
from msgspec import Struct

from forecourt.base.context import Context
from forecourt.domain.monitoring import Monitoring
from forecourt.domain.sessions import Sessions
from forecourt.domain.stations import Stations


class Overview(Struct, frozen=True, kw_only=True):
    """Now, and today."""

    at: datetime
    stations_known: int
    stations_connected: int
    connectors: Mapping[str, int]
    """How many are in each state."""
    sessions_running: int
    power_w: int
    energy_today_wh: int
    """Of the sessions that run, or ended since midnight (UTC)."""
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
    ) -> Overview:
        """Now, and today."""
        known = await stations.counts(ctx)
        running = await sessions.counts(ctx)
        today = await sessions.since(
            ctx, ctx.now.replace(hour=0, minute=0, second=0, microsecond=0)
        )
        return Overview(
            at=ctx.now,
            stations_known=known["known"],
            stations_connected=known["connected"],
            connectors=await stations.connector_counts(ctx),
            sessions_running=running["running"],
            power_w=running["power_w"],
            energy_today_wh=today["energy_wh"],
            sessions_today=today["sessions"],
            alarms=await monitoring.standing_alarms(ctx),
        )
