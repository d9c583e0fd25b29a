"""``forecourt station``: make stations known, change them, look at them."""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.progress import track

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.cli import securing, station_devices, views
from forecourt.cli.options import (
    AsJson,
    DatabaseUrl,
    DataDir,
    Limit,
    changing,
    err,
    fail,
    in_rooms,
    list_all,
    out,
    print_json,
    tell,
)
from forecourt.cli.station_csv import read_csv
from forecourt.domain.catalogue import AUTO, QuirkProfile
from forecourt.domain.rooms import Rooms
from forecourt.domain.stations import (
    Admission,
    Happened,
    NewStation,
    Ping,
    StationExists,
    StationUnknown,
    station_id,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Stations: make them known, change them, see them.",
)

for _command in (station_devices.variables, station_devices.drift, station_devices.apply):
    app.command()(_command)

PASSWORD_BYTES: Final = 15
"""20 letters: what OCPP 1.6 stations can store (the security extension, 16 to 20 bytes)."""
PASSWORD_LENGTH_ADVISED: Final = 16
IMPORT_AT_ONCE: Final = 1_000
WATCH_POLL_S: Final = 0.5

Ids = Annotated[list[str], typer.Argument(help="Identities, as in the stations' URLs.")]
Id = Annotated[str, typer.Argument(help="The station's identity.")]
Password = Annotated[
    str | None, typer.Option(help="What the station sends as HTTP Basic; at least 16 characters.")
]
Quirks = Annotated[
    str | None,
    typer.Option(
        help="A quirk profile by name; auto: by maker and model; none; strict: forgive nothing."
    ),
]
Generate = Annotated[
    bool, typer.Option("--generate-password", help="Make one up, and print it this once.")
]
SecurityProfile = Annotated[
    int | None,
    typer.Option(min=0, max=3, help="The least OCPP security profile that it may come in by."),
]
CERTIFICATE_HELP: Final = "The name in its certificate, if that is not its identity."


@app.command()
def add(
    ids: Ids,
    *,
    password: Password = None,
    generate_password: Generate = False,
    site: Annotated[str, typer.Option(help="Where they stand.")] = "",
    pending: Annotated[bool, typer.Option("--pending", help="Let them wait for now.")] = False,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="Forgive what the specification does not.")
    ] = False,
    quirks: Quirks = None,
    log_all: Annotated[bool, typer.Option("--log-all", help="Keep every raw message.")] = False,
    security_profile: SecurityProfile = None,
    certificate_name: Annotated[str, typer.Option(help=CERTIFICATE_HELP)] = "",
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make stations known, so that they may connect.

    Without a password they connect without one (security profile 0).
    """
    passwords = {name: _password(password, generate=generate_password) for name in ids}
    choice = AUTO if quirks is None else quirks
    new = [
        NewStation(
            id=station_id(name),
            password=None if secret is None else secret.encode(),
            site=site,
            admission=Admission.PENDING if pending else Admission.ACCEPTED,
            lenient=lenient,
            quirks=choice,
            log_all=log_all,
            security_profile=security_profile,
            certificate_name=certificate_name,
        )
        for name, secret in passwords.items()
    ]

    async def work(rooms: Rooms, ctx: Context) -> list[str]:
        rooms.catalogue.quirk_choice(choice)
        added: list[str] = [s.id for s in await rooms.stations.add_many(ctx, new)]
        for station in new:
            if station.id in added:
                await tell(rooms, ctx, "add_station", station.id, after=station)
        return added

    added = changing(data_dir, database_url, work)
    for name in added:
        if as_json:
            continue
        made = f", password [bold]{escape(passwords[name] or '')}[/]" if generate_password else ""
        out.print(f"added [bold]{escape(name)}[/]{made}")
    if as_json:
        print_json(
            {
                "added": [
                    {"id": name} | ({"password": passwords[name]} if generate_password else {})
                    for name in added
                ],
                "known": [station.id for station in new if station.id not in added],
            }
        )
    if known := [station.id for station in new if station.id not in added]:
        raise StationExists(f"known already, and left as they are: {', '.join(known)}")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV: id,password,site; only id is needed.")],
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make many stations known. Stations that are known already stay as they are."""
    new, complaints = read_csv(file)
    if complaints:
        fail(f"{file}: nothing was imported. {'; '.join(complaints)}")

    async def work(rooms: Rooms, ctx: Context) -> int:
        parts = range(0, len(new), IMPORT_AT_ONCE)
        added = 0
        for part in track(parts, "importing", console=err, disable=as_json, transient=True):
            chunk = new[part : part + IMPORT_AT_ONCE]
            added += len(await rooms.stations.add_many(ctx, chunk))
        done = {"added": added, "known": len(new) - added}
        await tell(rooms, ctx, "import_stations", file.name, after=done)
        return added

    added = changing(data_dir, database_url, work)
    known = len(new) - added
    if as_json:
        print_json({"added": added, "known": known})
    else:
        out.print(f"added {added:,} stations" + (f", {known:,} were known already" * bool(known)))


@app.command("list")
def list_(
    *,
    connected: Annotated[
        bool | None, typer.Option("--connected/--away", help="Only those.")
    ] = None,
    site: Annotated[str | None, typer.Option(help="Only those of this site.")] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """List stations, in the order of their identities."""
    list_all(
        data_dir,
        database_url,
        lambda rooms, ctx, wanted: rooms.stations.list(ctx, wanted, connected=connected, site=site),
        limit=limit,
        as_json=as_json,
        table=views.stations_table,
        none="no stations; 'forecourt station add ID' makes one known",
        told=lambda one: views.station(*one),
    )


@app.command()
def show(
    station: Id,
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show all that is known of a station: how it is, its alarms and limits, its quirks."""

    async def work(rooms: Rooms, ctx: Context) -> dict[str, Any]:
        return await _shown(rooms, ctx, StationId(station))

    found = in_rooms(data_dir, database_url, work)
    if as_json:
        print_json(found)
    else:
        out.print(views.record(found))


@app.command("set")
def set_(
    station: Id,
    *,
    password: Password = None,
    generate_password: Generate = False,
    site: Annotated[str | None, typer.Option(help="Where it stands.")] = None,
    admission: Annotated[
        Admission | None, typer.Option(help="Let it in, let it wait, or keep it out.")
    ] = None,
    lenient: Annotated[
        bool | None, typer.Option("--lenient/--strict", help="Forgive it what breaks OCPP.")
    ] = None,
    quirks: Quirks = None,
    log_all: Annotated[
        bool | None, typer.Option("--log-all/--log-some", help="Keep every raw message.")
    ] = None,
    security_profile: SecurityProfile = None,
    lower: Annotated[
        bool,
        typer.Option("--lower", help="Let the profile fall: it came back as it left the factory."),
    ] = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Take its password away.")
    ] = False,
    certificate_name: Annotated[str | None, typer.Option(help=CERTIFICATE_HELP)] = None,
    rotate_password: Annotated[
        bool, typer.Option("--rotate-password", help="Make a new one; the old is good till then.")
    ] = False,
    ping: Annotated[
        Ping | None, typer.Option(help="Ping it when it is silent: always, never, or auto.")
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Change what is given. A platform that runs takes it up at once."""
    if rotate_password and (password or generate_password or no_password):
        fail("--rotate-password goes with no other password")
    secret = _password(password, generate=generate_password)
    given: dict[str, Any] = {
        "admission": admission,
        "password": None if secret is None else secret.encode(),
        "site": site,
        "lenient": lenient,
        "quirks": quirks,
        "log_all": log_all,
        "security_profile": security_profile,
        "lower": lower,
        "certificate_name": certificate_name,
        "ping": ping,
        "no_password": no_password,
    }

    async def work(rooms: Rooms, ctx: Context) -> dict[str, Any]:
        name = StationId(station)
        if quirks is not None:
            rooms.catalogue.quirk_choice(quirks)
        before = views.station(*await rooms.stations.read(ctx, name))
        await rooms.stations.change(ctx, name, **given)
        after = _asked({**given, "rotate_password": rotate_password})
        await tell(rooms, ctx, "change_station", name, before=before, after=after)
        made = await rooms.stations.securing.new_password(ctx, name) if rotate_password else secret
        shown = {"password": made} if rotate_password or generate_password else {}
        return await _shown(rooms, ctx, name) | shown

    found = changing(data_dir, database_url, work)
    if as_json:
        print_json(found)
    else:
        out.print(views.record(found))


@app.command("quirks")
def quirks_(
    profile: Annotated[str | None, typer.Argument(help="One profile; all without it.")] = None,
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """List the quirk profiles that a station may have, or show one."""

    async def work(rooms: Rooms, _ctx: Context) -> Sequence[QuirkProfile]:
        book = rooms.catalogue
        return book.quirk_profiles() if profile is None else [book.quirk_profile(profile)]

    found = in_rooms(data_dir, database_url, work)
    if as_json:
        print_json({"items": [views.quirk_profile(one) for one in found]})
    elif profile is None:
        out.print(views.quirks_table(found))
    else:
        out.print(views.record(views.quirk_profile(found[0])))


app.command("rotate-password")(securing.rotate_password)
app.command("upgrade-security")(securing.upgrade_security)


@app.command()
def remove(
    ids: Ids,
    *,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Forget stations; their sessions and messages stay."""

    async def work(rooms: Rooms, ctx: Context) -> list[str]:
        missing: list[str] = []
        for name in ids:
            try:
                before = views.station(*await rooms.stations.read(ctx, StationId(name)))
                await rooms.stations.remove(ctx, StationId(name))
            except StationUnknown:
                missing.append(name)
            else:
                await tell(rooms, ctx, "remove_station", name, before=before)
        return missing

    missing = changing(data_dir, database_url, work)
    for name in ids:
        if name not in missing:
            out.print(f"removed [bold]{escape(name)}[/]")
    if missing:
        raise StationUnknown(f"unknown: {', '.join(missing)}")


@app.command()
def watch(
    station: Id,
    *,
    since: Annotated[float, typer.Option(min=0, help="Begin so many minutes ago.")] = 10,
    once: Annotated[bool, typer.Option("--once", help="Do not wait for more.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Follow what happens to a station, until Ctrl-C."""

    async def work(rooms: Rooms, ctx: Context) -> None:
        name = StationId(station)
        await rooms.stations.read(ctx, name)
        start, place = ctx.now - timedelta(minutes=since), ("0", 0)
        while True:
            page = await rooms.stations.history.happened(ctx, name, since=start, after=place)
            for entry in page:
                place = entry.place
                _tell(entry, as_json=as_json)
            if not page:
                if once:
                    return
                await asyncio.sleep(WATCH_POLL_S)

    try:
        in_rooms(data_dir, database_url, work)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _asked(given: dict[str, Any]) -> dict[str, Any]:
    """What a command line asks for: a flag that is not there asks for nothing."""
    flags = ("lower", "no_password", "rotate_password")
    return {k: v for k, v in given.items() if v is not None and not (k in flags and not v)}


async def _shown(rooms: Rooms, ctx: Context, name: StationId) -> dict[str, Any]:
    """A station with its quirks, and what somebody who is woken at night must know of it."""
    known, connectors = await rooms.stations.read(ctx, name)
    uses = await rooms.stations.quirk_uses(ctx, known.id)
    quirks = rooms.catalogue.quirk_profile_for(
        known.quirks, vendor=known.vendor, model=known.model, firmware=known.firmware
    )
    return (
        views.station(known, connectors)
        | views.quirks(quirks, uses)
        | views.reported(
            await rooms.monitoring.alarms(ctx, known.id),
            await rooms.energy.limits(ctx, known.id),
            await rooms.access.reservations(ctx, known.id),
            await rooms.firmware.jobs(ctx, known.id),
        )
    )


def _tell(entry: Happened, *, as_json: bool) -> None:
    body = {k: v for k, v in entry.body.items() if k not in ("type", "at", "tenant", "station")}
    if as_json:
        print_json({"at": entry.at, "type": entry.type} | body)
        return
    words = " ".join(f"{k}={v}" for k, v in body.items() if v not in (None, "", []))
    out.print(f"[dim]{entry.at:%H:%M:%S}[/] [bold]{escape(entry.type)}[/] {escape(words)}")


def _password(given: str | None, *, generate: bool) -> str | None:
    """The password to set, if one is."""
    if generate:
        if given is not None:
            fail("either --password or --generate-password, not both")
        return secrets.token_urlsafe(PASSWORD_BYTES)
    if given is not None and len(given) < PASSWORD_LENGTH_ADVISED:
        err.print("[yellow]this password is short:[/] OCPP asks for 16 to 20 random characters")
    return given
