"""Commands in the words of OCPP 2.0.1, which 2.1 understands as well."""

from collections.abc import Mapping
from typing import Final, assert_never

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
    VariableName,
    VariableResult,
)
from forecourt.edge.ocpp.commands import Asked, Told, outcome, unsupported
from forecourt.protocol.ocpp import v21, v201
from forecourt.protocol.ocpp.values import Message

VALUE_LENGTH_MAX: Final = 1000

TRIGGERS: Final[Mapping[str, v201.MessageTriggerEnum]] = {
    "boot": "BootNotification",
    "heartbeat": "Heartbeat",
    "status": "StatusNotification",
    "meter_values": "MeterValues",
    "firmware": "FirmwareStatusNotification",
    "log": "LogStatusNotification",
    "transaction": "TransactionEvent",
}

REPORTS: Final[Mapping[str, v201.ReportBaseEnum]] = {
    "configuration": "ConfigurationInventory",
    "full": "FullInventory",
    "summary": "SummaryInventory",
}


def ask(command: Command, request_id: int) -> Asked | Answer:  # noqa: C901, PLR0911 (one case for each command)
    """The message to send, or why 2.x has none."""
    match command:
        case Start():
            token = v201.IdToken(id_token=command.token, type=command.token_type)
            return Asked(
                v201.RequestStartTransaction(
                    id_token=token, remote_start_id=request_id, evse_id=command.evse
                ),
                request_id,
            )
        case Stop():
            return Asked(v201.RequestStopTransaction(transaction_id=command.transaction))
        case Reset():
            return Asked(
                v201.Reset(
                    type="OnIdle" if command.mode == "soft" else "Immediate", evse_id=command.evse
                )
            )
        case Unlock():
            return Asked(v201.UnlockConnector(evse_id=command.evse, connector_id=command.connector))
        case Availability():
            return Asked(
                v201.ChangeAvailability(
                    operational_status="Operative" if command.operative else "Inoperative",
                    evse=_evse(command.evse or None, command.connector),
                )
            )
        case Trigger():
            return Asked(
                v201.TriggerMessage(
                    requested_message=TRIGGERS[command.message],
                    evse=_evse(command.evse, command.connector),
                )
            )
        case GetVariables():
            return _ask_get(command)
        case SetVariables():
            return _ask_set(command)
        case GetReport():
            return Asked(
                v201.GetBaseReport(request_id=request_id, report_base=REPORTS[command.base]),
                request_id,
            )
        case DataTransfer():
            return Asked(
                v201.DataTransfer(
                    vendor_id=command.vendor, message_id=command.message, data=command.data
                )
            )
        case ClearCache():
            return Asked(v201.ClearCache())
    assert_never(command)


def _ask_get(command: GetVariables) -> Asked | Answer:
    if not command.variables:
        return unsupported("2.x reads variables by name; ask for a report to see all")
    wanted = tuple(
        v201.GetVariableData(
            component=_component(name),
            variable=v201.Variable(name=name.variable, instance=name.instance),
            attribute_type=name.attribute,
        )
        for name in command.variables
    )
    return Asked(v201.GetVariables(get_variable_data=wanted))


def _ask_set(command: SetVariables) -> Asked | Answer:
    if any(len(name.value) > VALUE_LENGTH_MAX for name in command.variables):
        return unsupported(f"values have at most {VALUE_LENGTH_MAX} characters")
    values = tuple(
        v201.SetVariableData(
            attribute_value=name.value,
            component=_component(name),
            variable=v201.Variable(name=name.variable, instance=name.instance),
            attribute_type=name.attribute,
        )
        for name in command.variables
    )
    return Asked(v201.SetVariables(set_variable_data=values))


def understand(command: Command, asked: Asked, response: Message) -> Told:
    """The station's answer in the domain's words."""
    match response:
        case v201.GetVariablesResponse() | v21.GetVariablesResponse():
            return _variables(response)
        case v201.SetVariablesResponse() | v21.SetVariablesResponse():
            assert isinstance(command, SetVariables)
            return _set(command, response)
        case _:
            pass
    status = str(getattr(response, "status", ""))
    info = getattr(response, "status_info", None)
    data = getattr(response, "data", None)
    return Told(
        Answer(
            outcome=outcome(status),
            status=status,
            reason=f"{info.reason_code} {info.additional_info or ''}".strip() if info else "",
            data=None if data is None else str(data),
            request_id=asked.request_id,
        )
    )


def _variables(response: v201.GetVariablesResponse | v21.GetVariablesResponse) -> Told:
    results, learnt = [], []
    for found in response.get_variable_result:
        component, variable = found.component, found.variable
        results.append(
            VariableResult(
                variable=variable.name,
                component=component.name,
                status=found.attribute_status,
                value=found.attribute_value,
            )
        )
        if found.attribute_status == "Accepted":
            learnt.append(
                _variable(component, variable, found.attribute_type, found.attribute_value)
            )
    worked = any(result.status == "Accepted" for result in results)
    answer = Answer(
        outcome=Outcome.ACCEPTED if worked else Outcome.REJECTED, variables=tuple(results)
    )
    return Told(answer, learnt)


def _set(
    command: SetVariables, response: v201.SetVariablesResponse | v21.SetVariablesResponse
) -> Told:
    values = {(name.component, name.variable): name.value for name in command.variables}
    results, learnt = [], []
    for found in response.set_variable_result:
        component, variable = found.component, found.variable
        value = values.get((component.name, variable.name))
        results.append(
            VariableResult(
                variable=variable.name,
                component=component.name,
                status=found.attribute_status,
                value=value,
            )
        )
        if found.attribute_status in ("Accepted", "RebootRequired"):
            learnt.append(_variable(component, variable, found.attribute_type, value))
    all_set = len(learnt) == len(results)
    answer = Answer(
        outcome=Outcome.ACCEPTED if all_set else Outcome.REJECTED, variables=tuple(results)
    )
    return Told(answer, learnt)


def _variable(
    component: v201.Component | v21.Component,
    variable: v201.Variable | v21.Variable,
    attribute: str | None,
    value: str | None,
) -> Variable:
    evse = component.evse
    return Variable(
        component=component.name,
        component_instance=component.instance or "",
        evse_no=0 if evse is None else evse.id,
        connector_no=0 if evse is None else evse.connector_id or 0,
        variable=variable.name,
        variable_instance=variable.instance or "",
        attribute=attribute or "Actual",
        value=value,
    )


def _component(name: VariableName) -> v201.Component:
    return v201.Component(
        name=name.component,
        instance=name.component_instance,
        evse=_evse(name.evse, name.connector),
    )


def _evse(evse_no: int | None, connector_no: int | None) -> v201.EVSE | None:
    return None if evse_no is None else v201.EVSE(id=evse_no, connector_id=connector_no)
