"""The OCPP-J conversation: bytes and time in, events and bytes out; the same class for both ends.

Each direction has at most one open call, and neither waits for the other. Must not know sockets,
clocks, rooms, or what any message means.
"""

import re
import secrets
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from forecourt.base.errors import ForecourtError, Kind
from forecourt.protocol.ocpp.dialect import MESSAGE_ID_LENGTH_MAX, Dialect, ErrorReason
from forecourt.protocol.ocpp.events import (
    BAD_ANSWER,
    CONNECTION_LOST,
    TIMEOUT,
    Answered,
    Duplicate,
    Event,
    Failed,
    Late,
    Malformed,
    PeerRefusedAnswer,
    Received,
    Sent,
)
from forecourt.protocol.ocpp.lenient import NUL, Lenient
from forecourt.protocol.ocpp.reading import UNREADABLE, WrongPayload, read_payload
from forecourt.protocol.ocpp.values import JSON, Message

CALL_TIMEOUT_S: Final = 30.0
# A peer that lets this many calls pile up is not listening; refuse, do not grow.
QUEUE_MAX: Final = 64
DESCRIPTION_LENGTH_MAX: Final = 255
# 2.x answers under this id a frame whose own id cannot be read.
NO_ID: Final = "-1"

# A CALL is type, id, action and payload; a CALLRESULT has no action.
_CALL_LENGTH, _ACTION_PLACE, _RESULT_LENGTH = 4, 2, 3
_CALL, _RESULT, _ERROR, _RESULT_ERROR, _SEND = 2, 3, 4, 5, 6

# How nearly every frame begins, up to its action's name: then it is read in one pass. (An escaped
# quote in the id cannot end in these pieces and be JSON.) Anything else takes the longer way.
_CALL_OPENINGS: Final = frozenset({b"[2,", b"[2, "})
_RESULT_OPENINGS: Final = frozenset({b"[3,", b"[3, "})
_COMMAS: Final = frozenset({b",", b", "})
_NOT_PLAIN: Final = (*UNREADABLE, IndexError, KeyError)

# The start of a frame that is no JSON: enough to tell the peer which message was broken. An id too
# long is still echoed (the answer must bear "the exact same id"), but not without bound.
_START: Final = re.compile(rb'\s*\[\s*(\d{1,3})\s*,\s*"([^"\\\x00-\x1f]{0,255})"')
_ECHOED_ID_LENGTH_MAX: Final = 255

# Fractions of a second have at most three digits (2.x part 2, dateTime; some 1.6 stations choke on
# more). The dot comes first, because it is rare: the rest is looked at where one was found.
_FINE_MOMENT: Final = re.compile(rb'\.(?<=T\d\d:\d\d:\d\d\.)\d{4,}((?:Z|[+-]\d\d:\d\d)")')


# As numbers: to look for one byte is much cheaper than for bytes of length one.
_BACKSLASH, _DOT = b"\\."

_ABSENT: Final = msgspec.Raw()


class _Elements(Struct, array_like=True, gc=False):
    """A frame's elements; one more than any frame has, and no memory for a million others."""

    kind: msgspec.Raw = _ABSENT
    message_id: msgspec.Raw = _ABSENT
    third: msgspec.Raw = _ABSENT
    fourth: msgspec.Raw = _ABSENT
    fifth: msgspec.Raw = _ABSENT
    sixth: msgspec.Raw = _ABSENT


_FRAME: Final = msgspec.json.Decoder(_Elements)
_ANY: Final = msgspec.json.Decoder()
_ENCODE: Final = msgspec.json.Encoder().encode
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


class LocalProtocolError(ForecourtError):
    """We tried to break the protocol: always our bug."""

    code: ClassVar[str] = "ocpp.local"


class QueueFull(LocalProtocolError):
    """The peer is not answering, and enough calls wait for it already."""

    kind: ClassVar[Kind] = Kind.LIMITED
    code: ClassVar[str] = "ocpp.queue_full"


class _Call(Struct, gc=False):
    """A call of ours, waiting or open."""

    message_id: str
    request: Message
    frame: bytes
    deadline: float = 0.0


class _Exchange(Struct, gc=False):
    """The peer's last call, and our answer once there is one."""

    message_id: str
    request: Message
    answer: bytes | None = None


class Connection:
    """One end of one OCPP-J connection."""

    __slots__ = (
        "_accepts",
        "_call_timeout_s",
        "_closed",
        "_dialect",
        "_frames",
        "_last",
        "_lenient",
        "_open",
        "_out",
        "_prefix",
        "_queue",
        "_queue_max",
        "_remembers",
        "_serial",
    )

    def __init__(
        self,
        dialect: Dialect,
        *,
        accepts: Collection[str] | None = None,
        call_timeout_s: float = CALL_TIMEOUT_S,
        queue_max: int = QUEUE_MAX,
        lenient: Lenient | None = None,
        remembers_answer: bool = False,
        id_prefix: str | None = None,
    ) -> None:
        """``accepts``: actions that the peer may use (None: all), e.g. ``dialect.from_station``.

        ``remembers_answer``: a repeated call gets the answer it had, as a Duplicate.
        ``id_prefix``: of our message ids; 2.x wants them new on every connection of one station.
        """
        self._dialect = dialect
        self._accepts = accepts
        self._call_timeout_s = call_timeout_s
        self._queue_max = queue_max
        self._remembers = remembers_answer
        self._prefix = id_prefix
        self._serial = 0
        self._open: _Call | None = None
        self._queue: deque[_Call] | None = None
        self._last: _Exchange | None = None
        self._out: list[bytes] = []
        self._closed = False
        self.forgive(lenient)

    def forgive(self, lenient: Lenient | None) -> None:
        """From now on read what comes so."""
        self._lenient = lenient
        self._frames = self._dialect.call_frames_of(self._accepts)
        if lenient is not None and lenient.rewrites:
            # What is to be rewritten takes the longer way; nothing else pays for it.
            rewritten = {kind.__name__.encode() for kind in lenient.rewrites}
            self._frames = {a: d for a, d in self._frames.items() if a not in rewritten}

    # --- What comes in ----------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> Event | None:
        """Take one text frame. Never raises for anything that the peer may have sent."""
        if _BACKSLASH in data and NUL.search(data) is not None:
            return self._read(data, now)
        start = data.split(b'"', 4)
        try:
            if start[0] in _CALL_OPENINGS and start[2] in _COMMAS:
                _, message_id, action, request = self._frames[start[3]].decode(data)
                if self._remembers:
                    return self._remember(message_id, action, request, ())
                return Received(message_id, action, request)
            if self._open is not None and start[0] in _RESULT_OPENINGS:
                return self._on_plain_result(self._open, data, now)
        except _NOT_PLAIN:
            # Rare: anything that is not as it mostly is, broken or merely unusual.
            return self._read(data, now)
        return self._read(data, now)

    def _on_plain_result(self, call: _Call, data: bytes, now: float) -> Event:
        decoder = self._dialect.result_frames[type(call.request)]
        _, message_id, response = decoder.decode(data)
        if message_id != call.message_id:
            return Late(message_id)
        self._next(now)
        return Answered(call.request, response, message_id)

    def _read(self, data: bytes, now: float, mended: tuple[str, ...] = ()) -> Event | None:
        """The longer way: every shape, and which rule a broken frame breaks."""
        if self._lenient is not None and self._lenient.ignores(data):
            return None
        try:
            elements = [e for e in astuple(_FRAME.decode(data)) if e is not _ABSENT]
        except UNREADABLE as error:
            repaired = None
            if self._lenient is not None and not mended:
                repaired = self._lenient.mend_text(data)
            if repaired is not None:
                return self._read(repaired[0], now, repaired[1])
            return self._no_json(data, now, _text(error))
        kind = _plain(elements[0]) if elements else None
        message_id = _plain(elements[1]) if len(elements) > 1 else None
        if type(kind) is not int:
            return self._unreadable(None, "no message type")
        if not isinstance(message_id, str) or len(message_id) > _ECHOED_ID_LENGTH_MAX:
            return self._unreadable(kind, "no message id")
        return self._by_type(kind, message_id, elements, now, mended)

    def _by_type(
        self,
        kind: int,
        message_id: str,
        elements: Sequence[msgspec.Raw],
        now: float,
        mended: tuple[str, ...],
    ) -> Event:
        rules = self._dialect.rules
        if kind == _CALL:
            return self._on_call(message_id, elements, mended)
        if kind == _RESULT:
            return self._on_result(message_id, elements, now, mended)
        if kind == _ERROR:
            return self._on_error(message_id, elements, now)
        if kind == _RESULT_ERROR and rules.refuses_answers:
            return PeerRefusedAnswer(message_id, *_error_parts(elements))
        if kind == _SEND and rules.sends:
            return self._on_send(message_id, elements, mended)
        if rules.answers_unknown_types:
            self.refuse(message_id, ErrorReason.MESSAGE_TYPE, f"message type {kind}"[:40])
        return self._malformed(message_id, ErrorReason.MESSAGE_TYPE, f"message type {kind}"[:40])

    def _on_call(
        self, message_id: str, elements: Sequence[msgspec.Raw], mended: tuple[str, ...]
    ) -> Event:
        if len(message_id) > MESSAGE_ID_LENGTH_MAX:
            return self._reject(message_id, None, ErrorReason.RPC_FRAMEWORK, "message id too long")
        action = _plain(elements[2]) if len(elements) > _ACTION_PLACE else None
        if not isinstance(action, str):
            return self._reject(message_id, None, ErrorReason.RPC_FRAMEWORK, "no action")
        try:
            kind = self._request_type(action)
            if len(elements) != _CALL_LENGTH:
                text = f"{len(elements)} elements, not {_CALL_LENGTH}"
                return self._reject(message_id, action, ErrorReason.RPC_FRAMEWORK, text)
            request, repairs = read_payload(self._dialect, kind, elements[3], self._lenient)
        except WrongPayload as wrong:
            return self._reject(message_id, action, wrong.reason, wrong.message)
        return self._remember(message_id, action, request, mended + repairs)

    def _request_type(self, action: str) -> type[Message]:
        kind = self._dialect.requests.get(action)
        if kind is None and action not in self._dialect.sends:
            raise WrongPayload(ErrorReason.NOT_IMPLEMENTED, "unknown action")
        if kind is None or (self._accepts is not None and action not in self._accepts):
            raise WrongPayload(ErrorReason.NOT_SUPPORTED, "not for this end")
        return kind

    def _on_send(
        self, message_id: str, elements: Sequence[msgspec.Raw], mended: tuple[str, ...]
    ) -> Event:
        """The receiver of a SEND never answers it, right or wrong."""
        action = _plain(elements[2]) if len(elements) > _ACTION_PLACE else None
        if not isinstance(action, str) or len(elements) != _CALL_LENGTH:
            return self._malformed(message_id, ErrorReason.RPC_FRAMEWORK, "not a SEND")
        kind = self._dialect.sends.get(action)
        if kind is None or (self._accepts is not None and action not in self._accepts):
            return self._malformed(message_id, ErrorReason.NOT_SUPPORTED, "not a SEND", action)
        try:
            message, repairs = read_payload(self._dialect, kind, elements[3], self._lenient)
        except WrongPayload as wrong:
            return self._malformed(message_id, wrong.reason, wrong.message, action)
        return Sent(action, message, mended + repairs)

    def _on_result(
        self,
        message_id: str,
        elements: Sequence[msgspec.Raw],
        now: float,
        mended: tuple[str, ...],
    ) -> Event:
        call = self._open
        if call is None or call.message_id != message_id:
            return Late(message_id)
        kind = self._dialect.responses[type(call.request).__name__]
        try:
            if len(elements) != _RESULT_LENGTH:
                text = f"{len(elements)} elements, not {_RESULT_LENGTH}"
                return self._bad_answer(call, ErrorReason.FORMAT, text, now)
            response, repairs = read_payload(self._dialect, kind, elements[2], self._lenient)
        except WrongPayload as wrong:
            return self._bad_answer(call, wrong.reason, wrong.message, now)
        self._next(now)
        return Answered(call.request, response, message_id, mended + repairs)

    def _on_error(self, message_id: str, elements: Sequence[msgspec.Raw], now: float) -> Event:
        """An error is never answered, so its parts are taken as they come."""
        call = self._open
        if call is None or call.message_id != message_id:
            return Late(message_id)
        self._next(now)
        return Failed(call.request, *_error_parts(elements), message_id)

    def _bad_answer(self, call: _Call, reason: ErrorReason, text: str, now: float) -> Failed:
        word = self._dialect.word(reason)
        if self._dialect.rules.refuses_answers:
            text = text[:DESCRIPTION_LENGTH_MAX]
            self._out.append(_encode((_RESULT_ERROR, call.message_id, word, text, {})))
        self._next(now)
        return Failed(call.request, BAD_ANSWER, f"{word}: {text}", {}, call.message_id)

    def _no_json(self, data: bytes, now: float, text: str) -> Event:
        """Not JSON at all; the beginning may still tell what it was about."""
        start = _START.match(data)
        if start is None:
            return self._unreadable(None, text)
        kind, message_id = int(start[1]), start[2].decode(errors="replace")
        if kind == _CALL:
            if len(message_id) > MESSAGE_ID_LENGTH_MAX:
                text = "message id too long"
            return self._reject(message_id, None, ErrorReason.FORMAT, text)
        call = self._open
        if call is None or call.message_id != message_id or kind not in {_RESULT, _ERROR}:
            return self._unreadable(kind, text)
        if kind == _RESULT:
            return self._bad_answer(call, ErrorReason.FORMAT, text, now)
        self._next(now)
        return Failed(call.request, BAD_ANSWER, text, {}, message_id)

    def _unreadable(self, kind: int | None, text: str) -> Malformed:
        """No id to answer under. 2.x wants "-1" then (4.2.3); 1.6 has no such answer.

        A broken answer is not answered: two ends that do would never stop.
        """
        if self._dialect.rules.answers_unreadable and kind in {None, _CALL}:
            self.refuse(NO_ID, ErrorReason.RPC_FRAMEWORK, text)
        return self._malformed(None, ErrorReason.RPC_FRAMEWORK, text)

    def _reject(
        self, message_id: str, action: str | None, reason: ErrorReason, text: str
    ) -> Malformed:
        self.refuse(message_id, reason, text)
        return self._malformed(message_id, reason, text, action)

    def _malformed(
        self, message_id: str | None, reason: ErrorReason, text: str, action: str | None = None
    ) -> Malformed:
        # A text of the peer's may be quoted in it, however long that is.
        text = text[:DESCRIPTION_LENGTH_MAX]
        return Malformed(message_id, self._dialect.word(reason), text, action)

    def _remember(
        self, message_id: str, action: str, request: Message, repairs: tuple[str, ...]
    ) -> Event:
        if not self._remembers:
            return Received(message_id, action, request, repairs)
        last = self._last
        # The same id with other content is a station that does not count: its message is new.
        if last is not None and last.message_id == message_id and last.request == request:
            if last.answer is not None:
                self._out.append(last.answer)
            return Duplicate(message_id, action)
        self._last = _Exchange(message_id, request)
        return Received(message_id, action, request, repairs)

    # --- What goes out ----------------------------------------------------------------------------

    def reply(self, message_id: str, response: Message) -> None:
        """Answer a call of the peer's."""
        self._out.append(self.answer(message_id, response))

    def answer(self, message_id: str, response: Message) -> bytes:
        """The frame that answers a call of the peer's, for whoever sends it in his own time."""
        if type(response) not in self._dialect.answers:
            raise LocalProtocolError("no answer of this version", type=type(response).__name__)
        frame = _encode((_RESULT, message_id, response))
        if self._last is not None and self._last.message_id == message_id:
            self._last.answer = frame
        return frame

    def refuse(
        self,
        message_id: str,
        reason: ErrorReason,
        description: str = "",
        details: Mapping[str, JSON] | None = None,
    ) -> None:
        """Answer a call of the peer's with an error. The peer may try again, under the same id."""
        word = self._dialect.word(reason)
        text = description[:DESCRIPTION_LENGTH_MAX]
        self._out.append(_encode((_ERROR, message_id, word, text, details or {})))
        if self._last is not None and self._last.message_id == message_id:
            self._last = None

    def call(self, request: Message, now: float) -> str:
        """Call the peer, or queue the call while another is open. Returns the message id."""
        if self._closed:
            raise LocalProtocolError("the connection is closed")
        if type(request) not in self._dialect.calls:
            raise LocalProtocolError("no request of this version", type=type(request).__name__)
        if self._queue is not None and len(self._queue) >= self._queue_max:
            raise QueueFull("too many calls wait already", waiting=len(self._queue))
        message_id = self._new_id()
        frame = _encode((_CALL, message_id, type(request).__name__, request))
        call = _Call(message_id, request, frame)
        if self._open is None:
            self._start(call, now)
        elif self._queue_max == 0:
            raise QueueFull("a call is open already", waiting=0)
        else:
            self._queue = self._queue if self._queue is not None else deque()
            self._queue.append(call)
        return message_id

    def send(self, message: Message) -> str:
        """Send a message that wants no answer (2.1); it waits for nobody. Returns its id."""
        action = type(message).__name__
        if self._dialect.sends.get(action) is not type(message):
            raise LocalProtocolError("no message to send unanswered", type=action)
        message_id = self._new_id()
        self._out.append(_encode((_SEND, message_id, action, message)))
        return message_id

    def data_to_send(self) -> list[bytes]:
        """The frames that wait, in order; they are the caller's now."""
        waiting, self._out = self._out, []
        return waiting

    # --- Time and the end -------------------------------------------------------------------------

    def deadline(self) -> float | None:
        """When to call tick() next, if at all."""
        return None if self._open is None else self._open.deadline

    def tick(self, now: float) -> list[Event]:
        """Give up on the open call if its time is over, and start the next."""
        call = self._open
        if call is None or now < call.deadline:
            return []
        self._next(now)
        return [Failed(call.request, TIMEOUT, "", {}, call.message_id)]

    def close(self) -> list[Failed]:
        """The connection is lost: every call that has no answer fails."""
        calls = ([] if self._open is None else [self._open]) + list(self._queue or ())
        self._closed = True
        self._open = self._queue = self._last = None
        self._out = []
        return [Failed(c.request, CONNECTION_LOST, "", {}, c.message_id) for c in calls]

    @property
    def open_id(self) -> str | None:
        """The message id of the call of ours that is on the wire, if one is."""
        return None if self._open is None else self._open.message_id

    @property
    def waiting(self) -> int:
        """Calls of ours without an answer, the open one included."""
        return (self._open is not None) + len(self._queue or ())

    def _start(self, call: _Call, now: float) -> None:
        call.deadline = now + self._call_timeout_s
        self._open = call
        self._out.append(call.frame)

    def _next(self, now: float) -> None:
        self._open = None
        if self._queue:
            self._start(self._queue.popleft(), now)
            self._queue = self._queue or None

    def _new_id(self) -> str:
        if self._prefix is None:
            self._prefix = secrets.token_hex(5)
        self._serial += 1
        number, digits = self._serial, ""
        while number:
            number, digit = divmod(number, 36)
            digits = _DIGITS[digit] + digits
        return f"{self._prefix}-{digits}"


def _encode(frame: tuple[Any, ...]) -> bytes:
    try:
        data = _ENCODE(frame)
    except (TypeError, ValueError) as error:
        raise LocalProtocolError("not to be put in JSON", error=str(error)) from error
    return _in_whole_ms(data) if _DOT in data else data


def _in_whole_ms(data: bytes) -> bytes:
    kept, start = b"", 0
    while (found := _FINE_MOMENT.search(data, start)) is not None:
        kept += data[start : found.start() + 4]
        start = found.start(1)
    return kept + data[start:]


def _plain(raw: msgspec.Raw) -> JSON:
    """A frame's element as a plain value; None where it cannot be read."""
    try:
        return _ANY.decode(raw)
    except UNREADABLE:
        return None


def _text(error: Exception) -> str:
    return str(error)[:DESCRIPTION_LENGTH_MAX]


def _error_parts(elements: Sequence[msgspec.Raw]) -> tuple[str, str, Mapping[str, JSON]]:
    """Code, description, details, whatever stands there."""
    code, description, details = (
        _plain(e) for e in (*elements[2:5], *[msgspec.Raw(b"null")] * 3)[:3]
    )
    return (
        code if isinstance(code, str) else "",
        description if isinstance(description, str) else "",
        details if isinstance(details, dict) else {},
    )
