"""What a 2.x station does when it is told to start, stop, reset, unlock, or say something."""

from functools import partial
from typing import Any, Final

from forecourt.sim.cards import Known
from forecourt.sim.station import Station
from forecourt.sim.v2x.smart import profile_fault, to_limit
from forecourt.sim.v2x.table import Commands, Speaker


def on_start(speaker: Speaker, request: Any) -> Any:
    station, respond = speaker.station, speaker.words.RequestStartTransactionResponse
    token = request.id_token.id_token
    group = request.group_id_token.id_token if request.group_id_token is not None else None
    outlet = station.startable(request.evse_id, token, group)
    if outlet is None:
        return respond(status="Rejected")
    speaker.remember_type(token, request.id_token.type)
    profile = request.charging_profile
    if profile is not None:
        # F01.FR.08 and after: a profile that comes along is for this transaction.
        if profile.charging_profile_purpose != "TxProfile" or profile_fault(speaker, profile):
            return respond(status="Rejected")
        limit = to_limit(outlet.id, profile, outlet.tx.ref if outlet.tx is not None else None)
        if limit is None or not station.limits.put(limit):
            return respond(status="Rejected")
    start = partial(station.remote_start, outlet, token, request.remote_start_id, group)
    station.talk.after_answer(start)
    return respond(
        status="Accepted", transaction_id=outlet.tx.ref if outlet.tx is not None else None
    )


def on_stop(speaker: Speaker, request: Any) -> Any:
    station, respond = speaker.station, speaker.words.RequestStopTransactionResponse
    tx = station.transaction(request.transaction_id)
    if tx is None:
        return respond(status="Rejected")
    station.talk.after_answer(partial(station.stop, tx.outlet, "Remote", "RemoteStop"))
    return respond(status="Accepted")


def on_reset(speaker: Speaker, request: Any) -> Any:
    station, respond = speaker.station, speaker.words.ResetResponse
    if request.evse_id:
        return respond(status="Rejected")  # All outlets share one controller.
    if request.type == "OnIdle":
        now = station.reset_when_idle()
        return respond(status="Accepted" if now else "Scheduled")
    resume = request.type == "ImmediateAndResume"
    station.talk.after_answer(partial(station.reset, "HardReset", resume=resume))
    return respond(status="Accepted")


def on_unlock(speaker: Speaker, request: Any) -> Any:
    outlet = speaker.station.outlet(request.evse_id)
    status = "Unlocked"
    if outlet is None or all(c.id != request.connector_id for c in outlet.connectors):
        status = "UnknownConnector"
    elif outlet.tx is not None and outlet.token is not None:
        status = "OngoingAuthorizedTransaction"
    return speaker.words.UnlockConnectorResponse(status=status)


def on_availability(speaker: Speaker, request: Any) -> Any:
    station = speaker.station
    if request.evse is None or request.evse.id == 0:
        outlets = station.outlets
    else:
        named = station.outlet(request.evse.id)
        outlets = [named] if named is not None else []
    operative = request.operational_status == "Operative"
    when = {station.change_availability(o, operative=operative) for o in outlets}
    station.talk.after_answer(station.availability_changed)
    status = "Rejected" if not outlets else "Scheduled" if "later" in when else "Accepted"
    return speaker.words.ChangeAvailabilityResponse(status=status)


def on_trigger(speaker: Speaker, request: Any) -> Any:
    station, respond = speaker.station, speaker.words.TriggerMessageResponse
    outlet = None
    if request.evse is not None and request.evse.id != 0:
        outlet = station.outlet(request.evse.id)
        if outlet is None:
            return respond(status="Rejected")
    custom = request.custom_trigger if speaker.newest else None
    say = speaker.say(request.requested_message, outlet, custom)
    if say is None:
        return respond(status="NotImplemented")
    if request.requested_message == "BootNotification" and station.registration == "Accepted":
        return respond(status="Rejected")  # F06.FR.17: it has booted, and may not again.
    station.talk.after_answer(say)
    return respond(status="Accepted")


def on_tx_status(speaker: Speaker, request: Any) -> Any:
    station, respond = speaker.station, speaker.words.GetTransactionStatusResponse
    ref = request.transaction_id
    if ref is None:
        return respond(messages_in_queue=station.talk.durable_waiting > 0)
    return respond(
        messages_in_queue=station.talk.waits_for(ref),
        ongoing_indicator=station.transaction(ref) is not None,
    )


def vendor_id(station: Station) -> str:
    return f"com.{station.plan.model.vendor.lower()}"


def on_data_transfer(speaker: Speaker, request: Any) -> Any:
    """A maker's own door: stations with one echo what they are sent."""
    station, respond = speaker.station, speaker.words.DataTransferResponse
    if "vendor" not in station.plan.features or request.vendor_id != vendor_id(station):
        return respond(status="UnknownVendorId")
    if request.message_id != "Echo":
        return respond(status="UnknownMessageId")
    return respond(status="Accepted", data=request.data)


def known_of(info: Any) -> Known:
    """What an answer or a list says of a card."""
    until = info.cache_expiry_date_time
    return Known(
        accepted=info.status == "Accepted",
        group=info.group_id_token.id_token if info.group_id_token is not None else None,
        until=until.timestamp() if until is not None else None,
    )


COMMANDS: Final[Commands] = {
    "RequestStartTransaction": on_start,
    "RequestStopTransaction": on_stop,
    "Reset": on_reset,
    "UnlockConnector": on_unlock,
    "ChangeAvailability": on_availability,
    "TriggerMessage": on_trigger,
    "GetTransactionStatus": on_tx_status,
    "DataTransfer": on_data_transfer,
}
