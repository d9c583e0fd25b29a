"""Keyed fast digests for long random secrets: station passwords and API keys.

A secret that a machine made from 128 or more random bits needs no slow hash (there is nothing to
guess); the key keeps a stolen table useless. People's passwords are another matter: argon2.
"""

import hmac
from hashlib import blake2b
from typing import Final, NewType

Digest = NewType("Digest", bytes)

DIGEST_BYTES: Final = 32
KEY_BYTES: Final = 32


def digest(secret: bytes, *, key: bytes, use: str) -> Digest:
    """32 bytes that name ``secret`` to holders of ``key``; ``use`` keeps kinds of secrets apart."""
    assert len(key) == KEY_BYTES, "the installation's key has 32 bytes"
    person = use.encode()[:16].ljust(16, b"\0")
    return Digest(blake2b(secret, key=key, person=person, digest_size=DIGEST_BYTES).digest())


def same(one: bytes, other: bytes) -> bool:
    """Equal, found out in constant time."""
    return hmac.compare_digest(one, other)
