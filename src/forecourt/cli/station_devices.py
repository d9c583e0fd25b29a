"""``forecourt station variables|drift|apply``: what stations have, and how they differ."""

from typing import Annotated, Any, Final
from urllib.parse import quote

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.base.pages import Wanted
from forecourt.cli import views
from forecourt.cli.options import (
    AsJson,
    DatabaseUrl,
    DataDir,
    Limit,
    in_rooms,
    out,
    print_json,
    settings,
)
from forecourt.cli.platform import post
from forecourt.domain.devices import Line, Standing, State, Step, Upkeep, spelt
from forecourt.domain.rooms import Rooms
from forecourt.domain.stations import Kept

Id = Annotated[str, typer.Argument(help="The station's identity.")]

COLOURS: Final = {
    State.UNKNOWN: "dim",
    State.UNMANAGED: "dim",
    State.CONFORMS: "green",
    State.DRIFTED: "red",
    State.REBOOT_NEEDED: "yellow",
}
FINE: Final = (Step.ALREADY, Step.REBOOT)
GOOD: Final = ("accepted", "scheduled")


def variables(
    station: Id,
    *,
    component: Annotated[str | None, typer.Option(help="Only of this component.")] = None,
    variable: Annotated[
        str | None, typer.Option(help="Only this one; a key of 1.6 finds what it means.")
    ] = None,
    gone: Annotated[bool, typer.Option("--gone", help="Also what it once had.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show what a station told of its device model, or configuration."""

    async def work(rooms: Rooms, ctx: Context) -> list[tuple[Kept, str | None]]:
        found = await rooms.devices.variables(
            ctx, StationId(station), component=component, variable=variable, gone=gone
        )
        key_of = rooms.devices.standards.key_of
        return [
            (kept, key_of(v.component, v.variable, v.variable_instance))
            for kept in found
            for v in (kept.variable,)
        ]

    found = in_rooms(data_dir, database_url, work)
    if as_json:
        shown = [
            msgspec.to_builtins(k.variable)
            | {"name": spelt(k.variable), "key": key}
            | {"reported_at": k.reported_at, "gone_at": k.gone_at}
            for k, key in found
        ]
        print_json({"items": [views.spelled(variable) for variable in shown]})
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for head in ("variable", "value", "unit", "type", "access", "key in 1.6"):
        table.add_column(head, overflow="fold")
    for kept, key in found:
        v = kept.variable
        note = " [yellow](after a reboot)[/]" * v.awaits_reboot
        note += " [dim](gone)[/]" * (kept.gone_at is not None)
        table.add_row(
            escape(spelt(v)),
            escape(v.value or "") + note,
            escape(v.unit),
            escape(v.data_type),
            escape(v.mutability),
            escape(key or "") if v.component else "",
        )
    out.print(table)


def drift(
    station: Annotated[str | None, typer.Argument(help="Its identity; none: all.")] = None,
    *,
    state: Annotated[State | None, typer.Option(help="Only those that are so.")] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show how a station differs from what its templates want; or where all stations stand."""

    async def one(rooms: Rooms, ctx: Context) -> Standing:
        return await rooms.devices.standing(ctx, StationId(station or ""))

    async def each(rooms: Rooms, ctx: Context) -> list[Upkeep]:
        found = await rooms.devices.standings(ctx, Wanted(limit=limit), state=state)
        return list(found.items)

    if station is None:
        found = in_rooms(data_dir, database_url, each)
        if as_json:
            print_json({"items": [_held(held) for held in found]})
            return
        for held in found:
            names = ", ".join(spelt(line.wanted) for line in held.lines if line.step not in FINE)
            out.print(f"[bold]{escape(held.station)}[/] {_state(held.state)} {escape(names)}")
        return
    standing = in_rooms(data_dir, database_url, one)
    if as_json:
        plan = msgspec.to_builtins(standing.plan)
        print_json({"station": station, "model_at": standing.model_at, **plan})
        return
    out.print(f"[bold]{escape(station)}[/] {_state(standing.plan.state)}")
    _lines(standing.plan.lines)


def apply(
    station: Id,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be set.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Set on a connected station what differs from what its templates want."""
    path = f"/api/v1/stations/{quote(station, safe='')}/apply"
    done = post(settings(data_dir, database_url), path, {"dry_run": dry_run})
    bad = [line for line in done["applied"] if line["outcome"] not in GOOD]
    if as_json:
        print_json(done)
    else:
        for line in done["lines"]:
            if dry_run or line["step"] not in FINE:
                _line(_name(line["wanted"]), line)
        for line in done["applied"]:
            words = " ".join(dict.fromkeys((line["outcome"], line["status"], line["reason"])))
            colour = "red" if line in bad else "green"
            out.print(
                f"{escape(line['variable'])} = {escape(line['value'])}"
                f" [{colour}]{escape(words.strip())}[/]"
            )
        if not done["applied"] and not dry_run:
            out.print("nothing to set")
    if bad:
        raise typer.Exit(1)


def _held(held: Upkeep) -> dict[str, Any]:
    return {
        "station": held.station,
        "state": held.state,
        "checked_at": held.checked_at,
        "drifting": [spelt(line.wanted) for line in held.lines if line.step not in FINE],
    }


def _lines(lines: tuple[Line, ...]) -> None:
    for line in lines:
        _line(
            spelt(line.wanted),
            {
                "wanted": {"value": line.wanted.value},
                "step": line.step,
                "because": line.because,
                "template": line.template,
            },
        )


def _line(name: str, line: dict[str, Any]) -> None:
    colour = "green" if line["step"] in FINE else "yellow"
    out.print(
        f"  {escape(name)} = {escape(line['wanted']['value'])}"
        f" [{colour}]{line['step']}[/]: {escape(line['because'])}"
        f" [dim]({escape(line['template'])})[/]"
    )


def _name(wanted: dict[str, Any]) -> str:
    instance = f"[{wanted['instance']}]" if wanted["instance"] else ""
    component = f"{wanted['component']}." if wanted["component"] else ""
    return f"{component}{wanted['variable']}{instance}"


def _state(state: State) -> str:
    return f"[{COLOURS[state]}]{state.value}[/]"
