"""OCPP 2.x: parts that many messages have."""

from collections.abc import Mapping, Sequence
from typing import Final

from forecourt.domain.stations import (
    ChargingProfile,
    ChargingSchedule,
    Monitor,
    Selected,
    VariableName,
)
from forecourt.edge.ocpp.asks.shape import reshaped
from forecourt.protocol.ocpp import v21

PURPOSES: Final[Mapping[str, v21.ChargingProfilePurposeEnum]] = {
    "station_max": "ChargingStationMaxProfile",
    "tx_default": "TxDefaultProfile",
    "tx": "TxProfile",
    "external": "ChargingStationExternalConstraints",
    "priority_charging": "PriorityCharging",
    "local_generation": "LocalGeneration",
}
KINDS: Final[Mapping[str, v21.ChargingProfileKindEnum]] = {
    "absolute": "Absolute",
    "recurring": "Recurring",
    "relative": "Relative",
    "dynamic": "Dynamic",
}
RECURRENCIES: Final[Mapping[str, v21.RecurrencyKindEnum]] = {"daily": "Daily", "weekly": "Weekly"}
# The variables by which a station of 2.x says what it can do, and how much it takes at once.
JUDGED_BY: Final = frozenset(
    {"Available", "ItemsPerMessage", "NonEvseSpecific", "ProfileStackLevel", "RateUnit"}
)


def evse(evse_no: int | None, connector_no: int | None = None) -> v21.EVSE | None:
    """An EVSE, where one is meant."""
    return None if evse_no is None else v21.EVSE(id=evse_no, connector_id=connector_no)


def component(name: VariableName | Selected | Monitor) -> v21.Component:
    """The component that a variable is of."""
    return v21.Component(
        name=name.component,
        instance=name.component_instance,
        evse=evse(name.evse, name.connector),
    )


def selected(names: Sequence[Selected]) -> tuple[v21.ComponentVariable, ...] | None:
    """Components, or variables of them; None where none is named."""
    found = tuple(
        v21.ComponentVariable(
            component=component(name),
            variable=None
            if name.variable is None
            else v21.Variable(name=name.variable, instance=name.instance),
        )
        for name in names
    )
    return found or None


def profile(asked: ChargingProfile) -> v21.ChargingProfile:
    """A charging profile."""
    return v21.ChargingProfile(
        id=asked.id,
        stack_level=asked.stack_level,
        charging_profile_purpose=PURPOSES[asked.purpose],
        charging_profile_kind=KINDS[asked.kind],
        charging_schedule=tuple(
            schedule(each, number) for number, each in enumerate(asked.schedules, 1)
        ),
        recurrency_kind=None if asked.recurrency is None else RECURRENCIES[asked.recurrency],
        valid_from=asked.valid_from,
        valid_to=asked.valid_to,
        transaction_id=asked.transaction,
        max_offline_duration=asked.max_offline_duration_s,
        invalid_after_offline_duration=asked.invalid_after_offline_duration,
        dyn_update_interval=asked.dynamic_update_interval_s,
    )


def schedule(asked: ChargingSchedule, number: int) -> v21.ChargingSchedule:
    """One schedule of a profile."""
    return v21.ChargingSchedule(
        id=number,
        charging_rate_unit=asked.unit,
        charging_schedule_period=tuple(
            reshaped(period, v21.ChargingSchedulePeriod) for period in asked.periods
        ),
        limit_at_soc=None
        if asked.limit_at_soc is None
        else reshaped(asked.limit_at_soc, v21.LimitAtSoC),
        start_schedule=asked.start_at,
        duration=asked.duration_s,
        min_charging_rate=asked.min_rate,
        power_tolerance=asked.power_tolerance,
        use_local_time=asked.use_local_time,
        randomized_delay=asked.randomized_delay_s,
    )
