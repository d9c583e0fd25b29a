"""OCPP 2.x: watching variables, and streams of what is watched."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from forecourt.domain.stations import (
    GOOD,
    AdjustPeriodicEventStream,
    Answer,
    ChooseMonitors,
    ClearVariableMonitoring,
    GetMonitoringReport,
    GetPeriodicEventStream,
    Monitor,
    MonitorResult,
    MonitorResults,
    MonitorType,
    OpenStream,
    OpenStreams,
    Outcome,
    SetMonitoringLevel,
    SetVariableMonitoring,
)
from forecourt.edge.ocpp.asks.table import Facts, Rows, Told, chunks, needs, outcome, row, why
from forecourt.edge.ocpp.asks.v2x.parts import component, selected
from forecourt.protocol.ocpp import v21, v201

TYPES: Final[Mapping[MonitorType, v21.MonitorEnum]] = {
    "upper_threshold": "UpperThreshold",
    "lower_threshold": "LowerThreshold",
    "delta": "Delta",
    "periodic": "Periodic",
    "periodic_clock_aligned": "PeriodicClockAligned",
    "target_delta": "TargetDelta",
    "target_delta_relative": "TargetDeltaRelative",
}
NAMES: Final[Mapping[str, MonitorType]] = {word: name for name, word in TYPES.items()}
BASES: Final[Mapping[str, v21.MonitoringBaseEnum]] = {
    "all": "All",
    "factory_default": "FactoryDefault",
    "hard_wired_only": "HardWiredOnly",
}
CRITERIA: Final[Mapping[str, v21.MonitoringCriterionEnum]] = {
    "threshold": "ThresholdMonitoring",
    "delta": "DeltaMonitoring",
    "periodic": "PeriodicMonitoring",
}


def watch(command: SetVariableMonitoring, facts: Facts) -> Sequence[v21.SetVariableMonitoring]:
    size = facts.number("ItemsPerMessage", "MonitoringCtrlr", "SetVariableMonitoring")
    return [
        v21.SetVariableMonitoring(set_monitoring_data=tuple(map(_monitor, part)))
        for part in chunks(command.monitors, size)
    ]


def _monitor(asked: Monitor) -> v21.SetMonitoringData:
    stream = asked.stream
    return v21.SetMonitoringData(
        value=asked.value,
        type=TYPES[asked.type],
        severity=asked.severity,
        component=component(asked),
        variable=v21.Variable(name=asked.variable, instance=asked.instance),
        id=asked.id,
        transaction=asked.transaction,
        periodic_event_stream=None
        if stream is None
        else v21.PeriodicEventStreamParams(interval=stream.interval_s, values=stream.values),
    )


def watched(
    _: SetVariableMonitoring,
    _request: Any,
    response: v201.SetVariableMonitoringResponse | v21.SetVariableMonitoringResponse,
) -> Told:
    """What became of each monitor."""
    return _told(
        [
            MonitorResult(
                status=found.status,
                id=found.id,
                component=found.component.name,
                variable=found.variable.name,
                type=NAMES[found.type],
                severity=found.severity,
                reason=_reason(found.status_info),
            )
            for found in response.set_monitoring_result
        ]
    )


def unwatch(
    command: ClearVariableMonitoring, facts: Facts
) -> Sequence[v21.ClearVariableMonitoring]:
    size = facts.number("ItemsPerMessage", "MonitoringCtrlr", "ClearVariableMonitoring")
    return [v21.ClearVariableMonitoring(id=tuple(part)) for part in chunks(command.ids, size)]


def unwatched(
    _: ClearVariableMonitoring,
    _request: Any,
    response: v201.ClearVariableMonitoringResponse | v21.ClearVariableMonitoringResponse,
) -> Told:
    """What became of each monitor."""
    return _told(
        [
            MonitorResult(status=found.status, id=found.id, reason=_reason(found.status_info))
            for found in response.clear_monitoring_result
        ]
    )


def _told(results: Sequence[MonitorResult]) -> Told:
    """All of them, or else the worst: one that is no yes."""
    outcomes = [outcome(result.status) for result in results]
    bad = next((each for each in outcomes if each not in GOOD), None)
    ended = bad or (Outcome.ACCEPTED if Outcome.ACCEPTED in outcomes else Outcome.NOTHING)
    return Told(Answer(outcome=ended, details=MonitorResults(monitors=tuple(results))))


def _reason(info: v201.StatusInfo | v21.StatusInfo | None) -> str:
    return "" if info is None else f"{info.reason_code} {info.additional_info or ''}".strip()


def base(command: ChooseMonitors, _: Facts) -> v21.SetMonitoringBase:
    return v21.SetMonitoringBase(monitoring_base=BASES[command.base])


def level(command: SetMonitoringLevel, _: Facts) -> v21.SetMonitoringLevel:
    return v21.SetMonitoringLevel(severity=command.severity)


def report(command: GetMonitoringReport, facts: Facts) -> v21.GetMonitoringReport:
    return v21.GetMonitoringReport(
        request_id=facts.request_id,
        component_variable=selected(command.selected),
        monitoring_criteria=tuple(CRITERIA[name] for name in command.criteria) or None,
    )


def adjust(command: AdjustPeriodicEventStream, _: Facts) -> v21.AdjustPeriodicEventStream:
    return v21.AdjustPeriodicEventStream(
        id=command.stream,
        params=v21.PeriodicEventStreamParams(interval=command.interval_s, values=command.values),
    )


def streams(_: GetPeriodicEventStream, _facts: Facts) -> v21.GetPeriodicEventStream:
    return v21.GetPeriodicEventStream()


def streamed(
    _: GetPeriodicEventStream, _request: Any, response: v21.GetPeriodicEventStreamResponse
) -> Told:
    """The streams that are open."""
    found = tuple(
        OpenStream(
            id=each.id,
            monitor=each.variable_monitoring_id,
            interval_s=each.params.interval,
            values=each.params.values,
        )
        for each in response.constant_stream_data or ()
    )
    ended = Outcome.ACCEPTED if found else Outcome.NOTHING
    return Told(Answer(outcome=ended, reason=why(response), details=OpenStreams(streams=found)))


_MONITORING: Final = needs("Available", "MonitoringCtrlr")
ROWS: Final[Rows] = dict(
    [
        row(
            SetVariableMonitoring,
            v21.SetVariableMonitoring,
            say=watch,
            understand=watched,
            independent=True,
            refuse=_MONITORING,
        ),
        row(
            ClearVariableMonitoring,
            v21.ClearVariableMonitoring,
            say=unwatch,
            understand=unwatched,
            independent=True,
            refuse=_MONITORING,
        ),
        row(ChooseMonitors, v21.SetMonitoringBase, say=base, refuse=_MONITORING),
        row(SetMonitoringLevel, v21.SetMonitoringLevel, say=level, refuse=_MONITORING),
        row(GetMonitoringReport, v21.GetMonitoringReport, say=report, refuse=_MONITORING),
    ]
)
ROWS_21: Final[Rows] = dict(
    [
        row(AdjustPeriodicEventStream, v21.AdjustPeriodicEventStream, say=adjust),
        row(
            GetPeriodicEventStream,
            v21.GetPeriodicEventStream,
            say=streams,
            understand=streamed,
        ),
    ]
)
