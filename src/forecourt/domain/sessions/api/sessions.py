"""Sessions, their readings and events, and the stops that fit none."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from msgspec import Struct

from forecourt.base.context import Context
from forecourt.base.ids import SessionId, StationId
from forecourt.base.pages import Wanted
from forecourt.domain.access import Standing
from forecourt.domain.sessions.model import (
    EVENT_SORTS,
    READING_SORTS,
    SORTS,
    STOP_SORTS,
    EventKind,
    Flag,
    Reading,
    Session,
    SessionState,
)
from forecourt.domain.sessions.service import Sessions

# The framework keeps the name ``state`` of a parameter for itself.
InState = Annotated[SessionState | None, QueryParameter(name="state", description="In this state.")]

Since = Annotated[datetime | None, QueryParameter(description="Started then or later.")]
Until = Annotated[datetime | None, QueryParameter(description="Started before then.")]

Received = Annotated[datetime | None, QueryParameter(description="Received then or later.")]
ReceivedBefore = Annotated[datetime | None, QueryParameter(description="Received before then.")]


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


class SessionEventView(Struct, frozen=True, kw_only=True):
    """What a station of OCPP 2.x said of a session."""

    seq_no: int
    at: datetime
    """By the station's clock."""
    kind: EventKind
    trigger: str
    offline: bool
    """It happened while the station had no link."""
    received_at: datetime
    body: Any
    """The whole message as the station sent it."""


class SessionEventPage(Struct, frozen=True, kw_only=True):
    """Events of a session."""

    items: list[SessionEventView]
    next: str | None


class UnmatchedStopView(Struct, frozen=True, kw_only=True):
    """A stop of OCPP 1.6 that fits no session: confirmed to the station, and counted nowhere."""

    station: str
    transaction: str
    """The number that the station gave; ours are all known."""
    reported_at: datetime
    """By the station's clock."""
    received_at: datetime
    meter_wh: int
    body: Any
    """The whole message as the station sent it."""


class UnmatchedStopPage(Struct, frozen=True, kw_only=True):
    """Stops that fit no session."""

    items: list[UnmatchedStopView]
    next: str | None


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

    @get(
        "/{session_id:str}/events",
        operation_id="list_session_events",
        summary="Events of a session",
        sorts=EVENT_SORTS,
    )
    async def events(
        self,
        ctx: NamedDependency[Context],
        sessions: NamedDependency[Sessions],
        paging: NamedDependency[Wanted],
        session_id: FromPath[str],
    ) -> SessionEventPage:
        """What a station of OCPP 2.x said of a session, by number if in no other order.

        Updates that told readings and nothing else are among the readings. OCPP 1.6 has no events:
        there the list is empty.
        """
        session = await sessions.read(ctx, SessionId(session_id))
        found = await sessions.kept.events(ctx, session, paging)
        return SessionEventPage(
            items=[
                msgspec.convert(one, SessionEventView, from_attributes=True) for one in found.items
            ],
            next=found.next,
        )


class UnmatchedStopRoutes(Controller):
    """Stops that somebody should look at."""

    path = "/unmatched-stops"
    tags = ("Sessions",)

    @get(
        operation_id="list_unmatched_stops",
        summary="Stops that fit no session",
        sorts=STOP_SORTS,
    )
    async def page(
        self,
        ctx: NamedDependency[Context],
        sessions: NamedDependency[Sessions],
        search: NamedDependency[Wanted],
        *,
        station: FromQuery[str | None] = None,
        since: Received = None,
        until: ReceivedBefore = None,
    ) -> UnmatchedStopPage:
        """Stops of OCPP 1.6 whose transaction we do not know, newest first if in no other order.

        A search looks at station and transaction.
        """
        found = await sessions.kept.stops(
            ctx,
            search,
            station=None if station is None else StationId(station),
            since=since,
            until=until,
        )
        return UnmatchedStopPage(
            items=[
                msgspec.convert(one, UnmatchedStopView, from_attributes=True) for one in found.items
            ],
            next=found.next,
        )


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
