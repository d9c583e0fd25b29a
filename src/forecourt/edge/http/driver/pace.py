"""How often one address may ask: a bucket each, and a bounded number of them. Knows no route."""

from collections import OrderedDict
from typing import ClassVar, Final

from forecourt.base.errors import ForecourtError, Kind

PER_SECOND: Final = 1.0
BURST: Final = 40.0
KEPT_MAX: Final = 20_000


class PaceExceeded(ForecourtError):
    """Somebody asks too often."""

    kind: ClassVar[Kind] = Kind.LIMITED
    code: ClassVar[str] = "driver.too_often"


class Pace:
    """Counts what each address asks. One owner, so it may change."""

    def __init__(self) -> None:
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """How much is spent, and when that was true."""

    def spend(self, name: str, now_s: float, cost: float = 1.0) -> None:
        """Raises PaceExceeded for a name that has spent too much."""
        spent, at_s = self._spent.pop(name, (0.0, now_s))
        spent = max(0.0, spent - (now_s - at_s) * PER_SECOND)
        if spent + cost > BURST:
            self._spent[name] = (spent, now_s)
            raise PaceExceeded("too many requests")
        self._spent[name] = (spent + cost, now_s)
        if len(self._spent) > KEPT_MAX:
            self._spent.popitem(last=False)
