"""The room's routes: what a station notices, watches, shows and reports."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct
from msgspec.structs import asdict

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.base.pages import Wanted
from forecourt.base.text import PRINTABLE
from forecourt.domain.monitoring import rules
from forecourt.domain.monitoring.model import (
    STREAM_VALUE_SORTS,
    VARIABLE_EVENT_SORTS,
    Alarm,
    AlarmName,
    AlarmSource,
    Cause,
    Monitor,
    Origin,
    Point,
    Report,
    ReportKind,
    ReportState,
    VariableEvent,
)
from forecourt.domain.monitoring.service import Monitoring
from forecourt.domain.stations import TIMELINE_SORTS, Stations

Since = Annotated[
    datetime | None, QueryParameter(description="From when on; a day ago without it.")
]
Begun = Annotated[datetime | None, QueryParameter(name="since", description="Then or later.")]
Until = Annotated[datetime | None, QueryParameter(description="Before then.")]
OfType = Annotated[str | None, QueryParameter(name="type", description="Only events of this type.")]
Up = Annotated[bool | None, QueryParameter(description="Only those that are up, or are over.")]


class AlarmView(Struct, frozen=True, kw_only=True):
    """Something that somebody should look at."""

    source: AlarmSource
    key: str
    severity: int
    """0 danger, 1 hardware, 2 system, 3 critical, 4 error, 5 alert, 6 warning … 9 debug."""
    text: str
    raised_at: datetime
    cleared_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str


class AlarmPage(Struct, frozen=True, kw_only=True):
    """Alarms of one station, the worst first; always whole."""

    items: list[AlarmView]
    next: str | None = None


class OneAlarm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which alarm is meant."""

    source: AlarmSource
    key: Annotated[str, Meta(min_length=1, max_length=300, pattern=PRINTABLE)]


class PointView(Struct, frozen=True, kw_only=True):
    """A variable of a component."""

    component: str
    component_instance: str
    variable: str
    variable_instance: str
    evse: int
    connector: int


class VariableEventView(Struct, frozen=True, kw_only=True):
    """The station noticed something about one of its variables."""

    event: int
    at: datetime
    cause: Cause
    origin: Origin
    point: PointView
    value: str
    cleared: bool
    caused_by: int | None
    monitor: int | None
    severity: int | None
    tech_code: str
    tech_info: str
    transaction: str


class VariableEventPage(Struct, frozen=True, kw_only=True):
    """Variable events of a station."""

    items: list[VariableEventView]
    next: str | None


class MonitorView(Struct, frozen=True, kw_only=True):
    """What the station watches by itself."""

    monitor: int
    point: PointView
    type: str
    value: float
    severity: int
    only_in_transactions: bool
    origin: Origin | None
    reported_at: datetime


class MonitorPage(Struct, frozen=True, kw_only=True):
    """Monitors as they were last reported; always whole."""

    items: list[MonitorView]
    next: str | None = None


class DisplayView(Struct, frozen=True, kw_only=True):
    """A message that the station has to show."""

    message: int
    priority: str
    state: str
    content: str
    format: str
    language: str
    starts_at: datetime | None
    ends_at: datetime | None
    transaction: str
    component: str
    reported_at: datetime


class DisplayPage(Struct, frozen=True, kw_only=True):
    """Messages as they were last reported; always whole."""

    items: list[DisplayView]
    next: str | None = None


class ReportView(Struct, frozen=True, kw_only=True):
    """How far a report is that the station sends in pages."""

    kind: ReportKind
    request_id: int
    state: ReportState
    rows: int
    missing: list[int]
    begun_at: datetime
    heard_at: datetime


class ReportPage(Struct, frozen=True, kw_only=True):
    """Reports, newest first; always whole."""

    items: list[ReportView]
    next: str | None = None


class CustomerView(Struct, frozen=True, kw_only=True):
    """What a station knows of a customer, in its own words."""

    request_id: int
    text: str


class StreamView(Struct, frozen=True, kw_only=True):
    """A stream of a variable's values."""

    stream: int
    monitor: int
    interval_s: int | None
    values: int | None
    opened_at: datetime
    closed_at: datetime | None


class StreamPage(Struct, frozen=True, kw_only=True):
    """Streams; always whole."""

    items: list[StreamView]
    next: str | None = None


class StreamValueView(Struct, frozen=True, kw_only=True):
    """One value."""

    at: datetime
    value: str


class StreamValuePage(Struct, frozen=True, kw_only=True):
    """Values of a stream."""

    items: list[StreamValueView]
    next: str | None


class HappenedView(Struct, frozen=True, kw_only=True):
    """Something happened to the station; `type` and `body` are as the page on events has them."""

    at: datetime
    type: str
    body: Any


class TimelinePage(Struct, frozen=True, kw_only=True):
    """What happened; `next` is there until nothing more has happened."""

    items: list[HappenedView]
    next: str | None


class MonitoringRoutes(Controller):
    """Monitoring: what a station notices, watches, shows and reports by itself."""

    path = "/stations/{station_id:str}"
    tags = ("Monitoring",)

    @get("/alarms", operation_id="list_alarms", summary="Alarms")
    async def alarms(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        monitoring: NamedDependency[Monitoring],
        station_id: FromPath[str],
        up: Up = True,
    ) -> AlarmPage:
        """What somebody should look at, the worst first."""
        station, _ = await stations.read(ctx, StationId(station_id))
        found = await monitoring.alarms(ctx, station.id, up=up)
        return AlarmPage(items=[alarm_view(alarm) for alarm in found])

    @post(
        "/alarms/acknowledgements",
        operation_id="acknowledge_alarm",
        summary="Acknowledge an alarm",
        status_code=204,
    )
    async def acknowledge(
        self,
        ctx: NamedDependency[Context],
        *,
        monitoring: NamedDependency[Monitoring],
        station_id: FromPath[str],
        data: JSONBody[OneAlarm],
    ) -> None:
        """Somebody has looked; the alarm stays up until what it told is over."""
        name = AlarmName(station=StationId(station_id), source=data.source, key=data.key)
        await monitoring.acknowledge(ctx, [name])

    @get(
        "/timeline",
        operation_id="list_timeline",
        summary="What happened to a station",
        sorts=TIMELINE_SORTS,
    )
    async def timeline(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        paging: NamedDependency[Wanted],
        station_id: FromPath[str],
        since: Since = None,
        type_: OfType = None,
    ) -> TimelinePage:
        """All events of the station, of its sessions and of what it reported.

        If in no other order, as they came to be: whoever follows by `next` misses none.
        """
        station, _ = await stations.read(ctx, StationId(station_id))
        found = await stations.history.timeline(ctx, station.id, paging, since=since, type=type_)
        return TimelinePage(
            items=[HappenedView(at=e.at, type=e.type, body=e.body) for e in found.items],
            next=found.next,
        )

    @get(
        "/variable-events",
        operation_id="list_variable_events",
        summary="Variable events",
        sorts=VARIABLE_EVENT_SORTS,
    )
    async def events(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        monitoring: NamedDependency[Monitoring],
        search: NamedDependency[Wanted],
        station_id: FromPath[str],
        since: Begun = None,
        until: Until = None,
    ) -> VariableEventPage:
        """What the station noticed of its variables, newest first if in no other order.

        A search looks at component, variable, value, the maker's code and text, and transaction.
        """
        station, _ = await stations.read(ctx, StationId(station_id))
        found = await monitoring.events(ctx, station.id, search, since=since, until=until)
        return VariableEventPage(
            items=[event_view(event) for event in found.items], next=found.next
        )

    @get("/monitors", operation_id="list_monitors", summary="Monitors")
    async def monitors(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        monitoring: NamedDependency[Monitoring],
        station_id: FromPath[str],
    ) -> MonitorPage:
        """What the station watches by itself, as it last reported it."""
        station, _ = await stations.read(ctx, StationId(station_id))
        found = await monitoring.monitors(ctx, station.id)
        return MonitorPage(items=[monitor_view(held, at) for held, at in found])

    @get("/display-messages", operation_id="list_display_messages", summary="Display messages")
    async def displays(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        monitoring: NamedDependency[Monitoring],
        station_id: FromPath[str],
    ) -> DisplayPage:
        """What the station has to show, as it last reported it."""
        station, _ = await stations.read(ctx, StationId(station_id))
        items = []
        for held, at in await monitoring.displays(ctx, station.id):
            known = asdict(held)
            number = known.pop("message_no")
            items.append(DisplayView(message=number, **known, reported_at=at))
        return DisplayPage(items=items)

    @get("/reports", operation_id="list_reports", summary="Reports")
    async def reports(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        monitoring: NamedDependency[Monitoring],
        station_id: FromPath[str],
    ) -> ReportPage:
        """How far the reports are that the station sends in pages, newest first."""
        station, _ = await stations.read(ctx, StationId(station_id))
        found = await monitoring.reports(ctx, station.id)
        return ReportPage(items=[report_view(report, ctx.now) for report in found])

    @get(
        "/customer-information/{request_id:int}",
        operation_id="read_customer_information",
        summary="Customer information",
    )
    async def customer(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        monitoring: NamedDependency[Monitoring],
        station_id: FromPath[str],
        request_id: FromPath[int],
    ) -> CustomerView:
        """What the station knows of a customer, once all of it is there. Kept for a few days."""
        station, _ = await stations.read(ctx, StationId(station_id))
        text = await monitoring.customer(ctx, station.id, request_id)
        return CustomerView(request_id=request_id, text=text)

    @get("/streams", operation_id="list_streams", summary="Event streams")
    async def streams(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        monitoring: NamedDependency[Monitoring],
        station_id: FromPath[str],
    ) -> StreamPage:
        """The station's streams of values, also those that were closed lately."""
        station, _ = await stations.read(ctx, StationId(station_id))
        found = await monitoring.streams(ctx, station.id)
        return StreamPage(
            items=[
                StreamView(
                    stream=stream.stream_no,
                    monitor=stream.monitor_no,
                    interval_s=stream.interval_s,
                    values=stream.values,
                    opened_at=stream.opened_at,
                    closed_at=stream.closed_at,
                )
                for stream in found
            ]
        )

    @get(
        "/streams/{stream_no:int}/values",
        operation_id="list_stream_values",
        summary="Values of a stream",
        sorts=STREAM_VALUE_SORTS,
    )
    async def stream_values(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        monitoring: NamedDependency[Monitoring],
        paging: NamedDependency[Wanted],
        station_id: FromPath[str],
        stream_no: FromPath[int],
    ) -> StreamValuePage:
        """What came by a stream, newest first if in no other order."""
        station, _ = await stations.read(ctx, StationId(station_id))
        found = await monitoring.stream_values(ctx, station.id, stream_no, paging)
        return StreamValuePage(
            items=[StreamValueView(at=one.at, value=one.value) for one in found.items],
            next=found.next,
        )


def alarm_view(alarm: Alarm) -> AlarmView:
    """An alarm as the API shows it."""
    return AlarmView(**asdict(alarm))


def point_view(p: Point) -> PointView:
    """A variable's place as the API shows it."""
    return PointView(
        component=p.component,
        component_instance=p.component_instance,
        variable=p.variable,
        variable_instance=p.variable_instance,
        evse=p.evse_no,
        connector=p.connector_no,
    )


def event_view(event: VariableEvent) -> VariableEventView:
    """A variable event as the API shows it."""
    return VariableEventView(
        event=event.event_no,
        at=event.at,
        cause=event.cause,
        origin=event.origin,
        point=point_view(event.point),
        value=event.value,
        cleared=event.cleared,
        caused_by=event.cause_no,
        monitor=event.monitor_no,
        severity=event.severity,
        tech_code=event.tech_code,
        tech_info=event.tech_info,
        transaction=event.transaction,
    )


def monitor_view(held: Monitor, at: datetime) -> MonitorView:
    """A monitor as the API shows it."""
    return MonitorView(
        monitor=held.monitor_no,
        point=point_view(held.point),
        type=held.type,
        value=held.value,
        severity=held.severity,
        only_in_transactions=held.only_in_transactions,
        origin=held.origin,
        reported_at=at,
    )


def report_view(report: Report, now: datetime) -> ReportView:
    """A report as the API shows it."""
    gaps: Sequence[int] = rules.missing(report)
    return ReportView(
        kind=report.kind,
        request_id=report.request_id,
        state=rules.state(report, now),
        rows=report.rows,
        missing=list(gaps),
        begun_at=report.begun_at,
        heard_at=report.heard_at,
    )
