"""What happens, as it happens: events to whoever listens, by server-sent events.

The relay tells every event of this process's outbox; who comes back names the last one that it
had, and gets what it missed. The power of running sessions is told every few seconds and kept
nowhere. Knows no room: it passes on what was told.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Final

import msgspec
from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Stream

from forecourt.base.context import Context
from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.ids import TenantId
from forecourt.base.pages import PAGE_MAX, Wanted
from forecourt.domain.stations import Stations
from forecourt.infra.database import Database
from forecourt.infra.outbox import Told, missed

LISTENERS_MAX: Final = 500
"""For all tenants: each holds a connection and a queue."""
QUEUE_MAX: Final = 2_000
"""Who is this far behind reads too slowly: it is sent away, and comes back for what it missed."""
MISSED_MAX: Final = 5_000
KEEP_ALIVE_S: Final = 15.0
SITES_ASKED_EVERY_S: Final = 30.0
TYPES_MAX: Final = 20
# Eighteen digits are within PostgreSQL's bigint.
_PLACE: Final = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")

_ENCODE: Final = msgspec.json.Encoder().encode


class TooManyListeners(ForecourtError):
    """Every line is taken."""

    kind: ClassVar[Kind] = Kind.LIMITED
    code: ClassVar[str] = "live.too_many"


class Listener:
    """One who listens: what waits for it, and what it wants to hear."""

    def __init__(self, types: Sequence[str]) -> None:
        self._types = tuple(types)
        self.stations: frozenset[str] | None = None
        """None: all of the tenant's."""
        self.waiting: deque[Told] = deque()
        self.woken = asyncio.Event()
        self.lost = False

    def wants(self, told: Told) -> bool:
        """Whether it is for this one."""
        if self.stations is not None and told.subject not in self.stations:
            return False
        return not self._types or told.type.startswith(self._types)

    def hear(self, told: Told) -> None:
        """Put it in line."""
        if self.lost or not self.wants(told):
            return
        if len(self.waiting) >= QUEUE_MAX:
            self.lost = True
        else:
            self.waiting.append(told)
        self.woken.set()


class Live:
    """All who listen."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._listeners: dict[TenantId, set[Listener]] = {}
        self._over = False

    def __len__(self) -> int:
        return sum(map(len, self._listeners.values()))

    def heard(self, told: Told) -> None:
        """Something happened; called for every event, in order."""
        for listener in self._listeners.get(told.tenant, ()):
            listener.hear(told)

    def end(self) -> None:
        """Hang up: the server stops, and would wait for streams that never end by themselves."""
        self._over = True
        for held in self._listeners.values():
            for listener in held:
                listener.woken.set()

    @contextmanager
    def _listening(self, tenant: TenantId, listener: Listener) -> Any:
        if len(self) >= LISTENERS_MAX:
            raise TooManyListeners("too many listen already; try again later")
        held = self._listeners.setdefault(tenant, set())
        held.add(listener)
        try:
            yield
        finally:
            held.discard(listener)
            if not held:
                self._listeners.pop(tenant, None)

    async def stream(
        self, ctx: Context, stations: Stations, types: Sequence[str], after: str
    ) -> AsyncGenerator[bytes]:
        """Frames for one who listens, until it goes or falls behind."""
        listener = Listener(types)
        loop = asyncio.get_running_loop()
        with self._listening(ctx.tenant, listener):
            asked_s = loop.time()
            if ctx.sites:
                listener.stations = await _within(ctx, stations)
            yield b"retry: 2000\n: listening\n\n"
            newest = place_of(after)
            for told in await self._missed(ctx, newest):
                newest = place_of(told.place)
                if listener.wants(told):
                    yield frame(told)
            while not (listener.lost or self._over):
                listener.woken.clear()
                while listener.waiting:
                    told = listener.waiting.popleft()
                    place = place_of(told.place)
                    # What was read from the outbox may be told by the relay once more.
                    if place is None or newest is None or place > newest:
                        yield frame(told)
                try:
                    async with asyncio.timeout(KEEP_ALIVE_S):
                        await listener.woken.wait()
                except TimeoutError:
                    yield b": still here\n\n"
                if ctx.sites and loop.time() - asked_s > SITES_ASKED_EVERY_S:
                    asked_s = loop.time()
                    listener.stations = await _within(ctx, stations)
            if listener.lost:
                yield b"event: behind\ndata: {}\n\n"

    async def _missed(self, ctx: Context, after: tuple[int, int] | None) -> Sequence[Told]:
        if after is None:
            return ()
        async with self._db.unit(ctx) as unit:
            return await missed(unit, after, MISSED_MAX)


def frame(told: Told) -> bytes:
    """One event on the wire; what is kept nowhere has no id to come back to."""
    said = _ENCODE(
        {
            "type": told.type,
            "at": told.at,
            "subject": told.subject,
            "body": msgspec.Raw(told.body.encode()),
        }
    )
    name = b"id: %b\n" % told.place.encode() if told.place else b""
    return name + b"event: %b\ndata: %b\n\n" % (told.type.encode(), said)


def place_of(text: str) -> tuple[int, int] | None:
    """Where an event stands, from its text; None for what names no place."""
    found = _PLACE.fullmatch(text)
    return None if found is None else (int(found[1]), int(found[2]))


async def _within(ctx: Context, stations: Stations) -> frozenset[str]:
    """The stations that the caller may see."""
    seen: set[str] = set()
    cursor: str | None = ""
    while cursor is not None:
        page = await stations.list(ctx, Wanted(limit=PAGE_MAX, cursor=cursor))
        seen.update(station.id for station, _ in page.items)
        cursor = page.next
    return frozenset(seen)


class LiveRoutes(Controller):
    """Events as they happen."""

    path = "/live"
    tags = ("Live",)

    @get(operation_id="live", summary="Events as they happen", media_type="text/event-stream")
    async def live(
        self,
        request: Request[Any, Any, Any],
        ctx: NamedDependency[Context],
        live: NamedDependency[Live],
        stations: NamedDependency[Stations],
        types: FromQuery[str] = "",
    ) -> Stream:
        """Server-sent events; `types` names kinds, or beginnings of kinds, between commas.

        `Last-Event-ID` brings what was missed. Each event's data has `type`, `at`, `subject` and
        `body`; `session.progress` comes every few seconds for sessions that run.
        """
        wanted = [one.strip() for one in types.split(",") if one.strip()][:TYPES_MAX]
        after = request.headers.get("last-event-id", "")
        return Stream(
            live.stream(ctx, stations, wanted, after),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
