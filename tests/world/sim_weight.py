"""What a simulated station weighs: CPU and memory of a fleet in one process, in steady state.

    python -m tests.world.sim_weight --stations 5000 --window 60

The other end is a plain server in a process of its own that agrees to everything, so that what is
measured is the simulator alone. Real-time speed; all stations online before the window begins.
"""

import argparse
import asyncio
import gc
import json
import multiprocessing
import resource
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
import uvloop
from picows import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from forecourt.base.clock import SystemClock
from forecourt.protocol.ocpp import v16, v21, v201
from forecourt.protocol.ocpp.dialect import Dialect
from forecourt.sim.fleet import Fleet, FleetOptions
from tests.sim.answers import usual

_DIALECTS: Final[dict[str, Dialect]] = {m.DIALECT.subprotocol: m.DIALECT for m in (v16, v201, v21)}
_CALL: Final = 2
_INTERVAL_S: Final = 300
_READY_S: Final = 180.0


@cache
def _answer(subprotocol: str, action: str) -> bytes:
    """Said the same way every time; ids of transactions may repeat, nobody keeps them."""
    kind = _DIALECTS[subprotocol].responses[action]
    answer: Any = usual(kind, datetime.now(UTC))  # noqa: TID251 - a true central system has a clock
    if action == "BootNotification":
        answer = msgspec.structs.replace(answer, interval=_INTERVAL_S)
    return msgspec.json.encode(answer)


class Yes(WSListener):
    """One station's connection at the server that agrees."""

    def __init__(self, subprotocol: str) -> None:
        self._subprotocol = subprotocol

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif frame.msg_type == WSMsgType.TEXT:
            elements = msgspec.json.decode(frame.get_payload_as_bytes())
            if elements[0] == _CALL:
                said = _answer(self._subprotocol, elements[2])
                head = f'[3,"{elements[1]}",'.encode()
                transport.send(WSMsgType.TEXT, head + said + b"]")


def _accept(request: WSUpgradeRequest) -> Any:
    subprotocol = request.headers["Sec-WebSocket-Protocol"]
    response = WSUpgradeResponse.create_101_response({"Sec-WebSocket-Protocol": subprotocol})
    return WSUpgradeResponseWithListener(response, Yes(subprotocol))


def serve(port: "multiprocessing.Queue[int]") -> None:
    """The server's process."""

    async def run() -> None:
        server = await ws_create_server(_accept, "127.0.0.1", 0, backlog=4096)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(run())


def _rss_kib() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("every Linux process has one")


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def weigh(url: str, stations: int, window_s: float) -> dict[str, float]:
    """Bring the fleet up, let it settle, and look at it for a while."""
    bare_kib = _rss_kib()
    options = FleetOptions(
        url=url, stations=stations, warm=0.5, warm_within_s=60.0, connect_rate_hz=400.0
    )
    begun = time.monotonic()
    fleet = Fleet(options, clock=SystemClock(), elapsed_s=lambda: time.monotonic() - begun)
    fleet.switch_on()
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        diallers = [tasks.create_task(fleet.dialler()) for _ in range(64)]
        driving = tasks.create_task(fleet.drive(stop, None))
        while fleet.measure().booted < stations and time.monotonic() - begun < _READY_S:  # noqa: ASYNC110 - a fleet has no event for it
            await asyncio.sleep(0.5)
        up_s = time.monotonic() - begun
        await asyncio.sleep(60.0)
        gc.collect()
        before = fleet.measure()
        sent, received, cpu, at = before.sent, before.received, _cpu_s(), time.monotonic()
        await asyncio.sleep(window_s)
        after, took_s = fleet.measure(), time.monotonic() - at
        figures = {
            "stations": stations,
            "online": after.booted,
            "all_online_after_s": round(up_s, 1),
            "transactions_running": after.running,
            "cpu_share": round((_cpu_s() - cpu) / took_s, 3),
            "messages_per_s": round((after.sent + after.received - sent - received) / took_s, 1),
            "rss_mib": round(_rss_kib() / 1024, 1),
            "kib_per_station": round((_rss_kib() - bare_kib) / stations, 1),
            "call_errors": after.call_errors,
            "timeouts": after.timeouts,
        }
        stop.set()
        await driving
        for dialler in diallers:
            dialler.cancel()
    await fleet.goodbye()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stations", type=int, default=5_000)
    parser.add_argument("--window", type=float, default=60.0, help="seconds of steady state")
    chosen = parser.parse_args()
    # One file for each socket, and some; a soft limit may be lower than what is allowed.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context = multiprocessing.get_context("spawn")
    port: Any = context.Queue()
    server = context.Process(target=serve, args=(port,), daemon=True)
    server.start()
    url = f"ws://127.0.0.1:{port.get(timeout=30)}"
    try:
        figures = uvloop.run(weigh(url, chosen.stations, chosen.window))
    finally:
        server.terminate()
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
