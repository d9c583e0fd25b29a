"""Alarms: what somebody should look at, until it is over."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Column, DateTime, Integer, Table, Text, delete, func, select, text, update

from forecourt.base.ids import StationId, TenantId
from forecourt.domain.monitoring.model import ALARMS_MAX, Alarm, AlarmSource
from forecourt.infra.database import Unit, metadata

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


async def standing(unit: Unit) -> int:
    """How many alarms are up."""
    query = select(func.count()).select_from(alarms).where(alarms.c.cleared_at.is_(None))
    return int(str(await unit.conn.scalar(query)))


async def alarms_of(unit: Unit, station: StationId, *, up: bool | None) -> list[Alarm]:
    """Alarms of a station, the worst first."""
    c = alarms.c
    query = select(alarms).where(c.station_id == station)
    if up is not None:
        query = query.where(c.cleared_at.is_(None) if up else c.cleared_at.is_not(None))
    query = query.order_by(c.cleared_at.is_not(None), c.severity, c.raised_at).limit(ALARMS_MAX)
    return [
        Alarm(
            source=AlarmSource(row.source),
            key=row.key,
            severity=row.severity,
            text=row.text,
            raised_at=row.raised_at,
            cleared_at=row.cleared_at,
        )
        for row in await unit.conn.execute(query)
    ]
