"""What stations notice and report: monitors, events, reports, displays, streams."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Integer,
    Table,
    Text,
    delete,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upserting

from forecourt.base import pages
from forecourt.base.ids import StationId, TenantId
from forecourt.base.pages import Wanted
from forecourt.domain.monitoring.model import (
    CUSTOMER_PAGES_MAX,
    DISPLAYS_MAX,
    MONITORS_MAX,
    PAGES_MAX,
    REPORTS_KEPT_MAX,
    STREAM_VALUE_SORTS,
    VARIABLE_EVENT_SORTS,
    Cause,
    Display,
    Monitor,
    Origin,
    Page,
    Point,
    Report,
    ReportKind,
    Stream,
    StreamValue,
    VariableEvent,
    VariableEventFields,
)
from forecourt.domain.monitoring.store.alarms import CLEARED_KEPT, alarms
from forecourt.infra.commit import Row, Write, append
from forecourt.infra.database import Unit, metadata
from forecourt.infra.listing import Listing, list_rows, sorts
from forecourt.infra.rows import put

_POINT: Final = (
    *("component", "component_instance", "variable", "variable_instance"),
    *("evse_no", "connector_no"),
)


def _point_columns() -> list[Column[Any]]:
    texts = [Column(name, Text, nullable=False) for name in _POINT[:4]]
    return [*texts, *(Column(name, BigInteger, nullable=False) for name in _POINT[4:])]


variable_events: Final = Table(
    "variable_events",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column("event_no", BigInteger, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("cause", Text, nullable=False),
    Column("origin", Text, nullable=False),
    *_point_columns(),
    Column("value", Text, nullable=False),
    Column("cleared", Boolean, nullable=False),
    Column("cause_no", BigInteger),
    Column("monitor_no", BigInteger),
    Column("severity", Integer),
    Column("tech_code", Text, nullable=False),
    Column("tech_info", Text, nullable=False),
    Column("transaction", Text, nullable=False),
)

monitors: Final = Table(
    "monitors",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("monitor_no", BigInteger, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    *_point_columns(),
    Column("type", Text, nullable=False),
    Column("value", Float, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("only_in_transactions", Boolean, nullable=False),
    Column("origin", Text),
    Column("reported_at", DateTime(timezone=True), nullable=False),
)

displays: Final = Table(
    "displays",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("message_no", BigInteger, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("starts_at", DateTime(timezone=True)),
    Column("ends_at", DateTime(timezone=True)),
    Column("transaction", Text, nullable=False),
    Column("component", Text, nullable=False),
    Column("reported_at", DateTime(timezone=True), nullable=False),
)

customer_pages: Final = Table(
    "customer_pages",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("request_id", BigInteger, primary_key=True),
    Column("page", BigInteger, primary_key=True),
    Column("generated_at", DateTime(timezone=True), primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("data", Text, nullable=False),
)

reports: Final = Table(
    "reports",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("request_id", BigInteger, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("pages", Text, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("last_page", BigInteger),
    Column("rows", BigInteger, nullable=False),
    Column("begun_at", DateTime(timezone=True), nullable=False),
    Column("heard_at", DateTime(timezone=True), nullable=False),
)

streams: Final = Table(
    "streams",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("stream_no", BigInteger, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("monitor_no", BigInteger, nullable=False),
    Column("interval_s", BigInteger),
    Column("values_together", BigInteger),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
)

stream_values: Final = Table(
    "stream_values",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column("stream_no", BigInteger, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("value", Text, nullable=False),
)

# ---- the gateway's writes -----------------------------------------------------------------------

VARIABLE_EVENTS: Final = append(
    "variable_events",
    tuple(column.name for column in variable_events.columns),
    types=(
        *("text", "timestamptz", "bigint", "text", "timestamptz", "text", "text"),
        *("text", "text", "text", "text", "bigint", "bigint"),
        *("text", "bool", "bigint", "bigint", "int", "text", "text", "text"),
    ),
    copy=False,
)

# Values of a stream that nobody opened are nobody's: the statement itself leaves them out.
STREAM_VALUES: Final = Write(
    table="stream_values",
    columns=tuple(column.name for column in stream_values.columns),
    sql="""
    INSERT INTO stream_values (station_id, at, stream_no, tenant_id, received_at, value)
    SELECT n.* FROM unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::text[],
      $5::timestamptz[], $6::text[]) AS n (station_id, at, stream_no, tenant_id, received_at, value)
    JOIN streams s ON s.station_id = n.station_id AND s.stream_no = n.stream_no
      AND s.closed_at IS NULL
    ON CONFLICT DO NOTHING""",
)

WRITES: Final = (VARIABLE_EVENTS, STREAM_VALUES)


def event_row(station: StationId, tenant: TenantId, event: VariableEvent, now: datetime) -> Row:
    """In the order of ``VARIABLE_EVENTS.columns``."""
    return (
        *(station, event.at, event.event_no, tenant, now, event.cause.value, event.origin.value),
        *(getattr(event.point, name) for name in _POINT),
        *(event.value, event.cleared, event.cause_no, event.monitor_no, event.severity),
        *(event.tech_code, event.tech_info, event.transaction),
    )


# ---- variable events and monitors ---------------------------------------------------------------


async def add_events(
    unit: Unit, station: StationId, tenant: TenantId, events: Sequence[VariableEvent], now: datetime
) -> None:
    """Variable events with what else is decided of them; those that are there stay."""
    rows = [
        dict(
            zip(VARIABLE_EVENTS.columns, event_row(station, tenant, event, now), strict=True),
        )
        for event in events
    ]
    await unit.conn.execute(upserting(variable_events).values(rows).on_conflict_do_nothing())


async def events_page(
    unit: Unit, station: StationId, wanted: Wanted, fit: VariableEventFields
) -> pages.Page[VariableEvent]:
    """Variable events of a station that fit, newest first if in no other order.

    Raises CursorInvalid, SortUnknown.
    """
    c = variable_events.c
    query = select(variable_events).where(c.station_id == station)
    if (since := fit.get("since")) is not None:
        query = query.where(c.at >= since)
    if (until := fit.get("until")) is not None:
        query = query.where(c.at < until)
    found = await list_rows(unit, query, _EVENTS, wanted)
    return found.of([_event(row) for row in found.rows])


_EVENTS: Final = Listing(
    sorts=sorts(variable_events, VARIABLE_EVENT_SORTS),
    key=(variable_events.c.at, variable_events.c.event_no),
    default="-at",
    searched=tuple(
        variable_events.c[name]
        for name in (*_POINT[:4], "value", "tech_code", "tech_info", "transaction")
    ),
)


def _event(row: Any) -> VariableEvent:
    return VariableEvent(
        event_no=row.event_no,
        at=row.at,
        cause=Cause(row.cause),
        origin=Origin(row.origin),
        point=_point(row),
        value=row.value,
        cleared=row.cleared,
        cause_no=row.cause_no,
        monitor_no=row.monitor_no,
        severity=row.severity,
        tech_code=row.tech_code,
        tech_info=row.tech_info,
        transaction=row.transaction,
    )


async def put_monitors(
    unit: Unit, station: StationId, tenant: TenantId, found: Sequence[Monitor], now: datetime
) -> None:
    """Monitors as they are reported. Raises TooManyRows."""
    rows = [
        {
            "station_id": station,
            "monitor_no": m.monitor_no,
            "tenant_id": tenant,
            **{name: getattr(m.point, name) for name in _POINT},
            "type": m.type,
            "value": m.value,
            "severity": m.severity,
            "only_in_transactions": m.only_in_transactions,
            "origin": None if m.origin is None else m.origin.value,
            "reported_at": now,
        }
        for m in found
    ]
    await put(unit, monitors, rows, owner="station_id", most=MONITORS_MAX)


async def monitors_of(unit: Unit, station: StationId) -> list[tuple[Monitor, datetime]]:
    query = select(monitors).where(monitors.c.station_id == station).order_by(monitors.c.monitor_no)
    return [
        (
            Monitor(
                monitor_no=row.monitor_no,
                point=_point(row),
                type=row.type,
                value=row.value,
                severity=row.severity,
                only_in_transactions=row.only_in_transactions,
                origin=None if row.origin is None else Origin(row.origin),
            ),
            row.reported_at,
        )
        for row in await unit.conn.execute(query)
    ]


async def severities(unit: Unit, station: StationId, numbers: Sequence[int]) -> dict[int, int]:
    """How bad it is when these monitors speak, as far as they were reported."""
    c = monitors.c
    query = select(c.monitor_no, c.severity).where(
        c.station_id == station, c.monitor_no.in_(numbers)
    )
    return {row.monitor_no: row.severity for row in await unit.conn.execute(query)}


# ---- reports ------------------------------------------------------------------------------------


async def find_report(
    unit: Unit, station: StationId, kind: ReportKind, request_id: int
) -> Report | None:
    c = reports.c
    query = select(reports).where(
        c.station_id == station, c.kind == kind.value, c.request_id == request_id
    )
    row = (await unit.conn.execute(query.with_for_update())).first()
    return None if row is None else _report(row)


async def put_report(unit: Unit, station: StationId, tenant: TenantId, report: Report) -> None:
    """How far a report is; a station's oldest make room."""
    values = {
        "station_id": station,
        "kind": report.kind.value,
        "request_id": report.request_id,
        "tenant_id": tenant,
        "pages": " ".join(map(str, report.pages[:PAGES_MAX])),
        "ended": report.ended,
        "last_page": report.last_page,
        "rows": report.rows,
        "begun_at": report.begun_at,
        "heard_at": report.heard_at,
    }
    c = reports.c
    oldest = (
        select(c.heard_at)
        .where(c.station_id == station)
        .order_by(c.heard_at.desc())
        .offset(REPORTS_KEPT_MAX - 1)
        .limit(1)
        .scalar_subquery()
    )
    await unit.conn.execute(delete(reports).where(c.station_id == station, c.heard_at < oldest))
    await put(unit, reports, [values], owner="station_id", most=2 * REPORTS_KEPT_MAX)


async def reports_of(unit: Unit, station: StationId) -> list[Report]:
    """Reports of a station, newest first."""
    query = (
        select(reports).where(reports.c.station_id == station).order_by(reports.c.heard_at.desc())
    )
    return [_report(row) for row in await unit.conn.execute(query)]


async def put_displays(
    unit: Unit, station: StationId, tenant: TenantId, found: Sequence[Display], now: datetime
) -> None:
    """Messages as they are reported. Raises TooManyRows."""
    rows = [
        {
            "station_id": station,
            "tenant_id": tenant,
            **{name: getattr(d, name) for name in Display.__struct_fields__},
            "reported_at": now,
        }
        for d in found
    ]
    await put(unit, displays, rows, owner="station_id", most=DISPLAYS_MAX)


async def displays_of(unit: Unit, station: StationId) -> list[tuple[Display, datetime]]:
    query = select(displays).where(displays.c.station_id == station).order_by(displays.c.message_no)
    return [
        (
            Display(**{name: getattr(row, name) for name in Display.__struct_fields__}),
            row.reported_at,
        )
        for row in await unit.conn.execute(query)
    ]


async def take_away(
    unit: Unit, station: StationId, *, shown: Sequence[int] = (), watched: Sequence[int] = ()
) -> None:
    """Messages and monitors that are there no longer."""
    for column, numbers in ((displays.c.message_no, shown), (monitors.c.monitor_no, watched)):
        owner = column.table.c.station_id
        query = delete(column.table).where(owner == station, column.in_(numbers))
        await unit.conn.execute(query)


async def forget(unit: Unit, station: StationId) -> None:
    """A station that was removed: what it noticed is told by its events, and kept in them."""
    for table in (monitors, displays, reports, alarms, streams):
        await unit.conn.execute(delete(table).where(table.c.station_id == station))


async def put_customer_page(
    unit: Unit, station: StationId, tenant: TenantId, page: Page, *, data: str, now: datetime
) -> None:
    """A part of what a station knows of a customer. Raises TooManyRows."""
    row = {
        "station_id": station,
        "request_id": page.request_id,
        "page": page.number,
        "generated_at": page.generated_at,
        "tenant_id": tenant,
        "received_at": now,
        "data": data,
    }
    await put(unit, customer_pages, [row], owner="station_id", most=CUSTOMER_PAGES_MAX)


async def customer_text(
    unit: Unit, station: StationId, request_id: int, *, since: datetime
) -> list[str]:
    """The pages of one report, in order: of those that came since it began."""
    c = customer_pages.c
    query = (
        select(c.page, c.data)
        .where(c.station_id == station, c.request_id == request_id, c.received_at >= since)
        .order_by(c.page, c.received_at)
    )
    # A page that was sent anew, not only again: the newer one counts.
    return list({row.page: row.data for row in await unit.conn.execute(query)}.values())


# ---- streams ------------------------------------------------------------------------------------


async def streams_of(unit: Unit, station: StationId, *, only_open: bool = False) -> list[Stream]:
    c = streams.c
    query = select(streams).where(c.station_id == station).order_by(c.stream_no)
    if only_open:
        query = query.where(c.closed_at.is_(None))
    return [
        Stream(
            stream_no=row.stream_no,
            monitor_no=row.monitor_no,
            interval_s=row.interval_s,
            values=row.values_together,
            opened_at=row.opened_at,
            closed_at=row.closed_at,
        )
        for row in await unit.conn.execute(query)
    ]


async def put_stream(
    unit: Unit, station: StationId, tenant: TenantId, stream: Stream, *, most: int
) -> None:
    """A stream that is open now; one of that number from before is forgotten. TooManyRows."""
    row = {
        "station_id": station,
        "stream_no": stream.stream_no,
        "tenant_id": tenant,
        "monitor_no": stream.monitor_no,
        "interval_s": stream.interval_s,
        "values_together": stream.values,
        "opened_at": stream.opened_at,
        "closed_at": None,
    }
    await unit.conn.execute(
        delete(streams).where(
            streams.c.station_id == station,
            streams.c.closed_at < stream.opened_at - CLEARED_KEPT,
        )
    )
    await put(unit, streams, [row], owner="station_id", most=most)


async def close_stream(unit: Unit, station: StationId, stream_no: int, now: datetime) -> bool:
    """Whether a stream of that number was open."""
    c = streams.c
    done = await unit.conn.execute(
        update(streams)
        .where(c.station_id == station, c.stream_no == stream_no, c.closed_at.is_(None))
        .values(closed_at=now)
    )
    return done.rowcount == 1


async def stream_values_page(
    unit: Unit, station: StationId, stream_no: int, wanted: Wanted
) -> pages.Page[StreamValue]:
    """Values of a stream, newest first if in no other order. Raises CursorInvalid, SortUnknown."""
    c = stream_values.c
    query = select(c.stream_no, c.at, c.value)
    query = query.where(c.station_id == station, c.stream_no == stream_no)
    found = await list_rows(unit, query, _VALUES, wanted)
    return found.of(
        [StreamValue(stream_no=row.stream_no, at=row.at, value=row.value) for row in found.rows]
    )


# Of one stream, a moment has one value.
_VALUES: Final = Listing(
    sorts=sorts(stream_values, STREAM_VALUE_SORTS), key=(stream_values.c.at,), default="-at"
)


def _point(row: Any) -> Point:
    return Point(**{name: getattr(row, name) for name in _POINT})


def _report(row: Any) -> Report:
    return Report(
        kind=ReportKind(row.kind),
        request_id=row.request_id,
        pages=tuple(map(int, row.pages.split())),
        ended=row.ended,
        last_page=row.last_page,
        rows=row.rows,
        begun_at=row.begun_at,
        heard_at=row.heard_at,
    )
