"""The options that commands share, and the way from them to the rooms. Knows no command."""

import json
import os
import pwd
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn, TypeVar

import msgspec
import typer
import uvloop
from rich.console import Console
from rich.table import Table

from forecourt.app.rooms import DEFAULT_TENANT, open_rooms
from forecourt.base.clock import SystemClock
from forecourt.base.context import Context
from forecourt.base.pages import PAGE_MAX, Page, Wanted
from forecourt.domain.rooms import Rooms
from forecourt.domain.tenants import Deed, hidden
from forecourt.infra import log
from forecourt.settings import Settings, load

T = TypeVar("T")

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Where everything lies (default ./forecourt-data)."),
]
DatabaseUrl = Annotated[
    str | None, typer.Option("--database-url", help="Your own PostgreSQL, if it has one.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For machines, on standard output.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="How many at most.")]


SAID_MAX: Final = 16_384
"""As around the routes: more is a bulk import, whose rows tell for themselves."""

# Wide enough that no table is wrapped where a program reads it.
PIPE_COLUMNS: Final = 10_000

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPE_COLUMNS)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def settings(data_dir: Path | None, database_url: str | None) -> Settings:
    """The effective settings. Logs are for when something is wrong."""
    found = load({"data_dir": data_dir, "database_url": database_url})
    log.configure("warning", found.log_format)
    return found


def in_rooms(
    data_dir: Path | None,
    database_url: str | None,
    work: Callable[[Rooms, Context], Awaitable[T]],
) -> T:
    """Look around in the rooms, beside a platform that runs on this data or without one.

    Whatever ``work`` would change PostgreSQL refuses: see ``changing``.
    """
    chosen = settings(data_dir, database_url)
    clock = SystemClock()

    async def run() -> T:
        async with open_rooms(chosen, clock, only_reads=True) as (rooms, _):
            return await work(rooms, _ctx(clock))

    return uvloop.run(run())


def changing(
    data_dir: Path | None,
    database_url: str | None,
    work: Callable[[Rooms, Context], Awaitable[T]],
) -> T:
    """Change something in the rooms, in one transaction.

    ``work`` calls ``tell`` for what it did: the audit trail has it if and only if it was done.
    """
    chosen = settings(data_dir, database_url)
    clock = SystemClock()

    async def run() -> T:
        async with open_rooms(chosen, clock) as (rooms, db):
            ctx = _ctx(clock)
            async with db.together(ctx):
                return await work(rooms, ctx)

    return uvloop.run(run())


def list_all(
    data_dir: Path | None,
    database_url: str | None,
    page: Callable[[Rooms, Context, Wanted], Awaitable[Page[T]]],
    *,
    limit: int,
    as_json: bool,
    table: Callable[[Sequence[T]], Table],
    none: str = "",
    told: Callable[[T], object] = lambda one: one,
) -> None:
    """Print a room's list, page by page, as a table or for machines.

    ``told`` is what JSON says of one of them; ``none`` is said on standard error instead of an
    empty table.
    """

    async def work(rooms: Rooms, ctx: Context) -> list[T]:
        found: list[T] = []
        cursor: str | None = ""
        while cursor is not None and len(found) < limit:
            wanted = Wanted(limit=min(limit - len(found), PAGE_MAX), cursor=cursor)
            next_page = await page(rooms, ctx, wanted)
            found += next_page.items
            cursor = next_page.next
        return found

    found = in_rooms(data_dir, database_url, work)
    if as_json:
        print_json({"items": [told(one) for one in found]})
    elif found or not none:
        out.print(table(found))
    else:
        err.print(none)


async def tell(
    rooms: Rooms,
    ctx: Context,
    action: str,
    subject: str,
    *,
    before: object = None,
    after: object = None,
) -> None:
    """Have the audit trail remember a deed, as the route of this ``operation_id`` would have it.

    ``before`` and ``after`` are kept as JSON, without secrets.
    """
    deed = Deed(action=action, subject=subject, before=_said(before), after=_said(after))
    await rooms.audit.add(ctx, deed)


def _said(thing: object) -> str:
    if thing is None:
        return ""
    said = json.dumps(hidden(msgspec.to_builtins(thing, str_keys=True)), ensure_ascii=False)
    return said if len(said) <= SAID_MAX else ""


def _ctx(clock: SystemClock) -> Context:
    return Context(actor=f"cli:{account()}", tenant=DEFAULT_TENANT, now=clock.now())


def account() -> str:
    """The account that the command runs as: the system says so, not the environment."""
    uid = os.geteuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)  # As in containers, where accounts have numbers only.


def print_json(thing: Any) -> None:
    """One JSON document, and nothing else, on standard output."""
    sys.stdout.write(msgspec.json.encode(thing).decode() + "\n")


def fail(message: str) -> NoReturn:
    """One line on standard error, exit code 1."""
    err.print("[bold red]error:[/] ", end="")
    err.print(message, markup=False)
    raise typer.Exit(1)
