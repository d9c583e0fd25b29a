"""A heap of things to do, ordered by time. It does not know what time it is until somebody says.

The simulator has two: the world's (physics and drivers, which ``--speed`` hurries) and the wire's
(time-outs and reconnections, always in real seconds). One heap serves thousands of stations.
"""

import heapq
from collections.abc import Callable


class Timer:
    """Something that will be done, unless it is cancelled."""

    __slots__ = ("_do", "due")

    def __init__(self, due: float, do: Callable[[], object]) -> None:
        self.due = due
        self._do: Callable[[], object] | None = do

    def cancel(self) -> None:
        # The heap's entry stays until it is due; what it would have done is freed now.
        self._do = None

    def fire(self) -> None:
        do, self._do = self._do, None
        if do is not None:
            do()


class Timeline:
    """Time that others move. Everything due happens at its own moment, in order."""

    def __init__(self, start_s: float = 0.0) -> None:
        self.now = start_s
        self._heap: list[tuple[float, int, Timer]] = []
        self._serial = 0

    def at(self, due: float, do: Callable[[], object]) -> Timer:
        timer = Timer(max(due, self.now), do)
        self._serial += 1
        heapq.heappush(self._heap, (timer.due, self._serial, timer))
        return timer

    def after(self, delay_s: float, do: Callable[[], object]) -> Timer:
        return self.at(self.now + delay_s, do)

    def advance(self, to_s: float) -> None:
        """Move time forward, never back; what is due is done at the moment it was due."""
        heap = self._heap
        while heap and heap[0][0] <= to_s:
            due, _, timer = heapq.heappop(heap)
            self.now = max(self.now, due)
            timer.fire()
        self.now = max(self.now, to_s)

    def __len__(self) -> int:
        return len(self._heap)
