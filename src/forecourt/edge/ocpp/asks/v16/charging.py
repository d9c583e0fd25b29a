"""OCPP 1.6: charging profiles, schedules and limits."""

from collections.abc import Mapping
from typing import Any, Final

from forecourt.domain.stations import (
    Answer,
    ClearChargingProfile,
    CompositeSchedule,
    GetCompositeSchedule,
    RateUnit,
    SchedulePeriod,
    SetChargingProfile,
    SetLimit,
)
from forecourt.edge.ocpp.asks import limits
from forecourt.edge.ocpp.asks.table import Facts, Rows, Told, outcome, row
from forecourt.edge.ocpp.asks.v16.parts import feature, profile, purpose
from forecourt.protocol.ocpp import v16

UNITS: Final[Mapping[str, RateUnit]] = {"current": "A", "power": "W", "a": "A", "w": "W"}


def set_profile(command: SetChargingProfile, _: Facts) -> v16.SetChargingProfile:
    return v16.SetChargingProfile(
        connector_id=command.evse, cs_charging_profiles=profile(command.profile)
    )


def clear_profile(command: ClearChargingProfile, _: Facts) -> v16.ClearChargingProfile:
    return v16.ClearChargingProfile(
        id=command.id,
        connector_id=command.evse,
        charging_profile_purpose=None if command.purpose is None else purpose(command.purpose),
        stack_level=command.stack_level,
    )


def set_limit(command: SetLimit, facts: Facts) -> v16.SetChargingProfile | v16.ClearChargingProfile:
    if limits.lifts(command):
        return v16.ClearChargingProfile(id=limits.profile_id(command))
    told = (facts.value("ChargingScheduleAllowedChargingRateUnit") or "").split(",")
    units = frozenset(
        UNITS[word.strip().casefold()] for word in told if word.strip().casefold() in UNITS
    )
    stack_level = facts.number("ChargeProfileMaxStackLevel")
    return v16.SetChargingProfile(
        connector_id=command.evse,
        cs_charging_profiles=profile(limits.limit(command, units, stack_level, facts)),
    )


def composite(command: GetCompositeSchedule, _: Facts) -> v16.GetCompositeSchedule:
    return v16.GetCompositeSchedule(
        connector_id=command.evse,
        duration=command.duration_s,
        charging_rate_unit=command.unit,
    )


def composed(
    command: GetCompositeSchedule, _request: Any, response: v16.GetCompositeScheduleResponse
) -> Told:
    """The schedule that results."""
    word, schedule = response.status, response.charging_schedule
    found = None
    if schedule is not None:
        found = CompositeSchedule(
            evse=command.evse if response.connector_id is None else response.connector_id,
            unit=schedule.charging_rate_unit,
            start_at=response.schedule_start or schedule.start_schedule,
            duration_s=schedule.duration,
            periods=tuple(
                SchedulePeriod(
                    start_period=period.start_period,
                    limit=period.limit,
                    number_phases=period.number_phases,
                )
                for period in schedule.charging_schedule_period
            ),
        )
    return Told(Answer(outcome=outcome(word), status=word, details=found))


_SMART: Final = feature("SmartCharging")
ROWS: Final[Rows] = dict(
    [
        row(SetChargingProfile, v16.SetChargingProfile, say=set_profile, refuse=_SMART),
        row(ClearChargingProfile, v16.ClearChargingProfile, say=clear_profile, refuse=_SMART),
        row(
            SetLimit,
            v16.SetChargingProfile,
            v16.ClearChargingProfile,
            say=set_limit,
            refuse=_SMART,
        ),
        row(
            GetCompositeSchedule,
            v16.GetCompositeSchedule,
            say=composite,
            understand=composed,
            refuse=_SMART,
        ),
    ]
)
