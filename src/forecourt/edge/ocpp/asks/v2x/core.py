"""OCPP 2.x: start, stop, reset, unlock, trigger and their like."""

from collections.abc import Mapping
from typing import Any, Final

from forecourt.domain.stations import (
    Answer,
    Availability,
    ClearCache,
    DataTransfer,
    GetTransactionStatus,
    Outcome,
    Reset,
    Start,
    Started,
    Stop,
    TransactionStatus,
    Trigger,
    Unlock,
)
from forecourt.edge.ocpp.asks.table import Facts, Rows, Told, needs, outcome, row, unsupported, why
from forecourt.edge.ocpp.asks.v2x.parts import evse, profile
from forecourt.protocol.ocpp import v21, v201

TRIGGERS: Final[Mapping[str, v21.MessageTriggerEnum]] = {
    "boot": "BootNotification",
    "heartbeat": "Heartbeat",
    "status": "StatusNotification",
    "meter_values": "MeterValues",
    "firmware": "FirmwareStatusNotification",
    "signed_firmware": "FirmwareStatusNotification",
    "publish_firmware": "PublishFirmwareStatusNotification",
    "log": "LogStatusNotification",
    "diagnostics": "LogStatusNotification",
    "transaction": "TransactionEvent",
    "sign_certificate": "SignChargingStationCertificate",
    "sign_v2g_certificate": "SignV2GCertificate",
    "sign_v2g20_certificate": "SignV2G20Certificate",
    "sign_combined_certificate": "SignCombinedCertificate",
    "custom": "CustomTrigger",
}
RESETS: Final[Mapping[str, v21.ResetEnum]] = {
    "soft": "OnIdle",
    "hard": "Immediate",
    "resume": "ImmediateAndResume",
}


def start(command: Start, facts: Facts) -> v21.RequestStartTransaction:
    return v21.RequestStartTransaction(
        remote_start_id=facts.request_id,
        id_token=v21.IdToken(id_token=command.token, type=command.token_type),
        evse_id=command.evse,
        group_id_token=None
        if command.group is None
        else v21.IdToken(id_token=command.group, type="Central"),
        charging_profile=None if command.profile is None else profile(command.profile),
    )


def started(
    _: Start,
    request: v201.RequestStartTransaction | v21.RequestStartTransaction,
    response: v201.RequestStartTransactionResponse | v21.RequestStartTransactionResponse,
) -> Told:
    """Whether it will start, and in which transaction, where that runs already."""
    word, transaction = response.status, response.transaction_id
    answer = Answer(
        outcome=outcome(word),
        status=word,
        reason=why(response),
        request_id=request.remote_start_id,
        details=None if transaction is None else Started(transaction=transaction),
    )
    return Told(answer)


def stop(command: Stop, _: Facts) -> v21.RequestStopTransaction:
    return v21.RequestStopTransaction(transaction_id=command.transaction)


def reset(command: Reset, _: Facts) -> v21.Reset:
    return v21.Reset(type=RESETS[command.mode], evse_id=command.evse)


def unlock(command: Unlock, _: Facts) -> v21.UnlockConnector:
    return v21.UnlockConnector(evse_id=command.evse, connector_id=command.connector)


def availability(command: Availability, _: Facts) -> v21.ChangeAvailability:
    return v21.ChangeAvailability(
        operational_status="Operative" if command.operative else "Inoperative",
        evse=evse(command.evse or None, command.connector),
    )


def trigger(command: Trigger, _: Facts) -> v21.TriggerMessage | Answer:
    if (command.message == "custom") != (command.custom is not None):
        return unsupported("a custom trigger has a name, and no other has")
    return v21.TriggerMessage(
        requested_message=TRIGGERS[command.message],
        evse=evse(command.evse, command.connector),
        custom_trigger=command.custom,
    )


def data_transfer(command: DataTransfer, _: Facts) -> v21.DataTransfer:
    return v21.DataTransfer(vendor_id=command.vendor, message_id=command.message, data=command.data)


def transferred(
    _: DataTransfer,
    _request: Any,
    response: v201.DataTransferResponse | v21.DataTransferResponse,
) -> Told:
    """The vendor's own answer."""
    word, data = response.status, response.data
    answer = Answer(
        outcome=outcome(word),
        status=word,
        reason=why(response),
        data=None if data is None else str(data),
    )
    return Told(answer)


def transaction_status(command: GetTransactionStatus, _: Facts) -> v21.GetTransactionStatus:
    return v21.GetTransactionStatus(transaction_id=command.transaction)


def status_told(
    _: GetTransactionStatus,
    _request: Any,
    response: v201.GetTransactionStatusResponse | v21.GetTransactionStatusResponse,
) -> Told:
    """Whether it goes on, and whether messages wait."""
    found = TransactionStatus(
        messages_queued=response.messages_in_queue, ongoing=response.ongoing_indicator
    )
    return Told(Answer(outcome=Outcome.ACCEPTED, details=found))


def clear_cache(_: ClearCache, _facts: Facts) -> v21.ClearCache:
    return v21.ClearCache()


ROWS: Final[Rows] = dict(
    [
        row(Start, v21.RequestStartTransaction, say=start, understand=started),
        row(Stop, v21.RequestStopTransaction, say=stop),
        row(Reset, v21.Reset, say=reset),
        row(Unlock, v21.UnlockConnector, say=unlock),
        row(Availability, v21.ChangeAvailability, say=availability),
        row(Trigger, v21.TriggerMessage, say=trigger),
        row(DataTransfer, v21.DataTransfer, say=data_transfer, understand=transferred),
        row(
            ClearCache,
            v21.ClearCache,
            say=clear_cache,
            refuse=needs("Available", "AuthCacheCtrlr"),
        ),
        row(
            GetTransactionStatus,
            v21.GetTransactionStatus,
            say=transaction_status,
            understand=status_told,
        ),
    ]
)
