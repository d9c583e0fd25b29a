"""Pure decisions: what a dynamic profile's update says, and which alarm the grid raises."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from forecourt.domain.energy.model import GridAlarm, Needs
from forecourt.domain.monitoring import Alarm, AlarmSource
from forecourt.domain.stations import ChargingProfile, ChargingSchedule, RateUnit, SchedulePeriod

# What a set-point of a dynamic profile may consist of (2.1); all in the profile's own unit.
DYNAMIC: Final = tuple(
    f"{what}{phase}"
    for what in ("limit", "discharge_limit", "setpoint", "setpoint_reactive")
    for phase in ("", "_l2", "_l3")
)
PHASES: Final = {"AC_single_phase": 1, "AC_two_phase": 2, "AC_three_phase": 3}
PROPOSED_FROM: Final = 1_000_000
"""Numbers of the profiles that are offered to vehicles: this and the EVSE's."""
GRID_FAULT: Final = 3
"""OCPP's severities: 3 is critical. The station protects itself, not our plans."""


def dynamic_values(told: Mapping[str, object]) -> dict[str, float]:
    """The numbers of an update that were given; anything else is left out."""
    return {
        name: float(value)
        for name in DYNAMIC
        if isinstance(value := told.get(name), int | float) and not isinstance(value, bool)
    }


def proposed(needs: Needs, *, evse_no: int, transaction: str) -> ChargingProfile | None:
    """What a vehicle is offered: as much as it can take, for as long as it stays.

    The limits of site and grid are the station's to keep to: it knows those from outside, and the
    profiles that we gave it besides. None where the vehicle did not tell what it can take.
    """
    unit: RateUnit
    if needs.transfer.startswith("AC") and needs.current_a_max:
        unit, limit = "A", needs.current_a_max
    elif needs.power_w_max:
        unit, limit = "W", float(needs.power_w_max)
    else:
        return None
    period = SchedulePeriod(start_period=0, limit=limit, number_phases=PHASES.get(needs.transfer))
    return ChargingProfile(
        id=PROPOSED_FROM + evse_no,
        purpose="tx",
        kind="relative",
        transaction=transaction,
        schedules=(ChargingSchedule(unit=unit, periods=(period,)),),
    )


def grid_alarm(told: GridAlarm, now: datetime) -> Alarm:
    """What somebody should look at when the grid does what it must not."""
    words = [f"grid: {told.fault or 'fault'}", f"control {told.kind} called for", told.info]
    return Alarm(
        source=AlarmSource.GRID,
        key=told.kind,
        severity=GRID_FAULT,
        text=", ".join(word for word in words if word)[:300],
        raised_at=now,
    )
