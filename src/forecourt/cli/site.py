"""``forecourt site``: places where stations stand."""

from typing import Annotated, Any

import typer
from msgspec.structs import replace
from rich.markup import escape

from forecourt.base.context import Context
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
from forecourt.domain.sites import Site

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Sites: where stations stand.")

Id = Annotated[str, typer.Argument(help="What stations call it.")]
Name = Annotated[str | None, typer.Option(help="How people call it.")]
Address = Annotated[list[str] | None, typer.Option(help="A line of it; may be said again.")]
PostalCode = Annotated[str | None, typer.Option(help="As it is written there.")]
City = Annotated[str | None, typer.Option(help="Town or city.")]
Country = Annotated[str | None, typer.Option(help="Two letters: DE, NO, US (ISO 3166-1).")]
Latitude = Annotated[float | None, typer.Option(min=-90, max=90, help="Degrees north.")]
Longitude = Annotated[float | None, typer.Option(min=-180, max=180, help="Degrees east.")]
Zone = Annotated[
    str | None, typer.Option(help="Its time zone, as in Europe/Oslo; '': as the network's.")
]


@app.command()
def add(
    site: Id,
    *,
    name: Name = None,
    address: Address = None,
    postal_code: PostalCode = None,
    city: City = None,
    country: Country = None,
    latitude: Latitude = None,
    longitude: Longitude = None,
    zone: Zone = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make a site known. A station that is said to stand at an unknown one makes it, too."""
    given = _given(name, address, postal_code, city, country, latitude, longitude, zone)

    async def work(rooms: Rooms, ctx: Context) -> Site:
        new = Site(id=site, tenant=ctx.tenant, name=name or site, created_at=ctx.now)
        made = await rooms.sites.add(ctx, replace(new, **given))
        await tell(rooms, ctx, "add_site", site, after=made)
        return made

    _show(changing(data_dir, database_url, work), as_json=as_json)


@app.command("set")
def set_(
    site: Id,
    *,
    name: Name = None,
    address: Address = None,
    postal_code: PostalCode = None,
    city: City = None,
    country: Country = None,
    latitude: Latitude = None,
    longitude: Longitude = None,
    zone: Zone = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Change what is given."""
    given = _given(name, address, postal_code, city, country, latitude, longitude, zone)

    async def work(rooms: Rooms, ctx: Context) -> Site:
        before = await rooms.sites.read(ctx, site)
        after = await rooms.sites.change(ctx, site, lambda one: replace(one, **given))
        await tell(rooms, ctx, "change_site", site, before=before, after=given)
        return after

    _show(changing(data_dir, database_url, work), as_json=as_json)


@app.command("list")
def list_(
    *,
    limit: Limit = 100,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """List sites, in the order of their ids."""
    list_all(
        data_dir,
        database_url,
        lambda rooms, ctx, wanted: rooms.sites.list(ctx, wanted),
        limit=limit,
        as_json=as_json,
        table=views.sites_table,
        none="no sites; 'forecourt site add ID' makes one known",
    )


@app.command()
def show(
    site: Id,
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show all that is known of a site."""

    async def work(rooms: Rooms, ctx: Context) -> Site:
        return await rooms.sites.read(ctx, site)

    _show(in_rooms(data_dir, database_url, work), as_json=as_json)


@app.command()
def remove(site: Id, *, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Forget a site where no station stands any more."""

    async def work(rooms: Rooms, ctx: Context) -> None:
        before = await rooms.sites.read(ctx, site)
        await rooms.sites.remove(ctx, site)
        await tell(rooms, ctx, "remove_site", site, before=before)

    changing(data_dir, database_url, work)
    out.print(f"removed [bold]{escape(site)}[/]")


def _given(  # noqa: PLR0917 (the options, in the order in which both commands have them)
    name: str | None,
    address: list[str] | None,
    postal_code: str | None,
    city: str | None,
    country: str | None,
    latitude: float | None,
    longitude: float | None,
    zone: str | None,
) -> dict[str, Any]:
    options = {
        "name": name,
        "address": tuple(address) if address else None,
        "postal_code": postal_code,
        "city": city,
        "country": None if country is None else country.upper(),
        "latitude": latitude,
        "longitude": longitude,
        "zone": zone,
    }
    return {key: value for key, value in options.items() if value is not None}


def _show(site: Site, *, as_json: bool) -> None:
    if as_json:
        print_json(site)
    else:
        out.print(views.record(views.site(site)))
