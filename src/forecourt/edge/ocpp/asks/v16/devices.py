"""OCPP 1.6: the device model, which is configuration keys."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from forecourt.domain.devices import ReportPart
from forecourt.domain.stations import (
    Answer,
    GetReport,
    GetVariables,
    Outcome,
    SetVariables,
    VariableName,
    VariableResult,
    is_secret,
)
from forecourt.edge.ocpp.asks import names
from forecourt.edge.ocpp.asks.table import Facts, Rows, Told, outcome, row, unsupported
from forecourt.protocol.ocpp import v16

# How many keys one answer has at most: when there are more, some are missing (9.1.9).
MOST_KEYS: Final = "GetConfigurationMaxKeys"


def read_variables(command: GetVariables, _: Facts) -> v16.GetConfiguration | Answer:
    keys = names.keyed(command.variables)
    return (
        unsupported(keys) if isinstance(keys, str) else v16.GetConfiguration(key=(*keys,) or None)
    )


def report(command: GetReport, _: Facts) -> v16.GetConfiguration | Answer:
    if command.criteria or command.selected:
        return unsupported("1.6 has keys and no components: read the keys by name")
    return v16.GetConfiguration()


def set_variables(command: SetVariables, _: Facts) -> Sequence[v16.ChangeConfiguration] | Answer:
    """1.6 sets one key at a time."""
    keys = names.keyed(command.variables)
    if isinstance(keys, str):
        return unsupported(keys)
    return [
        v16.ChangeConfiguration(key=key, value=names.key_value(key, wanted.value))
        for key, wanted in zip(keys, command.variables, strict=True)
    ]


def changed(
    command: SetVariables,
    request: v16.ChangeConfiguration,
    response: v16.ChangeConfigurationResponse,
) -> Told:
    """One key, and what it is now."""
    word = response.status
    value = None if is_secret(request.key) else request.value
    result = _result(_asked(command.variables), request.key, word, value)
    told = Answer(outcome=outcome(word), status=word, variables=(result,))
    if told.outcome is not Outcome.ACCEPTED:
        return Told(told)
    learnt = names.variable_of(request.key, value, readonly=None)
    return Told(told, (replace(learnt, awaits_reboot=word == "RebootRequired"),))


def configuration(
    command: GetVariables | GetReport,
    request: v16.GetConfiguration,
    response: v16.GetConfigurationResponse,
) -> Told:
    """Keys are CiStrings: stations spell them as they like, and add blanks (field quirk 28)."""
    asked = _asked(command.variables if isinstance(command, GetVariables) else ())
    spelt = {key.casefold(): key for key in request.key or ()}
    keys = [
        (
            spelt.get(key.key.strip().casefold(), key.key.strip()),
            None if key.value is None else key.value.strip(),
            key.readonly,
        )
        for key in response.configuration_key or ()
    ]
    results = [
        _result(asked, key, "Accepted", value, readonly=readonly) for key, value, readonly in keys
    ]
    results += [
        _result(asked, key.strip(), "UnknownVariable") for key in response.unknown_key or ()
    ]
    answer = Answer(outcome=Outcome.ACCEPTED, variables=tuple(results))
    return Told(answer, names.variables_of(keys), None if request.key else _whole(keys))


def _asked(variables: Sequence[VariableName]) -> Mapping[str, VariableName]:
    """What was asked for, by the key that stands for it."""
    return {(names.key_of(name) or "").casefold(): name for name in variables}


def _result(
    asked: Mapping[str, VariableName],
    key: str,
    status: str,
    value: str | None = None,
    *,
    readonly: bool | None = None,
) -> VariableResult:
    """In the words of whoever asked."""
    name = asked.get(key.casefold())
    return VariableResult(
        variable=key if name is None else name.variable,
        component="" if name is None else name.component,
        status=status,
        value=value if name is None else names.named(name, value),
        readonly=readonly,
    )


def _whole(keys: Sequence[tuple[str, str | None, bool]]) -> ReportPart | None:
    """All keys at once are a report of everything, unless they stop where the station must."""
    most = next((value for key, value, _ in keys if key.casefold() == MOST_KEYS.casefold()), None)
    if most is not None and most.isdecimal() and int(most) == len(keys):
        return None
    return ReportPart(request_id=0, seq_no=0, last=True, whole=True)


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
