"""The room's verbs: tenants and their keys, people and their log-ins, what was done by whom.

And what keeps two requests from undoing each other: one editor at a time, a repeat done once.
"""

from forecourt.domain.tenants.service.audit import Audit
from forecourt.domain.tenants.service.edits import Edits
from forecourt.domain.tenants.service.logins import Logins
from forecourt.domain.tenants.service.passkeys import Passkeys
from forecourt.domain.tenants.service.people import People
from forecourt.domain.tenants.service.repeats import Repeats
from forecourt.domain.tenants.service.tenants import Tenants

__all__ = ["Audit", "Edits", "Logins", "Passkeys", "People", "Repeats", "Tenants"]
