"""``forecourt demo``: the platform and a simulated network, in one process, until Ctrl-C."""

import asyncio
import contextlib
import gc
import secrets
import signal
import socket
import sys
import tempfile
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
import uvloop
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress import Progress as Steps
from rich.progress import SpinnerColumn, TextColumn
from rich.table import Table

from forecourt.app.house import House, open_house
from forecourt.app.rooms import DEFAULT_TENANT
from forecourt.base.clock import SystemClock
from forecourt.base.context import Context
from forecourt.cli.demo_sites import PLACES
from forecourt.cli.options import PIPE_COLUMNS, tell
from forecourt.cli.serve import announced
from forecourt.domain.access import NewToken, TokenExists
from forecourt.domain.drivers import PageSettings
from forecourt.domain.sites import Site, SiteExists
from forecourt.domain.stations import NewStation
from forecourt.domain.tenants import NewUser, Role
from forecourt.infra import log
from forecourt.settings import Settings, load
from forecourt.sim.fleet import FleetOptions, plans
from forecourt.sim.fleet import run as run_fleet
from forecourt.sim.stats import Stats

OCPP_PORT: Final = 9220
HTTP_PORT: Final = 8080
OWNER: Final = "owner@demo.example"
# A day of 40 stations in less than a minute: some two thirds of a core. Faster, drivers would feel
# how long a true answer takes.
SPEED_MAX: Final = 2_000.0
STATIONS_TIMES_SPEED: Final = 80_000.0
# As much as the console's charts show.
PAST_H: Final = 24.0
# The first drivers do not all come at once; unless somebody waits for them.
WARM_WITHIN_S: Final = 1_800.0
WARM_WITHIN_S_NOW: Final = 5.0


def demo(
    *,
    stations: Annotated[int, typer.Option(min=1, max=5_000, help="How many stations.")] = 40,
    past: Annotated[
        float,
        typer.Option(
            min=0, max=72, help="Simulate so many hours before now first; none on kept data."
        ),
    ] = PAST_H,
    speed: Annotated[
        float | None,
        typer.Option(
            min=2, max=5_000, help="How fast these pass (default: by stations); then time is real."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed is another day.")] = 1,
    data_dir: Annotated[
        Path | None, typer.Option(help="Keep the data here (default: a folder that is deleted).")
    ] = None,
    duration: Annotated[float | None, typer.Option(help="Stop after so many seconds.")] = None,
    any_ports: Annotated[
        bool, typer.Option("--any-ports", help="Free ports, also where the usual ones are free.")
    ] = False,
) -> None:
    """Run the platform with a simulated network of stations, cars and drivers."""
    with contextlib.ExitStack() as stack:
        if data_dir is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="forecourt-demo-"))
            data_dir = Path(folder)
        elif data_dir.is_dir() and any(data_dir.iterdir()):
            past = 0  # It has one.
        if speed is None:
            speed = min(SPEED_MAX, STATIONS_TIMES_SPEED / stations)
        settings = load(
            {
                "data_dir": data_dir,
                "ocpp_port": 0 if any_ports else _free(OCPP_PORT),
                "http_port": 0 if any_ports else _free(HTTP_PORT),
                "log_level": "warning",
                "heartbeat_s": 60,
            }
        )
        log.configure(settings.log_level, settings.log_format)
        gc.freeze()
        fleet = FleetOptions(
            url="",
            stations=stations,
            sites=len(PLACES),
            seed=seed,
            speed=speed,
            start=(SystemClock().now() - timedelta(hours=past)).timestamp(),
            warm_within_s=WARM_WITHIN_S if past > 0 else WARM_WITHIN_S_NOW,
            unknown_share=0.01,
        )
        uvloop.run(_run(settings, fleet, duration, _time(past, speed)))


async def _run(
    settings: Settings, fleet: FleetOptions, duration_s: float | None, time: str
) -> None:
    console = Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    if duration_s is not None:
        loop.call_later(duration_s, stopping.set)
    async with contextlib.AsyncExitStack() as stack:
        with _step(console, "starting PostgreSQL and the platform"):
            house = await stack.enter_async_context(open_house(settings, SystemClock()))
            stack.enter_context(announced(house, settings.data_dir))
        with _step(console, f"registering {fleet.stations} stations and their drivers' cards"):
            password, key = await _furnish(house, fleet)
            login = await _owner(house)
        console.print(_welcome(house, settings, key, login, time))
        fleet = _at(fleet, house.ocpp_url, password)
        await _show(console, house, fleet, stopping)
        console.print("stopping …")
    console.print("stopped.")


async def _furnish(house: House, fleet: FleetOptions) -> tuple[str, str]:
    """Make the network known; the stations' password and an API key."""
    ctx = Context(actor="cli:demo", tenant=DEFAULT_TENANT, now=SystemClock().now())
    password = secrets.token_urlsafe(18)
    rooms = house.rooms
    for place in PLACES:
        known_by = {**msgspec.structs.asdict(place), "address": (place.address,)}
        site = Site(id=place.name, tenant=ctx.tenant, created_at=ctx.now, **known_by)
        with contextlib.suppress(SiteExists):
            await rooms.sites.add(ctx, site)
    new = [
        NewStation(id=plan.identity, password=password.encode(), site=PLACES[plan.site].name)
        for plan in plans(fleet)
    ]
    known = {station.id for station in await rooms.stations.add_many(ctx, new)}
    for station in new:
        if station.id not in known:
            await rooms.stations.change(ctx, station.id, password=password.encode())
    for uid in fleet.tokens:
        with contextlib.suppress(TokenExists):
            await rooms.access.add(ctx, NewToken(uid=uid, label="demo driver", sessions_max=None))
    await rooms.drivers.set_settings(ctx, PageSettings(may_start=True))
    made = await rooms.tenants.add_key(ctx, f"demo {ctx.now:%Y-%m-%d %H:%M:%S}")
    return password, made.secret


async def _owner(house: House) -> str:
    """Somebody who may log in, with a password that is new each time."""
    ctx = Context(actor="cli:demo", tenant=DEFAULT_TENANT, now=SystemClock().now())
    password = secrets.token_urlsafe(9)
    known = await house.rooms.people.find(ctx, OWNER)
    if known is None:
        new = NewUser(email=OWNER, name="Demo Owner", role=Role.OWNER, password=password)
        async with house.db.together(ctx):
            made = await house.rooms.people.add(ctx, new)
            await tell(house.rooms, ctx, "add_user", made.id, after=new)
    else:
        await house.rooms.people.change(ctx, known.id, password=password)
    return f"{OWNER}   {password}"


def _at(fleet: FleetOptions, url: str, password: str) -> FleetOptions:
    return msgspec.structs.replace(fleet, url=url, password=password)


def _time(past_h: float, speed: float) -> str:
    """What is to be known of the stations' clocks."""
    if past_h <= 0:
        return "real"
    hurried_s = past_h * 3600 / (speed - 1)
    return f"the last {past_h:g} hours are simulated first, in {hurried_s:.0f} s; then it is real"


def _welcome(house: House, settings: Settings, key: str, login: str, time: str) -> Panel:
    lines = Table.grid(padding=(0, 2))
    lines.add_row("console", f"[link={house.http_url}]{house.http_url}[/link]")
    lines.add_row("log in as", login)
    lines.add_row("API", f"{house.http_url}/api/v1/stations   (described at /schema)")
    lines.add_row("API key", key)
    lines.add_row("stations", f"{house.ocpp_url}/<identity>")
    lines.add_row("time", time)
    lines.add_row("try", f"forecourt station list --data-dir {settings.data_dir}")
    lines.add_row("", f"forecourt command SIM-0001 reset --data-dir {settings.data_dir}")
    lines.add_row("stop", "Ctrl-C")
    return Panel(lines, title="Forecourt demo", expand=False)


async def _show(
    console: Console, house: House, fleet: FleetOptions, stopping: asyncio.Event
) -> None:
    """Run the stations, and show what the platform knows of them, once a second."""
    newest: list[Stats] = []

    def on_stats(stats: Stats) -> None:
        newest[:] = [stats]

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run_fleet(fleet, on_stats=on_stats, stop=stopping))
        with Live(console=console, refresh_per_second=2, transient=not console.is_terminal) as live:
            shown = _network(house, fleet, newest)
            while not running.done():
                # What counts is how it was, not how the stations hang up at the end.
                if not stopping.is_set():
                    shown = _network(house, fleet, newest)
                live.update(shown)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        await asyncio.shield(running)
            if not console.is_terminal:
                console.print(shown)


def _network(house: House, fleet: FleetOptions, newest: list[Stats]) -> Group:
    sessions, power_w = house.gateway.load_now()
    table = Table(title="the network, as the platform sees it", title_justify="left")
    for column in ("stations", "sessions", "power", "ended", "messages", "committed in"):
        table.add_column(column, justify="right")
    stats = newest[0] if newest else None
    commits = house.committer.stats
    table.add_row(
        f"{len(house.gateway)} / {fleet.stations}",
        f"{sessions}",
        f"{power_w / 1000:,.0f} kW",
        f"{stats.ended if stats else 0}",
        f"{stats.answered if stats else 0:,}",
        f"{commits.batches:,} batches",
    )
    return Group(table)


@contextlib.contextmanager
def _step(console: Console, text: str) -> Generator[None]:
    with Steps(SpinnerColumn(), TextColumn("{task.description}"), console=console) as steps:
        task = steps.add_task(text, total=1)
        yield
        steps.update(task, description=f"{text}: done", completed=1)


def _free(port: int) -> int:
    """``port`` if nobody has it, else any."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port
