"""A payload's bytes into its type, or the rule that they break.

Must not know frames and connections.
"""

from typing import Final

import msgspec

from forecourt.protocol.ocpp.dialect import Dialect, ErrorReason
from forecourt.protocol.ocpp.lenient import NUL, Lenient
from forecourt.protocol.ocpp.values import Message

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that somebody else chose."""


class WrongPayload(Exception):
    """A payload that breaks a rule of its type."""

    def __init__(self, reason: ErrorReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


NUL_INSIDE: Final = "Invalid text: it holds U+0000"

# Which rule a message of msgspec's tells of: the first row that fits. (How it begins, what else is
# in it, the reason.) A bad value is quoted inside such a message, so the beginning decides.
_BREACHES: Final = (
    ("Object missing required field", "", ErrorReason.OCCURRENCE),
    ("Expected `array` of length", "", ErrorReason.OCCURRENCE),
    ("Object contains unknown field", "", ErrorReason.FORMAT),
    ("Expected", ", got `", ErrorReason.TYPE),
    ("Expected", "", ErrorReason.PROPERTY),
    ("Invalid", "", ErrorReason.PROPERTY),
    ("", "out of range", ErrorReason.PROPERTY),
)


def reason_of(error: Exception) -> ErrorReason:
    """Which of the specification's error reasons a decoding error is."""
    text = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return ErrorReason.FORMAT
    if text.startswith("Expected `object`") and " - at `$" not in text:
        return ErrorReason.FORMAT  # the payload itself is no object
    for beginning, inside, reason in _BREACHES:
        if text.startswith(beginning) and inside in text:
            return reason
    return ErrorReason.FORMAT


def read_payload(
    dialect: Dialect, kind: type[Message], payload: msgspec.Raw, lenient: Lenient | None
) -> tuple[Message, tuple[str, ...]]:
    """The message, and what leniency mended in it."""
    repairs: tuple[str, ...] = ()
    try:
        if NUL.search(payload) is not None:
            raise msgspec.ValidationError(NUL_INSIDE)
        message = dialect.payloads[kind].decode(payload)
    except UNREADABLE as error:
        mended = lenient.read(kind, bytes(payload)) if lenient is not None else None
        if mended is None:
            raise WrongPayload(reason_of(error), str(error)) from error
        message, repairs = mended
    if lenient is not None and lenient.rewrites:
        message, used = lenient.rewritten(message)
        repairs += used
    return message, repairs
