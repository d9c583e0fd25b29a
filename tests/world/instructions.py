"""Count what one message of a station costs, in instructions: a clock would tell of the weather.

The true way of a message, in one process: a real socket, picows, the link, the rooms, the shared
commit to a real PostgreSQL, the answer. It runs under valgrind's callgrind, which counts what this
process executes (not the kernel, not PostgreSQL's own processes), the same on a busy machine:

    python -m tests.world.instructions              # a table; --kind meter16 for one row
    callgrind_annotate build/meter16.callgrind      # and where they go

Each number has to do with the same round: all stations send one message, and one commit holds them.
"""

import argparse
import asyncio
import gc
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import uvloop

from forecourt.app.house import House, open_house
from forecourt.base.clock import SystemClock
from forecourt.base.context import Context
from forecourt.base.ids import StationId, TenantId
from forecourt.cli.bench import frames
from forecourt.domain.access import NewToken
from forecourt.domain.stations import NewStation
from forecourt.edge.ocpp import gateway
from forecourt.infra import migrate, outbox, postgres
from forecourt.settings import load

STATIONS: Final = 100
WARM_ROUNDS: Final = 10
ROUNDS: Final = 30
# What the platform sets for itself (cli/serve.py).
GC_YOUNG: Final = 50_000
BUILD: Final = Path("build")
LOOK_EVERY_S: Final = 0.25
# Newer than what the gateway may have seen already: as of a station that is here all the time.
BEGAN: Final = SystemClock().now().replace(microsecond=0)

Layout = Callable[["Station", int], bytes]


class Station:
    """One station's socket, and what it says."""

    def __init__(self, name: str, version: str, port: int) -> None:
        self.name = name
        self.version = version
        self.transaction: int | str = name
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)

    async def say(self, data: bytes) -> bytes:
        """Send something, and wait for what comes back."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self.socket, data)
        return await loop.sock_recv(self.socket, 65_536)


def stamp(second: int) -> str:
    moment = BEGAN + timedelta(seconds=second)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def periodic(station: Station, number: int) -> bytes:
    """The periodic message of its version, as `forecourt bench gateway` sends it."""
    framed, places = frames.lay_out(station.version, station.transaction)
    framed[places.id : places.id + 9] = b"%09d" % (frames.FIRST_NUMBER + number)
    moment = stamp(number).encode()
    for at in places.stamps:
        framed[at : at + frames.STAMP_WIDTH] = moment
    framed[places.energy : places.energy + 9] = b"%09d" % (frames.FIRST_NUMBER + number)
    if places.seq is not None:
        # A number in JSON has no leading zero: the session's first events are none of ours.
        framed[places.seq : places.seq + 9] = b"%9d" % (number + 1)
    return bytes(framed)


def heartbeat(_: Station, number: int) -> bytes:
    return frames.call(f"{number:09}", "Heartbeat", {})


def status(_: Station, number: int) -> bytes:
    state = ("Available", "Preparing")[number % 2]
    told: dict[str, Any] = {"connectorId": 2, "errorCode": "NoError", "status": state}
    return frames.call(f"{number:09}", "StatusNotification", {**told, "timestamp": stamp(number)})


KINDS: Final[dict[str, tuple[str, Layout]]] = {
    "meter16": ("1.6", periodic),
    "event201": ("2.0.1", periodic),
    "heartbeat16": ("1.6", heartbeat),
    "status16": ("1.6", status),
}


async def arrive(house: House, version: str) -> list[Station]:
    """Stations that have booted, each with a running session."""
    ctx = Context(actor="count", tenant=TenantId("default"), now=BEGAN)
    await house.rooms.access.add(ctx, NewToken(uid="BENCH", sessions_max=None))
    names = [f"COUNT-{n:03}" for n in range(STATIONS)]
    secret = b"a-long-password-for-counting"
    new = [NewStation(id=StationId(name), password=secret) for name in names]
    await house.rooms.stations.add_many(ctx, new)
    while len(house.gateway._doors) < STATIONS:  # noqa: ASYNC110 (it knows nothing of us)
        await asyncio.sleep(0.1)
    port = int(house.ocpp_url.rsplit(":", 1)[1])
    stations = []
    for name in names:
        station = Station(name, version, port)
        answer = await station.say(frames.upgrade(name, secret.decode(), version, port))
        assert b" 101 " in answer, answer
        await station.say(frames.boot(version))
        began = frames.start(version, transaction=name, stamp=stamp(0), energy_wh=1_000)
        answer = await station.say(began)
        if version == "1.6":
            found = re.search(rb'"transactionId":(\d+)', answer)
            assert found is not None, answer
            station.transaction = int(found[1])
        stations.append(station)
    return stations


async def rounds(messages: list[list[tuple[socket.socket, bytes]]]) -> None:
    """All stations send one message, and all are answered; again and again."""
    for sent in messages:
        for sock, data in sent:
            sock.send(data)
        last = sent[-1][0]
        while not came(last):  # noqa: ASYNC110 (what waits for an event would be counted)
            # Long enough to be through at the first look: a look costs instructions, too.
            await asyncio.sleep(LOOK_EVERY_S)
        for sock, _ in sent:
            while not came(sock):  # noqa: ASYNC110 (the same)
                await asyncio.sleep(LOOK_EVERY_S)
            sock.recv(4_096)


def came(sock: socket.socket) -> bool:
    try:
        return bool(sock.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False


def counting(on: str) -> None:
    """Tell the callgrind that runs us to count, or to stop."""
    done = subprocess.run(
        ["callgrind_control", "-i", on, str(os.getpid())], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


async def counted(kind: str, url: str, folder: Path) -> None:
    """What runs under callgrind."""
    # What comes by the clock would be counted among the messages, and valgrind's clock is slow.
    vars(gateway)["SWEEP_EVERY_S"] = vars(outbox)["POLL_S"] = 3_600.0
    version, layout = KINDS[kind]
    given = {"database_url": url, "data_dir": folder, "ocpp_port": 0, "http_port": 0}
    async with open_house(load(given), SystemClock()) as house:
        stations = await arrive(house, version)
        messages = [
            [(station.socket, layout(station, number)) for station in stations]
            for number in range(WARM_ROUNDS + ROUNDS)
        ]
        await rounds(messages[:WARM_ROUNDS])
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_YOUNG, 50, 100)
        before = house.committer.stats.batches
        counting("on")
        await rounds(messages[WARM_ROUNDS:])
        counting("off")
        print(f"batches: {(house.committer.stats.batches - before) / ROUNDS:.2f} a round")
        for station in stations:
            station.socket.close()


def count(kind: str, url: str, folder: Path) -> int:
    """Instructions for one message of this kind."""
    BUILD.mkdir(exist_ok=True)
    out = BUILD / f"{kind}.callgrind"
    valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}"]
    command = [sys.executable, "-m", "tests.world.instructions", "--inside", url, str(folder)]
    done = subprocess.run(
        [*valgrind, *command, "--kind", kind],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": "0"},  # noqa: TID251 (a child's)
    )
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    found = re.search(r"^totals: (\d+)", out.read_text(), re.MULTILINE)
    assert found is not None, done.stderr
    print(f"{kind}: {done.stdout.strip().splitlines()[-1]}", file=sys.stderr)
    return int(found[1]) // (STATIONS * ROUNDS)


async def table(kinds: list[str]) -> None:
    print("| message | instructions |\n| --- | --- |")
    for kind in kinds:
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder)
            async with postgres.running(data / "postgres", log=lambda _: None) as server:
                await migrate.upgrade(server.url)  # Not under valgrind, where it takes a minute.
                found = await asyncio.to_thread(count, kind, server.url, data / "house")
        print(f"| {kind} | {found:,} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--inside", nargs=2, metavar=("URL", "FOLDER"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    kinds = asked.kind or list(KINDS)
    if asked.inside is None:
        asyncio.run(table(kinds))
    else:
        url, folder = asked.inside
        uvloop.run(counted(kinds[0], url, Path(folder)))


if __name__ == "__main__":
    main()
