"""Questions and answers about single certificates (RFC 6960): read, and believed or not."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from forecourt.domain.security.model import CertificateName, HashAlgorithm, Status
from forecourt.domain.security.rules.forms import serial_hex
from forecourt.domain.security.rules.hashes import ALGORITHMS, certificate_name, issuer_hashes

# Clocks differ; an answer that is a little old or a little early is believed.
SKEW: Final = timedelta(minutes=5)
# An answer that does not say when the next comes is worth this long.
GOOD_FOR: Final = timedelta(hours=1)

OCSP_WORDS: Final = {
    Status.GOOD: ocsp.OCSPCertStatus.GOOD,
    Status.REVOKED: ocsp.OCSPCertStatus.REVOKED,
    Status.UNKNOWN: ocsp.OCSPCertStatus.UNKNOWN,
}
STATUSES: Final = {word: status for status, word in OCSP_WORDS.items()}


def question(name: CertificateName) -> bytes:
    """What to send to a responder (DER)."""
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        bytes.fromhex(name.issuer_name),
        bytes.fromhex(name.issuer_key),
        int(name.serial, 16),
        ALGORITHMS[name.algorithm],
    )
    return builder.build().public_bytes(Encoding.DER)


def is_answer(der: bytes) -> bool:
    """Whether a responder said something about a certificate; who believes it is another matter."""
    try:
        response = ocsp.load_der_ocsp_response(der)
    except ValueError:
        return False
    return response.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL


def asked(der: bytes) -> tuple[CertificateName, bytes | None] | None:
    """What somebody asks of us, and the nonce that the answer must repeat."""
    try:
        request = ocsp.load_der_ocsp_request(der)
        algorithm = HashAlgorithm(request.hash_algorithm.name)
        name = certificate_name(
            algorithm,
            request.issuer_name_hash.hex(),
            request.issuer_key_hash.hex(),
            serial_hex(request.serial_number),
        )
        nonce = _nonce(request.extensions)
    except (ValueError, TypeError, NotImplementedError, UnsupportedAlgorithm):
        return None
    return None if name is None else (name, nonce)


def believed(
    der: bytes, name: CertificateName, issuers: Iterable[x509.Certificate], now: datetime
) -> tuple[Status, datetime]:
    """What a responder's answer is worth, and until when.

    Believed is the issuer itself, or whom it made its responder; ``issuers`` may be many, the
    right one is found by the name's hashes.
    """
    nothing = (Status.UNAVAILABLE, now)
    try:
        response = ocsp.load_der_ocsp_response(der)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return nothing
        wanted = (name.issuer_name, name.issuer_key)
        signer = next(
            (one for one in issuers if issuer_hashes(one, name.algorithm) == wanted), None
        )
        if signer is None or not _signed_for(response, signer, now):
            return nothing
        for single in response.responses:
            if (
                single.serial_number,
                single.issuer_name_hash.hex(),
                single.issuer_key_hash.hex(),
            ) == (
                int(name.serial, 16),
                *wanted,
            ):
                return _worth(single, now)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension):
        return nothing
    return nothing


def _worth(single: ocsp.OCSPSingleResponse, now: datetime) -> tuple[Status, datetime]:
    until = single.next_update_utc or single.this_update_utc + GOOD_FOR
    if not single.this_update_utc - SKEW <= now < until + SKEW:
        return Status.UNAVAILABLE, now
    return STATUSES[single.certificate_status], until


def _signed_for(response: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime) -> bool:
    if _verifies(response, issuer):
        return True
    for delegate in response.certificates:
        try:
            delegate.verify_directly_issued_by(issuer)
            purposes = delegate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
            continue
        in_time = delegate.not_valid_before_utc <= now < delegate.not_valid_after_utc
        if (
            in_time
            and ExtendedKeyUsageOID.OCSP_SIGNING in purposes
            and _verifies(response, delegate)
        ):
            return True
    return False


def _verifies(response: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    key, algorithm = signer.public_key(), response.signature_hash_algorithm
    if algorithm is None:
        return False
    try:
        match key:
            case ec.EllipticCurvePublicKey():
                key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(algorithm))
            case rsa.RSAPublicKey():
                key.verify(
                    response.signature, response.tbs_response_bytes, padding.PKCS1v15(), algorithm
                )
            case _:
                return False
    except InvalidSignature:
        return False
    return True


def _nonce(extensions: x509.Extensions) -> bytes | None:
    try:
        return extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
    except x509.ExtensionNotFound:
        return None
