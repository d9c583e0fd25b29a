"""``forecourt config``: which settings are in effect."""

from typing import Annotated, Any, Final

import typer
from pydantic import SecretStr
from rich.markup import escape
from rich.table import Table

from forecourt.cli.options import AsJson, DatabaseUrl, DataDir, out, print_json, settings
from forecourt.settings import Settings

app = typer.Typer(help="Settings.", no_args_is_help=True, add_completion=False)

HIDDEN: Final = "•••"


@app.callback()
def _config() -> None:
    """Settings: which are in effect."""


@app.command()
def show(
    *,
    changed: Annotated[
        bool, typer.Option("--changed", help="Only those that are not as they come.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Print the settings in effect: file, environment and options together. Secrets are hidden."""
    chosen = settings(data_dir, database_url)
    values = {
        name: _value(getattr(chosen, name))
        for name, field in Settings.model_fields.items()
        if not changed or getattr(chosen, name) != field.default
    }
    if as_json:
        print_json(values)
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in values.items():
        different = getattr(chosen, name) != Settings.model_fields[name].default
        table.add_row(name, f"[{'bold' if different else 'dim'}]{escape(str(value))}[/]")
    out.print(table)


def _value(value: Any) -> Any:
    match value:
        case SecretStr():
            return HIDDEN
        case None | bool() | int() | float():
            return value
        case _:
            return str(value)
