"""Pure decisions: what a dynamic profile's update says, and which alarm the grid raises."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from forecourt.domain.energy.model import GridAlarm
from forecourt.domain.monitoring import Alarm, AlarmSource

# What a set-point of a dynamic profile may consist of (2.1); all in the profile's own unit.
DYNAMIC: Final = tuple(
    f"{what}{phase}"
    for what in ("limit", "discharge_limit", "setpoint", "setpoint_reactive")
    for phase in ("", "_l2", "_l3")
)
GRID_FAULT: Final = 3
"""OCPP's severities: 3 is critical. The station protects itself, not our plans."""


def dynamic_values(told: Mapping[str, object]) -> dict[str, float]:
    """The numbers of an update that were given; anything else is left out."""
    return {
        name: float(value)
        for name in DYNAMIC
        if isinstance(value := told.get(name), int | float) and not isinstance(value, bool)
    }


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
