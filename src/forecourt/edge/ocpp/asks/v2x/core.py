"""OCPP 2.x: start, stop, reset, unlock, trigger and their like."""

from collections.abc import Mapping
from typing import Any, Final

from forecourt.domain.stations import (
    Answer,
    Availability,
    ClearCache,
    DataTransfer,
    Reset,
    Start,
    Stop,
    Trigger,
    Unlock,
)
from forecourt.edge.ocpp.asks.table import Facts, Rows, Told, outcome, row, why
from forecourt.edge.ocpp.asks.v2x.parts import evse
from forecourt.protocol.ocpp import v21, v201

TRIGGERS: Final[Mapping[str, v21.MessageTriggerEnum]] = {
    "boot": "BootNotification",
    "heartbeat": "Heartbeat",
    "status": "StatusNotification",
    "meter_values": "MeterValues",
    "firmware": "FirmwareStatusNotification",
    "log": "LogStatusNotification",
    "transaction": "TransactionEvent",
}


def start(command: Start, facts: Facts) -> v21.RequestStartTransaction:
    return v21.RequestStartTransaction(
        remote_start_id=facts.request_id,
        id_token=v21.IdToken(id_token=command.token, type=command.token_type),
        evse_id=command.evse,
    )


def stop(command: Stop, _: Facts) -> v21.RequestStopTransaction:
    return v21.RequestStopTransaction(transaction_id=command.transaction)


def reset(command: Reset, _: Facts) -> v21.Reset:
    return v21.Reset(type="OnIdle" if command.mode == "soft" else "Immediate", evse_id=command.evse)


def unlock(command: Unlock, _: Facts) -> v21.UnlockConnector:
    return v21.UnlockConnector(evse_id=command.evse, connector_id=command.connector)


def availability(command: Availability, _: Facts) -> v21.ChangeAvailability:
    return v21.ChangeAvailability(
        operational_status="Operative" if command.operative else "Inoperative",
        evse=evse(command.evse or None, command.connector),
    )


def trigger(command: Trigger, _: Facts) -> v21.TriggerMessage:
    return v21.TriggerMessage(
        requested_message=TRIGGERS[command.message], evse=evse(command.evse, command.connector)
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


def clear_cache(_: ClearCache, _facts: Facts) -> v21.ClearCache:
    return v21.ClearCache()


ROWS: Final[Rows] = dict(
    [
        row(Start, v21.RequestStartTransaction, say=start),
        row(Stop, v21.RequestStopTransaction, say=stop),
        row(Reset, v21.Reset, say=reset),
        row(Unlock, v21.UnlockConnector, say=unlock),
        row(Availability, v21.ChangeAvailability, say=availability),
        row(Trigger, v21.TriggerMessage, say=trigger),
        row(DataTransfer, v21.DataTransfer, say=data_transfer, understand=transferred),
        row(ClearCache, v21.ClearCache, say=clear_cache),
    ]
)
