"""Slows down whoever guesses: after a few failures each try must wait longer. Knows no route."""

import math
from collections import OrderedDict
from typing import ClassVar, Final

from forecourt.base.errors import ForecourtError, Kind

FREE: Final = 5
"""Failures that cost nothing: people mistype."""
WAIT_FIRST_S: Final = 1.0
WAIT_MAX_S: Final = 900.0
KEPT_MAX: Final = 10_000


class LoginThrottled(ForecourtError):
    """Too many wrong passwords for this address, or from it."""

    kind: ClassVar[Kind] = Kind.LIMITED
    code: ClassVar[str] = "login.throttled"


class Throttle:
    """Counts failures by name, for a bounded number of names. One owner, so it may change."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()
        """How often, and until when the next try must wait."""

    def check(self, names: tuple[str, ...], now_s: float) -> None:
        """Raises LoginThrottled while one of ``names`` must wait."""
        wait_s = max(self._failed.get(name, (0, 0.0))[1] - now_s for name in names)
        if wait_s > 0:
            later_s = math.ceil(wait_s)
            raise LoginThrottled(
                f"too many failures: try again in {later_s} s", retry_after_s=later_s
            )

    def failed(self, names: tuple[str, ...], now_s: float) -> None:
        """Another one: the wait doubles."""
        for name in names:
            count = self._failed.pop(name, (0, 0.0))[0] + 1
            over = count - FREE
            wait_s = min(WAIT_FIRST_S * 2.0 ** min(over, 30), WAIT_MAX_S) if over >= 0 else 0.0
            self._failed[name] = (count, now_s + wait_s)
            if len(self._failed) > KEPT_MAX:
                self._failed.popitem(last=False)

    def passed(self, names: tuple[str, ...]) -> None:
        """Right after all: forget."""
        for name in names:
            self._failed.pop(name, None)
