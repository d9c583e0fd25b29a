"""The database hangs for a while, under load: nothing is acknowledged, nothing grows, all resumes.

    python -m tests.world.outage --seconds 60

All processes of PostgreSQL are stopped in their tracks (SIGSTOP), as on a machine or a disk that
hangs. Meanwhile stations wait, and some shout: frames that are no OCPP, as fast as they are read.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import websockets
from rich.console import Console
from rich.table import Table

from tests.world.chargers import CUT, all_finished, all_served, charger_name, fleet, heed_cancel
from tests.world.kill import FINISH_S_MAX, RECOVERY_S_MAX, TOKENS
from tests.world.ledger import Ledger, Verdict, audit
from tests.world.supervisor import Supervised, supervised, thaw
from tests.world.wire import wire

SHOUTERS: Final = 4
SHOUT: Final = "x" * 16_000
# What was under way when the database froze has arrived by then.
SETTLE_S: Final = 0.5
WARM_S: Final = 3.0
HUSH_S_MAX: Final = 20.0


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    seconds: float
    acked_meanwhile: int = 0
    cuts: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    grown_bytes: int = 0
    resumed_s: float = 0.0
    deaths: list[int] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)


async def outage(seconds: float, data_dir: Path, *, stations: int = 16) -> Outcome:
    """Freeze, wait, thaw, audit."""
    outcome = Outcome(seconds)
    ledger = Ledger()
    names = [charger_name(n) for n in range(stations)]
    names += [f"SHOUT-{n}" for n in range(SHOUTERS)]
    async with supervised(data_dir, names, TOKENS) as platform:
        chargers = fleet(
            stations, TOKENS, url=platform.url, ledger=ledger, seed=1, patience_s=seconds + 60
        )
        async with asyncio.TaskGroup() as tasks:
            for charger in chargers:
                tasks.create_task(charger.run())
            await all_served(chargers, ledger, since_s=0, within_s=RECOVERY_S_MAX)
            shouting = [
                tasks.create_task(shout(platform.url, f"SHOUT-{n}")) for n in range(SHOUTERS)
            ]
            await asyncio.sleep(WARM_S)
            await _freeze_a_while(platform, ledger, outcome)
            since_s = asyncio.get_running_loop().time()
            outcome.cuts = sum(charger.cuts for charger in chargers)
            outcome.resumed_s = await all_served(
                chargers, ledger, since_s=since_s, within_s=RECOVERY_S_MAX
            )
            await _hush(shouting)
            for charger in chargers:
                charger.finish()
            await all_finished(chargers, within_s=FINISH_S_MAX)
        outcome.refused = ledger.refused
        outcome.deaths = platform.deaths
        outcome.verdict = await audit(platform.database_url, ledger)
    return outcome


async def _freeze_a_while(platform: Supervised, ledger: Ledger, outcome: Outcome) -> None:
    gateway = platform.gateway
    frozen = await platform.freeze_database()
    try:
        await asyncio.sleep(SETTLE_S)
        acked, rss_bytes = len(ledger.acked), gateway.memory_info().rss
        await asyncio.sleep(outcome.seconds - SETTLE_S)
        outcome.acked_meanwhile = len(ledger.acked) - acked
        outcome.grown_bytes = gateway.memory_info().rss - rss_bytes
    finally:
        thaw(frozen)


async def shout(url: str, station: str) -> None:
    """Send what is no OCPP, again and again, as long as somebody reads it."""
    while True:
        try:
            async with (
                # Not packed: thousands of such frames would fit into the socket's buffer.
                wire(url, station, "1.6", packed=False) as line,
                asyncio.TaskGroup() as tasks,
            ):
                tasks.create_task(_hear(line.socket))
                try:
                    while True:
                        await line.socket.send(SHOUT)
                        # As long as it is read this does not wait by itself, and others have a say.
                        await asyncio.sleep(0)
                finally:
                    # No good-bye: it would wait, without a limit, behind what nobody reads.
                    line.socket.transport.abort()
        except* CUT:
            pass
        heed_cancel()
        await asyncio.sleep(1)


async def _hush(shouting: Sequence[asyncio.Task[None]]) -> None:
    for shouter in shouting:
        shouter.cancel()
    _, still = await asyncio.wait(shouting, timeout=HUSH_S_MAX)
    assert not still, f"{len(still)} go on to shout {HUSH_S_MAX:g} s after they were cancelled"


async def _hear(socket: websockets.ClientConnection) -> None:
    async for _ in socket:
        pass


def table(outcome: Outcome) -> Table:
    """The result, for people."""
    found = outcome.verdict
    shown = Table(title=f"the database hangs for {outcome.seconds:g} s", show_header=False)
    shown.add_row("acknowledged meanwhile", str(outcome.acked_meanwhile))
    shown.add_row("connections lost", str(outcome.cuts))
    shown.add_row("refused, to be said again", str(sum(outcome.refused.values())))
    shown.add_row("the gateway's memory grew by", f"{outcome.grown_bytes / 2**20:.1f} MiB")
    shown.add_row("until all stations are served again", f"{outcome.resumed_s:.1f} s")
    shown.add_row(
        "messages acknowledged",
        f"{found.acked}: {found.found} found, {len(found.lost)} lost, {len(found.twice)} twice,"
        f" {len(found.wrong)} wrong sums",
    )
    return shown


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args(arguments)
    logging.getLogger("ocpp").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="forecourt-outage-") as folder:
        outcome = asyncio.run(outage(given.seconds, Path(folder) / "data"))
    Console().print(table(outcome))
    well = outcome.verdict.clean and not (outcome.acked_meanwhile or outcome.deaths)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
