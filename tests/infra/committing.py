"""A group commit that runs for a while, and connections that break when a test says so."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import asyncpg
import psutil

from forecourt.infra.commit import Changes, Committer, Row, Write, append, upsert
from forecourt.infra.postgres import EmbeddedPostgres

TABLES = """
CREATE TABLE owners (name text PRIMARY KEY);
CREATE TABLE things (
  name text PRIMARY KEY,
  owner text NOT NULL REFERENCES owners,
  size bigint NOT NULL CHECK (size >= 0),
  epoch bigint NOT NULL
);
CREATE TABLE notes (id bigint PRIMARY KEY, said text NOT NULL);
CREATE FUNCTION full_disk(names text[]) RETURNS bigint LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = 'disk_full'; END $$;
"""
OWNERS = append("owners", ("name",), types=("text",), copy=False)
THINGS = upsert(
    "things",
    ("name", "owner", "size", "epoch"),
    types=("text", "text", "bigint", "bigint"),
    key=("name",),
    fence=True,
)
NOTES = append("notes", ("id", "said"), types=("bigint", "text"), copy=True)
FULL = Write(table="notes", columns=("said",), sql="SELECT full_disk($1)")
ORDER = (OWNERS, THINGS, NOTES, FULL)

Connect = Callable[[], Awaitable[asyncpg.Connection]]


def changed(*rows: tuple[Write, Row]) -> Changes:
    changes = Changes()
    for write, row in rows:
        changes.write(write, row)
    return changes


def note(number: int, said: str = "") -> Changes:
    return changed((NOTES, (number, said)))


class Answers:
    """How each message ended, in the order in which they were told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, BaseException | None]] = []

    def of(self, name: object) -> Callable[[BaseException | None], None]:
        return lambda error: self.told.append((name, error))

    @property
    def failed(self) -> dict[object, BaseException]:
        return {name: error for name, error in self.told if error is not None}


def connecting(url: str) -> Connect:
    async def connect() -> asyncpg.Connection:
        conn: asyncpg.Connection = await asyncpg.connect(url)
        return conn

    return connect


class Breaking(asyncpg.Connection):
    """Loses its link when it has sent COMMIT, before the server's answer is read.

    It runs the COMMIT to its end first: the worst case, in which all is done and nobody knows.
    """

    breaks = 0

    # asyncpg sends BEGIN and COMMIT this way too.
    async def execute(self, query: str, *args: object, **options: float | None) -> str:
        status: str = await super().execute(query, *args, **options)
        if query == "COMMIT;" and Breaking.breaks:
            Breaking.breaks -= 1
            self.terminate()
            raise asyncpg.ConnectionDoesNotExistError("the link broke during COMMIT")
        return status


def breaking(url: str) -> Connect:
    async def connect() -> asyncpg.Connection:
        conn: asyncpg.Connection = await asyncpg.connect(url, connection_class=Breaking)
        return conn

    return connect


def kill_server(server: EmbeddedPostgres) -> None:
    """kill -9 of PostgreSQL, all of it."""
    postmaster = psutil.Process(server.pid)
    for process in [postmaster, *postmaster.children()]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


@asynccontextmanager
async def working(connect: Connect, order: Sequence[Write] = ORDER) -> AsyncGenerator[Committer]:
    """A committer that begins to work when the body awaits for the first time."""
    committer = Committer(connect, order=order)
    async with asyncio.TaskGroup() as tasks:
        run = tasks.create_task(committer.run())
        try:
            yield committer
        finally:
            run.cancel()
