"""Commands for the grid's sake: set-points of vehicles that feed back, and the inverter (2.1).

The words for controls, curves and units are those of IEEE 1547 and EN 50549, as OCPP spells them.
"""

from typing import Annotated, Literal

from msgspec import Meta

from forecourt.domain.stations.commands.base import (
    Ask,
    DetailsPart,
    Moment,
    Part,
    TokenType,
    TokenUid,
    Transaction,
    Whole,
)

ControlType = Literal[
    "EnterService",
    "FreqDroop",
    "FreqWatt",
    "FixedPFAbsorb",
    "FixedPFInject",
    "FixedVar",
    "Gradients",
    "HFMustTrip",
    "HFMayTrip",
    "HVMustTrip",
    "HVMomCess",
    "HVMayTrip",
    "LimitMaxDischarge",
    "LFMustTrip",
    "LVMustTrip",
    "LVMomCess",
    "LVMayTrip",
    "PowerMonitoringMustTrip",
    "VoltVar",
    "VoltWatt",
    "WattPF",
    "WattVar",
]
ControlUnit = Literal[
    "Not_Applicable", "PctMaxW", "PctMaxVar", "PctWAvail", "PctVarAvail", "PctEffectiveV"
]
TransferMode = Literal[
    "AC_single_phase",
    "AC_two_phase",
    "AC_three_phase",
    "DC",
    "AC_BPT",
    "AC_BPT_DER",
    "AC_DER",
    "DC_BPT",
    "DC_ACDP",
    "DC_ACDP_BPT",
    "WPT",
]
"""How energy may flow, as ISO 15118 names it."""
ControlId = Annotated[str, Meta(min_length=1, max_length=36)]


class AfrrSignal(Ask, frozen=True, kw_only=True, tag="afrr_signal"):
    """Pass on the grid operator's signal of automatic frequency restoration."""

    signal: Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
    at: Moment | None = None
    """When it becomes valid; nothing means now."""


class NotifyAllowedEnergyTransfer(
    Ask, frozen=True, kw_only=True, tag="notify_allowed_energy_transfer"
):
    """Say how energy may flow in a session."""

    transaction: Transaction
    modes: Annotated[tuple[TransferMode, ...], Meta(min_length=1, max_length=11)]


class CurvePoint(Part, frozen=True, kw_only=True):
    """A point of a curve: its axes are those of the control."""

    x: float
    y: float


class Hysteresis(Part, frozen=True, kw_only=True, omit_defaults=True):
    """When a control ends again."""

    hysteresis_high: float | None = None
    hysteresis_low: float | None = None
    hysteresis_delay: float | None = None
    hysteresis_gradient: float | None = None


class ReactivePowerParams(Part, frozen=True, kw_only=True, omit_defaults=True):
    """The reference voltage of VoltVar."""

    v_ref: float | None = None
    autonomous_v_ref_enable: bool | None = None
    autonomous_v_ref_time_constant: float | None = None


class VoltageParams(Part, frozen=True, kw_only=True, omit_defaults=True):
    """The mean of ten minutes, and what goes on in a momentary cessation."""

    hv10_min_mean_value: float | None = None
    hv10_min_mean_trip_delay: float | None = None
    power_during_cessation: Literal["Active", "Reactive"] | None = None


class Curve(Part, frozen=True, kw_only=True, omit_defaults=True):
    """A control that is a curve."""

    curve_data: Annotated[tuple[CurvePoint, ...], Meta(min_length=1, max_length=10)]
    priority: Whole
    y_unit: ControlUnit
    hysteresis: Hysteresis | None = None
    reactive_power_params: ReactivePowerParams | None = None
    voltage_params: VoltageParams | None = None
    response_time: float | None = None
    start_time: Moment | None = None
    duration: float | None = None


class EnterService(Part, frozen=True, kw_only=True, omit_defaults=True):
    """When an inverter may begin, or begin again."""

    priority: Whole
    high_voltage: float
    low_voltage: float
    high_freq: float
    low_freq: float
    delay: float | None = None
    random_delay: float | None = None
    ramp_rate: float | None = None


class FixedPowerFactor(Part, frozen=True, kw_only=True, omit_defaults=True):
    """A power factor that is held."""

    priority: Whole
    displacement: float
    excitation: bool
    start_time: Moment | None = None
    duration: float | None = None


class FixedVar(Part, frozen=True, kw_only=True, omit_defaults=True):
    """A reactive power that is held."""

    priority: Whole
    setpoint: float
    unit: ControlUnit
    start_time: Moment | None = None
    duration: float | None = None


class FreqDroop(Part, frozen=True, kw_only=True, omit_defaults=True):
    """How power answers to the frequency."""

    priority: Whole
    over_freq: float
    under_freq: float
    over_droop: float
    under_droop: float
    response_time: float
    start_time: Moment | None = None
    duration: float | None = None


class Gradient(Part, frozen=True, kw_only=True):
    """How fast power may change, in percent a second."""

    priority: Whole
    gradient: float
    soft_gradient: float


class LimitMaxDischarge(Part, frozen=True, kw_only=True, omit_defaults=True):
    """How much may be fed back."""

    priority: Whole
    pct_max_discharge_power: float | None = None
    power_monitoring_must_trip: Curve | None = None
    start_time: Moment | None = None
    duration: float | None = None


class SetDerControl(Ask, frozen=True, kw_only=True, tag="set_der_control"):
    """Set a control of the inverter; the one setting that belongs to its type must be given."""

    id: ControlId
    type: ControlType
    default: bool
    """Holds when nothing else does; or else from its start, for its duration."""
    curve: Curve | None = None
    enter_service: EnterService | None = None
    fixed_pf: FixedPowerFactor | None = None
    fixed_var: FixedVar | None = None
    freq_droop: FreqDroop | None = None
    gradient: Gradient | None = None
    limit_max_discharge: LimitMaxDischarge | None = None


class GetDerControl(Ask, frozen=True, kw_only=True, tag="get_der_control"):
    """Ask which controls are set; the station reports them."""

    default: bool | None = None
    type: ControlType | None = None
    id: ControlId | None = None


class ClearDerControl(Ask, frozen=True, kw_only=True, tag="clear_der_control"):
    """Have a station forget controls."""

    default: bool
    type: ControlType | None = None
    id: ControlId | None = None


class Superseded(DetailsPart, frozen=True, kw_only=True, tag="superseded"):
    """The controls that hold no longer, since a new one does."""

    ids: tuple[str, ...]


class RequestBatterySwap(Ask, frozen=True, kw_only=True, tag="request_battery_swap"):
    """Let a driver swap batteries."""

    token: TokenUid
    token_type: TokenType = "Central"  # noqa: S105 (a kind of card)
