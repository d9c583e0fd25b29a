"""Whose a station's certificate is: decided in memory, since a listener must answer at once."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID
from msgspec import Struct

from forecourt.domain.security.model import CertificateAuthority, Holder, Role, Untrusted
from forecourt.domain.security.rules.forms import common_name, fingerprint, serial_hex


class Trust(Struct, frozen=True, kw_only=True):
    """The authorities that vouch for stations, and what they took back."""

    issuers: Mapping[bytes, tuple[tuple[CertificateAuthority, x509.Certificate], ...]] = {}
    """By the name (DER) that they sign with; two tenants may have chosen the same."""
    revoked: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(
        cls, authorities: Iterable[CertificateAuthority], revoked: Iterable[tuple[str, str]]
    ) -> "Trust":
        """What is known now."""
        issuers: dict[bytes, tuple[tuple[CertificateAuthority, x509.Certificate], ...]] = {}
        for authority in authorities:
            if authority.role is Role.STATION:
                loaded = x509.load_der_x509_certificate(authority.certificate)
                name = loaded.subject.public_bytes()
                issuers[name] = (*issuers.get(name, ()), (authority, loaded))
        return cls(issuers=issuers, revoked=frozenset(revoked))

    def holder(self, certificate: bytes, now: datetime) -> Holder | Untrusted:
        """Whom a certificate (DER) speaks for."""
        try:
            leaf = x509.load_der_x509_certificate(certificate)
            name = common_name(leaf.subject)
            by = self._issuer(leaf)
            servers_only = _servers_only(leaf)
        except (ValueError, TypeError, x509.DuplicateExtension):
            return Untrusted(reason="the certificate cannot be read")
        if by is None:
            return Untrusted(reason="no authority that we trust vouches for it", stranger=True)
        if not leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc or by.expires_at <= now:
            return Untrusted(reason="the certificate has expired, or is not good yet")
        if (by.id, serial_hex(leaf.serial_number)) in self.revoked:
            return Untrusted(reason="the certificate was revoked", revoked=True)
        if servers_only or not name:
            return Untrusted(reason="it is no certificate of a station")
        return Holder(
            tenant=by.tenant,
            name=name,
            serial=serial_hex(leaf.serial_number),
            fingerprint=fingerprint(certificate),
            expires_at=leaf.not_valid_after_utc,
        )

    def _issuer(self, leaf: x509.Certificate) -> CertificateAuthority | None:
        for authority, certificate in self.issuers.get(leaf.issuer.public_bytes(), ()):
            try:
                leaf.verify_directly_issued_by(certificate)
            except InvalidSignature:
                continue
            return authority
        return None


def _servers_only(leaf: x509.Certificate) -> bool:
    try:
        found = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.CLIENT_AUTH not in found.value
