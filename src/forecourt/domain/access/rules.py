"""Pure decisions: may this token charge, and what became of a reservation?"""

from datetime import datetime

from msgspec.structs import replace

from forecourt.base.context import Context
from forecourt.domain.access.model import (
    Authorization,
    Reservation,
    ReservationState,
    Standing,
    Token,
    TokenStatus,
)


def authorize(token: Token | None, ctx: Context) -> Authorization:
    """What a token is worth by itself; how often it charges already is counted elsewhere."""
    if token is None:
        return Authorization(standing=Standing.UNKNOWN)
    if token.status is TokenStatus.BLOCKED:
        standing = Standing.BLOCKED
    elif token.valid_until is not None and token.valid_until <= ctx.now:
        standing = Standing.EXPIRED
    else:
        standing = Standing.ACCEPTED
    return Authorization(
        standing=standing,
        group=token.group,
        valid_until=token.valid_until,
        sessions_max=token.sessions_max,
    )


def made(before: Reservation | None, fresh: Reservation) -> Reservation:
    """A reservation that was just made. The station may have told its end before we heard of it."""
    if before is None:
        return fresh
    if before.expires_at is not None:
        told_again = (before.token, before.expires_at) == (fresh.token, fresh.expires_at)
        return before if told_again else fresh
    return replace(fresh, state=before.state, settled_at=before.settled_at, session=before.session)


def settled(
    before: Reservation | None, number: int, state: ReservationState, now: datetime
) -> Reservation:
    """A reservation that is over. What was used stays used; the first word of its end counts.

    One that we never made (somebody stood at the station's own screen) is known from its end on.
    """
    if before is None:
        return Reservation(number=number, state=state, made_at=now, settled_at=now)
    if before.state is not ReservationState.MADE:
        return before
    return replace(before, state=state, settled_at=now)


def aged(reservation: Reservation, now: datetime) -> Reservation:
    """As it is at this moment: 1.6 stations do not tell that time has run out."""
    until = reservation.expires_at
    if reservation.state is ReservationState.MADE and until is not None and until <= now:
        return replace(reservation, state=ReservationState.EXPIRED, settled_at=until)
    return reservation
