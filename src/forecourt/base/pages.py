"""Pages of rows that lie in the order of time: where one ends and the next begins."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Final

import msgspec
from msgspec import Meta

from forecourt.base.errors import ForecourtError, Kind

SAME_MOMENT_MAX: Final = 100
"""Ask for so many rows more than the page shall have: they may be of its last moment."""


class CursorInvalid(ForecourtError):
    """The cursor is none that we gave out."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "cursor.invalid"


def moment(cursor: str) -> datetime:
    """Where a page begins. Raises CursorInvalid."""
    try:
        found: datetime = msgspec.convert(cursor, Annotated[datetime, Meta(tz=True)])
    except msgspec.ValidationError:
        raise CursorInvalid("this cursor is not the 'next' of a page", cursor=cursor) from None
    return found


def cursor_at(at: datetime) -> str:
    """A moment for ``moment`` to read."""
    return str(msgspec.to_builtins(at))


def page_end(moments: Sequence[datetime], limit: int) -> int:
    """How many rows make a page of ``limit`` or a few more: rows of one moment stay together."""
    end = limit
    while 0 < end < len(moments) and moments[end] == moments[end - 1]:
        end += 1
    return min(end, len(moments))
