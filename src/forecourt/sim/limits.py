"""Charging profiles as a station keeps them, and what follows from them at a moment.

Speaks no version: a voice turns its message into ``Limit`` entries and back. The rules are those
that all versions share: within a purpose the highest stack level that has something to say wins,
a transaction's own profile stands in for the default one, and between purposes the lowest limit
wins; what is generated on site comes on top of what the grid gives.
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

Purpose = Literal["Station", "External", "TxDefault", "Tx", "Priority", "LocalGeneration"]
Kind = Literal["Absolute", "Relative", "Daily", "Weekly", "Dynamic"]
Unit = Literal["A", "W"]

LIMITS_MAX: Final = 30
"""A station has little memory; it refuses the profile after this many."""
STACK_MAX: Final = 9
PERIODS_MAX: Final = 96

_DAY_S: Final = 86_400.0
_PERIOD_S: Final[dict[Kind, float]] = {"Daily": _DAY_S, "Weekly": 7 * _DAY_S}
_WHOLE: Final[frozenset[Purpose]] = frozenset({"Station", "External", "LocalGeneration"})
"""For EVSE 0 these are about what the whole station takes; the others about each outlet."""


class Step(Struct, frozen=True):
    """From this second of the schedule on, this much; in the unit of the profile."""

    start_s: float
    limit: float | None
    phases: int | None = None
    setpoint: float | None = None
    """What is to flow, negative for out of the car."""
    discharge: float | None = None
    """How much may flow out, as a negative number."""
    mode: str | None = None
    baseline: float = 0.0
    signal_curve: tuple[tuple[float, float], ...] = ()
    """(signal, W): what to do about a frequency restoration signal."""


class Limit(Struct, frozen=True, kw_only=True):
    """One charging profile."""

    id: int
    purpose: Purpose
    stack: int
    kind: Kind
    unit: Unit
    evse: int
    """0: the whole station."""
    tx_ref: str | None = None
    valid_from: float | None = None
    valid_to: float | None = None
    start: float | None = None
    duration_s: float | None = None
    steps: tuple[Step, ...]
    source: str = "CSO"
    raw: object = None
    """The version's own message, for those who want it back."""

    def step_at(self, now: float, tx_begun: float | None) -> Step | None:
        """What it says now, or None when it is silent."""
        if self.valid_from is not None and now < self.valid_from:
            return None
        if self.valid_to is not None and now >= self.valid_to:
            return None
        into_s = self._into_s(now, tx_begun)
        if into_s is None or into_s < 0:
            return None
        if self.duration_s is not None and into_s >= self.duration_s:
            return None
        said = [step for step in self.steps if step.start_s <= into_s]
        return said[-1] if said else None

    def changes(self, now: float, until: float, tx_begun: float | None) -> Iterator[float]:
        """Every moment after ``now`` and before ``until`` at which it may say something else."""
        marks = {step.start_s for step in self.steps}
        if self.duration_s is not None:
            marks.add(self.duration_s)
        into_s = self._into_s(now, tx_begun)
        moments = {at for at in (self.valid_from, self.valid_to) if at is not None}
        if into_s is not None:
            begun = now - into_s
            period_s = _PERIOD_S.get(self.kind)
            rounds = 1 if period_s is None else int((until - begun) // period_s) + 1
            for n in range(rounds):
                begins = begun + n * (period_s or 0.0)
                moments.add(begins)
                moments.update(begins + mark for mark in marks)
        return (at for at in moments if now < at < until)

    def _into_s(self, now: float, tx_begun: float | None) -> float | None:
        match self.kind:
            case "Absolute" | "Dynamic":
                return now - self.start if self.start is not None else 0.0
            case "Relative":
                return None if tx_begun is None else now - tx_begun
            case "Daily" | "Weekly":
                anchor = self.start if self.start is not None else _midnight(now)
                return (now - anchor) % _PERIOD_S[self.kind]


class Setting(Struct, frozen=True, kw_only=True):
    """What the profiles together say of an outlet at a moment. None: they say nothing."""

    limit_w: float | None = None
    setpoint_w: float | None = None
    discharge_w: float = 0.0
    """How much may flow out, as a negative number."""
    mode: str | None = None


class Place(Struct, frozen=True, kw_only=True):
    """What the numbers of a profile are to be understood by."""

    evse: int
    tx_begun: float | None
    volts: float
    phases: int
    sharers: int = 1
    """How many outlets give power, to share what the whole station may take."""
    priority: bool = False
    """Whether this transaction charges with priority."""


def _midnight(now: float) -> float:
    moment = datetime.fromtimestamp(now, UTC)
    return moment.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


class Limits:
    """All profiles of one station."""

    __slots__ = ("_limits", "discharge_pct", "signal")

    def __init__(self) -> None:
        self._limits: tuple[Limit, ...] = ()
        self.discharge_pct: float | None = None
        """What the grid lets an outlet give, of what it could; None: all."""
        self.signal: float | None = None
        """The last frequency restoration signal."""

    def __iter__(self) -> Iterator[Limit]:
        return iter(self._limits)

    def __len__(self) -> int:
        return len(self._limits)

    def rival(self, limit: Limit) -> Limit | None:
        """Another profile at the same place and stack level, valid at the same time (2.x)."""
        begin, end = _validity(limit)
        for old in self._limits:
            old_begin, old_end = _validity(old)
            together = begin < old_end and old_begin < end
            if old.id != limit.id and _same_place(old, limit) and together:
                return old
        return None

    def put(self, limit: Limit, *, replaces_like: bool = True) -> bool:
        """Install one; it replaces its id.

        ``replaces_like``: and what stands at the same place and stack level, as in 1.6 (3.13.2).
        """
        kept = tuple(
            old
            for old in self._limits
            if old.id != limit.id and not (replaces_like and _same_place(old, limit))
        )
        if len(kept) >= LIMITS_MAX:
            return False
        self._limits = (*kept, limit)
        return True

    def find(self, limit_id: int) -> Limit | None:
        return next((limit for limit in self._limits if limit.id == limit_id), None)

    def bend(self, limit_id: int, step: Step) -> bool:
        """Give a dynamic profile another step; False when there is no such profile."""
        old = self.find(limit_id)
        if old is None or old.kind != "Dynamic":
            return False
        self._limits = tuple(
            replace(one, steps=(step,)) if one is old else one for one in self._limits
        )
        return True

    def clear(
        self,
        *,
        limit_id: int | None = None,
        purpose: Purpose | None = None,
        stack: int | None = None,
        evse: int | None = None,
    ) -> int:
        """Remove those that match everything that was named; returns how many.

        What an external system set is not the central system's to clear.
        """
        before = len(self._limits)
        self._limits = tuple(
            limit
            for limit in self._limits
            if limit.purpose == "External"
            or not (
                limit_id in (None, limit.id)
                and purpose in (None, limit.purpose)
                and stack in (None, limit.stack)
                and evse in (None, limit.evse)
            )
        )
        return before - len(self._limits)

    def release(self, source: str) -> int:
        """An external system lets go of what it set."""
        before = len(self._limits)
        self._limits = tuple(limit for limit in self._limits if limit.source != source)
        return before - len(self._limits)

    def adopt(self, evse: int, tx_ref: str) -> None:
        """The profiles that came with a remote start belong to its transaction from now on."""
        self._limits = tuple(
            replace(limit, tx_ref=tx_ref)
            if limit.purpose == "Tx" and limit.evse == evse and limit.tx_ref is None
            else limit
            for limit in self._limits
        )

    def forget_tx(self, tx_ref: str, evse: int) -> None:
        """A transaction's own profiles end with it."""
        if self._limits:
            self._limits = tuple(
                limit
                for limit in self._limits
                if limit.purpose != "Tx" or (limit.tx_ref != tx_ref and limit.evse != evse)
            )

    def forget_all(self, purpose: Purpose) -> None:
        """After a power cycle, or when what set them is gone."""
        self._limits = tuple(limit for limit in self._limits if limit.purpose != purpose)

    def setting(self, now: float, place: Place) -> Setting:
        """What the purposes together allow and want, here and now."""
        if not self._limits:
            return _NOTHING_SAID
        said = self._leading(now, place)
        if place.priority and "Priority" in said:
            said.pop("Tx", None)
            said.pop("TxDefault", None)
        else:
            said.pop("Priority", None)
        if "Tx" in said:
            said.pop("TxDefault", None)
        grid_w: float | None = None
        limit_w: float | None = None
        for purpose, (limit, step) in said.items():
            watts = _watts(limit, step, step.limit, place)
            if watts is None or purpose == "LocalGeneration":
                continue
            if purpose in _WHOLE:
                grid_w = watts if grid_w is None else min(grid_w, watts)
            else:
                limit_w = watts if limit_w is None else min(limit_w, watts)
        if grid_w is not None:
            if "LocalGeneration" in said:
                limit, step = said["LocalGeneration"]
                grid_w += _watts(limit, step, step.limit, place) or 0.0
            limit_w = grid_w if limit_w is None else min(limit_w, grid_w)
        return self._with_flow(said, limit_w, place)

    def _with_flow(
        self, said: "dict[Purpose, tuple[Limit, Step]]", limit_w: float | None, place: Place
    ) -> Setting:
        """Set-points and discharging come from the profile that rules the transaction."""
        ruling = said.get("Priority") or said.get("Tx") or said.get("TxDefault")
        if ruling is None:
            return Setting(limit_w=limit_w)
        limit, step = ruling
        setpoint_w = _watts(limit, step, step.setpoint, place)
        if step.signal_curve and self.signal is not None:
            setpoint_w = step.baseline + _along(step.signal_curve, self.signal)
        discharge_w = _watts(limit, step, step.discharge, place)
        if discharge_w is None:
            # Without a limit of its own, a set-point out of the car is its own permission.
            discharge_w = min(setpoint_w or 0.0, 0.0)
        return Setting(
            limit_w=limit_w, setpoint_w=setpoint_w, discharge_w=discharge_w, mode=step.mode
        )

    def _leading(self, now: float, place: Place) -> "dict[Purpose, tuple[Limit, Step]]":
        ranks: dict[Purpose, tuple[int, int]] = {}
        best: dict[Purpose, tuple[Limit, Step]] = {}
        for limit in self._limits:
            if limit.evse not in (0, place.evse):
                continue
            step = limit.step_at(now, place.tx_begun)
            if step is None:
                continue
            rank = (limit.stack, limit.evse)  # The outlet's own profile beats the station's.
            if limit.purpose not in best or ranks[limit.purpose] < rank:
                ranks[limit.purpose], best[limit.purpose] = rank, (limit, step)
        return best

    def changes(self, now: float, until: float, place: Place) -> list[float]:
        """The moments at which ``setting`` may change, in order."""
        moments: set[float] = set()
        for limit in self._limits:
            if limit.evse in (0, place.evse):
                moments.update(limit.changes(now, until, place.tx_begun))
        return sorted(moments)


_NOTHING_SAID: Final = Setting()


def _validity(limit: Limit) -> tuple[float, float]:
    begin = -math.inf if limit.valid_from is None else limit.valid_from
    return begin, math.inf if limit.valid_to is None else limit.valid_to


def _same_place(one: Limit, other: Limit) -> bool:
    mine = (one.purpose, one.stack, one.evse, one.source)
    return mine == (other.purpose, other.stack, other.evse, other.source)


def _watts(limit: Limit, step: Step, number: float | None, place: Place) -> float | None:
    if number is None:
        return None
    if limit.unit == "A":
        number *= place.volts * min(step.phases or place.phases, place.phases)
    if limit.evse == 0 and place.evse != 0 and limit.purpose in _WHOLE:
        number /= max(1, place.sharers)
    return number


def _along(curve: tuple[tuple[float, float], ...], x: float) -> float:
    """Straight lines between the points, level outside of them."""
    points = sorted(curve)
    if x <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in pairwise(points):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return points[-1][1]
