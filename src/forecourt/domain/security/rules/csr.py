"""What a station's signing request must be before any authority sees it."""

from hashlib import sha256
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from forecourt.base.text import is_printable
from forecourt.domain.security.model import Sound, Unfit, Use
from forecourt.domain.security.rules.forms import common_name
from forecourt.domain.security.rules.profiles import COMMON_NAME_MAX

# What the messages allow (1.6 security whitepaper 5.17; SignCertificateRequest of 2.x).
CSR_LENGTH_MAX: Final = 5_500
# 112 bits of security (A00.FR.501 to 503); above that, a signature costs us and nobody gains.
RSA_BITS_MIN, RSA_BITS_MAX = 2_048, 8_192
CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
HASHES: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
ORGANIZATION_MAX: Final = 64


def read_csr(
    text: str, use: Use, *, names: frozenset[str], organization: str | None
) -> Sound | Unfit:
    """A request (PEM) as something that can be signed, or why not.

    ``names``: how a station may call itself; ``organization``: whom it must belong to, None for
    whomever it says.
    """
    if len(text) > CSR_LENGTH_MAX:
        return Unfit(reason=f"a request has at most {CSR_LENGTH_MAX} characters")
    try:
        request = x509.load_pem_x509_csr(text.encode())
        genuine = request.is_signature_valid
        digest = request.signature_hash_algorithm
        authority = _wants_authority(request)
        flaw = _key_flaw(request) or _subject_flaw(request, use, names, organization)
        der = request.public_bytes(Encoding.DER)
        subject = common_name(request.subject)
        owner = _owner(request)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension):
        return Unfit(reason="this is no request that can be read")
    if flaw:
        return Unfit(reason=flaw)
    if not genuine:
        flaw = "the request is not signed by the key in it"
    elif not isinstance(digest, HASHES):
        flaw = "the request's signature needs SHA-256 or better"
    elif authority:
        flaw = "nobody becomes an authority by asking"
    if flaw:
        return Unfit(reason=flaw)
    return Sound(der=der, digest=sha256(der).digest(), subject=subject, organization=owner)


def name_in_csr(text: str) -> str:
    """The common name that a request (PEM) bears; '' when it cannot be read."""
    try:
        return common_name(x509.load_pem_x509_csr(text[:CSR_LENGTH_MAX].encode()).subject)
    except (ValueError, TypeError):
        return ""


def _wants_authority(request: x509.CertificateSigningRequest) -> bool:
    try:
        found = request.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return False
    return found.value.ca


def _key_flaw(request: x509.CertificateSigningRequest) -> str:
    match request.public_key():
        case ec.EllipticCurvePublicKey() as key if isinstance(key.curve, CURVES):
            return ""
        case ec.EllipticCurvePublicKey():
            return "the key's curve is none of P-256, P-384, P-521"
        case rsa.RSAPublicKey() as key if key.key_size < RSA_BITS_MIN:
            return f"an RSA key has at least {RSA_BITS_MIN} bits"
        case rsa.RSAPublicKey() as key if key.key_size > RSA_BITS_MAX:
            return f"an RSA key has at most {RSA_BITS_MAX} bits"
        case rsa.RSAPublicKey():
            return ""
        case _:
            return "the key is neither ECDSA nor RSA"


def _subject_flaw(
    request: x509.CertificateSigningRequest,
    use: Use,
    names: frozenset[str],
    organization: str | None,
) -> str:
    name, owner = common_name(request.subject), _owner(request)
    if not name or not is_printable(name) or len(name.encode()) > COMMON_NAME_MAX:
        return "the subject needs one common name"
    if use is Use.STATION and name not in names:
        return "the common name is not this station's identity or serial number"
    if _is_address(name):
        return "a station's common name is no address (A00.FR.511)"
    if len(owner.encode()) > ORGANIZATION_MAX or not is_printable(owner):
        return "the organization cannot be read"
    if organization is not None and owner not in ("", organization):
        return f"the organization is not {organization!r}"
    return ""


def _owner(request: x509.CertificateSigningRequest) -> str:
    found = request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return str(found[0].value) if found else ""


def _is_address(name: str) -> bool:
    if "://" in name:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
