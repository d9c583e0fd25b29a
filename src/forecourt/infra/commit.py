"""The group commit: many messages, one transaction, answers after it.

Each message leaves its ``Changes``: rows for set-based statements that the rooms' stores declare
as ``Write``. Everything that arrived while the last transaction was on its way goes into the next
one. A message is *done* when the transaction that holds it is on disk, and not before.

When a transaction fails for what is in it, its messages are tried again in halves, down to the one
that is poisoned: it costs only itself. When the database is away, the batch waits and is tried
again until it is there, by statements that change nothing the second time, because a connection
that broke during COMMIT does not say whether it committed.

Knows nothing of stations, sessions or OCPP.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final

import asyncpg
import structlog
from msgspec import Struct

from forecourt.base.errors import ForecourtError, Kind
from forecourt.infra.tracing import Tracing

# Past a thousand rows a batch gains little and costs latency; see docs/adr on the group commit.
BATCH_MAX: Final = 1000
# How long a busy process lets a batch grow, and from how many messages in the last one it is busy.
GATHER_MS_MAX: Final = 2
BUSY_FROM: Final = 4
# Until so long after the last such batch.
BUSY_FOR_S: Final = 0.5
RETRY_FIRST_S: Final = 0.05
RETRY_MAX_S: Final = 2.0
# A statement that takes this long hangs: drop the connection and try again on a new one.
COMMAND_TIMEOUT_S: Final = 30.0

# Rows that no answer waits for (the raw log) queue up to here while the database is slow or away.
# A frame of the log has up to 16 KiB, so this is 16 MiB; with answers to wait for a station stops.
OFFERS_MAX: Final = 1000

Row = tuple[object, ...]
Done = Callable[[BaseException | None], None]

log = structlog.get_logger(__name__)


class Fenced(ForecourtError):
    """Somebody newer owns the row: this connection's epoch is over."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "commit.fenced"


class StorageFull(ForecourtError):
    """The database takes no more; what was asked is refused, not forgotten silently."""

    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    code: ClassVar[str] = "commit.storage_full"


class Write(Struct, frozen=True, kw_only=True, eq=False):
    """One kind of row that the group commit writes."""

    table: str
    columns: tuple[str, ...]
    sql: str
    """Set-based and idempotent: one array parameter for each column, in order, and
    ``RETURNING`` nothing. Running it twice changes nothing the second time."""
    copy: bool = False
    """These rows are new by construction: COPY takes them, and ``sql`` only when tried again."""
    key: tuple[int, ...] = ()
    """Positions of the columns that name the row: within a batch the last row of a key wins."""
    fenced: bool = False
    """``sql`` skips rows that a newer epoch owns; a row that was skipped fails its message."""


def upsert(
    table: str,
    columns: Sequence[str],
    *,
    types: Sequence[str],
    key: Sequence[str],
    fence: bool = False,
) -> Write:
    """A Write that inserts rows or replaces them by key.

    With ``fence`` the row's ``epoch`` column must not be newer than ours.
    """
    names = ", ".join(columns)
    arrays = ", ".join(f"${n}::{t}[]" for n, t in enumerate(types, 1))
    sets = ", ".join(f"{c} = excluded.{c}" for c in columns if c not in key)
    where = f" WHERE {table}.epoch <= excluded.epoch" if fence else ""
    return Write(
        table=table,
        columns=tuple(columns),
        sql=f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays})"  # noqa: S608 (names are ours)
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}{where}",
        key=tuple(columns.index(k) for k in key),
        fenced=fence,
    )


def append(
    table: str,
    columns: Sequence[str],
    *,
    types: Sequence[str],
    copy: bool,
    same: Sequence[str] = (),
) -> Write:
    """A Write that adds rows, or skips those that are there: by a unique index or, where a table
    has none, by the columns ``same``, in which a row that is tried again equals itself.
    """
    names = ", ".join(columns)
    arrays = ", ".join(f"${n}::{t}[]" for n, t in enumerate(types, 1))
    kinds = dict(zip(columns, types, strict=True))
    # PostgreSQL's json has no equality; its text has.
    cast = {name: "::text" if kinds[name] == "json" else "" for name in same}
    equal = " AND ".join(f"t.{name}{cast[name]} = n.{name}{cast[name]}" for name in same)
    there = f" WHERE NOT EXISTS (SELECT FROM {table} t WHERE {equal})" if same else ""
    return Write(
        table=table,
        columns=tuple(columns),
        sql=f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) AS n ({names}){there}"  # noqa: S608 (names are ours)
        " ON CONFLICT DO NOTHING",
        copy=copy,
    )


class Changes:
    """What one message changes: rows by kind, in the order in which they were decided."""

    __slots__ = ("rows", "what", "who")

    def __init__(self, who: str = "", what: str = "") -> None:
        self.who = who
        self.what = what
        """Whose message it is, and which: for the log, when it cannot be committed."""
        self.rows: list[tuple[Write, Row]] = []

    def write(self, write: Write, row: Row) -> None:
        self.rows.append((write, row))


class CommitStats:
    """Counters for the metrics page; plain integers, since the hot path touches them."""

    __slots__ = ("batches", "failures", "left_out", "retries", "rows", "units")

    def __init__(self) -> None:
        self.batches = self.units = self.rows = self.retries = self.failures = self.left_out = 0


class Committer:
    """Gathers Changes and commits them together. One for each process."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[asyncpg.Connection]],
        *,
        order: Sequence[Write],
        tracing: Tracing | None = None,
    ) -> None:
        """``order``: in which order kinds are written, so that two processes cannot deadlock."""
        self._connect = connect
        self.tracing = tracing
        self._order = {write: place for place, write in enumerate(order)}
        self._waiting: list[tuple[Changes, Done]] = []
        self._busy_with = 0
        """How many messages the last batch had."""
        self._busy_until_s = 0.0
        self._in_hand = 0
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._conn: asyncpg.Connection | None = None
        self._after: dict[Write, Callable[[], None]] = {}
        self.away = False
        """The database does not answer; batches wait."""
        self.stats = CommitStats()

    def after(self, write: Write, then: Callable[[], None]) -> None:
        """Call ``then`` after each commit that held rows of this kind."""
        self._after[write] = then

    def submit(self, changes: Changes, done: Done) -> None:
        """Commit ``changes`` with the next batch, then tell ``done`` what went wrong, or None."""
        self._waiting.append((changes, done))
        if len(self._waiting) == 1:
            self._work.set()
            self._idle.clear()

    def offer(self, changes: Changes) -> bool:
        """Commit ``changes`` if not too much waits already: for what no answer depends on."""
        if len(self._waiting) >= OFFERS_MAX:
            self.stats.left_out += 1
            return False
        self.submit(changes, unheard)
        return True

    async def commit(self, changes: Changes) -> None:
        """The same for those who can wait."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(error: BaseException | None) -> None:
            if future.cancelled():
                return
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        self.submit(changes, done)
        await future

    @property
    def waiting(self) -> int:
        """Messages that are not settled, those that are being tried right now among them."""
        return len(self._waiting) + self._in_hand

    @property
    def busy(self) -> bool:
        """Whether messages come faster than one by one: what can wait makes room for them."""
        return asyncio.get_running_loop().time() < self._busy_until_s

    async def run(self) -> None:
        """Work until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._work.wait()
                await self._gather()
                batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
                if not self._waiting:
                    self._work.clear()
                self._in_hand = self._busy_with = len(batch)
                if self._busy_with >= BUSY_FROM:
                    self._busy_until_s = loop.time() + BUSY_FOR_S
                if self.tracing is None:
                    await self._settle(batch)
                else:
                    await self._traced(batch, self.tracing)
                if not self._waiting:
                    self._idle.set()
        finally:
            await self._drop()

    async def _traced(self, batch: list[tuple[Changes, Done]], tracing: Tracing) -> None:
        """The same, and for how long: the traces of its messages point to it."""
        tracing.batch_begins()
        rows = self.stats.rows
        await self._settle(batch)
        tracing.batch_ends(len(batch), self.stats.rows - rows)

    async def _gather(self) -> None:
        """Let what is just arriving join the batch.

        A commit costs much the same for one message and for hundreds: a busy process waits a
        moment, as long as each millisecond brings more; an idle one does not wait at all.
        """
        await asyncio.sleep(0)
        if self._busy_with < BUSY_FROM:
            return
        gathered = 0
        for _ in range(GATHER_MS_MAX):
            if not gathered < len(self._waiting) < BATCH_MAX:
                return
            gathered = len(self._waiting)
            await asyncio.sleep(0.001)

    async def drained(self) -> None:
        """Wait until nothing waits and nothing is on its way."""
        await self._idle.wait()

    async def _settle(self, batch: list[tuple[Changes, Done]]) -> None:
        """Commit ``batch``, whatever it takes, and tell each of its messages how it ended."""
        delay_s = RETRY_FIRST_S
        careful = False
        while True:
            try:
                await self._transaction([changes for changes, _ in batch], careful=careful)
            except asyncpg.DiskFullError as error:
                self.stats.failures += len(batch)
                self._tell(batch, StorageFull("the database has no space left", cause=str(error)))
                return
            except (asyncpg.UniqueViolationError, Fenced) as error:
                # Rows that should be new were there already: again, by statements for both.
                if careful:
                    await self._halve(batch, error)
                    return
                careful = True
            except UNWRITABLE as error:
                await self._halve(batch, error)
                return
            except AWAY as error:
                self._report_away(error)
                await self._drop()
                careful = True
                self.stats.retries += 1
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, RETRY_MAX_S)
            except asyncpg.PostgresError as error:
                await self._halve(batch, error)
                return
            else:
                self._report_back()
                self._tell(batch, None)
                return

    async def _halve(self, batch: list[tuple[Changes, Done]], error: Exception) -> None:
        if len(batch) == 1:
            if not isinstance(error, Fenced):
                changes, _ = batch[0]
                log.error(
                    "commit.poisoned",
                    who=changes.who,
                    what=changes.what,
                    error=str(error),
                    kind=type(error).__name__,
                )
                self.stats.failures += 1
            self._tell(batch, error)
            return
        middle = len(batch) // 2
        await self._settle(batch[:middle])
        await self._settle(batch[middle:])

    async def _transaction(self, changes: Iterable[Changes], *, careful: bool) -> None:
        rows: dict[Write, list[Row]] = {}
        for change in changes:
            for write, row in change.rows:
                held = rows.get(write)
                if held is None:
                    rows[write] = [row]
                else:
                    held.append(row)
        if not rows:
            return
        if self._conn is None or self._conn.is_closed():
            self._conn = await self._connect()
            with _cut_when_it_hangs(self._conn):
                await _quicken(self._conn)
        conn = self._conn
        kinds = sorted(rows, key=self._order.__getitem__)
        with _cut_when_it_hangs(conn):
            if len(kinds) == 1 and not kinds[0].fenced:
                # One statement is a transaction by itself: two round trips less.
                await self._rows(conn, kinds[0], rows[kinds[0]], careful=careful)
            else:
                async with conn.transaction():
                    for write in kinds:
                        await self._rows(conn, write, rows[write], careful=careful)
        self.stats.batches += 1
        self.stats.rows += sum(map(len, rows.values()))
        for write, then in self._after.items():
            if write in rows:
                then()

    async def _rows(
        self, conn: asyncpg.Connection, write: Write, rows: list[Row], *, careful: bool
    ) -> None:
        if write.copy and not careful:
            await conn.copy_records_to_table(write.table, records=rows, columns=write.columns)
            return
        if write.key:
            rows = _newest_by_key(write, rows)
        status = await conn.execute(write.sql, *zip(*rows, strict=True))
        if write.fenced and int(status.rsplit(" ", 1)[1]) != len(rows):
            raise Fenced(f"a newer connection owns rows of {write.table}")

    def _tell(self, batch: list[tuple[Changes, Done]], error: BaseException | None) -> None:
        self.stats.units += len(batch)
        self._in_hand -= len(batch)
        for _, done in batch:
            try:
                done(error)
            except Exception:  # The boundary: the fault of one who hears must not stop the commits.
                log.exception("commit.untold")

    def _report_away(self, error: BaseException) -> None:
        if not self.away:
            log.warning("database.away", error=str(error), kind=type(error).__name__)
        self.away = True

    def _report_back(self) -> None:
        if self.away:
            log.info("database.back")
        self.away = False

    async def _drop(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.terminate()


@contextmanager
def _cut_when_it_hangs(conn: asyncpg.Connection) -> Generator[None]:
    """Cancelling would wait for a server that does not answer; cutting waits for nobody."""
    hung = asyncio.get_running_loop().call_later(COMMAND_TIMEOUT_S, conn.terminate)
    try:
        yield
    finally:
        hung.cancel()


_POSTGRES_BEGAN: Final = datetime(2000, 1, 1, tzinfo=UTC)


def _moment(moment: datetime) -> tuple[int]:
    """A moment as PostgreSQL counts it, in microseconds. One without a zone raises TypeError."""
    since = moment - _POSTGRES_BEGAN
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds,)


def _moment_told(microseconds: tuple[int]) -> datetime:
    return _POSTGRES_BEGAN + timedelta(microseconds=microseconds[0])


async def _quicken(conn: asyncpg.Connection) -> None:
    """Write moments by a function of ours: asyncpg's own compares each with both infinities, which
    costs three times as much as all the other columns of a reading together.
    """
    await conn.set_type_codec(
        "timestamptz",
        schema="pg_catalog",
        encoder=_moment,
        decoder=_moment_told,
        format="tuple",
    )


def unheard(error: BaseException | None) -> None:
    """For rows that no answer waits for; what went wrong with them has been logged."""


def _newest_by_key(write: Write, rows: list[Row]) -> list[Row]:
    """The last row of each key; the statement takes no key twice."""
    newest = {tuple(row[n] for n in write.key): row for row in rows}
    if write.fenced and len(newest) < len(rows):
        epoch = write.columns.index("epoch")
        if any(row[epoch] != newest[tuple(row[n] for n in write.key)][epoch] for row in rows):
            # Which of them may write is for the database to say, one message at a time.
            raise Fenced(f"two connections write one row of {write.table}")
    return list(newest.values())


# A row that no PostgreSQL would take; the encoders of COPY raise what Python's conversions raise.
UNWRITABLE: Final = (asyncpg.DataError, ValueError, TypeError, ArithmeticError, AttributeError)

# What says nothing about our rows: the server is gone, starting, stopping, or out of connections.
AWAY: Final = (
    OSError,
    asyncpg.InterfaceError,  # "connection is closed"
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InternalClientError,
    asyncpg.IdleInTransactionSessionTimeoutError,  # We slept so long that it hung up.
    asyncpg.TransactionRollbackError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.PostgresSystemError,
)
