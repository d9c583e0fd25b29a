"""``forecourt apikey``: which programs may ask."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from forecourt.base.context import Context
from forecourt.base.pages import PAGE_MAX
from forecourt.cli import views
from forecourt.cli.options import (
    AsJson,
    DatabaseUrl,
    DataDir,
    changing,
    err,
    list_all,
    out,
    print_json,
    tell,
)
from forecourt.domain.rooms import Rooms
from forecourt.domain.tenants import ApiKey, NewApiKey, Scope

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="API keys: which programs may ask."
)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    *,
    expires: Annotated[datetime | None, typer.Option(help="Until when it is good (UTC).")] = None,
    scope: Annotated[
        list[Scope] | None, typer.Option(help="What it may do beyond the usual.")
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make an API key, and print it this once."""
    until = None if expires is None else expires.replace(tzinfo=UTC)

    async def work(rooms: Rooms, ctx: Context) -> NewApiKey:
        made = await rooms.tenants.add_key(ctx, name, expires_at=until, scopes=scope or ())
        await tell(rooms, ctx, "add_api_key", made.key.id, after=made.key)
        return made

    made = changing(data_dir, database_url, work)
    if as_json:
        print_json({"id": made.key.id, "name": made.key.name, "key": made.secret})
    else:
        err.print("Keep it safe: it is shown this once.")
        out.print(made.secret, markup=False)


@app.command("list")
def list_(
    *, as_json: AsJson = False, data_dir: DataDir = None, database_url: DatabaseUrl = None
) -> None:
    """List API keys, those that were revoked too."""
    list_all(
        data_dir,
        database_url,
        lambda rooms, ctx, wanted: rooms.tenants.keys(ctx, wanted),
        limit=PAGE_MAX,
        as_json=as_json,
        table=views.keys_table,
    )


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="Its name or its id.")],
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """End a key's life; within seconds nobody gets in with it."""

    async def work(rooms: Rooms, ctx: Context) -> ApiKey:
        ended = await rooms.tenants.revoke_key(ctx, name)
        await tell(rooms, ctx, "revoke_api_key", ended.id, before=ended)
        return ended

    ended = changing(data_dir, database_url, work)
    if as_json:
        print_json(ended)
    else:
        out.print(f"revoked [bold]{escape(ended.name)}[/]")
