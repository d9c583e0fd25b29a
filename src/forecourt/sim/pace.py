"""How fast the world's time runs beside the wire's.

Timestamps on the wire are the world's time, so that energy, power and duration agree with each
other at any speed. A central system must not see tomorrow, though: a hurried world therefore starts
in the past and, once it has caught up with the present, goes on at the present's own speed. Whoever
wants the future (and has a central system that bears it) says so.
"""

from typing import Final

LEAD_S: Final = 86_400.0
"""How far back a hurried world starts when nothing else is said."""


class Pace:
    """World time, as a function of how many real seconds have passed."""

    def __init__(
        self,
        *,
        speed: float,
        present: float,
        start: float | None = None,
        duration_s: float | None = None,
        ahead: bool = False,
    ) -> None:
        assert speed > 0, "time goes forward"
        self._speed = speed
        self._present = present
        self._ahead = ahead
        if start is not None:
            self._start = start
        elif speed <= 1 or ahead:
            self._start = present
        elif duration_s is not None:
            # The run ends when world and present meet.
            self._start = present - duration_s * (speed - 1)
        else:
            self._start = present - LEAD_S
        if self._start > present:
            self._ahead = True

    @property
    def start(self) -> float:
        return self._start

    def world(self, elapsed_s: float) -> float:
        hurried = self._start + elapsed_s * self._speed
        return hurried if self._ahead else min(hurried, self._present + elapsed_s)
