"""Pages of a list: what is asked for, and where one page ends and the next begins.

A cursor says behind which row the next page begins, and in which order; it means nothing to
whoever holds it. Rows that come or go meanwhile make no other row appear twice or not at all.
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from forecourt.base.errors import ForecourtError, Kind

PAGE_MAX: Final = 1_000

Item = TypeVar("Item")


class CursorInvalid(ForecourtError):
    """The cursor is none that we gave out."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "cursor.invalid"
    field: ClassVar[str] = "cursor"


class Wanted(Struct, frozen=True, kw_only=True):
    """Which page of a list is asked for."""

    limit: int = 100
    cursor: str = ""
    """``next`` of the page before; empty for the first."""
    sort: str = ""
    """A name that the list knows, with a minus for the other direction; empty for its own order."""
    q: str = ""
    """Words that each row shall have, anywhere in what the list searches."""


class Page(Struct, Generic[Item], frozen=True, kw_only=True):
    """Some rows, and where the next begin; None when there are none."""

    items: Sequence[Item]
    next: str | None = None


FIRST_PAGE: Final = Wanted()


def cursor_of(sort: str, values: Sequence[object]) -> str:
    """Behind the row that has these values in this order."""
    said = msgspec.json.encode((sort, values))
    return base64.urlsafe_b64encode(said).rstrip(b"=").decode()


def behind(cursor: str, sort: str, types: Sequence[Any]) -> list[Any]:
    """The values of the row that a page begins behind. Raises CursorInvalid, for another order too.

    ``types`` are what each value is converted to.
    """
    try:
        said = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        order, values = msgspec.json.decode(said, type=tuple[str, list[Any]])
        if order != sort or len(values) != len(types):
            raise CursorInvalid("this cursor belongs to another order", cursor=cursor)
        return [_sound(value, kind) for value, kind in zip(values, types, strict=True)]
    except (binascii.Error, ValueError, OverflowError, msgspec.MsgspecError):
        raise CursorInvalid("this cursor is not the 'next' of a page", cursor=cursor) from None


def _sound(value: object, kind: Any) -> Any:
    found = msgspec.convert(value, kind)
    # A moment before the first one that there is in UTC is none.
    return found.astimezone(UTC) if isinstance(found, datetime) else found
