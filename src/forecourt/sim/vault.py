"""A station's keys and certificates: what it is asked to sign, to trust, to forget. No I/O.

Certificates are checked as a careful station checks them; messages are the voices' business.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from typing import Final, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import Struct

CERTIFICATES_MAX: Final = 20
"""Flash is small; the next is refused."""

_DER_SHORT_MAX: Final = 0x7F

Use = Literal["CSMSRoot", "ManufacturerRoot", "V2GRoot", "MORoot", "OEMRoot", "V2GChain"]
Verdict = Literal["Accepted", "Rejected", "Failed"]


class HashData(Struct, frozen=True):
    """What names a certificate in every version."""

    algorithm: str
    issuer_name: str
    issuer_key: str
    serial: str


class Installed(Struct, frozen=True):
    """One root that the station trusts."""

    use: Use
    certificate: x509.Certificate
    names: HashData


class Vault:
    """One station's."""

    __slots__ = ("_key", "_next_key", "_v2g", "_v2g_key", "chain", "installed")

    def __init__(self) -> None:
        self.installed: list[Installed] = []
        self._key: ec.EllipticCurvePrivateKey | None = None
        self._next_key: ec.EllipticCurvePrivateKey | None = None
        self._v2g_key: ec.EllipticCurvePrivateKey | None = None
        self._v2g: list[x509.Certificate] = []
        self.chain: str | None = None
        """PEM of the certificate that it shows the central system, with what signed it."""

    # --- Its own ----------------------------------------------------------------------------------

    def request(self, name: str, organization: str, *, v2g: bool = False) -> str:
        """A new key pair, and the PEM that asks for a certificate for it."""
        key = ec.generate_private_key(ec.SECP256R1())
        if v2g:
            self._v2g_key = key
        else:
            self._next_key = key
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, name[:64]),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization[:64] or "-"),
            ]
        )
        csr = x509.CertificateSigningRequestBuilder().subject_name(subject)
        return csr.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def take(self, pem: str, now: datetime, *, v2g: bool = False) -> str | None:
        """Use a signed certificate from now on; or what is wrong with it."""
        key = self._v2g_key if v2g else self._next_key
        if key is None:
            return "NoRequestWaits"
        chain = read_chain(pem)
        wrong = chain_fault(chain, now)
        if wrong is not None:
            return wrong
        if chain[0].public_key() != key.public_key():
            return "KeyMismatch"
        if v2g:
            self._v2g = chain
        else:
            self._key, self._next_key, self.chain = key, None, pem
        return None

    def key_pem(self) -> bytes:
        assert self._key is not None, "only who has a certificate has its key"
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    # --- What it trusts ---------------------------------------------------------------------------

    def install(self, use: Use, pem: str, now: datetime) -> Verdict:
        chain = read_chain(pem)
        if len(chain) != 1 or chain_fault(chain, now) is not None or not _is_authority(chain[0]):
            return "Rejected"
        names = hash_data(chain[0], chain[0])
        if any(one.names == names and one.use == use for one in self.installed):
            return "Accepted"
        if len(self.installed) >= CERTIFICATES_MAX:
            return "Failed"
        self.installed.append(Installed(use, chain[0], names))
        return "Accepted"

    def delete(self, names: HashData) -> bool:
        """Forget a root; False when there is none of these names."""
        kept = [one for one in self.installed if not same(one.names, names)]
        gone = len(kept) < len(self.installed)
        self.installed = kept
        return gone

    def listed(self, uses: Iterable[Use]) -> list[tuple[Use, HashData, list[HashData]]]:
        """Names of what is there, each with the names of what hangs below it."""
        wanted = set(uses)
        found: list[tuple[Use, HashData, list[HashData]]] = [
            (one.use, one.names, []) for one in self.installed if one.use in wanted
        ]
        if "V2GChain" in wanted and self._v2g:
            names = [hash_data(c, i) for c, i in zip(self._v2g, _issuers(self._v2g), strict=True)]
            found.append(("V2GChain", names[0], names[1:]))
        return found

    def roots(self, use: Use) -> list[x509.Certificate]:
        return [one.certificate for one in self.installed if one.use == use]

    def roots_pem(self, use: Use) -> str:
        return "".join(c.public_bytes(serialization.Encoding.PEM).decode() for c in self.roots(use))


def read_chain(pem: str) -> list[x509.Certificate]:
    """The certificates of a text, leaf first; none where it cannot be read."""
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        return []


def chain_fault(chain: list[x509.Certificate], now: datetime) -> str | None:
    """What is wrong with a chain, leaf first; None for nothing."""
    if not chain:
        return "Unreadable"
    if any(not c.not_valid_before_utc <= now <= c.not_valid_after_utc for c in chain):
        return "OutOfDate"
    try:
        for child, parent in pairwise(chain):
            child.verify_directly_issued_by(parent)
    except (ValueError, TypeError, InvalidSignature):
        return "BrokenChain"
    return None


def hash_data(certificate: x509.Certificate, issuer: x509.Certificate) -> HashData:
    """As RFC 6960 (4.1.1) hashes: the issuer's name, and the bits of its key."""
    key = issuer.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return HashData(
        "SHA256",
        _sha256(certificate.issuer.public_bytes()),
        _sha256(_key_bits(key)),
        f"{certificate.serial_number:x}",
    )


def same(one: HashData, other: HashData) -> bool:
    """Hexadecimal digits have two spellings, and serial numbers zeros in front."""
    return (
        one.algorithm == other.algorithm
        and one.issuer_name.lower() == other.issuer_name.lower()
        and one.issuer_key.lower() == other.issuer_key.lower()
        and one.serial.lower().lstrip("0") == other.serial.lower().lstrip("0")
    )


def _issuers(chain: list[x509.Certificate]) -> list[x509.Certificate]:
    return [*chain[1:], chain[-1]]


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, ValueError):
        return False
    return constraints.value.ca


def _sha256(data: bytes) -> str:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(data)
    return digest.finalize().hex()


def _key_bits(spki: bytes) -> bytes:
    """The BIT STRING of a SubjectPublicKeyInfo, without tag, length and count of unused bits."""
    _, at = _der_length(spki, 1)  # Into the outer SEQUENCE,
    algorithm_length, at = _der_length(spki, at + 1)  # over the algorithm,
    _, at = _der_length(spki, at + algorithm_length + 1)  # into the BIT STRING.
    return spki[at + 1 :]


def _der_length(data: bytes, at: int) -> tuple[int, int]:
    """A DER length and where its content begins."""
    first = data[at]
    if first <= _DER_SHORT_MAX:
        return first, at + 1
    size = first & _DER_SHORT_MAX
    return int.from_bytes(data[at + 1 : at + 1 + size], "big"), at + 1 + size
