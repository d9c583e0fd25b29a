"""A station's link whose messages and commands are traced; made only where traces are wanted.

It looks at its watch where the link passes anyhow, and writes the spans down when the answer has
left. Decides nothing, and changes nothing of what a link does.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from forecourt.domain.stations import Answer, Ask, Door, Known, Outcome
from forecourt.edge.ocpp.asking import Asking
from forecourt.edge.ocpp.asks.table import Asked
from forecourt.edge.ocpp.host import House
from forecourt.edge.ocpp.routes import Call
from forecourt.edge.ocpp.session import StationLink
from forecourt.edge.ocpp.versions import Version
from forecourt.edge.ocpp.wire import Wire
from forecourt.infra.tracing import CLIENT, SERVER, Span, Tracing, current, within
from forecourt.protocol.ocpp.dialect import ErrorReason
from forecourt.protocol.ocpp.events import Received
from forecourt.protocol.ocpp.rpc import Connection
from forecourt.protocol.ocpp.values import Message

# Of a command's outcomes, those that are no word of the station's.
UNANSWERED: Final = frozenset({Outcome.DISCONNECTED, Outcome.FAILED, Outcome.TIMEOUT})


class Journey(Struct, eq=False):
    """One message of the sample on its way: when it passed where. Moments in ns since 1970."""

    data: bytes
    arrived_ns: int
    event: Received | None = None
    """Known once it is read, and found to be a call."""
    read_ns: int = 0
    begun_ns: int = 0
    decided_ns: int = 0


class TracedLink(StationLink):
    """One message at a time is followed; those that come meanwhile are not in the sample."""

    __slots__ = ("_calls", "_journey", "_tracing")

    def __init__(
        self,
        house: House[StationLink],
        door: Door,
        version: Version,
        wire: Wire,
        tracing: Tracing,
    ) -> None:
        super().__init__(house, door, version, wire)
        self._tracing = tracing
        self._journey: Journey | None = None
        self._calls: TracedAsking | None = None

    # ---- the station's messages -----------------------------------------------------------------

    def on_frame(self, data: bytes) -> None:
        if self._journey is not None or not self._tracing.due():
            super().on_frame(data)
            return
        self._journey = journey = Journey(data, self._tracing.now_ns())
        super().on_frame(data)
        if journey.event is None:
            self._journey = None  # No call, or none that can be read.

    def _wait_in_line(self, event: Received, data: bytes) -> None:
        journey = self._journey
        if journey is not None and journey.data is data:
            journey.event, journey.read_ns = event, self._tracing.now_ns()
        super()._wait_in_line(event, data)

    def _handle(self, event: Received, data: bytes) -> None:
        journey = self._journey
        if journey is not None and journey.data is data:
            journey.event, journey.begun_ns = event, self._tracing.now_ns()
        super()._handle(event, data)

    def _submit(
        self, event: Received, data: bytes, answer: Message, call: Call, *, sampled: bool
    ) -> None:
        journey = self._journey
        if journey is not None and journey.data is data:
            journey.decided_ns = self._tracing.now_ns()
        super()._submit(event, data, answer, call, sampled=sampled)

    def _committed(self, error: BaseException | None) -> None:
        journey = self._journey
        if journey is None or not journey.decided_ns:
            super()._committed(error)
            return
        self._journey = None
        call, committed_ns = self._call, self._tracing.now_ns()
        stored = call is not None and bool(call.changes.rows)
        # What changes nothing is answered without a commit, though somebody else's may be going on.
        batch = self._tracing.batch if stored else None
        super()._committed(error)
        self._tell(journey, batch, committed_ns, "" if error is None else str(error))

    def _refuse(self, event: Received, reason: ErrorReason, text: str, data: bytes) -> None:
        journey = self._journey
        if journey is None or journey.data is not data:
            super()._refuse(event, reason, text, data)
            return
        self._journey, journey.decided_ns = None, self._tracing.now_ns()
        super()._refuse(event, reason, text, data)
        self._tell(journey, None, journey.decided_ns, f"{reason.value}: {text}")

    def on_gone(self, reason: str) -> None:
        super().on_gone(reason)
        self._journey = None

    def _tell(self, journey: Journey, batch: Span | None, committed_ns: int, error: str) -> None:
        """Write down where the time went, now that the answer has left."""
        event, tracing = journey.event, self._tracing
        assert event is not None, "only calls are decided"
        answered_ns = tracing.now_ns()
        whole = tracing.begin(f"ocpp {event.action}", SERVER, start_ns=journey.arrived_ns)
        whole.error = error
        whole.attributes.update(
            {
                "ocpp.station": self.door.id,
                "ocpp.action": event.action,
                "ocpp.version": self.version.name,
                "ocpp.message_id": event.message_id,
                "ocpp.bytes": len(journey.data),
                "forecourt.tenant": self.door.tenant,
            }
        )
        tracing.part(whole, "decode", journey.arrived_ns, journey.read_ns or journey.begun_ns)
        if journey.read_ns:
            tracing.part(whole, "in line", journey.read_ns, journey.begun_ns)
        tracing.part(whole, "decide", journey.begun_ns, journey.decided_ns)
        if batch is not None:
            tracing.part(whole, "queue", journey.decided_ns, batch.start_ns)
            commit = tracing.part(whole, "commit", batch.start_ns, committed_ns)
            commit.links.append(batch.place)
            batch.links.append(whole.place)
        tracing.part(whole, "answer", committed_ns, answered_ns)
        tracing.end(whole, answered_ns)

    # ---- commands to the station ----------------------------------------------------------------

    async def ask(self, command: Ask, known: Known) -> Answer:
        if self._calls is None:
            self._asking = self._calls = TracedAsking(
                self._conn, self._house.monotonic, self._tracing
            )
        above = current()
        if above is None and not self._tracing.due():
            return await super().ask(command, known)
        name = f"command {command.__struct_config__.tag}"
        span = self._tracing.begin(name, parent=None if above is None else above.place)
        span.attributes.update({"ocpp.station": self.door.id, "forecourt.tenant": self.door.tenant})
        try:
            with within(span):
                answer = await super().ask(command, known)
            span.attributes["command.outcome"] = answer.outcome.value
            if answer.outcome in UNANSWERED:
                span.error = answer.outcome.value
            return answer
        finally:
            self._tracing.end(span)

    def _flush(self) -> None:
        super()._flush()
        if self._calls is not None:
            self._calls.flushed(self._conn.open_id)


class TracedAsking(Asking):
    """The calls of traced commands: how long each waited in line, and how long for its answer."""

    __slots__ = ("_spans", "_tracing", "_wire_ns")

    def __init__(self, conn: Connection, now_s: Callable[[], float], tracing: Tracing) -> None:
        super().__init__(conn, now_s)
        self._tracing = tracing
        self._spans: dict[str, Span] = {}
        """Calls that are not answered, by their message ids."""
        self._wire_ns: dict[str, int] = {}
        """When each of those that wait in line no more went on the wire."""

    def _put(self, command: Ask, asked: Asked, request: Message) -> asyncio.Future[Answer]:
        future = super()._put(command, asked, request)
        above = current()
        if above is not None and not future.done():
            message_id = next(reversed(self._open))
            span = self._tracing.begin(f"ocpp {type(request).__name__}", CLIENT, parent=above.place)
            span.attributes["ocpp.message_id"] = message_id
            self._spans[message_id] = span
            future.add_done_callback(lambda _: self._over(message_id))
        return future

    def flushed(self, message_id: str | None) -> None:
        """The call that is open is on the wire by now."""
        if message_id in self._spans and message_id not in self._wire_ns:
            self._wire_ns[message_id] = self._tracing.now_ns()

    def _over(self, message_id: str) -> None:
        """It was answered, or nobody waits for it any more."""
        span, tracing = self._spans.pop(message_id), self._tracing
        sent_ns, now_ns = self._wire_ns.pop(message_id, 0), tracing.now_ns()
        tracing.part(span, "queue", span.start_ns, sent_ns or now_ns)
        if sent_ns:
            tracing.part(span, "answer", sent_ns, now_ns)
        tracing.end(span, now_ns)
