"""``forecourt bench webhooks``: how many deliveries a second go out to a receiver that takes all.

Events are put into the outbox at once, as a busy network would; the time is from then until the
last delivery has arrived. Forecourt, with its PostgreSQL, has one core, the receiver another.
"""

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Annotated, Final
from urllib.request import Request, urlopen

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from forecourt.cli.bench import contenders, ledger
from forecourt.cli.bench.api import key_of
from forecourt.cli.bench.contenders import Server, Site
from forecourt.cli.bench.machine import pinned, share_out
from forecourt.cli.bench.receiver import Receiver, receiving
from forecourt.cli.bench.runs import Meter

# The receiver is on this machine, where customers' endpoints must not be.
SETTINGS: Final = 'outbound_hosts = ["127.0.0.1"]\n'
TYPE: Final = "station.connected"
QUICK_EVENTS: Final = 500
LOOK_S: Final = 0.01
# Nothing arrived for so long: the rest will not either.
SILENCE_S: Final = 30.0


class HookRun(msgspec.Struct, frozen=True, kw_only=True):
    """One round."""

    round: int
    deliveries: int
    """That arrived, each counted once."""
    missing: int
    doubled: int
    """Arrived more than once: at least once is what is promised."""
    took_s: float
    per_s: float
    per_cpu_s: float
    """Deliveries for a second of the server's CPU time, its PostgreSQL's included."""
    server_cpu: float
    client_cpu: float
    others_cpu: float


class HookReport(msgspec.Struct, kw_only=True):
    """A whole run. The only one of these that grows."""

    events: int
    endpoints: int
    rounds: int
    machine: str
    pinning: str
    per_s: float | None = None
    """The median over the rounds."""
    per_cpu_s: float | None = None
    runs: list[HookRun] = []


def command(
    *,
    events: Annotated[int, typer.Option(min=1, help="In each round.")] = 10_000,
    endpoints: Annotated[int, typer.Option(min=1, max=50, help="Each hears of every event.")] = 4,
    rounds: Annotated[int, typer.Option(min=1, help="Figures are medians.")] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="A first look: one short round.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines, on stdout.")] = False,
    scratch: Annotated[Path | None, typer.Option(help="Where data goes; a real disk.")] = None,
) -> None:
    """Deliveries of webhooks a second, and for a second of CPU time, to a receiver that is here.

    Ends with 1 if a delivery is missing.
    """
    progress = Console(stderr=True)
    asked = (min(events, QUICK_EVENTS), endpoints, 1) if quick else (events, endpoints, rounds)
    with tempfile.TemporaryDirectory(prefix="forecourt-bench-", dir=scratch) as folder:
        report = run(*asked, Path(folder), lambda line: progress.print(line, style="dim"))
    if as_json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        show(report, Console())
    if any(one.missing for one in report.runs):
        raise typer.Exit(1)


def run(
    events: int, endpoints: int, rounds: int, folder: Path, tell: Callable[[str], None]
) -> HookReport:
    """Measure, round by round, on one server. Raises ContenderFailed."""
    cores = share_out()
    site = Site(scratch=folder, identities=[], password="", server_core=cores.server)
    site.data_dir.mkdir(parents=True)
    (folder / "forecourt.toml").write_text(SETTINGS, encoding="utf-8")
    key = key_of(site.data_dir)
    report = HookReport(
        events=events,
        endpoints=endpoints,
        rounds=rounds,
        machine=f"{os.cpu_count()} cores, {platform.platform()}, "
        f"Python {platform.python_version()}",
        pinning=cores.note,
    )
    with (
        contenders.running(contenders.FORECOURT, site, contenders.READY_HTTP) as server,
        pinned(cores.client),
        receiving() as receiver,
    ):
        for number in range(endpoints):
            _add_endpoint(server.port, key, f"http://127.0.0.1:{receiver.port}/{number}")
        for round_ in range(1, rounds + 1):
            tell(f"round {round_}/{rounds}: {events:,} events to {endpoints} endpoints")
            report.runs.append(_measure(report, round_, server, receiver, site.data_dir))
    report.per_s = median(one.per_s for one in report.runs)
    report.per_cpu_s = median(one.per_cpu_s for one in report.runs)
    return report


def _add_endpoint(port: int, key: str, url: str) -> None:
    body = msgspec.json.encode({"url": url, "types": [TYPE]})
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    where = f"http://127.0.0.1:{port}/api/v1/webhooks"
    asked = Request(where, data=body, headers=headers)  # our own server
    with urlopen(asked, timeout=60) as answer:  # noqa: S310  # our own server
        answer.read()


def _measure(
    report: HookReport, round_: int, server: Server, receiver: Receiver, data_dir: Path
) -> HookRun:
    receiver.messages.clear()
    before = receiver.received
    wanted = report.events * report.endpoints
    meter = Meter(server, time.perf_counter)
    meter(True)  # the shape of a window's listener
    began = time.perf_counter()
    ledger.tell(data_dir, TYPE, report.events)
    _wait_for(receiver, wanted)
    took_s = time.perf_counter() - began
    meter(False)
    arrived = len(receiver.messages)
    server_s, server_cpu, client_cpu, others_cpu = meter.shares()
    return HookRun(
        round=round_,
        deliveries=arrived,
        missing=wanted - arrived,
        doubled=receiver.received - before - arrived,
        took_s=took_s,
        per_s=arrived / took_s,
        per_cpu_s=arrived / server_s if server_s else 0.0,
        server_cpu=server_cpu,
        client_cpu=client_cpu,
        others_cpu=others_cpu,
    )


def _wait_for(receiver: Receiver, wanted: int) -> None:
    """Until all arrived, or nothing arrives any more."""
    seen, quiet_since = -1, time.perf_counter()
    while len(receiver.messages) < wanted:
        if receiver.received != seen:
            seen, quiet_since = receiver.received, time.perf_counter()
        elif time.perf_counter() - quiet_since > SILENCE_S:
            return
        time.sleep(LOOK_S)


def show(report: HookReport, console: Console) -> None:
    """The report on a terminal."""
    console.print("[bold]forecourt bench webhooks[/]")
    console.print(
        f"{report.machine}; {report.pinning}; {report.rounds} x {report.events:,} events to"
        f" {report.endpoints} endpoints",
        highlight=False,
        style="dim",
    )
    table = Table()
    for head in (
        *("round", "deliveries", "missing", "doubled", "s", "per s", "per CPU s"),
        *("server CPU", "client CPU", "others"),
    ):
        table.add_column(head, justify="right")
    for one in report.runs:
        table.add_row(
            *(str(one.round), f"{one.deliveries:,}", str(one.missing), str(one.doubled)),
            *(f"{one.took_s:.1f}", f"{one.per_s:,.0f}", f"{one.per_cpu_s:,.0f}"),
            *(f"{one.server_cpu:.0%}", f"{one.client_cpu:.0%}", f"{one.others_cpu:.0%}"),
        )
    console.print(table)
