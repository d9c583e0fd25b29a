"""``forecourt``: the commands, each in a module of its own that is loaded when it is asked for.

Turns flags into calls and failures into one clear line; decides nothing.
"""

import sys
from collections import UserDict
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version as installed
from importlib.util import find_spec
from typing import Annotated, Any, Final

import typer
import typer.main
from rich.console import Console
from rich.markup import escape
from typer.core import TyperCommand, TyperGroup

from forecourt.base.errors import ForecourtError

__all__ = ["app", "main"]

# In the order in which help shows them, and what it says of each: their own first words (a test
# compares), since loading all of them takes seconds. A command's module has a function of its
# name, or, with commands of its own, a Typer named ``app``.
COMMANDS: Final = {
    "serve": "Run the platform: OCPP for stations, HTTP for people and programs. Stops on SIGTERM.",
    "demo": "Run the platform with a simulated network of stations, cars and drivers.",
    "site": "Sites: where stations stand.",
    "station": "Stations: make them known, change them, see them.",
    "template": "Templates: what stations of some kind shall be set to.",
    "token": "Tokens: who may charge.",
    "session": "Sessions: who charged where, and how much.",
    "command": "Ask stations to do something: command ID reset, or command --site depot reset.",
    "user": "People: who may log in.",
    "apikey": "API keys: which programs may ask.",
    "webhook": "Webhooks: who hears of events.",
    "pki": "Certificates, and those who sign them.",
    "db": "The database's tables.",
    "config": "Settings.",
    "doctor": "See whether this machine is fit to run the platform; "
    "exit code 1 when something is bad.",
    "sim": "Run simulated charging stations against a central system.",
    "bench": "Measured comparisons, each one command.",
}


class _Book(UserDict[str, Any]):
    """The commands by name: ``forecourt sim`` does not wait for the database's libraries."""

    def __getitem__(self, name: str) -> TyperCommand | TyperGroup:
        module = import_module(self.data[name])
        whole = getattr(module, "app", None)
        if whole is None:
            whole = typer.Typer(add_completion=False)
            whole.command(name)(getattr(module, name))
        command = typer.main.get_command(whole)
        assert isinstance(command, TyperCommand | TyperGroup)
        command.name = name
        _write_plainly(command)
        return command


class _Commands(TyperGroup):
    """The group whose commands are the modules beside this one."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        places = {name: f"{__name__}.{name}" for name in COMMANDS}
        self.commands = _Book({n: place for n, place in places.items() if find_spec(place)})

    def list_commands(self, _: Any) -> list[str]:
        """Their names; none is loaded."""
        return [*self.commands]

    def brief(self, ctx: Any, cmd_name: str) -> TyperCommand | None:
        """What help and a shell's completion tell of a command: not loaded, it cannot run."""
        if cmd_name not in self.commands:
            return None
        return TyperCommand(name=cmd_name, help=COMMANDS[cmd_name])

    get_command = brief  # As the library calls it.

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that is asked for, loaded."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, found if name is None else self.commands[name], rest


def _write_plainly(command: TyperCommand | TyperGroup) -> None:
    """Help is text: what stands in brackets is not mark-up."""
    command.rich_markup_mode = "markdown"
    for below in getattr(command, "commands", {}).values():
        _write_plainly(below)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(*, asked: bool) -> None:
    if asked:
        print(f"forecourt {installed('forecourt')}")
        raise typer.Exit


@app.callback()
def _forecourt(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=lambda asked: _version(asked=asked),
            is_eager=True,
            help="Print the version and stop.",
        ),
    ] = False,
) -> None:
    """Run an EV charging network: stations, sessions, energy."""


def main() -> None:
    """Run the command that the arguments ask for; a failure is one line, and exit code 1."""
    failures: list[ForecourtError] = []
    try:
        app()
    # A house that cannot open fails within its group of tasks: the failure comes wrapped.
    except* ForecourtError as group:
        failures += _leaves(group)
    for error in failures:
        Console(stderr=True).print(
            f"[bold red]error:[/] {escape(error.message)} [dim]({error.code})[/]",
            highlight=False,
            soft_wrap=True,
        )
    if failures:
        sys.exit(1)


def _leaves(group: BaseExceptionGroup[ForecourtError]) -> Iterator[ForecourtError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
