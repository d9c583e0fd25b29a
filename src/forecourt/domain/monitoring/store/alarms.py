"""Alarms: what somebody should look at, until it is over."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    Integer,
    Table,
    Text,
    and_,
    delete,
    func,
    literal_column,
    not_,
    select,
    text,
    update,
)

from forecourt.base.ids import StationId, TenantId
from forecourt.base.pages import Page, Wanted
from forecourt.domain.monitoring.model import (
    ALARM_SORTS,
    ALARMS_MAX,
    Alarm,
    AlarmFields,
    AlarmName,
    AlarmSource,
    AlarmState,
    StationAlarm,
)
from forecourt.infra.database import Unit, metadata
from forecourt.infra.listing import Listing, list_rows, only, sorts

# What is over is kept so long, for whoever asks what was.
CLEARED_KEPT: Final = timedelta(days=30)

alarms: Final = Table(
    "alarms",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("raised_at", DateTime(timezone=True), nullable=False),
    Column("cleared_at", DateTime(timezone=True)),
    Column("acknowledged_at", DateTime(timezone=True)),
    Column("acknowledged_by", Text, nullable=False, server_default=""),
)

_site: Final[ColumnElement[str]] = literal_column(
    "(SELECT s.site FROM stations s WHERE s.station_id = alarms.station_id)", Text
).label("site")

# A row that is up stays as old as it is; what is back after its end is new.
_raise = text("""
    WITH before AS (
      SELECT cleared_at IS NULL AS up FROM alarms
      WHERE station_id = :station AND source = :source AND key = :key)
    INSERT INTO alarms AS a
      (station_id, source, key, tenant_id, severity, text, raised_at, cleared_at)
    SELECT :station, :source, :key, :tenant, :severity, :text, CAST(:at AS timestamptz), NULL
    WHERE EXISTS (SELECT FROM before)
      OR (SELECT count(*) FROM alarms WHERE station_id = :station AND cleared_at IS NULL) < :most
    ON CONFLICT (station_id, source, key) DO UPDATE SET severity = excluded.severity,
      text = excluded.text, cleared_at = NULL,
      acknowledged_at = CASE WHEN a.cleared_at IS NULL AND excluded.severity >= a.severity
        THEN a.acknowledged_at END,
      acknowledged_by = CASE WHEN a.cleared_at IS NULL AND excluded.severity >= a.severity
        THEN a.acknowledged_by ELSE '' END,
      raised_at = CASE WHEN a.cleared_at IS NULL THEN a.raised_at ELSE excluded.raised_at END
    RETURNING NOT coalesce((SELECT up FROM before), false) AS fresh""")


async def raise_alarm(unit: Unit, station: StationId, tenant: TenantId, alarm: Alarm) -> bool:
    """Put an alarm up; whether it was not up before. Those past the limit are not kept."""
    names = {
        "station": station,
        "source": alarm.source.value,
        "key": alarm.key,
        "tenant": tenant,
        "severity": alarm.severity,
        "text": alarm.text,
        "at": alarm.raised_at,
        "most": ALARMS_MAX,
    }
    return bool(await unit.conn.scalar(_raise, names))


async def clear_alarm(
    unit: Unit, station: StationId, source: AlarmSource, key: str, now: datetime
) -> bool:
    """Take an alarm down; whether it was up. Those that were down long ago are forgotten."""
    c = alarms.c
    done = await unit.conn.execute(
        update(alarms)
        .where(
            c.station_id == station,
            c.source == source.value,
            c.key == key,
            c.cleared_at.is_(None),
        )
        .values(cleared_at=now)
    )
    await unit.conn.execute(
        delete(alarms).where(c.station_id == station, c.cleared_at < now - CLEARED_KEPT)
    )
    return done.rowcount == 1


async def acknowledge_alarm(unit: Unit, name: AlarmName, by: str, now: datetime) -> bool | None:
    """Who has looked first is kept; whether that is us now, None where no such alarm is up."""
    c = alarms.c
    where = (
        c.station_id == name.station,
        c.source == name.source.value,
        c.key == name.key,
        c.cleared_at.is_(None),
    )
    if (await unit.conn.execute(select(c.key).where(*where).with_for_update())).first() is None:
        return None
    done = await unit.conn.execute(
        update(alarms)
        .where(*where, c.acknowledged_at.is_(None))
        .values(acknowledged_at=now, acknowledged_by=by)
    )
    return done.rowcount == 1


async def standing(unit: Unit) -> int:
    """How many alarms are up that nobody has looked at."""
    c = alarms.c
    query = select(func.count()).where(c.cleared_at.is_(None), c.acknowledged_at.is_(None))
    return int(str(await unit.conn.scalar(query)))


async def page(unit: Unit, wanted: Wanted, fit: AlarmFields) -> Page[StationAlarm]:
    """Alarms of all stations that fit, newest first if in no other order."""
    c = alarms.c
    query = only(
        select(alarms, _site),
        alarms,
        {"station_id": fit.get("station"), "source": fit.get("source")},
    )
    state, severity, since = fit.get("state"), fit.get("severity_max"), fit.get("since")
    if state is not None:
        up, seen = c.cleared_at.is_(None), c.acknowledged_at.is_not(None)
        query = query.where(
            {
                AlarmState.OPEN: and_(up, not_(seen)),
                AlarmState.ACKNOWLEDGED: and_(up, seen),
                AlarmState.CLEARED: not_(up),
            }[state]
        )
    if severity is not None:
        query = query.where(c.severity <= severity)
    if since is not None:
        query = query.where(c.raised_at >= since)
    if (site := fit.get("site")) is not None:
        query = query.where(_site == site)
    found = await list_rows(unit, query, _LISTING, wanted)
    return found.of(
        [
            StationAlarm(station=StationId(row.station_id), site=row.site or "", alarm=_alarm(row))
            for row in found.rows
        ]
    )


async def alarms_of(unit: Unit, station: StationId, *, up: bool | None) -> list[Alarm]:
    """Alarms of a station, the worst first."""
    c = alarms.c
    query = select(alarms).where(c.station_id == station)
    if up is not None:
        query = query.where(c.cleared_at.is_(None) if up else c.cleared_at.is_not(None))
    query = query.order_by(c.cleared_at.is_not(None), c.severity, c.raised_at).limit(ALARMS_MAX)
    return [_alarm(row) for row in await unit.conn.execute(query)]


_LISTING: Final = Listing(
    sorts=sorts(alarms, ALARM_SORTS, station=alarms.c.station_id),
    key=(alarms.c.station_id, alarms.c.source, alarms.c.key),
    default="-raised_at",
    searched=(alarms.c.station_id, alarms.c.key, alarms.c.text),
)


def _alarm(row: Any) -> Alarm:
    return Alarm(
        source=AlarmSource(row.source),
        key=row.key,
        severity=row.severity,
        text=row.text,
        raised_at=row.raised_at,
        cleared_at=row.cleared_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
    )
