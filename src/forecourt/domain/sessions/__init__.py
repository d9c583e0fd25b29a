"""Sessions from plug to record, and the meter readings of their time. OCPP says transaction.

Knows no tariff, no invoice and no OCPP version.
"""

from forecourt.domain.sessions.model import (
    EventKind,
    EventReport,
    Flag,
    LiveSessions,
    Load,
    Progress,
    Reading,
    Session,
    SessionEnded,
    SessionStarted,
    SessionState,
    SessionUnknown,
    StartReport,
    StopReport,
    StopUnmatched,
)
from forecourt.domain.sessions.service import Power, Sessions, Turn
from forecourt.domain.sessions.store.sessions import WRITES

__all__ = [
    "WRITES",
    "EventKind",
    "EventReport",
    "Flag",
    "LiveSessions",
    "Load",
    "Power",
    "Progress",
    "Reading",
    "Session",
    "SessionEnded",
    "SessionStarted",
    "SessionState",
    "SessionUnknown",
    "Sessions",
    "StartReport",
    "StopReport",
    "StopUnmatched",
    "Turn",
]
