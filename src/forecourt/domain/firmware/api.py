"""The room's routes: what a station did with files."""

from datetime import datetime

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.domain.firmware.model import UNNAMED, Job, JobKind, Phase
from forecourt.domain.firmware.service import Firmware
from forecourt.domain.stations import Stations


class StepView(Struct, frozen=True, kw_only=True):
    """What the station said, and when."""

    at: datetime
    status: str
    info: str


class JobView(Struct, frozen=True, kw_only=True):
    """A firmware update, a publication, or an upload, as far as it is."""

    kind: JobKind
    request_id: int | None
    """The request that asked for it; null where the station does not say."""
    phase: Phase
    status: str
    """The station's newest word."""
    begun_at: datetime
    changed_at: datetime
    steps: tuple[StepView, ...]
    places: tuple[str, ...]
    """Where published firmware can be had."""


class JobPage(Struct, frozen=True, kw_only=True):
    """Jobs, newest first; always whole."""

    items: list[JobView]
    next: str | None = None


class JobRoutes(Controller):
    """Firmware and logs: how far stations are."""

    path = "/stations/{station_id:str}/file-jobs"
    tags = ("Firmware",)

    @get(operation_id="list_file_jobs", summary="Firmware updates and log uploads")
    async def page(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        firmware: NamedDependency[Firmware],
        station_id: FromPath[str],
    ) -> JobPage:
        """What the station told of firmware updates, publications and uploads of logs."""
        station, _ = await stations.read(ctx, StationId(station_id))
        return JobPage(items=[job_view(job) for job in await firmware.jobs(ctx, station.id)])


def job_view(job: Job) -> JobView:
    """A job as the API shows it."""
    return JobView(
        kind=job.kind,
        request_id=None if job.request_id == UNNAMED else job.request_id,
        phase=job.phase,
        status=job.status,
        begun_at=job.begun_at,
        changed_at=job.changed_at,
        steps=tuple(StepView(at=s.at, status=s.status, info=s.info) for s in job.steps),
        places=job.places,
    )
