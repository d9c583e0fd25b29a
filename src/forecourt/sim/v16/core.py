"""What a 1.6 station does with the commands of the core profile, and with triggers.

Each takes the station, its voice and the request, and returns the answer; what follows an answer
(a reset, a triggered message) is left with the conversation until the answer is out.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

from forecourt.protocol.ocpp import v16
from forecourt.protocol.ocpp.values import Message
from forecourt.sim.station import Station
from forecourt.sim.v16.config import BY_LOWER, KEYS, KEYS_MAX
from forecourt.sim.v16.smart import limit_of
from forecourt.sim.v16.table import Command, Speaker, entry, outlet_of

_TLS: Final = 2
_CLIENT_CERTIFICATES: Final = 3


def on_remote_start(station: Station, _: Speaker, request: v16.RemoteStartTransaction) -> Message:
    evse = None
    if request.connector_id is not None:
        named = outlet_of(station, request.connector_id)
        evse = named.id if named is not None else -1
    outlet = station.startable(evse, request.id_tag)
    if outlet is None:
        return v16.RemoteStartTransactionResponse(status="Rejected")
    profile = request.charging_profile
    if profile is not None:
        if profile.charging_profile_purpose != "TxProfile":
            return v16.RemoteStartTransactionResponse(status="Rejected")
        station.limits.put(limit_of(outlet.id, profile, None))
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
    outlet = outlet_of(station, request.connector_id)
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
        named = outlet_of(station, request.connector_id)
        outlets = [named] if named is not None else []
    if not outlets:
        return v16.ChangeAvailabilityResponse(status="Rejected")
    operative = request.type == "Operative"
    when = {station.change_availability(o, operative=operative) for o in outlets}
    station.talk.after_answer(station.availability_changed)
    return v16.ChangeAvailabilityResponse(status="Scheduled" if "later" in when else "Accepted")


def on_trigger(station: Station, speaker: Speaker, request: v16.TriggerMessage) -> Message:
    return v16.TriggerMessageResponse(
        status=_triggered(
            station, speaker, request.requested_message, request.connector_id, extended=False
        )
    )


def on_extended_trigger(
    station: Station, speaker: Speaker, request: v16.ExtendedTriggerMessage
) -> Message:
    return v16.ExtendedTriggerMessageResponse(
        status=_triggered(
            station, speaker, request.requested_message, request.connector_id, extended=True
        )
    )


def _triggered(
    station: Station, speaker: Speaker, what: str, connector_id: int | None, *, extended: bool
) -> v16.TriggerMessageStatus:
    outlet = outlet_of(station, connector_id) if connector_id else None
    if connector_id and outlet is None:
        return "Rejected"
    say = speaker.say(what, outlet, extended=extended)
    if say is None:
        return "NotImplemented"
    station.talk.after_answer(say)
    return "Accepted"


def on_read_configuration(station: Station, _: Speaker, request: v16.GetConfiguration) -> Message:
    asked_keys = request.key or ()
    if len(asked_keys) > KEYS_MAX:
        asked_keys = asked_keys[:KEYS_MAX]  # 5.8: it answers for as many as it can.
    known: list[v16.KeyValue] = []
    unknown: list[str] = []
    for asked in asked_keys or (*KEYS, "NumberOfConnectors"):
        name = BY_LOWER.get(asked.lower(), asked)
        if name in KEYS:
            key = KEYS[name]
            value = None if key.secret else key.read(station.knobs)
            readonly = not key.writable
            known.append(v16.KeyValue(key=name, readonly=readonly, value=value))
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
    before = station.knobs.security_profile
    if key is None:
        status = "NotSupported"
    elif not key.writable or not key.write(station.knobs, request.value):
        status = "Rejected"
    elif name == "SecurityProfile" and not _may_secure(station, before):
        station.knobs.security_profile = before
        status = "Rejected"
    else:
        _turned(station, key.knob, before)
    return v16.ChangeConfigurationResponse(status=status)


def _may_secure(station: Station, before: int) -> bool:
    """Security extension, A05: only upwards, and only with what the profile needs."""
    wanted = station.knobs.security_profile
    if wanted < before:
        return False
    if wanted >= _TLS and not station.vault.roots("CSMSRoot"):
        return False
    return wanted < _CLIENT_CERTIFICATES or station.has_identity


def _turned(station: Station, knob: str, before: int) -> None:
    """What takes effect at once."""
    match knob:
        case "heartbeat_s":
            station.arm_heartbeat()
        case "aligned_s":
            station.arm_aligned()
        case "ping_s":
            station.arm_ping()
        case "password" | "security_profile":
            station.talk.after_answer(partial(_secured, station, before))
        case "cache" if not station.knobs.cache:
            station.cards.cache.clear()


def _secured(station: Station, before: int) -> None:
    station.voice.security_event("ReconfigurationOfSecurityParameters")
    station.reconnect(before=before)


def on_data_transfer(station: Station, _: Speaker, request: v16.DataTransfer) -> Message:
    """A maker's own door: stations with one echo what they are sent."""
    if "vendor" not in station.plan.features or request.vendor_id != vendor_id(station):
        return v16.DataTransferResponse(status="UnknownVendorId")
    if request.message_id != "Echo":
        return v16.DataTransferResponse(status="UnknownMessageId")
    return v16.DataTransferResponse(status="Accepted", data=request.data)


def vendor_id(station: Station) -> str:
    return f"com.{station.plan.model.vendor.lower()}"


def on_clear_cache(station: Station, _: Speaker, _request: v16.ClearCache) -> Message:
    station.cards.cache.clear()
    return v16.ClearCacheResponse(status="Accepted" if station.knobs.cache else "Rejected")


COMMANDS: Final[Mapping[type[Message], Command[Message]]] = dict(
    [
        entry(v16.RemoteStartTransaction, on_remote_start),
        entry(v16.RemoteStopTransaction, on_remote_stop),
        entry(v16.Reset, on_reset),
        entry(v16.UnlockConnector, on_unlock),
        entry(v16.ChangeAvailability, on_availability),
        entry(v16.TriggerMessage, on_trigger),
        entry(v16.ExtendedTriggerMessage, on_extended_trigger),
        entry(v16.GetConfiguration, on_read_configuration),
        entry(v16.ChangeConfiguration, on_change_configuration),
        entry(v16.DataTransfer, on_data_transfer),
        entry(v16.ClearCache, on_clear_cache),
    ]
)
