"""What stations notice and report by themselves: variable events, alarms, monitors, streams.

Knows no OCPP version, no token and no session.
"""

from forecourt.domain.monitoring.model import (
    Alarm,
    AlarmCleared,
    AlarmRaised,
    AlarmSource,
    AlarmUnknown,
    Cause,
    Display,
    Monitor,
    Origin,
    Page,
    Point,
    Report,
    ReportEnded,
    ReportKind,
    ReportState,
    ReportTooLarge,
    ReportUnfinished,
    ReportUnknown,
    Stream,
    StreamClosed,
    StreamOpened,
    StreamValue,
    VariableEvent,
    VariableReported,
    VendorSaid,
)
from forecourt.domain.monitoring.service import Monitoring
from forecourt.domain.monitoring.store import WRITES

__all__ = [
    "WRITES",
    "Alarm",
    "AlarmCleared",
    "AlarmRaised",
    "AlarmSource",
    "AlarmUnknown",
    "Cause",
    "Display",
    "Monitor",
    "Monitoring",
    "Origin",
    "Page",
    "Point",
    "Report",
    "ReportEnded",
    "ReportKind",
    "ReportState",
    "ReportTooLarge",
    "ReportUnfinished",
    "ReportUnknown",
    "Stream",
    "StreamClosed",
    "StreamOpened",
    "StreamValue",
    "VariableEvent",
    "VariableReported",
    "VendorSaid",
]
