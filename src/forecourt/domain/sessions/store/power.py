"""Power in quarter hours: summed up from readings, kept ready for charts, read from there."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    FetchedValue,
    Integer,
    Table,
    Text,
    text,
)

from forecourt.base.ids import StationId
from forecourt.domain.sessions.model import PowerSpan, Taken
from forecourt.infra.database import Unit, metadata

QUARTER: Final = timedelta(minutes=15)
# A reading holds until the session's next one, and no longer than this: OCPP's own default is
# every 900 s where stations are asked for clock-aligned values.
POWER_HOLDS: Final = timedelta(minutes=15)
# A session of more days than this is found only as long as it runs.
LONGEST: Final = timedelta(days=35)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

station_power: Final = Table(
    "station_power",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("energy_ws", BigInteger),
    Column("sessions", Integer, nullable=False),
    Column("measured", Integer, nullable=False),
)
site_power: Final = Table(
    "site_power",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column("site", Text, primary_key=True),
    Column("energy_ws", BigInteger),
    Column("sessions", Integer, nullable=False),
    Column("measured", Integer, nullable=False),
)
power_passes: Final = Table(
    "power_passes",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=FetchedValue()),
    Column("began_at", DateTime(timezone=True)),
    Column("seen", ARRAY(DateTime(timezone=True)), nullable=False, server_default=FetchedValue()),
    Column("rebuilt_at", DateTime(timezone=True)),
    Column("reached", DateTime(timezone=True)),
)

# Of each pair of a station and a step: which sessions ran in it, for how long, and each one's
# average of it. One that told nothing in it goes on with its last average. One that nobody heard of
# for long has ended.
_TAKEN: Final = """
    part AS (
      SELECT p.station_id, p.at, s.session_id, s.tenant_id, extract(epoch FROM
        least(p.at + CAST(:step AS interval), s.until) - greatest(p.at, s.started_at)) AS seconds
      FROM pair p CROSS JOIN LATERAL (
        SELECT session_id, tenant_id, started_at,
          least(ended_at, CAST(:now AS timestamptz)) AS until FROM sessions
        WHERE station_id = p.station_id AND ended_at > p.at
          AND ended_at < p.at + CAST(:longest AS interval)
          AND started_at < p.at + CAST(:step AS interval)
        UNION ALL
        SELECT session_id, tenant_id, started_at, least(CAST(:now AS timestamptz),
          greatest(saved_at, started_at) + CAST(:holds AS interval)) FROM sessions
        WHERE station_id = p.station_id AND state = 'active'
          AND started_at < p.at + CAST(:step AS interval)) AS s
      WHERE s.until > greatest(p.at, s.started_at)),
    told AS (
      SELECT p.*, coalesce(here.power_w, before.power_w) AS power_w
      FROM part p CROSS JOIN LATERAL (
        SELECT avg(m.power_w) AS power_w FROM meter_values m
        WHERE m.station_id = p.station_id AND m.session_id = p.session_id
          AND m.sampled_at >= p.at AND m.sampled_at < p.at + CAST(:step AS interval)) AS here
      LEFT JOIN LATERAL (
        SELECT avg(m.power_w) AS power_w FROM meter_values m
        WHERE here.power_w IS NULL AND m.power_w IS NOT NULL AND m.station_id = p.station_id
          AND m.session_id = p.session_id AND m.sampled_at < p.at
          AND m.sampled_at >= p.at - CAST(:whole AS interval)
        GROUP BY date_bin(CAST(:step AS interval), m.sampled_at, CAST(:epoch AS timestamptz))
        ORDER BY date_bin(CAST(:step AS interval), m.sampled_at, CAST(:epoch AS timestamptz)) DESC
        LIMIT 1) AS before ON true),
    taken AS (
      SELECT station_id, at, min(tenant_id) AS tenant_id, count(*) AS sessions,
        count(power_w) AS measured, CAST(round(sum(power_w * seconds)) AS bigint) AS energy_ws
      FROM told GROUP BY station_id, at)"""

# What may have changed since: quarter hours with readings received since then, and the ones that
# these readings hold in; the newest ones of what runs or just ended; and all of a session whose
# end was told late.
_DIRTY: Final = """
    heard AS (
      SELECT station_id, session_id,
        date_bin(CAST(:step AS interval), sampled_at, CAST(:epoch AS timestamptz)) AS at
      FROM meter_values WHERE received_at >= :since AND session_id IS NOT NULL GROUP BY 1, 2, 3),
    ran AS (
      SELECT station_id, greatest(started_at, CAST(:since AS timestamptz)) AS begins,
        greatest(saved_at, started_at) + CAST(:holds AS interval) AS ends
      FROM sessions WHERE state = 'active'
      UNION ALL
      SELECT s.station_id, greatest(s.started_at, CAST(:lately AS timestamptz)), s.ended_at
      FROM tenants t JOIN sessions s ON s.tenant_id = t.tenant_id AND s.ended_at >= :lately
        AND s.saved_at >= :since
      UNION ALL
      SELECT station_id, started_at, ended_at FROM sessions
      WHERE session_id IN (SELECT session_id FROM heard) AND ended_at < :lately
        AND started_at > ended_at - CAST(:longest AS interval)),
    pair AS (
      SELECT station_id, at FROM heard
      UNION
      SELECT station_id, at + CAST(:step AS interval) FROM heard
      WHERE at + CAST(:step AS interval) <= :now
      UNION
      SELECT r.station_id, g.at FROM ran r CROSS JOIN LATERAL generate_series(
        date_bin(CAST(:step AS interval), r.begins, CAST(:epoch AS timestamptz)),
        least(r.ends, CAST(:now AS timestamptz)), CAST(:step AS interval)) AS g (at))"""

# All that there is to sum up in a span, and what is kept of it.
_WITHIN: Final = """
    ran AS (
      SELECT station_id, started_at,
        greatest(saved_at, started_at) + CAST(:holds AS interval) AS until
      FROM sessions WHERE state = 'active' AND started_at < :ends
      UNION ALL
      SELECT s.station_id, s.started_at, s.ended_at
      FROM tenants t JOIN sessions s ON s.tenant_id = t.tenant_id AND s.ended_at > :begins
        AND s.ended_at < CAST(:ends AS timestamptz) + CAST(:longest AS interval)
        AND s.started_at < :ends),
    pair AS (
      SELECT r.station_id, g.at FROM ran r CROSS JOIN LATERAL generate_series(
        date_bin(CAST(:step AS interval), greatest(r.started_at, CAST(:begins AS timestamptz)),
          CAST(:epoch AS timestamptz)),
        least(r.until, CAST(:ends AS timestamptz) - interval '1 microsecond'),
        CAST(:step AS interval)) AS g (at)
      UNION
      SELECT station_id, at FROM station_power WHERE at >= :begins AND at < :ends)"""

# A station's quarter hours stay with the site where it stood when they were first summed up.
_KEEP: Final = """
    gone AS (
      DELETE FROM station_power w USING pair p
      WHERE w.station_id = p.station_id AND w.at = p.at AND NOT EXISTS (
        SELECT FROM taken t WHERE t.station_id = p.station_id AND t.at = p.at)
      RETURNING w.tenant_id, w.site, w.at),
    kept AS (
      INSERT INTO station_power AS w
        (station_id, at, tenant_id, site, energy_ws, sessions, measured)
      SELECT t.station_id, t.at, t.tenant_id, coalesce(s.site, ''), t.energy_ws, t.sessions,
        t.measured
      FROM taken t LEFT JOIN stations s ON s.station_id = t.station_id
      ORDER BY t.station_id, t.at
      ON CONFLICT (station_id, at) DO UPDATE SET energy_ws = excluded.energy_ws,
        sessions = excluded.sessions, measured = excluded.measured
      WHERE (w.energy_ws, w.sessions, w.measured)
        IS DISTINCT FROM (excluded.energy_ws, excluded.sessions, excluded.measured)
      RETURNING w.tenant_id, w.site, w.at)
    SELECT * FROM gone UNION SELECT * FROM kept"""

_sum_up_since = text(f"WITH {_DIRTY}, {_TAKEN}, {_KEEP}")
_sum_up_within = text(f"WITH {_WITHIN}, {_TAKEN}, {_KEEP}")
_sum_up_sites = text("""
    WITH touched AS (
      SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:sites AS text[]),
        CAST(:moments AS timestamptz[])) AS t (tenant_id, site, at)),
    summed AS (
      SELECT t.tenant_id, t.at, t.site, CAST(sum(w.energy_ws) AS bigint) AS energy_ws,
        sum(w.sessions) AS sessions, sum(w.measured) AS measured
      FROM touched t JOIN station_power w USING (tenant_id, site, at)
      GROUP BY t.tenant_id, t.at, t.site),
    gone AS (
      DELETE FROM site_power p USING touched t
      WHERE p.tenant_id = t.tenant_id AND p.at = t.at AND p.site = t.site AND NOT EXISTS (
        SELECT FROM summed s
        WHERE s.tenant_id = p.tenant_id AND s.at = p.at AND s.site = p.site))
    INSERT INTO site_power (tenant_id, at, site, energy_ws, sessions, measured)
    SELECT tenant_id, at, site, energy_ws, sessions, measured FROM summed ORDER BY 1, 2, 3
    ON CONFLICT (tenant_id, at, site) DO UPDATE SET energy_ws = excluded.energy_ws,
      sessions = excluded.sessions, measured = excluded.measured""")

_claim = text("""
    UPDATE power_passes SET began_at = :now
    WHERE began_at IS NULL OR began_at <= :free OR began_at > :now
    RETURNING seen, rebuilt_at, reached""")
_remember = text("""
    UPDATE power_passes SET seen = CAST(:seen AS timestamptz[]), rebuilt_at = :rebuilt_at,
      reached = :reached""")
_newest = text("SELECT seen[cardinality(seen)] FROM power_passes")
_oldest = text("""
    SELECT min(s.started_at) FROM tenants t CROSS JOIN LATERAL (
      SELECT started_at FROM sessions WHERE tenant_id = t.tenant_id
      ORDER BY started_at LIMIT 1) AS s""")


# ---- keeping it ready ---------------------------------------------------------------------------


class Passes(Struct, frozen=True, kw_only=True):
    """What is known of the passes so far."""

    seen: Sequence[datetime]
    """When the last ones began."""
    rebuilt_at: datetime | None
    """When the last day was summed up as a whole."""
    reached: datetime | None
    """From when on everything is summed up."""


async def claim(unit: Unit, now: datetime, *, every: timedelta) -> Passes | None:
    """Begin a pass; None if somebody did lately."""
    row = (await unit.conn.execute(_claim, {"now": now, "free": now - every})).first()
    if row is None:
        return None
    return Passes(seen=row.seen, rebuilt_at=row.rebuilt_at, reached=row.reached)


async def remember(unit: Unit, passes: Passes, *, most: int) -> None:
    """A pass is over; the beginnings of so many are remembered."""
    names = {"rebuilt_at": passes.rebuilt_at, "reached": passes.reached}
    await unit.conn.execute(_remember, {**names, "seen": list(passes.seen[-most:])})


async def oldest(unit: Unit) -> datetime | None:
    """When the first session began."""
    found: datetime | None = await unit.conn.scalar(_oldest)
    return found


async def sum_up_since(unit: Unit, since: datetime, now: datetime) -> int:
    """Sum up anew what may have changed since; how many sites' quarter hours did."""
    names = {"since": since, "lately": since - 2 * POWER_HOLDS, **_names(QUARTER, now)}
    rows = await unit.conn.execute(_sum_up_since, names)
    return await _sum_up_sites_of(unit, rows.all())


async def sum_up_within(unit: Unit, begins_at: datetime, ends_at: datetime, now: datetime) -> int:
    """Sum up a whole span anew; how many sites' quarter hours changed."""
    names = {"begins": begins_at, "ends": ends_at, **_names(QUARTER, now)}
    rows = await unit.conn.execute(_sum_up_within, names)
    return await _sum_up_sites_of(unit, rows.all())


async def _sum_up_sites_of(unit: Unit, touched: Sequence[Any]) -> int:
    if touched:
        tenants, sites, moments = map(list, zip(*touched, strict=True))
        names = {"tenants": tenants, "sites": sites, "moments": moments}
        await unit.conn.execute(_sum_up_sites, names)
    return len(touched)


# ---- reading it ---------------------------------------------------------------------------------

_READY: Final = """
    WITH quarter AS MATERIALIZED (
      SELECT at, {key} AS key, energy_ws, sessions, measured FROM {table}
      WHERE at >= :begins AND at < :ends {which})"""
_TOTAL: Final = """
    SELECT date_bin(CAST(:step AS interval), at, CAST(:epoch AS timestamptz)) AS at,
      CAST(sum(energy_ws) AS bigint) AS energy_ws, max(sessions) AS sessions,
      max(measured) AS measured
    FROM (SELECT at, sum(energy_ws) AS energy_ws, sum(sessions) AS sessions,
      sum(measured) AS measured FROM quarter GROUP BY at) AS summed GROUP BY 1"""
_PARTS: Final = """
    , most AS (
      SELECT key, sum(energy_ws) AS whole FROM quarter GROUP BY key
      ORDER BY 2 DESC NULLS LAST, key LIMIT :most)
    SELECT key, date_bin(CAST(:step AS interval), at, CAST(:epoch AS timestamptz)) AS at,
      CAST(sum(energy_ws) AS bigint) AS energy_ws, max(sessions) AS sessions,
      max(measured) AS measured
    FROM quarter JOIN most USING (key) GROUP BY key, whole, 2 ORDER BY whole DESC NULLS LAST, key"""
_FINE: Final = f"""
    WITH pair AS (
      SELECT station_id, g.at FROM stations CROSS JOIN generate_series(CAST(:begins AS timestamptz),
        CAST(:ends AS timestamptz) - interval '1 microsecond', CAST(:step AS interval)) AS g (at)
      WHERE true {{which}}),
    {_TAKEN}
    SELECT at, CAST(sum(energy_ws) AS bigint) AS energy_ws, sum(sessions) AS sessions,
      sum(measured) AS measured
    FROM taken GROUP BY at"""  # noqa: S608 (the parts are ours)


async def newest(unit: Unit) -> datetime | None:
    """Until when all is summed up."""
    found: datetime | None = await unit.conn.scalar(_newest)
    return found


async def total(
    unit: Unit, span: PowerSpan, *, site: str | None, station: StationId | None
) -> list[Taken]:
    """What was taken in each step of whole quarter hours, where anything ran."""
    source = _ready(_TOTAL, by_station=station is not None, site=site, station=station)
    names = _span(span) | {"site": site, "station": station}
    return [_taken(row) for row in await unit.conn.execute(text(source), names)]


async def parts(
    unit: Unit, span: PowerSpan, *, by_station: bool, site: str | None, most: int
) -> Mapping[str, list[Taken]]:
    """The same of each of those sites, or stations, that took most; the greatest first."""
    source = _ready(_PARTS, by_station=by_station, site=site, station=None)
    names = _span(span) | {"site": site, "most": most}
    found: dict[str, list[Taken]] = {}
    for row in await unit.conn.execute(text(source), names):
        found.setdefault(row.key, []).append(_taken(row))
    return found


async def fine(
    unit: Unit, span: PowerSpan, *, now: datetime, site: str | None, station: StationId | None
) -> list[Taken]:
    """The same of any steps, from readings: for a station, or the stations of a site."""
    source = text(_FINE.format(which=_which(site, station)))
    names = _span(span) | _names(span.step, now) | {"site": site, "station": station}
    return [_taken(row) for row in await unit.conn.execute(source, names)]


def _ready(what: str, *, by_station: bool, site: str | None, station: StationId | None) -> str:
    table, key = ("station_power", "station_id") if by_station else ("site_power", "site")
    return _READY.format(table=table, key=key, which=_which(site, station)) + what


def _which(site: str | None, station: StationId | None) -> str:
    of_site = "" if site is None else "AND site = :site"
    return of_site if station is None else f"{of_site} AND station_id = :station"


def _span(span: PowerSpan) -> dict[str, object]:
    return {"begins": span.begins_at, "ends": span.ends_at, "step": span.step, "epoch": _EPOCH}


def _names(step: timedelta, now: datetime) -> dict[str, object]:
    return {
        "step": step,
        "whole": POWER_HOLDS // step * step,
        "holds": POWER_HOLDS,
        "longest": LONGEST,
        "epoch": _EPOCH,
        "now": now,
    }


def _taken(row: Any) -> Taken:
    return Taken(
        at=row.at, energy_ws=row.energy_ws, sessions=int(row.sessions), measured=int(row.measured)
    )
