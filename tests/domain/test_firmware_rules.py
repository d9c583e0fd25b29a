"""What a station's word means for its job."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from forecourt.domain.firmware import Job, JobKind, Phase, Step
from forecourt.domain.firmware.model import STEPS_MAX
from forecourt.domain.firmware.rules import IDLE, PHASES, abandoned, phase, stepped
from forecourt.protocol.ocpp.v16 import enums as v16
from forecourt.protocol.ocpp.v21 import enums as v21

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def job(*words: str, kind: JobKind = JobKind.UPDATE) -> Job:
    held: Job | None = None
    for number, word in enumerate(words):
        step = Step(NOW + timedelta(seconds=number), word)
        held = stepped(held, step, kind=kind, request_id=1)
    assert held is not None
    return held


@pytest.mark.parametrize(
    ("kind", "vocabulary"),
    [
        (JobKind.UPDATE, v16.FirmwareStatus),
        (JobKind.UPDATE, v16.FirmwareStatusEnum),
        (JobKind.UPDATE, v21.FirmwareStatusEnum),
        (JobKind.PUBLISH, v21.PublishFirmwareStatusEnum),
        (JobKind.LOG, v16.UploadLogStatusEnum),
        (JobKind.LOG, v21.UploadLogStatusEnum),
        (JobKind.DIAGNOSTICS, v16.DiagnosticsStatus),
    ],
)
def test_no_word_of_any_version_is_unknown(kind: JobKind, vocabulary: object) -> None:
    assert set(get_args(vocabulary)) - {IDLE} <= PHASES[kind].keys()


def test_a_word_that_is_not_known_is_a_step() -> None:
    assert phase(JobKind.UPDATE, "Unpacking") is Phase.RUNNING


def test_the_same_word_again_changes_nothing() -> None:
    once = job("Downloading", "Downloaded")
    assert job("Downloading", "Downloaded", "Downloaded") == once


def test_after_its_end_it_is_another_job() -> None:
    again = job("Installed", "Downloading")
    assert (again.begun_at, len(again.steps)) == (NOW + timedelta(seconds=1), 1)
    # A late word about how it ended is no beginning.
    assert len(job("Downloading", "InstallationFailed", "Installed").steps) == 3


def test_what_is_lost_has_failed() -> None:
    lost = abandoned(job("Downloading"), NOW)
    assert (lost.phase, lost.status, lost.over) == (Phase.FAILED, IDLE, True)


def test_it_does_not_grow_without_end() -> None:
    words = ["Downloading", "DownloadPaused"] * STEPS_MAX
    long = job(*words)
    assert (len(long.steps), long.steps[-1].status) == (STEPS_MAX, "DownloadPaused")
