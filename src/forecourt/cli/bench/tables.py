"""The report as tables on a terminal. Says what was measured; judges nothing."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from forecourt.cli.bench import contenders
from forecourt.cli.bench.results import Report, Sample, middle

TITLES: Final = {
    "meter-values": "1.6 MeterValues (399 bytes), {0} connections, one message open each",
    "transaction-event": "2.0.1 TransactionEvent (778 bytes), {0} connections, one open each",
    "latency": "latency at half of Forecourt's rate (open loop, from the intended moment)",
    "scaling": "cost per message as stations grow (open loop, same rate)",
}
# More than this of a core used by others, and the figures are not to be trusted.
NOISE_MAX: Final = 0.1


def show(report: Report, console: Console) -> None:
    """Everything, in the order of the goals."""
    mark = " [yellow](quick: fewer stations, short windows, one round)[/]" if report.quick else ""
    console.print(f"[bold]forecourt bench gateway[/]{mark}")
    console.print(
        f"{report.machine}; {report.pinning}; {report.rounds} x {report.window_s:g} s; "
        f"seed {report.seed}; data on {report.filesystem}; {report.durability}",
        highlight=False,
        style="dim",
    )
    for row, title in TITLES.items():
        if any(s.row == row for s in report.samples):
            console.print(_samples(report, row, title.format(report.connections)))
    if report.crowds:
        console.print(_crowds(report))
    console.print(_goals(report))
    for name, why in report.left_out.items():
        console.print(f"left out: {name}: {why}", highlight=False)
    for what, times in sorted(report.failures.items()):
        console.print(f"[red]failed {times:,} x[/] {what}", highlight=False)
    noise = max((s.others_cpu for s in report.samples), default=0.0)
    if noise > NOISE_MAX:
        console.print(
            f"[yellow]the machine was not quiet: others used up to {noise:.0%} of a core[/]"
        )


def _samples(report: Report, row: str, title: str) -> Table:
    table = _table(
        title, "contender", "msgs/s", "Forecourt is", "p50 ms", "p99 ms", "server µs/msg",
        "server CPU", "client CPU", "others",
    )  # fmt: skip
    for contender in contenders.ALL:
        runs = report.of(row, contender.name)
        for stations in sorted({s.stations for s in runs}):
            mine = [s for s in runs if s.stations == stations]
            ratio = report.ratio(row, "per_s", ("forecourt", contender.name))
            told = ratio is not None and not contender.stores and mine[0].offered_per_s is None
            table.add_row(
                contender.label + (f", {stations:,} stations" if row == "scaling" else ""),
                _figure(mine, "per_s", ",.0f"),
                f"{ratio:.2f} x" if told else "",
                _figure(mine, "p50_ms", ".2f"),
                _figure(mine, "p99_ms", ".2f"),
                _figure(mine, "server_us_per_message", ".1f"),
                _figure(mine, "server_cpu", ".0%"),
                # In an open loop the client watches the clock without a pause: no measure of load.
                "spins" if mine[0].offered_per_s else _figure(mine, "client_cpu", ".0%"),
                _figure(mine, "others_cpu", ".0%"),
            )
    return table


def _crowds(report: Report) -> Table:
    table = _table(
        f"{report.stations:,} stations connected, booted and idle; then all links drop at once",
        "round", "connected", "KiB each", "back", "dropped", "all booted in",
        "boot p50", "boot p99",
    )  # fmt: skip
    for crowd in report.crowds:
        table.add_row(
            str(crowd.round),
            f"{crowd.connected:,}",
            f"{crowd.kib_per_connection:.1f}",
            f"{crowd.returned:,}",
            f"{crowd.dropped:,}",
            f"{crowd.return_s:.1f} s",
            f"{crowd.boot_p50_ms:,.0f} ms",
            f"{crowd.boot_p99_ms:,.0f} ms",
        )
    return table


def _goals(report: Report) -> Table:
    table = _table("goals", "row", "what", "goal", "measured", "", "")
    for column in table.columns:
        column.justify = "left"
    marks = {True: "[green]met[/]", False: "[red]missed[/]", None: "[yellow]—[/]"}
    for goal in report.goals:
        table.add_row(goal.row, goal.what, goal.goal, goal.measured, marks[goal.met], goal.note)
    return table


def _table(title: str, first: str, *heads: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column(first)
    for head in heads:
        table.add_column(head, justify="right")
    return table


def _figure(samples: Sequence[Sample], field: str, form: str) -> str:
    value = middle(samples, field)
    return "" if value is None else format(value, form)
