"""Monitors of a 2.x station: what is watched, and the events that come of it.

Values are looked at when power is looked at, when a fault comes or goes, and every few seconds
while anything is watched; periodic monitors by the world's clock.
"""

from functools import partial
from typing import Any, Final, Literal

from msgspec import Struct

from forecourt.sim.outlet import Outlet
from forecourt.sim.readings import moment
from forecourt.sim.timeline import Timer
from forecourt.sim.v2x.controllers import ITEMS_MAX, MONITORS_MAX
from forecourt.sim.v2x.entry import Entry
from forecourt.sim.v2x.streams import Streams
from forecourt.sim.v2x.table import Commands, Speaker, pages
from forecourt.sim.v2x.variables import component_of, find, is_asked_for, variable_of

# In the world's seconds: often enough for temperatures and power.
_LOOK_S: Final = 10.0
# Events that could not be told wait, if they are grave enough; no more than this many.
_WAITING_MAX: Final = 50
_DAY_S: Final = 86_400.0
_NUMBERS: Final = frozenset({"integer", "decimal"})
_KINDS: Final = {
    "ThresholdMonitoring": frozenset({"UpperThreshold", "LowerThreshold"}),
    "DeltaMonitoring": frozenset({"Delta", "TargetDelta", "TargetDeltaRelative"}),
    "PeriodicMonitoring": frozenset({"Periodic", "PeriodicClockAligned"}),
}
_SUPPORTED: Final = frozenset().union(*_KINDS.values()) - {"TargetDelta", "TargetDeltaRelative"}
_HARD_WIRED_SEVERITY: Final = 2

Notification = Literal["HardWiredMonitor", "PreconfiguredMonitor", "CustomMonitor"]


class Monitor(Struct, kw_only=True, eq=False):
    """One monitor and what it has seen."""

    id: int
    entry: Entry
    kind: str
    value: float
    severity: int
    by: Notification
    transaction: bool = False
    stream: int | None = None
    last: str = ""
    """The value of the last report, for a delta; what was there at first."""
    over: bool = False
    """Beyond the threshold now."""
    timer: Timer | None = None


class Monitors:
    """All of one station."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._by_id: dict[int, Monitor] = {}
        self._next_id = 1
        self._event_id = 0
        self._timer: Timer | None = None
        self._waiting: list[Any] = []
        self.level = 8
        self.base = "All"
        speaker.keep("monitoring_level", lambda: str(self.level))
        speaker.keep("monitoring_base", lambda: self.base)
        self._deliver()

    def _deliver(self) -> None:
        """What is watched from the factory: faults, always; heat, unless somebody takes it off."""
        for entry in self._speaker.model():
            if entry.variable == "Problem" and entry.component in {"EVSE", "ChargingStation"}:
                self._add(entry, "Delta", 1.0, _HARD_WIRED_SEVERITY, by="HardWiredMonitor")
            elif entry.variable == "Temperature" and entry.component == "EVSE":
                self._add(entry, "UpperThreshold", 75.0, 4, by="PreconfiguredMonitor")

    def __iter__(self) -> Any:
        return iter(self._by_id.values())

    # --- What is watched --------------------------------------------------------------------------

    def _add(
        self, entry: Entry, kind: str, value: float, severity: int, *, by: Notification,
        monitor_id: int | None = None, transaction: bool = False,
    ) -> Monitor:  # fmt: skip
        if monitor_id is None:
            monitor_id, self._next_id = self._next_id, self._next_id + 1
        else:
            self._next_id = max(self._next_id, monitor_id + 1)
        self._drop(monitor_id)
        monitor = Monitor(
            id=monitor_id,
            entry=entry,
            kind=kind,
            value=value,
            severity=severity,
            by=by,
            transaction=transaction,
            # A fault may be what made somebody look for the first time.
            last="false" if entry.variable == "Problem" else self._speaker.value(entry),
        )
        self._by_id[monitor_id] = monitor
        self._arm(monitor)
        return monitor

    def set(self, asked: Any) -> tuple[str, Monitor | None]:
        """N04: one monitor, as a message asks for it."""
        entry = find(self._speaker, asked.component, asked.variable)
        if isinstance(entry, str):
            return entry, None
        status = self._judge(entry, asked)
        if status != "Accepted":
            return status, None
        monitor = self._add(
            entry,
            asked.type,
            asked.value,
            asked.severity,
            by="CustomMonitor",
            monitor_id=asked.id,
            transaction=bool(asked.transaction),
        )
        stream = getattr(asked, "periodic_event_stream", None)
        if stream is not None:
            monitor.stream = self._speaker.organ(Streams).open(monitor.id, stream)
        return "Accepted", monitor

    def _judge(self, entry: Entry, asked: Any) -> str:  # noqa: PLR0911 - one rule after the other
        numeric = entry.data_type in _NUMBERS
        low, high = entry.limits
        if asked.type not in _SUPPORTED or not entry.monitored:
            return "UnsupportedMonitorType"
        if asked.type in _KINDS["ThresholdMonitoring"] and not numeric:
            return "UnsupportedMonitorType"
        beyond = (high is not None and asked.value > high) or (
            low is not None and asked.value < low
        )
        if asked.type in _KINDS["ThresholdMonitoring"] and beyond:
            return "Rejected"
        if asked.type not in _KINDS["ThresholdMonitoring"] and asked.value < 0:
            return "Rejected"
        old = self._by_id.get(asked.id) if asked.id is not None else None
        if asked.id is not None and (old is None or old.by == "HardWiredMonitor"):
            return "Rejected"
        if old is not None and old.entry is not entry:
            return "Rejected"  # N04.FR.16: an id stays with its variable.
        if any(
            m.entry is entry and m.kind == asked.type and m.severity == asked.severity
            for m in self
            if m.id != asked.id
        ):
            return "Duplicate"
        if old is None and len(self._by_id) >= MONITORS_MAX:
            return "Rejected"
        return "Accepted"

    def clear(self, monitor_id: int) -> str:
        monitor = self._by_id.get(monitor_id)
        if monitor is None:
            return "NotFound"
        if monitor.by == "HardWiredMonitor":
            return "Rejected"
        self._drop(monitor_id)
        return "Accepted"

    def rebase(self, base: str) -> None:
        """N05: everything; what it was delivered with; or what cannot be taken off."""
        self.base = base
        kept = {"All": None, "FactoryDefault": "PreconfiguredMonitor"}.get(base, "")
        for monitor in list(self):
            if kept is not None and monitor.by not in {"HardWiredMonitor", kept}:
                self._drop(monitor.id)
        if base in {"All", "FactoryDefault"}:
            self._restore()

    def _restore(self) -> None:
        there = {(m.entry, m.kind) for m in self}
        for entry in self._speaker.model():
            heat = entry.variable == "Temperature" and entry.component == "EVSE"
            if heat and (entry, "UpperThreshold") not in there:
                self._add(entry, "UpperThreshold", 75.0, 4, by="PreconfiguredMonitor")

    def _drop(self, monitor_id: int) -> None:
        monitor = self._by_id.pop(monitor_id, None)
        if monitor is not None and monitor.timer is not None:
            monitor.timer.cancel()
        if monitor is not None and monitor.stream is not None:
            self._speaker.organ(Streams).close(monitor.stream)

    # --- Watching ---------------------------------------------------------------------------------

    def _arm(self, monitor: Monitor) -> None:
        world = self._speaker.station.world
        if monitor.kind in _KINDS["PeriodicMonitoring"]:
            every_s = max(1.0, monitor.value)
            due = world.now + every_s
            if monitor.kind == "PeriodicClockAligned":
                midnight = world.now // _DAY_S * _DAY_S
                due = midnight + ((world.now - midnight) // every_s + 1) * every_s
            monitor.timer = world.at(due, partial(self._periodic, monitor))
        elif self._timer is None and monitor.by == "CustomMonitor":
            self._timer = world.after(_LOOK_S, self._look_again)

    def _look_again(self) -> None:
        """As long as somebody watches; hard-wired monitors see what the station tells them."""
        self._timer = None
        self.look()
        if any(m.by == "CustomMonitor" and m.timer is None for m in self):
            self._timer = self._speaker.station.world.after(_LOOK_S, self._look_again)

    def _periodic(self, monitor: Monitor) -> None:
        if self._by_id.get(monitor.id) is not monitor:
            return
        value = self._speaker.value(monitor.entry)
        if monitor.stream is not None:
            self._speaker.organ(Streams).add(monitor.stream, value)
        elif monitor.severity <= self.level:
            self._tell([self._event(monitor, value, "Periodic")], monitor.severity)
        self._arm(monitor)

    def look(self) -> None:
        """See which values have crossed something."""
        if not self._speaker.station.powered:
            return
        events = []
        gravest = 9
        for monitor in self:
            if monitor.kind in _KINDS["PeriodicMonitoring"]:
                continue
            event = self._judge_value(monitor, self._speaker.value(monitor.entry))
            if event is not None and monitor.severity <= self.level:
                events.append(event)
                gravest = min(gravest, monitor.severity)
        if events:
            self._tell(events, gravest)

    def _judge_value(self, monitor: Monitor, value: str) -> Any:
        if monitor.kind == "Delta":
            if not self._differs(monitor, value):
                return None
            monitor.last = value
            return self._event(monitor, value, "Delta")
        number = float(value)
        upper = monitor.kind == "UpperThreshold"
        over = number > monitor.value if upper else number < monitor.value
        if over == monitor.over:
            return None
        monitor.over = over
        return self._event(monitor, value, "Alerting", cleared=not over)

    def _differs(self, monitor: Monitor, value: str) -> bool:
        if monitor.entry.data_type in _NUMBERS and value and monitor.last:
            return abs(float(value) - float(monitor.last)) > monitor.value
        return value != monitor.last

    # --- Telling ----------------------------------------------------------------------------------

    def _event(
        self, monitor: Monitor, value: str, trigger: str, *, cleared: bool | None = None
    ) -> Any:
        words, station = self._speaker.words, self._speaker.station
        outlet = station.outlets[monitor.entry.evse - 1] if monitor.entry.evse else None
        tx = outlet.tx if outlet is not None else None
        self._event_id += 1
        more = {"severity": monitor.severity} if self._speaker.newest else {}
        return words.EventData(
            event_id=self._event_id,
            timestamp=moment(station.world.now),
            trigger=trigger,
            actual_value=value,
            cleared=True if cleared else None,
            transaction_id=tx.ref if monitor.transaction and tx is not None else None,
            variable_monitoring_id=monitor.id,
            event_notification_type=monitor.by,
            component=component_of(words, monitor.entry),
            variable=variable_of(words, monitor.entry),
            **more,
        )

    def _tell(self, events: list[Any], severity: int) -> None:
        station = self._speaker.station
        if not station.knobs.monitoring:
            return
        if not station.online:
            severest = int((station.knobs.free or {}).get(_OFFLINE_KEY, "4"))
            if severity <= severest:
                self._waiting = [*self._waiting, *events][-_WAITING_MAX:]
            return
        for number, page, more in pages(events, ITEMS_MAX):
            self._speaker.ask(
                self._speaker.words.NotifyEvent(
                    generated_at=moment(station.world.now),
                    seq_no=number,
                    tbc=True if more else None,
                    event_data=page,
                )
            )

    def booted(self) -> None:
        """What happened while nobody listened."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._tell(waiting, 0)

    # --- Reports ----------------------------------------------------------------------------------

    def asked_for(self, criteria: Any, components: Any) -> list[Monitor]:
        kinds = None
        if criteria is not None:
            kinds = frozenset().union(*(_KINDS[criterion] for criterion in criteria))
        return [
            m
            for m in self
            if (kinds is None or m.kind in kinds)
            and (components is None or any(is_asked_for(m.entry, one) for one in components))
        ]

    def report(self, request_id: int, monitors: list[Monitor]) -> None:
        words, now = self._speaker.words, moment(self._speaker.station.world.now)
        by_entry: dict[Entry, list[Monitor]] = {}
        for monitor in monitors:
            by_entry.setdefault(monitor.entry, []).append(monitor)
        data = [self._reported(entry, mine) for entry, mine in by_entry.items()]
        for number, page, more in pages(data, ITEMS_MAX):
            self._speaker.ask(
                words.NotifyMonitoringReport(
                    request_id=request_id,
                    seq_no=number,
                    generated_at=now,
                    monitor=page,
                    tbc=True if more else None,
                ),
                early=True,
            )

    def _reported(self, entry: Entry, monitors: list[Monitor]) -> Any:
        words = self._speaker.words
        newest = self._speaker.newest
        return words.MonitoringData(
            component=component_of(words, entry),
            variable=variable_of(words, entry),
            variable_monitoring=tuple(
                words.VariableMonitoring(
                    id=m.id,
                    transaction=m.transaction,
                    value=m.value,
                    type=m.kind,
                    severity=m.severity,
                    **({"event_notification_type": m.by} if newest else {}),
                )
                for m in monitors
            ),
        )


_OFFLINE_KEY: Final = "MonitoringCtrlr.OfflineQueuingSeverity"


def watch(speaker: Speaker, _outlet: Outlet | None) -> None:
    """A moment to look, for stations that have anything to watch with."""
    monitors = speaker.has(Monitors)
    if monitors is not None:
        monitors.look()


def on_set(speaker: Speaker, request: Any) -> Any:
    words, results = speaker.words, []
    for asked in request.set_monitoring_data:
        status, monitor = speaker.organ(Monitors).set(asked)
        results.append(
            words.SetMonitoringResult(
                status=status,
                type=asked.type,
                component=asked.component,
                variable=asked.variable,
                severity=asked.severity,
                id=monitor.id if monitor is not None else asked.id,
            )
        )
    return words.SetVariableMonitoringResponse(set_monitoring_result=tuple(results))


def on_clear(speaker: Speaker, request: Any) -> Any:
    words, monitors = speaker.words, speaker.organ(Monitors)
    return words.ClearVariableMonitoringResponse(
        clear_monitoring_result=tuple(
            words.ClearMonitoringResult(status=monitors.clear(one), id=one) for one in request.id
        )
    )


def on_level(speaker: Speaker, request: Any) -> Any:
    respond = speaker.words.SetMonitoringLevelResponse
    if not 0 <= request.severity <= 9:  # noqa: PLR2004 - severities are 0 to 9
        return respond(status="Rejected")
    speaker.organ(Monitors).level = request.severity
    return respond(status="Accepted")


def on_base(speaker: Speaker, request: Any) -> Any:
    speaker.organ(Monitors).rebase(request.monitoring_base)
    return speaker.words.SetMonitoringBaseResponse(status="Accepted")


def on_report(speaker: Speaker, request: Any) -> Any:
    monitors = speaker.organ(Monitors)
    found = monitors.asked_for(request.monitoring_criteria, request.component_variable)
    if not found:
        return speaker.words.GetMonitoringReportResponse(status="EmptyResultSet")
    speaker.station.talk.after_answer(partial(monitors.report, request.request_id, found))
    return speaker.words.GetMonitoringReportResponse(status="Accepted")


COMMANDS: Final[Commands] = {
    "SetVariableMonitoring": on_set,
    "ClearVariableMonitoring": on_clear,
    "SetMonitoringLevel": on_level,
    "SetMonitoringBase": on_base,
    "GetMonitoringReport": on_report,
}
