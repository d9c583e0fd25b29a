"""OCPP 1.6: the device model, which is configuration keys."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from forecourt.domain.stations import (
    Answer,
    GetReport,
    GetVariables,
    Outcome,
    SetVariables,
    Variable,
    VariableResult,
)
from forecourt.edge.ocpp.asks.table import Facts, Rows, Told, outcome, row
from forecourt.protocol.ocpp import v16


def read_variables(command: GetVariables, _: Facts) -> v16.GetConfiguration:
    keys = tuple(name.variable for name in command.variables)
    return v16.GetConfiguration(key=keys or None)


def report(_: GetReport, _facts: Facts) -> v16.GetConfiguration:
    return v16.GetConfiguration()


def set_variables(command: SetVariables, _: Facts) -> Sequence[v16.ChangeConfiguration]:
    """1.6 sets one key at a time."""
    return [
        v16.ChangeConfiguration(key=name.variable, value=name.value) for name in command.variables
    ]


def changed(
    _: SetVariables,
    request: v16.ChangeConfiguration,
    response: v16.ChangeConfigurationResponse,
) -> Told:
    """One key, and what it is now."""
    word = response.status
    result = VariableResult(variable=request.key, status=word, value=request.value)
    told = Answer(outcome=outcome(word), status=word, variables=(result,))
    learnt = Variable(component="", variable=request.key, value=request.value)
    return Told(told, (learnt,) if told.outcome is Outcome.ACCEPTED else ())


def configuration(
    _: GetVariables | GetReport,
    request: v16.GetConfiguration,
    response: v16.GetConfigurationResponse,
) -> Told:
    """Keys are CiStrings: stations spell them as they like, and add blanks (field quirk 28)."""
    spelt = {key.casefold(): key for key in request.key or ()}
    keys = [
        replace(
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


ROWS: Final[Rows] = dict(
    [
        row(GetVariables, v16.GetConfiguration, say=read_variables, understand=configuration),
        row(
            SetVariables,
            v16.ChangeConfiguration,
            say=set_variables,
            understand=changed,
            independent=True,
        ),
        row(GetReport, v16.GetConfiguration, say=report, understand=configuration),
    ]
)
