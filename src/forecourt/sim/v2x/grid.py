"""DER controls (2.1): the grid's rules for inverters, kept by priority, begun, ended, reported.

One control of a type is in force at a time: an event before the default, the lowest priority number
first; the rest wait as superseded. What may flow out of cars follows ``LimitMaxDischarge``; the
simulator knows no reactive power, and of all other controls it keeps and tells.
"""

from functools import partial
from typing import Any, Final

from msgspec import Struct

from forecourt.sim.readings import moment
from forecourt.sim.timeline import Timer
from forecourt.sim.v2x.table import Commands, Speaker

CONTROLS_MAX: Final = 24
_FIELDS: Final = {
    "EnterService": "enter_service",
    "FreqDroop": "freq_droop",
    "FixedPFAbsorb": "fixed_pf_absorb",
    "FixedPFInject": "fixed_pf_inject",
    "FixedVar": "fixed_var",
    "Gradients": "gradient",
    "LimitMaxDischarge": "limit_max_discharge",
}
"""Which field of the message a type has; all others are curves."""
_GETS: Final = {
    "enter_service": ("EnterServiceGet", "enter_service"),
    "freq_droop": ("FreqDroopGet", "freq_droop"),
    "fixed_pf_absorb": ("FixedPFGet", "fixed_pf"),
    "fixed_pf_inject": ("FixedPFGet", "fixed_pf"),
    "fixed_var": ("FixedVarGet", "fixed_var"),
    "gradient": ("GradientGet", "gradient"),
    "limit_max_discharge": ("LimitMaxDischargeGet", "limit_max_discharge"),
    "curve": ("DERCurveGet", "curve"),
}
_ALARM_S: Final = 20.0
_TRIPS: Final = {
    "HVMustTrip": "OverVoltage",
    "LVMustTrip": "UnderVoltage",
    "HFMustTrip": "OverFrequency",
    "LFMustTrip": "UnderFrequency",
}


class Control(Struct, kw_only=True, eq=False):
    """One control."""

    id: str
    type: str
    is_default: bool
    field: str
    content: Any
    started: bool = False
    timers: list[Timer]

    @property
    def rank(self) -> tuple[bool, int]:
        """The smallest rules."""
        return self.is_default, self.content.priority


class Controls:
    """All of one station."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._by_id: dict[str, Control] = {}

    def put(self, request: Any) -> tuple[str, list[str]]:
        """What is answered: a status, and which controls this one supersedes."""
        field = _FIELDS.get(request.control_type, "curve")
        content = getattr(request, field)
        given = [f for f in (*_FIELDS.values(), "curve") if getattr(request, f) is not None]
        if content is None or given != [field]:
            return "Rejected", []
        if request.control_id not in self._by_id and len(self._by_id) >= CONTROLS_MAX:
            return "Rejected", []
        self.drop(request.control_id)
        control = Control(
            id=request.control_id,
            type=request.control_type,
            is_default=request.is_default,
            field=field,
            content=content,
            timers=[],
        )
        rivals = [c for c in self._by_id.values() if c.type == control.type]
        superseded = [
            c.id for c in rivals if c.rank >= control.rank and c.is_default == control.is_default
        ]
        self._by_id[control.id] = control
        self._schedule(control)
        self._apply()
        return "Accepted", superseded

    def _schedule(self, control: Control) -> None:
        """R04: events have a beginning and an end; a default always stands behind them."""
        station, world = self._speaker.station, self._speaker.station.world
        start = getattr(control.content, "start_time", None)
        duration_s = getattr(control.content, "duration", None)
        if control.is_default:
            return
        begin = max(world.now, start.timestamp()) if start is not None else world.now
        if begin > world.now:
            control.timers.append(world.at(begin, partial(self._begin, control)))
        else:
            station.talk.after_answer(partial(self._begin, control))
        if duration_s is not None:
            control.timers.append(world.at(begin + duration_s, partial(self._end, control)))

    def _begin(self, control: Control) -> None:
        ruling = self.ruling(control.type)
        control.started = True
        self._apply()
        superseded = tuple(
            c.id
            for c in self._by_id.values()
            if c is not control and c.type == control.type and c.started and c.rank > control.rank
        )
        if ruling is control or ruling is None or ruling.rank >= control.rank:
            self._tell(control, started=True, superseded=superseded)
            trips = _TRIPS.get(control.type)
            if trips is not None:  # A rule for emergencies is tried out by the firmware at once.
                self._speaker.station.world.after(_ALARM_S, partial(self._alarm, control, trips))

    def _end(self, control: Control) -> None:
        if control.started:
            self._tell(control, started=False)
        self.drop(control.id)

    def _tell(self, control: Control, *, started: bool, superseded: tuple[str, ...] = ()) -> None:
        self._speaker.ask(
            self._speaker.words.NotifyDERStartStop(
                control_id=control.id,
                started=started,
                timestamp=moment(self._speaker.station.world.now),
                superseded_ids=superseded or None,
            )
        )

    def _alarm(self, control: Control, fault: str, *, ended: bool = False) -> None:
        """R05: the inverter saw what the rule is about; it ends a little later."""
        if control.id not in self._by_id and not ended:
            return
        self._speaker.ask(
            self._speaker.words.NotifyDERAlarm(
                control_type=control.type,
                grid_event_fault=fault,
                alarm_ended=True if ended else None,
                timestamp=moment(self._speaker.station.world.now),
            )
        )
        if not ended:
            again = partial(self._alarm, control, fault, ended=True)
            self._speaker.station.world.after(_ALARM_S, again)

    def ruling(self, control_type: str) -> Control | None:
        """The one in force."""
        able = [
            c
            for c in self._by_id.values()
            if c.type == control_type and (c.is_default or c.started)
        ]
        return min(able, key=lambda c: c.rank, default=None)

    def drop(self, control_id: str) -> bool:
        control = self._by_id.pop(control_id, None)
        if control is None:
            return False
        for timer in control.timers:
            timer.cancel()
        self._apply()
        return True

    def _apply(self) -> None:
        """The one control that changes what flows."""
        limits = self._speaker.station.limits
        ruling = self.ruling("LimitMaxDischarge")
        share_pct = ruling.content.pct_max_discharge_power if ruling is not None else None
        if share_pct != limits.discharge_pct:
            limits.discharge_pct = share_pct
            self._speaker.station.limits_changed()

    def find(
        self, *, is_default: bool | None, control_type: str | None, control_id: str | None
    ) -> list[Control]:
        return [
            c
            for c in self._by_id.values()
            if is_default in (None, c.is_default)
            and control_type in (None, c.type)
            and control_id in (None, c.id)
        ]

    def report(self, request_id: int, controls: list[Control]) -> None:
        """One message per kind of content."""
        by_field: dict[str, list[Control]] = {}
        for control in controls:
            by_field.setdefault(control.field, []).append(control)
        for number, (field, mine) in enumerate(by_field.items(), start=1):
            self._speaker.ask(
                self._speaker.words.ReportDERControl(
                    request_id=request_id,
                    tbc=True if number < len(by_field) else None,
                    **{field: tuple(self._reported(control) for control in mine)},
                ),
                early=True,
            )

    def _reported(self, control: Control) -> Any:
        kind, name = _GETS[control.field]
        more: dict[str, Any] = {"id": control.id, name: control.content}
        if control.field not in {"enter_service", "gradient"}:
            ruling = self.ruling(control.type)
            more["is_default"] = control.is_default
            more["is_superseded"] = ruling is not None and ruling is not control
        if control.field == "curve":
            more["curve_type"] = control.type
        return getattr(self._speaker.words, kind)(**more)


def on_set(speaker: Speaker, request: Any) -> Any:
    respond = speaker.words.SetDERControlResponse
    if "der" not in speaker.station.plan.features:
        return respond(status="NotSupported")
    status, superseded = speaker.organ(Controls).put(request)
    return respond(status=status, superseded_ids=tuple(superseded) or None)


def on_list(speaker: Speaker, request: Any) -> Any:
    respond = speaker.words.GetDERControlResponse
    if "der" not in speaker.station.plan.features:
        return respond(status="NotSupported")
    controls = speaker.organ(Controls)
    found = controls.find(
        is_default=request.is_default,
        control_type=request.control_type,
        control_id=request.control_id,
    )
    if not found:
        return respond(status="NotFound")
    speaker.station.talk.after_answer(partial(controls.report, request.request_id, found))
    return respond(status="Accepted")


def on_clear(speaker: Speaker, request: Any) -> Any:
    respond = speaker.words.ClearDERControlResponse
    if "der" not in speaker.station.plan.features:
        return respond(status="NotSupported")
    controls = speaker.organ(Controls)
    found = controls.find(
        is_default=request.is_default,
        control_type=request.control_type,
        control_id=request.control_id,
    )
    for control in found:
        controls.drop(control.id)
    return respond(status="Accepted" if found else "NotFound")


COMMANDS: Final[Commands] = {
    "SetDERControl": on_set,
    "GetDERControl": on_list,
    "ClearDERControl": on_clear,
}
