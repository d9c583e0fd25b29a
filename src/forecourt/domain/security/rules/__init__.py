"""Pure decisions: what a request must be, what a certificate says, what it is worth."""

from forecourt.domain.security.rules.chain import Path, may_sign, read_chain, verify
from forecourt.domain.security.rules.crl import listed
from forecourt.domain.security.rules.csr import CSR_LENGTH_MAX, name_in_csr, read_csr
from forecourt.domain.security.rules.emaid import check_digit, emaid, spellings
from forecourt.domain.security.rules.forms import (
    common_name,
    fingerprint,
    pem,
    pem_chain,
    serial_hex,
)
from forecourt.domain.security.rules.hashes import (
    ALGORITHMS,
    certificate_name,
    issuer_hashes,
    issuer_of,
    name_of,
)
from forecourt.domain.security.rules.ocsp import OCSP_WORDS, asked, believed, is_answer, question
from forecourt.domain.security.rules.profiles import (
    COMMON_NAME_MAX,
    alternatives,
    authority_extensions,
    authority_name,
    leaf_extensions,
    name,
    profile_flaw,
    renew_at,
    span,
)
from forecourt.domain.security.rules.trust import Trust

__all__ = [
    "ALGORITHMS",
    "COMMON_NAME_MAX",
    "CSR_LENGTH_MAX",
    "OCSP_WORDS",
    "Path",
    "Trust",
    "alternatives",
    "asked",
    "authority_extensions",
    "authority_name",
    "believed",
    "certificate_name",
    "check_digit",
    "common_name",
    "emaid",
    "fingerprint",
    "is_answer",
    "issuer_hashes",
    "issuer_of",
    "leaf_extensions",
    "listed",
    "may_sign",
    "name",
    "name_in_csr",
    "name_of",
    "pem",
    "pem_chain",
    "profile_flaw",
    "question",
    "read_chain",
    "read_csr",
    "renew_at",
    "serial_hex",
    "span",
    "spellings",
    "verify",
]
