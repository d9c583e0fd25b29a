"""``forecourt template``: what stations of some kind shall be set to."""

from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from forecourt.base.context import Context
from forecourt.cli.options import (
    AsJson,
    DatabaseUrl,
    DataDir,
    changing,
    fail,
    in_rooms,
    out,
    print_json,
    tell,
)
from forecourt.domain.devices import Network, Template, Wanted, spelt
from forecourt.domain.rooms import Rooms

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Templates: what stations of some kind shall be set to.",
)

Name = Annotated[str, typer.Argument(help="The template's name.")]


@app.command()
def add(
    name: Name,
    values: Annotated[
        list[str] | None, typer.Argument(help="Component.Variable=value, or Key=value as in 1.6.")
    ] = None,
    *,
    vendor: Annotated[str, typer.Option(help="Of this maker; * and ? stand for letters.")] = "",
    model: Annotated[str, typer.Option(help="Of this model; * and ? stand for letters.")] = "",
    firmware_from: Annotated[str, typer.Option(help="The oldest firmware.")] = "",
    firmware_to: Annotated[str, typer.Option(help="The newest firmware.")] = "",
    site: Annotated[str, typer.Option(help="At this site.")] = "",
    station: Annotated[str, typer.Option(help="This station alone.")] = "",
    network: Annotated[
        list[str] | None,
        typer.Option(help="Fill a network's slot: 1=wss://host/path,security_profile=2."),
    ] = None,
    rank: Annotated[int, typer.Option(help="The higher one of two that are as specific.")] = 0,
    auto: Annotated[
        bool, typer.Option("--auto", help="Set it without being asked, after boots too.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="In the place of the one of this name.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Add a template. The platform looks at its stations at once."""
    template = Template(
        name=name,
        vendor=vendor,
        model=model,
        firmware_from=firmware_from,
        firmware_to=firmware_to,
        site=site,
        station=station,
        rank=rank,
        auto=auto,
        values=tuple(map(wanted, values or ())),
        networks=tuple(map(filled, network or ())),
    )

    async def work(rooms: Rooms, ctx: Context) -> Template:
        if replace:
            made = await rooms.devices.save_template(ctx, template)
        else:
            made = await rooms.devices.add_template(ctx, template)
        action = "save_template" if replace else "add_template"
        await tell(rooms, ctx, action, name, after=template)
        return made

    made = changing(data_dir, database_url, work)
    if as_json:
        print_json(made)
    else:
        out.print(f"{'replaced' if replace else 'added'} [bold]{escape(name)}[/]")


@app.command("list")
def list_(
    *, as_json: AsJson = False, data_dir: DataDir = None, database_url: DatabaseUrl = None
) -> None:
    """List templates, by name."""

    async def work(rooms: Rooms, ctx: Context) -> list[Template]:
        return list(await rooms.devices.templates(ctx))

    found = in_rooms(data_dir, database_url, work)
    if as_json:
        print_json({"items": found})
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for head in ("template", "for", "rank", "auto", "values"):
        table.add_column(head, overflow="fold")
    for t in found:
        table.add_row(
            escape(t.name), escape(whom(t)), str(t.rank), "yes" * t.auto, str(len(t.values))
        )
    out.print(table)


@app.command()
def show(
    name: Name,
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show a template."""

    async def work(rooms: Rooms, ctx: Context) -> Template:
        return await rooms.devices.template(ctx, name)

    found = in_rooms(data_dir, database_url, work)
    if as_json:
        print_json(found)
        return
    out.print(f"[bold]{escape(found.name)}[/] {escape(whom(found))}{' [cyan]auto[/]' * found.auto}")
    for value in found.values:
        out.print(f"  {escape(spelt(value))} = {escape(value.value)}")
    for network in found.networks:
        out.print(f"  network {network.slot} = {escape(network.url)}")


@app.command()
def remove(name: Name, *, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Remove a template; stations stay as they are."""

    async def work(rooms: Rooms, ctx: Context) -> None:
        before = await rooms.devices.template(ctx, name)
        await rooms.devices.remove_template(ctx, name)
        await tell(rooms, ctx, "remove_template", name, before=before)

    changing(data_dir, database_url, work)
    out.print(f"removed [bold]{escape(name)}[/]")


def wanted(text: str) -> Wanted:
    """``Component[instance]@evse.connector.Variable[instance]=value``, or ``Key=value``."""
    name, equals, value = text.partition("=")
    if not equals:
        fail(f"write NAME=VALUE, not {text!r}")
    before, dot, variable = name.rpartition(".")
    component, at, number = before.partition("@")
    evse, _, connector = number.partition(".")
    fields: dict[str, Any] = {"value": value}
    fields["variable"], fields["instance"] = _instance(variable if dot else name)
    fields["component"], fields["component_instance"] = _instance(component)
    if at:
        fields |= {"evse": evse, "connector": connector or "0"}
    try:
        return msgspec.convert(fields, Wanted, strict=False)
    except msgspec.ValidationError:
        fail(f"write Component@EVSE.CONNECTOR.Variable=value, not {text!r}")


def filled(text: str) -> Network:
    """``SLOT=URL,KEY=VALUE…``."""
    slot, _, rest = text.partition("=")
    url, *more = rest.split(",")
    fields = {"slot": slot, "url": url, **dict(part.split("=", 1) for part in more if "=" in part)}
    try:
        return msgspec.convert(fields, Network, strict=False)
    except msgspec.ValidationError as error:
        fail(f"write SLOT=URL,security_profile=2, not {text!r}: {error}")


def _instance(text: str) -> tuple[str, str]:
    name, bracket, instance = text.partition("[")
    return name, instance.removesuffix("]") if bracket else ""


def whom(t: Template) -> str:
    """Which stations a template is for."""
    parts = [
        t.station and f"station {t.station}",
        t.site and f"site {t.site}",
        t.vendor and f"maker {t.vendor}",
        t.model and f"model {t.model}",
        t.firmware_from and f"firmware from {t.firmware_from}",
        t.firmware_to and f"firmware to {t.firmware_to}",
    ]
    return ", ".join(filter(None, parts)) or "all stations"
