"""Log-ins that failed: who must wait before the next one. A clock comes in; knows no socket.

Three counts are kept, since each alone can be got round: of one address for one station, of one
station from wherever, and of one address for whomever. A station that came in from an address
before is held by the first alone there: nobody locks it out by knocking in its name from elsewhere,
and neighbours behind one router do not lock each other out.
"""

from collections import OrderedDict
from typing import Final

from msgspec import Struct

WINDOW_S: Final = 60.0
PAIR_FREE: Final = 10
STATION_FREE: Final = 20
ADDRESS_FREE: Final = 100
HOLD_FIRST_S: Final = 2.0
HOLD_MAX_S: Final = 60.0
KEPT_MAX: Final = 50_000
TOLD_EVERY_S: Final = 60.0
# Whoever scans identities makes events for each: no more than these a minute, of all stations.
TOLD_PER_MINUTE: Final = 120

Key = tuple[str, str]


class _Tally(Struct):
    since_s: float
    count: int = 0
    held_until_s: float = 0.0


class Attempts:
    """Who failed how often, bounded: the oldest is forgotten first."""

    def __init__(self) -> None:
        self._tallies: OrderedDict[Key, _Tally] = OrderedDict()
        self._homes: OrderedDict[str, str] = OrderedDict()
        """The address that a station last came in from."""
        self._told: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._told_minute = (0.0, 0)

    def wait_s(self, station: str, address: str, now_s: float) -> float:
        """How long this knock must wait; 0 if it need not."""
        held_s = 0.0
        for key, _ in self._keys(station, address):
            tally = self._tallies.get(key)
            if tally is not None:
                held_s = max(held_s, tally.held_until_s - now_s)
        return held_s

    def failed(
        self, station: str, address: str, now_s: float, *, first_is_nothing: bool = False
    ) -> int | None:
        """Count a failure. How many to tell of, or None where it was told of a moment ago.

        ``first_is_nothing``: some ask without a password first, and bring it when they are told.
        """
        first = (station, address) not in self._tallies
        for key, free in self._keys(station, address):
            tally = self._tallies.pop(key, None)
            if tally is None or now_s - max(tally.since_s, tally.held_until_s) > WINDOW_S:
                tally = _Tally(since_s=now_s)
            self._tallies[key] = tally
            tally.count += 1
            if tally.count >= free:
                doubled_s = HOLD_FIRST_S * 2.0 ** min(tally.count - free, 10)
                tally.held_until_s = now_s + min(doubled_s, HOLD_MAX_S)
        while len(self._tallies) > KEPT_MAX:
            self._tallies.popitem(last=False)
        return None if first and first_is_nothing else self._tell(station, now_s)

    def succeeded(self, station: str, address: str) -> None:
        """The station came in from here: it is at home here."""
        self._tallies.pop((station, address), None)
        self._homes.pop(station, None)
        self._homes[station] = address
        if len(self._homes) > KEPT_MAX:
            self._homes.popitem(last=False)

    def _keys(self, station: str, address: str) -> tuple[tuple[Key, int], ...]:
        pair = ((station, address), PAIR_FREE)
        if self._homes.get(station) == address:
            return (pair,)
        return (pair, ((station, ""), STATION_FREE), (("", address), ADDRESS_FREE))

    def _tell(self, station: str, now_s: float) -> int | None:
        since_s, count = self._told.pop(station, (now_s - TOLD_EVERY_S, 0))
        count += 1
        minute_s, told = self._told_minute
        if now_s - minute_s >= TOLD_EVERY_S:
            minute_s, told = now_s, 0
        due = now_s - since_s >= TOLD_EVERY_S and told < TOLD_PER_MINUTE
        self._told[station] = (now_s, 0) if due else (since_s, count)
        self._told_minute = (minute_s, told + 1) if due else (minute_s, told)
        if len(self._told) > KEPT_MAX:
            self._told.popitem(last=False)
        return count if due else None
