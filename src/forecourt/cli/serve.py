"""``forecourt serve``: the platform in one process."""

import asyncio
import contextlib
import gc
import json
import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from forecourt.app.house import House, open_house
from forecourt.base.clock import SystemClock
from forecourt.infra import log
from forecourt.settings import Settings, load

RUN_FILE = "run.json"
GC_YOUNG = 50_000


def serve(
    *,
    data_dir: Annotated[Path | None, typer.Option(help="Where everything lies.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    ocpp_port: Annotated[int | None, typer.Option(help="Where stations connect; 0: any.")] = None,
    http_port: Annotated[int | None, typer.Option(help="Where people connect; 0: any.")] = None,
    database_url: Annotated[str | None, typer.Option(help="Your own PostgreSQL.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    ocpp_tls_port: Annotated[
        int | None, typer.Option(help="Where stations connect by TLS, beside; 0: any.")
    ] = None,
    tls_client_ca: Annotated[
        Path | None, typer.Option(help="Who signs stations' certificates (PEM).")
    ] = None,
    unknown_stations: Annotated[
        str | None, typer.Option(help="refuse, or let them wait: pending.")
    ] = None,
    quirks_file: Annotated[
        Path | None, typer.Option(help="Quirk profiles of your own (TOML).")
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning, error.")] = None,
) -> None:
    """Run the platform: OCPP for stations, HTTP for people and programs. Stops on SIGTERM."""
    settings = load(
        {
            "data_dir": data_dir,
            "host": host,
            "ocpp_port": ocpp_port,
            "http_port": http_port,
            "database_url": database_url,
            "tls_cert": tls_cert,
            "tls_key": tls_key,
            "ocpp_tls_port": ocpp_tls_port,
            "tls_client_ca": tls_client_ca,
            "unknown_stations": unknown_stations,
            "quirks_file": quirks_file,
            "log_level": log_level,
        }
    )
    log.configure(settings.log_level, settings.log_format)
    # What is loaded now stays; what a message makes is gone when it is answered. Looking for
    # cycles after every 700 objects cost a fifth of the hot path (docs/operate/performance.md).
    gc.freeze()
    gc.set_threshold(GC_YOUNG, 50, 100)
    uvloop.run(run(settings))


async def run(settings: Settings) -> None:
    """Serve until a signal says otherwise."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with open_house(settings, SystemClock()) as house:
        with announced(house, settings.data_dir):
            if await house.rooms.people.set_up_wanted():
                code = house.rooms.people.set_up_code
                print(f"nobody can log in yet; set-up code {code}", file=sys.stderr, flush=True)
            beside = f" ocpp_tls={house.ocpp_tls_url}" if house.ocpp_tls_url else ""
            print(f"ready ocpp={house.ocpp_url} http={house.http_url}{beside}", flush=True)
            await stopping.wait()


@contextlib.contextmanager
def announced(house: House, data_dir: Path) -> Generator[None]:
    """Tell commands of the same data folder where the platform is."""
    file = data_dir / RUN_FILE
    found = {"pid": os.getpid(), "ocpp": house.ocpp_url, "http": house.http_url}
    fresh = file.with_suffix(".fresh")
    fresh.write_text(json.dumps(found))
    fresh.replace(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
