"""``forecourt command``: ask a connected station to do something, and show its own answer."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer
from rich.markup import escape

from forecourt.cli import views
from forecourt.cli.options import AsJson, DatabaseUrl, DataDir, fail, out, print_json, settings
from forecourt.cli.platform import post
from forecourt.domain.stations import Outcome

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Ask a connected station to do something: command ID reset.",
)

GOOD: Final = frozenset({Outcome.ACCEPTED, Outcome.SCHEDULED})

Evse = Annotated[int | None, typer.Option(min=0, help="Which EVSE; 0 is the whole station.")]
Connector = Annotated[int | None, typer.Option(min=1, help="Which connector of the EVSE.")]


class Mode(StrEnum):
    """How to reset."""

    SOFT = "soft"
    HARD = "hard"


class Message(StrEnum):
    """What can be asked for."""

    BOOT = "boot"
    HEARTBEAT = "heartbeat"
    STATUS = "status"
    METER_VALUES = "meter_values"
    FIRMWARE = "firmware"
    LOG = "log"
    TRANSACTION = "transaction"


class ReportSize(StrEnum):
    """How much of the device model."""

    CONFIGURATION = "configuration"
    FULL = "full"
    SUMMARY = "summary"


@app.callback()
def _command(
    ctx: typer.Context, station: Annotated[str, typer.Argument(help="The station's identity.")]
) -> None:
    """Ask a connected station to do something."""
    ctx.obj = station


@app.command()
def reset(
    ctx: typer.Context,
    *,
    mode: Annotated[Mode, typer.Option(help="Soft ends sessions in good order.")] = Mode.SOFT,
    evse: Evse = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Reboot."""
    asked = {"command": "reset", "mode": mode.value, "evse": evse}
    _ask(ctx, asked, data_dir, database_url, as_json=as_json)


@app.command()
def start(
    ctx: typer.Context,
    token: Annotated[str, typer.Argument(help="For whom.")],
    *,
    kind: Annotated[
        str, typer.Option("--token-type", help="Central, ISO14443, eMAID, …")
    ] = "Central",
    evse: Evse = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Start a session for a token."""
    asked = {"command": "start", "token": token, "token_type": kind, "evse": evse}
    _ask(ctx, asked, data_dir, database_url, as_json=as_json)


@app.command()
def stop(
    ctx: typer.Context,
    session: Annotated[str, typer.Argument(help="ses_…, or the station's transaction.")],
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Stop a session."""
    named = "session" if session.startswith("ses_") else "transaction"
    _ask(ctx, {"command": "stop", named: session}, data_dir, database_url, as_json=as_json)


@app.command()
def unlock(
    ctx: typer.Context,
    *,
    evse: Annotated[int, typer.Option(min=1, help="Which EVSE.")] = 1,
    connector: Annotated[int, typer.Option(min=1, help="Which connector of it.")] = 1,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Let go of a cable."""
    asked = {"command": "unlock", "evse": evse, "connector": connector}
    _ask(ctx, asked, data_dir, database_url, as_json=as_json)


@app.command()
def availability(
    ctx: typer.Context,
    *,
    operative: Annotated[
        bool, typer.Option("--operative/--inoperative", help="Into service, or out of it.")
    ],
    evse: Annotated[int, typer.Option(min=0, help="Which EVSE; 0 is the whole station.")] = 0,
    connector: Connector = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Take a station, an EVSE or a connector out of service, or back into it."""
    asked = {
        "command": "availability",
        "operative": operative,
        "evse": evse,
        "connector": connector,
    }
    _ask(ctx, asked, data_dir, database_url, as_json=as_json)


@app.command()
def trigger(
    ctx: typer.Context,
    message: Annotated[Message, typer.Argument(help="Which.")],
    *,
    evse: Evse = None,
    connector: Connector = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Ask for a message now."""
    asked = {
        "command": "trigger",
        "message": message.value,
        "evse": evse,
        "connector": connector,
    }
    _ask(ctx, asked, data_dir, database_url, as_json=as_json)


@app.command("get-variables")
def read_variables(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(help="Component.Variable; in 1.6 the key. None: all.")
    ] = None,
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Read variables, or in 1.6 configuration keys."""
    asked = {"command": "get_variables", "variables": [_variable(name) for name in names or ()]}
    _ask(ctx, asked, data_dir, database_url, as_json=as_json)


@app.command("set-variables")
def write_variables(
    ctx: typer.Context,
    values: Annotated[list[str], typer.Argument(help="Component.Variable=value, or Key=value.")],
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Write variables, or in 1.6 configuration keys."""
    variables = []
    for text in values:
        name, equals, value = text.partition("=")
        if not equals:
            fail(f"write NAME=VALUE, not {text!r}")
        variables.append(_variable(name) | {"value": value})
    asked = {"command": "set_variables", "variables": variables}
    _ask(ctx, asked, data_dir, database_url, as_json=as_json)


@app.command("get-report")
def report(
    ctx: typer.Context,
    *,
    base: Annotated[ReportSize, typer.Option(help="How much.")] = ReportSize.FULL,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Ask for the device model; it is stored as it comes in."""
    asked = {"command": "get_report", "base": base.value}
    _ask(ctx, asked, data_dir, database_url, as_json=as_json)


@app.command("data-transfer")
def data_transfer(
    ctx: typer.Context,
    vendor: Annotated[str, typer.Argument(help="Whose message it is.")],
    *,
    message: Annotated[str | None, typer.Option(help="Which of theirs.")] = None,
    data: Annotated[str | None, typer.Option(help="Its text.")] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Send something that only this vendor understands."""
    asked = {"command": "data_transfer", "vendor": vendor, "message": message, "data": data}
    _ask(ctx, asked, data_dir, database_url, as_json=as_json)


@app.command("clear-cache")
def clear_cache(
    ctx: typer.Context,
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Have the station forget what it learnt of tokens."""
    _ask(ctx, {"command": "clear_cache"}, data_dir, database_url, as_json=as_json)


def _variable(name: str) -> dict[str, str]:
    component, dot, variable = name.partition(".")
    return {"component": component, "variable": variable} if dot else {"variable": name}


def _ask(
    ctx: typer.Context,
    command: Mapping[str, Any],
    data_dir: DataDir,
    database_url: DatabaseUrl,
    *,
    as_json: bool,
) -> None:
    """Put the command to the station, show what it says; exit code 1 unless it will do it."""
    said = {name: value for name, value in command.items() if value is not None}
    path = f"/api/v1/stations/{quote(str(ctx.obj), safe='')}/commands"
    answer = post(settings(data_dir, database_url), path, said)
    good = answer["outcome"] in GOOD
    if as_json:
        print_json(answer)
    else:
        words = (answer["outcome"], answer["status"], answer["reason"])
        text = ": ".join(dict.fromkeys(word for word in words if word))
        out.print(f"[{'green' if good else 'red'}]{escape(text)}[/]")
        rest = {name: answer[name] for name in ("variables", "data", "request_id")}
        out.print(views.record(rest))
    if not good:
        raise typer.Exit(1)
