"""Tables and SQL of this room: set-based writes for the gateway, queries for everybody else."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Float,
    Integer,
    Select,
    Table,
    Text,
    literal_column,
    or_,
    select,
    text,
)

from forecourt.base.ids import SessionId, StationId, TenantId
from forecourt.base.pages import Page, Wanted
from forecourt.domain.access import Standing, folded
from forecourt.domain.sessions.model import (
    READING_SORTS,
    SORTS,
    Days,
    Flag,
    Load,
    Progress,
    Reading,
    Session,
    SessionFields,
    SessionState,
)
from forecourt.infra.commit import Row, append, upsert
from forecourt.infra.database import Glance, Unit, metadata
from forecourt.infra.listing import Listing, beginning, list_rows, only, sorts

# Older readings than this are looked up one by one when they come again; nearly none do.
RECENT: Final = timedelta(days=35)
NUMBERS_AT_ONCE: Final = 100
"""How many 1.6 transaction numbers a process takes from the sequence at a time (its INCREMENT)."""

sessions: Final = Table(
    "sessions",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("station_id", Text, nullable=False),
    Column("evse_no", BigInteger, nullable=False),
    Column("connector_no", BigInteger, nullable=False),
    Column("transaction", Text, nullable=False),
    Column("start_key", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("token_folded", Text, nullable=False),
    Column("token_type", Text, nullable=False),
    Column("group_id", Text, nullable=False),
    Column("standing", Text),
    Column("state", Text, nullable=False),
    Column("charging_state", Text, nullable=False),
    Column("offline", Boolean, nullable=False),
    Column("remote_start_id", BigInteger),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("meter_start_wh", BigInteger),
    Column("meter_stop_wh", BigInteger),
    Column("stop_reason", Text, nullable=False),
    Column("energy_wh", BigInteger, nullable=False),
    Column("exported_wh", BigInteger, nullable=False),
    Column("meter_wh", BigInteger),
    Column("meter_high_wh", BigInteger),
    Column("meter_at", DateTime(timezone=True)),
    Column("export_meter_wh", BigInteger),
    Column("power_w", Integer),
    Column("soc_pct", Float),
    Column("seq_next", BigInteger, nullable=False),
    Column("seq_missing", Text, nullable=False),
    Column("flags", Text, nullable=False),
    Column("reading_days", Text),
    Column("saved_at", DateTime(timezone=True), nullable=False),
    Column("epoch", BigInteger, nullable=False),
)

# What rooms below know of the place: a column of ours where a session is read for people.
_zone: Final[ColumnElement[str]] = literal_column(
    "(SELECT z.zone FROM stations t JOIN sites z ON z.tenant_id = t.tenant_id"
    " AND z.site_id = t.site_id WHERE t.station_id = sessions.station_id)"
).label("zone")

_at_site: Final = text(
    "sessions.station_id IN (SELECT t.station_id FROM stations t WHERE t.site = :site)"
)

meter_values: Final = Table(
    "meter_values",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("sampled_at", DateTime(timezone=True), primary_key=True),
    Column("evse_no", BigInteger, primary_key=True),
    Column("digest", BigInteger, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("session_id", Text),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("seq_no", BigInteger),
    Column("energy_wh", BigInteger),
    Column("export_wh", BigInteger),
    Column("power_w", Integer),
    Column("soc_pct", Float),
    Column("samples", Text, nullable=False),
)

session_events: Final = Table(
    "session_events",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("seq_no", BigInteger, primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("station_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("offline", Boolean, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("body", JSON, nullable=False),
)

unmatched_stops: Final = Table(
    "unmatched_stops",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("transaction", Text, primary_key=True),
    Column("reported_at", DateTime(timezone=True), primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("meter_wh", BigInteger, nullable=False),
    Column("body", JSON, nullable=False),
)

_SESSION_TYPES: Final = (
    *("text", "text", "text", "bigint", "bigint", "text", "text", "text", "text", "text"),
    *("text", "text", "text", "text", "bool", "bigint", "timestamptz", "timestamptz", "bigint"),
    *("bigint", "text", "bigint", "bigint", "bigint", "bigint", "timestamptz", "bigint"),
    *("int", "float8", "bigint", "text", "text", "text", "timestamptz", "bigint"),
)

SESSIONS: Final = upsert(
    "sessions",
    tuple(column.name for column in sessions.columns),
    types=_SESSION_TYPES,
    key=("session_id",),
    fence=True,
)

_READING_COLUMNS: Final = (
    *("station_id", "sampled_at", "evse_no", "digest", "tenant_id", "session_id", "received_at"),
    *("seq_no", "energy_wh", "export_wh", "power_w", "soc_pct", "samples"),
)
_READING_TYPES: Final = (
    *("text", "timestamptz", "bigint", "bigint", "text", "text", "timestamptz"),
    *("bigint", "bigint", "bigint", "int", "float8", "text"),
)

# Later than any reading of that EVSE so far, so it cannot be there yet: COPY.
READINGS_NEW: Final = append("meter_values", _READING_COLUMNS, types=_READING_TYPES, copy=True)
# Not later: perhaps a second sample of the same moment, perhaps the same one again.
READINGS_AGAIN: Final = append("meter_values", _READING_COLUMNS, types=_READING_TYPES, copy=False)

SESSION_EVENTS: Final = append(
    "session_events",
    tuple(column.name for column in session_events.columns),
    types=(
        *("text", "bigint", "timestamptz", "text", "text", "text", "text", "bool"),
        *("timestamptz", "json"),
    ),
    copy=True,
)

UNMATCHED_STOPS: Final = append(
    "unmatched_stops",
    tuple(column.name for column in unmatched_stops.columns),
    types=("text", "text", "timestamptz", "text", "timestamptz", "bigint", "json"),
    copy=False,
)

WRITES: Final = (SESSIONS, READINGS_NEW, READINGS_AGAIN, SESSION_EVENTS, UNMATCHED_STOPS)


def session_row(s: Session, epoch: int) -> Row:
    """In the order of ``SESSIONS.columns``."""
    p = s.progress
    return (
        *(s.id, s.tenant, s.station, s.evse_no, s.connector_no, s.transaction, s.start_key),
        *(s.token, folded(s.token), s.token_type, s.group),
        None if s.standing is None else s.standing.value,
        *(s.state.value, s.charging_state, s.offline, s.remote_start_id, s.started_at),
        *(s.ended_at, s.meter_start_wh, s.meter_stop_wh, s.stop_reason, p.energy_wh),
        *(p.exported_wh, p.meter_wh, p.meter_high_wh, p.meter_at, p.export_meter_wh, p.power_w),
        *(p.soc_pct, p.seq_next, " ".join(map(str, p.seq_missing)), " ".join(p.flags)),
        *(_written(s.days), s.saved_at, epoch),
    )


def reading_row(  # noqa: PLR0917 (made for each reading: keywords would cost more than the rest)
    station: StationId,
    tenant: TenantId,
    evse_no: int,
    session: SessionId | None,
    seq_no: int | None,
    r: Reading,
    received_at: datetime,
) -> Row:
    """In the order of ``READINGS_NEW.columns``.

    Two readings of one EVSE and one moment are the same when their samples are.
    """
    return (
        station,
        r.sampled_at,
        evse_no,
        r.digest,
        tenant,
        session,
        received_at,
        seq_no,
        r.energy_wh,
        r.export_wh,
        r.power_w,
        r.soc_pct,
        r.samples,
    )


# ---- what the gateway loads ---------------------------------------------------------------------

# One probe of the index for each station, newest first, in the partitions of the last weeks.
_newest = text("""
    SELECT s.station_id, (
      SELECT max(m.sampled_at) FROM meter_values m
      WHERE m.station_id = s.station_id AND m.sampled_at >= :since) AS newest
    FROM unnest(CAST(:ids AS text[])) AS s (station_id)""")

_later = text("""
    SELECT m.* FROM meter_values m JOIN sessions s
      ON s.session_id = m.session_id AND m.received_at > s.saved_at
    WHERE m.station_id = ANY(CAST(:ids AS text[])) AND m.session_id = ANY(CAST(:sessions AS text[]))
      AND m.sampled_at >= :since
    ORDER BY m.received_at, m.sampled_at""")

# The record's power lags; each session's newest reading is one probe of the index.
_counts = text("""
    SELECT count(*) AS running, coalesce(sum(coalesce(n.power_w, s.power_w)), 0) AS power_w
    FROM sessions s LEFT JOIN LATERAL (
      SELECT m.power_w FROM meter_values m
      WHERE m.station_id = s.station_id AND m.session_id = s.session_id
        AND m.sampled_at >= :since AND m.power_w IS NOT NULL
      ORDER BY m.sampled_at DESC LIMIT 1) n ON true
    WHERE s.state = 'active'""")

# What a session gave since a moment: its whole energy, without what its meter had risen by before
# then. What the record lacks is what the newest reading's register is above the highest it knows.
_GIVEN = """
    greatest(0, s.energy_wh
      + coalesce(greatest(0, n.energy_wh - coalesce(s.meter_high_wh, n.energy_wh)), 0)
      - coalesce(greatest(0, b.energy_wh - s.meter_start_wh), 0))"""
_READINGS = """
    LEFT JOIN LATERAL (
      SELECT m.energy_wh FROM meter_values m
      WHERE s.state = 'active' AND m.station_id = s.station_id AND m.session_id = s.session_id
        AND m.sampled_at >= :since AND m.energy_wh IS NOT NULL
      ORDER BY m.sampled_at DESC LIMIT 1) n ON true
    LEFT JOIN LATERAL (
      SELECT m.energy_wh FROM meter_values m
      WHERE s.started_at < {begins} AND m.station_id = s.station_id
        AND m.session_id = s.session_id AND m.sampled_at >= :since AND m.sampled_at < {begins}
        AND m.energy_wh IS NOT NULL
      ORDER BY m.sampled_at DESC LIMIT 1) b ON true"""

_totals = text(f"""
    SELECT count(*) AS sessions, coalesce(sum({_GIVEN}), 0) AS energy_wh
    FROM sessions s {_READINGS.format(begins="CAST(:begins AS timestamptz)")}
    WHERE s.state = 'active' OR s.ended_at >= :begins""")  # noqa: S608 (the parts are ours)

_by_site = text(f"""
    SELECT t.site, count(*) FILTER (WHERE s.state = 'active') AS running,
      coalesce(sum(coalesce(p.power_w, s.power_w)) FILTER (WHERE s.state = 'active'), 0) AS power_w,
      count(*) AS sessions, coalesce(sum({_GIVEN}), 0) AS energy_wh
    FROM unnest(CAST(:sites AS text[]), CAST(:begins AS timestamptz[])) AS d (site, begins)
    JOIN stations t ON t.site = d.site
    JOIN sessions s ON s.station_id = t.station_id
      AND (s.state = 'active' OR s.ended_at >= :earliest AND s.ended_at >= d.begins)
    LEFT JOIN LATERAL (
      SELECT m.power_w FROM meter_values m
      WHERE s.state = 'active' AND m.station_id = s.station_id AND m.session_id = s.session_id
        AND m.sampled_at >= :since AND m.power_w IS NOT NULL
      ORDER BY m.sampled_at DESC LIMIT 1) p ON true
    {_READINGS.format(begins="d.begins")}
    GROUP BY t.site""")  # noqa: S608 (the parts are ours)

_numbers = text("SELECT nextval('transaction_numbers')")


async def newest(
    unit: Unit, ids: Sequence[StationId], *, since: datetime
) -> dict[StationId, datetime]:
    """The moment of each station's newest reading, or ``since`` when there is none newer."""
    rows = await unit.conn.execute(_newest, {"ids": list(ids), "since": since})
    return {StationId(row.station_id): row.newest or since for row in rows}


async def running(unit: Unit, ids: Sequence[StationId]) -> list[Session]:
    """The sessions that run at these stations, oldest first."""
    query = (
        select(sessions)
        .where(sessions.c.station_id.in_(ids), sessions.c.state == SessionState.ACTIVE.value)
        .order_by(sessions.c.session_id)
    )
    return [made(row) for row in await unit.conn.execute(query)]


async def after_saved(
    unit: Unit, some: Sequence[Session], *, since: datetime
) -> dict[SessionId, list[tuple[Reading, int | None]]]:
    """Readings that these sessions' records do not hold yet, in the order in which they came."""
    later: dict[SessionId, list[tuple[Reading, int | None]]] = {}
    if not some:
        return later
    names = {
        "ids": list({session.station for session in some}),
        "sessions": [session.id for session in some],
        "since": since,
    }
    for row in await unit.conn.execute(_later, names):
        later.setdefault(SessionId(row.session_id), []).append((_reading(row), row.seq_no))
    return later


async def find_transaction(glance: Glance, station: StationId, transaction: str) -> Session | None:
    """A session by its name on the wire; the newest, should a name have come twice."""
    row = await glance.fetchrow(
        "SELECT * FROM sessions WHERE station_id = $1 AND transaction = $2"
        " ORDER BY session_id DESC LIMIT 1",
        station,
        transaction,
    )
    return None if row is None else made(row)


async def find_start(glance: Glance, station: StationId, start_key: str) -> Session | None:
    """A session by what makes its start the same start."""
    row = await glance.fetchrow(
        "SELECT * FROM sessions WHERE station_id = $1 AND start_key = $2", station, start_key
    )
    return None if row is None else made(row)


async def next_numbers(unit: Unit) -> range:
    """1.6 transaction numbers that nobody else has."""
    first = int(str(await unit.conn.scalar(_numbers)))
    return range(first, first + NUMBERS_AT_ONCE)


async def running_with(
    glance: Glance, tenant: TenantId, token_folded: str, *, besides: tuple[StationId, int, str]
) -> int:
    """How many sessions of a token run, not counting one EVSE's and one transaction's of a station.

    EVSE 0 is none.
    """
    found = await glance.fetchval(
        "SELECT count(*) FROM sessions WHERE tenant_id = $1 AND token_folded = $2"
        " AND state = 'active' AND standing = 'accepted' AND NOT (station_id = $3"
        " AND (transaction = $5 OR (evse_no = $4 AND evse_no > 0)))",
        tenant,
        token_folded,
        *besides,
    )
    return int(found)


# ---- everybody else -----------------------------------------------------------------------------


async def find(unit: Unit, session_id: SessionId) -> Session | None:
    query = select(sessions, _zone).where(sessions.c.session_id == session_id)
    row = (await unit.conn.execute(query)).first()
    return None if row is None else made(row)


async def page(unit: Unit, wanted: Wanted, fit: SessionFields) -> Page[Session]:
    """Sessions that fit, newest first if in no other order.

    There are too many to look at each: a search finds what the names of a session begin with.
    """
    c = sessions.c
    token, since, until = fit.get("token"), fit.get("since"), fit.get("until")
    equal: dict[str, object] = {"station_id": fit.get("station"), "state": fit.get("state")}
    equal["token_folded"] = None if token is None else folded(token)
    query = only(select(sessions, _zone), sessions, equal)
    site = fit.get("site")
    if site is not None:
        query = query.where(_at_site.bindparams(site=site))
    if since is not None:
        query = query.where(c.started_at >= since)
    if until is not None:
        query = query.where(c.started_at < until)
    if wanted.q.strip():
        q = wanted.q.strip()
        named = beginning((c.station_id, c.transaction), q)
        query = query.where(or_(c.session_id == q, named, beginning((c.token_folded,), folded(q))))
    found = await list_rows(unit, query, _LISTING, wanted)
    return found.of([made(row) for row in found.rows])


async def readings(unit: Unit, session: Session, days: Days, wanted: Wanted) -> Page[Reading]:
    """A session's readings, in the order of their moments if in no other one.

    Raises CursorInvalid, SortUnknown.
    """
    found = await list_rows(unit, readings_of(session, days), _READING_LIST, wanted)
    return found.of([_reading(row) for row in found.rows])


def readings_of(session: Session, days: Days) -> Select[Any]:
    """The query for them.

    No index has a session's name: its days keep other partitions, and the station's other
    readings, from being looked at.
    """
    c = meter_values.c
    spans = [
        c.sampled_at.between(
            datetime.combine(date.fromordinal(first), time.min, UTC),
            datetime.combine(date.fromordinal(last), time.max, UTC),
        )
        for first, last in days
    ]
    return select(meter_values).where(
        c.station_id == session.station, c.session_id == session.id, or_(False, *spans)
    )


def _written(days: Days | None) -> str | None:
    """As the record has them: 2026-03-01/2026-03-02, and the next span behind a blank."""
    if days is None:
        return None
    spans = (map(date.isoformat, map(date.fromordinal, span)) for span in days)
    return " ".join(map("/".join, spans))


def _days(written: str | None) -> Days | None:
    if written is None:
        return None
    spans = (span.partition("/") for span in written.split())
    return tuple(
        (date.fromisoformat(first).toordinal(), date.fromisoformat(last).toordinal())
        for first, _, last in spans
    )


async def counts(unit: Unit, *, since: datetime) -> dict[str, int]:
    """Running sessions and their power now, for the status page."""
    row = (await unit.conn.execute(_counts, {"since": since})).one()
    return {"running": row.running, "power_w": int(row.power_w)}


async def totals(unit: Unit, *, begins: datetime) -> dict[str, int]:
    """Of the sessions that run, or ended since a moment: how many, and their energy since then."""
    names = {"begins": begins, "since": begins - RECENT}
    row = (await unit.conn.execute(_totals, names)).one()
    return {"sessions": row.sessions, "energy_wh": int(row.energy_wh)}


_LISTING: Final = Listing(
    sorts=sorts(sessions, SORTS, id=sessions.c.session_id, station=sessions.c.station_id),
    key=(sessions.c.session_id,),
    default="-id",
)
_READING_LIST: Final = Listing(
    sorts=sorts(meter_values, READING_SORTS),
    key=(meter_values.c.sampled_at, meter_values.c.evse_no, meter_values.c.digest),
    default="sampled_at",
)


async def by_site(unit: Unit, begins: Mapping[str, datetime]) -> dict[str, Load]:
    """What charges at each site, and what was charged there since its own moment."""
    earliest = min(begins.values())
    names = {"sites": list(begins), "begins": list(begins.values()), "earliest": earliest}
    rows = await unit.conn.execute(_by_site, {**names, "since": earliest - RECENT})
    return {
        row.site: Load(
            running=row.running,
            power_w=int(row.power_w),
            sessions=row.sessions,
            energy_wh=int(row.energy_wh),
        )
        for row in rows
    }


def made(row: Any) -> Session:
    """A session, from its row."""
    return Session(
        id=SessionId(row.session_id),
        tenant=TenantId(row.tenant_id),
        station=StationId(row.station_id),
        evse_no=row.evse_no,
        connector_no=row.connector_no,
        transaction=row.transaction,
        start_key=row.start_key,
        token=row.token,
        token_type=row.token_type,
        group=row.group_id,
        standing=None if row.standing is None else Standing(row.standing),
        state=SessionState(row.state),
        charging_state=row.charging_state,
        offline=row.offline,
        remote_start_id=row.remote_start_id,
        started_at=row.started_at,
        ended_at=row.ended_at,
        meter_start_wh=row.meter_start_wh,
        meter_stop_wh=row.meter_stop_wh,
        stop_reason=row.stop_reason,
        progress=Progress(
            energy_wh=row.energy_wh,
            exported_wh=row.exported_wh,
            meter_wh=row.meter_wh,
            meter_high_wh=row.meter_high_wh,
            meter_at=row.meter_at,
            export_meter_wh=row.export_meter_wh,
            power_w=row.power_w,
            soc_pct=row.soc_pct,
            seq_next=row.seq_next,
            seq_missing=tuple(map(int, row.seq_missing.split())),
            flags=tuple(map(Flag, row.flags.split())),
        ),
        days=_days(row.reading_days),
        zone=getattr(row, "zone", None) or "",
        saved_at=row.saved_at,
    )


def _reading(row: Any) -> Reading:
    return Reading(
        row.sampled_at,
        row.energy_wh,
        row.export_wh,
        row.power_w,
        row.soc_pct,
        row.samples,
        row.digest,
    )
