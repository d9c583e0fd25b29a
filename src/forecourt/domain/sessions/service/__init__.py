"""The room's verbs: sessions, and the power that they take."""

from forecourt.domain.sessions.service.power import Power
from forecourt.domain.sessions.service.sessions import Sessions, Turn

__all__ = ["Power", "Sessions", "Turn"]
