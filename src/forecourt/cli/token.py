"""``forecourt token``: who may charge."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from forecourt.base.context import Context
from forecourt.cli import views
from forecourt.cli.options import (
    AsJson,
    DatabaseUrl,
    DataDir,
    Limit,
    changing,
    list_all,
    out,
    print_json,
    tell,
)
from forecourt.domain.access import NewToken, Token, TokenStatus
from forecourt.domain.rooms import Rooms

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Tokens: who may charge.")

Uid = Annotated[str, typer.Argument(help="What the reader reads.")]


@app.command()
def add(
    uid: Uid,
    *,
    kind: Annotated[
        str, typer.Option("--type", help="ISO14443, ISO15693, eMAID, Central, KeyCode, …")
    ] = "ISO14443",
    group: Annotated[str, typer.Option(help="Tokens of a group stop each other.")] = "",
    label: Annotated[str, typer.Option(help="Whose it is.")] = "",
    expires: Annotated[
        datetime | None, typer.Option(help="From then on it is refused (UTC).")
    ] = None,
    sessions_max: Annotated[int, typer.Option(min=1, help="Sessions at once.")] = 1,
    unlimited: Annotated[bool, typer.Option("--unlimited", help="Any number at once.")] = False,
    blocked: Annotated[bool, typer.Option("--blocked", help="Known, and refused.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make a token known."""
    new = NewToken(
        uid=uid,
        type=kind,
        status=TokenStatus.BLOCKED if blocked else TokenStatus.ACCEPTED,
        group=group,
        label=label,
        valid_until=None if expires is None else expires.replace(tzinfo=UTC),
        sessions_max=None if unlimited else sessions_max,
    )

    async def work(rooms: Rooms, ctx: Context) -> Token:
        made = await rooms.access.add(ctx, new)
        await tell(rooms, ctx, "add_token", made.uid, after=new)
        return made

    _show(changing(data_dir, database_url, work), "added", as_json=as_json)


@app.command("list")
def list_(
    *,
    limit: Limit = 100,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """List tokens, in the order of their uids."""
    list_all(
        data_dir,
        database_url,
        lambda rooms, ctx, wanted: rooms.access.list(ctx, wanted),
        limit=limit,
        as_json=as_json,
        table=views.tokens_table,
        none="no tokens; 'forecourt token add UID' makes one known",
    )


@app.command()
def block(
    uid: Uid,
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Refuse a token from now on."""

    async def work(rooms: Rooms, ctx: Context) -> Token:
        return await _change(rooms, ctx, uid, TokenStatus.BLOCKED)

    _show(changing(data_dir, database_url, work), "blocked", as_json=as_json)


@app.command()
def unblock(
    uid: Uid,
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Accept a token again."""

    async def work(rooms: Rooms, ctx: Context) -> Token:
        return await _change(rooms, ctx, uid, TokenStatus.ACCEPTED)

    _show(changing(data_dir, database_url, work), "unblocked", as_json=as_json)


@app.command()
def remove(uid: Uid, *, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Forget a token; its sessions stay."""

    async def work(rooms: Rooms, ctx: Context) -> None:
        before = await rooms.access.read(ctx, uid)
        await rooms.access.remove(ctx, uid)
        await tell(rooms, ctx, "remove_token", uid, before=before)

    changing(data_dir, database_url, work)
    out.print(f"removed [bold]{escape(uid)}[/]")


async def _change(rooms: Rooms, ctx: Context, uid: str, status: TokenStatus) -> Token:
    before = await rooms.access.read(ctx, uid)
    after = await rooms.access.change(ctx, uid, status=status)
    await tell(rooms, ctx, "change_token", uid, before=before, after={"status": status})
    return after


def _show(token: Token, what: str, *, as_json: bool) -> None:
    if as_json:
        print_json(token)
    else:
        out.print(f"{what} [bold]{escape(token.uid)}[/]")
