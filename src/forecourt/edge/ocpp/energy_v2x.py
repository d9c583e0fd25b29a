"""What 2.0.1 and 2.1 stations tell of power: limits, vehicles, profiles, the grid, batteries."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from forecourt.domain.energy import (
    Battery,
    ExternalLimit,
    GridAlarm,
    GridControl,
    InstalledProfile,
    Needs,
    Swap,
)
from forecourt.domain.monitoring import Page, ReportKind
from forecourt.edge.ocpp.plain import as_json, moment, plain, whole
from forecourt.edge.ocpp.routes import Call
from forecourt.protocol.ocpp import v21, v201
from forecourt.protocol.ocpp.values import Message, in_utc

# The families of a report on DER control that do not name their kind themselves.
FAMILIES: Final[Mapping[str, str]] = {
    "enter_service": "EnterService",
    "fixed_pf_absorb": "FixedPFAbsorb",
    "fixed_pf_inject": "FixedPFInject",
    "fixed_var": "FixedVar",
    "freq_droop": "FreqDroop",
    "gradient": "Gradients",
    "limit_max_discharge": "LimitMaxDischarge",
}


async def on_limit(call: Call, msg: v201.NotifyChargingLimit | v21.NotifyChargingLimit) -> Message:
    """K12: somebody else limits the station."""
    told = msg.charging_limit
    schedules = msg.charging_schedule
    limit = ExternalLimit(
        evse_no=msg.evse_id or 0,
        source=plain(told.charging_limit_source),
        grid_critical=told.is_grid_critical,
        local_generation=getattr(told, "is_local_generation", None),
        schedules=None if schedules is None else [as_json(part) for part in schedules],
        since_at=call.ctx.now,
    )
    await call.rooms.energy.limit_told(call.ctx, call.station.station.id, limit)
    return v201.NotifyChargingLimitResponse()


async def on_limit_cleared(
    call: Call, msg: v201.ClearedChargingLimit | v21.ClearedChargingLimit
) -> Message:
    """K13: no longer."""
    await call.rooms.energy.limit_cleared(
        call.ctx,
        call.station.station.id,
        plain(msg.charging_limit_source),
        evse_no=msg.evse_id,
    )
    return v201.ClearedChargingLimitResponse()


async def on_needs_201(call: Call, msg: v201.NotifyEVChargingNeeds) -> Message:
    """K15: a profile follows, if a transaction runs and the vehicle told what it can take."""
    offered = await _needs(call, msg)
    return v201.NotifyEVChargingNeedsResponse(status="Accepted" if offered else "Rejected")


async def on_needs_21(call: Call, msg: v21.NotifyEVChargingNeeds) -> Message:
    """K15, K18: a profile follows, if a transaction runs and the vehicle told what it can take."""
    offered = await _needs(call, msg)
    return v21.NotifyEVChargingNeedsResponse(status="Accepted" if offered else "NoChargingProfile")


async def _needs(call: Call, msg: v201.NotifyEVChargingNeeds | v21.NotifyEVChargingNeeds) -> bool:
    needs = msg.charging_needs
    ac, dc = needs.ac_charging_parameters, needs.dc_charging_parameters
    v2x = getattr(needs, "v2x_charging_parameters", None)
    energy = ac.energy_amount if ac else dc.energy_amount if dc else None
    power = dc.ev_max_power if dc else None
    if v2x is not None:
        energy = energy if energy is not None else v2x.ev_target_energy_request
        power = power if power is not None else v2x.max_charge_power
    told = Needs(
        transfer=needs.requested_energy_transfer,
        energy_wh=whole(energy),
        power_w_max=whole(power),
        current_a_max=ac.ev_max_current if ac else dc.ev_max_current if dc else None,
        soc_pct=dc.state_of_charge if dc else None,
        departs_at=moment(needs.departure_time),
        schedule_entries_max=msg.max_schedule_tuples,
        body=as_json(needs),
    )
    session = call.sessions.running(msg.evse_id)
    return await call.rooms.energy.needs_told(
        call.ctx,
        call.station.station.id,
        msg.evse_id,
        told,
        call.changes,
        transaction="" if session is None else session.transaction,
    )


async def on_schedule(
    call: Call, msg: v201.NotifyEVChargingSchedule | v21.NotifyEVChargingSchedule
) -> Message:
    """K15, K17: how the vehicle is going to charge. The answer approves of nothing."""
    await call.rooms.energy.schedule_chosen(
        call.ctx,
        call.station.station.id,
        msg.evse_id,
        schedule=as_json(msg.charging_schedule),
        starts_at=in_utc(msg.time_base),
        chosen=getattr(msg, "selected_charging_schedule_id", None),
    )
    return v201.NotifyEVChargingScheduleResponse(status="Accepted")


async def on_profiles(
    call: Call, msg: v201.ReportChargingProfiles | v21.ReportChargingProfiles
) -> Message:
    """K09: a page of the profiles that the station keeps."""
    found = [
        InstalledProfile(
            evse_no=msg.evse_id,
            profile=profile.id,
            source=plain(msg.charging_limit_source),
            purpose=profile.charging_profile_purpose,
            kind=profile.charging_profile_kind,
            stack_level=profile.stack_level,
            transaction=plain(profile.transaction_id),
            request_id=msg.request_id,
            body=as_json(profile),
            reported_at=call.ctx.now,
        )
        for profile in msg.charging_profile
    ]
    page = Page(
        kind=ReportKind.PROFILES, request_id=msg.request_id, last=not msg.tbc, rows=len(found)
    )
    await call.rooms.energy.profiles_reported(call.ctx, call.station.station.id, page, found)
    return v201.ReportChargingProfilesResponse()


async def on_priority(call: Call, msg: v21.NotifyPriorityCharging) -> Message:
    """K21: the station charges somebody before others, or no longer."""
    await call.rooms.energy.mode_told(
        call.ctx,
        call.station.station.id,
        plain(msg.transaction_id),
        priority=msg.activated,
    )
    return v21.NotifyPriorityChargingResponse()


async def on_schedule_pulled(call: Call, msg: v21.PullDynamicScheduleUpdate) -> Message:
    """K28: what the profile was last set to, for a station that has missed it."""
    found = await call.rooms.energy.dynamic(
        call.ctx, call.station.station.id, msg.charging_profile_id
    )
    if found is None:
        return v21.PullDynamicScheduleUpdateResponse(
            status="Rejected",
            status_info=v21.StatusInfo(
                reason_code="NotFound", additional_info="this profile was never set from here"
            ),
        )
    values: Any = found  # Numbers by the names of ChargingScheduleUpdate: the room knows them too.
    return v21.PullDynamicScheduleUpdateResponse(
        status="Accepted", schedule_update=v21.ChargingScheduleUpdate(**values)
    )


async def on_grid_alarm(call: Call, msg: v21.NotifyDERAlarm) -> Message:
    """R03: the grid does what it must not, or has stopped to."""
    told = GridAlarm(
        kind=msg.control_type,
        fault=msg.grid_event_fault or "",
        ended=bool(msg.alarm_ended),
        happened_at=in_utc(msg.timestamp),
        info=plain(msg.extra_info),
    )
    await call.rooms.energy.grid_alarmed(call.ctx, call.station.station.id, told)
    return v21.NotifyDERAlarmResponse()


async def on_control_switched(call: Call, msg: v21.NotifyDERStartStop) -> Message:
    """R02: the station obeys a rule of the grid, or no longer."""
    await call.rooms.energy.control_switched(
        call.ctx,
        call.station.station.id,
        plain(msg.control_id),
        running=msg.started,
        at=in_utc(msg.timestamp),
        superseded=tuple(map(plain, msg.superseded_ids or ())),
    )
    return v21.NotifyDERStartStopResponse()


async def on_controls(call: Call, msg: v21.ReportDERControl) -> Message:
    """R04: a page of the rules of the grid that the station holds."""
    found = list(_controls(msg))
    page = Page(
        kind=ReportKind.DER_CONTROLS, request_id=msg.request_id, last=not msg.tbc, rows=len(found)
    )
    await call.rooms.energy.controls_reported(call.ctx, call.station.station.id, page, found)
    return v21.ReportDERControlResponse()


def _controls(msg: v21.ReportDERControl) -> Iterator[GridControl]:
    for curve in msg.curve or ():
        yield _control(curve, curve.curve_type)
    for family, kind in FAMILIES.items():
        for control in getattr(msg, family) or ():
            yield _control(control, kind)


def _control(told: Any, kind: str) -> GridControl:
    return GridControl(
        control=plain(told.id),
        kind=kind,
        is_default=getattr(told, "is_default", None),
        superseded=getattr(told, "is_superseded", None),
        body=as_json(told),
    )


async def on_swap(call: Call, msg: v21.BatterySwap) -> Message:
    """S01 to S03: batteries went in or out."""
    swap = Swap(
        request_id=msg.request_id,
        event=msg.event_type,
        token=plain(msg.id_token.id_token),
        batteries=tuple(
            Battery(
                slot=battery.evse_id,
                serial=plain(battery.serial_number),
                soc_pct=battery.soc,
                soh_pct=battery.soh,
                made_at=moment(battery.production_date),
                info=plain(battery.vendor_info),
            )
            for battery in msg.battery_data
        ),
        at=call.ctx.now,
    )
    await call.rooms.energy.swapped(call.ctx, call.station.station.id, swap)
    return v21.BatterySwapResponse()
