"""The planner: what is wanted and what was told, in; what is to be done and why, out. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from forecourt.domain.devices.model import (
    Applied,
    Desired,
    Line,
    Network,
    Place,
    Plan,
    State,
    Step,
    Try,
)
from forecourt.domain.devices.rules.names import Standards, place
from forecourt.domain.devices.rules.values import fault, same
from forecourt.domain.devices.rules.wishes import network_wanted
from forecourt.domain.stations import Kept, Outcome, Variable

# A station that refuses is asked again ever less often; one that takes a value and shows another
# may just have been changed on site, so it is told soon, and then ever less often too.
REFUSED_FIRST: Final = timedelta(minutes=15)
ACCEPTED_FIRST: Final = timedelta(minutes=1)
AGAIN_MAX: Final = timedelta(days=1)
FACTOR: Final = 4
TIMES_MAX: Final = 12

SETTLED: Final = frozenset({Step.ALREADY})
NEARLY: Final = frozenset({Step.ALREADY, Step.REBOOT})


def plan(
    wishes: Sequence[Desired],
    told: Iterable[Kept],
    *,
    networks: Sequence[Network] = (),
    whole: bool,
    tries: Sequence[Try],
    patient: bool = True,
    now: datetime,
    standards: Standards,
) -> Plan:
    """What is to be done so that a station becomes as it is wanted.

    ``whole``: it told all that it has. ``networks``: the ways to reach us that it took.
    ``patient``: what was tried in vain waits a while.
    """
    if not wishes:
        return Plan(state=State.UNMANAGED)
    found = {place(kept.variable): kept for kept in told}
    tried = {(t.place, t.value): t for t in tries}
    given = {network.slot: network_wanted(network).value for network in networks}
    lines: list[Line] = []
    waits: list[datetime] = []
    for wish in wishes:
        wanted = wish.wanted
        earlier = tried.get((wanted.place, wanted.value))
        if wish.network is None:
            kept = found.get(wanted.place)
            step, because, value = _step(wish, kept, earlier, standards, whole=whole)
        else:
            step, because, value = _slot(wanted.value, given.get(wish.network.slot))
        if patient and step is Step.SET and earlier is not None:
            again = earlier.at + pause(earlier)
            if again > now:
                waits.append(again)
                step, because = Step.WAITING, f"{_history(earlier)}; again at {again:%H:%M:%S} UTC"
        lines.append(
            Line(
                wanted=wanted,
                template=wish.template,
                auto=wish.auto,
                step=step,
                because=because,
                found=value,
                network=wish.network,
            )
        )
    state = _state(lines, whole=whole)
    return Plan(state=state, lines=tuple(lines), next_try=min(waits, default=None))


def _step(
    wish: Desired, kept: Kept | None, earlier: Try | None, standards: Standards, *, whole: bool
) -> tuple[Step, str, str | None]:
    """One variable: what to do, why, and what it is now."""
    if kept is None:
        because = "the station has no such variable" if whole else "the station has not told of it"
        return Step.UNKNOWN, because, None
    if kept.gone_at is not None:
        return Step.UNKNOWN, f"gone from the station since {kept.gone_at:%Y-%m-%d}", None
    return _known(wish, standards.characterised(kept.variable), earlier)


def _slot(wanted: str, given: str | None) -> tuple[Step, str, str | None]:
    """A network's slot: stations tell of none in full, so what they took from us counts."""
    if given == wanted:
        return Step.ALREADY, "given, and taken", given
    because = "this slot was never filled from here" if given is None else f"it is {given!r}"
    return Step.SET, because, given


def _known(wish: Desired, variable: Variable, earlier: Try | None) -> tuple[Step, str, str | None]:
    """The same for a variable that the station has."""
    wanted, value = wish.wanted.value, variable.value
    if variable.mutability == "WriteOnly" and earlier is not None and earlier.accepted:
        return Step.ALREADY, f"set on {earlier.at:%Y-%m-%d}; it cannot be read", None
    if value is not None and same(variable.data_type, value, wanted):
        if variable.awaits_reboot:
            return Step.REBOOT, "set, and takes effect when the station starts again", value
        return Step.ALREADY, "as it shall be", value
    step, because = _different(variable, wanted)
    return step, because, value


def _different(variable: Variable, wanted: str) -> tuple[Step, str]:
    """What to do about a variable that has another value."""
    if variable.mutability == "ReadOnly" or variable.constant:
        return Step.READ_ONLY, "the station does not let it be set"
    if (why := fault(variable, wanted)) is not None:
        return Step.INVALID, why
    value = variable.value
    return Step.SET, "its value is not known" if value is None else f"it is {value!r}"


def _state(lines: Sequence[Line], *, whole: bool) -> State:
    steps = {line.step for line in lines}
    if Step.UNKNOWN in steps and not whole:
        return State.UNKNOWN
    if steps <= SETTLED:
        return State.CONFORMS
    return State.REBOOT_NEEDED if steps <= NEARLY else State.DRIFTED


def pause(earlier: Try) -> timedelta:
    """How long to leave a station alone with a value that it was told to take."""
    first = ACCEPTED_FIRST if earlier.accepted else REFUSED_FIRST
    return min(first * int(FACTOR ** (min(earlier.times, TIMES_MAX) - 1)), AGAIN_MAX)


def _history(earlier: Try) -> str:
    times = "once" if earlier.times == 1 else f"{earlier.times} times"
    said = "it took the value" if earlier.accepted else f"it refused ({earlier.said})"
    return f"tried {times}, {said}"


def remembered(
    tries: Sequence[Try], plan: Plan, applied: Sequence[Applied], now: datetime
) -> tuple[Try, ...]:
    """The tries to keep: those of this plan, without what has been as it shall be for a day."""
    after: dict[tuple[Place, str], Try] = {(t.place, t.value): t for t in tries}
    for done in applied:
        key = (done.line.wanted.place, done.line.wanted.value)
        before = after.get(key)
        after[key] = Try(
            place=key[0],
            value=key[1],
            times=1 if before is None else before.times + 1,
            at=now,
            said=done.status or done.outcome,
            accepted=done.outcome in (Outcome.ACCEPTED, Outcome.SCHEDULED),
        )
    steps = {(line.wanted.place, line.wanted.value): line for line in plan.lines}
    return tuple(t for key, t in after.items() if _worth(t, steps.get(key), now))


def _worth(held: Try, line: Line | None, now: datetime) -> bool:
    if line is None:
        return False  # Nobody wants it any more.
    if line.step is Step.ALREADY and line.found is not None:
        return now - held.at < AGAIN_MAX
    return True
