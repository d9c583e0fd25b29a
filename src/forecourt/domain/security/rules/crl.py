"""Lists of revoked certificates (RFC 5280, 5) that others publish: read, and believed or not."""

from collections.abc import Iterable
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from forecourt.domain.security.model import CertificateName, Status
from forecourt.domain.security.rules.hashes import issuer_hashes
from forecourt.domain.security.rules.ocsp import GOOD_FOR, SKEW


def listed(
    der: bytes, name: CertificateName, issuers: Iterable[x509.Certificate], now: datetime
) -> tuple[Status, datetime]:
    """What a list says of a certificate, and until when. Believed is the issuer's own alone."""
    nothing = (Status.UNAVAILABLE, now)
    try:
        found = x509.load_der_x509_crl(der)
        wanted = (name.issuer_name, name.issuer_key)
        issuer = next(
            (one for one in issuers if issuer_hashes(one, name.algorithm) == wanted), None
        )
        if issuer is None or found.issuer != issuer.subject:
            return nothing
        key = issuer.public_key()
        until = found.next_update_utc or found.last_update_utc + GOOD_FOR
        if not found.is_signature_valid(key) or not found.last_update_utc - SKEW <= now < until:  # type: ignore[arg-type]  # the keys that sign certificates sign lists too
            return nothing
        # A list of parts, or of somebody else's certificates, would say less than it seems to.
        if any(one.critical for one in found.extensions):
            return nothing
        entry = found.get_revoked_certificate_by_serial_number(int(name.serial, 16))
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension):
        return nothing
    return (Status.GOOD if entry is None else Status.REVOKED), until
