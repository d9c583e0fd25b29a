"""Traces: where the time of a message, a command or a request went, in spans.

Sampled first: what is not in the sample costs one decrement and makes nothing. A span is written
down when its work is over, into a queue with an end; what does not fit is dropped and counted. Who
takes the spans away is ``otlp``'s business, and nobody waits for it.

Knows no station and no route.
"""

import math
import re
import secrets
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, TypeAlias

from msgspec import Struct, field

from forecourt.base.clock import unix_ns

# About 4 MiB, and some seconds of a busy gateway that samples one message in a hundred.
WAITING_MAX: Final = 8_192
# How OTLP numbers the kinds of spans.
INTERNAL, SERVER, CLIENT = 1, 2, 3

_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(.*)")
_VERSION, _VERSION_INVALID, _SAMPLED = "00", "ff", 1

Attribute: TypeAlias = str | int | bool


class Place(Struct, frozen=True, gc=False):
    """Where a span is: in which trace, and its own id."""

    trace: bytes
    """16 bytes, never all zero."""
    span: bytes
    """8 bytes, never all zero."""
    sampled: bool = True


class Span(Struct, eq=False):
    """One piece of work, from its beginning to its end."""

    name: str
    kind: int
    place: Place
    start_ns: int
    """Since 1970."""
    end_ns: int = 0
    parent: bytes = b""
    """The id of the span that it is a part of, if any."""
    attributes: dict[str, Attribute] = field(default_factory=dict)
    links: list[Place] = field(default_factory=list)
    """Spans of other traces that it has to do with."""
    error: str = ""
    """What went wrong, if something did."""


class TraceStats:
    """Counters for the metrics page."""

    __slots__ = ("dropped", "sent")

    def __init__(self) -> None:
        self.dropped = self.sent = 0


class Tracing:
    """Chooses what is traced, and keeps the spans until they are taken away. One each process."""

    def __init__(self, ratio: float, *, now_ns: Callable[[], int] = unix_ns) -> None:
        """``ratio``: the share of messages and requests that are traced, above 0 and up to 1."""
        assert 0 < ratio <= 1, "nothing to trace is no tracing"
        self.now_ns = now_ns
        self.stats = TraceStats()
        self.batch: Span | None = None
        """The shared commit that is being made or told."""
        self._ratio = ratio
        self._random = secrets.SystemRandom()
        self._left = self._gap()
        self._waiting: deque[Span] = deque()

    def due(self) -> bool:
        """Whether this one is in the sample. One decrement for those that are not."""
        self._left -= 1
        if self._left:
            return False
        self._left = self._gap()
        return True

    def _gap(self) -> int:
        """How far the next one is, if each is chosen with the same chance: geometric."""
        if self._ratio == 1:
            return 1
        return 1 + int(math.log(1 - self._random.random()) / math.log(1 - self._ratio))

    # ---- spans --------------------------------------------------------------------------------

    def begin(
        self, name: str, kind: int = INTERNAL, *, parent: Place | None = None, start_ns: int = 0
    ) -> Span:
        """A span that begins now, or began at ``start_ns``; without a parent, a new trace."""
        span_id = secrets.token_bytes(8)
        if parent is None:
            place, above = Place(secrets.token_bytes(16), span_id), b""
        else:
            place, above = Place(parent.trace, span_id), parent.span
        return Span(name, kind, place, start_ns or self.now_ns(), parent=above)

    def part(self, whole: Span, name: str, start_ns: int, end_ns: int) -> Span:
        """A part of something, that is over."""
        span = self.begin(name, parent=whole.place, start_ns=start_ns)
        self.end(span, end_ns)
        return span

    def end(self, span: Span, end_ns: int = 0) -> None:
        """It is over: now, or since ``end_ns``. Dropped if too many wait already."""
        span.end_ns = end_ns or self.now_ns()
        if len(self._waiting) < WAITING_MAX:
            self._waiting.append(span)
        else:
            self.stats.dropped += 1

    # ---- the shared commit --------------------------------------------------------------------

    def batch_begins(self) -> None:
        """A shared transaction begins; it is told if a message in it is traced."""
        self.batch = self.begin("commit batch")

    def batch_ends(self, messages: int, rows: int) -> None:
        """It is over, and those whose messages were in it have been told."""
        batch, self.batch = self.batch, None
        if batch is not None and batch.links:
            batch.attributes.update({"commit.messages": messages, "commit.rows": rows})
            self.end(batch)

    # ---- taking them away ---------------------------------------------------------------------

    def __len__(self) -> int:
        """Spans that wait."""
        return len(self._waiting)

    def take(self, most: int) -> list[Span]:
        """The oldest of them; they are the caller's now."""
        return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]


# ---- what this task works for -------------------------------------------------------------------

_current: Final[ContextVar[Span | None]] = ContextVar("forecourt_span", default=None)


def current() -> Span | None:
    """The traced work that this task does a part of, if any."""
    return _current.get()


@contextmanager
def within(span: Span) -> Generator[None]:
    """What happens in here is a part of ``span``."""
    token = _current.set(span)
    try:
        yield
    finally:
        _current.reset(token)


# ---- names of traces (W3C Trace Context) --------------------------------------------------------


def parent_of(traceparent: str | None) -> Place | None:
    """Where a caller says that its request comes from; None for what is no ``traceparent``."""
    found = None if traceparent is None else _TRACEPARENT.fullmatch(traceparent.strip())
    if found is None:
        return None
    version, trace, span, flags, more = found.groups()
    # A later version may say more, behind a dash (section 4.3).
    well = not more if version == _VERSION else not more or more.startswith("-")
    if version == _VERSION_INVALID or not well or not int(trace, 16) or not int(span, 16):
        return None
    return Place(bytes.fromhex(trace), bytes.fromhex(span), bool(int(flags, 16) & _SAMPLED))


def new_trace() -> str:
    """The name of a trace that begins here: 32 hexadecimal digits."""
    return secrets.token_hex(16)
