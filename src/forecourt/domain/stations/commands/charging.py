"""Commands about how much a station may charge with: limits, charging profiles, schedules."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from forecourt.domain.stations.commands.base import (
    Ask,
    DetailsPart,
    Moment,
    Number,
    Part,
    Transaction,
    Whole,
)

RateUnit = Literal["W", "A"]
Purpose = Literal[
    "station_max", "tx_default", "tx", "external", "priority_charging", "local_generation"
]
"""What a profile limits: the whole station, any session, one session; or whose limit it is."""
OperationMode = Literal[
    "Idle",
    "ChargingOnly",
    "CentralSetpoint",
    "ExternalSetpoint",
    "ExternalLimits",
    "CentralFrequency",
    "LocalFrequency",
    "LocalLoadBalancing",
]
"""Who steers a bidirectional session (2.1)."""
LimitSource = Literal["EMS", "Other", "SO", "CSO"]
Phases = Annotated[int, Meta(ge=0, le=3)]


class SetLimit(Ask, frozen=True, kw_only=True, tag="set_limit"):
    """Let a station, an EVSE or a session charge with so much and no more; no limit lifts it.

    In watts or amperes per phase; where a station takes only the other, it is converted by the
    phases and the voltage.
    """

    limit_w: Annotated[float, Meta(ge=0, le=10_000_000)] | None = None
    limit_a: Annotated[float, Meta(ge=0, le=10_000)] | None = None
    evse: Number = 0
    transaction: Transaction | None = None
    """Limit this running session alone; ``evse`` says where it is."""
    duration_s: Annotated[int, Meta(ge=1, le=31_536_000)] | None = None
    phases: Annotated[int, Meta(ge=1, le=3)] = 3
    voltage_v: Annotated[int, Meta(ge=50, le=1_500)] = 230


class FreqWatt(Part, frozen=True, kw_only=True):
    """A point of a curve: at this frequency, this power."""

    frequency: float
    power: float


class SignalWatt(Part, frozen=True, kw_only=True):
    """A point of a curve: at this signal of the grid's operator, this power."""

    signal: int
    power: float


class SchedulePeriod(Part, frozen=True, kw_only=True, omit_defaults=True):
    """What holds from a moment of a schedule until the next. Limits in the schedule's unit."""

    start_period: Whole
    """Seconds from the start of the schedule."""
    limit: float | None = None
    number_phases: Phases | None = None
    phase_to_use: Phases | None = None
    limit_l2: float | None = None
    limit_l3: float | None = None
    discharge_limit: Annotated[float, Meta(le=0)] | None = None
    discharge_limit_l2: Annotated[float, Meta(le=0)] | None = None
    discharge_limit_l3: Annotated[float, Meta(le=0)] | None = None
    setpoint: float | None = None
    setpoint_l2: float | None = None
    setpoint_l3: float | None = None
    setpoint_reactive: float | None = None
    setpoint_reactive_l2: float | None = None
    setpoint_reactive_l3: float | None = None
    preconditioning_request: bool | None = None
    evse_sleep: bool | None = None
    v2x_baseline: float | None = None
    operation_mode: OperationMode | None = None
    v2x_freq_watt_curve: (
        Annotated[tuple[FreqWatt, ...], Meta(min_length=1, max_length=20)] | None
    ) = None
    v2x_signal_watt_curve: (
        Annotated[tuple[SignalWatt, ...], Meta(min_length=1, max_length=20)] | None
    ) = None


class LimitAtSoc(Part, frozen=True, kw_only=True):
    """Above this state of charge, no more than that."""

    soc: Annotated[int, Meta(ge=0, le=100)]
    limit: float


class ChargingSchedule(Part, frozen=True, kw_only=True, omit_defaults=True):
    """How much, and when."""

    unit: RateUnit
    periods: Annotated[tuple[SchedulePeriod, ...], Meta(min_length=1, max_length=1024)]
    start_at: Moment | None = None
    duration_s: Whole | None = None
    min_rate: float | None = None
    limit_at_soc: LimitAtSoc | None = None
    power_tolerance: float | None = None
    use_local_time: bool | None = None
    randomized_delay_s: Whole | None = None


class ChargingProfile(Part, frozen=True, kw_only=True, omit_defaults=True):
    """A charging profile, as a station keeps it under its number."""

    id: Whole
    purpose: Purpose
    kind: Literal["absolute", "recurring", "relative", "dynamic"]
    schedules: Annotated[tuple[ChargingSchedule, ...], Meta(min_length=1, max_length=3)]
    stack_level: Number = 0
    recurrency: Literal["daily", "weekly"] | None = None
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    transaction: Transaction | None = None
    max_offline_duration_s: Whole | None = None
    invalid_after_offline_duration: bool | None = None
    dynamic_update_interval_s: Whole | None = None


class SetChargingProfile(Ask, frozen=True, kw_only=True, tag="set_charging_profile"):
    """Have a station keep a charging profile."""

    profile: ChargingProfile
    evse: Number = 0


class ClearChargingProfile(Ask, frozen=True, kw_only=True, tag="clear_charging_profile"):
    """Have a station forget the profiles that fit; none named means all."""

    id: Whole | None = None
    evse: Number | None = None
    purpose: Purpose | None = None
    stack_level: Number | None = None


class GetChargingProfiles(Ask, frozen=True, kw_only=True, tag="get_charging_profiles"):
    """Ask which profiles a station keeps; it reports them in parts."""

    evse: Number | None = None
    ids: Annotated[tuple[Whole, ...], Meta(max_length=100)] = ()
    purpose: Purpose | None = None
    stack_level: Number | None = None
    sources: Annotated[tuple[LimitSource, ...], Meta(max_length=4)] = ()


class GetCompositeSchedule(Ask, frozen=True, kw_only=True, tag="get_composite_schedule"):
    """Ask what all profiles together come to, from now on."""

    duration_s: Annotated[int, Meta(ge=1, le=31_536_000)]
    evse: Number = 0
    unit: RateUnit | None = None


class CompositeSchedule(DetailsPart, frozen=True, kw_only=True, tag="composite_schedule"):
    """What all profiles together come to."""

    evse: int
    unit: RateUnit
    start_at: datetime | None
    duration_s: int | None
    periods: tuple[SchedulePeriod, ...]


class UpdateDynamicSchedule(
    Ask, frozen=True, kw_only=True, tag="update_dynamic_schedule", omit_defaults=True
):
    """New limits or set-points of a dynamic profile, in its unit, at once (2.1)."""

    profile: Whole
    limit: float | None = None
    limit_l2: float | None = None
    limit_l3: float | None = None
    discharge_limit: Annotated[float, Meta(le=0)] | None = None
    discharge_limit_l2: Annotated[float, Meta(le=0)] | None = None
    discharge_limit_l3: Annotated[float, Meta(le=0)] | None = None
    setpoint: float | None = None
    setpoint_l2: float | None = None
    setpoint_l3: float | None = None
    setpoint_reactive: float | None = None
    setpoint_reactive_l2: float | None = None
    setpoint_reactive_l3: float | None = None


class UsePriorityCharging(Ask, frozen=True, kw_only=True, tag="use_priority_charging"):
    """Let a session charge before others, or no longer (2.1)."""

    transaction: Transaction
    activate: bool
