"""Rows that are over and done with, deleted when they are old: tables that time does not cut.

Batch by batch, so that no row stays locked for long; any number of processes may do it at once.
Knows nothing of what the tables hold.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import asyncpg
from msgspec import Struct

# Small enough that no row stays locked for long.
DELETE_BATCH_MAX: Final = 5_000


class Aging(Struct, frozen=True, kw_only=True):
    """Which rows of a table go, and when."""

    table: str
    column: str
    """The moment that counts; rows that have none stay."""
    keep_days: int
    """At least that long."""
    only: str = "true"
    """A condition in SQL for those that may go at all; ours, never from outside."""


async def forget(
    conn: asyncpg.Connection, tables: Sequence[Aging], now: datetime
) -> Mapping[str, int]:
    """Delete what is old; how many rows of which table. Nothing may be under way on ``conn``."""
    gone = {}
    for one in tables:
        oldest = now - timedelta(days=one.keep_days)
        gone[one.table] = await delete_before(conn, one.table, one.column, oldest, only=one.only)
    return gone


async def delete_before(
    conn: asyncpg.Connection, table: str, column: str, oldest: datetime, *, only: str = "true"
) -> int:
    """Delete the rows of before ``oldest``, batch by batch; how many they were."""
    name, moment = quote(table), quote(column)
    sql = (
        f"DELETE FROM {name} WHERE ctid = ANY(ARRAY("  # noqa: S608 - names are quoted
        f"SELECT ctid FROM {name} WHERE {moment} < $1 AND {only}"
        " LIMIT $2 FOR UPDATE SKIP LOCKED))"
    )
    total = 0
    while True:
        status = await conn.execute(sql, oldest, DELETE_BATCH_MAX)
        deleted = int(status.rpartition(" ")[2])
        total += deleted
        if deleted < DELETE_BATCH_MAX:
            return total


def quote(name: str) -> str:
    """A name as SQL takes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'
