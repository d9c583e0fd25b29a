"""How OCPP and OCSP name certificates: by hashes of the issuer's name and key, and the serial."""

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import new
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.ocsp import OCSPRequestBuilder

from forecourt.domain.security.model import CertificateAuthority, CertificateName, HashAlgorithm
from forecourt.domain.security.rules.forms import serial_hex

# RFC 5280, 4.1.2.2: at most 20 octets, and positive.
SERIAL_BITS_MAX: Final = 159
_HEX: Final = re.compile(r"[0-9a-f]+")

ALGORITHMS: Final[dict[HashAlgorithm, hashes.HashAlgorithm]] = {
    HashAlgorithm.SHA1: hashes.SHA1(),  # noqa: S303 (OCSP's clients still name certificates so; nothing is signed by it)
    HashAlgorithm.SHA256: hashes.SHA256(),
    HashAlgorithm.SHA384: hashes.SHA384(),
    HashAlgorithm.SHA512: hashes.SHA512(),
}


def issuer_hashes(issuer: x509.Certificate, algorithm: HashAlgorithm) -> tuple[str, str]:
    """(of the name, of the key), hexadecimal."""
    # The builder hashes the key's bits as RFC 6960 wants; the name that it hashes is the leaf's
    # issuer, which here is the issuer's own.
    builder = OCSPRequestBuilder().add_certificate(issuer, issuer, ALGORITHMS[algorithm])
    by_key = builder.build().issuer_key_hash.hex()
    return new(algorithm.value, issuer.subject.public_bytes()).hexdigest(), by_key


@lru_cache(maxsize=4_096)
def _hashes_of(der: bytes, algorithm: HashAlgorithm) -> tuple[str, str]:
    return issuer_hashes(x509.load_der_x509_certificate(der), algorithm)


def certificate_name(
    algorithm: HashAlgorithm, issuer_name: str, issuer_key: str, serial: str
) -> CertificateName | None:
    """A name from outside, small letters and no zeros before the serial; None where it is none."""
    hashed = [text.strip().lower() for text in (issuer_name, issuer_key)]
    number = serial.strip().lower().lstrip("0") or "0"
    size = 2 * ALGORITHMS[algorithm].digest_size
    if not all(_HEX.fullmatch(text) and len(text) == size for text in hashed):
        return None
    if _HEX.fullmatch(number) is None or int(number, 16).bit_length() > SERIAL_BITS_MAX:
        return None
    return CertificateName(
        algorithm=algorithm, issuer_name=hashed[0], issuer_key=hashed[1], serial=number
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
    wanted = (name.issuer_name, name.issuer_key)
    for authority in authorities:
        if _hashes_of(authority.certificate, name.algorithm) == wanted:
            return authority
    return None
