"""Names for things. A station's id and a tenant's id must never be swapped unnoticed."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Final, NewType

TenantId = NewType("TenantId", str)
"""A short slug, such as ``acme``."""
StationId = NewType("StationId", str)
"""A station's identity as it stands in its URL (OCPP-J 3.1.1); unique in one installation."""
SessionId = NewType("SessionId", str)
"""``ses_`` and a time-ordered text."""

# Crockford's alphabet: sorts like the number it spells, and nobody reads an I for a 1.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TEXT_LENGTH: Final = 26
_RANDOM_BITS: Final = 80
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


def new_id(prefix: str, now: datetime) -> str:
    """A time-ordered id in 26 letters: 48 bits of milliseconds, 80 of chance (as a ULID)."""
    number = (now - _EPOCH) // _MS << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    letters = [_ALPHABET[number >> shift & 31] for shift in range(5 * (_TEXT_LENGTH - 1), -1, -5)]
    return f"{prefix}_{''.join(letters)}"
