"""The room's routes: sessions, power, and the commands to stations."""

from forecourt.domain.sessions.api.commands import CommandRoutes
from forecourt.domain.sessions.api.power import ConnectorRoutes, PowerRoutes
from forecourt.domain.sessions.api.sessions import SessionRoutes, UnmatchedStopRoutes

__all__ = [
    "CommandRoutes",
    "ConnectorRoutes",
    "PowerRoutes",
    "SessionRoutes",
    "UnmatchedStopRoutes",
]
