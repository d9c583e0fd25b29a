"""A central system in memory: typed, scripted by the test, with time that the test moves."""

from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache
from types import ModuleType
from typing import Any, cast

from msgspec.structs import replace

from forecourt.protocol.ocpp import v16, v21, v201
from forecourt.protocol.ocpp.dialect import ErrorReason
from forecourt.protocol.ocpp.events import Answered, Event, Failed, Received, Sent
from forecourt.protocol.ocpp.rpc import Connection
from forecourt.protocol.ocpp.values import Message
from forecourt.sim.cars import Car, catalogue
from forecourt.sim.drivers import Habits
from forecourt.sim.fleet import VOICES
from forecourt.sim.mischief import Mischief
from forecourt.sim.outlet import Outlet
from forecourt.sim.station import Station
from forecourt.sim.stats import Stats
from forecourt.sim.talk import Note
from forecourt.sim.timeline import Timeline
from forecourt.sim.world import (
    Feature,
    StationPlan,
    Version,
    WorldOptions,
    default_tokens,
    plan_world,
)
from tests.sim.answers import usual

WORDS: dict[Version, ModuleType] = {"1.6": v16, "2.0.1": v201, "2.1": v21}
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()
CARD = default_tokens(1)[0]


@cache
def a_plan(version: Version, model: str | None = None, *, seed: int = 1) -> StationPlan:
    """A station of this version; of a certain model, where it matters."""
    habits = Habits(tokens=default_tokens(5))
    options = WorldOptions(stations=200, seed=seed, version=version, habits=habits)
    return next(plan for plan in plan_world(options) if model is None or plan.model.model == model)


def a_car(plug: str, *, soc_pct: float = 30.0, region: str = "eu") -> Car:
    model = next(c for c in catalogue() if c.fits(cast("Any", plug), cast("Any", region)))
    return Car(model, soc_pct)


class Bench:
    """One station, one central system, and the wire between them."""

    def __init__(
        self,
        version: Version,
        model: str | None = None,
        *,
        boot: bool = True,
        features: Iterable[Feature] = (),
        mischief: Mischief | None = None,
    ) -> None:
        self.stats = Stats()
        self.world, self.wire = Timeline(NOON), Timeline()
        self.words = WORDS[version]
        self.version = version
        self.up = True
        """Whether the network carries anything."""
        self.connects = 0
        self.tolerant = False
        """Whether the station may break the protocol; otherwise the test fails."""
        self.broken: list[Event] = []
        self.deaf = False
        """The central system reads, and answers nothing."""
        self.refusing = ""
        """An action that is answered with an error."""
        self.heard: list[Message] = []
        """What the station said, in order; repeats too."""
        self.said: list[bytes] = []
        """Every frame of the station's."""
        self.answers: list[Answered | Failed] = []
        self.acknowledged_notes: list[Note] = []
        self.summoned: list[tuple[Outlet, str]] = []
        self.expected: list[tuple[Outlet, str, float]] = []
        self.pings = 0
        self.boot_status = "Accepted"
        self.card_status = "Accepted"
        self.replies: dict[str, Callable[[Any], Message | None]] = {}
        """By action: another answer than the usual one; None leaves it unanswered."""
        self.connection: Connection | None = None
        self._frames: deque[tuple[str, bytes, Connection]] = deque()
        self.tx_ids = iter(range(1000, 9000))
        plan = replace(a_plan(version, model), features=frozenset(features))
        self.station = Station(
            plan,
            VOICES[version],
            hub=self,
            world=self.world,
            wire=self.wire,
            mischief=mischief,
        )
        if boot:
            self.station.power_on()
            self.settle()

    # --- Hub --------------------------------------------------------------------------------------

    def dial(self, station: Station) -> None:
        self.wire.after(0.05, self._connect)

    def _connect(self) -> None:
        if not self.up:
            self.station.link_down()
            return
        dialect = self.words.DIALECT
        self.connects += 1
        prefix = f"csms{self.connects}"  # Not random, so that a day can be repeated.
        connection = Connection(dialect, accepts=dialect.from_station, id_prefix=prefix)
        self.connection = connection
        self.station.link_up(lambda frame: self._frames.append(("csms", frame, connection)))

    def hang_up(self, station: Station, *, clean: bool) -> None:
        self.connection = None

    def acknowledged(self, station: Station, note: Note, action: str, message_id: str) -> None:
        self.acknowledged_notes.append(note)

    def summon(self, station: Station, outlet: Outlet, token: str) -> None:
        self.summoned.append((outlet, token))

    def expect(self, station: Station, outlet: Outlet, token: str, within_s: float) -> None:
        self.expected.append((outlet, token, within_s))

    def ping(self, station: Station) -> None:
        self.pings += 1

    # --- The test's hands -------------------------------------------------------------------------

    def settle(self) -> None:
        """Carry frames until nobody has anything to say."""
        for _ in range(10_000):
            self.wire.advance(self.wire.now + 0.1)
            if not self._frames:
                if self.connection is None or not self._flush():
                    return
                continue
            to, frame, connection = self._frames.popleft()
            if connection is not self.connection:
                continue
            if to == "csms":
                self._on_frame(connection, frame)
            else:
                self.station.talk.receive(frame)
        raise AssertionError("they never stop talking")

    def move(self, seconds: float, *, step_s: float = 1.0) -> None:
        """Let time pass for both ends and the world."""
        until = self.world.now + seconds
        while self.world.now < until:
            step = min(step_s, until - self.world.now)
            self.world.advance(self.world.now + step)
            self.wire.advance(self.wire.now + step)
            self.settle()

    def command(self, request: Message) -> Message:
        """Ask the station something; its answer."""
        assert self.connection is not None, "no station is connected"
        self.connection.call(request, self.wire.now)
        self.settle()
        answer = self.answers[-1]
        assert isinstance(answer, Answered), answer
        assert answer.request is request
        return answer.response

    def cut(self) -> None:
        """The link breaks, and nobody notices it but the station."""
        self.up = False
        self.connection = None
        self.station.link_down()

    def plug(self, *, soc_pct: float = 30.0, target_pct: float = 80.0) -> Outlet:
        outlet = self.station.outlets[0]
        plug = outlet.connectors[0].plug
        car = a_car(plug, soc_pct=soc_pct, region=self.station.plan.model.region)
        target_wh = car.capacity_wh * target_pct / 100.0
        self.station.plug_in(outlet, car, plug, target_wh=target_wh)
        self.settle()
        return outlet

    def session(self, *, seconds: float = 600.0) -> Outlet:
        """Plug in, show a card, charge for a while."""
        outlet = self.plug()
        self.station.swipe(outlet, CARD)
        self.settle()
        self.move(seconds)
        return outlet

    def heard_of(self, name: str) -> list[Any]:
        return [message for message in self.heard if type(message).__name__ == name]

    def _flush(self) -> bool:
        assert self.connection is not None, "only a connection has frames"
        frames = self.connection.data_to_send()
        self._frames.extend(("station", frame, self.connection) for frame in frames)
        return bool(frames)

    def _on_frame(self, connection: Connection, frame: bytes) -> None:
        self.said.append(frame)
        event = connection.receive(frame, self.wire.now)
        match event:
            case Received(message_id=message_id, request=request):
                self.heard.append(request)
                reply = None if self.deaf else self._reply(request)
                if self.refusing == type(request).__name__:
                    connection.refuse(message_id, ErrorReason.INTERNAL, "the database is away")
                elif reply is not None:
                    connection.reply(message_id, reply)
            case Sent(message=message):
                self.heard.append(message)
            case Answered() | Failed():
                self.answers.append(event)
            case _:
                assert event is not None
                assert self.tolerant, f"the station broke the protocol: {event}"
                self.broken.append(event)
        self._flush()

    def _reply(self, request: Any) -> Message | None:
        action = type(request).__name__
        if action in self.replies:
            return self.replies[action](request)
        now = datetime.fromtimestamp(self.world.now, UTC)
        response = self.words.DIALECT.responses[action]
        match action:
            case "BootNotification":
                more = {"status": self.boot_status, "current_time": now, "interval": 300}
            case "Heartbeat":
                more = {"current_time": now}
            case "Authorize" if self.version == "1.6":
                more = {"id_tag_info": v16.IdTagInfo(status=cast("Any", self.card_status))}
            case "Authorize":
                more = {"id_token_info": self.words.IdTokenInfo(status=self.card_status)}
            case "StartTransaction":
                more = {
                    "transaction_id": next(self.tx_ids),
                    "id_tag_info": v16.IdTagInfo(status="Accepted"),
                }
            case _:
                return usual(response, now)
        made: Message = response(**cast("dict[str, Any]", more))
        return made
