"""Pages of a table, in any order that it allows, of a search or of all: one way for all lists.

By keyset: a page begins behind the last row of the one before, whatever was added or removed
meanwhile. Knows no room.
"""

import itertools
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
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.sql.compiler import SQLCompiler

from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.pages import Page, Wanted, behind, cursor_of
from forecourt.base.text import PRINTABLE
from forecourt.infra.database import Unit

WORDS_MAX: Final = 8
"""Of a search: each one looks at every row."""

LAST_LETTER: Final = "\U0010ffff"

FORMS_MAX: Final = 200
_DIALECT: Final = asyncpg_dialect()  # type: ignore[no-untyped-call] # Theirs is not annotated.

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
    asked = _Asked(listing, wanted)
    named = [column.label(f"listed_{n}") for n, column in enumerate(asked.columns)]
    query = _narrowed(query.add_columns(*named), listing, asked, asked.words, asked.place)
    return asked.slice((await unit.conn.execute(query)).all())


class QuickList:
    """A list that is asked for all day: each form of it is put into SQL once.

    Building and running a statement by SQLAlchemy costs more than a page of a quick list. A form is
    what makes the SQL: order, length, which filters, how many words, behind a row or not.
    """

    def __init__(self, listing: Listing, columns: Sequence[ColumnElement[Any]]) -> None:
        self._listing = listing
        self._columns = columns
        self._forms: OrderedDict[tuple[object, ...], _Form] = OrderedDict()

    async def rows(self, unit: Unit, wanted: Wanted, fit: Mapping[str, object]) -> Slice:
        """One page of the rows whose columns have these values, as asyncpg's records.

        A value of None asks for nothing. Raises CursorInvalid, SortUnknown.
        """
        asked = _Asked(self._listing, wanted)
        given = {name: value for name, value in fit.items() if value is not None}
        values = [*given.values(), *asked.words, *asked.place]
        nowhere = bool(asked.place) and asked.place[0] is None
        form = (asked.sort, wanted.limit, *given, len(asked.words), len(asked.place), nowhere)
        known = self._forms.get(form)
        if known is None:
            known = self._forms[form] = self._form(asked, tuple(given), nowhere=nowhere)
            if len(self._forms) > FORMS_MAX:
                self._forms.popitem(last=False)
        driver: Any = (await unit.conn.get_raw_connection()).driver_connection
        args = (values[int(one)] if isinstance(one, _Slot) else one for one in known.given)
        return asked.slice(await driver.fetch(known.sql, *args))

    def _form(self, asked: "_Asked", given: tuple[str, ...], *, nowhere: bool) -> "_Form":
        """The same statement as ``list_rows`` makes, with slots where its values go."""
        slots = map(_Slot, map(str, itertools.count()))
        fit = dict(zip(given, slots, strict=False))
        words = list(itertools.islice(slots, len(asked.words)))
        place: list[Any] = list(itertools.islice(slots, len(asked.place)))
        if nowhere:
            place[0] = None
        named = [column.label(f"listed_{n}") for n, column in enumerate(asked.columns)]
        table = asked.columns[-1].table
        query = only(select(*self._columns, *named), table, fit)
        query = _narrowed(query, self._listing, asked, words, place)
        made = query.compile(dialect=_DIALECT)
        assert isinstance(made, SQLCompiler), "a select is SQL"
        return _Form(str(made), tuple(made.params[name] for name in made.positiontup or ()))


class _Slot(str):
    """Stands for a value that is not known yet: its number."""

    __slots__ = ()


class _Form(Struct, frozen=True):
    sql: str
    given: tuple[object, ...]
    """For each place in it a slot, or what is there always."""


class _Asked:
    """What a page is asked by, for this list."""

    def __init__(self, listing: Listing, wanted: Wanted) -> None:
        """Raises CursorInvalid, SortUnknown."""
        self.sort = wanted.sort or listing.default
        self.limit = wanted.limit
        self.down = self.sort.startswith("-")
        self.columns = _columns(listing, self.sort)
        self.words = wanted.q.split()[:WORDS_MAX] if listing.searched else []
        self.place: Sequence[Any] = ()
        if wanted.cursor:
            self.place = behind(wanted.cursor, self.sort, [_kind(one) for one in self.columns])

    def slice(self, found: Sequence[Any]) -> Slice:
        """The page, of the rows that were found."""
        rows = found[: self.limit]
        if len(found) <= self.limit:
            return Slice(rows=rows, next=None)
        last = rows[-1]
        return Slice(rows=rows, next=cursor_of(self.sort, last[len(last) - len(self.columns) :]))


def _narrowed(
    query: Select[Any],
    listing: Listing,
    asked: _Asked,
    words: Sequence[str],
    place: Sequence[Any],
) -> Select[Any]:
    """``query``, in order, from behind a place and with these words only."""
    query = query.order_by(*_order(asked.columns, down=asked.down))
    if words:
        query = query.where(matching(listing.searched, words))
    if place:
        query = query.where(_behind(asked.columns, place, down=asked.down))
    # As a number in the text: with a parameter PostgreSQL would plan each page anew.
    return query.limit(literal_column(str(asked.limit + 1), Integer))


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


def matching(searched: Sequence[ColumnElement[Any]], words: Sequence[str]) -> ColumnElement[bool]:
    """Rows that have each word of a search somewhere; capital and small letters are the same."""
    where = func.lower(func.concat_ws(" ", *searched))
    return and_(True, *(func.strpos(where, func.lower(literal(word, Text))) > 0 for word in words))


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
