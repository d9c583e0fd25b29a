"""Energy: limits from outside, what vehicles want, profiles, rules of the grid, batteries.

Sites, forecasts and plans have their place here and are to come. Knows no OCPP version.
"""

from forecourt.domain.energy.model import (
    Battery,
    BatterySwapped,
    ExternalLimit,
    GridAlarm,
    GridControl,
    GridControlSwitched,
    InstalledProfile,
    LimitCleared,
    LimitTold,
    Mode,
    ModeChanged,
    Needs,
    NeedsTold,
    Plan,
    ScheduleChosen,
    Swap,
)
from forecourt.domain.energy.service import Energy

__all__ = [
    "Battery",
    "BatterySwapped",
    "Energy",
    "ExternalLimit",
    "GridAlarm",
    "GridControl",
    "GridControlSwitched",
    "InstalledProfile",
    "LimitCleared",
    "LimitTold",
    "Mode",
    "ModeChanged",
    "Needs",
    "NeedsTold",
    "Plan",
    "ScheduleChosen",
    "Swap",
]
