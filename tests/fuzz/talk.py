"""Two ends of a conversation and a line that loses, repeats, delays and garbles; what must hold.

Steps are plain calls, so that Hypothesis and a coverage-guided fuzzer drive the same thing.
"""

import json
from typing import Any, Final

from msgspec import Struct, field

from forecourt.protocol.ocpp.dialect import ErrorReason
from forecourt.protocol.ocpp.events import Answered, Event, Failed, Received
from forecourt.protocol.ocpp.lenient import Lenient
from forecourt.protocol.ocpp.rpc import Connection, QueueFull
from forecourt.protocol.ocpp.values import Message
from tests.fuzz.examples import DIALECTS, answer, calls

QUEUE_MAX: Final = 3
# A line that holds more is a test that grows, not a network.
LINE_MAX: Final = 50
_CALL, _RESULT, _ERROR, _RESULT_ERROR, _SEND = 2, 3, 4, 5, 6
# A frame of each type has so many elements.
LENGTHS: Final = {_CALL: 4, _RESULT: 3, _ERROR: 5, _RESULT_ERROR: 5, _SEND: 4}


class End(Struct):
    """One end: what it called, what it was asked, and what is on its way to it."""

    name: str
    conn: Connection
    open: set[str] = field(default_factory=set)
    """Our calls that are on the wire and not settled."""
    unsettled: set[str] = field(default_factory=set)
    """Those, and the ones that wait for them."""
    settled: set[str] = field(default_factory=set)
    asked: list[tuple[str, Message]] = field(default_factory=list)
    """The other's calls that wait for our answer."""
    coming: list[bytes] = field(default_factory=list)
    closed: bool = False


class Talk:
    """One conversation. Every method is a step, after which everything promised must hold."""

    def __init__(self, version: str, *, lenient: bool, remembers: bool) -> None:
        dialect = DIALECTS[version]
        self.version = version
        self._words = frozenset(dialect.rules.error_words.values())
        self._types = {_CALL, _RESULT, _ERROR}
        self._types |= {_RESULT_ERROR} if dialect.rules.refuses_answers else set()
        self._types |= {_SEND} if dialect.rules.sends else set()
        self.now = 0.0
        self.ends = (
            End("station", self._end(dialect.from_csms, "s", lenient=lenient, remembers=remembers)),
            End("csms", self._end(dialect.from_station, "c", lenient=lenient, remembers=remembers)),
        )

    def _end(
        self, accepts: frozenset[str], prefix: str, *, lenient: bool, remembers: bool
    ) -> Connection:
        return Connection(
            DIALECTS[self.version],
            accepts=accepts,
            queue_max=QUEUE_MAX,
            lenient=Lenient() if lenient else None,
            remembers_answer=remembers,
            id_prefix=prefix,
        )

    # ---- steps ----------------------------------------------------------------------------------

    def call(self, who: int, which: int) -> None:
        """One end calls the other; refused only when enough wait already."""
        end = self.ends[who]
        if end.closed:
            return
        choice = calls(self.version, end.name)
        full = len(end.unsettled) > QUEUE_MAX
        try:
            message_id = end.conn.call(choice[which % len(choice)], self.now)
        except QueueFull:
            assert full, "refused though there was room"
            return
        assert not full, "the line of waiting calls has no end"
        assert message_id not in end.unsettled | end.settled, "an id was used twice"
        end.unsettled.add(message_id)
        self._carry(who)

    def answer(self, who: int, which: int, *, refuse: bool = False) -> None:
        """Answer one of the calls that wait, in any order."""
        end = self.ends[who]
        if end.closed or not end.asked:
            return
        message_id, request = end.asked.pop(which % len(end.asked))
        if refuse:
            end.conn.refuse(message_id, list(ErrorReason)[which % len(ErrorReason)], "no")
        else:
            end.conn.reply(message_id, answer(self.version, request))
        self._carry(who)

    def deliver(self, who: int, which: int = 0) -> None:
        """Hand over a frame, the first or one that overtakes it."""
        end = self.ends[who]
        if end.coming:
            self._receive(who, end.coming.pop(which % len(end.coming)))

    def lose(self, who: int, which: int) -> None:
        coming = self.ends[who].coming
        if coming:
            coming.pop(which % len(coming))

    def repeat(self, who: int, which: int) -> None:
        """A frame arrives, and will arrive again."""
        coming = self.ends[who].coming
        if coming and len(coming) < LINE_MAX:
            coming.append(coming[which % len(coming)])

    def garble(self, who: int, which: int, at: int, piece: bytes) -> None:
        """Put other bytes into a frame."""
        coming = self.ends[who].coming
        if coming:
            which %= len(coming)
            frame = coming[which]
            at %= len(frame) + 1
            coming[which] = frame[:at] + piece + frame[at + len(piece) :]

    def invent(self, who: int, frame: bytes) -> None:
        """A frame that nobody sent."""
        self._receive(who, frame)

    def wait(self, seconds: float) -> None:
        """Time passes; both give up on what took too long."""
        self.now += seconds
        for who, end in enumerate(self.ends):
            if not end.closed:
                for event in end.conn.tick(self.now):
                    self._settle(end, event)
                due = end.conn.deadline()
                assert due is None or due > self.now, "it did not give up in time"
                self._carry(who)

    def close(self, who: int) -> None:
        """The line of one end is gone: what has no answer fails now."""
        end = self.ends[who]
        for event in end.conn.close():
            self._settle(end, event)
        end.closed = True
        assert end.unsettled == set(), "a call was forgotten"
        assert end.conn.data_to_send() == []
        assert end.conn.waiting == 0

    # ---- what must hold -------------------------------------------------------------------------

    def _receive(self, who: int, frame: bytes) -> None:
        end = self.ends[who]
        if end.closed:
            return
        event = end.conn.receive(frame, self.now)
        if isinstance(event, Received):
            end.asked.append((event.message_id, event.request))
        self._settle(end, event)
        sent = self._carry(who)
        answers = [kind for kind in sent if kind != _CALL]
        assert len(answers) <= 1, "more than one answer to one frame"
        assert not (answers and isinstance(event, Received)), "answered before it was decided"

    def _settle(self, end: End, event: Event | None) -> None:
        if isinstance(event, Answered | Failed):
            message_id = event.message_id
            assert message_id not in end.settled, "a call was settled twice"
            assert message_id in end.unsettled, "a call that nobody made was settled"
            end.unsettled.remove(message_id)
            end.open.discard(message_id)
            end.settled.add(message_id)

    def _carry(self, who: int) -> list[int]:
        """Put what one end says on the line; the types of its frames."""
        end, other = self.ends[who], self.ends[1 - who]
        kinds = []
        for frame in end.conn.data_to_send():
            said = json.loads(frame)
            kinds.append(self._check(end, said))
            if len(other.coming) < LINE_MAX:
                other.coming.append(frame)
        assert end.conn.waiting == len(end.unsettled), "it counts other calls than were made"
        return kinds

    def _check(self, end: End, said: list[Any]) -> int:
        """Only what the version has, in its form, and one open call at a time."""
        kind: int = said[0]
        assert kind in self._types, "a type that this version does not have"
        assert len(said) == LENGTHS[kind]
        assert isinstance(said[1], str)
        if kind in {_ERROR, _RESULT_ERROR}:
            assert said[2] in self._words, "no word of this version"
            assert len(said[3]) <= 255
            assert isinstance(said[4], dict)
        if kind == _CALL:
            assert end.open == set(), "a second call while one is open"
            assert said[1] in end.unsettled
            end.open.add(said[1])
        return kind
