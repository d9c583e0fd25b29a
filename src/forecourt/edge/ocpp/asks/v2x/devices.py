"""OCPP 2.x: the device model."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from forecourt.domain.devices import place
from forecourt.domain.stations import (
    Answer,
    GetReport,
    GetVariables,
    Outcome,
    SetNetworkProfile,
    SetVariables,
    Variable,
    VariableResult,
    is_secret,
)
from forecourt.edge.ocpp.asks import names
from forecourt.edge.ocpp.asks.shape import reshaped
from forecourt.edge.ocpp.asks.table import Facts, Rows, Told, chunks, row, unsupported
from forecourt.edge.ocpp.asks.v2x.parts import component, selected
from forecourt.protocol.ocpp import v21, v201

REPORTS: Final[Mapping[str, v21.ReportBaseEnum]] = {
    "configuration": "ConfigurationInventory",
    "full": "FullInventory",
    "summary": "SummaryInventory",
}
CRITERIA: Final[Mapping[str, v21.ComponentCriterionEnum]] = {
    "active": "Active",
    "available": "Available",
    "enabled": "Enabled",
    "problem": "Problem",
}
PROTOCOLS: Final[Mapping[str, v21.OCPPVersionEnum]] = {
    "ocpp1.2": "OCPP12",
    "ocpp1.5": "OCPP15",
    "ocpp1.6": "OCPP16",
    "ocpp2.0.1": "OCPP201",
    "ocpp2.1": "OCPP21",
}


def report(command: GetReport, facts: Facts) -> v21.GetBaseReport | v21.GetReport:
    if command.criteria or command.selected:
        return v21.GetReport(
            request_id=facts.request_id,
            component_variable=selected(command.selected),
            component_criteria=tuple(CRITERIA[name] for name in command.criteria) or None,
        )
    return v21.GetBaseReport(request_id=facts.request_id, report_base=REPORTS[command.base])


def read_variables(command: GetVariables, facts: Facts) -> Sequence[v21.GetVariables] | Answer:
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
    size = facts.number("ItemsPerMessage", "DeviceDataCtrlr", "GetVariables")
    return [v21.GetVariables(get_variable_data=tuple(part)) for part in chunks(wanted, size)]


def set_variables(command: SetVariables, facts: Facts) -> Sequence[v21.SetVariables] | Answer:
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
    size = facts.number("ItemsPerMessage", "DeviceDataCtrlr", "SetVariables")
    return [v21.SetVariables(set_variable_data=tuple(part)) for part in chunks(values, size)]


def network_201(command: SetNetworkProfile, facts: Facts) -> v21.SetNetworkProfile:
    """2.0.1 has no word for itself: it says 2.0."""
    said = network(command, facts)
    data = said.connection_data
    if data.ocpp_version != PROTOCOLS["ocpp2.0.1"]:
        return said
    return replace(said, connection_data=replace(data, ocpp_version="OCPP20"))


def network(command: SetNetworkProfile, _: Facts) -> v21.SetNetworkProfile:
    return v21.SetNetworkProfile(
        configuration_slot=command.slot,
        connection_data=v21.NetworkConnectionProfile(
            ocpp_version=PROTOCOLS[command.protocol],
            ocpp_transport="JSON",
            ocpp_interface=command.interface,
            ocpp_csms_url=command.url,
            message_timeout=command.message_timeout_s,
            security_profile=command.security_profile,
            identity=command.identity,
            basic_auth_password=command.password,
            apn=None if command.apn is None else reshaped(command.apn, v21.APN),
            vpn=None if command.vpn is None else reshaped(command.vpn, v21.VPN),
        ),
    )


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
        value = None if is_secret(variable.variable) else values.get(place(variable))
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
        row(
            GetVariables,
            v21.GetVariables,
            say=read_variables,
            understand=read,
            independent=True,
        ),
        row(
            SetVariables,
            v21.SetVariables,
            say=set_variables,
            understand=written,
            independent=True,
        ),
        row(GetReport, v21.GetBaseReport, v21.GetReport, say=report),
    ]
)
ROWS_201: Final[Rows] = dict([row(SetNetworkProfile, v21.SetNetworkProfile, say=network_201)])
ROWS_21: Final[Rows] = dict([row(SetNetworkProfile, v21.SetNetworkProfile, say=network)])
