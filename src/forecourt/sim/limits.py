"""Charging profiles as a station keeps them, and the limit that follows from them at a moment.

Speaks no version: a voice turns its message into ``Limit`` entries and back. The rules are those
that all versions share: within a purpose the highest stack level that has something to say wins,
and between purposes the lowest limit.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, Literal

from msgspec import Struct

Purpose = Literal["Station", "External", "TxDefault", "Tx"]
Kind = Literal["Absolute", "Relative", "Daily", "Weekly"]

LIMITS_MAX: Final = 30
"""A station has little memory; it refuses the profile after this many."""

_DAY_S: Final = 86_400.0
_PERIOD_S: Final[dict[Kind, float]] = {"Daily": _DAY_S, "Weekly": 7 * _DAY_S}


class Step(Struct, frozen=True):
    """From this second of the schedule on, this much."""

    start_s: float
    limit: float
    phases: int | None = None


class Limit(Struct, frozen=True, kw_only=True):
    """One charging profile."""

    id: int
    purpose: Purpose
    stack: int
    kind: Kind
    unit: Literal["A", "W"]
    evse: int
    """0: the whole station."""
    tx_ref: str | None = None
    valid_from: float | None = None
    valid_to: float | None = None
    start: float | None = None
    duration_s: float | None = None
    steps: tuple[Step, ...]

    def step_at(self, now: float, tx_begun: float | None) -> Step | None:
        """What it says now, or None when it is silent."""
        if (self.valid_from or now) > now or (self.valid_to or now) < now:
            return None
        into_s = self._into_s(now, tx_begun)
        if into_s is None or into_s < 0 or (self.duration_s or into_s) < into_s:
            return None
        said = [step for step in self.steps if step.start_s <= into_s]
        return said[-1] if said else None

    def _into_s(self, now: float, tx_begun: float | None) -> float | None:
        match self.kind:
            case "Absolute":
                return now - (self.start if self.start is not None else now)
            case "Relative":
                return None if tx_begun is None else now - tx_begun
            case "Daily" | "Weekly":
                anchor = self.start if self.start is not None else _midnight(now)
                return (now - anchor) % _PERIOD_S[self.kind]


def _midnight(now: float) -> float:
    moment = datetime.fromtimestamp(now, UTC)
    return moment.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


class Limits:
    """All profiles of one station."""

    __slots__ = ("_limits",)

    def __init__(self) -> None:
        self._limits: list[Limit] = []

    def __iter__(self) -> Iterator[Limit]:
        return iter(self._limits)

    def put(self, limit: Limit) -> bool:
        """Install one; it replaces its id, and its like at the same stack level."""
        same = (limit.purpose, limit.stack, limit.evse)
        kept = [
            old
            for old in self._limits
            if old.id != limit.id and (old.purpose, old.stack, old.evse) != same
        ]
        if len(kept) >= LIMITS_MAX:
            return False
        self._limits = [*kept, limit]
        return True

    def clear(
        self,
        *,
        limit_id: int | None = None,
        purpose: Purpose | None = None,
        stack: int | None = None,
        evse: int | None = None,
    ) -> int:
        """Remove those that match everything that was named; returns how many."""
        before = len(self._limits)
        self._limits = [
            limit
            for limit in self._limits
            if not (
                limit_id in (None, limit.id)
                and purpose in (None, limit.purpose)
                and stack in (None, limit.stack)
                and evse in (None, limit.evse)
            )
        ]
        return before - len(self._limits)

    def forget_tx(self, tx_ref: str, evse: int) -> None:
        """A transaction's own profiles end with it."""
        self._limits = [
            limit
            for limit in self._limits
            if limit.purpose != "Tx" or (limit.tx_ref != tx_ref and limit.evse != evse)
        ]

    def limit_w(
        self, evse: int, *, now: float, tx_begun: float | None, volts: float, phases: int
    ) -> float | None:
        """The lowest of what the purposes allow here and now; None when nothing is limited."""
        best: dict[Purpose, tuple[tuple[int, int], float]] = {}
        for limit in self._limits:
            if limit.evse not in (0, evse):
                continue
            step = limit.step_at(now, tx_begun)
            if step is None:
                continue
            watts = step.limit
            if limit.unit == "A":
                watts *= volts * min(step.phases or phases, phases)
            rank = (limit.stack, limit.evse)  # The outlet's own profile beats the station's.
            if limit.purpose not in best or best[limit.purpose][0] < rank:
                best[limit.purpose] = (rank, watts)
        if "Tx" in best:
            best.pop("TxDefault", None)
        return min((watts for _, watts in best.values()), default=None)
