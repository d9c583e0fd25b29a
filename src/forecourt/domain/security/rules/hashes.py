"""How OCPP and OCSP name certificates: by hashes of the issuer's name and key, and the serial."""

from collections.abc import Iterable, Iterator
from hashlib import new
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from forecourt.domain.security.model import CertificateAuthority, CertificateName, HashAlgorithm
from forecourt.domain.security.rules.forms import serial_hex

ALGORITHMS: Final[dict[HashAlgorithm, hashes.HashAlgorithm]] = {
    HashAlgorithm.SHA1: hashes.SHA1(),  # noqa: S303 (OCSP's clients still name certificates so; nothing is signed by it)
    HashAlgorithm.SHA256: hashes.SHA256(),
    HashAlgorithm.SHA384: hashes.SHA384(),
    HashAlgorithm.SHA512: hashes.SHA512(),
}


def issuer_hashes(issuer: x509.Certificate, algorithm: HashAlgorithm) -> tuple[str, str]:
    """(of the name, of the key), hexadecimal."""
    key = issuer.public_key()
    # The key as RFC 6960 hashes it: the bits of the BIT STRING, which the key identifier hashes too.
    bits = _subject_public_key(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return (
        new(algorithm.value, issuer.subject.public_bytes()).hexdigest(),
        new(algorithm.value, bits).hexdigest(),
    )


def name_of(
    leaf: x509.Certificate, issuer: x509.Certificate, algorithm: HashAlgorithm
) -> CertificateName:
    """How a certificate is named."""
    by_name, by_key = issuer_hashes(issuer, algorithm)
    return CertificateName(
        algorithm=algorithm,
        issuer_name=by_name,
        issuer_key=by_key,
        serial=serial_hex(leaf.serial_number),
    )


def issuer_of(
    name: CertificateName, authorities: Iterable[CertificateAuthority]
) -> CertificateAuthority | None:
    """The authority that signed what is so named, if it is among these."""
    wanted = (name.issuer_name.lower(), name.issuer_key.lower())
    for authority in authorities:
        certificate = x509.load_der_x509_certificate(authority.certificate)
        if issuer_hashes(certificate, name.algorithm) == wanted:
            return authority
    return None


def _subject_public_key(spki: bytes) -> bytes:
    """The BIT STRING at the end of a SubjectPublicKeyInfo, without its count of unused bits."""
    parts = list(_elements(spki))
    [whole] = parts
    *_, bits = _elements(whole)
    return bits[1:]


def _elements(der: bytes) -> Iterator[bytes]:
    """The contents of the elements that lie one behind the other."""
    at = 0
    while at < len(der):
        size, at = der[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            size, at = int.from_bytes(der[at : at + count]), at + count
        yield der[at : at + size]
        at += size
