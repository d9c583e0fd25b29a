"""Rows that stations report now and then: put in or replaced by key, and never without an end.

For units of work; what comes all the time goes through the group commit. Knows no room.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from sqlalchemy import Table, func, select
from sqlalchemy.dialects.postgresql import insert

from forecourt.base.errors import ForecourtError, Kind
from forecourt.infra.database import Unit

Values = Mapping[str, Any]


class TooManyRows(ForecourtError):
    """Somebody reports more of a kind than we keep for one of them."""

    kind: ClassVar[Kind] = Kind.LIMITED
    code: ClassVar[str] = "rows.too_many"


async def put(unit: Unit, table: Table, rows: Sequence[Values], *, owner: str, most: int) -> None:
    """Insert rows, or replace what the given columns say, by primary key: the last of a key wins.

    All rows are of one owner (the value of the column ``owner``), who may have ``most`` of them.
    Raises TooManyRows, and then nothing of the unit comes to be.
    """
    if not rows:
        return
    key = [column.name for column in table.primary_key]
    newest = {tuple(row[name] for name in key): row for row in rows}
    query = insert(table).values(list(newest.values()))
    sets = {name: query.excluded[name] for name in rows[0] if name not in key}
    await unit.conn.execute(
        query.on_conflict_do_update(index_elements=key, set_=sets)
        if sets
        else query.on_conflict_do_nothing()
    )
    column = table.c[owner]
    held = await unit.conn.scalar(
        select(func.count()).select_from(table).where(column == rows[0][owner])
    )
    if held is not None and held > most:
        raise TooManyRows(
            f"no more than {most} rows of {table.name} are kept of one {owner}", table=table.name
        )
