"""Pages of a table, in any order that it allows, of a search or of all: one way for all lists.

By keyset: a page begins behind the last row of the one before, whatever was added or removed
meanwhile. Knows no room.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Generic, TypeVar

from msgspec import Meta, Struct
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    SmallInteger,
    Table,
    Text,
    UnaryExpression,
    and_,
    collate,
    func,
    literal,
    or_,
    tuple_,
)

from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.pages import Page, Wanted, behind, cursor_of
from forecourt.base.text import PRINTABLE
from forecourt.infra.database import Unit

WORDS_MAX: Final = 8
"""Of a search: each one looks at every row."""

LAST_LETTER: Final = "\U0010ffff"

Made = TypeVar("Made")

# What a cursor may hold for a column: whoever writes one by hand gets no error of the database.
_KINDS: Final[Mapping[type, Any]] = {
    Text: Annotated[str, Meta(pattern=PRINTABLE)],
    SmallInteger: Annotated[int, Meta(ge=-(2**15), lt=2**15)],
    Integer: Annotated[int, Meta(ge=-(2**31), lt=2**31)],
    BigInteger: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)],
    Boolean: bool,
    DateTime: Annotated[datetime, Meta(tz=True)],
}


class SortUnknown(ForecourtError):
    """The list cannot be had in this order."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "sort.unknown"
    field: ClassVar[str] = "sort"


class Listing(Struct, frozen=True, kw_only=True):
    """How a table is listed."""

    sorts: Mapping[str, ColumnElement[Any]]
    """What rows may be sorted by, as the API names it."""
    key: tuple[ColumnElement[Any], ...]
    """What tells rows apart; it orders those that are alike in the rest."""
    default: str
    """The order of who names none."""
    searched: tuple[ColumnElement[Any], ...] = ()
    """Where a search looks."""


def sorts(
    table: Table, names: Sequence[str], **renamed: ColumnElement[Any]
) -> dict[str, ColumnElement[Any]]:
    """Columns by the names that the API has for them; the same but for those ``renamed``."""
    return {name: renamed[name] if name in renamed else table.c[name] for name in names}


class Slice(Struct, frozen=True, kw_only=True):
    """The rows of one page as the database has them."""

    rows: Sequence[Any]
    next: str | None

    def of(self, items: Sequence[Any]) -> Page[Any]:
        """The page, once its rows are what they stand for."""
        return Page(items=items, next=self.next)


class Shelf(Generic[Made]):
    """What was made of rows, for as long as they are as they were: by key and version.

    A version that PostgreSQL keeps by itself is ``xmin``, the number of the transaction that wrote
    the row. Holds ``most`` of them; what nobody asked for longest goes first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[str, tuple[str, Made]] = OrderedDict()

    def get(self, key: str, version: str) -> Made | None:
        """What was made of this version of a row, if it is still here."""
        kept = self._kept.get(key)
        if kept is None or kept[0] != version:
            return None
        self._kept.move_to_end(key)
        return kept[1]

    def put(self, key: str, version: str, made: Made) -> None:
        """In place of what was made of another version."""
        self._kept[key] = (version, made)
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)


async def list_rows(unit: Unit, query: Select[Any], listing: Listing, wanted: Wanted) -> Slice:
    """One page of what ``query`` finds. Raises CursorInvalid, SortUnknown."""
    sort = wanted.sort or listing.default
    columns = _columns(listing, sort)
    named = [column.label(f"listed_{n}") for n, column in enumerate(columns)]
    down = sort.startswith("-")
    query = query.add_columns(*named).order_by(*_order(columns, down=down))
    if wanted.q and listing.searched:
        query = query.where(matching(listing.searched, wanted.q))
    if wanted.cursor:
        values = behind(wanted.cursor, sort, [_kind(column) for column in columns])
        query = query.where(_behind(columns, values, down=down))
    found = (await unit.conn.execute(query.limit(wanted.limit + 1))).all()
    rows = found[: wanted.limit]
    if len(found) <= wanted.limit:
        return Slice(rows=rows, next=None)
    last = [getattr(rows[-1], column.name) for column in named]
    return Slice(rows=rows, next=cursor_of(sort, last))


def only(query: Select[Any], table: Table, values: Mapping[str, object]) -> Select[Any]:
    """Rows whose columns have these values; a value of None asks for nothing."""
    given = {name: value for name, value in values.items() if value is not None}
    return query.where(*(table.c[name] == value for name, value in given.items()))


def beginning(columns: Sequence[ColumnElement[Any]], text: str) -> ColumnElement[bool]:
    """Rows where one of these columns begins with ``text``.

    Written as a range, because row-level security lets LIKE use no index; the index must be in the
    order of code points (COLLATE "C"), where nothing lies between a text and its longer forms.
    """
    end = text + LAST_LETTER
    ordered = [collate(column, "C") for column in columns]
    return or_(*(and_(one >= literal(text), one < literal(end)) for one in ordered))


def matching(searched: Sequence[ColumnElement[Any]], q: str) -> ColumnElement[bool]:
    """Rows that have each word of a search somewhere; capital and small letters are the same."""
    where = func.lower(func.concat_ws(" ", *searched))
    words = q.split()[:WORDS_MAX]
    return and_(True, *(func.strpos(where, func.lower(literal(word))) > 0 for word in words))


def _columns(listing: Listing, sort: str) -> list[ColumnElement[Any]]:
    """What rows are ordered by: what is asked for, and then the key."""
    chosen = listing.sorts.get(sort.removeprefix("-"))
    if chosen is None:
        known = ", ".join(sorted(listing.sorts))
        raise SortUnknown(f"this list can be sorted by {known}", sort=sort)
    return [chosen, *(column for column in listing.key if column is not chosen)]


def _order(columns: Sequence[ColumnElement[Any]], *, down: bool) -> list[UnaryExpression[Any]]:
    """Rows without a value come last, whichever the direction."""
    if not down:
        return [column.asc() for column in columns]
    first = columns[0].desc()
    # Where there is always a value the words would only keep an index from being used.
    return [
        first.nulls_last() if _may_lack(columns[0]) else first,
        *(c.desc() for c in columns[1:]),
    ]


def _behind(
    columns: Sequence[ColumnElement[Any]], values: Sequence[Any], *, down: bool
) -> ColumnElement[bool]:
    """Rows that come after the one with these values."""
    first, rest = columns[0], columns[1:]
    lacks = first.is_(None)
    if values[0] is None:
        return and_(lacks, _past(rest, values[1:], down=down))
    past = _past(columns, values, down=down)
    return or_(past, lacks) if _may_lack(first) else past


def _past(
    columns: Sequence[ColumnElement[Any]], values: Sequence[Any], *, down: bool
) -> ColumnElement[bool]:
    here = tuple_(*columns)
    there = tuple_(*(literal(v, c.type) for v, c in zip(values, columns, strict=True)))
    return here < there if down else here > there


def _kind(column: ColumnElement[Any]) -> Any:
    kind = _KINDS[type(column.type)]
    return kind | None if _may_lack(column) else kind


def _may_lack(column: ColumnElement[Any]) -> bool:
    return bool(getattr(column, "nullable", False))
