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
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Final

import msgspec
from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream
from msgspec import Struct

from forecourt.base.context import Context
from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.ids import TenantId
from forecourt.base.pages import PAGE_MAX, Wanted
from forecourt.domain.stations import EVENT_SORTS, Stations
from forecourt.infra.database import Database
from forecourt.infra.outbox import Told, kept, missed

LISTENERS_MAX: Final = 500
"""For all tenants: each holds a connection and a queue."""
QUEUE_MAX: Final = 2_000
"""Who is this far behind reads too slowly: it is sent away, and comes back for what it missed."""
MISSED_AT_ONCE: Final = 1_000
"""What was missed is read in pages of so many, however much it is."""
KEEP_ALIVE_S: Final = 15.0
SITES_ASKED_EVERY_S: Final = 30.0
TYPES_MAX: Final = 20
HOURS_MAX: Final = 24
Place = tuple[int, int]
"""In the order of all events: transaction and number."""
ALL_KEPT: Final[Place] = (0, 0)
"""Before the first event; whoever names it gets all that is kept."""
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
        self.catching_up = False
        """It is given what it missed, from the outbox."""
        self.skipped = False
        """Meanwhile more was told than may wait: that is read from the outbox, too."""
        self.given: Place = ALL_KEPT
        """The newest of what it missed and was given."""
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
        if len(self.waiting) >= QUEUE_MAX and self.catching_up:
            self.waiting.clear()
            self.skipped = True
        elif len(self.waiting) >= QUEUE_MAX:
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
    def listening(self, tenant: TenantId, listener: Listener) -> Any:
        """Tell ``listener`` of its tenant's events in the block. Raises TooManyListeners."""
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
        """Frames for one who listens, until it goes or falls behind.

        What it missed comes first. If that is not kept any more, ``reset`` says so: what it knows
        is out of date, and it goes on from now.
        """
        listener = Listener(types)
        loop = asyncio.get_running_loop()
        with self.listening(ctx.tenant, listener):
            asked_s = loop.time()
            if ctx.sites:
                listener.stations = await _within(ctx, stations)
            yield b"retry: 2000\n: listening\n\n"
            async for missing in self._catch_up(ctx, listener, place_of(after)):
                yield missing
            while not (listener.lost or self._over):
                listener.woken.clear()
                while listener.waiting:
                    told = listener.waiting.popleft()
                    place = place_of(told.place)
                    # What was read from the outbox may be told by the relay once more.
                    if place is None or place > listener.given:
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

    async def _catch_up(
        self, ctx: Context, listener: Listener, after: Place | None
    ) -> AsyncGenerator[bytes]:
        """All that happened behind a place, page by page, however much it is."""
        if after is None:
            return
        if not await self._still_kept(ctx, after):
            yield RESET
            return
        listener.catching_up, listener.given = True, after
        while listener.catching_up and not self._over:
            listener.skipped = False
            async with self._db.unit(ctx) as unit:
                page = await missed(unit, listener.given, MISSED_AT_ONCE)
            for told in page:
                listener.given = place_of(told.place) or listener.given
                if listener.wants(told):
                    yield frame(told)
            listener.catching_up = listener.skipped or len(page) == MISSED_AT_ONCE

    async def _still_kept(self, ctx: Context, place: Place) -> bool:
        if place == ALL_KEPT:
            return True
        async with self._db.unit(ctx) as unit:
            return await kept(unit, place)


RESET: Final = b"event: reset\ndata: {}\n\n"


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


def place_of(text: str) -> Place | None:
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

        `Last-Event-ID` brings all that was missed, `0-0` all that is kept. An event `reset` says
        that what was missed is not kept any more: read anew what you know. Each event's data has
        `type`, `at`, `subject` and `body`; `session.progress` comes every few seconds for sessions
        that run.
        """
        after = request.headers.get("last-event-id", "")
        return Stream(
            live.stream(ctx, stations, _kinds(types), after),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )


class EventView(Struct, frozen=True, kw_only=True):
    """Something that happened, as the stream of events tells it."""

    id: str
    """Its place: `Last-Event-ID` of all that came behind it."""
    type: str
    at: datetime
    subject: str
    """Which station; or what else it is about."""
    body: Any


class EventPage(Struct, frozen=True, kw_only=True):
    """What happened."""

    items: list[EventView]
    next: str | None


Hours = Annotated[
    int, QueryParameter(ge=1, le=HOURS_MAX, description="How far back: so many hours at most.")
]


class EventRoutes(Controller):
    """Events of the last hours."""

    path = "/events"
    tags = ("Live",)

    @get(operation_id="list_events", summary="What happened lately", sorts=EVENT_SORTS)
    async def happened(
        self,
        ctx: NamedDependency[Context],
        stations: NamedDependency[Stations],
        paging: NamedDependency[Wanted],
        *,
        hours: Hours = 1,
        types: FromQuery[str] = "",
    ) -> EventPage:
        """Events of all stations, sites and tokens that the caller may see, newest first.

        For what was there before one listens to `live`, which tells the same; older events are on
        a station's timeline. `types` names kinds, or beginnings of kinds, between commas.
        """
        within = timedelta(hours=hours)
        found = await stations.history.everywhere(ctx, paging, within=within, types=_kinds(types))
        return EventPage(
            items=[
                EventView(
                    id="-".join(map(str, one.place)),
                    type=one.type,
                    at=one.at,
                    subject=one.subject,
                    body=one.body,
                )
                for one in found.items
            ],
            next=found.next,
        )


def _kinds(types: str) -> list[str]:
    return [one.strip() for one in types.split(",") if one.strip()][:TYPES_MAX]
