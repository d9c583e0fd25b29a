"""``forecourt bench``: measured comparisons, each one command.

Starts programs and speaks the wire to them; knows nothing of how Forecourt works inside, but for
one look into its database afterwards (``ledger``). How it measures: docs/operate/bench.md.
"""

import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from forecourt.base.clock import SystemClock
from forecourt.cli.bench import api, contenders, webhooks
from forecourt.cli.bench.contenders import Site
from forecourt.cli.bench.machine import MEMORY_FILESYSTEMS, allow_many_files, share_out
from forecourt.cli.bench.results import ROWS, Report
from forecourt.cli.bench.runs import FEW_STATIONS, Bench, Options
from forecourt.cli.bench.tables import show

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Measured comparisons, each one command.")

QUICK_STATIONS = 2_000
QUICK_WINDOW_S = 1.5
# Sockets are files; the rest is for the database, logs and libraries.
SPARE_FILES = 500


@app.callback()
def _bench() -> None:
    """Measured comparisons, each one command."""


app.command("api")(api.command)
app.command("webhooks")(webhooks.command)


@app.command("gateway")
def _gateway(
    *,
    quick: Annotated[
        bool, typer.Option(help="Under a minute: a first look, not a verdict.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines, on stdout.")] = False,
    connections: Annotated[int, typer.Option(min=1, help="Of the message rows.")] = 500,
    stations: Annotated[
        int, typer.Option(min=FEW_STATIONS + 1, help="Of the crowd rows.")
    ] = 10_000,
    seconds: Annotated[float, typer.Option(min=0.5, help="Of each measured window.")] = 10.0,
    rounds: Annotated[int, typer.Option(min=1, help="Interleaved; figures are medians.")] = 3,
    seed: Annotated[int, typer.Option(help="Of the arrival times and the password.")] = 1,
    only: Annotated[list[str] | None, typer.Option(help=f"Rows: {', '.join(ROWS)}.")] = None,
    contender: Annotated[list[str] | None, typer.Option(help="Only these contenders.")] = None,
    scratch: Annotated[Path | None, typer.Option(help="Where data goes; a real disk.")] = None,
) -> None:
    """Forecourt's OCPP gateway against an echo and other CSMS, side by side on this machine.

    Ends with 1 if a goal was missed (not with --quick) or a message failed or is missing.
    """
    names = {c.name for c in contenders.ALL}
    rows = _chosen(only, set(ROWS), "row")
    takes_part = _chosen(contender, names, "contender")
    options = Options(
        connections=connections,
        stations=min(stations, QUICK_STATIONS) if quick else stations,
        window_s=min(seconds, QUICK_WINDOW_S) if quick else seconds,
        rounds=1 if quick else rounds,
        seed=seed,
        quick=quick,
        rows=rows,
        contenders=takes_part,
    )
    files_max = allow_many_files()
    most = max(options.connections, options.stations)
    if most + SPARE_FILES > files_max:
        raise typer.BadParameter(f"{most:,} connections, but only {files_max:,} open files allowed")
    progress = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="forecourt-bench-", dir=scratch) as folder:
        report = _run(options, Path(folder), progress)
    if as_json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        show(report, Console())
    unsound = any(not s.sound for s in report.samples if s.contender == "forecourt")
    missed = any(goal.met is False for goal in report.goals) and not quick
    if unsound or missed:
        raise typer.Exit(1)


def _run(options: Options, folder: Path, progress: Console) -> Report:
    cores = share_out()
    crowded = options.rows & {"memory", "reconnect", "scaling"}
    count = max(options.connections, options.stations if crowded else 0)
    # Random and long, as station passwords are; seeded, so that a run can be had again.
    password = random.Random(options.seed).randbytes(20).hex()  # noqa: S311  # guards nothing
    site = Site(
        scratch=folder,
        identities=[f"BENCH{number:06d}" for number in range(count)],
        password=password,
        server_core=cores.server,
    )
    run = Bench(
        options,
        site,
        cores,
        clock=time.perf_counter,
        now=SystemClock().now,
        tell=lambda line: progress.print(line, style="dim", highlight=False),
    )
    report = run.run()
    if report.filesystem in MEMORY_FILESYSTEMS:
        report.durability += " (but the data lay in memory: give --scratch a folder on a disk)"
    return report


def _chosen(asked: list[str] | None, known: set[str], what: str) -> frozenset[str]:
    """What was asked for, all if nothing was; commas are as good as repetition."""
    chosen = {name for text in asked or [] for name in text.split(",")} or known
    if strange := chosen - known:
        raise typer.BadParameter(f"unknown {what}: {', '.join(sorted(strange))}")
    return frozenset(chosen)
