"""Parts of messages as rooms want them: texts, moments in UTC, whole numbers, exact amounts."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from forecourt.protocol.ocpp.values import in_utc

WHOLE_MAX: Final = 10**15
"""What no station counts; a larger number is a fault of its own, and nobody's."""


def plain(text: str | None) -> str:
    """A text, also where none was sent."""
    return text or ""


def moment(told: datetime | None) -> datetime | None:
    """A moment in UTC, if one was told."""
    return None if told is None else in_utc(told)


def as_json(part: msgspec.Struct) -> Any:
    """A part of a message as it was on the wire, to be kept as JSON."""
    return msgspec.json.decode(msgspec.json.encode(part))


def whole(number: float | None) -> int | None:
    """A number of Wh, W or seconds, if it is one."""
    if number is None or not -WHOLE_MAX <= number <= WHOLE_MAX:
        return None
    return round(number)


def money(number: float) -> Decimal:
    """An amount as it stood in the message: the shortest decimal that means this number."""
    return Decimal(repr(number))
