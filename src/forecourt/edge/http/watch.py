"""A station's raw messages as they pass, by server-sent events, for as long as somebody watches."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any, Final

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.domain.stations import Stations
from forecourt.edge.ocpp import Passed, Watch

QUEUE_MAX: Final = 1_000
"""Who is this far behind reads too slowly, and is told so."""
KEEP_ALIVE_S: Final = 15.0
WATCHED_FOR_S: Final = 600.0
"""Then the browser comes back by itself, and is asked again whether it may."""

_ENCODE: Final = msgspec.json.Encoder().encode


async def passing(watch: Watch, station: StationId) -> AsyncGenerator[bytes]:
    """Frames for one who watches, until its time is up or it falls behind."""
    waiting: deque[Passed] = deque()
    woken = asyncio.Event()
    until_s = asyncio.get_running_loop().time() + WATCHED_FOR_S

    def passed(message: Passed) -> None:
        if len(waiting) < QUEUE_MAX:
            waiting.append(message)
        woken.set()

    with watch.watching(station, passed):
        yield b"retry: 1000\n: watching\n\n"
        while asyncio.get_running_loop().time() < until_s and len(waiting) < QUEUE_MAX:
            while waiting:
                yield b"event: message\ndata: %b\n\n" % _ENCODE(waiting.popleft())
            woken.clear()
            try:
                async with asyncio.timeout(KEEP_ALIVE_S):
                    await woken.wait()
            except TimeoutError:
                yield b": still here\n\n"


class WatchRoutes(Controller):
    """Raw messages as they pass."""

    path = "/stations/{station_id:str}/messages/live"
    tags = ("Stations",)

    @get(
        operation_id="watch_messages",
        summary="Raw messages as they pass",
        media_type="text/event-stream",
    )
    async def watch(
        self,
        ctx: NamedDependency[Context],
        stations: NamedDependency[Stations],
        watch: NamedDependency[Watch],
        station_id: FromPath[str],
    ) -> Stream:
        """Server-sent events named `message`, with the fields of the raw log.

        While somebody watches, the station's messages are all kept; else one in many of those
        that come all the time. An answer of ours is told when it leaves, after its commit.
        """
        station, _ = await stations.read(ctx, StationId(station_id))
        watch.check()
        headers: dict[str, Any] = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return Stream(passing(watch, station.id), media_type="text/event-stream", headers=headers)
