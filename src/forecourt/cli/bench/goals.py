"""The promises of the gateway, and the judgement on a report. Pure: a report in, goals out."""

from collections.abc import Callable
from statistics import median
from typing import Final

from forecourt.cli.bench.results import Goal, Report, middle

ECHO_SHARE_MIN: Final = 0.4
OCPP_RPC_TIMES_MIN: Final = 1.5
PYPI_TIMES_MIN: Final = 12.0
PYPI_EVENT_TIMES_MIN: Final = 25.0
P50_MS_MAX: Final = 5.0
P99_TIMES_MAX: Final = 2.0
KIB_PER_CONNECTION_MAX: Final = 16.0
RETURN_S_MAX: Final = 10.0
SCALING_MAX: Final = 1.25

NOT_MEASURED: Final = "not measured"


def judge(report: Report, rows: frozenset[str]) -> list[Goal]:
    """Every goal of those rows."""
    table: dict[str, Callable[[Report], list[Goal]]] = {
        "meter-values": _meter_values,
        "transaction-event": _transaction_event,
        "latency": _latency,
        "memory": _memory,
        "reconnect": _reconnect,
        "scaling": _scaling,
    }
    return [goal for row, judged in table.items() if row in rows for goal in judged(report)]


def _times(report: Report, row: str, peer: str, at_least: float) -> Goal:
    ratio = report.ratio(row, "per_s", ("forecourt", peer))
    # Less CPU for the same work is as good a ratio, and other load on the machine spoils it less.
    by_cpu = report.ratio(row, "server_us_per_message", (peer, "forecourt"))
    unsound = [s for s in report.of(row, "forecourt") if not s.sound]
    return Goal(
        row=row,
        what=f"messages per second, against {peer}",
        goal=f"≥ {at_least:g} x",
        measured=NOT_MEASURED if ratio is None else f"{ratio:.2f} x",
        met=None if ratio is None else ratio >= at_least and not unsound,
        note=f"by server CPU: {by_cpu:.2f} x" if by_cpu else report.left_out.get(peer, ""),
    )


def _nothing_missing(report: Report, row: str) -> Goal:
    mine = report.of(row, "forecourt")
    answered = sum(s.answered for s in mine)
    counted = [s.recorded for s in mine if s.recorded is not None]
    wrong = sum(s.errors + s.unanswered for s in mine)
    looked = len(counted) == len(mine) and bool(mine)
    return Goal(
        row=row,
        what="every answered message is in the database, once; none refused or unanswered",
        goal="all",
        measured=(
            f"{sum(counted):,} recorded of {answered:,} answered; {wrong:,} failed"
            if looked
            else NOT_MEASURED
        ),
        met=all(s.sound for s in mine) if looked else None,
    )


def _meter_values(report: Report) -> list[Goal]:
    row = "meter-values"
    return [
        _times(report, row, "echo", ECHO_SHARE_MIN),
        _times(report, row, "ocpp-rpc", OCPP_RPC_TIMES_MIN),
        _times(report, row, "pypi", PYPI_TIMES_MIN),
        _nothing_missing(report, row),
    ]


def _transaction_event(report: Report) -> list[Goal]:
    row = "transaction-event"
    return [_times(report, row, "pypi", PYPI_EVENT_TIMES_MIN), _nothing_missing(report, row)]


def _latency(report: Report) -> list[Goal]:
    p50 = middle(report.of("latency", "forecourt"), "p50_ms")
    ratio = report.ratio("latency", "p99_ms", ("forecourt", "echo"))
    mine = middle(report.of("latency", "forecourt"), "p99_ms")
    echo = middle(report.of("latency", "echo"), "p99_ms")
    lag = middle(report.of("latency", "forecourt"), "client_lag_p99_ms")
    return [
        Goal(
            row="latency",
            what="median at half of the closed-loop rate",
            goal=f"≤ {P50_MS_MAX:g} ms",
            measured=NOT_MEASURED if p50 is None else f"{p50:.2f} ms",
            met=None if p50 is None else p50 <= P50_MS_MAX,
        ),
        Goal(
            row="latency",
            what="p99 against the echo's at the same offered rate",
            goal=f"≤ {P99_TIMES_MAX:g} x",
            measured=NOT_MEASURED if ratio is None else f"{ratio:.2f} x ({mine:.2f}/{echo:.2f} ms)",
            met=None if ratio is None else ratio <= P99_TIMES_MAX,
            note="" if lag is None else f"client's own lag: p99 {lag:.2f} ms",
        ),
    ]


def _memory(report: Report) -> list[Goal]:
    weights = [crowd.kib_per_connection for crowd in report.crowds]
    whole = all(crowd.connected == crowd.stations for crowd in report.crowds)
    weight = median(weights) if weights else None
    return [
        Goal(
            row="memory",
            what=f"gateway's resident memory per idle connection, {report.stations:,} stations",
            goal=f"≤ {KIB_PER_CONNECTION_MAX:g} KiB",
            measured=NOT_MEASURED if weight is None else f"{weight:.1f} KiB",
            met=None if weight is None else weight <= KIB_PER_CONNECTION_MAX and whole,
            note="" if whole else "not all stations stayed connected",
        )
    ]


def _reconnect(report: Report) -> list[Goal]:
    took = [crowd.return_s for crowd in report.crowds]
    dropped = sum(crowd.dropped for crowd in report.crowds)
    slowest = max(took) if took else None
    return [
        Goal(
            row="reconnect",
            what=f"{report.stations:,} stations reconnect and boot at once",
            goal=f"all in ≤ {RETURN_S_MAX:g} s, none dropped",
            measured=NOT_MEASURED if slowest is None else f"{slowest:.1f} s, {dropped:,} dropped",
            met=None if slowest is None else slowest <= RETURN_S_MAX and not dropped,
        )
    ]


def _scaling(report: Report) -> list[Goal]:
    """What a message costs among many stations over what it costs among few."""
    mine = report.of("scaling", "forecourt")
    counts = sorted({sample.stations for sample in mine})
    ratio, shown = None, NOT_MEASURED
    if len(counts) > 1:
        few, many = (
            median(s.server_us_per_message for s in mine if s.stations == count)
            for count in (counts[0], counts[-1])
        )
        ratio = many / few
        shown = f"{ratio:.2f} x ({few:.1f} → {many:.1f} µs)"
    return [
        Goal(
            row="scaling",
            what=f"server CPU per message, 100 → {report.stations:,} stations, same offered rate",
            goal=f"≤ {SCALING_MAX:g} x",
            measured=shown,
            met=None if ratio is None else ratio <= SCALING_MAX and all(s.sound for s in mine),
        )
    ]
