"""Nothing acknowledged is ever lost: ``kill -9``, again and again, under load.

    python -m tests.world.kill --rounds 50 --seed 1

Each round kills at a random moment the platform, its PostgreSQL, or both; nobody helps but a
supervisor that starts ``forecourt serve`` again. At the end the stations' own books are compared
with the database. Stations are the PyPI client's and the platform's own simulator's.
"""

import argparse
import asyncio
import contextlib
import logging
import signal
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from forecourt.sim.journal import Line
from tests.world.chargers import all_finished, all_served, charger_name, fleet
from tests.world.ledger import Acked, Kind, Ledger, Verdict, audit, told
from tests.world.supervisor import Supervised, supervised

KILLS: Final = ("gateway", "postmaster", "backend", "both")
# Long enough for sessions to begin and end between two kills, short enough for many kills.
CALM_S: Final = (0.2, 1.5)
RECOVERY_S_MAX: Final = 45.0
FINISH_S_MAX: Final = 60.0
TOKENS: Final = tuple(f"CARD{n:04d}" for n in range(40))
# They come back as fast as a real one may, so that rounds are short.
SIM_KNOBS: Final = {
    "backoff_wait_s": 1, "backoff_random_s": 1, "backoff_repeats": 1,
    "call_timeout_s": 15, "tx_retry_s": 1, "tx_attempts": 1000, "sample_s": 15,
}  # fmt: skip
SIM_SPEED: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is done; the same plan kills the same things after the same pauses."""

    rounds: int
    seed: int
    stations: int = 16
    simulated: int = 16

    @property
    def command(self) -> str:
        return (
            f"python -m tests.world.kill --rounds {self.rounds} --seed {self.seed}"
            f" --stations {self.stations} --simulated {self.simulated}"
        )


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    plan: Plan
    kills: Counter[str] = field(default_factory=Counter)
    recoveries_s: list[float] = field(default_factory=list)
    deaths: list[int] = field(default_factory=list)
    reconnections: int = 0
    independent: Verdict = field(default_factory=Verdict)
    simulated: Verdict = field(default_factory=Verdict)
    refused: Counter[str] = field(default_factory=Counter)
    sessions: int = 0

    @property
    def clean(self) -> bool:
        return self.independent.clean and self.simulated.clean and not self.deaths

    def complaint(self) -> str:
        """Everything that is wrong, and how to see it again."""
        lines = []
        for whose, verdict in (("stations", self.independent), ("simulator", self.simulated)):
            for what in ("lost", "twice", "wrong"):
                found = getattr(verdict, what)
                lines += [f"{whose}, {what}: {len(found)}{told(found)}"] if found else []
        if self.deaths:
            lines.append(f"the platform ended by itself, with {self.deaths}")
        return "\n".join([*lines, f"again: {self.plan.command}"])


async def chaos(plan: Plan, data_dir: Path) -> Outcome:
    """Rounds of kills under load, then the audit."""
    outcome = Outcome(plan)
    ledger = Ledger()
    names = [charger_name(n) for n in range(plan.stations)]
    names += [f"SIM-{n:04d}" for n in range(plan.simulated + 1)]
    sim_tokens = [f"04F0EC{n:08X}" for n in range(1, 101)]
    async with supervised(data_dir, names, [*TOKENS, *sim_tokens]) as platform:
        chargers = fleet(plan.stations, TOKENS, url=platform.url, ledger=ledger, seed=plan.seed)
        async with (
            simulator(plan, platform, data_dir / "journal.jsonl") as journal,
            asyncio.TaskGroup() as tasks,
        ):
            for charger in chargers:
                tasks.create_task(charger.run())
            await all_served(chargers, ledger, since_s=0, within_s=RECOVERY_S_MAX)
            luck = Random(plan.seed)
            for _ in range(plan.rounds):
                await asyncio.sleep(luck.uniform(*CALM_S))
                await kill(platform, luck, outcome)
                since_s = asyncio.get_running_loop().time()
                outcome.recoveries_s.append(
                    await all_served(chargers, ledger, since_s=since_s, within_s=RECOVERY_S_MAX)
                )
            for charger in chargers:
                charger.finish()
            await all_finished(chargers, within_s=FINISH_S_MAX)
        outcome.reconnections = sum(charger.cuts for charger in chargers)
        outcome.refused = ledger.refused
        outcome.sessions = len(ledger.closed)
        outcome.deaths = platform.deaths
        outcome.independent = await audit(platform.database_url, ledger)
        outcome.simulated = await audit(platform.database_url, read_journal(journal))
    return outcome


async def kill(platform: Supervised, luck: Random, outcome: Outcome) -> None:
    what, choice = luck.choice(KILLS), luck.random()
    outcome.kills[what] += 1
    if what in ("gateway", "both"):
        platform.kill_gateway()
    if what in ("postmaster", "both"):
        await platform.kill_postmaster()
    if what == "backend":
        await platform.kill_backend(choice)


@asynccontextmanager
async def simulator(plan: Plan, platform: Supervised, journal: Path) -> AsyncGenerator[Path]:
    """``forecourt sim`` in a process of its own, writing down what is acknowledged to it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "forecourt.cli", "sim", "--url", platform.url, "--quiet"),
        *("--stations", str(plan.simulated), "--seed", str(plan.seed)),
        *("--speed", str(SIM_SPEED), "--warm", "1", "--busy", "20", "--unknown-share", "0"),
        *("--lost-links", "20", "--journal", str(journal)),
        *(part for name, value in SIM_KNOBS.items() for part in ("--set", f"{name}={value}")),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield journal
        assert process.returncode is None, "the simulator ended before its time"
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            await process.wait()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def read_journal(journal: Path) -> Ledger:
    """The simulator's books as ours."""
    ledger = Ledger()
    begun: dict[tuple[str, str], int] = {}
    decode = msgspec.json.Decoder(Line).decode
    for raw in journal.read_bytes().splitlines():
        line = decode(raw)
        transaction = line.tx
        if line.version == "1.6":
            transaction = None if line.wire_tx is None else str(line.wire_tx)
        ledger.acked.append(
            Acked(
                station=line.station,
                version=line.version,
                kind=msgspec.convert(line.kind, Kind),
                transaction=transaction,
                at=datetime.fromisoformat(line.timestamp),
                meter_wh=line.meter_wh,
                seq_no=line.seq,
            )
        )
        if transaction is None:
            continue
        key = (line.station, transaction)
        if line.kind == "start":
            begun[key] = line.meter_wh
        elif line.kind == "end" and key in begun:
            ledger.closed[key] = line.meter_wh - begun[key]
    return ledger


def table(outcome: Outcome) -> Table:
    """The result, for people."""
    shown = Table(title=f"kill -9 under load: {outcome.plan.command}", show_header=False)
    kills = ", ".join(f"{n} x {what}" for what, n in sorted(outcome.kills.items()))
    recoveries = outcome.recoveries_s
    shown.add_row("rounds", f"{len(recoveries)} ({kills})")
    shown.add_row("unasked ends of the platform", str(len(outcome.deaths)))
    shown.add_row("sessions closed", str(outcome.sessions))
    shown.add_row("reconnections", str(outcome.reconnections))
    for whose, v in (("independent", outcome.independent), ("simulator", outcome.simulated)):
        shown.add_row(
            f"messages acknowledged ({whose})",
            f"{v.acked}: {v.found} found, {len(v.lost)} lost, {len(v.twice)} twice,"
            f" {len(v.wrong)} wrong sums",
        )
    shown.add_row("refused, to be said again", str(sum(outcome.refused.values())))
    if recoveries:
        shown.add_row(
            "until all stations are served again",
            f"median {statistics.median(recoveries):.1f} s, most {max(recoveries):.1f} s",
        )
    return shown


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stations", type=int, default=16, help="on the PyPI client")
    parser.add_argument("--simulated", type=int, default=16, help="on forecourt sim")
    parser.add_argument("--keep", type=Path, help="work in this folder, and leave it there")
    given = parser.parse_args(arguments)
    plan = Plan(
        rounds=given.rounds, seed=given.seed, stations=given.stations, simulated=given.simulated
    )
    # The client's own account of each error would hide ours.
    logging.getLogger("ocpp").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="forecourt-kill-") as folder:
        outcome = asyncio.run(chaos(plan, given.keep or Path(folder) / "data"))
    Console().print(table(outcome))
    if not outcome.clean:
        print(outcome.complaint())
    return 0 if outcome.clean else 1


if __name__ == "__main__":
    sys.exit(main())
