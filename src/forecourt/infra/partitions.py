"""Partitions by time, for tables that only ever grow: made ahead, dropped when they are old.

A table is ``PARTITION BY RANGE (<timestamptz column>)``. Rows with absurd moments (a station whose
clock says 1970, or 2099) go to a default partition, so that nothing is ever refused for its
date; they are deleted in batches, by the moment at which we received them. Boundaries are UTC.

Any number of processes may do this at once, beside readers and writers. What cannot be done now,
because the table is too busy, is left to the next run: rows without a partition of their own wait
in the default one and move when theirs is made. Knows nothing of what the tables hold.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import asyncpg
import structlog
from msgspec import Struct

from forecourt.infra.retention import delete_before, quote

# Whoever changes partitions holds this advisory lock; the number is ours alone.
ADVISORY_LOCK: Final = 0x466F_7265_0001
# Attaching and dropping wait for those who use the table, and everybody else queues behind the
# one who waits: give up soon, let them pass, try again.
LOCK_TIMEOUT_MS: Final = 300
ATTEMPTS_MAX: Final = 10
PAUSE_S: Final = 0.2
# Messages arrive late, and a month or a day has just begun somewhere.
PAST_INTERVALS: Final = 1
MONTHS_A_YEAR: Final = 12

Interval = Literal["day", "month"]

log = structlog.get_logger(__name__)

_PARTITIONS = """
SELECT name,
       bounds[1]::timestamptz AS start,
       bounds[2]::timestamptz AS stop,
       bound = 'DEFAULT' AS is_default
FROM (
    SELECT relname AS name, bound,
           regexp_match(bound, $$FROM \\('([^']+)'\\) TO \\('([^']+)'\\)$$) AS bounds
    FROM pg_inherits
    JOIN pg_class ON pg_class.oid = inhrelid
    CROSS JOIN LATERAL (SELECT pg_get_expr(relpartbound, pg_class.oid) AS bound) AS b
    WHERE inhparent = $1::regclass
) AS found
ORDER BY start
"""
_COLUMNS = """
SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum)
FROM pg_attribute
WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""


class Partitioned(Struct, frozen=True, kw_only=True):
    """How one table is cut."""

    table: str
    column: str
    """The partition key."""
    received_column: str
    """When we got the row, by our own clock: what counts for rows whose own moment is absurd."""
    interval: Interval = "day"
    keep_days: int | None = None
    """Rows are kept at least that long; None: for ever."""


class Partition(Struct, frozen=True, kw_only=True):
    """One partition that exists, from ``start`` until just before ``stop``."""

    name: str
    start: datetime
    stop: datetime


class Retired(Struct, frozen=True, kw_only=True):
    """What a retention run did away with."""

    dropped: tuple[str, ...]
    """Partitions."""
    deleted: int
    """Rows of default partitions."""


def start_of(interval: Interval, moment: datetime) -> datetime:
    """The boundary at or before ``moment``."""
    midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if interval == "day" else midnight.replace(day=1)


def boundary(interval: Interval, start: datetime, count: int) -> datetime:
    """The boundary ``count`` intervals after the boundary ``start``; before it, if negative."""
    if interval == "day":
        return start + timedelta(days=count)
    years, month = divmod(start.month - 1 + count, MONTHS_A_YEAR)
    return start.replace(year=start.year + years, month=month + 1)


def wanted(
    interval: Interval, now: datetime, ahead: timedelta, *, existing: Sequence[Partition]
) -> Iterator[tuple[datetime, datetime]]:
    """What is not covered yet, interval by interval, from a bit ago until past ``now + ahead``.

    An interval that is covered in part (somebody changed ``interval``) is filled up.
    """
    start = boundary(interval, start_of(interval, now), -PAST_INTERVALS)
    while start <= now + ahead:
        stop = boundary(interval, start, 1)
        free = start
        for taken in existing:
            if taken.stop <= free or taken.start >= stop:
                continue
            if taken.start > free:
                yield free, taken.start
            free = taken.stop
        if free < stop:
            yield free, stop
        start = stop


async def ensure(
    conn: asyncpg.Connection, tables: Sequence[Partitioned], now: datetime, ahead: timedelta
) -> list[str]:
    """See that there are partitions from a bit ago until ``ahead``; the names of those made."""
    made = []
    for cut in tables:
        for start, stop in wanted(cut.interval, now, ahead, existing=(await _list(conn, cut))[0]):
            name = f"{cut.table}_p{start:%Y%m%d}"
            if await _change(conn, _Make(cut=cut, name=name, start=start, stop=stop)):
                made.append(name)
        if (await _list(conn, cut))[1] is None:
            name = f"{cut.table}_default"
            if await _change(conn, _MakeDefault(cut=cut, name=name)):
                made.append(name)
    return made


async def retire(conn: asyncpg.Connection, tables: Sequence[Partitioned], now: datetime) -> Retired:
    """Drop what is wholly older than its table keeps, and delete such rows of the default."""
    dropped: list[str] = []
    deleted = 0
    for cut in tables:
        if cut.keep_days is None:
            continue
        oldest = now - timedelta(days=cut.keep_days)
        partitions, default = await _list(conn, cut)
        old = [partition.name for partition in partitions if partition.stop <= oldest]
        dropped += [name for name in old if await _change(conn, _Drop(cut=cut, name=name))]
        if default is not None:
            deleted += await delete_before(conn, default, cut.received_column, oldest)
    return Retired(dropped=tuple(dropped), deleted=deleted)


# --- one change, in one short transaction ---------------------------------------------------------


class _Make(Struct, frozen=True, kw_only=True):
    cut: Partitioned
    name: str
    start: datetime
    stop: datetime

    async def apply(self, conn: asyncpg.Connection) -> None:
        """Make a table, move in what waits in the default partition, attach it.

        ``CREATE TABLE … PARTITION OF`` would refuse while such rows are there, and would lock
        writers out of the whole table; attaching does not.
        """
        table, name, column = quote(self.cut.table), quote(self.name), quote(self.cut.column)
        bounds = f"FROM ('{self.start.isoformat()}') TO ('{self.stop.isoformat()}')"
        _, default = await _list(conn, self.cut)
        await conn.execute(
            f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS"
            " INCLUDING GENERATED INCLUDING STORAGE INCLUDING COMPRESSION)"
        )
        if default is not None:
            columns = await conn.fetchval(_COLUMNS, table)
            await conn.execute(f"LOCK TABLE {quote(default)} IN ACCESS EXCLUSIVE MODE")
            await conn.execute(
                f"WITH moved AS (DELETE FROM {quote(default)}"  # noqa: S608 - names are quoted
                f" WHERE {column} >= $1 AND {column} < $2 RETURNING {columns})"
                f" INSERT INTO {name} ({columns}) SELECT {columns} FROM moved",
                self.start,
                self.stop,
            )
        await conn.execute(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES {bounds}")


class _MakeDefault(Struct, frozen=True, kw_only=True):
    cut: Partitioned
    name: str

    async def apply(self, conn: asyncpg.Connection) -> None:
        table, name = quote(self.cut.table), quote(self.name)
        await conn.execute(f"CREATE TABLE {name} PARTITION OF {table} DEFAULT")


class _Drop(Struct, frozen=True, kw_only=True):
    cut: Partitioned
    name: str

    async def apply(self, conn: asyncpg.Connection) -> None:
        await conn.execute(f"DROP TABLE {quote(self.name)}")


async def _change(conn: asyncpg.Connection, change: _Make | _MakeDefault | _Drop) -> bool:
    """Whether we made the change: another process may have, and a busy table may not let us."""
    assert not conn.is_in_transaction(), "partitions change in transactions of their own"
    for _ in range(ATTEMPTS_MAX):
        try:
            async with conn.transaction():
                await conn.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
                await conn.execute("SELECT pg_advisory_xact_lock($1)", ADVISORY_LOCK)
                partitions, default = await _list(conn, change.cut)
                there = {partition.name for partition in partitions} | {default}
                if (change.name in there) != isinstance(change, _Drop):
                    return False  # Somebody was quicker.
                await change.apply(conn)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await asyncio.sleep(PAUSE_S)
        else:
            return True
    log.warning("table too busy to change its partitions; the next run will", name=change.name)
    return False


async def _list(conn: asyncpg.Connection, cut: Partitioned) -> tuple[list[Partition], str | None]:
    """The partitions of a table, in order, and its default one."""
    rows = await conn.fetch(_PARTITIONS, quote(cut.table))
    partitions = [
        Partition(name=row["name"], start=row["start"], stop=row["stop"])
        for row in rows
        if row["start"] is not None
    ]
    return partitions, next((row["name"] for row in rows if row["is_default"]), None)
