"""Firmware and logs: what stations tell of the files that they take and give.

Images, releases and campaigns have their place here and are to come. Knows no OCPP version.
"""

from forecourt.domain.firmware.model import (
    UNNAMED,
    FirmwareStatus,
    Job,
    JobKind,
    LogStatus,
    LogUploaded,
    Phase,
    Step,
)
from forecourt.domain.firmware.service import Firmware

__all__ = [
    "UNNAMED",
    "Firmware",
    "FirmwareStatus",
    "Job",
    "JobKind",
    "LogStatus",
    "LogUploaded",
    "Phase",
    "Step",
]
