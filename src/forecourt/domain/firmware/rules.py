"""Pure decisions: what a station's word means for its job."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.domain.firmware.model import (
    STEPS_MAX,
    FirmwareStatus,
    Job,
    JobKind,
    LogStatus,
    LogUploaded,
    Phase,
    Step,
    Told,
)

IDLE: Final = "Idle"
"""Said when asked, and nothing is going on."""

_FIRMWARE: Final[Mapping[str, Phase]] = {
    "DownloadScheduled": Phase.WAITING,
    "Downloading": Phase.RUNNING,
    "DownloadPaused": Phase.RUNNING,
    "Downloaded": Phase.RUNNING,
    "SignatureVerified": Phase.RUNNING,
    "InstallScheduled": Phase.WAITING,
    "Installing": Phase.RUNNING,
    "InstallRebooting": Phase.RUNNING,
    "Installed": Phase.DONE,
    "DownloadFailed": Phase.FAILED,
    "InvalidSignature": Phase.FAILED,
    "InstallVerificationFailed": Phase.FAILED,
    "InstallationFailed": Phase.FAILED,
}
_PUBLISH: Final[Mapping[str, Phase]] = {
    "DownloadScheduled": Phase.WAITING,
    "Downloading": Phase.RUNNING,
    "DownloadPaused": Phase.RUNNING,
    "Downloaded": Phase.RUNNING,
    "ChecksumVerified": Phase.RUNNING,
    "Published": Phase.DONE,
    "DownloadFailed": Phase.FAILED,
    "InvalidChecksum": Phase.FAILED,
    "PublishFailed": Phase.FAILED,
}
_LOG: Final[Mapping[str, Phase]] = {
    "Uploading": Phase.RUNNING,
    "Uploaded": Phase.DONE,
    "AcceptedCanceled": Phase.FAILED,  # Another request took its place.
    "UploadFailed": Phase.FAILED,
    "UploadFailure": Phase.FAILED,
    "BadMessage": Phase.FAILED,
    "NotSupportedOperation": Phase.FAILED,
    "PermissionDenied": Phase.FAILED,
}
PHASES: Final[Mapping[JobKind, Mapping[str, Phase]]] = {
    JobKind.UPDATE: _FIRMWARE,
    JobKind.PUBLISH: _PUBLISH,
    JobKind.LOG: _LOG,
    JobKind.DIAGNOSTICS: _LOG,
}


def phase(kind: JobKind, status: str) -> Phase:
    """What a word means; one that we do not know is some step on the way."""
    return PHASES[kind].get(status, Phase.RUNNING)


def stepped(
    before: Job | None, step: Step, *, kind: JobKind, request_id: int, places: tuple[str, ...] = ()
) -> Job:
    """A job after its station spoke. After its end the same number is another job."""
    after = phase(kind, step.status)
    if before is None or (before.over and after in {Phase.WAITING, Phase.RUNNING}):
        return Job(
            kind=kind,
            request_id=request_id,
            phase=after,
            status=step.status,
            begun_at=step.at,
            changed_at=step.at,
            steps=(step,),
            places=places,
        )
    last = before.steps[-1]
    if (last.status, last.info) == (step.status, step.info):
        return replace(before, places=places or before.places)  # Told again.
    return replace(
        before,
        phase=after,
        status=step.status,
        changed_at=step.at,
        steps=(*before.steps[: STEPS_MAX - 1], step),
        places=places or before.places,
    )


def abandoned(before: Job, now: datetime) -> Job:
    """The station says that it does nothing of the kind: what it was at is lost."""
    return replace(
        before,
        phase=Phase.FAILED,
        status=IDLE,
        changed_at=now,
        steps=(*before.steps[: STEPS_MAX - 1], Step(now, IDLE)),
    )


def told(ctx: Context, station: StationId, job: Job) -> Told:
    """What the world hears of a job's newest step."""
    kind = FirmwareStatus if job.kind in {JobKind.UPDATE, JobKind.PUBLISH} else LogStatus
    status = kind(
        tenant=ctx.tenant,
        at=ctx.now,
        station=station,
        kind=job.kind,
        request_id=job.request_id,
        status=job.status,
        phase=job.phase,
        info=job.steps[-1].info,
    )
    if kind is FirmwareStatus or job.phase is not Phase.DONE:
        return [status]
    uploaded = LogUploaded(
        tenant=ctx.tenant,
        at=ctx.now,
        station=station,
        kind=job.kind,
        request_id=job.request_id,
    )
    return [status, uploaded]
