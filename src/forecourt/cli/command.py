"""``forecourt command``: ask stations to do something, and show their own answers.

Those that people type often are written by hand; all others are made from their Structs.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from typer.core import TyperGroup

from forecourt.cli import generated
from forecourt.cli.asking import Fleet, ask
from forecourt.cli.options import AsJson, DatabaseUrl, DataDir, fail
from forecourt.domain.stations import COMMANDS

TO_MANY: Final = frozenset({"--all", "--site", "--model"})
"""By these the stations are chosen, so that none is named."""
NOBODY: Final = "*"


class _Choosing(TyperGroup):
    """Takes ``command ID reset``, and ``command --site depot reset``, where no station is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        chosen = any(each.split("=")[0] in TO_MANY for each in args)
        first = next((n for n, each in enumerate(args) if each in self.commands), None)
        named = first is not None and first > 0 and not args[first - 1].startswith("-")
        if chosen and first is not None and not (named and args[first - 1] == NOBODY):
            args = [*args[:first], NOBODY, *args[first:]]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Choosing,
    no_args_is_help=True,
    add_completion=False,
    help="Ask stations to do something: command ID reset, or command --site depot reset.",
)

Evse = Annotated[int | None, typer.Option(min=0, help="Which EVSE; 0 is the whole station.")]
Connector = Annotated[int | None, typer.Option(min=1, help="Which connector of the EVSE.")]


class Mode(StrEnum):
    """How to reset."""

    SOFT = "soft"
    HARD = "hard"
    RESUME = "resume"


class Message(StrEnum):
    """What can be asked for."""

    BOOT = "boot"
    HEARTBEAT = "heartbeat"
    STATUS = "status"
    METER_VALUES = "meter_values"
    FIRMWARE = "firmware"
    LOG = "log"
    TRANSACTION = "transaction"
    DIAGNOSTICS = "diagnostics"
    SIGNED_FIRMWARE = "signed_firmware"
    PUBLISH_FIRMWARE = "publish_firmware"
    SIGN_CERTIFICATE = "sign_certificate"
    SIGN_V2G_CERTIFICATE = "sign_v2g_certificate"
    SIGN_V2G20_CERTIFICATE = "sign_v2g20_certificate"
    SIGN_COMBINED_CERTIFICATE = "sign_combined_certificate"
    CUSTOM = "custom"


@app.callback()
def _command(
    ctx: typer.Context,
    station: Annotated[str, typer.Argument(help="The station's identity.")],
    *,
    everybody: Annotated[bool, typer.Option("--all", help="All stations.")] = False,
    site: Annotated[str | None, typer.Option(help="Those of a site.")] = None,
    model: Annotated[str | None, typer.Option(help="Those of a model.")] = None,
    connected: Annotated[
        bool, typer.Option("--connected", help="Of these, those that are connected.")
    ] = False,
    at_once: Annotated[int, typer.Option(min=1, max=200, help="So many at the same time.")] = 20,
    wait_hours: Annotated[
        float | None,
        typer.Option(min=0, max=720, help="Wait so long for stations that are away."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Stay until all are settled.")
    ] = True,
) -> None:
    """Ask a station to do something, or many of them."""
    chosen = {"site": site, "model": model, "connected": True if connected else None}
    if station != NOBODY:
        ctx.obj = station
    elif everybody or site is not None or model is not None:
        told = {name: value for name, value in chosen.items() if value is not None}
        ctx.obj = Fleet(chosen=told, at_once_max=at_once, wait_hours=wait_hours, follow=follow)
    else:
        fail("name a station, or choose some by --all, --site or --model")


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
    ask(ctx, asked, data_dir, database_url, as_json=as_json)


@app.command()
def start(
    ctx: typer.Context,
    token: Annotated[str, typer.Argument(help="For whom.")],
    *,
    kind: Annotated[
        str, typer.Option("--token-type", help="Central, ISO14443, eMAID, …")
    ] = "Central",
    evse: Evse = None,
    group: Annotated[str | None, typer.Option(help="Whoever has a token of it may stop.")] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Start a session for a token."""
    asked = {"command": "start", "token": token, "token_type": kind, "evse": evse, "group": group}
    ask(ctx, asked, data_dir, database_url, as_json=as_json)


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
    ask(ctx, {"command": "stop", named: session}, data_dir, database_url, as_json=as_json)


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
    ask(ctx, asked, data_dir, database_url, as_json=as_json)


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
    ask(ctx, asked, data_dir, database_url, as_json=as_json)


@app.command()
def trigger(
    ctx: typer.Context,
    message: Annotated[Message, typer.Argument(help="Which.")],
    *,
    evse: Evse = None,
    connector: Connector = None,
    custom: Annotated[str | None, typer.Option(help="Which, for custom (2.1).")] = None,
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
        "custom": custom,
    }
    ask(ctx, asked, data_dir, database_url, as_json=as_json)


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
    ask(ctx, asked, data_dir, database_url, as_json=as_json)


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
    ask(ctx, asked, data_dir, database_url, as_json=as_json)


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
    ask(ctx, asked, data_dir, database_url, as_json=as_json)


@app.command()
def raw(
    ctx: typer.Context,
    action: Annotated[str, typer.Argument(help="The message, as the version calls it.")],
    payload: Annotated[str, typer.Argument(help="JSON, or @file.")] = "{}",
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Send any message as it stands, once it is valid in the station's version."""
    try:
        text = Path(payload[1:]).read_text("utf-8") if payload.startswith("@") else payload
        said = msgspec.json.decode(text, type=dict[str, Any])
    except (OSError, msgspec.DecodeError) as error:
        fail(f"the payload is no JSON object: {error}")
    asked = {"command": "raw", "action": action, "payload": said}
    ask(ctx, asked, data_dir, database_url, as_json=as_json)


def _variable(name: str) -> dict[str, str]:
    component, dot, variable = name.partition(".")
    return {"component": component, "variable": variable} if dot else {"variable": name}


generated.add(
    app,
    (
        kind
        for kind in COMMANDS
        if str(kind.__struct_config__.tag).replace("_", "-")
        not in {
            each.name or getattr(each.callback, "__name__", "") for each in app.registered_commands
        }
    ),
)
