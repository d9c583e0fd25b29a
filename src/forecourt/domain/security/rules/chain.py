"""Whether a chain of certificates leads to somebody whom we trust."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from msgspec import Struct

from forecourt.domain.security.model import CHAIN_MAX, Verdict

# What we look at; whoever puts another demand on the reader of a certificate is not understood.
UNDERSTOOD: Final = frozenset(
    {
        x509.BasicConstraints.oid,
        x509.KeyUsage.oid,
        x509.ExtendedKeyUsage.oid,
        x509.SubjectAlternativeName.oid,
        x509.CertificatePolicies.oid,
    }
)


class Path(Struct, frozen=True):
    """What became of a chain: its certificates from the leaf to the anchor, as far as it went."""

    verdict: Verdict
    certificates: tuple[x509.Certificate, ...]


def read_chain(text: str) -> tuple[x509.Certificate, ...] | None:
    """Certificates in PEM, the leaf first; None when that is not what it is."""
    try:
        found = x509.load_pem_x509_certificates(text.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return tuple(found) if len(found) <= CHAIN_MAX else None


def verify(
    chain: Sequence[x509.Certificate], anchors: Iterable[x509.Certificate], now: datetime
) -> Path:
    """Follow the issuers from the leaf up to an anchor; those between may come in any order."""
    try:
        return _verify(chain, tuple(anchors), now)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension):
        return Path(Verdict.BROKEN, tuple(chain[:1]))


def _verify(
    chain: Sequence[x509.Certificate], anchors: tuple[x509.Certificate, ...], now: datetime
) -> Path:
    path = [chain[0]]
    above = [one for one in chain[1:] if one not in anchors]
    while (anchor := _issuer(path[-1], anchors)) is None:
        issuer = _issuer(path[-1], above)
        if issuer is None or not _may_sign(issuer, below=len(path) - 1):
            return Path(Verdict.BROKEN, tuple(path))
        above.remove(issuer)
        path.append(issuer)
    path.append(anchor)
    if not _may_sign(anchor, below=len(path) - 2) or not all(map(_understood, path)):
        return Path(Verdict.BROKEN, tuple(path))
    if not all(one.not_valid_before_utc <= now < one.not_valid_after_utc for one in path):
        return Path(Verdict.EXPIRED, tuple(path))
    return Path(Verdict.GOOD, tuple(path))


def may_sign(certificate: x509.Certificate) -> bool:
    """Whether it is the certificate of an authority."""
    return _may_sign(certificate, below=0)


def _issuer(
    certificate: x509.Certificate, among: Iterable[x509.Certificate]
) -> x509.Certificate | None:
    for one in among:
        if one.subject == certificate.issuer:
            try:
                certificate.verify_directly_issued_by(one)
            except InvalidSignature:
                continue
            return one
    return None


def _may_sign(certificate: x509.Certificate, *, below: int) -> bool:
    """Whether it is an authority, with at most so many authorities below it (RFC 5280, 6.1.4)."""
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        signs = True
    else:
        signs = usage.key_cert_sign
    return basic.ca and signs and (basic.path_length is None or basic.path_length >= below)


def _understood(certificate: x509.Certificate) -> bool:
    return all(one.oid in UNDERSTOOD for one in certificate.extensions if one.critical)
