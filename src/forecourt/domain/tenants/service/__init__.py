"""The room's verbs: tenants and their keys, people and their log-ins, what was done by whom."""

from forecourt.domain.tenants.service.audit import Audit
from forecourt.domain.tenants.service.logins import Logins
from forecourt.domain.tenants.service.passkeys import Passkeys
from forecourt.domain.tenants.service.people import People
from forecourt.domain.tenants.service.tenants import Tenants

__all__ = ["Audit", "Logins", "Passkeys", "People", "Tenants"]
