"""When stations send, and which stretch of it is measured: the clockwork of the load client.

Time comes in as an argument; nothing here reads a clock, sends or receives.
"""

import random
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from forecourt.cli.bench.station import Station

Window = Callable[[bool], None]
"""Told True when the measured window opens and False when it closes."""


class Pace(Protocol):
    """Who sends when. Times are what the message was *meant* to leave at."""

    @property
    def poll_s(self) -> float:
        """How long the client may sleep; zero where it must not oversleep a message."""
        ...

    @property
    def lag_s(self) -> Sequence[float]:
        """How late each message left that nothing but the client held up."""
        ...

    def due(self, now: float) -> Iterable[tuple[Station, float]]:
        """The idle stations whose moment has come, and that moment."""
        ...

    def after(self, station: Station, now: float) -> float | None:
        """The station was answered: the moment of its next message if that has come already."""
        ...


class Eager:
    """Closed loop: the next message leaves when the last one is answered."""

    poll_s = 0.2
    lag_s: Sequence[float] = ()

    def __init__(self, stations: Sequence[Station]) -> None:
        self._first = list(stations)

    def due(self, now: float) -> Iterable[tuple[Station, float]]:
        first, self._first = self._first, []
        return [(station, now) for station in first]

    def after(self, station: Station, now: float) -> float | None:
        return now


class Timed:
    """Open loop: messages arrive by the clock, at random (Poisson), whatever the server does.

    A message whose station still waits for an answer queues, and its latency counts from the moment
    it was meant to leave: a stalled server cannot hide behind the messages that it held up.
    """

    poll_s = 0.0

    def __init__(
        self, stations: Sequence[Station], *, per_s: float, for_s: float, begin: float, seed: int
    ) -> None:
        chance = random.Random(seed)  # noqa: S311  # a load pattern, no secret
        self._order = list(stations)
        chance.shuffle(self._order)
        self._moments = array("d")
        at = begin
        while at < begin + for_s:
            at += chance.expovariate(per_s)
            self._moments.append(at)
        self._next = 0
        self.lag_s: array[float] = array("d")

    def due(self, now: float) -> Iterable[tuple[Station, float]]:
        ready = []
        moments, order, k = self._moments, self._order, self._next
        while k < len(moments) and moments[k] <= now:
            station = order[k % len(order)]
            if station.open:
                station.waiting.append(moments[k])
            else:
                # Claimed here, so that two moments in one turn cannot both send.
                station.open = True
                ready.append((station, moments[k]))
                self.lag_s.append(now - moments[k])
            k += 1
        self._next = k
        return ready

    def after(self, station: Station, now: float) -> float | None:
        return station.waiting.popleft() if station.waiting else None


class Gauge:
    """Opens the measured window after the warm-up and closes it on time."""

    def __init__(self, *, begin: float, warm_s: float, window_s: float, window: Window) -> None:
        self._opens_at = begin + warm_s
        self._window_s = window_s
        self._window = window
        self._opened_at: float | None = None
        self.answered = self.in_window = 0
        self.took_s = 0.0
        self.latency_s: array[float] = array("d")

    def over(self, now: float) -> bool:
        """Look at the time; True when the window has closed."""
        if self._opened_at is None:
            if now < self._opens_at:
                return False
            self._opened_at = now
            self.answered += len(self.latency_s)
            self.latency_s = array("d")
            self._window(True)
            return False
        if now < self._opened_at + self._window_s:
            return False
        self.took_s = now - self._opened_at
        self.in_window = len(self.latency_s)
        self.answered += self.in_window
        self._window(False)
        return True


def percentile(sample: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: a value that was really measured. Of nothing: not a number."""
    if not sample:
        return float("nan")
    ordered = sorted(sample)
    rank = max(1, -(-len(ordered) * round(share * 10_000) // 10_000))
    return ordered[min(rank, len(ordered)) - 1]
