"""What a 1.6 station does with charging profiles."""

from collections.abc import Mapping
from typing import Final

from forecourt.protocol.ocpp import v16
from forecourt.protocol.ocpp.values import Message
from forecourt.sim.limits import PERIODS_MAX, STACK_MAX, Kind, Limit, Purpose, Step
from forecourt.sim.readings import moment
from forecourt.sim.schedule import composite
from forecourt.sim.station import Station
from forecourt.sim.v16.table import Command, Speaker, entry, outlet_of

_PURPOSES: Final[Mapping[v16.ChargingProfilePurposeType, Purpose]] = {
    "ChargePointMaxProfile": "Station",
    "TxDefaultProfile": "TxDefault",
    "TxProfile": "Tx",
}


def on_limit(  # noqa: PLR0911 - one rule after the other
    station: Station, _: Speaker, request: v16.SetChargingProfile
) -> Message:
    rejected = v16.SetChargingProfileResponse(status="Rejected")
    outlet = outlet_of(station, request.connector_id) if request.connector_id else None
    if request.connector_id and outlet is None:
        return rejected
    profile = request.cs_charging_profiles
    tx = outlet.tx if outlet is not None else None
    if profile.charging_profile_purpose == "TxProfile" and tx is None:
        return rejected  # 1.6 (5.16): only to a running transaction.
    if profile.charging_profile_purpose == "ChargePointMaxProfile" and outlet is not None:
        return rejected
    if profile.transaction_id is not None and (tx is None or tx.wire_id != profile.transaction_id):
        return rejected
    periods = profile.charging_schedule.charging_schedule_period
    if profile.stack_level > STACK_MAX or len(periods) > PERIODS_MAX or not periods:
        return rejected
    if periods[0].start_period != 0:
        return rejected  # 7.13: the first period begins with the schedule.
    tx_ref = tx.ref if tx is not None and limit_is_tx(profile) else None
    limit = limit_of(outlet.id if outlet is not None else 0, profile, tx_ref)
    if not station.limits.put(limit):
        return rejected
    station.talk.after_answer(station.limits_changed)
    return v16.SetChargingProfileResponse(status="Accepted")


def on_clear_limit(station: Station, _: Speaker, request: v16.ClearChargingProfile) -> Message:
    evse = request.connector_id
    if evse:
        outlet = outlet_of(station, evse)
        evse = outlet.id if outlet is not None else -1
    purpose = request.charging_profile_purpose
    cleared = station.limits.clear(
        limit_id=request.id,
        purpose=_PURPOSES[purpose] if purpose is not None else None,
        stack=request.stack_level,
        evse=evse,
    )
    station.talk.after_answer(station.limits_changed)
    return v16.ClearChargingProfileResponse(status="Accepted" if cleared else "Unknown")


def on_composite(station: Station, _: Speaker, request: v16.GetCompositeSchedule) -> Message:
    outlet = outlet_of(station, request.connector_id) if request.connector_id else None
    if request.connector_id and outlet is None:
        return v16.GetCompositeScheduleResponse(status="Rejected")
    unit = request.charging_rate_unit or "W"
    steps = composite(station, outlet.id if outlet else 0, float(request.duration), unit)
    periods = tuple(
        v16.ChargingSchedulePeriod(start_period=start_s, limit=limit)
        for start_s, limit in steps or ()
    )
    return v16.GetCompositeScheduleResponse(
        status="Accepted",
        connector_id=request.connector_id,
        schedule_start=moment(station.world.now),
        charging_schedule=v16.ChargingSchedule(
            duration=request.duration, charging_rate_unit=unit, charging_schedule_period=periods
        ),
    )


def limit_is_tx(profile: v16.ChargingProfile) -> bool:
    return profile.charging_profile_purpose == "TxProfile"


def limit_of(evse: int, profile: v16.ChargingProfile, tx_ref: str | None) -> Limit:
    """Our form of a charging profile."""
    schedule = profile.charging_schedule
    kind: Kind
    match profile.charging_profile_kind:
        case "Absolute" | "Relative" as same:
            kind = same
        case "Recurring":
            kind = profile.recurrency_kind or "Daily"
    return Limit(
        id=profile.charging_profile_id,
        purpose=_PURPOSES[profile.charging_profile_purpose],
        stack=profile.stack_level,
        kind=kind,
        unit=schedule.charging_rate_unit,
        evse=evse,
        tx_ref=tx_ref,
        raw=profile,
        valid_from=profile.valid_from.timestamp() if profile.valid_from else None,
        valid_to=profile.valid_to.timestamp() if profile.valid_to else None,
        start=schedule.start_schedule.timestamp() if schedule.start_schedule else None,
        duration_s=schedule.duration,
        steps=tuple(
            Step(p.start_period, p.limit, p.number_phases)
            for p in schedule.charging_schedule_period
        ),
    )


COMMANDS: Final[Mapping[type[Message], Command[Message]]] = dict(
    [
        entry(v16.SetChargingProfile, on_limit),
        entry(v16.ClearChargingProfile, on_clear_limit),
        entry(v16.GetCompositeSchedule, on_composite),
    ]
)
