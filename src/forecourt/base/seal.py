"""Secrets that must be read again, such as private keys: encrypted with the installation's key.

AES-256-GCM with a key of its own for each use. What is sealed for one place (its ``label``) does
not open in another: a row that somebody moved is as useless as one that somebody stole.
"""

import secrets
from functools import lru_cache
from typing import ClassVar, Final, NewType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from forecourt.base.digest import KEY_BYTES
from forecourt.base.errors import ForecourtError, Kind

Sealed = NewType("Sealed", bytes)

VERSION: Final = b"\x01"
NONCE_BYTES: Final = 12


class SealBroken(ForecourtError):
    """The secret was sealed with another installation's key, or for another place."""

    kind: ClassVar[Kind] = Kind.INTERNAL
    code: ClassVar[str] = "seal.broken"


def seal(secret: bytes, *, key: bytes, use: str, label: str) -> Sealed:
    """``secret``, unreadable without ``key``."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return Sealed(VERSION + nonce + _cipher(key, use).encrypt(nonce, secret, label.encode()))


def unseal(sealed: Sealed, *, key: bytes, use: str, label: str) -> bytes:
    """What was sealed. Raises SealBroken."""
    nonce, rest = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    if sealed[:1] != VERSION or len(nonce) != NONCE_BYTES:
        raise SealBroken("a sealed secret is damaged", label=label)
    try:
        return _cipher(key, use).decrypt(nonce, rest, label.encode())
    except InvalidTag as error:
        raise SealBroken(
            "a sealed secret does not open: it was made with another secret.key", label=label
        ) from error


# An installation has one key and few uses; a delivery of a webhook opens a seal each time.
@lru_cache(maxsize=16)
def _cipher(key: bytes, use: str) -> AESGCM:
    assert len(key) == KEY_BYTES, "the installation's key has 32 bytes"
    derived = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"forecourt seal " + use.encode())
    return AESGCM(derived.derive(key))
