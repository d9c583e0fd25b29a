"""Power: what charges now, and how much it was in each step of a past span."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.domain.sessions import rules, store
from forecourt.domain.sessions.model import PowerSpan, PowerStep, Session
from forecourt.infra.database import Database


class Power:
    """Everything about power that is not of one session."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def charging(
        self, ctx: Context, stations: Sequence[StationId]
    ) -> dict[tuple[StationId, int], Session]:
        """What charges at each EVSE of these stations, as their newest readings say."""
        async with self._db.unit(ctx) as unit:
            running = await store.running(unit, stations)
            later = await store.after_saved(unit, running, since=ctx.now - store.RECENT)
        return {
            (one.station, one.evse_no): rules.folded(one, later.get(one.id, ())) for one in running
        }

    async def history(
        self,
        ctx: Context,
        *,
        begins_at: datetime,
        ends_at: datetime,
        step: timedelta,
        site: str | None = None,
        station: StationId | None = None,
    ) -> tuple[PowerSpan, Sequence[PowerStep]]:
        """The average power of each step, in W; nothing later than now.

        Raises PowerSpanInvalid.
        """
        span = rules.power_span(begins_at, min(ends_at, ctx.now), step)
        async with self._db.unit(ctx) as unit:
            told = await store.power(unit, span, now=ctx.now, site=site, station=station)
        return span, rules.power_steps(span, told)
