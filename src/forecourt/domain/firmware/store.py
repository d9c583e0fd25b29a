"""Tables and SQL of this room."""

from typing import Any, Final

import msgspec
from sqlalchemy import JSON, BigInteger, Column, DateTime, Table, Text, delete, select

from forecourt.base.ids import StationId, TenantId
from forecourt.domain.firmware.model import JOBS_KEPT_MAX, Job, JobKind, Phase, Step
from forecourt.infra.database import Unit, metadata
from forecourt.infra.rows import put

jobs: Final = Table(
    "firmware_jobs",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("request_id", BigInteger, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("begun_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("steps", JSON, nullable=False),
    Column("places", JSON, nullable=False),
)


async def find(unit: Unit, station: StationId, kind: JobKind, request_id: int) -> Job | None:
    """A job, until the unit ends for us alone."""
    c = jobs.c
    query = select(jobs).where(
        c.station_id == station, c.kind == kind.value, c.request_id == request_id
    )
    row = (await unit.conn.execute(query.with_for_update())).first()
    return None if row is None else _job(row)


async def going_on(unit: Unit, station: StationId, kind: JobKind) -> list[Job]:
    """Jobs of a kind that run; one that is only planned does not."""
    c = jobs.c
    query = select(jobs).where(
        c.station_id == station, c.kind == kind.value, c.phase == Phase.RUNNING.value
    )
    return [_job(row) for row in await unit.conn.execute(query)]


async def save(unit: Unit, station: StationId, tenant: TenantId, job: Job) -> None:
    """A job as it is now; the station's oldest make room for it."""
    c = jobs.c
    oldest = (
        select(c.changed_at)
        .where(c.station_id == station)
        .order_by(c.changed_at.desc())
        .offset(JOBS_KEPT_MAX - 1)
        .limit(1)
        .scalar_subquery()
    )
    await unit.conn.execute(delete(jobs).where(c.station_id == station, c.changed_at < oldest))
    row = {
        "station_id": station,
        "kind": job.kind.value,
        "request_id": job.request_id,
        "tenant_id": tenant,
        "phase": job.phase.value,
        "status": job.status,
        "begun_at": job.begun_at,
        "changed_at": job.changed_at,
        "steps": msgspec.to_builtins(job.steps),
        "places": list(job.places),
    }
    await put(unit, jobs, [row], owner="station_id", most=2 * JOBS_KEPT_MAX)


async def jobs_of(unit: Unit, station: StationId, *, limit: int) -> list[Job]:
    """Jobs of a station, newest first."""
    query = (
        select(jobs)
        .where(jobs.c.station_id == station)
        .order_by(jobs.c.changed_at.desc())
        .limit(limit)
    )
    return [_job(row) for row in await unit.conn.execute(query)]


def _job(row: Any) -> Job:
    return Job(
        kind=JobKind(row.kind),
        request_id=row.request_id,
        phase=Phase(row.phase),
        status=row.status,
        begun_at=row.begun_at,
        changed_at=row.changed_at,
        steps=msgspec.convert(row.steps, tuple[Step, ...]),
        places=tuple(row.places),
    )
