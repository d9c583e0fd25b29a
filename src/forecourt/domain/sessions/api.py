"""The room's routes: sessions and their readings, and the commands to stations.

Commands are here because they start and stop sessions: a token is checked before a station is
asked to start for it, and a session names the transaction that a station is asked to stop.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct

from forecourt.base.context import Context
from forecourt.base.ids import SessionId, StationId
from forecourt.base.pages import Wanted
from forecourt.base.text import PRINTABLE, is_printable
from forecourt.domain.access import Access, Standing
from forecourt.domain.devices import Devices
from forecourt.domain.sessions.model import (
    READING_SORTS,
    SORTS,
    Flag,
    Reading,
    Session,
    SessionState,
    SessionUnknown,
    StopUnclear,
    TokenRefused,
)
from forecourt.domain.sessions.service import Sessions
from forecourt.domain.stations import (
    CONNECTOR_SORTS,
    Answer,
    Command,
    ConnectorState,
    Direct,
    Outlet,
    SetVariables,
    Start,
    Stations,
    Stop,
)

# The framework keeps the name ``state`` of a parameter for itself.
InState = Annotated[SessionState | None, QueryParameter(name="state", description="In this state.")]

Since = Annotated[datetime | None, QueryParameter(description="Started then or later.")]
Until = Annotated[datetime | None, QueryParameter(description="Started before then.")]

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


class SessionView(Struct, frozen=True, kw_only=True):
    """One charging session, as far as it is."""

    id: str
    tenant: str
    station: str
    zone: str
    """Its station's time zone, by its IANA name; empty: as the tenant's setting has it."""
    evse: int
    connector: int
    transaction: str
    token: str
    token_type: str
    group: str
    standing: Standing | None
    state: SessionState
    charging_state: str
    offline: bool
    started_at: datetime
    ended_at: datetime | None
    energy_wh: int
    exported_wh: int
    power_w: int | None
    soc_pct: float | None
    meter_start_wh: int | None
    meter_stop_wh: int | None
    stop_reason: str
    flags: tuple[Flag, ...]


class SessionPage(Struct, frozen=True, kw_only=True):
    """Sessions."""

    items: list[SessionView]
    next: str | None


class ReadingView(Struct, frozen=True, kw_only=True):
    """What the meter said at one moment. Registers in Wh, power in W."""

    sampled_at: datetime
    energy_wh: int | None
    export_wh: int | None
    power_w: int | None
    soc_pct: float | None
    samples: Any
    """All samples as the station sent them, signed values verbatim."""


class ReadingPage(Struct, frozen=True, kw_only=True):
    """Readings of a session."""

    items: list[ReadingView]
    next: str | None


class StopSession(
    Struct, frozen=True, kw_only=True, tag_field="command", tag="stop", forbid_unknown_fields=True
):
    """Stop a running session: by its id, or by the name that the station has for it."""

    transaction: Annotated[str, Meta(min_length=1, max_length=36, pattern=PRINTABLE)] | None = None
    session: Annotated[str, Meta(min_length=1, max_length=40, pattern=PRINTABLE)] | None = None


CommandBody = Direct | StopSession


class SessionRoutes(Controller):
    """Sessions: who charged where, when, and how much."""

    path = "/sessions"
    tags = ("Sessions",)

    @get(operation_id="list_sessions", summary="List sessions", sorts=SORTS)
    async def page(
        self,
        ctx: NamedDependency[Context],
        sessions: NamedDependency[Sessions],
        search: NamedDependency[Wanted],
        *,
        station: FromQuery[str | None] = None,
        site: FromQuery[str | None] = None,
        state_: InState = None,
        token: FromQuery[str | None] = None,
        since: Since = None,
        until: Until = None,
    ) -> SessionPage:
        """Sessions, newest first if in no other order.

        A search finds a session's id, and what station, token or transaction begins with.
        """
        found = await sessions.list(
            ctx,
            search,
            station=None if station is None else StationId(station),
            site=site,
            state=state_,
            token=token,
            since=since,
            until=until,
        )
        return SessionPage(items=[session_view(one) for one in found.items], next=found.next)

    @get("/{session_id:str}", operation_id="read_session", summary="Read a session")
    async def read(
        self,
        ctx: NamedDependency[Context],
        sessions: NamedDependency[Sessions],
        session_id: FromPath[str],
    ) -> SessionView:
        """One session, with what its newest readings say."""
        return session_view(await sessions.read(ctx, SessionId(session_id)))

    @post(
        "/{session_id:str}/end",
        operation_id="end_session",
        summary="End a session by hand",
        status_code=200,
    )
    async def end(
        self,
        ctx: NamedDependency[Context],
        sessions: NamedDependency[Sessions],
        session_id: FromPath[str],
    ) -> SessionView:
        """End a session whose station is away, with the energy that is known, flagged.

        Should the station come back and tell the stop, that counts. While it is connected the
        answer is `session.station_connected`: ask it to stop instead.
        """
        return session_view(await sessions.silent.end(ctx, SessionId(session_id)))

    @get(
        "/{session_id:str}/readings",
        operation_id="list_readings",
        summary="Meter readings",
        sorts=READING_SORTS,
    )
    async def readings(
        self,
        ctx: NamedDependency[Context],
        sessions: NamedDependency[Sessions],
        paging: NamedDependency[Wanted],
        session_id: FromPath[str],
    ) -> ReadingPage:
        """What the meter said during a session, oldest first if in no other order."""
        session = await sessions.read(ctx, SessionId(session_id))
        found = await sessions.readings(ctx, session, paging)
        return ReadingPage(items=[reading_view(one) for one in found.items], next=found.next)


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


class CommandRoutes(Controller):
    """Commands: what a station can be asked to do."""

    path = "/stations/{station_id:str}/commands"
    tags = ("Commands",)

    @post(operation_id="command_station", summary="Ask a station to do something", status_code=200)
    async def command(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        access: NamedDependency[Access],
        sessions: NamedDependency[Sessions],
        devices: NamedDependency[Devices],
        station_id: FromPath[str],
        data: JSONBody[CommandBody],
    ) -> Answer:
        """Put a command to a connected station, and return its own answer.

        The answer's `outcome` says how it ended: `rejected` is an answer too. A station that is
        not connected is a problem `station.offline`.
        """
        station = StationId(station_id)
        command: Command
        match data:
            case StopSession():
                command = await _stop(ctx, sessions, station, data)
            case Start():
                await _may_start(ctx, access, data)
                command = data
            case SetVariables():
                await devices.check(ctx, station, data)
                command = data
            case _:
                command = data
        return await stations.command(ctx, station, command)


async def _may_start(ctx: Context, access: Access, start: Start) -> None:
    """Raises TokenRefused for a token that may not charge."""
    standing = Standing.UNKNOWN
    if is_printable(start.token):
        standing = (await access.authorize(ctx, start.token)).standing
    if standing is not Standing.ACCEPTED:
        raise TokenRefused(
            f"token {start.token!r} may not charge: it is {standing.value}", token=start.token
        )


async def _stop(ctx: Context, sessions: Sessions, station: StationId, asked: StopSession) -> Stop:
    """The transaction that is meant. Raises StopUnclear, SessionUnknown."""
    if (asked.session is None) == (asked.transaction is None):
        raise StopUnclear("name either the session or the station's transaction to stop")
    if asked.session is None:
        return Stop(transaction=asked.transaction or "")
    session = await sessions.read(ctx, SessionId(asked.session))
    if session.station != station:
        raise SessionUnknown(
            f"session {session.id} is not of station {station!r}", session=session.id
        )
    return Stop(transaction=session.transaction)


def session_view(s: Session) -> SessionView:
    """A session as the API shows it."""
    return SessionView(
        id=s.id,
        tenant=s.tenant,
        station=s.station,
        zone=s.zone,
        evse=s.evse_no,
        connector=s.connector_no,
        transaction=s.transaction,
        token=s.token,
        token_type=s.token_type,
        group=s.group,
        standing=s.standing,
        state=s.state,
        charging_state=s.charging_state,
        offline=s.offline,
        started_at=s.started_at,
        ended_at=s.ended_at,
        energy_wh=s.progress.energy_wh,
        exported_wh=s.progress.exported_wh,
        power_w=s.progress.power_w,
        soc_pct=s.progress.soc_pct,
        meter_start_wh=s.meter_start_wh,
        meter_stop_wh=s.meter_stop_wh,
        stop_reason=s.stop_reason,
        flags=s.progress.flags,
    )


def reading_view(r: Reading) -> ReadingView:
    """A reading as the API shows it."""
    return ReadingView(
        sampled_at=r.sampled_at,
        energy_wh=r.energy_wh,
        export_wh=r.export_wh,
        power_w=r.power_w,
        soc_pct=r.soc_pct,
        samples=msgspec.json.decode(r.samples),
    )
