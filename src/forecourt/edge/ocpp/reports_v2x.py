"""What 2.0.1 and 2.1 stations notice and report in pages, in the monitoring room's words."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from forecourt.domain.monitoring import (
    Cause,
    Display,
    Monitor,
    Origin,
    Page,
    Point,
    ReportKind,
    Stream,
    StreamValue,
    VariableEvent,
)
from forecourt.domain.stations import may_transact
from forecourt.edge.ocpp.plain import moment, plain
from forecourt.edge.ocpp.routes import Call
from forecourt.protocol.ocpp import v21, v201
from forecourt.protocol.ocpp.values import Message, in_utc

CAUSES: Final[Mapping[str, Cause]] = {
    "Alerting": Cause.ALERTING,
    "Delta": Cause.DELTA,
    "Periodic": Cause.PERIODIC,
}

ORIGINS: Final[Mapping[str, Origin]] = {
    "HardWiredNotification": Origin.HARDWIRED_NOTIFICATION,
    "HardWiredMonitor": Origin.HARDWIRED_MONITOR,
    "PreconfiguredMonitor": Origin.PRECONFIGURED,
    "CustomMonitor": Origin.CUSTOM,
}

SEVERITY_MAX: Final = 9
"""0 danger … 9 debug; beyond is a fault of the station, and the mildest."""


def on_event(call: Call, msg: v201.NotifyEvent | v21.NotifyEvent) -> Any:  # or a coroutine of one
    """N07, N08: what a station noticed of its variables. Values alone are decided at once."""
    events = [_event(data) for data in msg.event_data]
    station = call.station.station.id
    if any(event.cause is Cause.ALERTING for event in events):
        return _alerted(call, events)
    call.rooms.monitoring.measured(call.ctx, station, events, call.changes)
    return v201.NotifyEventResponse()


async def _alerted(call: Call, events: list[VariableEvent]) -> Message:
    await call.rooms.monitoring.noticed(call.ctx, call.station.station.id, events)
    return v201.NotifyEventResponse()


async def on_monitors(
    call: Call, msg: v201.NotifyMonitoringReport | v21.NotifyMonitoringReport
) -> Message:
    """N01, N02: a page of what the station watches."""
    found = [
        monitor
        for data in msg.monitor or ()
        for monitor in _monitors(_point(data.component, data.variable), data)
    ]
    page = Page(
        kind=ReportKind.MONITORS,
        request_id=msg.request_id,
        number=msg.seq_no,
        last=not msg.tbc,
        rows=len(found),
        generated_at=in_utc(msg.generated_at),
    )
    await call.rooms.monitoring.monitors_reported(call.ctx, call.station.station.id, page, found)
    return v201.NotifyMonitoringReportResponse()


async def on_displays(
    call: Call, msg: v201.NotifyDisplayMessages | v21.NotifyDisplayMessages
) -> Message:
    """O03, O04: a page of the messages that the station has to show."""
    found = [_display(info) for info in msg.message_info or ()]
    page = Page(
        kind=ReportKind.DISPLAYS,
        request_id=msg.request_id,
        last=not msg.tbc,
        rows=len(found),
    )
    await call.rooms.monitoring.displays_reported(call.ctx, call.station.station.id, page, found)
    return v201.NotifyDisplayMessagesResponse()


async def on_customer(
    call: Call, msg: v201.NotifyCustomerInformation | v21.NotifyCustomerInformation
) -> Message:
    """N09, N10: a part of what the station knows of a customer."""
    page = Page(
        kind=ReportKind.CUSTOMER,
        request_id=msg.request_id,
        number=msg.seq_no,
        last=not msg.tbc,
        rows=1,
        generated_at=in_utc(msg.generated_at),
    )
    await call.rooms.monitoring.customer_reported(
        call.ctx, call.station.station.id, page, plain(msg.data)
    )
    return v201.NotifyCustomerInformationResponse()


async def on_security_event(
    call: Call, msg: v201.SecurityEventNotification | v21.SecurityEventNotification
) -> Message:
    """A04."""
    await call.rooms.monitoring.security_reported(
        call.ctx,
        call.station.station.id,
        kind=plain(msg.type),
        reported_at=in_utc(msg.timestamp),
        info=plain(msg.tech_info),
    )
    return v201.SecurityEventNotificationResponse()


async def on_stream_opened(call: Call, msg: v21.OpenPeriodicEventStream) -> Message:
    """N11: taken as long as it is not too many, and not too fast."""
    data = msg.constant_stream_data
    stream = Stream(
        stream_no=data.id,
        monitor_no=data.variable_monitoring_id,
        interval_s=data.params.interval,
        values=data.params.values,
        opened_at=call.ctx.now,
    )
    refusal = await call.rooms.monitoring.open_stream(call.ctx, call.station.station.id, stream)
    if refusal is None:
        return v21.OpenPeriodicEventStreamResponse(status="Accepted")
    return v21.OpenPeriodicEventStreamResponse(
        status="Rejected",
        status_info=v21.StatusInfo(reason_code="ValueOutOfRange", additional_info=refusal),
    )


async def on_stream_closed(call: Call, msg: v21.ClosePeriodicEventStream) -> Message:
    """N12."""
    await call.rooms.monitoring.close_stream(call.ctx, call.station.station.id, msg.id)
    return v21.ClosePeriodicEventStreamResponse()


def on_stream(call: Call, msg: v21.NotifyPeriodicEventStream) -> Message:
    """N15: values of a stream, sent without waiting for an answer; kept within limits."""
    station = call.station.station
    if may_transact(station.admission):
        base = in_utc(msg.basetime)
        values = [
            StreamValue(stream_no=msg.id, at=at, value=plain(data.v))
            for data in msg.data
            if (at := _after(base, data.t)) is not None
        ]
        call.rooms.monitoring.streamed(call.ctx, station.id, values, call.changes)
    return v21.NotifyEventResponse()  # A SEND has no answer: this goes nowhere.


def _after(base: Any, offset_s: float) -> Any:
    """A moment so many seconds after another, if the calendar has it."""
    try:
        return base + timedelta(seconds=offset_s)
    except OverflowError:
        return None


def _event(data: v201.EventData | v21.EventData) -> VariableEvent:
    severity = getattr(data, "severity", None)  # 2.1 tells it; 2.0.1's monitor has it.
    return VariableEvent(
        event_no=data.event_id,
        at=in_utc(data.timestamp),
        cause=CAUSES[data.trigger],
        origin=ORIGINS[data.event_notification_type],
        point=_point(data.component, data.variable),
        value=plain(data.actual_value),
        cleared=bool(data.cleared),
        cause_no=data.cause,
        monitor_no=data.variable_monitoring_id,
        severity=None if severity is None else min(severity, SEVERITY_MAX),
        tech_code=plain(data.tech_code),
        tech_info=plain(data.tech_info),
        transaction=plain(data.transaction_id),
    )


def _point(
    component: v201.Component | v21.Component, variable: v201.Variable | v21.Variable
) -> Point:
    evse = component.evse
    return Point(
        component=plain(component.name),
        component_instance=plain(component.instance),
        variable=plain(variable.name),
        variable_instance=plain(variable.instance),
        evse_no=evse.id if evse else 0,
        connector_no=(evse.connector_id or 0) if evse else 0,
    )


def _monitors(point: Point, data: v201.MonitoringData | v21.MonitoringData) -> list[Monitor]:
    return [
        Monitor(
            monitor_no=m.id,
            point=point,
            type=m.type,
            value=m.value,
            severity=min(max(m.severity, 0), SEVERITY_MAX),
            only_in_transactions=m.transaction,
            origin=ORIGINS.get(getattr(m, "event_notification_type", "")),
        )
        for m in data.variable_monitoring
    ]


def _display(info: v201.MessageInfo | v21.MessageInfo) -> Display:
    return Display(
        message_no=info.id,
        priority=info.priority,
        state=info.state or "",
        content=plain(info.message.content),
        format=info.message.format,
        language=plain(info.message.language),
        starts_at=moment(info.start_date_time),
        ends_at=moment(info.end_date_time),
        transaction=plain(info.transaction_id),
        component=plain(info.display.name) if info.display else "",
    )
