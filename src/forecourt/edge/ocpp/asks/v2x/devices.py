"""OCPP 2.x: the device model."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from forecourt.domain.devices import place
from forecourt.domain.stations import (
    Answer,
    GetReport,
    GetVariables,
    Outcome,
    SetVariables,
    Variable,
    VariableResult,
)
from forecourt.edge.ocpp.asks import names
from forecourt.edge.ocpp.asks.table import Facts, Rows, Told, row, unsupported
from forecourt.edge.ocpp.asks.v2x.parts import component
from forecourt.protocol.ocpp import v21, v201

REPORTS: Final[Mapping[str, v21.ReportBaseEnum]] = {
    "configuration": "ConfigurationInventory",
    "full": "FullInventory",
    "summary": "SummaryInventory",
}


def report(command: GetReport, facts: Facts) -> v21.GetBaseReport:
    return v21.GetBaseReport(request_id=facts.request_id, report_base=REPORTS[command.base])


def read_variables(command: GetVariables, _: Facts) -> v21.GetVariables | Answer:
    if not command.variables:
        return unsupported("2.x reads variables by name; ask for a report to see all")
    wanted = []
    for asked in command.variables:
        name = names.component_of(asked)
        if isinstance(name, str):
            return unsupported(name)
        wanted.append(
            v21.GetVariableData(
                component=component(name),
                variable=v21.Variable(name=name.variable, instance=name.instance),
                attribute_type=name.attribute,
            )
        )
    return v21.GetVariables(get_variable_data=tuple(wanted))


def set_variables(command: SetVariables, _: Facts) -> v21.SetVariables | Answer:
    values = []
    for asked in command.variables:
        name = names.component_of(asked)
        if isinstance(name, str):
            return unsupported(name)
        value = asked.value if asked.component else names.value_2x(asked.variable, asked.value)
        values.append(
            v21.SetVariableData(
                attribute_value=value,
                component=component(name),
                variable=v21.Variable(name=name.variable, instance=name.instance),
                attribute_type=name.attribute,
            )
        )
    return v21.SetVariables(set_variable_data=tuple(values))


def read(
    _: GetVariables, _request: Any, response: v201.GetVariablesResponse | v21.GetVariablesResponse
) -> Told:
    """What the variables are."""
    results, learnt = [], []
    for found in response.get_variable_result:
        named, variable = found.component, found.variable
        results.append(
            VariableResult(
                variable=variable.name,
                component=named.name,
                status=found.attribute_status,
                value=found.attribute_value,
            )
        )
        if found.attribute_status == "Accepted":
            learnt.append(_variable(named, variable, found.attribute_type, found.attribute_value))
    worked = any(result.status == "Accepted" for result in results)
    answer = Answer(
        outcome=Outcome.ACCEPTED if worked else Outcome.REJECTED, variables=tuple(results)
    )
    return Told(answer, learnt)


def written(
    _: SetVariables,
    request: v201.SetVariables | v21.SetVariables,
    response: v201.SetVariablesResponse | v21.SetVariablesResponse,
) -> Told:
    """Which variables are as they shall be."""
    values = {
        place(_variable(data.component, data.variable, data.attribute_type, None)): (
            data.attribute_value
        )
        for data in request.set_variable_data
    }
    results, learnt = [], []
    for found in response.set_variable_result:
        named, status = found.component, found.attribute_status
        variable = _variable(named, found.variable, found.attribute_type, None)
        value = values.get(place(variable))
        results.append(
            VariableResult(
                variable=variable.variable, component=named.name, status=status, value=value
            )
        )
        if status in ("Accepted", "RebootRequired") and value is not None:
            reboot = status == "RebootRequired"
            learnt.append(replace(variable, value=value, awaits_reboot=reboot))
    all_set = all(result.status in ("Accepted", "RebootRequired") for result in results)
    answer = Answer(
        outcome=Outcome.ACCEPTED if all_set else Outcome.REJECTED, variables=tuple(results)
    )
    return Told(answer, learnt)


def _variable(
    named: v201.Component | v21.Component,
    variable: v201.Variable | v21.Variable,
    attribute: str | None,
    value: str | None,
) -> Variable:
    evse = named.evse
    return Variable(
        component=named.name,
        component_instance=named.instance or "",
        evse_no=0 if evse is None else evse.id,
        connector_no=0 if evse is None else evse.connector_id or 0,
        variable=variable.name,
        variable_instance=variable.instance or "",
        attribute=attribute or "Actual",
        value=value,
    )


ROWS: Final[Rows] = dict(
    [
        row(GetVariables, v21.GetVariables, say=read_variables, understand=read),
        row(SetVariables, v21.SetVariables, say=set_variables, understand=written),
        row(GetReport, v21.GetBaseReport, say=report),
    ]
)
