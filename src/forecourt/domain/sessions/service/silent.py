"""Sessions whose station went away and does not come back: ended by hand, or after some days.

Their end is a guess, flagged ``stop_missing``. Should the station come back and tell the stop after
all, that counts.
"""

from datetime import datetime, timedelta
from typing import Final

from forecourt.base.context import Context
from forecourt.base.ids import SessionId
from forecourt.domain.sessions import rules
from forecourt.domain.sessions.model import (
    Session,
    SessionEnded,
    SessionOver,
    SessionState,
    SessionUnknown,
    StationThere,
)
from forecourt.domain.sessions.store import sessions as store
from forecourt.domain.sessions.store import silent
from forecourt.infra.database import Database, Unit

ACTOR: Final = "system:housekeeping"
# Why it ended, where no station said so: its outlet is free; its station stayed away; somebody here
# said so.
LOST: Final = "Lost"
ABANDONED: Final = "Abandoned"
BY_HAND: Final = "EndedByOperator"
# One transaction each, so that none is long.
AT_ONCE: Final = 100


class Silent:
    """Ends sessions that no station will."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def end(self, ctx: Context, session: SessionId) -> Session:
        """End a session by hand while its station is away, with the energy that is known.

        Raises SessionUnknown, SessionOver, StationThere.
        """
        async with self._db.unit(ctx) as unit:
            found = await store.find(unit, session)
            if found is None:
                raise SessionUnknown(f"there is no session {session!r}", session=session)
            # From here on its station cannot connect, and no gateway holds the session.
            if await silent.is_connected(unit, found.station):
                raise StationThere(
                    f"station {found.station} is connected: ask it to stop", station=found.station
                )
            found = await store.find(unit, session) or found
            if found.state is SessionState.ENDED:
                raise SessionOver(f"session {session} has ended", session=session)
            return await _end(unit, ctx, found, BY_HAND)

    async def end_abandoned(self, now: datetime, *, away_for: timedelta) -> int:
        """End sessions of stations that have been away for so long; how many. Of all tenants.

        Raises DatabaseAway.
        """
        count = 0
        while True:
            async with self._db.house_unit() as unit:
                found = await silent.abandoned(unit, before=now - away_for, most=AT_ONCE)
                for session in found:
                    ctx = Context(actor=ACTOR, tenant=session.tenant, now=now)
                    await _end(unit, ctx, session, ABANDONED)
            count += len(found)
            if len(found) < AT_ONCE:
                return count


async def _end(unit: Unit, ctx: Context, session: Session, reason: str) -> Session:
    later = await store.after_saved(unit, [session], since=session.saved_at - store.RECENT)
    whole = rules.folded(session, later.get(session.id, ()))
    over = rules.given_up(whole, ctx, at=rules.heard_at(whole), reason=reason)
    await silent.save_end(unit, over)
    await unit.emit(told_ended(over, ctx))
    return over


def told_ended(session: Session, ctx: Context) -> SessionEnded:
    """What is told of a session that is over."""
    return SessionEnded(
        tenant=ctx.tenant,
        at=ctx.now,
        station=session.station,
        session=session.id,
        evse_no=session.evse_no,
        transaction=session.transaction,
        token=session.token,
        energy_wh=session.progress.energy_wh,
        exported_wh=session.progress.exported_wh,
        started_at=session.started_at,
        ended_at=session.ended_at or ctx.now,
        stop_reason=session.stop_reason,
        flags=session.progress.flags,
    )
