"""``forecourt bench api``: a list of 100 stations out of 100 000 beside a bare Litestar handler.

Both say the same number of bytes, in turn within each round, each on the same one core: Forecourt
with its PostgreSQL, which is asked for another page by each request, while stations change as those
of a living network do.
"""

import os
import platform
import subprocess
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
from forecourt.cli.bench.asking import Window, ask, pages
from forecourt.cli.bench.contenders import Contender, Server, Site
from forecourt.cli.bench.machine import Cores, pinned, share_out
from forecourt.cli.bench.pace import percentile
from forecourt.cli.bench.runs import Meter

PATH: Final = "/api/v1/stations"
PAGE: Final = 100
GOAL: Final = 0.4
WARM_S: Final = 3.0
QUICK_S: Final = 3.0
# 100 000 stations whose "last seen" is written every five minutes.
CHANGES: Final = 333
# The limits are not what is measured.
SETTINGS: Final = "requests_per_s = 1000000\nrequests_burst = 1000000000\n"


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One contender in one round."""

    contender: str
    round: int
    per_s: float
    p50_ms: float
    p99_ms: float
    answered: int
    errors: int
    server_cpu: float
    client_cpu: float
    others_cpu: float


class ApiReport(msgspec.Struct, kw_only=True):
    """A whole run. The only one of these that grows."""

    stations: int
    page: int
    body_bytes: int
    connections: int
    changes_per_s: int
    window_s: float
    rounds: int
    seed: int
    machine: str
    pinning: str
    goal: float = GOAL
    ratio: float | None = None
    """Forecourt's requests a second over the bare handler's: the median over the rounds."""
    met: bool | None = None
    runs: list[Run] = []


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked in a round, and on which core we stand meanwhile."""

    requests: list[bytes]
    core: int | None


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for on the command line."""

    stations: int
    connections: int
    window_s: float
    rounds: int
    seed: int
    changes_per_s: int


def command(
    *,
    stations: Annotated[int, typer.Option(min=PAGE, help="In the tenant.")] = 100_000,
    connections: Annotated[int, typer.Option(min=1, help="One request open on each.")] = 16,
    seconds: Annotated[float, typer.Option(min=0.5, help="Of each measured window.")] = 10.0,
    rounds: Annotated[int, typer.Option(min=1, help="Interleaved; the ratio is a median.")] = 3,
    seed: Annotated[int, typer.Option(help="Of the order of the pages.")] = 1,
    changes: Annotated[
        int, typer.Option(min=0, help="Stations whose row changes, each second.")
    ] = CHANGES,
    quick: Annotated[bool, typer.Option("--quick", help="One short round: a look.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines, on stdout.")] = False,
    scratch: Annotated[Path | None, typer.Option(help="Where data goes; a real disk.")] = None,
) -> None:
    """A list of 100 stations out of 100 000, beside a bare Litestar handler of the same bytes.

    Ends with 1 if the goal was missed or a request failed.
    """
    options = Options(
        stations=stations,
        connections=connections,
        window_s=QUICK_S if quick else seconds,
        rounds=1 if quick else rounds,
        seed=seed,
        changes_per_s=changes,
    )
    progress = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="forecourt-bench-", dir=scratch) as folder:
        report = run(options, Path(folder), lambda line: progress.print(line, style="dim"))
    if as_json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        show(report, Console())
    if not report.met or any(one.errors for one in report.runs):
        raise typer.Exit(1)


def run(options: Options, folder: Path, tell: Callable[[str], None]) -> ApiReport:
    """Measure both, round by round. Raises ContenderFailed."""
    cores = share_out()
    site = Site(scratch=folder, identities=[], password="", server_core=cores.server)
    site.data_dir.mkdir(parents=True)
    (folder / "forecourt.toml").write_text(SETTINGS, encoding="utf-8")
    key = key_of(site.data_dir)
    report = _report(options, cores)
    body = folder / "body.json"
    bare = Contender(
        name="bare",
        label="bare Litestar handler of the same bytes",
        command=lambda _: [sys.executable, "-m", "forecourt.cli.bench.bare", str(body)],
    )
    for round_ in range(1, options.rounds + 1):
        tell(f"round {round_}/{options.rounds}: {contenders.FORECOURT.label}")
        with contenders.running(contenders.FORECOURT, site, contenders.READY_HTTP) as server:
            if round_ == 1:
                tell(f"making {options.stations:,} stations")
                ledger.fill(site.data_dir, options.stations)
                body.write_bytes(_fetched(server.port, key))
                report.body_bytes = body.stat().st_size
            # Asks for every page once, in each round: as at a server that runs for longer.
            cursors = _cursors(server.port, key)
            requests = pages(PATH, key, cursors, options.seed + round_)
            load = Load(requests=requests, core=cores.client)
            turn = (contenders.FORECOURT.name, round_)
            with ledger.living(
                site.data_dir, options.stations, options.changes_per_s, options.seed
            ):
                _measure(report, options, turn, server=server, load=load)
        tell(f"round {round_}/{options.rounds}: {bare.label}")
        with contenders.running(bare, site, contenders.READY_HTTP) as server:
            _measure(report, options, (bare.name, round_), server=server, load=load)
    ratios = [
        ours.per_s / theirs.per_s
        for ours in report.runs
        for theirs in report.runs
        if ours.round == theirs.round
        and (ours.contender, theirs.contender) == (contenders.FORECOURT.name, bare.name)
        and theirs.per_s
    ]
    report.ratio = median(ratios) if ratios else None
    report.met = None if report.ratio is None else report.ratio >= GOAL
    return report


def _report(options: Options, cores: Cores) -> ApiReport:
    return ApiReport(
        stations=options.stations,
        page=PAGE,
        body_bytes=0,
        connections=options.connections,
        changes_per_s=options.changes_per_s,
        window_s=options.window_s,
        rounds=options.rounds,
        seed=options.seed,
        machine=f"{os.cpu_count()} cores, {platform.platform()}, "
        f"Python {platform.python_version()}",
        pinning=cores.note,
    )


def key_of(data_dir: Path) -> str:
    """An API key, made before anybody serves."""
    done = subprocess.run(  # noqa: S603  # our own command
        [
            *(sys.executable, "-m", "forecourt.cli", "apikey", "add", "bench"),
            *("--data-dir", str(data_dir)),
        ],
        capture_output=True,
        check=False,
        text=True,
        timeout=contenders.INSTALL_TIMEOUT_S,
    )
    found = [word for word in done.stdout.split() if word.startswith("fck_")]
    if done.returncode or not found:
        raise contenders.ContenderFailed(f"no API key: {(done.stdout + done.stderr)[-2000:]}")
    return found[0]


def _fetched(port: int, key: str, query: str = f"limit={PAGE}") -> bytes:
    """One page, as Forecourt says it."""
    asked = Request(  # our own server
        f"http://127.0.0.1:{port}{PATH}?{query}", headers={"Authorization": f"Bearer {key}"}
    )
    with urlopen(asked, timeout=60) as answer:  # noqa: S310  # our own server
        body: bytes = answer.read()
    return body


def _cursors(port: int, key: str) -> list[str]:
    """Where pages begin, spread over all stations: as the list itself tells them."""
    found = [""]
    while True:
        page = msgspec.json.decode(_fetched(port, key, f"limit={PAGE}&cursor={found[-1]}"))
        if page["next"] is None:
            return found
        found.append(page["next"])


def _measure(
    report: ApiReport, options: Options, turn: tuple[str, int], *, server: Server, load: Load
) -> None:
    meter = Meter(server, time.perf_counter)
    window = Window(warm_s=WARM_S, window_s=options.window_s, listener=meter)
    with pinned(load.core):
        asked = ask(
            server.port,
            load.requests,
            connections=options.connections,
            window=window,
            clock=time.perf_counter,
        )
    _, server_cpu, client_cpu, others_cpu = meter.shares()
    report.runs.append(
        Run(
            contender=turn[0],
            round=turn[1],
            per_s=asked.per_s,
            p50_ms=percentile(asked.latency_s, 0.5) * 1000,
            p99_ms=percentile(asked.latency_s, 0.99) * 1000,
            answered=asked.answered,
            errors=asked.errors,
            server_cpu=server_cpu,
            client_cpu=client_cpu,
            others_cpu=others_cpu,
        )
    )


def show(report: ApiReport, console: Console) -> None:
    """The report on a terminal."""
    console.print("[bold]forecourt bench api[/]")
    console.print(
        f"{report.machine}; {report.pinning}; {report.rounds} x {report.window_s:g} s; a page of"
        f" {report.page} out of {report.stations:,} stations, {report.body_bytes:,} bytes;"
        f" {report.connections} connections; {report.changes_per_s} stations change each second",
        highlight=False,
        style="dim",
    )
    table = Table()
    table.add_column("contender")
    for head in (
        *("round", "requests/s", "p50 ms", "p99 ms", "errors"),
        *("server CPU", "client CPU", "others"),
    ):
        table.add_column(head, justify="right")
    for one in report.runs:
        table.add_row(
            *(one.contender, str(one.round), f"{one.per_s:,.0f}"),
            *(f"{one.p50_ms:.2f}", f"{one.p99_ms:.2f}", str(one.errors)),
            *(f"{one.server_cpu:.0%}", f"{one.client_cpu:.0%}", f"{one.others_cpu:.0%}"),
        )
    console.print(table)
    if report.ratio is not None:
        verdict = "[green]met[/]" if report.met else "[red]missed[/]"
        console.print(
            f"Forecourt does {report.ratio:.2f} x of the bare handler (goal ≥ {GOAL}): {verdict}"
        )
