"""The runs of ``forecourt bench gateway``: who is measured when, under which load.

Rounds are interleaved, so that a slow spell of the machine hits all contenders; each server is
started afresh for its turn, so that none still tidies up while another is measured.
"""

import gc
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import msgspec
import psutil

from forecourt.cli.bench import contenders, ledger
from forecourt.cli.bench.contenders import Contender, ContenderFailed, Server, Site
from forecourt.cli.bench.goals import judge
from forecourt.cli.bench.load import Fleet
from forecourt.cli.bench.machine import Cores, filesystem, pinned
from forecourt.cli.bench.pace import Eager, Gauge, Pace, Timed, percentile
from forecourt.cli.bench.results import Crowd, Report, Sample

FEW_STATIONS = 100
# Time for the first messages' one-off costs (caches, plans, TCP windows) to pass.
WARM_S = 1.0
WARM_QUICK_S = 0.5
# A moment for freed memory to be given back and late tasks to end before memory is read.
IDLE_S = 3.0
# Low enough that a hundred stations can offer it with one message open each.
SCALING_PER_S = 5_000.0


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for on the command line."""

    connections: int
    stations: int
    window_s: float
    rounds: int
    seed: int
    quick: bool
    rows: frozenset[str]
    contenders: frozenset[str]


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A contender that runs, in its round."""

    contender: Contender
    server: Server
    round: int


class Meter:
    """CPU of the server, of us and of everybody else while the measured window is open."""

    def __init__(self, server: Server, clock: Callable[[], float]) -> None:
        self._server = server
        self._clock = clock
        self._at: list[tuple[float, float, float, float]] = []

    def __call__(self, opens: bool) -> None:  # noqa: FBT001  # the shape of a window's listener
        mine = os.times()
        total = psutil.cpu_times()
        busy = total.user + total.nice + total.system + getattr(total, "softirq", 0.0)
        own = mine.user + mine.system
        self._at.append((self._clock(), self._server.family.cpu_s(), own, busy))

    def shares(self) -> tuple[float, float, float, float]:
        """Seconds of server CPU; then the shares of a core of server, client and all others."""
        (t0, server0, mine0, busy0), (t1, server1, mine1, busy1) = self._at
        took_s, server_s, mine_s = t1 - t0, server1 - server0, mine1 - mine0
        others_s = max(0.0, busy1 - busy0 - server_s - mine_s)
        return server_s, server_s / took_s, mine_s / took_s, others_s / took_s


class Bench:
    """One run of everything that was asked for."""

    def __init__(
        self,
        options: Options,
        site: Site,
        cores: Cores,
        *,
        clock: Callable[[], float],
        now: Callable[[], datetime],
        tell: Callable[[str], None],
    ) -> None:
        self._options = options
        self._site = site
        self._cores = cores
        self._clock = clock
        self._now = now
        self._tell = tell
        self._warm_s = WARM_QUICK_S if options.quick else WARM_S
        self._runs = 0
        # Forecourt's half rate by round: what the echo is offered in the same round.
        self._half_per_s: dict[int, float] = {}
        self.report = Report(
            quick=options.quick,
            seed=options.seed,
            rounds=options.rounds,
            connections=options.connections,
            stations=options.stations,
            window_s=options.window_s,
            pinning=cores.note,
            machine=f"{os.cpu_count()} cores, {platform.platform()}, "
            f"Python {platform.python_version()}",
            filesystem=filesystem(site.scratch),
        )

    def run(self) -> Report:
        rows = self._options.rows
        present = [c for c in contenders.ALL if self._takes_part(c)]
        with pinned(self._cores.client), _undisturbed():
            for round_ in range(1, self._options.rounds + 1):
                for contender in present:
                    if rows & {"meter-values", "latency"}:
                        self._measured(self._meter_values, contender, round_)
                if "transaction-event" in rows:
                    for contender in present:
                        self._measured(self._transaction_events, contender, round_)
                for contender in present:
                    if contender.stores and rows & {"memory", "reconnect", "scaling"}:
                        self._measured(self._crowd, contender, round_)
                    if contender.stores and "scaling" in rows:
                        self._measured(self._few, contender, round_)
        self.report.goals = judge(self.report, rows)
        return self.report

    def _takes_part(self, contender: Contender) -> bool:
        if contender.name not in self._options.contenders:
            self.report.left_out[contender.name] = "not asked for"
            return False
        if why := contender.missing():
            self.report.left_out[contender.name] = why
            return False
        if contender.stores:
            self._tell(f"registering {len(self._site.identities):,} stations")
            try:
                data_dir = self._site.data_dir
                contenders.prepare_stations(data_dir, self._site.identities, self._site.password)
            except ContenderFailed as failure:
                self.report.left_out[contender.name] = str(failure)
                return False
        return True

    def _measured(self, row: Callable[[Turn], None], contender: Contender, round_: int) -> None:
        """One turn of one contender; one that does not come up is left out from then on."""
        if contender.name in self.report.left_out:
            return
        self._tell(f"round {round_}/{self._options.rounds}: {contender.label}")
        try:
            with contenders.running(contender, self._site) as server:
                row(Turn(contender=contender, server=server, round=round_))
        except ContenderFailed as failure:
            self.report.left_out[contender.name] = str(failure)

    # --- rows 1 to 3 ------------------------------------------------------------------------

    def _meter_values(self, turn: Turn) -> None:
        with self._transacting(turn, "1.6", self._options.connections) as fleet:
            closed = self._load(turn, fleet, "meter-values")
            if turn.contender.stores:
                self._half_per_s[turn.round] = closed.per_s / 2
            half = self._half_per_s.get(turn.round)
            compared = turn.contender.stores or turn.contender.echoes
            if "latency" in self._options.rows and half and compared:
                self._load(turn, fleet, "latency", per_s=half)

    def _transaction_events(self, turn: Turn) -> None:
        with self._transacting(turn, "2.0.1", self._options.connections) as fleet:
            self._load(turn, fleet, "transaction-event")

    # --- rows 4 to 6 ------------------------------------------------------------------------

    def _crowd(self, turn: Turn) -> None:
        """All the stations: their weight, their return, and a message's cost among so many."""
        with self._fleet(turn, "1.6", self._options.stations) as fleet:
            before = turn.server.family.resident_bytes()
            first = fleet.arrive()
            fleet.linger(IDLE_S)
            weight = turn.server.family.resident_bytes() - before
            connected = fleet.connected()
            self._tell(f"{first.arrived:,} stations drop their link and come back at once")
            fleet.hang_up()
            back = fleet.arrive(at_once=True)
            self.report.crowds.append(
                Crowd(
                    round=turn.round,
                    stations=len(fleet.stations),
                    arrived=first.arrived,
                    connected=connected,
                    kib_per_connection=weight / 1024 / max(1, connected),
                    resident_before_mib=before / 2**20,
                    returned=back.arrived,
                    dropped=back.dropped,
                    return_s=back.took_s,
                    boot_p50_ms=percentile(back.boot_s, 0.5) * 1000,
                    boot_p99_ms=percentile(back.boot_s, 0.99) * 1000,
                )
            )
            if "scaling" in self._options.rows:
                fleet.start()
                self._load(turn, fleet, "scaling", per_s=SCALING_PER_S)
                fleet.stop()

    def _few(self, turn: Turn) -> None:
        with self._transacting(turn, "1.6", FEW_STATIONS) as fleet:
            self._load(turn, fleet, "scaling", per_s=SCALING_PER_S)

    # --- one load ---------------------------------------------------------------------------

    @contextmanager
    def _fleet(self, turn: Turn, version: str, count: int) -> Iterator[Fleet]:
        """Stations that have not dialled yet; afterwards gone, and their troubles noted."""
        self._runs += 1
        fleet = Fleet(
            self._site.identities[:count],
            port=turn.server.port,
            password=self._site.password,
            version=version,
            run=self._runs,
            clock=self._clock,
            now=self._now(),
            echoes=turn.contender.echoes,
        )
        try:
            yield fleet
        finally:
            for why, times in fleet.failures.items():
                name = f"{turn.contender.name}: {why}"
                self.report.failures[name] = self.report.failures.get(name, 0) + times
            fleet.close()

    @contextmanager
    def _transacting(self, turn: Turn, version: str, count: int) -> Iterator[Fleet]:
        """Stations with a transaction each, ended properly: the next round is as the first."""
        with self._fleet(turn, version, count) as fleet:
            fleet.arrive()
            fleet.start()
            if not fleet.connected():
                why = "; ".join(fleet.failures) or "no reason given"
                raise ContenderFailed(f"no station came in: {why}")
            yield fleet
            fleet.stop()

    def _load(self, turn: Turn, fleet: Fleet, row: str, *, per_s: float | None = None) -> Sample:
        """One measured run: a closed loop, or an open one at the rate."""
        options, begin = self._options, self._clock()
        pace: Pace = Eager(fleet.stations)
        if per_s is not None:
            for_s = self._warm_s + options.window_s
            seed = options.seed + turn.round
            pace = Timed(fleet.stations, per_s=per_s, for_s=for_s, begin=begin, seed=seed)
            begin = self._clock()
        before = ledger.read(self._site.data_dir) if turn.contender.stores else None
        meter = Meter(turn.server, self._clock)
        gauge = Gauge(begin=begin, warm_s=self._warm_s, window_s=options.window_s, window=meter)
        load = fleet.run(pace, gauge)
        recorded = None
        if before is not None:
            books = ledger.read(self._site.data_dir)
            recorded = books.readings - before.readings
            self.report.durability = books.durability
        server_s, server, client, others = meter.shares()
        sample = Sample(
            contender=turn.contender.name,
            row=row,
            round=turn.round,
            version=fleet.version,
            stations=len(fleet.stations),
            offered_per_s=per_s,
            per_s=load.per_s,
            p50_ms=percentile(load.latency_s, 0.5) * 1000,
            p99_ms=percentile(load.latency_s, 0.99) * 1000,
            server_cpu=server,
            client_cpu=client,
            others_cpu=others,
            server_us_per_message=server_s / max(1, load.in_window) * 1e6,
            client_lag_p99_ms=percentile(pace.lag_s, 0.99) * 1000 if pace.lag_s else None,
            answered=load.answered,
            errors=load.errors,
            unanswered=load.unanswered,
            recorded=recorded,
        )
        self.report.samples.append(sample)
        return sample


@contextmanager
def _undisturbed() -> Iterator[None]:
    """No garbage collection: its pauses would be measured as the server's."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
