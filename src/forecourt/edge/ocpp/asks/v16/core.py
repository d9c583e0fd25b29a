"""OCPP 1.6: start, stop, reset, unlock, trigger and their like."""

from collections.abc import Mapping
from typing import Final

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
from forecourt.edge.ocpp.asks.table import Facts, Rows, Told, outcome, row, unsupported
from forecourt.edge.ocpp.asks.v16.parts import feature, profile
from forecourt.edge.ocpp.asks.v16.pnc import unwrapped, wrapped
from forecourt.protocol.ocpp import v16, v21

TRIGGERS: Final[Mapping[str, v16.MessageTrigger]] = {
    "boot": "BootNotification",
    "heartbeat": "Heartbeat",
    "status": "StatusNotification",
    "meter_values": "MeterValues",
    "firmware": "FirmwareStatusNotification",
    "diagnostics": "DiagnosticsStatusNotification",
}
EXTENDED: Final[Mapping[str, v16.MessageTriggerEnum]] = {
    "log": "LogStatusNotification",
    "signed_firmware": "FirmwareStatusNotification",
    "sign_certificate": "SignChargePointCertificate",
}
"""What only the security extension can trigger."""


def start(command: Start, _: Facts) -> v16.RemoteStartTransaction | Answer:
    if command.group is not None:
        return unsupported("1.6 starts for a token without its group")
    return v16.RemoteStartTransaction(
        id_tag=command.token,
        connector_id=command.evse,
        charging_profile=None if command.profile is None else profile(command.profile),
    )


def stop(command: Stop, _: Facts) -> v16.RemoteStopTransaction | Answer:
    if not command.transaction.isdecimal():
        return unsupported("1.6 transactions have numbers")
    return v16.RemoteStopTransaction(transaction_id=int(command.transaction))


def reset(command: Reset, _: Facts) -> v16.Reset | Answer:
    if command.evse is not None:
        return unsupported("1.6 resets whole stations")
    if command.mode == "resume":
        return unsupported("1.6 cannot go on with sessions after a reset")
    return v16.Reset(type="Soft" if command.mode == "soft" else "Hard")


def unlock(command: Unlock, _: Facts) -> v16.UnlockConnector:
    return v16.UnlockConnector(connector_id=command.evse)


def availability(command: Availability, _: Facts) -> v16.ChangeAvailability:
    return v16.ChangeAvailability(
        connector_id=command.evse, type="Operative" if command.operative else "Inoperative"
    )


def trigger(
    command: Trigger, _: Facts
) -> v16.TriggerMessage | v16.ExtendedTriggerMessage | v16.DataTransfer | Answer:
    message = TRIGGERS.get(command.message)
    if message is not None:
        return v16.TriggerMessage(requested_message=message, connector_id=command.evse)
    if command.message == "sign_v2g_certificate":
        return wrapped(v21.TriggerMessage(requested_message="SignV2GCertificate"))
    extended = EXTENDED.get(command.message)
    if extended is None:
        return unsupported(f"1.6 cannot trigger {command.message}")
    return v16.ExtendedTriggerMessage(requested_message=extended, connector_id=command.evse)


def data_transfer(command: DataTransfer, _: Facts) -> v16.DataTransfer:
    return v16.DataTransfer(vendor_id=command.vendor, message_id=command.message, data=command.data)


def transferred(
    _: DataTransfer, _request: v16.DataTransfer, response: v16.DataTransferResponse
) -> Told:
    """The vendor's own answer."""
    word = response.status
    return Told(Answer(outcome=outcome(word), status=word, data=response.data))


def clear_cache(_: ClearCache, _facts: Facts) -> v16.ClearCache:
    return v16.ClearCache()


ROWS: Final[Rows] = dict(
    [
        row(Start, v16.RemoteStartTransaction, say=start),
        row(Stop, v16.RemoteStopTransaction, say=stop),
        row(Reset, v16.Reset, say=reset),
        row(Unlock, v16.UnlockConnector, say=unlock),
        row(Availability, v16.ChangeAvailability, say=availability),
        row(
            Trigger,
            v16.TriggerMessage,
            v16.ExtendedTriggerMessage,
            v16.DataTransfer,
            say=trigger,
            understand=unwrapped,
            refuse=feature("RemoteTrigger"),
        ),
        row(DataTransfer, v16.DataTransfer, say=data_transfer, understand=transferred),
        row(ClearCache, v16.ClearCache, say=clear_cache),
    ]
)
