"""``forecourt station rotate-password | upgrade-security``: over the station's own line.

The running platform has that line, so it is asked; nothing is decided here.
"""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from rich.markup import escape

from forecourt.cli import platform, views
from forecourt.cli.options import AsJson, DatabaseUrl, DataDir, out, print_json, settings
from forecourt.domain.stations import GOOD

Id = Annotated[str, typer.Argument(help="The station's identity.")]


def rotate_password(
    station: Id,
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Give a connected station a new password, over its own line. Nobody sees it.

    The old one is good until the station has used the new one.
    """
    path = f"/api/v1/stations/{quote(station, safe='')}/password"
    told = platform.post(settings(data_dir, database_url), path, {"send": True})
    if as_json:
        print_json(told)
    else:
        said = " ".join(filter(None, (told["status"], told["reason"])))
        out.print(f"[bold]{escape(told['outcome'])}[/] {escape(said)}")
    if told["outcome"] not in GOOD:
        raise typer.Exit(1)


def upgrade_security(
    station: Id,
    *,
    profile: Annotated[int, typer.Option(min=1, max=3, help="The OCPP security profile to reach.")],
    url: Annotated[
        str, typer.Option(help="Where the station shall reach us then, without its identity.")
    ],
    slot: Annotated[
        int | None, typer.Option(min=0, help="Which of its network profiles to use.")
    ] = None,
    interface: Annotated[str, typer.Option(help="Wired0…3, Wireless0…3, Any.")] = "Wired0",
    root: Annotated[
        Path | None,
        typer.Option(
            help="PEM of who signed the certificate at that address, for the station to trust;"
            " without it the platform's own authority, where that signed it.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the steps, and why; do nothing.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Bring a connected station to a higher security profile, without a truck roll.

    It is given what it lacks for that: a password, the root of our certificate, a certificate of
    its own.

    Once it is back by that profile, lower ones are refused.
    """
    wish: dict[str, object] = {
        "profile": profile,
        "url": url,
        "slot": slot,
        "interface": interface,
        "root": "" if root is None else root.read_text(encoding="ascii"),
    }
    path = f"/api/v1/stations/{quote(station, safe='')}/security-profile"
    told = platform.post(settings(data_dir, database_url), path, wish | {"dry_run": dry_run})
    if as_json:
        print_json(told)
    else:
        out.print(views.upgrade_table(told))
    if any(step["outcome"] not in (None, *GOOD) for step in told["steps"]):
        raise typer.Exit(1)
