"""The room's verbs, by topic, and ``Security``, which holds them side by side."""

from forecourt.domain.security.service.contracts import Checked
from forecourt.domain.security.service.est import EstAuthority
from forecourt.domain.security.service.example import example
from forecourt.domain.security.service.provider import ContractProvider
from forecourt.domain.security.service.security import Security, SecurityOptions

__all__ = ["Checked", "ContractProvider", "EstAuthority", "Security", "SecurityOptions", "example"]
