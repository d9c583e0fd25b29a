"""A plain limit as a charging profile: which purpose, which unit, and where it stands in the stack.

Knows no version; each turns the profile into its own words.
"""

import math
from datetime import timedelta
from typing import Final

import msgspec

from forecourt.domain.stations import (
    ChargingProfile,
    ChargingSchedule,
    Purpose,
    RateUnit,
    SchedulePeriod,
    SetLimit,
)
from forecourt.edge.ocpp.asks.table import Facts

# The numbers of profiles that a limit makes, so that a new one takes the old one's place.
PROFILE_OF_EVSE: Final = 1_000_000
PROFILE_OF_SESSION: Final = 1_010_001
# A schedule that began a day ago holds also where the station's clock is behind.
BEGAN_BEFORE: Final = timedelta(days=1)


def profile_id(command: SetLimit) -> int:
    """The number of the profile that holds this limit."""
    base = PROFILE_OF_EVSE if command.transaction is None else PROFILE_OF_SESSION
    return base + command.evse


def lifts(command: SetLimit) -> bool:
    """Whether the limit is to end."""
    return command.limit_w is None and command.limit_a is None


def limit(
    command: SetLimit, units: frozenset[str], stack_level: int | None, facts: Facts
) -> ChargingProfile:
    """The profile; ``units`` are those that the station takes, none means that it did not say.

    Raises ValidationError where the limit contradicts itself.
    """
    if command.limit_w is not None and command.limit_a is not None:
        raise msgspec.ValidationError("a limit is in W or in A, not in both")
    purpose: Purpose = (
        "tx" if command.transaction else "tx_default" if command.evse else "station_max"
    )
    if purpose == "tx" and not command.evse:
        raise msgspec.ValidationError("name the EVSE of the session as well")
    unit, value = _in_unit(command, units)
    absolute = purpose == "station_max" or command.duration_s is not None
    begins = facts.now if command.duration_s is not None else facts.now - BEGAN_BEFORE
    period = SchedulePeriod(
        start_period=0,
        limit=value,
        number_phases=command.phases if command.phases != 3 else None,  # noqa: PLR2004 (what all assume)
    )
    schedule = ChargingSchedule(
        unit=unit,
        periods=(period,),
        start_at=begins.replace(microsecond=0) if absolute else None,
        duration_s=command.duration_s,
    )
    return ChargingProfile(
        id=profile_id(command),
        purpose=purpose,
        kind="absolute" if absolute else "relative",
        stack_level=stack_level or 0,
        transaction=command.transaction,
        schedules=(schedule,),
    )


def _in_unit(command: SetLimit, units: frozenset[str]) -> tuple[RateUnit, float]:
    """In the unit that was asked for, or in the only one that the station takes, rounded down."""
    phases_v = command.voltage_v * command.phases
    if command.limit_w is not None:
        if "A" in units and "W" not in units:
            return "A", _tenths(command.limit_w / phases_v)
        return "W", _tenths(command.limit_w)
    assert command.limit_a is not None, "a limit that is lifted makes no profile"
    if "W" in units and "A" not in units:
        return "W", _tenths(command.limit_a * phases_v)
    return "A", _tenths(command.limit_a)


def _tenths(value: float) -> float:
    """All versions know one decimal."""
    return math.floor(round(value * 10, 6)) / 10
