"""The driver's routes: a connector's page, start, the session's page and its stream, stop.

Before the door, so everything here counts: requests by address, wrong codes and cards as guesses.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Annotated, Any, Final

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Stream

from forecourt.base.clock import Clock
from forecourt.base.errors import ForecourtError
from forecourt.domain.access import Standing
from forecourt.domain.drivers import (
    CardRefused,
    CodeUnknown,
    Drivers,
    OutletBusy,
    Stage,
    StartNotAllowed,
    StationRefused,
    Visit,
    VisitUnknown,
)
from forecourt.domain.stations import StationOffline
from forecourt.edge.http.driver.pace import Pace, PaceExceeded
from forecourt.edge.http.driver.pages import (
    POLICY,
    Frame,
    charge_page,
    figures_of,
    outlet_page,
    said_page,
)
from forecourt.edge.http.driver.texts import Language, preferred, say
from forecourt.edge.http.errors import HARDENED, STATUS
from forecourt.edge.http.live import Listener, Live
from forecourt.edge.http.login import address_of
from forecourt.edge.http.throttle import LoginThrottled, Throttle

FORM_BYTES_MAX: Final = 4_096
FOLLOWERS_MAX: Final = 200
"""Of all drivers: the rest of the lines is for operators."""
FOLLOWED_FOR_S: Final = 900.0
"""Then the phone comes back by itself."""
KEEP_ALIVE_S: Final = 15.0
REFRESH_S: Final = 15
START_COST: Final = 5.0
"""A start asks a station: it counts for as many looks."""
HEARD: Final = ("session.", "connector.")
SECRET_LENGTH: Final = 22
RETRY_S: Final = 30

Anybody = Request[Any, Any, Any]
REFUSALS: Final = (CardRefused, OutletBusy, StartNotAllowed, StationRefused, StationOffline)


class Card(msgspec.Struct, frozen=True):
    """What the form sends."""

    card: Annotated[str, msgspec.Meta(max_length=255)] = ""


class DriverDesk:
    """Where drivers ask: counts who asks how often, and answers in their language."""

    def __init__(self, drivers: Drivers, live: Live, clock: Clock) -> None:
        self._drivers = drivers
        self._live = live
        self._clock = clock
        self._pace = Pace()
        self._guesses = Throttle()
        self._following = 0

    async def look(self, request: Anybody, code: str) -> Response[str]:
        """What is behind a code."""
        language = language_of(request)
        try:
            self._admit(request)
            outlet = await self._drivers.look(code, self._clock.now())
        except (CodeUnknown, PaceExceeded, LoginThrottled) as error:
            return self._turned_away(request, language, error)
        return page(outlet_page(outlet, Frame(language, outlet.code, tail_of(request))))

    async def start(self, request: Anybody, code: str, card: str) -> Response[Any]:
        """Ask the station; then on to the session's own link."""
        language = language_of(request)
        now = self._clock.now()
        try:
            self._admit(request, START_COST)
            visit, secret = await self._drivers.start(code, card, now)
        except (CodeUnknown, PaceExceeded, LoginThrottled) as error:
            return self._turned_away(request, language, error)
        except REFUSALS as error:
            if isinstance(error, CardRefused):
                self._guessed(request)
            outlet = await self._drivers.look(code, now)
            frame = Frame(language, outlet.code, tail_of(request))
            said = worded(language, error)
            body = outlet_page(outlet, frame, refused=said, card=card)
            return page(body, STATUS[error.kind])
        return Redirect(link_of(visit, secret) + tail_of(request), status_code=303)

    async def follow(self, request: Anybody, code: str, secret: str) -> Response[str]:
        """The driver's session."""
        language = language_of(request)
        try:
            self._admit(request)
            visit = await self._visit(code, secret)
        except (VisitUnknown, PaceExceeded, LoginThrottled) as error:
            return self._turned_away(request, language, error)
        return await self._charge_page(request, visit, secret)

    async def stop(self, request: Anybody, code: str, secret: str) -> Response[Any]:
        """Ask the station to stop it."""
        language = language_of(request)
        try:
            self._admit(request, START_COST)
            visit = await self._visit(code, secret)
        except (VisitUnknown, PaceExceeded, LoginThrottled) as error:
            return self._turned_away(request, language, error)
        try:
            await self._drivers.stop(visit, self._clock.now())
        except (StationRefused, StationOffline) as error:
            said = worded(language, error)
            return await self._charge_page(request, visit, secret, said, STATUS[error.kind])
        return Redirect(link_of(visit, secret) + tail_of(request), status_code=303)

    async def live(self, request: Anybody, code: str, secret: str) -> Response[Any]:
        """The session's figures, whenever they change."""
        try:
            self._admit(request)
            visit = await self._visit(code, secret)
            if self._following >= FOLLOWERS_MAX:
                raise PaceExceeded("too many follow already")  # noqa: TRY301 (one way to tell)
        except (VisitUnknown, PaceExceeded, LoginThrottled) as error:
            return self._turned_away(request, language_of(request), error)
        return Stream(
            self._figures(visit, language_of(request)),
            media_type="text/event-stream",
            headers={**HARDENED, "X-Accel-Buffering": "no"},
        )

    # ---- inside ---------------------------------------------------------------------------------

    async def _figures(self, visit: Visit, language: Language) -> AsyncGenerator[bytes]:
        listener = Listener(HEARD)
        listener.stations = frozenset({visit.station})
        loop = asyncio.get_running_loop()
        until_s = loop.time() + FOLLOWED_FOR_S
        self._following += 1
        try:
            with self._live.listening(visit.tenant, listener):
                yield b"retry: 3000\n\n"
                while loop.time() < until_s:
                    # Whatever happened there: its own session is read, and nothing else is told.
                    listener.waiting.clear()
                    listener.woken.clear()
                    now = self._clock.now()
                    charge = await self._drivers.charge(visit, now)
                    said = msgspec.json.encode(figures_of(charge, language, now))
                    yield b"event: state\ndata: %b\n\n" % said
                    if charge.stage in {Stage.ENDED, Stage.LAPSED}:
                        return
                    try:
                        async with asyncio.timeout(KEEP_ALIVE_S):
                            await listener.woken.wait()
                    except TimeoutError:
                        continue
        finally:
            self._following -= 1

    async def _charge_page(
        self, request: Anybody, visit: Visit, secret: str, refused: str = "", status: int = 200
    ) -> Response[str]:
        language = language_of(request)
        now = self._clock.now()
        charge = await self._drivers.charge(visit, now)
        running = charge.stage not in {Stage.ENDED, Stage.LAPSED}
        frame = Frame(language, visit.code, tail_of(request), REFRESH_S if running else None)
        return page(
            charge_page(charge, frame, link_of(visit, secret), now, refused=refused), status
        )

    async def _visit(self, code: str, secret: str) -> Visit:
        if len(secret) != SECRET_LENGTH:
            raise VisitUnknown("this link leads nowhere")
        visit = await self._drivers.visit(secret, self._clock.now())
        if visit.code != code:
            raise VisitUnknown("this link leads nowhere")
        return visit

    def _admit(self, request: Anybody, cost: float = 1.0) -> None:
        name = f"from {address_of(request)}"
        self._guesses.check((name,), time.monotonic())
        self._pace.spend(name, time.monotonic(), cost)

    def _guessed(self, request: Anybody) -> None:
        self._guesses.failed((f"from {address_of(request)}",), time.monotonic())

    def _turned_away(
        self, request: Anybody, language: Language, error: ForecourtError
    ) -> Response[str]:
        if isinstance(error, CodeUnknown | VisitUnknown):
            self._guessed(request)
            return page(said_page(Frame(language), "nowhere", "nowhere_text"), STATUS[error.kind])
        answer = page(said_page(Frame(language), "slow", "slow_text"), STATUS[error.kind])
        answer.headers["Retry-After"] = str(RETRY_S)
        return answer


class DriverRoutes(Controller):
    """For whoever stands before a connector."""

    path = "/c/{code:str}"
    include_in_schema = False

    @get()
    async def look(
        self, request: Anybody, driver_desk: NamedDependency[DriverDesk], code: FromPath[str]
    ) -> Response[str]:
        """What is behind the code."""
        return await driver_desk.look(request, code)

    @post("/start", request_max_body_size=FORM_BYTES_MAX)
    async def start(
        self,
        request: Anybody,
        driver_desk: NamedDependency[DriverDesk],
        code: FromPath[str],
        data: Annotated[Card, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[Any]:
        """Start with a card's number."""
        return await driver_desk.start(request, code, data.card)

    @get("/s/{secret:str}")
    async def follow(
        self,
        request: Anybody,
        driver_desk: NamedDependency[DriverDesk],
        code: FromPath[str],
        secret: FromPath[str],
    ) -> Response[str]:
        """The driver's own session, or its receipt."""
        return await driver_desk.follow(request, code, secret)

    @post("/s/{secret:str}/stop", request_max_body_size=FORM_BYTES_MAX)
    async def stop(
        self,
        request: Anybody,
        driver_desk: NamedDependency[DriverDesk],
        code: FromPath[str],
        secret: FromPath[str],
    ) -> Response[Any]:
        """Stop it."""
        return await driver_desk.stop(request, code, secret)

    @get("/s/{secret:str}/live")
    async def live(
        self,
        request: Anybody,
        driver_desk: NamedDependency[DriverDesk],
        code: FromPath[str],
        secret: FromPath[str],
    ) -> Response[Any]:
        """Its figures as they change."""
        return await driver_desk.live(request, code, secret)


def language_of(request: Anybody) -> Language:
    """What was chosen by hand, or what the browser asks for."""
    chosen = request.query_params.get("l", "")
    if chosen in {"en", "de"}:
        return "de" if chosen == "de" else "en"
    return preferred(request.headers.get("accept-language", ""))


def tail_of(request: Anybody) -> str:
    """The language that was chosen by hand goes along."""
    chosen = request.query_params.get("l", "")
    return f"?l={chosen}" if chosen in {"en", "de"} else ""


def worded(language: Language, error: ForecourtError) -> str:
    """A refusal in plain words; which cards there are is nobody's business."""
    match error:
        case CardRefused(standing=Standing.CONCURRENT):
            key = "refused_concurrent"
        case CardRefused():
            key = "refused_card"
        case OutletBusy():
            key = "refused_busy"
        case StartNotAllowed():
            key = "refused_off"
        case StationOffline():
            key = "refused_away"
        case _:
            key = "refused_station"
    return say(language, key)


def link_of(visit: Visit, secret: str) -> str:
    """Where a driver's session is found."""
    return f"/c/{visit.code}/s/{secret}"


def page(body: str, status: int = 200) -> Response[str]:
    """HTML that may run one script and reach nobody else."""
    headers = {**HARDENED, "Content-Security-Policy": POLICY, "Vary": "Accept-Language"}
    return Response(body, status_code=status, media_type="text/html", headers=headers)
