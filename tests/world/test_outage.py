"""The database hangs, is full, or is killed while stations wait: promises are kept, all resumes."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Generator
from pathlib import Path

import asyncpg
import psutil
import pytest

from tests.world.chargers import all_finished, all_served, charger_name, fleet
from tests.world.kill import TOKENS
from tests.world.ledger import Ledger, audit, told
from tests.world.outage import outage
from tests.world.supervisor import Supervised, supervised, thaw
from tests.world.wire import reading, wire

pytestmark = [pytest.mark.database, pytest.mark.slow, pytest.mark.timeout(120)]
AT = "2026-01-01T12:00:{:02}.000Z"
# Of the four who shout 5 MiB of frames are kept for the log in these eight seconds; the read buffer
# of each is twice what the kernel may gather, 512 KiB at most; the rest is for an allocator that
# gives back late. It was 3 to 8 MiB.
GROWTH_BYTES_MAX = 32 * 2**20


async def rows(platform: Supervised, station: str) -> list[int]:
    conn = await asyncpg.connect(platform.database_url)
    try:
        found = await conn.fetch(
            "SELECT energy_wh FROM meter_values WHERE station_id = $1 ORDER BY sampled_at", station
        )
        return [row["energy_wh"] for row in found]
    finally:
        await conn.close()


async def test_while_the_database_hangs_nothing_is_acknowledged(tmp_path: Path) -> None:
    outcome = await outage(8, tmp_path / "data", stations=10)
    assert outcome.acked_meanwhile == 0
    assert outcome.cuts == 0
    assert outcome.grown_bytes < GROWTH_BYTES_MAX
    assert outcome.deaths == []
    assert not outcome.refused
    assert outcome.verdict.clean, told(outcome.verdict.lost + outcome.verdict.twice)
    assert outcome.verdict.acked > 100


async def test_a_message_told_twice_is_not_answered_before_it_is_stored(tmp_path: Path) -> None:
    """The same frame again, on the same socket, while the first waits for its commit."""
    async with (
        supervised(tmp_path / "data", ["CP"], []) as platform,
        wire(platform.url, "CP", "1.6") as line,
    ):
        assert (await line.asked("0", "Heartbeat", {}))[:2] == [3, "0"]
        frozen = await platform.freeze_database()
        try:
            for _ in range(3):
                await line.say("1", "MeterValues", reading(AT.format(1), 100))
            assert await line.silent(1.5)
        finally:
            thaw(frozen)
        # Each is answered, since each may be one whose answer was missed; stored is it once.
        assert [await line.heard() for _ in range(3)] == [[3, "1", {}]] * 3
        assert await rows(platform, "CP") == [100]


async def test_a_long_line_of_messages_waits_and_is_served(tmp_path: Path) -> None:
    """A thousand small messages, read in one go, behind one that waits for the database."""
    async with (
        supervised(tmp_path / "data", ["CP"], []) as platform,
        wire(platform.url, "CP", "1.6") as line,
    ):
        # Makes the socket's buffer large.
        await line.asked("0", "DataTransfer", {"vendorId": "V", "data": "x" * 200_000})
        frozen = await platform.freeze_database()
        try:
            await line.say("m", "MeterValues", reading(AT.format(1), 100))
            line.shout([[2, f"h{n}", "Heartbeat", {}] for n in range(1000)])
            assert await line.silent(0.5)
        finally:
            thaw(frozen)
        assert [(await line.heard())[1] for _ in range(1001)] == [
            "m",
            *(f"h{n}" for n in range(1000)),
        ]
        assert platform.deaths == []


async def test_a_long_line_of_refusals_brings_nobody_down(tmp_path: Path) -> None:
    """A station that is not admitted says a thousand things before its state is loaded."""
    async with supervised(tmp_path / "data", ["CP"], [], pending=["STRANGER"]) as platform:
        async with wire(platform.url, "STRANGER", "1.6") as line:
            assert (await line.asked("0", "Heartbeat", {}))[0] == 4
        frozen = await platform.freeze_database()
        async with wire(platform.url, "STRANGER", "1.6") as line:
            try:
                await line.socket.send("x" * 200_000)  # Makes the socket's buffer large.
                await asyncio.sleep(0.2)
                line.shout([[2, f"h{n}", "Heartbeat", {}] for n in range(1000)])
                await asyncio.sleep(0.5)
            finally:
                thaw(frozen)
            for n in range(1000):
                assert (await line.heard())[:3] == [4, f"h{n}", "SecurityError"]
        async with wire(platform.url, "CP", "1.6") as line:
            assert (await line.asked("0", "Heartbeat", {}))[0] == 3
        assert platform.deaths == []


async def test_a_station_that_comes_back_while_its_message_waits(tmp_path: Path) -> None:
    """Its old socket has a start under way when the database is killed; the new one is served."""
    start = {"connectorId": 1, "idTag": "CARD", "meterStart": 5, "timestamp": AT.format(1)}
    async with supervised(tmp_path / "data", ["CP"], ["CARD"]) as platform:
        frozen: list[psutil.Process] = []
        try:
            async with wire(platform.url, "CP", "1.6") as first:
                await first.asked("0", "Heartbeat", {})
                frozen = await platform.freeze_database()
                await first.say("1", "StartTransaction", start)
                assert await first.silent(0.5)
            async with wire(platform.url, "CP", "1.6") as second:
                await second.say("2", "StartTransaction", start)
                assert await second.silent(0.5)
                async with wire(platform.url, "CP", "1.6") as third:
                    await third.say("3", "StartTransaction", start)
                    assert await third.silent(0.5)
                    for process in frozen:
                        with contextlib.suppress(psutil.NoSuchProcess):
                            process.kill()
                    answer = await third.heard()
                    assert answer[:2] == [3, "3"]
                    again = await third.asked("4", "StartTransaction", start)
                    assert again[2]["transactionId"] == answer[2]["transactionId"]
        finally:
            thaw(frozen)
        conn = await asyncpg.connect(platform.database_url)
        assert await conn.fetchval("SELECT count(*) FROM sessions") == 1
        told_of = "SELECT count(*) FROM events WHERE type = 'session.started'"
        assert await conn.fetchval(told_of) == 1
        await conn.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    """A file system of its own, soon full."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small file system, and not in every container")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(ballast: Path) -> None:
    """Take what is free, to the last block."""
    with ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 65_536)


async def test_a_full_disk_refuses_and_recovers(small_disk: Path) -> None:
    ledger = Ledger()
    names = [charger_name(n) for n in range(8)]
    async with supervised(small_disk / "data", names, TOKENS) as platform:
        chargers = fleet(8, TOKENS, url=platform.url, ledger=ledger, seed=1)
        async with asyncio.TaskGroup() as tasks:
            for charger in chargers:
                tasks.create_task(charger.run())
            await all_served(chargers, ledger, since_s=0, within_s=20)
            ballast = small_disk / "ballast"
            # What PostgreSQL gives back or had in reserve is taken too, until nothing is stored.
            for _ in range(60):
                acked = len(ledger.acked)
                await asyncio.to_thread(fill, ballast)
                await asyncio.sleep(0.5)
                if len(ledger.acked) == acked:
                    break
            else:
                pytest.fail("the disk is full, and the platform goes on to acknowledge")
            await asyncio.sleep(2)
            ballast.unlink()
            since_s = asyncio.get_running_loop().time()
            await all_served(chargers, ledger, since_s=since_s, within_s=60)
            for charger in chargers:
                charger.finish()
            await all_finished(chargers, within_s=30)
        assert platform.deaths == []
        verdict = await audit(platform.database_url, ledger)
        assert verdict.clean, told(verdict.lost + verdict.twice + verdict.wrong)


async def test_sigterm_under_load_loses_nothing(tmp_path: Path) -> None:
    ledger = Ledger()
    names = [charger_name(n) for n in range(16)]
    async with supervised(tmp_path / "data", names, TOKENS) as platform:
        chargers = fleet(16, TOKENS, url=platform.url, ledger=ledger, seed=1)
        async with asyncio.TaskGroup() as tasks:
            for charger in chargers:
                tasks.create_task(charger.run())
            await all_served(chargers, ledger, since_s=0, within_s=20)
            for _ in range(2):
                await asyncio.sleep(1)
                assert await platform.stop_gateway(within_s=15) == 0
                platform.go_on()
                since_s = asyncio.get_running_loop().time()
                await all_served(chargers, ledger, since_s=since_s, within_s=30)
            for charger in chargers:
                charger.finish()
            await all_finished(chargers, within_s=30)
        assert platform.deaths == []
        verdict = await audit(platform.database_url, ledger)
        assert verdict.clean, told(verdict.lost + verdict.twice + verdict.wrong)
        assert verdict.acked > 300
