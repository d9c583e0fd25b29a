"""Pure decisions: what a request must be, what a certificate says, what it is worth."""

from forecourt.domain.security.rules.forms import (
    common_name,
    fingerprint,
    pem,
    pem_chain,
    serial_hex,
)
from forecourt.domain.security.rules.profiles import (
    COMMON_NAME_MAX,
    alternatives,
    authority_extensions,
    leaf_extensions,
    name,
    renew_at,
    span,
)
from forecourt.domain.security.rules.trust import Trust

__all__ = [
    "COMMON_NAME_MAX",
    "Trust",
    "alternatives",
    "authority_extensions",
    "common_name",
    "fingerprint",
    "leaf_extensions",
    "name",
    "pem",
    "pem_chain",
    "renew_at",
    "serial_hex",
    "span",
]
