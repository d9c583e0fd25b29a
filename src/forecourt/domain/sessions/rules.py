"""Pure decisions about sessions: how energy is counted, in which order events may come.

Energy is never negative and never counted twice: it grows only by what a register grew between two
readings in the order of time, and a start and stop register that agree with all that was seen
between them overrule the sum.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from msgspec.structs import replace

from forecourt.base.context import Context
from forecourt.domain.access import Authorization, Standing
from forecourt.domain.sessions.model import (
    Days,
    Flag,
    PowerSpan,
    PowerSpanInvalid,
    PowerStep,
    Progress,
    Reading,
    Session,
    SessionState,
    Taken,
)
from forecourt.domain.stations import Connector, ConnectorState, plausible

# More holes than this in one session's numbering is no numbering; remember that, not the holes.
SEQ_MISSING_MAX: Final = 64
# No session takes more: a stop register beyond is a fault, and may be more than a column holds.
ENERGY_WH_MAX: Final = 10**15
# An outlet that has been free for so long has no session: its stop was lost. What a station tells
# late, when it comes back and empties its queue, has come by then.
FREE_FOR: Final = timedelta(minutes=15)
# Where the days of a session's readings were not noted (records of before they were): how far from
# its start and end they are looked for.
CLOCK_WRONG: Final = timedelta(days=35)
# A clock that was never set is years off: what lies between is not looked through. Nearer ones
# share a span, and so do all when there are more spans than a session with a sane station has.
DAYS_APART_MIN: Final = 7
SPANS_MAX: Final = 8
# Power over time: what a chart can show, and what one look may read.
STEP_MIN: Final = timedelta(minutes=1)
STEP_MAX: Final = timedelta(days=1)
STEPS_MAX: Final = 2_000
SPAN_MAX: Final = timedelta(days=93)
FINE_MAX: Final = timedelta(days=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def days_of(session: Session) -> Days:
    """The days on which a session's readings lie."""
    if session.days is not None:
        return session.days
    first = (session.started_at - CLOCK_WRONG).toordinal()
    if session.ended_at is None:
        return ((first, date.max.toordinal()),)
    return ((first, (session.ended_at + CLOCK_WRONG).toordinal()),)


def dated(session: Session, readings: Iterable[Reading]) -> Session:
    """The session, with the days of these readings noted; itself when they are."""
    days = days_of(session)
    for reading in readings:
        day = reading.sampled_at.toordinal()
        for first, last in days:
            if first <= day <= last:
                break
        else:
            days = _with_day(days, day)
    return session if days is session.days else replace(session, days=days)


def _with_day(days: Days, day: int) -> Days:
    """The spans, and one more day: in the nearest span, stretched, or in one of its own."""
    nearest = min(days, key=lambda span: max(span[0] - day, day - span[1]), default=None)
    if nearest is None:
        return ((day, day),)
    apart = max(nearest[0] - day, day - nearest[1])
    if apart > DAYS_APART_MIN and len(days) < SPANS_MAX:
        return tuple(sorted((*days, (day, day))))
    stretched = (min(nearest[0], day), max(nearest[1], day))
    return tuple(stretched if span == nearest else span for span in days)


def advance(before: Progress, reading: Reading) -> Progress:
    """The progress after one more reading. A reading from before the newest one adds nothing."""
    at = reading.sampled_at
    if before.meter_at is not None and at < before.meter_at:
        return before
    energy_wh, meter_wh, flags = before.energy_wh, before.meter_wh, before.flags
    high_wh = before.meter_high_wh
    wh = reading.energy_wh
    if wh is not None:
        if meter_wh is not None and high_wh is not None:
            if wh >= high_wh:
                # Also when it fell and is back: what lies below was counted on the way up.
                energy_wh += wh - high_wh
            elif wh >= meter_wh:
                energy_wh += wh - meter_wh
            else:
                flags = flagged(flags, Flag.METER_WENT_BACK)
        meter_wh = wh
        if high_wh is None or wh > high_wh:
            high_wh = wh
    exported_wh, export_meter_wh = before.exported_wh, before.export_meter_wh
    out_wh = reading.export_wh
    if out_wh is not None:
        if export_meter_wh is not None and out_wh > export_meter_wh:
            exported_wh += out_wh - export_meter_wh
        export_meter_wh = out_wh
    power_w, soc_pct = reading.power_w, reading.soc_pct
    return Progress(
        energy_wh,
        exported_wh,
        meter_wh,
        high_wh,
        at,
        export_meter_wh,
        before.power_w if power_w is None else power_w,
        before.soc_pct if soc_pct is None else soc_pct,
        before.seq_next,
        before.seq_missing,
        flags,
    )


def started(meter_wh: int | None, at: datetime) -> Progress:
    """The progress of a session that begins with this register."""
    if meter_wh is None:
        return Progress()
    return Progress(meter_wh=meter_wh, meter_high_wh=meter_wh, meter_at=at)


def settled(before: Progress, start_wh: int | None, stop_wh: int | None) -> Progress:
    """The final energy.

    Stop minus start, when the stop register is not below the start and not below any that was seen
    between: then what fell on the way was a meter that counts by session (field quirk 27).
    Otherwise the sum of what the register grew, flagged.
    """
    if start_wh is None or stop_wh is None:
        return before
    high_wh = before.meter_high_wh
    if start_wh <= stop_wh <= start_wh + ENERGY_WH_MAX and (high_wh is None or stop_wh >= high_wh):
        return replace(before, energy_wh=stop_wh - start_wh, meter_wh=stop_wh)
    energy_wh = before.energy_wh
    meter_wh = before.meter_wh
    if meter_wh is not None and meter_wh < stop_wh <= meter_wh + ENERGY_WH_MAX:
        energy_wh += stop_wh - meter_wh
    return replace(
        before,
        energy_wh=energy_wh,
        meter_wh=stop_wh,
        flags=flagged(before.flags, Flag.METER_IMPLAUSIBLE),
    )


def numbered(before: Progress, seq_no: int) -> Progress | None:
    """The progress after event ``seq_no``, or None when that event was told before (2.x E01).

    Once holes are forgotten nobody knows what was told: then nothing is dropped for its number,
    and what is recorded again is the same by its content.
    """
    expected = before.seq_next
    if seq_no == expected:
        return Progress(
            before.energy_wh,
            before.exported_wh,
            before.meter_wh,
            before.meter_high_wh,
            before.meter_at,
            before.export_meter_wh,
            before.power_w,
            before.soc_pct,
            expected + 1,
            before.seq_missing,
            before.flags,
        )
    if seq_no > expected:
        missing = (*before.seq_missing, *range(expected, min(seq_no, expected + SEQ_MISSING_MAX)))
        flags = before.flags
        if len(missing) > SEQ_MISSING_MAX or seq_no > expected + SEQ_MISSING_MAX:
            flags = flagged(flags, Flag.SEQUENCE_GAP)
        return replace(
            before, seq_next=seq_no + 1, seq_missing=missing[-SEQ_MISSING_MAX:], flags=flags
        )
    if seq_no in before.seq_missing:
        return replace(before, seq_missing=tuple(n for n in before.seq_missing if n != seq_no))
    if seq_no < 0:
        return replace(before, flags=flagged(before.flags, Flag.SEQUENCE_GAP))
    return before if Flag.SEQUENCE_GAP in before.flags else None


def folded(session: Session, later: Iterable[tuple[Reading, int | None]]) -> Session:
    """The record and the readings that came after it was saved, made one."""
    progress = session.progress
    for reading, seq_no in later:
        if seq_no is not None:
            progress = numbered(progress, seq_no) or progress
        progress = advance(progress, reading)
    return replace(session, progress=progress)


def moment(reported_at: datetime, ctx: Context) -> tuple[datetime, bool]:
    """When it happened, by the station's word if that is plausible, else by ours; and if it was."""
    believed = plausible(reported_at, ctx.now)
    return (reported_at if believed else ctx.now), believed


def ended(
    session: Session, ctx: Context, *, reported_at: datetime, stop_wh: int | None, reason: str
) -> Session:
    """The session, over; its energy as far as anybody knows. A guessed end is one no more."""
    at, believed = moment(reported_at, ctx)
    progress = settled(session.progress, session.meter_start_wh, stop_wh)
    flags: tuple[Flag, ...] = progress.flags
    flags = tuple(flag for flag in flags if flag != Flag.STOP_MISSING)
    if not believed:
        flags = flagged(flags, Flag.CLOCK_DOUBTFUL)
    if progress.seq_missing:
        flags = flagged(flags, Flag.SEQUENCE_GAP)
    return replace(
        session,
        state=SessionState.ENDED,
        ended_at=max(at, session.started_at),
        meter_stop_wh=stop_wh,
        stop_reason=reason,
        progress=replace(progress, flags=flags, power_w=0),
        saved_at=ctx.now,
    )


def given_up(session: Session, ctx: Context, *, at: datetime, reason: str) -> Session:
    """The same where no stop came: its end is a guess, until a stop comes after all."""
    over = ended(session, ctx, reported_at=at, stop_wh=None, reason=reason)
    flags = flagged(over.progress.flags, Flag.STOP_MISSING)
    return replace(over, progress=replace(over.progress, flags=flags))


def heard_at(session: Session) -> datetime:
    """When its meter told something last."""
    return session.progress.meter_at or session.started_at


def lost_at(session: Session, connectors: Iterable[Connector], now: datetime) -> datetime | None:
    """Since when its outlet has been free, if for so long that its stop must have been lost."""
    here = [each for each in connectors if each.evse_no == session.evse_no]
    if session.evse_no == 0 or not here:
        return None
    if any(each.state is not ConnectorState.AVAILABLE for each in here):
        return None
    free_at = max(each.state_at for each in here)
    told_at = max(each.received_at for each in here)
    silent = max(heard_at(session), session.started_at) < min(each.state_at for each in here)
    return free_at if silent and max(free_at, told_at) <= now - FREE_FOR else None


def flagged(flags: tuple[Flag, ...], flag: Flag) -> tuple[Flag, ...]:
    return flags if flag in flags else (*flags, flag)


def admitted(authorization: Authorization, sessions_elsewhere: int) -> Authorization:
    """The token's standing when it charges elsewhere already (1.6 ConcurrentTx)."""
    most = authorization.sessions_max
    if authorization.standing is not Standing.ACCEPTED or most is None:
        return authorization
    if sessions_elsewhere < most:
        return authorization
    return replace(authorization, standing=Standing.CONCURRENT)


def may_be_stopped_again(session: Session) -> bool:
    """Whether a stop still has something to say: the session runs, or we had to guess its end."""
    return session.state is SessionState.ACTIVE or Flag.STOP_MISSING in session.progress.flags


def power_span(begins_at: datetime, ends_at: datetime, step: timedelta) -> PowerSpan:
    """Whole steps around a span, on the clock's own marks. Raises PowerSpanInvalid."""
    if not STEP_MIN <= step <= STEP_MAX:
        raise PowerSpanInvalid(f"a step has {STEP_MIN} to {STEP_MAX}", step=step, field="step")
    if begins_at >= ends_at:
        raise PowerSpanInvalid("the span ends before it begins, or has not come yet")
    begin = floor(begins_at, step)
    end = _EPOCH - (_EPOCH - ends_at) // step * step
    if end - begin > SPAN_MAX or (end - begin) // step > STEPS_MAX:
        raise PowerSpanInvalid(f"no more than {STEPS_MAX} steps and {SPAN_MAX.days} days at once")
    return PowerSpan(begins_at=begin, ends_at=end, step=step)


def floor(moment: datetime, step: timedelta) -> datetime:
    """The mark of the clock (UTC) at or before a moment."""
    return _EPOCH + (moment - _EPOCH) // step * step


def check_fine(span: PowerSpan, *, network: bool, parts: bool) -> None:
    """Whether readings may be summed up while somebody waits. Raises PowerSpanInvalid."""
    if network or parts:
        raise PowerSpanInvalid("finer than by quarter hours power is told of a station or a site")
    if span.ends_at - span.begins_at > FINE_MAX + span.step:  # It was made whole.
        raise PowerSpanInvalid("finer than by quarter hours power is told of a day at most")


def power_moments(span: PowerSpan, until: datetime) -> list[datetime]:
    """When the steps of a span begin that had begun until then."""
    count = (span.ends_at - span.begins_at) // span.step
    moments = (span.begins_at + n * span.step for n in range(count))
    return [at for at in moments if at < until]


def power_steps(
    moments: Sequence[datetime], step: timedelta, until: datetime, taken: Iterable[Taken]
) -> list[PowerStep]:
    """Every step: where nothing ran, nothing was taken. The newest is the average so far."""
    known = {one.at: one for one in taken}
    return [_power_step(at, min(at + step, until) - at, known.get(at)) for at in moments]


def _power_step(at: datetime, lasts: timedelta, taken: Taken | None) -> PowerStep:
    if taken is None:
        return PowerStep(at=at, power_w=0, sessions=0, measured=0)
    energy_ws = taken.energy_ws
    power_w = None if energy_ws is None else round(energy_ws / lasts.total_seconds())
    return PowerStep(at=at, power_w=power_w, sessions=taken.sessions, measured=taken.measured)
