"""What a profile changes in what a station is sent, or why it is not sent: one pure function.

Runs over the message of a version, after a command was put into its words, so that neither the
commands nor the rooms know of quirks.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from forecourt.domain.catalogue import QuirkProfile
from forecourt.protocol.ocpp import v16, v21, v201
from forecourt.protocol.ocpp.values import Message

# Keys that list measurands: 1.6 by their names, 2.x by component and variable.
MEASURAND_KEYS: Final = frozenset(
    {
        "metervaluessampleddata",
        "metervaluesaligneddata",
        "stoptxnsampleddata",
        "stoptxnaligneddata",
        "sampleddatactrlr.txstartedmeasurands",
        "sampleddatactrlr.txupdatedmeasurands",
        "sampleddatactrlr.txendedmeasurands",
        "aligneddatactrlr.measurands",
        "aligneddatactrlr.txendedmeasurands",
    }
)
INTERVAL_KEYS: Final = frozenset(
    {
        "metervaluesampleinterval",
        "clockaligneddatainterval",
        "sampleddatactrlr.txupdatedinterval",
        "sampleddatactrlr.txendedinterval",
        "aligneddatactrlr.interval",
        "aligneddatactrlr.txendedinterval",
    }
)
# 1.6 and 2.x: what is not said of phases means three.
PHASES: Final = 3
# What every version says of a period.
PLAIN: Final = frozenset(v201.ChargingSchedulePeriod.__struct_fields__)
# What a measurand's name may end in: the phase that it is of.
PHASE: Final = re.compile(r"\.(L[123](-L[123]|-N)?|N)$")
# A profile for the whole station, by each version's name.
STATION_MAX: Final = frozenset({"ChargePointMaxProfile", "ChargingStationMaxProfile"})


class Moment(Struct, frozen=True, kw_only=True):
    """When something is to be sent."""

    now: datetime
    since_stop_s: float | None = None
    """How long ago this station was last told to stop a session."""


class Refused(Struct, frozen=True):
    """The station must not be sent such a thing."""

    key: str
    reason: str


class Rewritten(Struct, frozen=True):
    """What is sent instead, and by which keys it was changed."""

    message: Message
    used: tuple[str, ...] = ()


Effect: TypeAlias = Callable[[QuirkProfile, Any, Moment], Message | str]
"""The message, changed or not; or why it is refused."""


def rewrite(profile: QuirkProfile, message: Message, moment: Moment) -> Rewritten | Refused:
    """What a station of this profile is sent in place of ``message``."""
    used: tuple[str, ...] = ()
    for key, effect in EFFECTS_ON.get(type(message), ()):
        if not getattr(profile, key):
            continue
        after = effect(profile, message, moment)
        if isinstance(after, str):
            return Refused(key, after)
        if after is not message:
            message, used = after, (*used, key)
    return Rewritten(message, used)


# ---- charging profiles --------------------------------------------------------------------------


def _profiles(change: Callable[[QuirkProfile, Any, Moment], Any]) -> Effect:
    """An effect on the charging profile that a message carries, wherever that is."""

    def effect(profile: QuirkProfile, msg: Any, moment: Moment) -> Message | str:
        field = (
            "cs_charging_profiles" if type(msg) is v16.SetChargingProfile else "charging_profile"
        )
        before = getattr(msg, field)
        if before is None:
            return _same(msg)
        after = change(profile, before, moment)
        if isinstance(after, str):
            return after
        return _same(msg if after is before else replace(msg, **{field: after}))

    return effect


def _stack_level(_profile: QuirkProfile, plan: Any, _moment: Moment) -> Any:
    return replace(plan, stack_level=0) if plan.stack_level else plan


def _cleared_stack_level(_profile: QuirkProfile, msg: Any, _moment: Moment) -> Message | str:
    """What was set at level 0 is found there alone."""
    if isinstance(msg, v16.ClearChargingProfile):
        return _same(replace(msg, stack_level=0) if msg.stack_level else msg)
    wanted = msg.charging_profile_criteria
    if wanted is None or not wanted.stack_level:
        return _same(msg)
    return _same(replace(msg, charging_profile_criteria=replace(wanted, stack_level=0)))


def _profile_kind(profile: QuirkProfile, plan: Any, moment: Moment) -> Any:
    """Absolute begins at a moment, Relative when charging begins: a plain limit may be either."""
    wanted, kind, purpose = (
        profile.profile_kind,
        plan.charging_profile_kind,
        plan.charging_profile_purpose,
    )
    if kind in (wanted, "Recurring") or (wanted == "Relative" and purpose in STATION_MAX):
        return plan
    schedules = _schedules(plan)
    several = any(len(schedule.charging_schedule_period) > 1 for schedule in schedules)
    later = any((s.start_schedule or moment.now) > moment.now for s in schedules)
    if wanted == "Relative" and (several or later):
        return "it takes schedules from the start of a session alone, and this one has a time"
    if wanted == "Absolute" and several and purpose != "TxProfile":
        return "it takes schedules with a time alone, and this one goes by the start of a session"
    start = moment.now if wanted == "Absolute" else None
    changed = [replace(schedule, start_schedule=start) for schedule in schedules]
    return _with_schedules(replace(plan, charging_profile_kind=wanted), changed)


def _rate_unit(profile: QuirkProfile, plan: Any, _moment: Moment) -> Any:
    """Amperes of each phase into watts of all, or back."""
    schedules = _schedules(plan)
    if all(schedule.charging_rate_unit == profile.rate_unit for schedule in schedules):
        return plan
    if any(_more_than_limits(s) for s in schedules):
        return f"it takes {profile.rate_unit} alone, and this schedule has more than plain limits"
    return _with_schedules(plan, [_in_unit(profile, schedule) for schedule in schedules])


def _in_unit(profile: QuirkProfile, schedule: Any) -> Any:
    if schedule.charging_rate_unit == profile.rate_unit:
        return schedule

    def converted(number: float | None, phases: int | None) -> float | None:
        if number is None:
            return None
        watts_per_ampere = profile.voltage_v * (phases or PHASES)
        of = number * watts_per_ampere if profile.rate_unit == "W" else number / watts_per_ampere
        return int(of * 10) / 10  # One decimal at most, and never more than was allowed.

    periods = tuple(
        replace(period, limit=converted(period.limit, period.number_phases))
        for period in schedule.charging_schedule_period
    )
    least = converted(schedule.min_charging_rate, periods[0].number_phases)
    return replace(
        schedule,
        charging_rate_unit=profile.rate_unit,
        charging_schedule_period=periods,
        min_charging_rate=least,
    )


def _more_than_limits(schedule: Any) -> bool:
    """2.1 has limits for single phases, for discharging, and set-points."""
    return any(
        getattr(period, name) is not None
        for period in schedule.charging_schedule_period
        for name in period.__struct_fields__
        if name not in PLAIN
    )


def _asked_rate_unit(profile: QuirkProfile, msg: Any, _moment: Moment) -> Message | str:
    unit = profile.rate_unit
    same = msg.charging_rate_unit in (None, unit)
    return _same(msg if same else replace(msg, charging_rate_unit=unit))


def _station_max(_profile: QuirkProfile, plan: Any, _moment: Moment) -> Any:
    if plan.charging_profile_purpose not in STATION_MAX:
        return plan
    return replace(plan, charging_profile_purpose="TxDefaultProfile")


def _cleared_station_max(_profile: QuirkProfile, msg: Any, _moment: Moment) -> Message | str:
    """What was set as a default is cleared as one."""
    if isinstance(msg, v16.ClearChargingProfile):
        if msg.charging_profile_purpose not in STATION_MAX:
            return msg
        return replace(msg, charging_profile_purpose="TxDefaultProfile")
    wanted = msg.charging_profile_criteria
    if wanted is None or wanted.charging_profile_purpose not in STATION_MAX:
        return _same(msg)
    wanted = replace(wanted, charging_profile_purpose="TxDefaultProfile")
    return _same(replace(msg, charging_profile_criteria=wanted))


def _schedules(plan: Any) -> tuple[Any, ...]:
    """2.x has up to three, 1.6 one."""
    held = plan.charging_schedule
    return held if isinstance(held, tuple) else (held,)


def _with_schedules(plan: Any, schedules: Iterable[Any]) -> Any:
    held = tuple(schedules)
    several = isinstance(plan.charging_schedule, tuple)
    return replace(plan, charging_schedule=held if several else held[0])


# ---- configuration ------------------------------------------------------------------------------


def _values(change: Callable[[QuirkProfile, str, str], str | None]) -> Effect:
    """An effect on values that are set; ``change`` gets key and value, None refuses the key."""

    def effect(profile: QuirkProfile, msg: Any, _moment: Moment) -> Message | str:
        if isinstance(msg, v16.ChangeConfiguration):
            after = change(profile, msg.key.strip().casefold(), msg.value)
            if after is None:
                return f"it does not take {msg.key}"
            return msg if after == msg.value else replace(msg, value=after)
        changed = []
        for item in msg.set_variable_data:
            key = f"{item.component.name}.{item.variable.name}"
            after = change(profile, key.casefold(), item.attribute_value)
            if after is None:
                return f"it does not take {key}"
            same = after == item.attribute_value
            changed.append(item if same else replace(item, attribute_value=after))
        if all(a is b for a, b in zip(changed, msg.set_variable_data, strict=True)):
            return _same(msg)
        return _same(replace(msg, set_variable_data=tuple(changed)))

    return effect


def _allowed(profile: QuirkProfile, key: str, value: str) -> str | None:
    return _measurands(key, value, lambda name: name in profile.measurands_allowed)


def _not_listed(profile: QuirkProfile, key: str, value: str) -> str | None:
    return _measurands(key, value, lambda name: name not in profile.measurand_blacklist)


def _measurands(key: str, value: str, takes: Callable[[str], bool]) -> str | None:
    if key not in MEASURAND_KEYS:
        return value
    names = [name.strip() for name in value.split(",")]
    kept = [name for name in names if takes(PHASE.sub("", name))]
    return value if kept == names or not value.strip() else ",".join(kept) or None


def _interval(profile: QuirkProfile, key: str, value: str) -> str | None:
    """Not below what the station can do; 0 turns it off, and may stay."""
    least = profile.min_meter_interval_s
    if key not in INTERVAL_KEYS or least is None or not value.strip().isdecimal():
        return value
    return str(least) if 0 < int(value) < least else value


def _writable(profile: QuirkProfile, key: str, value: str) -> str | None:
    closed = {name.casefold() for name in profile.readonly_keys}
    return None if key in closed else value


def _unasked(_profile: QuirkProfile, msg: Any, _moment: Moment) -> Message | str:
    """All keys at once may be asked for; the list of measurands by name may not."""
    if isinstance(msg, v16.GetConfiguration):
        if not msg.key:
            return msg
        keys = tuple(k for k in msg.key if k.strip().casefold() not in MEASURAND_KEYS)
        if not keys:
            return "it boots when it is asked for its measurands"
        return msg if keys == msg.key else replace(msg, key=keys)
    asked = tuple(
        item
        for item in msg.get_variable_data
        if f"{item.component.name}.{item.variable.name}".casefold() not in MEASURAND_KEYS
    )
    if not asked:
        return "it boots when it is asked for its measurands"
    return _same(msg if asked == msg.get_variable_data else replace(msg, get_variable_data=asked))


# ---- what is not sent ---------------------------------------------------------------------------


def _never(_profile: QuirkProfile, _msg: Any, _moment: Moment) -> Message | str:
    return "it must not be told to change its availability"


def _too_soon(profile: QuirkProfile, msg: Any, moment: Moment) -> Message | str:
    least, since_s = profile.restart_cooldown_s, moment.since_stop_s
    if least is None or since_s is None or since_s >= least:
        return _same(msg)
    return f"it bears no start within {least} s of a stop: wait {least - since_s:.0f} s"


def _same(msg: Message) -> Message:
    """Tells the type checker what the fields of three versions have in common."""
    return msg


def _named(*names: str) -> tuple[type[Message], ...]:
    """The messages of these names, of every version that has one."""
    modules = (v16.DIALECT, v201.DIALECT, v21.DIALECT)
    return tuple(m.requests[name] for m in modules for name in names if name in m.requests)


_PLANS: Final = _named("SetChargingProfile", "RemoteStartTransaction", "RequestStartTransaction")
_STARTS: Final = _named("RemoteStartTransaction", "RequestStartTransaction")
_SETS: Final = _named("ChangeConfiguration", "SetVariables")

# In the order in which they are applied.
EFFECTS: Final[tuple[tuple[str, tuple[type[Message], ...], Effect], ...]] = (
    ("no_change_availability", _named("ChangeAvailability"), _never),
    ("restart_cooldown_s", _STARTS, _too_soon),
    ("max_profile_unsupported", _PLANS, _profiles(_station_max)),
    ("max_profile_unsupported", _named("ClearChargingProfile"), _cleared_station_max),
    ("force_stack_level_zero", _PLANS, _profiles(_stack_level)),
    ("force_stack_level_zero", _named("ClearChargingProfile"), _cleared_stack_level),
    ("profile_kind", _PLANS, _profiles(_profile_kind)),
    ("rate_unit", _PLANS, _profiles(_rate_unit)),
    ("rate_unit", _named("GetCompositeSchedule"), _asked_rate_unit),
    ("no_measurand_autodetect", _named("GetConfiguration", "GetVariables"), _unasked),
    ("measurands_allowed", _SETS, _values(_allowed)),
    ("measurand_blacklist", _SETS, _values(_not_listed)),
    ("readonly_keys", _SETS, _values(_writable)),
    ("min_meter_interval_s", _SETS, _values(_interval)),
)
EFFECTS_ON: Final[Mapping[type[Message], tuple[tuple[str, Effect], ...]]] = {
    kind: tuple((key, effect) for key, kinds, effect in EFFECTS if kind in kinds)
    for kind in {kind for _, kinds, _ in EFFECTS for kind in kinds}
}
