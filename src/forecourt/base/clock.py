"""The only place that may ask the machine for the time."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """A source of wall-clock time, always in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that moves only when somebody moves it: the tests' twin of SystemClock."""

    def __init__(self, start: datetime) -> None:
        assert start.tzinfo is not None, "a clock is never naive"
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        assert seconds >= 0, "time does not go back"
        self._now += timedelta(seconds=seconds)


def unix_ns() -> int:
    """Now, in nanoseconds since 1970: for spans alone, which say how long something took."""
    return time.time_ns()
