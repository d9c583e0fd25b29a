"""What a 1.6 station does with each command: one function each, and the table of them.

Each takes the station, its voice and the request, and returns the answer; what follows an answer
(a reset, a triggered message) is left with the conversation until the answer is out.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final, Protocol, TypeAlias, TypeVar

from forecourt.protocol.ocpp import v16
from forecourt.protocol.ocpp.values import Message
from forecourt.sim.config16 import BY_LOWER, KEYS
from forecourt.sim.limits import Kind, Limit, Purpose, Step
from forecourt.sim.outlet import Outlet
from forecourt.sim.station import Station

_LIST_MAX: Final = 1_000
_PURPOSES: Final[Mapping[v16.ChargingProfilePurposeType, Purpose]] = {
    "ChargePointMaxProfile": "Station",
    "TxDefaultProfile": "TxDefault",
    "TxProfile": "Tx",
}


class Speaker(Protocol):
    """The one thing that a command needs of the voice."""

    def say(self, what: str, outlet: Outlet | None) -> Callable[[], None] | None: ...


_M = TypeVar("_M", bound=Message)
Command: TypeAlias = Callable[[Station, Speaker, _M], Message]


def _outlet(station: Station, connector_id: int) -> Outlet | None:
    """1.6 counts connectors through the whole station."""
    for outlet in station.outlets:
        if any(connector.number == connector_id for connector in outlet.connectors):
            return outlet
    return None


def on_remote_start(station: Station, _: Speaker, request: v16.RemoteStartTransaction) -> Message:
    evse = None
    if request.connector_id is not None:
        named = _outlet(station, request.connector_id)
        evse = named.id if named is not None else -1
    outlet = station.startable(evse)
    if outlet is None:
        return v16.RemoteStartTransactionResponse(status="Rejected")
    if request.charging_profile is not None:
        station.limits.put(_limit(outlet.id, request.charging_profile, None))
    start = partial(station.remote_start, outlet, request.id_tag, None)
    station.talk.after_answer(start)
    return v16.RemoteStartTransactionResponse(status="Accepted")


def on_remote_stop(station: Station, _: Speaker, request: v16.RemoteStopTransaction) -> Message:
    for outlet in station.outlets:
        if outlet.tx is not None and outlet.tx.wire_id == request.transaction_id:
            station.talk.after_answer(partial(station.stop, outlet, "Remote", "RemoteStop"))
            return v16.RemoteStopTransactionResponse(status="Accepted")
    return v16.RemoteStopTransactionResponse(status="Rejected")


def on_reset(station: Station, _: Speaker, request: v16.Reset) -> Message:
    reset = partial(station.reset, "SoftReset" if request.type == "Soft" else "HardReset")
    station.talk.after_answer(reset)
    return v16.ResetResponse(status="Accepted")


def on_unlock(station: Station, _: Speaker, request: v16.UnlockConnector) -> Message:
    outlet = _outlet(station, request.connector_id)
    if outlet is None:
        return v16.UnlockConnectorResponse(status="NotSupported")
    if all(c.plug in {"TYPE2_CABLE", "J1772"} for c in outlet.connectors):
        return v16.UnlockConnectorResponse(status="NotSupported")  # Nothing here locks a plug.
    if outlet.tx is not None:
        stop = partial(station.stop, outlet, "UnlockCommand", "UnlockCommand")
        station.talk.after_answer(stop)
    return v16.UnlockConnectorResponse(status="Unlocked")


def on_availability(station: Station, _: Speaker, request: v16.ChangeAvailability) -> Message:
    if request.connector_id == 0:
        outlets = station.outlets
    else:
        named = _outlet(station, request.connector_id)
        outlets = [named] if named is not None else []
    if not outlets:
        return v16.ChangeAvailabilityResponse(status="Rejected")
    operative = request.type == "Operative"
    when = {station.change_availability(o, operative=operative) for o in outlets}
    return v16.ChangeAvailabilityResponse(status="Scheduled" if "later" in when else "Accepted")


def on_trigger(station: Station, speaker: Speaker, request: v16.TriggerMessage) -> Message:
    return v16.TriggerMessageResponse(
        status=_triggered(station, speaker, request.requested_message, request.connector_id)
    )


def on_extended_trigger(
    station: Station, speaker: Speaker, request: v16.ExtendedTriggerMessage
) -> Message:
    return v16.ExtendedTriggerMessageResponse(
        status=_triggered(station, speaker, request.requested_message, request.connector_id)
    )


def _triggered(
    station: Station, speaker: Speaker, what: str, connector_id: int | None
) -> v16.TriggerMessageStatus:
    outlet = _outlet(station, connector_id) if connector_id else None
    if connector_id and outlet is None:
        return "Rejected"
    say = speaker.say(what, outlet)
    if say is None:
        return "NotImplemented"
    station.talk.after_answer(say)
    return "Accepted"


def on_read_configuration(station: Station, _: Speaker, request: v16.GetConfiguration) -> Message:
    known: list[v16.KeyValue] = []
    unknown: list[str] = []
    for asked in request.key or (*KEYS, "NumberOfConnectors"):
        name = BY_LOWER.get(asked.lower(), asked)
        if name in KEYS:
            key = KEYS[name]
            value = None if key.secret else key.read(station.knobs)
            known.append(v16.KeyValue(key=name, readonly=key.readonly, value=value))
        elif name.lower() == "numberofconnectors":
            count = sum(len(o.connectors) for o in station.outlets)
            known.append(v16.KeyValue(key="NumberOfConnectors", readonly=True, value=str(count)))
        else:
            unknown.append(asked)
    return v16.GetConfigurationResponse(
        configuration_key=tuple(known), unknown_key=tuple(unknown) or None
    )


def on_change_configuration(
    station: Station, _: Speaker, request: v16.ChangeConfiguration
) -> Message:
    name = BY_LOWER.get(request.key.lower(), request.key)
    key = KEYS.get(name)
    status: v16.ConfigurationStatus = "Accepted"
    if key is None:
        status = "NotSupported"
    elif key.readonly or not key.write(station.knobs, request.value):
        status = "Rejected"
    elif key.knob == "heartbeat_s":
        station.arm_heartbeat()
    elif key.knob == "aligned_s":
        station.arm_aligned()
    return v16.ChangeConfigurationResponse(status=status)


def on_data_transfer(_station: Station, _: Speaker, _request: v16.DataTransfer) -> Message:
    return v16.DataTransferResponse(status="UnknownVendorId")


def on_clear_cache(station: Station, _: Speaker, _request: v16.ClearCache) -> Message:
    station.cache.clear()
    return v16.ClearCacheResponse(status="Accepted" if station.knobs.cache else "Rejected")


def on_list_version(station: Station, _: Speaker, _request: v16.GetLocalListVersion) -> Message:
    version = station.local_list_version if station.knobs.local_list else -1
    return v16.GetLocalListVersionResponse(list_version=version)


def on_local_list(station: Station, _: Speaker, request: v16.SendLocalList) -> Message:
    if not station.knobs.local_list:
        return v16.SendLocalListResponse(status="NotSupported")
    entries = request.local_authorization_list or ()
    full = request.update_type == "Full"
    if not full and request.list_version <= station.local_list_version:
        return v16.SendLocalListResponse(status="VersionMismatch")
    after = {} if full else dict(station.local_list)
    for entry in entries:
        if entry.id_tag_info is None:
            after.pop(entry.id_tag, None)  # 1.6 (9.5): a tag without info is to be removed.
        else:
            after[entry.id_tag] = entry.id_tag_info.status == "Accepted"
    if len(after) > _LIST_MAX:
        return v16.SendLocalListResponse(status="Failed")
    station.local_list, station.local_list_version = after, request.list_version
    return v16.SendLocalListResponse(status="Accepted")


def on_limit(station: Station, _: Speaker, request: v16.SetChargingProfile) -> Message:
    rejected = v16.SetChargingProfileResponse(status="Rejected")
    outlet = _outlet(station, request.connector_id) if request.connector_id else None
    if request.connector_id and outlet is None:
        return rejected
    profile = request.cs_charging_profiles
    tx = outlet.tx if outlet is not None else None
    if profile.charging_profile_purpose == "TxProfile" and tx is None:
        return rejected  # 1.6 (5.16): only to a running transaction.
    if profile.charging_profile_purpose == "ChargePointMaxProfile" and outlet is not None:
        return rejected
    limit = _limit(outlet.id if outlet is not None else 0, profile, tx.ref if tx else None)
    if not station.limits.put(limit):
        return rejected
    station.talk.after_answer(station.limits_changed)
    return v16.SetChargingProfileResponse(status="Accepted")


def on_clear_limit(station: Station, _: Speaker, request: v16.ClearChargingProfile) -> Message:
    evse = request.connector_id
    if evse:
        outlet = _outlet(station, evse)
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
    outlet = _outlet(station, request.connector_id) if request.connector_id else station.outlets[0]
    if outlet is None:
        return v16.GetCompositeScheduleResponse(status="Rejected")
    now = station.world.now
    unit = request.charging_rate_unit or "W"
    volts = station.plan.model.volts * outlet.phases
    periods = tuple(
        v16.ChargingSchedulePeriod(
            start_period=int(start_s), limit=round(watts if unit == "W" else watts / volts, 1)
        )
        for start_s, watts in outlet.composite(now, float(request.duration))
    )
    return v16.GetCompositeScheduleResponse(
        status="Accepted",
        connector_id=request.connector_id,
        schedule_start=datetime.fromtimestamp(now, UTC),
        charging_schedule=v16.ChargingSchedule(
            duration=request.duration, charging_rate_unit=unit, charging_schedule_period=periods
        ),
    )


def _limit(evse: int, profile: v16.ChargingProfile, tx_ref: str | None) -> Limit:
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
        valid_from=profile.valid_from.timestamp() if profile.valid_from else None,
        valid_to=profile.valid_to.timestamp() if profile.valid_to else None,
        start=schedule.start_schedule.timestamp() if schedule.start_schedule else None,
        duration_s=schedule.duration,
        steps=tuple(
            Step(p.start_period, p.limit, p.number_phases)
            for p in schedule.charging_schedule_period
        ),
    )


def _entry(kind: type[_M], command: Command[_M]) -> tuple[type[Message], Command[Message]]:
    return kind, command  # type: ignore[return-value]  # the key is the type that it takes


COMMANDS: Final[Mapping[type[Message], Command[Message]]] = dict(
    [
        _entry(v16.RemoteStartTransaction, on_remote_start),
        _entry(v16.RemoteStopTransaction, on_remote_stop),
        _entry(v16.Reset, on_reset),
        _entry(v16.UnlockConnector, on_unlock),
        _entry(v16.ChangeAvailability, on_availability),
        _entry(v16.TriggerMessage, on_trigger),
        _entry(v16.ExtendedTriggerMessage, on_extended_trigger),
        _entry(v16.GetConfiguration, on_read_configuration),
        _entry(v16.ChangeConfiguration, on_change_configuration),
        _entry(v16.DataTransfer, on_data_transfer),
        _entry(v16.ClearCache, on_clear_cache),
        _entry(v16.GetLocalListVersion, on_list_version),
        _entry(v16.SendLocalList, on_local_list),
        _entry(v16.SetChargingProfile, on_limit),
        _entry(v16.ClearChargingProfile, on_clear_limit),
        _entry(v16.GetCompositeSchedule, on_composite),
    ]
)
