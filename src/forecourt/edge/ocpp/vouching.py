"""Whose word on a station's certificate counts: our own authorities', or that of a file's.

The handshake has verified the chain; here it is told which station, which tenant, and whether it
was taken back. Asks nobody: a knock is answered at once.
"""

from collections.abc import Callable
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from forecourt.domain.security import Holder, Security
from forecourt.domain.stations import ClientCertificate
from forecourt.infra.tls import RevocationList

UNREADABLE = ClientCertificate(names=(), organizations=(), serial="", trusted=False)


class Vouching:
    """Reads a certificate that was shown."""

    def __init__(
        self,
        security: Security,
        *,
        revoked: RevocationList,
        by_file: bool,
        now: Callable[[], datetime],
    ) -> None:
        self._security = security
        self._revoked = revoked
        self._by_file = by_file
        """There is a file of CAs besides our own."""
        self._now = now

    def __call__(self, der: bytes) -> ClientCertificate:
        """What a certificate (DER) says, and whether that counts."""
        try:
            shown = x509.load_der_x509_certificate(der)
            names, organizations = _names(shown), _values(shown, NameOID.ORGANIZATION_NAME)
        except (ValueError, TypeError, x509.DuplicateExtension):
            return UNREADABLE
        held = self._security.station_of(der, self._now())
        ours = isinstance(held, Holder)
        # What no authority of ours signed, the handshake found a CA for in the file.
        by_file = not isinstance(held, Holder) and held.stranger and self._by_file
        issuer = shown.issuer.public_bytes()
        return ClientCertificate(
            names=tuple(names),
            organizations=tuple(organizations),
            serial=f"{shown.serial_number:X}",
            tenant=held.tenant if isinstance(held, Holder) else None,
            trusted=ours or by_file or (not isinstance(held, Holder) and held.revoked),
            revoked=(not isinstance(held, Holder) and held.revoked)
            or self._revoked(issuer, shown.serial_number),
        )


def _values(certificate: x509.Certificate, name: x509.ObjectIdentifier) -> list[str]:
    return [str(one.value) for one in certificate.subject.get_attributes_for_oid(name)]


def _names(certificate: x509.Certificate) -> list[str]:
    names = _values(certificate, NameOID.COMMON_NAME)
    try:
        other = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return names
    names += other.get_values_for_type(x509.DNSName)
    names += other.get_values_for_type(x509.UniformResourceIdentifier)
    return names
