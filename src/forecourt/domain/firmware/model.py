"""What exists in this room: jobs that stations do with files, as they tell of them."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from forecourt.domain.stations import StationEvent

JOBS_KEPT_MAX: Final = 200
"""Of one station; the oldest make room."""
STEPS_MAX: Final = 100
"""Of one job: what a station repeats beyond is only its newest."""
UNNAMED: Final = -1
"""The number of a job that the station does not name (1.6; 2.x, where nobody asked)."""


class JobKind(StrEnum):
    """What a station does with a file."""

    UPDATE = "update"
    """Its own firmware."""
    PUBLISH = "publish"
    """Firmware that it offers to its neighbours (a local controller)."""
    LOG = "log"
    """It uploads a log."""
    DIAGNOSTICS = "diagnostics"
    """The same in 1.6 without the security extension."""


class Phase(StrEnum):
    """How far a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Step(Struct, frozen=True):
    """What a station said of a job, and when."""

    at: datetime
    status: str
    """The specification's word."""
    info: str = ""


class Job(Struct, frozen=True, kw_only=True):
    """A station does something with a file, step by step."""

    kind: JobKind
    request_id: int
    """The request that asked for it; UNNAMED where the station does not say."""
    phase: Phase
    status: str
    begun_at: datetime
    changed_at: datetime
    steps: tuple[Step, ...]
    places: tuple[str, ...] = ()
    """Where published firmware can be had."""

    @property
    def over(self) -> bool:
        return self.phase in {Phase.DONE, Phase.FAILED}


class FirmwareStatus(StationEvent, frozen=True, kw_only=True, tag="firmware.status"):
    """A station is further with its firmware, or with what it publishes, or it failed."""

    kind: JobKind
    request_id: int
    status: str
    phase: Phase
    info: str


class LogStatus(StationEvent, frozen=True, kw_only=True, tag="log.status"):
    """A station is further with the upload of a log, or it failed."""

    kind: JobKind
    request_id: int
    status: str
    phase: Phase
    info: str


class LogUploaded(StationEvent, frozen=True, kw_only=True, tag="log.uploaded"):
    """A log is where it was to be."""

    kind: JobKind
    request_id: int


Told = Sequence[FirmwareStatus | LogStatus | LogUploaded]
