"""What a station's link asks of whoever holds it: the gateway. Knows no link."""

from collections.abc import Coroutine
from datetime import datetime
from typing import Any, Protocol, TypeVar

from forecourt.domain.rooms import Rooms
from forecourt.edge.ocpp.quirks import QuirkDesk
from forecourt.edge.ocpp.watch import Watch
from forecourt.edge.ocpp.wire import Budget, Counts
from forecourt.infra.commit import Changes, Done

Link_contra = TypeVar("Link_contra", contravariant=True)
"""The link."""


class House(Protocol[Link_contra]):
    """What the gateway does for its links."""

    rooms: Rooms
    budget: Budget
    counts: Counts
    heartbeat_s: int
    quirks: QuirkDesk
    watch: Watch
    beat_s: float
    """The monotonic clock as of the last sweep: near enough for time-outs, and free."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    def submit(self, changes: Changes, done: Done) -> None: ...

    def offer(self, changes: Changes) -> bool: ...

    def spawn(self, work: Coroutine[Any, Any, None]) -> None: ...

    def reload(self, link: Link_contra) -> None: ...

    def calling(self, link: Link_contra) -> None: ...

    def next_request_id(self) -> int: ...

    def identify(self, link: Link_contra) -> None: ...
