"""Parts of messages as the database can hold them. PostgreSQL's text has no NUL."""

from datetime import datetime
from typing import Any, Final

import msgspec

from forecourt.protocol.ocpp.values import in_utc

NUL: Final = "\0"


def plain(text: str | None) -> str:
    """A text, also where none was sent."""
    if not text:
        return ""
    return text.replace(NUL, "\ufffd") if NUL in text else text


def moment(told: datetime | None) -> datetime | None:
    """A moment in UTC, if one was told."""
    return None if told is None else in_utc(told)


def as_json(part: msgspec.Struct) -> Any:
    """A part of a message as it was on the wire, to be kept as JSON."""
    return msgspec.json.decode(msgspec.json.encode(part))
