"""Puts a command to one station or to many, and shows what came of it. Knows no command."""

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

import typer
from msgspec import Struct
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from forecourt.base.clock import SystemClock
from forecourt.cli import views
from forecourt.cli.options import DatabaseUrl, DataDir, err, out, print_json, settings
from forecourt.cli.platform import fetch, post
from forecourt.domain.stations import GOOD
from forecourt.settings import Settings

# Progress is asked for this often; a page of results has so many lines.
POLL_S: Final = 0.3
PAGE: Final = 1_000
ORDERS: Final = "/api/v1/commands"


class Fleet(Struct, frozen=True, kw_only=True):
    """Which stations are meant, and how they are asked."""

    chosen: Mapping[str, Any]
    at_once_max: int
    wait_hours: float | None
    follow: bool


def ask(
    ctx: typer.Context,
    command: Mapping[str, Any],
    data_dir: DataDir,
    database_url: DatabaseUrl,
    *,
    as_json: bool,
) -> None:
    """Put the command, show what is said; exit code 1 unless it will be done everywhere."""
    said = {name: value for name, value in command.items() if value is not None}
    chosen = settings(data_dir, database_url)
    if isinstance(ctx.obj, Fleet):
        _ask_many(chosen, ctx.obj, said, as_json=as_json)
    else:
        _ask_one(chosen, str(ctx.obj), said, as_json=as_json)


def _ask_one(chosen: Settings, station: str, said: Mapping[str, Any], *, as_json: bool) -> None:
    path = f"/api/v1/stations/{quote(station, safe='')}/commands"
    answer = post(chosen, path, said)
    if as_json:
        print_json(answer)
    else:
        words = (answer["outcome"], answer["status"], answer["reason"])
        text = ": ".join(dict.fromkeys(word for word in words if word))
        out.print(f"[{'green' if answer['outcome'] in GOOD else 'red'}]{escape(text)}[/]")
        out.print(
            views.record({name: answer[name] for name in ("variables", "data", "request_id")})
        )
        details = {k: v for k, v in (answer["details"] or {}).items() if k != "kind"}
        out.print(views.record(details))
    if answer["outcome"] not in GOOD:
        raise typer.Exit(1)


def _ask_many(chosen: Settings, fleet: Fleet, said: Mapping[str, Any], *, as_json: bool) -> None:
    body: dict[str, Any] = {
        "command": said,
        "filter": fleet.chosen,
        "at_once_max": fleet.at_once_max,
    }
    if fleet.wait_hours is not None:
        expires_at = SystemClock().now() + timedelta(hours=fleet.wait_hours)
        body |= {"queue": True, "expires_at": expires_at}
    order = post(chosen, ORDERS, body)
    path = f"{ORDERS}/{order['id']}"
    if fleet.follow:
        order = _followed(chosen, path, order)
    lines = _lines(chosen, path)
    if as_json:
        print_json({**order, "items": lines})
    else:
        out.print(_table(lines))
        outcomes = ", ".join(f"{n} {word}" for word, n in order["progress"]["outcomes"].items())
        err.print(f"{escape(order['id'])}: {outcomes or 'nothing settled yet'}")
    settled = order["progress"]["settled"]
    if fleet.follow and (
        settled < order["progress"]["total"] or not set(order["progress"]["outcomes"]) <= GOOD
    ):
        raise typer.Exit(1)


def _followed(chosen: Settings, path: str, order: Any) -> Any:
    """Wait until every line is settled, and show how far it is."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=err, transient=True) as progress:
        task = progress.add_task("stations", total=order["progress"]["total"])
        while order["progress"]["settled"] < order["progress"]["total"]:
            time.sleep(POLL_S)
            order = fetch(chosen, f"{path}?limit=1")
            progress.update(task, completed=order["progress"]["settled"])
    return order


def _lines(chosen: Settings, path: str) -> list[Any]:
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = fetch(chosen, f"{path}?limit={PAGE}&cursor={quote(cursor, safe='')}")
        found += page["items"]
        cursor = page["next"]
    return found


def _table(lines: list[Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for head in ("station", "outcome", "why"):
        table.add_column(head, overflow="fold")
    for line in lines:
        word = line["outcome"] or line["state"]
        answer = line["answer"] or {}
        reason = answer.get("reason") or answer.get("status") or ""
        colour = "green" if word in GOOD else "dim" if line["state"] != "settled" else "red"
        table.add_row(escape(line["station"]), f"[{colour}]{word}[/]", escape(str(reason)))
    return table
