"""Certificates: our own authorities, what they sign, what they revoke, and whom we trust besides.

Knows no OCPP version, no session and nothing of a station but its identity.
"""

from forecourt.domain.security.model import (
    Authority,
    AuthorityAdded,
    AuthorityAway,
    AuthorityRefused,
    AuthorityUnknown,
    Certificate,
    CertificateAuthority,
    CertificateIssued,
    CertificateRevoked,
    Holder,
    Issued,
    Profile,
    Reason,
    Role,
    ServerCertificate,
    Untrusted,
    Use,
)
from forecourt.domain.security.service import Security, SecurityOptions

__all__ = [
    "Authority",
    "AuthorityAdded",
    "AuthorityAway",
    "AuthorityRefused",
    "AuthorityUnknown",
    "Certificate",
    "CertificateAuthority",
    "CertificateIssued",
    "CertificateRevoked",
    "Holder",
    "Issued",
    "Profile",
    "Reason",
    "Role",
    "Security",
    "SecurityOptions",
    "ServerCertificate",
    "Untrusted",
    "Use",
]
