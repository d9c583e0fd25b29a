"""``forecourt db``: the tables."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer
import uvloop

from forecourt.cli.options import AsJson, DatabaseUrl, DataDir, err, out, print_json, settings
from forecourt.infra import migrate, postgres

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The database's tables.")

T = TypeVar("T")


@app.command()
def upgrade(
    *, as_json: AsJson = False, data_dir: DataDir = None, database_url: DatabaseUrl = None
) -> None:
    """Bring the tables to what this version needs. 'forecourt serve' does so by itself."""

    async def work(url: str) -> str:
        await migrate.upgrade(url)
        return await migrate.check(url)

    _say(_with_database(data_dir, database_url, work), as_json=as_json)


@app.command()
def check(
    *, as_json: AsJson = False, data_dir: DataDir = None, database_url: DatabaseUrl = None
) -> None:
    """See whether the tables are what this version needs; exit code 1 when not."""
    _say(_with_database(data_dir, database_url, migrate.check), as_json=as_json)


def _with_database(
    data_dir: DataDir, database_url: DatabaseUrl, work: Callable[[str], Awaitable[T]]
) -> T:
    chosen = settings(data_dir, database_url)

    async def run() -> T:
        if chosen.database_url is not None:
            return await work(chosen.database_url.get_secret_value())
        async with postgres.at(
            chosen.data_dir, log=lambda line: err.print(line, style="dim")
        ) as url:
            return await work(url)

    return uvloop.run(run())


def _say(revision: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"revision": revision})
    else:
        out.print(f"the tables are at revision {revision}, as they should be")
