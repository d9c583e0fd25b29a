"""Commands in the words of OCPP 1.6."""

from collections.abc import Mapping
from typing import Final, assert_never

import msgspec

from forecourt.domain.stations import (
    Answer,
    Availability,
    ClearCache,
    Command,
    DataTransfer,
    GetReport,
    GetVariables,
    Outcome,
    Reset,
    SetVariables,
    Start,
    Stop,
    Trigger,
    Unlock,
    Variable,
    VariableResult,
)
from forecourt.edge.ocpp.commands import Asked, Told, outcome, unsupported
from forecourt.protocol.ocpp import v16
from forecourt.protocol.ocpp.values import Message

ID_TAG_LENGTH_MAX: Final = 20
VALUE_LENGTH_MAX: Final = 500

TRIGGERS: Final[Mapping[str, v16.MessageTrigger]] = {
    "boot": "BootNotification",
    "heartbeat": "Heartbeat",
    "status": "StatusNotification",
    "meter_values": "MeterValues",
    "firmware": "FirmwareStatusNotification",
    "log": "DiagnosticsStatusNotification",
}


def ask(command: Command, _request_id: int) -> Asked | Answer:  # noqa: C901, PLR0911, PLR0912 (one case for each command)
    """The message to send, or why 1.6 has none."""
    match command:
        case Start():
            if len(command.token) > ID_TAG_LENGTH_MAX:
                return unsupported(f"1.6 tokens have at most {ID_TAG_LENGTH_MAX} characters")
            return Asked(
                v16.RemoteStartTransaction(id_tag=command.token, connector_id=command.evse)
            )
        case Stop():
            if not command.transaction.isdecimal():
                return unsupported("1.6 transactions have numbers")
            return Asked(v16.RemoteStopTransaction(transaction_id=int(command.transaction)))
        case Reset():
            if command.evse is not None:
                return unsupported("1.6 resets whole stations")
            return Asked(v16.Reset(type="Soft" if command.mode == "soft" else "Hard"))
        case Unlock():
            return Asked(v16.UnlockConnector(connector_id=command.evse))
        case Availability():
            return Asked(
                v16.ChangeAvailability(
                    connector_id=command.evse,
                    type="Operative" if command.operative else "Inoperative",
                )
            )
        case Trigger():
            message = TRIGGERS.get(command.message)
            if message is None:
                return unsupported(f"1.6 cannot trigger {command.message}")
            return Asked(v16.TriggerMessage(requested_message=message, connector_id=command.evse))
        case GetVariables():
            keys = tuple(name.variable for name in command.variables)
            return Asked(v16.GetConfiguration(key=keys or None))
        case GetReport():
            return Asked(v16.GetConfiguration())
        case SetVariables():
            if len(command.variables) > 1:
                return unsupported("1.6 sets one key at a time")
            name = command.variables[0]
            if len(name.value) > VALUE_LENGTH_MAX:
                return unsupported(f"1.6 values have at most {VALUE_LENGTH_MAX} characters")
            return Asked(v16.ChangeConfiguration(key=name.variable, value=name.value))
        case DataTransfer():
            return Asked(
                v16.DataTransfer(
                    vendor_id=command.vendor, message_id=command.message, data=command.data
                )
            )
        case ClearCache():
            return Asked(v16.ClearCache())
    assert_never(command)


def understand(command: Command, asked: Asked, response: Message) -> Told:
    """The station's answer in the domain's words."""
    match response:
        case v16.GetConfigurationResponse():
            return _configuration(asked.request, response)
        case v16.ChangeConfigurationResponse():
            assert isinstance(command, SetVariables)
            name = command.variables[0]
            result = VariableResult(
                variable=name.variable, status=response.status, value=name.value
            )
            told = Answer(
                outcome=outcome(response.status), status=response.status, variables=(result,)
            )
            changed = told.outcome is Outcome.ACCEPTED
            learnt = Variable(component="", variable=name.variable, value=name.value)
            return Told(told, (learnt,) if changed else ())
        case v16.DataTransferResponse():
            return Told(
                Answer(outcome=outcome(response.status), status=response.status, data=response.data)
            )
        case _:
            status = str(getattr(response, "status", ""))
            return Told(Answer(outcome=outcome(status), status=status))


def _configuration(request: Message, response: v16.GetConfigurationResponse) -> Told:
    """Keys are CiStrings: stations spell them as they like, and add blanks (field quirk 28)."""
    asked = (request.key or ()) if isinstance(request, v16.GetConfiguration) else ()
    spelt = {key.casefold(): key for key in asked}
    keys = [
        msgspec.structs.replace(
            key,
            key=spelt.get(key.key.strip().casefold(), key.key.strip()),
            value=None if key.value is None else key.value.strip(),
        )
        for key in response.configuration_key or ()
    ]
    results = [
        VariableResult(variable=key.key, status="Accepted", value=key.value, readonly=key.readonly)
        for key in keys
    ]
    results += [
        VariableResult(variable=spelt.get(key.strip().casefold(), key), status="UnknownVariable")
        for key in response.unknown_key or ()
    ]
    variables = [
        Variable(
            component="",
            variable=key.key,
            value=key.value,
            mutability="ReadOnly" if key.readonly else "ReadWrite",
        )
        for key in keys
    ]
    answer = Answer(outcome=Outcome.ACCEPTED, variables=tuple(results))
    return Told(answer, variables)
