"""OCPP 2.x: charging profiles, schedules, limits, and who charges first."""

from typing import Any, Final

from forecourt.domain.stations import (
    Answer,
    ClearChargingProfile,
    CompositeSchedule,
    GetChargingProfiles,
    GetCompositeSchedule,
    SchedulePeriod,
    SetChargingProfile,
    SetLimit,
    UpdateDynamicSchedule,
    UsePriorityCharging,
)
from forecourt.edge.ocpp.asks import limits
from forecourt.edge.ocpp.asks.shape import reshaped
from forecourt.edge.ocpp.asks.table import Facts, Rows, Told, needs, outcome, row, why
from forecourt.edge.ocpp.asks.v2x.parts import PURPOSES, profile
from forecourt.protocol.ocpp import v21, v201


def set_profile(command: SetChargingProfile, _: Facts) -> v21.SetChargingProfile:
    return v21.SetChargingProfile(evse_id=command.evse, charging_profile=profile(command.profile))


def clear_profile(command: ClearChargingProfile, _: Facts) -> v21.ClearChargingProfile:
    named = (command.evse, command.purpose, command.stack_level) != (None, None, None)
    criteria = v21.ClearChargingProfileType(
        evse_id=command.evse,
        charging_profile_purpose=None if command.purpose is None else PURPOSES[command.purpose],
        stack_level=command.stack_level,
    )
    # One that names nothing at all would be no criterion: an id alone, or all profiles (K10).
    return v21.ClearChargingProfile(
        charging_profile_id=command.id, charging_profile_criteria=criteria if named else None
    )


def profiles(command: GetChargingProfiles, facts: Facts) -> v21.GetChargingProfiles:
    return v21.GetChargingProfiles(
        request_id=facts.request_id,
        evse_id=command.evse,
        charging_profile=v21.ChargingProfileCriterion(
            charging_profile_purpose=None if command.purpose is None else PURPOSES[command.purpose],
            stack_level=command.stack_level,
            charging_profile_id=command.ids or None,
            charging_limit_source=command.sources or None,
        ),
    )


def set_limit(command: SetLimit, facts: Facts) -> v21.SetChargingProfile | v21.ClearChargingProfile:
    if limits.lifts(command):
        return v21.ClearChargingProfile(charging_profile_id=limits.profile_id(command))
    told = (facts.value("RateUnit", "SmartChargingCtrlr") or "").split(",")
    stack_level = facts.number("ProfileStackLevel", "SmartChargingCtrlr")
    units = frozenset(word.strip().upper() for word in told) & {"A", "W"}
    return v21.SetChargingProfile(
        evse_id=command.evse,
        charging_profile=profile(limits.limit(command, units, stack_level, facts)),
    )


def composite(command: GetCompositeSchedule, _: Facts) -> v21.GetCompositeSchedule:
    return v21.GetCompositeSchedule(
        duration=command.duration_s, evse_id=command.evse, charging_rate_unit=command.unit
    )


def composed(
    _: GetCompositeSchedule,
    _request: Any,
    response: v201.GetCompositeScheduleResponse | v21.GetCompositeScheduleResponse,
) -> Told:
    """The schedule that results."""
    found, schedule = None, response.schedule
    if schedule is not None:
        found = CompositeSchedule(
            evse=schedule.evse_id,
            unit=schedule.charging_rate_unit,
            start_at=schedule.schedule_start,
            duration_s=schedule.duration,
            periods=tuple(map(_period, schedule.charging_schedule_period)),
        )
    word = response.status
    return Told(Answer(outcome=outcome(word), status=word, reason=why(response), details=found))


def _period(period: v201.ChargingSchedulePeriod | v21.ChargingSchedulePeriod) -> SchedulePeriod:
    """What of a period is plain: 2.1's set-points are the station's own business to report."""
    newer = {
        name: value
        for name in ("discharge_limit", "setpoint", "setpoint_reactive", "operation_mode")
        if (value := getattr(period, name, None)) is not None
    }
    return SchedulePeriod(
        start_period=period.start_period,
        limit=period.limit,
        number_phases=period.number_phases,
        phase_to_use=period.phase_to_use,
        **newer,
    )


def dynamic(command: UpdateDynamicSchedule, _: Facts) -> v21.UpdateDynamicSchedule:
    return v21.UpdateDynamicSchedule(
        charging_profile_id=command.profile,
        schedule_update=reshaped(command, v21.ChargingScheduleUpdate, "command", "profile"),
    )


def priority(command: UsePriorityCharging, _: Facts) -> v21.UsePriorityCharging:
    return v21.UsePriorityCharging(transaction_id=command.transaction, activate=command.activate)


_SMART: Final = needs("Available", "SmartChargingCtrlr")
ROWS: Final[Rows] = dict(
    [
        row(SetChargingProfile, v21.SetChargingProfile, say=set_profile, refuse=_SMART),
        row(ClearChargingProfile, v21.ClearChargingProfile, say=clear_profile, refuse=_SMART),
        row(GetChargingProfiles, v21.GetChargingProfiles, say=profiles, refuse=_SMART),
        row(
            SetLimit,
            v21.SetChargingProfile,
            v21.ClearChargingProfile,
            say=set_limit,
            refuse=_SMART,
        ),
        row(
            GetCompositeSchedule,
            v21.GetCompositeSchedule,
            say=composite,
            understand=composed,
            refuse=_SMART,
        ),
    ]
)
ROWS_21: Final[Rows] = dict(
    [
        row(UpdateDynamicSchedule, v21.UpdateDynamicSchedule, say=dynamic, refuse=_SMART),
        row(UsePriorityCharging, v21.UsePriorityCharging, say=priority, refuse=_SMART),
    ]
)
