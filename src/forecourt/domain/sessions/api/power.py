"""What connectors give now, and what the network gave: its power over time."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from msgspec import Struct

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.base.pages import Wanted
from forecourt.domain.sessions.model import Session
from forecourt.domain.sessions.service import Sessions
from forecourt.domain.stations import CONNECTOR_SORTS, ConnectorState, Outlet, Stations

From = Annotated[
    datetime | None, QueryParameter(name="from", description="A day before `to` without it.")
]
To = Annotated[datetime | None, QueryParameter(name="to", description="Now without it.")]
By = Annotated[
    Literal["site", "station"] | None,
    QueryParameter(description="Parts, too: by site, or by station of a site."),
]
Step = Annotated[int, QueryParameter(ge=60, le=86_400, description="Seconds of each step.")]
# The framework keeps the name ``state`` of a parameter for itself.
InConnectorState = Annotated[
    ConnectorState | None, QueryParameter(name="state", description="In this state.")
]


class OutletView(Struct, frozen=True, kw_only=True):
    """A connector of some station, as it is now."""

    station: str
    site: str
    connected: bool
    """Whether its station is; else its state is what was last heard."""
    evse: int
    connector: int
    state: ConnectorState
    state_at: datetime
    since_s: int
    """How long it has been in this state."""
    error: str
    session: str | None
    """What charges here."""
    power_w: int | None
    soc_pct: float | None


class OutletPage(Struct, frozen=True, kw_only=True):
    """Connectors."""

    items: list[OutletView]
    next: str | None


class ConnectorRoutes(Controller):
    """Connectors of all stations."""

    path = "/connectors"
    tags = ("Stations",)

    @get(operation_id="list_connectors", sorts=CONNECTOR_SORTS, summary="Connectors")
    async def page(
        self,
        ctx: NamedDependency[Context],
        stations: NamedDependency[Stations],
        sessions: NamedDependency[Sessions],
        search: NamedDependency[Wanted],
        *,
        state_: InConnectorState = None,
        site: FromQuery[str | None] = None,
        station: FromQuery[str | None] = None,
        connected: FromQuery[bool | None] = None,
    ) -> OutletPage:
        """Connectors as they are now. A search looks at station, site and errors."""
        found = await stations.outlets(
            ctx,
            search,
            state=state_,
            site=site,
            station=None if station is None else StationId(station),
            connected=connected,
        )
        running = await sessions.power.charging(ctx, [one.station for one in found.items])
        items = [outlet_view(o, running.get((o.station, o.evse)), ctx.now) for o in found.items]
        return OutletPage(items=items, next=found.next)


def outlet_view(o: Outlet, charging: Session | None, now: datetime) -> OutletView:
    """A connector as the API shows it among those of all stations."""
    if charging is not None and charging.connector_no not in (0, o.connector):
        charging = None  # Another connector of the same EVSE does.
    return OutletView(
        station=o.station,
        site=o.site,
        connected=o.connected,
        evse=o.evse,
        connector=o.connector,
        state=o.state,
        state_at=o.state_at,
        since_s=max(0, round((now - o.state_at).total_seconds())),
        error=o.error,
        session=None if charging is None else charging.id,
        power_w=None if charging is None else charging.progress.power_w,
        soc_pct=None if charging is None else charging.progress.soc_pct,
    )


class PowerStepView(Struct, frozen=True, kw_only=True):
    """One step."""

    at: datetime
    """When it begins."""
    power_w: int | None
    """The average of the whole step, of the newest so far; null where sessions ran and none told
    its power."""
    sessions: int
    """How many ran in it; where a step is longer, in its busiest quarter hour."""
    measured: int
    """How many of these told their power in it, or up to 15 min before."""


class PowerPartView(Struct, frozen=True, kw_only=True):
    """What one site, or station, has of it."""

    id: str
    """The site's, empty for stations without one; or the station's."""
    power_w: list[int | None]
    """One for each of the items."""


class PowerHistory(Struct, frozen=True, kw_only=True):
    """Power over time."""

    begins_at: datetime
    ends_at: datetime
    step_s: int
    items: list[PowerStepView]
    """Until now; steps of quarter hours until a minute ago."""
    parts: list[PowerPartView]
    """The sites, or stations, that took most, the greatest first; the rest is what they lack of
    the items. Empty unless asked for."""


class PowerRoutes(Controller):
    """Power over time, of the network or a part of it."""

    path = "/power"
    tags = ("Overview",)

    @get(operation_id="read_power", summary="Power over time")
    async def history(
        self,
        ctx: NamedDependency[Context],
        sessions: NamedDependency[Sessions],
        *,
        begins_at: From = None,
        ends_at: To = None,
        step: Step = 900,
        site: FromQuery[str | None] = None,
        station: FromQuery[str | None] = None,
        by: By = None,
    ) -> PowerHistory:
        """The average power of each step, from what sessions' meters said; a day without a span.

        Steps lie on the clock's own marks (UTC). + flows into vehicles. Those of whole quarter
        hours are kept ready; finer ones, of a station or a site, are told of up to a day.
        """
        until = ends_at or ctx.now
        found = await sessions.power.history(
            ctx,
            begins_at=begins_at or until - timedelta(days=1),
            ends_at=until,
            step=timedelta(seconds=step),
            site=site,
            station=None if station is None else StationId(station),
            by=by,
        )
        return PowerHistory(
            begins_at=found.span.begins_at,
            ends_at=found.span.ends_at,
            step_s=step,
            items=[
                msgspec.convert(one, PowerStepView, from_attributes=True) for one in found.steps
            ],
            parts=[
                msgspec.convert(one, PowerPartView, from_attributes=True) for one in found.parts
            ],
        )
