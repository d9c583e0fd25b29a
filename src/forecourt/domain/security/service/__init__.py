"""The room's verbs, by topic, and ``Security``, which holds them side by side."""

from forecourt.domain.security.service.security import Security, SecurityOptions

__all__ = ["Security", "SecurityOptions"]
