"""``forecourt session``: who charged where, and how much."""

from typing import Annotated

import typer

from forecourt.base.context import Context
from forecourt.base.ids import SessionId, StationId
from forecourt.cli import views
from forecourt.cli.options import (
    AsJson,
    DatabaseUrl,
    DataDir,
    Limit,
    changing,
    in_rooms,
    list_all,
    out,
    print_json,
    tell,
)
from forecourt.domain.rooms import Rooms
from forecourt.domain.sessions import Session, SessionState

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Sessions: who charged where, and how much."
)


@app.command("list")
def list_(
    *,
    station: Annotated[str | None, typer.Option(help="Only those of this station.")] = None,
    state: Annotated[SessionState | None, typer.Option(help="Only those in this state.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """List sessions, newest first."""
    where = None if station is None else StationId(station)
    list_all(
        data_dir,
        database_url,
        lambda rooms, ctx, wanted: rooms.sessions.list(ctx, wanted, station=where, state=state),
        limit=limit,
        as_json=as_json,
        table=views.sessions_table,
        none="no sessions",
        told=views.session,
    )


@app.command()
def show(
    session: Annotated[str, typer.Argument(help="Its id: ses_…")],
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show all that is known of a session."""

    async def work(rooms: Rooms, ctx: Context) -> Session:
        return await rooms.sessions.read(ctx, SessionId(session))

    found = views.session(in_rooms(data_dir, database_url, work))
    if as_json:
        print_json(found)
    else:
        out.print(views.record(found))


@app.command()
def end(
    session: Annotated[str, typer.Argument(help="Its id: ses_…")],
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """End a session whose station is away, with the energy that is known.

    A stop that its station tells later still counts.
    """

    async def work(rooms: Rooms, ctx: Context) -> Session:
        over = await rooms.sessions.silent.end(ctx, SessionId(session))
        await tell(rooms, ctx, "end_session", over.id, after=views.session(over))
        return over

    found = views.session(changing(data_dir, database_url, work))
    if as_json:
        print_json(found)
    else:
        out.print(views.record(found))
