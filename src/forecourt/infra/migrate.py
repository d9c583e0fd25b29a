"""Brings a database to the tables that this version of Forecourt needs, by Alembic's steps."""

import contextlib
from collections.abc import Callable
from contextlib import aclosing
from importlib.resources import files
from io import StringIO
from typing import ClassVar, Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from forecourt.base.errors import ForecourtError, Kind

SCHEMES: Final = ("postgresql", "postgres")

# Two processes that start together must not both migrate: an advisory lock of this name.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('forecourt.migrate'))")


class SchemaDrift(ForecourtError):
    """The tables are not what this version of Forecourt expects."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "database.schema_drift"


class DatabaseUnreachable(ForecourtError):
    """The database that was named cannot be used: a wrong URL, host, password or name."""

    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    code: ClassVar[str] = "database.unreachable"


class RightsMissing(ForecourtError):
    """Our role may not do what a step needs; the message names what an administrator must run."""

    kind: ClassVar[Kind] = Kind.FORBIDDEN
    code: ClassVar[str] = "database.rights_missing"


async def upgrade(url: str, revision: str = "head") -> None:
    """Run all steps that are missing. Nothing happens when there are none."""
    await _run(url, lambda config: command.upgrade(config, revision))


async def downgrade(url: str, revision: str) -> None:
    """Take steps back; what they made is lost."""
    await _run(url, lambda config: command.downgrade(config, revision))


async def check(url: str) -> str:
    """The revision, when database and code agree. Raises SchemaDrift."""
    head = ScriptDirectory.from_config(_config()).get_current_head()

    def compare(config: Config) -> None:
        connection = config.attributes["connection"]
        found = MigrationContext.configure(connection).get_current_revision()
        if found != head:
            raise SchemaDrift(
                f"the database is at {found or 'nothing'}, this Forecourt needs {head}:"
                " run 'forecourt db upgrade'"
            )
        try:
            command.check(config)
        except CommandError as error:
            raise SchemaDrift(str(error)) from error

    await _run(url, compare)
    return str(head)


async def _run(url: str, work: Callable[[Config], None]) -> None:
    engine = create_async_engine(_address(url).set(drivername="postgresql+asyncpg"))

    def migrate(connection: Connection) -> None:
        connection.execute(_LOCK)
        config = _config()
        config.attributes["connection"] = connection
        work(config)

    try:
        async with aclosing(await _connect(engine)) as connection, connection.begin():
            await connection.run_sync(migrate)
    except DBAPIError as error:
        said = None if error.orig is None else error.orig.__cause__
        if isinstance(said, asyncpg.InsufficientPrivilegeError):
            raise RightsMissing(str(said)) from error
        raise
    finally:
        await engine.dispose()


def _address(url: str) -> URL:
    with contextlib.suppress(ArgumentError):
        address = make_url(url)
        if address.drivername in SCHEMES:
            return address
    raise DatabaseUnreachable(
        "the database URL should look like postgresql://user:password@host/name"
    )


async def _connect(engine: AsyncEngine) -> AsyncConnection:
    try:
        return await engine.connect()
    except (OSError, DBAPIError) as error:
        said = error.orig if isinstance(error, DBAPIError) else error
        raise DatabaseUnreachable(f"cannot use this PostgreSQL: {said}") from error


def _config() -> Config:
    # What Alembic says goes nowhere: commands print for people, or JSON and nothing else.
    config = Config(stdout=StringIO())
    config.set_main_option("script_location", str(files("forecourt") / "migrations"))
    return config
