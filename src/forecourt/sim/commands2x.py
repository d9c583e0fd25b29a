"""What a 2.0.1 or 2.1 station does with each command: one function each, and the table of them.

Both versions have the same names for all that is used here, so a request is read by its names and
answered in the words that the voice was handed.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from types import ModuleType
from typing import Any, Final, Protocol, TypeAlias

from forecourt.sim.limits import Kind, Limit, Purpose, Step
from forecourt.sim.model2x import Entry, Place, entries
from forecourt.sim.outlet import Outlet
from forecourt.sim.station import Station

_LIST_MAX: Final = 1_000
_PURPOSES: Final[Mapping[str, Purpose]] = {
    "ChargingStationMaxProfile": "Station",
    "ChargingStationExternalConstraints": "External",
    "TxDefaultProfile": "TxDefault",
    "TxProfile": "Tx",
}


class Speaker(Protocol):
    """What a command needs of the voice."""

    words: ModuleType

    def say(self, what: str, outlet: Outlet | None) -> Callable[[], None] | None: ...

    def report(self, request_id: int, data: list[Any]) -> None: ...


Command: TypeAlias = Callable[[Station, Speaker, Any], Any]


def on_start(station: Station, speaker: Speaker, request: Any) -> Any:
    outlet = station.startable(request.evse_id)
    if outlet is None:
        return speaker.words.RequestStartTransactionResponse(status="Rejected")
    if request.charging_profile is not None:
        limit = _limit(outlet.id, request.charging_profile, None)
        if limit is not None:
            station.limits.put(limit)
    token = request.id_token.id_token
    start = partial(station.remote_start, outlet, token, request.remote_start_id)
    station.talk.after_answer(start)
    return speaker.words.RequestStartTransactionResponse(
        status="Accepted", transaction_id=outlet.tx.ref if outlet.tx is not None else None
    )


def on_stop(station: Station, speaker: Speaker, request: Any) -> Any:
    tx = station.transaction(request.transaction_id)
    if tx is None:
        return speaker.words.RequestStopTransactionResponse(status="Rejected")
    station.talk.after_answer(partial(station.stop, tx.outlet, "Remote", "RemoteStop"))
    return speaker.words.RequestStopTransactionResponse(status="Accepted")


def on_reset(station: Station, speaker: Speaker, request: Any) -> Any:
    if request.evse_id is not None:
        return speaker.words.ResetResponse(status="Rejected")  # All outlets share one controller.
    if request.type == "OnIdle":
        now = station.reset_when_idle()
        return speaker.words.ResetResponse(status="Accepted" if now else "Scheduled")
    station.talk.after_answer(partial(station.reset, "HardReset"))
    return speaker.words.ResetResponse(status="Accepted")


def on_unlock(station: Station, speaker: Speaker, request: Any) -> Any:
    outlet = station.outlet(request.evse_id)
    status = "Unlocked"
    if outlet is None or all(c.id != request.connector_id for c in outlet.connectors):
        status = "UnknownConnector"
    elif outlet.tx is not None and outlet.token is not None:
        status = "OngoingAuthorizedTransaction"
    return speaker.words.UnlockConnectorResponse(status=status)


def on_availability(station: Station, speaker: Speaker, request: Any) -> Any:
    if request.evse is None or request.evse.id == 0:
        outlets = station.outlets
    else:
        named = station.outlet(request.evse.id)
        outlets = [named] if named is not None else []
    operative = request.operational_status == "Operative"
    when = {station.change_availability(o, operative=operative) for o in outlets}
    status = "Rejected" if not outlets else "Scheduled" if "later" in when else "Accepted"
    return speaker.words.ChangeAvailabilityResponse(status=status)


def on_trigger(station: Station, speaker: Speaker, request: Any) -> Any:
    respond = speaker.words.TriggerMessageResponse
    outlet = None
    if request.evse is not None and request.evse.id != 0:
        outlet = station.outlet(request.evse.id)
        if outlet is None:
            return respond(status="Rejected")
    say = speaker.say(request.requested_message, outlet)
    if say is None:
        return respond(status="NotImplemented")
    if request.requested_message == "BootNotification" and station.registration == "Accepted":
        return respond(status="Rejected")  # F06.FR.17: it has booted, and may not again.
    station.talk.after_answer(say)
    return respond(status="Accepted")


def on_read_variables(station: Station, speaker: Speaker, request: Any) -> Any:
    words, model = speaker.words, entries(station)
    results = []
    for asked in request.get_variable_data:
        status, entry = _find(model, asked)
        value = None
        if entry is not None and asked.attribute_type not in {None, "Actual"}:
            status = "NotSupportedAttributeType"
        elif entry is not None and entry.key.secret:
            status = "Rejected"
        elif entry is not None:
            value = entry.key.read(station.knobs)
        results.append(
            words.GetVariableResult(
                attribute_status=status,
                component=asked.component,
                variable=asked.variable,
                attribute_type=asked.attribute_type,
                attribute_value=value,
            )
        )
    return words.GetVariablesResponse(get_variable_result=tuple(results))


def on_write_variables(station: Station, speaker: Speaker, request: Any) -> Any:
    words, model = speaker.words, entries(station)
    results = []
    for asked in request.set_variable_data:
        status, entry = _find(model, asked)
        if entry is not None:
            status = _write(station, entry, asked)
        results.append(
            words.SetVariableResult(
                attribute_status=status,
                component=asked.component,
                variable=asked.variable,
                attribute_type=asked.attribute_type,
            )
        )
    return words.SetVariablesResponse(set_variable_result=tuple(results))


def _write(station: Station, entry: Entry, asked: Any) -> str:
    if asked.attribute_type not in {None, "Actual"}:
        return "NotSupportedAttributeType"
    if not entry.writable or not entry.key.write(station.knobs, asked.attribute_value):
        return "Rejected"
    if entry.key.knob == "heartbeat_s":
        station.arm_heartbeat()
    elif entry.key.knob == "aligned_s":
        station.arm_aligned()
    return "Accepted"


def _find(model: list[Entry], asked: Any) -> tuple[str, Entry | None]:
    place = _place(asked.component)
    for entry in model:
        if entry.matches(place, asked.variable.name, asked.variable.instance):
            return "Accepted", entry
    known = any(entry.place == place for entry in model)
    return "UnknownVariable" if known else "UnknownComponent", None


def _place(component: Any) -> Place:
    evse = component.evse
    return Place(
        component.name.lower(),
        component.instance,
        evse.id if evse is not None else None,
        evse.connector_id if evse is not None else None,
    )


def on_base_report(station: Station, speaker: Speaker, request: Any) -> Any:
    model = entries(station)
    if request.report_base == "ConfigurationInventory":
        model = [entry for entry in model if entry.writable]
    elif request.report_base == "SummaryInventory":
        model = [entry for entry in model if entry.variable in {"AvailabilityState", "Available"}]
    data = [_report_data(station, speaker.words, entry) for entry in model]
    station.talk.after_answer(partial(speaker.report, request.request_id, data))
    return speaker.words.GetBaseReportResponse(status="Accepted")


def on_report(station: Station, speaker: Speaker, request: Any) -> Any:
    model = entries(station)
    if request.component_variable is not None:
        model = [e for e in model if any(_asked_for(e, cv) for cv in request.component_variable)]
    if request.component_criteria is not None:
        wanted = set(request.component_criteria)
        model = [e for e in model if e.variable in wanted and e.key.fixed != "false"]
    if not model:
        return speaker.words.GetReportResponse(status="EmptyResultSet")
    data = [_report_data(station, speaker.words, entry) for entry in model]
    station.talk.after_answer(partial(speaker.report, request.request_id, data))
    return speaker.words.GetReportResponse(status="Accepted")


def _asked_for(entry: Entry, asked: Any) -> bool:
    """Whatever the request leaves open matches everything."""
    place = _place(asked.component)
    mine = entry.place
    return (
        place.name == mine.name
        and place.instance in (None, mine.instance)
        and place.evse in (None, mine.evse)
        and place.connector in (None, mine.connector)
        and (asked.variable is None or asked.variable.name.lower() == entry.variable.lower())
    )


def _report_data(station: Station, words: ModuleType, entry: Entry) -> Any:
    evse = None
    if entry.evse is not None:
        evse = words.EVSE(id=entry.evse, connector_id=entry.connector)
    key = entry.key
    mutability = "WriteOnly" if key.secret else "ReadWrite" if entry.writable else "ReadOnly"
    attribute = words.VariableAttribute(
        value=None if key.secret else key.read(station.knobs),
        mutability=mutability if mutability != "ReadWrite" else None,
    )
    return words.ReportData(
        component=words.Component(
            name=entry.component, instance=entry.component_instance, evse=evse
        ),
        variable=words.Variable(name=entry.variable, instance=entry.instance),
        variable_attribute=(attribute,),
        variable_characteristics=words.VariableCharacteristics(
            data_type=key.data_type, unit=key.unit or None, supports_monitoring=False
        ),
    )


def on_data_transfer(_station: Station, speaker: Speaker, _request: Any) -> Any:
    return speaker.words.DataTransferResponse(status="UnknownVendorId")


def on_clear_cache(station: Station, speaker: Speaker, _request: Any) -> Any:
    station.cache.clear()
    status = "Accepted" if station.knobs.cache else "Rejected"
    return speaker.words.ClearCacheResponse(status=status)


def on_list_version(station: Station, speaker: Speaker, _request: Any) -> Any:
    version = station.local_list_version if station.knobs.local_list else 0
    return speaker.words.GetLocalListVersionResponse(version_number=version)


def on_local_list(station: Station, speaker: Speaker, request: Any) -> Any:
    respond = speaker.words.SendLocalListResponse
    full = request.update_type == "Full"
    if not station.knobs.local_list:
        return respond(status="Failed")
    if not full and request.version_number <= station.local_list_version:
        return respond(status="VersionMismatch")
    after = {} if full else dict(station.local_list)
    for entry in request.local_authorization_list or ():
        token = entry.id_token.id_token
        if entry.id_token_info is None:
            after.pop(token, None)
        else:
            after[token] = entry.id_token_info.status == "Accepted"
    if len(after) > _LIST_MAX:
        return respond(status="Failed")
    station.local_list, station.local_list_version = after, request.version_number
    return respond(status="Accepted")


def on_tx_status(station: Station, speaker: Speaker, request: Any) -> Any:
    respond = speaker.words.GetTransactionStatusResponse
    ref = request.transaction_id
    if ref is None:
        return respond(messages_in_queue=station.talk.durable_waiting > 0)
    return respond(
        messages_in_queue=station.talk.waits_for(ref),
        ongoing_indicator=station.transaction(ref) is not None,
    )


def on_limit(station: Station, speaker: Speaker, request: Any) -> Any:
    respond = speaker.words.SetChargingProfileResponse
    profile, outlet = request.charging_profile, station.outlet(request.evse_id)
    if request.evse_id != 0 and outlet is None:
        return respond(status="Rejected")
    tx = station.transaction(profile.transaction_id) if profile.transaction_id else None
    if profile.charging_profile_purpose == "TxProfile" and (tx is None or tx.outlet is not outlet):
        return respond(status="Rejected")  # K01.FR.09: only to a running transaction.
    limit = _limit(request.evse_id, profile, tx.ref if tx is not None else None)
    if limit is None or not station.limits.put(limit):
        return respond(status="Rejected")
    station.talk.after_answer(station.limits_changed)
    return respond(status="Accepted")


def on_clear_limit(station: Station, speaker: Speaker, request: Any) -> Any:
    criteria = request.charging_profile_criteria
    purpose = criteria.charging_profile_purpose if criteria is not None else None
    cleared = 0
    if purpose is None or purpose in _PURPOSES:
        cleared = station.limits.clear(
            limit_id=request.charging_profile_id,
            purpose=_PURPOSES[purpose] if purpose is not None else None,
            stack=criteria.stack_level if criteria is not None else None,
            evse=criteria.evse_id if criteria is not None else None,
        )
    station.talk.after_answer(station.limits_changed)
    return speaker.words.ClearChargingProfileResponse(status="Accepted" if cleared else "Unknown")


def on_composite(station: Station, speaker: Speaker, request: Any) -> Any:
    words = speaker.words
    outlet = station.outlet(request.evse_id) if request.evse_id else station.outlets[0]
    if outlet is None:
        return words.GetCompositeScheduleResponse(status="Rejected")
    now, unit = station.world.now, request.charging_rate_unit or "W"
    volts = station.plan.model.volts * outlet.phases
    periods = tuple(
        words.ChargingSchedulePeriod(
            start_period=int(start_s), limit=round(watts if unit == "W" else watts / volts, 1)
        )
        for start_s, watts in outlet.composite(now, float(request.duration))
    )
    schedule = words.CompositeSchedule(
        evse_id=request.evse_id,
        duration=request.duration,
        schedule_start=datetime.fromtimestamp(now, UTC),
        charging_rate_unit=unit,
        charging_schedule_period=periods,
    )
    return words.GetCompositeScheduleResponse(status="Accepted", schedule=schedule)


def _limit(evse: int, profile: Any, tx_ref: str | None) -> Limit | None:
    """Our form of a charging profile; None for what this station does not support."""
    schedule = profile.charging_schedule[0]
    purpose = _PURPOSES.get(profile.charging_profile_purpose)
    kind: Kind
    match profile.charging_profile_kind:
        case "Absolute" | "Relative" as same:
            kind = same
        case "Recurring":
            kind = profile.recurrency_kind or "Daily"
        case _:
            return None
    if purpose is None or any(p.limit is None for p in schedule.charging_schedule_period):
        return None
    return Limit(
        id=profile.id,
        purpose=purpose,
        stack=profile.stack_level,
        kind=kind,
        unit=schedule.charging_rate_unit,
        evse=evse,
        tx_ref=tx_ref,
        valid_from=profile.valid_from.timestamp() if profile.valid_from else None,
        valid_to=profile.valid_to.timestamp() if profile.valid_to else None,
        start=schedule.start_schedule.timestamp() if schedule.start_schedule else None,
        duration_s=schedule.duration,
        steps=tuple(
            Step(p.start_period, p.limit, p.number_phases)
            for p in schedule.charging_schedule_period
        ),
    )


COMMANDS: Final[Mapping[str, Command]] = {
    "RequestStartTransaction": on_start,
    "RequestStopTransaction": on_stop,
    "Reset": on_reset,
    "UnlockConnector": on_unlock,
    "ChangeAvailability": on_availability,
    "TriggerMessage": on_trigger,
    "GetVariables": on_read_variables,
    "SetVariables": on_write_variables,
    "GetBaseReport": on_base_report,
    "GetReport": on_report,
    "DataTransfer": on_data_transfer,
    "ClearCache": on_clear_cache,
    "GetLocalListVersion": on_list_version,
    "SendLocalList": on_local_list,
    "GetTransactionStatus": on_tx_status,
    "SetChargingProfile": on_limit,
    "ClearChargingProfile": on_clear_limit,
    "GetCompositeSchedule": on_composite,
}
