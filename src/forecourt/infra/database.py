"""The database: one engine, one unit of work, one outbox.

A unit of work is one transaction. Events recorded in it are stored by the same commit, so the
world never hears of something that was rolled back. A unit is bound to a tenant: it runs as the
role ``forecourt_tenant``, which row-level security keeps inside that tenant's rows. The house's own
errands (loading a gateway's stations, relaying events) use ``house_unit``, which sees all tenants.

Knows nothing of rooms.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, ClassVar, Final, NamedTuple, TypeAlias

import asyncpg
import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    FetchedValue,
    Identity,
    MetaData,
    Table,
    Text,
    event,
    text,
)
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from forecourt.base.context import Context
from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.events import Event
from forecourt.infra.commit import AWAY, Changes, append

metadata: Final = MetaData()

TENANT_ROLE: Final = "forecourt_tenant"
VERSION_MIN: Final = 150_000
"""PostgreSQL 15, as ``server_version_num`` spells it."""
EVENTS_CHANNEL: Final = "forecourt_events"
CONNECT_TIMEOUT_S: Final = 10.0
COMMAND_TIMEOUT_S: Final = 60.0
# Whoever asked has given up by then, or is dead: nobody waits for the answer.
STATEMENT_TIMEOUT_S: Final = 2 * COMMAND_TIMEOUT_S
IDLE_S: Final = 60.0
GLANCES_MAX: Final = 4


# A transaction's number, which SQLAlchemy has no type for; nobody reads it but by a cast to text.
ischema_names["xid8"] = Text

events: Final = Table(
    "events",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column("xid", Text, nullable=False, server_default=FetchedValue()),
    Column("tenant_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", JSON, nullable=False),
)

EVENTS: Final = append(
    "events",
    ("tenant_id", "type", "subject", "at", "body"),
    types=("text", "text", "text", "timestamptz", "json"),
    copy=True,
    same=("subject", "at", "type", "body"),
)

_bind = text(
    "SELECT set_config('role', :role, true), set_config('forecourt.tenant', :tenant, true),"
    " set_config('forecourt.sites', :sites, true)"
)
# The same until it is said anew: for connections that only read.
_settle = text(
    "SELECT set_config('role', :role, false), set_config('forecourt.tenant', :tenant, false),"
    " set_config('forecourt.sites', :sites, false)"
)
SETTLED: Final = "settled"
_insert_events = text(
    "INSERT INTO events (tenant_id, type, subject, at, body)"
    " SELECT * FROM unnest(CAST(:tenant_id AS text[]), CAST(:type AS text[]),"
    " CAST(:subject AS text[]), CAST(:at AS timestamptz[]), CAST(:body AS json[]))"
)
_notify = text(f"NOTIFY {EVENTS_CHANNEL}")


class DatabaseAway(ForecourtError):
    """PostgreSQL does not answer; try again."""

    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    code: ClassVar[str] = "database.away"


class OutOfBounds(ForecourtError):
    """What was to be written lies outside of the sites that the caller is bound to."""

    kind: ClassVar[Kind] = Kind.FORBIDDEN
    code: ClassVar[str] = "scope.outside"


class DatabaseTooOld(ForecourtError):
    """The server lacks what we need."""

    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    code: ClassVar[str] = "database.too_old"


def event_row(event: Event) -> tuple[str, str, str, datetime, str]:
    """One event as a row of the outbox, in the order of ``EVENTS.columns``."""
    tag = type(event).__struct_config__.tag
    assert isinstance(tag, str), f"{type(event).__name__} has no tag"
    return event.tenant, tag, event.subject, event.at, msgspec.json.encode(event).decode()


def emit(changes: Changes, event: Event) -> None:
    """Record ``event`` with the other changes of its message."""
    changes.write(EVENTS, event_row(event))


class Unit:
    """One open transaction, and the facts that it will make true."""

    def __init__(self, conn: AsyncConnection) -> None:
        self.conn = conn

    async def emit(self, *happened: Event) -> None:
        """Record facts, in their order, in this transaction."""
        if not happened:
            return
        columns = zip(*map(event_row, happened), strict=True)
        arrays = {name: list(held) for name, held in zip(EVENTS.columns, columns, strict=True)}
        await self.conn.execute(_insert_events, arrays)
        await self.conn.execute(_notify)


class _Whole(NamedTuple):
    """The transaction that units are parts of, and whose it is."""

    db: "Database"
    unit: Unit
    bounds: tuple[str, tuple[str, ...]]


_whole: Final[ContextVar[_Whole | None]] = ContextVar("whole", default=None)


class GlanceRow(asyncpg.Record):
    """A row whose columns are attributes, as those of a unit's rows are."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            # As of any row: who asks with a default gets it.
            raise AttributeError(name) from None


Glance: TypeAlias = "asyncpg.pool.PoolConnectionProxy[GlanceRow]"


async def _keep_session(_conn: object) -> None:
    """Glances change nothing of their session, so there is nothing to reset."""


class Database:
    """Opens units of work."""

    def __init__(
        self, url: str, *, pool_size: int, idle_s: float = IDLE_S, only_reads: bool = False
    ) -> None:
        """``only_reads``: PostgreSQL refuses whatever would change something.

        ``idle_s``: after so long in a transaction without a word PostgreSQL rolls it back.

        The outbox waits for the oldest transaction of this database. One that a process left open,
        because it hangs or its machine is gone, would hold back everybody's events.
        """
        self.url = url
        self.pool_size = pool_size
        # For all connections; in ms, as text.
        self._session = {"idle_in_transaction_session_timeout": f"{idle_s * 1_000:.0f}"}
        if only_reads:
            self._session["default_transaction_read_only"] = "on"
        asking = {**self._session, "statement_timeout": f"{STATEMENT_TIMEOUT_S * 1_000:.0f}"}
        self._asking: dict[str, Any] = {
            "timeout": CONNECT_TIMEOUT_S,
            "command_timeout": COMMAND_TIMEOUT_S,
            "server_settings": asking,
        }
        self._engine = self._pool(pool_pre_ping=True, connect_args=self._asking)
        reading = {**asking, "default_transaction_read_only": "on"}
        self._views = self._pool(
            isolation_level="AUTOCOMMIT", connect_args={**self._asking, "server_settings": reading}
        )
        event.listen(self._views.sync_engine, "checkout", _refuse_closed)
        self._glances: asyncpg.Pool[GlanceRow] | None = None
        self._glances_lock = asyncio.Lock()

    def _pool(self, **more: Any) -> AsyncEngine:
        return create_async_engine(
            make_url(self.url).set(drivername="postgresql+asyncpg"),
            pool_size=self.pool_size,
            max_overflow=0,
            pool_timeout=CONNECT_TIMEOUT_S,
            **more,
        )

    @asynccontextmanager
    async def view(self, ctx: Context) -> AsyncGenerator[Unit]:
        """Reads inside the tenant's walls: each statement by itself, and none can write.

        Three round trips cheaper than a unit: no transaction, and a connection keeps its walls for
        whoever comes next from behind the same ones. Within ``together`` it is a part of that, and
        sees what was changed there. Raises DatabaseAway.
        """
        whole = _whole.get()
        if whole is not None and whole.db is self:
            async with self.unit(ctx) as unit:
                yield unit
            return
        bounds = {"role": TENANT_ROLE, "tenant": ctx.tenant, "sites": "\n".join(ctx.sites)}
        async with _told_when_away(), self._views.connect() as conn:
            about = (await conn.get_raw_connection()).info
            if about.get(SETTLED) != bounds:
                # Until PostgreSQL has said yes, this connection is nobody's.
                about.pop(SETTLED, None)
                await conn.execute(_settle, bounds)
                about[SETTLED] = bounds
            yield Unit(conn)

    @asynccontextmanager
    async def unit(self, ctx: Context) -> AsyncGenerator[Unit]:
        """One transaction inside the tenant's walls; commits on leaving, rolls back on errors.

        Within ``together`` it is a part of that one, and rolls back by itself. Raises DatabaseAway
        when PostgreSQL does not answer.
        """
        whole = _whole.get()
        if whole is not None and whole.db is self:
            assert (ctx.tenant, ctx.sites) == whole.bounds, "one transaction is of one tenant"
            async with whole.unit.conn.begin_nested():
                yield whole.unit
            return
        async with self.house_unit() as unit:
            bounds = {"role": TENANT_ROLE, "tenant": ctx.tenant, "sites": "\n".join(ctx.sites)}
            await unit.conn.execute(_bind, bounds)
            try:
                yield unit
            except DBAPIError as error:
                said = None if error.orig is None else error.orig.__cause__
                # Without sites it would be a bug of ours, and is told as one.
                if ctx.sites and isinstance(said, asyncpg.InsufficientPrivilegeError):
                    raise OutOfBounds("that is outside of the sites you may change") from error
                raise

    @asynccontextmanager
    async def together(self, ctx: Context) -> AsyncGenerator[None]:
        """All units of this tenant that this task opens within are one transaction.

        For a command of several verbs, and for what is told of it in the same breath.
        """
        async with self.unit(ctx) as unit:
            token = _whole.set(_Whole(self, unit, (ctx.tenant, ctx.sites)))
            try:
                yield
            finally:
                _whole.reset(token)

    @asynccontextmanager
    async def house_unit(self) -> AsyncGenerator[Unit]:
        """One transaction that sees all tenants: for the house's own errands only."""
        async with _told_when_away(), self._engine.begin() as conn:
            yield Unit(conn)

    @asynccontextmanager
    async def glance(self) -> AsyncGenerator[Glance]:
        """Reads for the gateway: no transaction and no walls, a fifth of a unit's cost.

        The query itself must name the tenant or the station.
        """
        async with _told_when_away():
            async with self._glances_lock:
                if self._glances is None:
                    self._glances = await asyncpg.create_pool(
                        self.url,
                        min_size=0,
                        max_size=GLANCES_MAX,
                        record_class=GlanceRow,
                        reset=_keep_session,
                        **self._asking,
                    )
            async with self._glances.acquire(timeout=CONNECT_TIMEOUT_S) as conn:
                yield conn

    async def raw(self, **session: str) -> asyncpg.Connection:
        """A connection of one's own, for the group commit and for listening. Close it yourself.

        ``session``: settings of PostgreSQL for this one.
        """
        conn: asyncpg.Connection = await asyncpg.connect(
            self.url, timeout=CONNECT_TIMEOUT_S, server_settings={**self._session, **session}
        )
        return conn

    async def ping(self) -> None:
        """Raise unless PostgreSQL answers and is new enough."""
        async with self.house_unit() as unit:
            found = await unit.conn.scalar(text("SELECT current_setting('server_version_num')"))
        if int(str(found)) < VERSION_MIN:
            raise DatabaseTooOld(
                f"PostgreSQL {int(str(found)) // 10_000} is too old: Forecourt needs 15 or newer"
            )

    async def close(self) -> None:
        if self._glances is not None:
            self._glances.terminate()
        await self._engine.dispose()
        await self._views.dispose()


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Have the pool take another one: its server went meanwhile, which costs nothing to see."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


@asynccontextmanager
async def _told_when_away() -> AsyncGenerator[None]:
    """Turn what drivers and pools raise when PostgreSQL does not answer into DatabaseAway."""
    try:
        yield
    except (PoolTimeout, *AWAY) as error:
        raise DatabaseAway("the database does not answer", cause=str(error)) from error
    except DBAPIError as error:
        said = None if error.orig is None else error.orig.__cause__
        # It may also answer, and say: starting, stopping, full.
        if (
            error.connection_invalidated
            or isinstance(error, InterfaceError)
            or isinstance(said, AWAY)
        ):
            raise DatabaseAway("the database does not answer", cause=str(error)) from error
        raise
