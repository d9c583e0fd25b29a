"""What a 2.x station does with charging profiles, and what it tells of limits set by others."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from forecourt.sim.limits import PERIODS_MAX, STACK_MAX, Kind, Limit, Purpose, Step, Unit
from forecourt.sim.luck import Luck
from forecourt.sim.outlet import Outlet
from forecourt.sim.readings import moment
from forecourt.sim.schedule import composite
from forecourt.sim.timeline import Timer
from forecourt.sim.v2x.table import Commands, Speaker

_PURPOSES: Final[Mapping[str, Purpose]] = {
    "ChargingStationMaxProfile": "Station",
    "ChargingStationExternalConstraints": "External",
    "TxDefaultProfile": "TxDefault",
    "TxProfile": "Tx",
    "PriorityCharging": "Priority",
    "LocalGeneration": "LocalGeneration",
}
_EMS: Final = "EMS"
_EMS_PROFILE: Final = 900_001
# The energy manager on site limits now and then, for a while; in the world's seconds.
_EMS_EVERY_S: Final = 14_400.0
_EMS_LASTS_S: Final = 1_800.0


# --- From the message to our form -----------------------------------------------------------------


def profile_fault(speaker: Speaker, profile: Any) -> str | None:  # noqa: PLR0911 - one rule after the other
    """What a station cannot do with a profile, whatever it is for."""
    schedule = profile.charging_schedule[0]
    periods = schedule.charging_schedule_period
    if profile.stack_level > STACK_MAX or len(periods) > PERIODS_MAX:
        return "TooLarge"
    if periods[0].start_period != 0:
        return "InvalidSchedule"
    if profile.charging_profile_purpose == "ChargingStationExternalConstraints":
        return "InvalidProfile"  # K01.FR.22: not for a central system to set.
    kind = profile.charging_profile_kind
    if kind in {"Absolute", "Recurring"} and schedule.start_schedule is None:
        return "InvalidSchedule"
    if kind == "Recurring" and profile.recurrency_kind is None:
        return "InvalidProfile"
    if kind == "Relative" and profile.charging_profile_purpose == "ChargingStationMaxProfile":
        return "InvalidProfile"
    wants = any(_reverses(period) for period in periods) if speaker.newest else False
    if wants and "v2x" not in speaker.station.plan.features:
        return "UnsupportedParam"
    return None


def _reverses(period: Any) -> bool:
    return (period.setpoint or 0) < 0 or bool(period.discharge_limit)


def to_limit(evse: int, profile: Any, tx_ref: str | None) -> Limit | None:
    """Our form of a charging profile; None for what this station does not support."""
    schedule = profile.charging_schedule[0]
    purpose = _PURPOSES.get(profile.charging_profile_purpose)
    kind: Kind
    match profile.charging_profile_kind:
        case "Absolute" | "Relative" | "Dynamic" as same:
            kind = same
        case _:
            kind = profile.recurrency_kind or "Daily"
    if purpose is None:
        return None
    return Limit(
        id=profile.id,
        purpose=purpose,
        stack=profile.stack_level,
        kind=kind,
        unit=schedule.charging_rate_unit,
        evse=evse,
        tx_ref=tx_ref,
        valid_from=profile.valid_from.timestamp() if profile.valid_from else None,
        valid_to=profile.valid_to.timestamp() if profile.valid_to else None,
        start=schedule.start_schedule.timestamp() if schedule.start_schedule else None,
        duration_s=schedule.duration,
        steps=tuple(_step(period) for period in schedule.charging_schedule_period),
        raw=profile,
    )


def _step(period: Any) -> Step:
    step = Step(period.start_period, period.limit, period.number_phases)
    if not hasattr(period, "setpoint"):
        return step  # 2.0.1 has no more.
    curve = tuple((float(p.signal), p.power) for p in period.v2x_signal_watt_curve or ())
    return replace(
        step,
        setpoint=period.setpoint,
        discharge=period.discharge_limit,
        mode=period.operation_mode,
        baseline=period.v2x_baseline or 0.0,
        signal_curve=curve,
    )


# --- Set, clear, tell -----------------------------------------------------------------------------


def on_limit(speaker: Speaker, request: Any) -> Any:  # noqa: PLR0911 - one rule after the other
    station, words = speaker.station, speaker.words

    def refused(reason: str) -> Any:
        info = words.StatusInfo(reason_code=reason)
        return words.SetChargingProfileResponse(status="Rejected", status_info=info)

    profile, outlet = request.charging_profile, station.outlet(request.evse_id)
    if not station.knobs.smart_charging:
        return refused("NotEnabled")
    if request.evse_id != 0 and outlet is None:
        return refused("UnknownEvse")
    fault = profile_fault(speaker, profile)
    if fault is not None:
        return refused(fault)
    tx = station.transaction(profile.transaction_id) if profile.transaction_id else None
    purpose = profile.charging_profile_purpose
    if purpose == "TxProfile" and (tx is None or tx.outlet is not outlet):
        return refused("TxNotFound")  # K01.FR.09: only to a running transaction.
    if purpose == "ChargingStationMaxProfile" and request.evse_id != 0:
        return refused("InvalidProfile")
    limit = to_limit(request.evse_id, profile, tx.ref if tx is not None else None)
    if limit is None:
        return refused("InvalidProfile")
    if station.limits.rival(limit) is not None:
        return refused("DuplicateProfile")
    if not station.limits.put(limit, replaces_like=False):
        return refused("OutOfStorage")
    station.talk.after_answer(partial(_set, speaker, profile, outlet))
    return words.SetChargingProfileResponse(status="Accepted")


def _set(speaker: Speaker, profile: Any, outlet: Outlet | None) -> None:
    station = speaker.station
    station.limits_changed()
    if profile.charging_profile_kind == "Dynamic" and profile.dyn_update_interval:
        speaker.organ(Pulls).begin(profile.id, float(profile.dyn_update_interval))
    if outlet is not None and outlet.tx is not None and outlet.car is not None:
        talks = outlet.car.talk != "none" and "iso15118" in station.plan.features
        if talks and profile.charging_profile_purpose == "TxProfile":
            _tell_schedule(speaker, outlet, profile)


def _tell_schedule(speaker: Speaker, outlet: Outlet, profile: Any) -> None:
    """K15: the car says how it will follow; ours takes what it is offered."""
    words, now = speaker.words, moment(speaker.station.world.now)
    offered = profile.charging_schedule[0]
    speaker.ask(
        words.NotifyEVChargingSchedule(
            time_base=now,
            evse_id=outlet.id,
            charging_schedule=words.ChargingSchedule(
                id=offered.id,
                charging_rate_unit=offered.charging_rate_unit,
                start_schedule=now,
                duration=offered.duration,
                charging_schedule_period=offered.charging_schedule_period,
            ),
        )
    )


def on_clear_limit(speaker: Speaker, request: Any) -> Any:
    station = speaker.station
    criteria = request.charging_profile_criteria
    purpose = criteria.charging_profile_purpose if criteria is not None else None
    cleared = 0
    if purpose is None or purpose in _PURPOSES:
        cleared = station.limits.clear(
            limit_id=request.charging_profile_id,
            purpose=_PURPOSES[purpose] if purpose is not None else None,
            stack=criteria.stack_level if criteria is not None else None,
            evse=criteria.evse_id if criteria is not None else None,
        )
    station.talk.after_answer(station.limits_changed)
    return speaker.words.ClearChargingProfileResponse(status="Accepted" if cleared else "Unknown")


def on_composite(speaker: Speaker, request: Any) -> Any:
    station, words = speaker.station, speaker.words
    unit: Unit = request.charging_rate_unit or "W"
    steps = composite(station, request.evse_id, float(request.duration), unit)
    if steps is None:
        return words.GetCompositeScheduleResponse(status="Rejected")
    schedule = words.CompositeSchedule(
        evse_id=request.evse_id,
        duration=request.duration,
        schedule_start=moment(station.world.now),
        charging_rate_unit=unit,
        charging_schedule_period=tuple(
            words.ChargingSchedulePeriod(start_period=at, limit=limit) for at, limit in steps
        ),
    )
    return words.GetCompositeScheduleResponse(status="Accepted", schedule=schedule)


def on_read_limits(speaker: Speaker, request: Any) -> Any:
    """K09: which profiles are there; they are reported one message per EVSE and source."""
    respond = speaker.words.GetChargingProfilesResponse
    wanted = request.charging_profile
    found: dict[tuple[int, str], list[Any]] = {}
    for limit in speaker.station.limits:
        if limit.raw is not None and _is_wanted(limit, wanted, request.evse_id):
            found.setdefault((limit.evse, limit.source), []).append(limit.raw)
    if not found:
        return respond(status="NoProfiles")
    speaker.station.talk.after_answer(
        partial(_report_limits, speaker, request.request_id, sorted(found.items()))
    )
    return respond(status="Accepted")


def _is_wanted(limit: Limit, wanted: Any, evse: int | None) -> bool:
    purpose = wanted.charging_profile_purpose
    return (
        evse in (None, limit.evse)
        and (purpose is None or _PURPOSES.get(purpose) == limit.purpose)
        and wanted.stack_level in (None, limit.stack)
        and (wanted.charging_profile_id is None or limit.id in wanted.charging_profile_id)
        and (wanted.charging_limit_source is None or limit.source in wanted.charging_limit_source)
    )


def _report_limits(
    speaker: Speaker, request_id: int, found: list[tuple[tuple[int, str], list[Any]]]
) -> None:
    for number, ((evse, source), profiles) in enumerate(found, start=1):
        speaker.ask(
            speaker.words.ReportChargingProfiles(
                request_id=request_id,
                charging_limit_source=source,
                charging_profile=tuple(profiles),
                evse_id=evse,
                tbc=True if number < len(found) else None,
            ),
            early=True,
        )


# --- 2.1: schedules that move, and cars that give back --------------------------------------------


def bent_step(limit: Limit, update: Any) -> Step:
    """What a dynamic profile says after an update; what the update leaves out stays."""
    old = limit.steps[0]
    return replace(
        old,
        limit=old.limit if update.limit is None else update.limit,
        setpoint=old.setpoint if update.setpoint is None else update.setpoint,
        discharge=old.discharge if update.discharge_limit is None else update.discharge_limit,
    )


def on_bend(speaker: Speaker, request: Any) -> Any:
    station, respond = speaker.station, speaker.words.UpdateDynamicScheduleResponse
    limit = station.limits.find(request.charging_profile_id)
    if limit is None or not station.limits.bend(
        limit.id, bent_step(limit, request.schedule_update)
    ):
        return respond(status="Rejected")
    station.talk.after_answer(station.limits_changed)
    return respond(status="Accepted")


class Pulls:
    """Dynamic profiles whose updates the station itself asks for."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._timers: dict[int, Timer] = {}

    def begin(self, profile_id: int, every_s: float) -> None:
        old = self._timers.pop(profile_id, None)
        if old is not None:
            old.cancel()
        pull = partial(self._pull, profile_id, every_s)
        self._timers[profile_id] = self._speaker.station.world.after(every_s, pull)

    def _pull(self, profile_id: int, every_s: float) -> None:
        station = self._speaker.station
        limit = station.limits.find(profile_id)
        if limit is None:
            self._timers.pop(profile_id, None)
            return
        if station.online:
            self._speaker.ask(
                self._speaker.words.PullDynamicScheduleUpdate(charging_profile_id=profile_id),
                done=partial(self._pulled, profile_id),
            )
        self.begin(profile_id, every_s)

    def _pulled(self, profile_id: int, response: Any) -> None:
        station = self._speaker.station
        limit = station.limits.find(profile_id)
        if limit is None or response.status != "Accepted" or response.schedule_update is None:
            return
        if station.limits.bend(profile_id, bent_step(limit, response.schedule_update)):
            station.limits_changed()


def on_signal(speaker: Speaker, request: Any) -> Any:
    """Q07: a grid operator's signal; cars with a curve for it follow at once."""
    station, respond = speaker.station, speaker.words.AFRRSignalResponse
    listens = any(step.signal_curve for limit in station.limits for step in limit.steps)
    if not listens:
        return respond(status="Rejected")
    station.limits.signal = float(request.signal)
    station.talk.after_answer(station.limits_changed)
    return respond(status="Accepted")


def on_priority(speaker: Speaker, request: Any) -> Any:
    """K21: let a transaction charge by the priority profile, or no longer."""
    station, respond = speaker.station, speaker.words.UsePriorityChargingResponse
    tx = station.transaction(request.transaction_id)
    if tx is None:
        return respond(status="Rejected")
    if not any(limit.purpose == "Priority" for limit in station.limits):
        return respond(status="NoProfile")
    station.talk.after_answer(partial(prioritise, speaker, tx.outlet, on=request.activate))
    return respond(status="Accepted")


def prioritise(speaker: Speaker, outlet: Outlet, *, on: bool) -> None:
    """The driver, or the central system, wants to charge first."""
    outlet.priority = on
    speaker.station.limits_changed()
    if outlet.tx is not None:
        speaker.ask(
            speaker.words.NotifyPriorityCharging(transaction_id=outlet.tx.ref, activated=on)
        )


def on_allowed_transfer(speaker: Speaker, request: Any) -> Any:
    """Q: which ways energy may go in this transaction; a car that only takes, only takes."""
    station, respond = speaker.station, speaker.words.NotifyAllowedEnergyTransferResponse
    tx = station.transaction(request.transaction_id)
    if tx is None or "iso15118" not in station.plan.features:
        return respond(status="Rejected")
    if tx.outlet.car is not None:
        tx.outlet.car.gives = any("BPT" in mode for mode in request.allowed_energy_transfer)
        station.talk.after_answer(station.limits_changed)
    return respond(status="Accepted")


# --- An energy manager on site --------------------------------------------------------------------


class SiteLimiter:
    """It limits the station now and then, without asking anybody; the station tells of it."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._luck: Luck = speaker.station.plan.luck("ems")
        self._next()

    def _next(self) -> None:
        wait_s = self._luck.exponential(_EMS_EVERY_S)
        self._speaker.station.world.after(wait_s, self.limit)

    def limit(self) -> None:
        """Half the power, or less, for a while."""
        speaker, station, words = self._speaker, self._speaker.station, self._speaker.words
        model = station.plan.model
        total_w = model.station_w or model.outlet_w * len(station.outlets)
        limit_w = round(total_w * self._luck.between(0.2, 0.6))
        lasts_s = int(self._luck.between(0.5, 1.5) * _EMS_LASTS_S)
        schedule = words.ChargingSchedule(
            id=1,
            charging_rate_unit="W",
            start_schedule=moment(station.world.now),
            duration=lasts_s,
            charging_schedule_period=(
                words.ChargingSchedulePeriod(start_period=0, limit=float(limit_w)),
            ),
        )
        profile = words.ChargingProfile(
            id=_EMS_PROFILE,
            stack_level=0,
            charging_profile_purpose="ChargingStationExternalConstraints",
            charging_profile_kind="Absolute",
            charging_schedule=(schedule,),
        )
        limit = to_limit(0, profile, None)
        assert limit is not None, "this station made it"
        if station.powered and station.limits.put(replace(limit, source=_EMS)):
            station.limits_changed()
            speaker.ask(
                words.NotifyChargingLimit(
                    charging_limit=words.ChargingLimit(
                        charging_limit_source=_EMS, is_grid_critical=False
                    ),
                    charging_schedule=(schedule,),
                )
            )
        station.world.after(lasts_s, self.release)

    def release(self) -> None:
        station = self._speaker.station
        if station.limits.release(_EMS):
            station.limits_changed()
            self._speaker.ask(self._speaker.words.ClearedChargingLimit(charging_limit_source=_EMS))
        self._next()


COMMANDS: Final[Commands] = {
    "SetChargingProfile": on_limit,
    "ClearChargingProfile": on_clear_limit,
    "GetCompositeSchedule": on_composite,
    "GetChargingProfiles": on_read_limits,
    "UpdateDynamicSchedule": on_bend,
    "AFRRSignal": on_signal,
    "UsePriorityCharging": on_priority,
    "NotifyAllowedEnergyTransfer": on_allowed_transfer,
}
