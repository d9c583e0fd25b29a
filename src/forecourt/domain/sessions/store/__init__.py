"""Tables and SQL of this room, by topic."""

from forecourt.domain.sessions.store import power, sessions

__all__ = ["power", "sessions"]
