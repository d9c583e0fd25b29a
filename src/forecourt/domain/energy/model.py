"""What exists in this room: limits from outside, what vehicles want, what grids do to chargers."""

from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from forecourt.domain.stations import StationEvent

# Limits of one station: as many as a large one could have, with room to spare.
LIMITS_MAX: Final = 1_000
PLANS_MAX: Final = 500
PROFILES_MAX: Final = 2_000
MODES_KEPT_MAX: Final = 1_000
GRID_CONTROLS_MAX: Final = 1_000


class ExternalLimit(Struct, frozen=True, kw_only=True):
    """Somebody else than we limits what a station may draw: the grid, or the site's own control."""

    evse_no: int
    """0: the whole station."""
    source: str
    """The specification's word: EMS, SO, Other …"""
    grid_critical: bool | None = None
    local_generation: bool | None = None
    schedules: Any = None
    """As the station told them, if it did."""
    since_at: datetime
    cleared_at: datetime | None = None


class Needs(Struct, frozen=True, kw_only=True):
    """What a vehicle wants, as it told its EVSE (ISO 15118)."""

    transfer: str
    """AC_single_phase, DC, DC_BPT …"""
    energy_wh: int | None = None
    power_w_max: int | None = None
    current_a_max: float | None = None
    soc_pct: int | None = None
    departs_at: datetime | None = None
    schedule_entries_max: int | None = None
    body: Any
    """All of it, as the station told."""


class Plan(Struct, frozen=True, kw_only=True):
    """What the vehicle at an EVSE wants, and the schedule that it has chosen."""

    evse_no: int
    needs: Needs | None = None
    needs_at: datetime | None = None
    schedule: Any = None
    schedule_from: datetime | None = None
    schedule_at: datetime | None = None
    chosen: int | None = None
    """Which of those that were offered (2.1)."""


class InstalledProfile(Struct, frozen=True, kw_only=True):
    """A charging profile that a station keeps."""

    evse_no: int
    profile: int
    source: str
    purpose: str
    kind: str
    stack_level: int
    transaction: str = ""
    request_id: int
    body: Any
    reported_at: datetime


class Mode(Struct, frozen=True, kw_only=True):
    """How a running transaction takes part in the grid (2.1)."""

    transaction: str
    operation_mode: str | None = None
    priority: bool | None = None
    changed_at: datetime


class GridControl(Struct, frozen=True, kw_only=True):
    """A rule of the grid's operator that a station with an inverter obeys (2.1)."""

    control: str
    kind: str = ""
    is_default: bool | None = None
    superseded: bool | None = None
    running: bool | None = None
    switched_at: datetime | None = None
    body: Any = None
    reported_at: datetime | None = None


class GridAlarm(Struct, frozen=True, kw_only=True):
    """The grid does what it must not, or has stopped to (2.1)."""

    kind: str
    """The control that it calls for."""
    fault: str = ""
    ended: bool = False
    happened_at: datetime
    info: str = ""


class Battery(Struct, frozen=True, kw_only=True):
    """A battery that went into a swapping station, or out of it."""

    slot: int
    serial: str
    soc_pct: float
    soh_pct: float
    made_at: datetime | None = None
    info: str = ""


class DynamicSchedule(Struct, frozen=True, kw_only=True):
    """What a dynamic profile was last set to (2.1)."""

    profile: int
    values: dict[str, float]
    """By name, in the profile's own unit; what was not set is not here."""
    set_at: datetime


SWAP_SORTS: Final = ("at",)
"""What battery swaps may be sorted by."""


class Swap(Struct, frozen=True, kw_only=True):
    """Batteries went in or out (2.1)."""

    request_id: int
    event: str
    """BatteryIn, BatteryOut, BatteryOutTimeout."""
    token: str
    batteries: tuple[Battery, ...]
    at: datetime


class LimitTold(StationEvent, frozen=True, kw_only=True, tag="energy.limit_told"):
    """Somebody outside limits a station."""

    evse_no: int
    source: str
    grid_critical: bool | None


class LimitCleared(StationEvent, frozen=True, kw_only=True, tag="energy.limit_cleared"):
    """A limit from outside is over."""

    evse_no: int | None
    source: str


class NeedsTold(StationEvent, frozen=True, kw_only=True, tag="energy.needs_told"):
    """A vehicle told what it wants."""

    evse_no: int
    transfer: str
    energy_wh: int | None
    departs_at: datetime | None
    transaction: str
    """The transaction that a profile was promised to; empty where none was."""


class ScheduleChosen(StationEvent, frozen=True, kw_only=True, tag="energy.schedule_chosen"):
    """A vehicle told how it is going to charge."""

    evse_no: int
    chosen: int | None


class ModeChanged(StationEvent, frozen=True, kw_only=True, tag="energy.mode_changed"):
    """A transaction charges with or without priority, or in another mode of operation."""

    transaction: str
    operation_mode: str | None
    priority: bool | None


class GridControlSwitched(StationEvent, frozen=True, kw_only=True, tag="energy.grid_control"):
    """A station obeys a rule of the grid from now on, or no longer."""

    control: str
    running: bool
    superseded: tuple[str, ...]


class BatterySwapped(StationEvent, frozen=True, kw_only=True, tag="energy.battery_swapped"):
    """Batteries went in or out."""

    request_id: int
    event: str
    token: str
    serials: tuple[str, ...]
