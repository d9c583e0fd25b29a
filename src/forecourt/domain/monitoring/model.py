"""What exists in this room: what stations notice by themselves, and what they report in pages."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final, TypedDict

from msgspec import Struct

from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.ids import StationId
from forecourt.domain.stations import StationEvent

# Limits of one station. A large one has a few hundred variables, and monitors on some of them.
EVENTS_A_MESSAGE_MAX: Final = 1_000
MONITORS_MAX: Final = 5_000
DISPLAYS_MAX: Final = 1_000
CUSTOMER_PAGES_MAX: Final = 5_000
PAGES_MAX: Final = 1_000
REPORTS_KEPT_MAX: Final = 200
ALARMS_MAX: Final = 500
STREAMS_MAX: Final = 16
"""Open at once."""
STREAM_VALUES_A_MINUTE_MAX: Final = 6_000
STREAM_VALUES_A_SECOND_MAX: Final = 100
"""What a stream may promise."""

SILENCE_MAX: Final = timedelta(minutes=10)
"""A report whose next page does not come for so long has ended without an end."""


class Cause(StrEnum):
    """Why a variable event was sent."""

    ALERTING = "alerting"
    """A value passed a threshold, or came back (``cleared``)."""
    DELTA = "delta"
    PERIODIC = "periodic"


class Origin(StrEnum):
    """Who set the monitor."""

    HARDWIRED_NOTIFICATION = "hardwired_notification"
    HARDWIRED_MONITOR = "hardwired_monitor"
    PRECONFIGURED = "preconfigured"
    CUSTOM = "custom"


class Point(Struct, frozen=True, kw_only=True):
    """A variable of a component of a station."""

    component: str
    variable: str
    component_instance: str = ""
    variable_instance: str = ""
    evse_no: int = 0
    connector_no: int = 0


class VariableEvent(Struct, frozen=True, kw_only=True):
    """A station noticed something about one of its variables."""

    event_no: int
    """The station's own number for it."""
    at: datetime
    cause: Cause
    origin: Origin
    point: Point
    value: str
    cleared: bool = False
    cause_no: int | None = None
    """The event that brought this one about."""
    monitor_no: int | None = None
    severity: int | None = None
    """0 danger … 9 debug; what the event says, else what its monitor was reported with."""
    tech_code: str = ""
    tech_info: str = ""
    transaction: str = ""


class Monitor(Struct, frozen=True, kw_only=True):
    """What a station watches by itself."""

    monitor_no: int
    point: Point
    type: str
    """The specification's word: UpperThreshold, Delta, Periodic …"""
    value: float
    severity: int
    only_in_transactions: bool = False
    origin: Origin | None = None
    """2.0.1 does not tell."""


class Display(Struct, frozen=True, kw_only=True):
    """A message that a station has to show."""

    message_no: int
    priority: str
    state: str = ""
    """When it is shown (the specification's word); empty: always."""
    content: str
    format: str
    language: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    transaction: str = ""
    component: str = ""


class ReportKind(StrEnum):
    """What is reported in pages."""

    VARIABLES = "variables"
    MONITORS = "monitors"
    DISPLAYS = "displays"
    CUSTOMER = "customer"
    PROFILES = "profiles"
    DER_CONTROLS = "der_controls"


class Page(Struct, frozen=True, kw_only=True):
    """One page of a report arrived."""

    kind: ReportKind
    request_id: int
    """Ours: the request that asked for the report."""
    number: int | None = None
    """From 0 on; None where the specification does not number them."""
    last: bool
    rows: int
    generated_at: datetime | None = None


class ReportState(StrEnum):
    """How far a report is."""

    OPEN = "open"
    COMPLETE = "complete"
    BROKEN = "broken"
    """It ended, and pages are missing."""
    TIMED_OUT = "timed_out"
    """It did not end, and nothing more came."""


class Report(Struct, frozen=True, kw_only=True):
    """A report that a station sends page by page."""

    kind: ReportKind
    request_id: int
    pages: tuple[int, ...]
    """Those that came, in order; none where they have no numbers."""
    ended: bool
    last_page: int | None
    rows: int
    begun_at: datetime
    heard_at: datetime


class Stream(Struct, frozen=True, kw_only=True):
    """A station sends a variable's values all the time."""

    stream_no: int
    monitor_no: int
    interval_s: int | None
    values: int | None
    """How many values it sends together."""
    opened_at: datetime
    closed_at: datetime | None = None


class StreamValue(Struct, frozen=True, kw_only=True):
    """One value of a stream."""

    stream_no: int
    at: datetime
    value: str


class AlarmSource(StrEnum):
    """Who raised an alarm."""

    VARIABLE = "variable"
    SECURITY = "security"
    GRID = "grid"


class Alarm(Struct, frozen=True, kw_only=True):
    """Something that somebody should look at, until it is over or somebody has."""

    source: AlarmSource
    key: str
    """What it is about, within its source."""
    severity: int
    """0 danger, 1 hardware, 2 system, 3 critical, 4 error, 5 alert, 6 warning … 9 debug."""
    text: str
    raised_at: datetime
    cleared_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    """Who has looked; whoever it gets worse for, or comes back to, is asked again."""


class AlarmState(StrEnum):
    """Where an alarm is in its life."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    """Somebody has looked, and it is not over."""
    CLEARED = "cleared"


VARIABLE_EVENT_SORTS: Final = ("at",)
"""What variable events may be sorted by."""

STREAM_VALUE_SORTS: Final = ("at",)
"""What a stream's values may be sorted by."""


class VariableEventFields(TypedDict, total=False):
    """What variable events can be chosen by; None is any."""

    since: datetime | None
    until: datetime | None


ALARM_SORTS: Final = ("raised_at", "severity", "station", "source", "acknowledged_at", "cleared_at")
"""What alarms may be sorted by."""


class AlarmFields(TypedDict, total=False):
    """What alarms can be chosen by; None is any."""

    state: AlarmState | None
    station: StationId | None
    site: str | None
    source: AlarmSource | None
    severity_max: int | None
    """This bad, or worse."""
    since: datetime | None


class StationAlarm(Struct, frozen=True, kw_only=True):
    """An alarm, and where."""

    station: StationId
    site: str
    alarm: Alarm


class AlarmName(Struct, frozen=True, kw_only=True):
    """Which alarm of which station."""

    station: StationId
    source: AlarmSource
    key: str


class SecurityFact(Struct, frozen=True, kw_only=True):
    """What the specification says of one kind of security event."""

    critical: bool
    alarming: bool = False
    """Critical, and no part of ordinary life as booting is: somebody should look."""


class VariableReported(StationEvent, frozen=True, kw_only=True, tag="station.variable_event"):
    """A station noticed something about one of its variables."""

    event_no: int
    happened_at: datetime
    cause: Cause
    component: str
    variable: str
    evse_no: int
    value: str
    cleared: bool
    severity: int | None
    monitor_no: int | None
    transaction: str


class AlarmRaised(StationEvent, frozen=True, kw_only=True, tag="alarm.raised"):
    """Somebody should look at a station."""

    source: AlarmSource
    key: str
    severity: int
    text: str


class AlarmCleared(StationEvent, frozen=True, kw_only=True, tag="alarm.cleared"):
    """What an alarm told is over, or somebody said so."""

    source: AlarmSource
    key: str
    by: str


class AlarmAcknowledged(StationEvent, frozen=True, kw_only=True, tag="alarm.acknowledged"):
    """Somebody has looked at what an alarm told; it may go on."""

    source: AlarmSource
    key: str
    by: str


class ReportEnded(StationEvent, frozen=True, kw_only=True, tag="report.ended"):
    """The last page of a report arrived."""

    kind: ReportKind
    request_id: int
    missing: Sequence[int]


class StreamOpened(StationEvent, frozen=True, kw_only=True, tag="stream.opened"):
    """A station began to send a variable's values all the time."""

    stream_no: int
    monitor_no: int


class StreamClosed(StationEvent, frozen=True, kw_only=True, tag="stream.closed"):
    """A stream of values is over."""

    stream_no: int


class VendorSaid(StationEvent, frozen=True, kw_only=True, tag="station.vendor_said"):
    """A vendor's own message, from a vendor that the operator wants to hear."""

    vendor: str
    message: str
    data: str
    """JSON, as the station sent it."""


class AlarmUnknown(ForecourtError):
    """No such alarm is up."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "alarm.unknown"


class ReportUnknown(ForecourtError):
    """No such report was received, or it is no longer kept."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "report.unknown"


class ReportUnfinished(ForecourtError):
    """The report is not whole, so it is not shown."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "report.unfinished"


class ReportTooLarge(ForecourtError):
    """A message tells more than we take at once."""

    kind: ClassVar[Kind] = Kind.LIMITED
    code: ClassVar[str] = "report.too_large"


def alarm_key(event: VariableEvent) -> str:
    """What makes two alerts of one station the same: their monitor, or else their variable."""
    if event.monitor_no is not None:
        return f"monitor {event.monitor_no}"
    p = event.point
    instance = f"[{p.component_instance}]" if p.component_instance else ""
    return f"{p.component}{instance}.{p.variable}@{p.evse_no}.{p.connector_no}"
