"""Who signed a firmware image, as far as a station without the image can tell. Knows no version."""

from base64 import b64decode
from binascii import Error
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from forecourt.sim.vault import chain_fault, read_chain

_SIGNATURE_BYTES_MIN: Final = 32
"""No signature of any algorithm in use is shorter."""


def signer_fault(pem: str, roots: list[x509.Certificate], now: datetime) -> str | None:
    """What is wrong with the signer's certificate; None when it can be trusted.

    A station without a manufacturer's root believes any that is well formed and in date.
    """
    chain = read_chain(pem)
    wrong = chain_fault(chain, now)
    if wrong is not None or not roots:
        return wrong
    return None if any(_issued(chain[-1], root) for root in roots) else "UnknownIssuer"


def _issued(certificate: x509.Certificate, root: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def signature_ok(text: str) -> bool:
    """Whether it could be a signature at all; there is no image to hold against it."""
    try:
        return len(b64decode(text, validate=True)) >= _SIGNATURE_BYTES_MIN
    except (Error, ValueError):
        return False
