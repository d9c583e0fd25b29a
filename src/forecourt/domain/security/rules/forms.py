"""The forms in which certificates travel: DER inside, PEM on the wire, hexadecimal serials."""

from collections.abc import Iterable
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID


def pem(der: bytes) -> str:
    """One certificate as text."""
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()


def pem_chain(ders: Iterable[bytes]) -> str:
    """Several, in their order."""
    return "".join(map(pem, ders))


def fingerprint(der: bytes) -> str:
    """What names a certificate to people: its SHA-256."""
    return sha256(der).hexdigest()


def serial_hex(serial: int) -> str:
    """A serial number as OCPP spells it: hexadecimal, no prefix, no leading zeros."""
    return f"{serial:x}"


def common_name(name: x509.Name) -> str:
    """The one common name of a subject; '' when there is none, or more than one."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if len(found) == 1 else ""
