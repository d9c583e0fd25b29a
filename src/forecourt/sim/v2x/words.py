"""How 2.x spells what a station does: states, reasons, contexts. Data for the voice."""

from typing import Final

from forecourt.sim.outlet import Outlet, Reason, State
from forecourt.sim.voice import Trigger

REASONS: Final[dict[Reason, str]] = {
    "Local": "Local",
    "Remote": "Remote",
    "EVDisconnected": "EVDisconnected",
    "EVStopped": "StoppedByEV",
    "DeAuthorized": "DeAuthorized",
    "PowerLoss": "PowerLoss",
    "SoftReset": "ImmediateReset",
    "HardReset": "ImmediateReset",
    "EmergencyStop": "EmergencyStop",
    "UnlockCommand": "Remote",
    "EnergyLimit": "EnergyLimitReached",
    "TimeLimit": "TimeLimitReached",
    "SocLimit": "SOCLimitReached",
    "CostLimit": "LocalOutOfCredit",
    "Timeout": "Timeout",
    "Other": "Other",
}
STATES: Final[dict[State, str]] = {
    State.AVAILABLE: "Available",
    State.PREPARING: "Occupied",
    State.CHARGING: "Occupied",
    State.SUSPENDED_EV: "Occupied",
    State.SUSPENDED_EVSE: "Occupied",
    State.RESERVED: "Reserved",
    State.FINISHING: "Occupied",
    State.UNAVAILABLE: "Unavailable",
    State.FAULTED: "Faulted",
}
CONTEXTS: Final[dict[Trigger, str]] = {
    "MeterValuePeriodic": "Sample.Periodic",
    "MeterValueClock": "Sample.Clock",
    "Trigger": "Trigger",
}
PHASES: Final = ("L1", "L2", "L3")


def charging_state(outlet: Outlet) -> str:
    if outlet.energised:
        return {"EV": "SuspendedEV", "EVSE": "SuspendedEVSE", None: "Charging"}[outlet.paused]
    return "EVConnected" if outlet.plugged else "Idle"
