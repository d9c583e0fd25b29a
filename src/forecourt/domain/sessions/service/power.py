"""Power: what charges now, how much it was in each step of a past span, and how that is kept ready.

Readings are summed up in quarter hours behind the gateway's back: each pass looks for what was
received since the passes before it, and sums up anew whatever that may have changed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.domain.sessions import rules
from forecourt.domain.sessions.model import (
    PowerHistory,
    PowerPart,
    PowerSpanInvalid,
    Session,
)
from forecourt.domain.sessions.store import power as store
from forecourt.domain.sessions.store import sessions as records
from forecourt.infra.database import Database

PASS_EVERY: Final = timedelta(minutes=1)
# A reading is committed after it was received, and seen after that. So a pass looks back to the
# beginning of the one so many before it: not so many minutes, because while the database is away
# there are no passes, and what waited for it comes with the moment at which it was received.
PASSES_KEPT: Final = 5
# After so long without a pass, and every few hours in any case, everything of the last day is
# summed up again, whenever it was received: whatever went wrong is mended by then.
GAP_MAX: Final = timedelta(hours=1)
REBUILT_EVERY: Final = timedelta(hours=6)
REBUILT_BACK: Final = timedelta(hours=26)
BACK_AT_ONCE: Final = timedelta(hours=3)
# One transaction each, so that none is long.
REBUILT_AT_ONCE: Final = timedelta(hours=1)
# More are not told apart by their colours.
PARTS_MAX: Final = 8


class Power:
    """Everything about power that is not of one session."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def charging(
        self, ctx: Context, stations: Sequence[StationId]
    ) -> dict[tuple[StationId, int], Session]:
        """What charges at each EVSE of these stations, as their newest readings say."""
        async with self._db.unit(ctx) as unit:
            running = await records.running(unit, stations)
            later = await records.after_saved(unit, running, since=ctx.now - records.RECENT)
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
        by: Literal["site", "station"] | None = None,
    ) -> PowerHistory:
        """The average power of each step, in W; nothing later than now.

        Steps of whole quarter hours are there already; finer ones are summed up from readings, for
        a station or a site. Raises PowerSpanInvalid.
        """
        span = rules.power_span(begins_at, min(ends_at, ctx.now), step)
        if step % store.QUARTER:
            whole = site is None and station is None
            rules.check_fine(span, network=whole, parts=by is not None)
            async with self._db.unit(ctx) as unit:
                taken = await store.fine(unit, span, now=ctx.now, site=site, station=station)
            moments = rules.power_moments(span, ctx.now)
            steps = rules.power_steps(moments, step, ctx.now, taken)
            return PowerHistory(span=span, steps=steps, parts=())
        if by == "station" and site is None:
            raise PowerSpanInvalid("power by station is told of a site: name one")
        async with self._db.unit(ctx) as unit:
            until = min(await store.newest(unit) or ctx.now, ctx.now)
            taken = await store.total(unit, span, site=site, station=station)
            found = (
                {}
                if by is None
                else await store.parts(
                    unit, span, by_station=by == "station", site=site, most=PARTS_MAX
                )
            )
        moments = rules.power_moments(span, until)
        return PowerHistory(
            span=span,
            steps=rules.power_steps(moments, step, until, taken),
            parts=[
                PowerPart(
                    id=name,
                    power_w=[s.power_w for s in rules.power_steps(moments, step, until, some)],
                )
                for name, some in found.items()
            ],
        )

    # ---- keeping it ready -----------------------------------------------------------------------

    async def sum_up(self, now: datetime) -> bool:
        """Sum up what was received since the last passes; False if somebody else just does.

        For all tenants. After a gap, and now and then, the last day is summed up as a whole; and
        each pass goes a bit further back, until the first session is reached. Raises DatabaseAway.
        """
        async with self._db.house_unit() as unit:
            last = await store.claim(unit, now, every=PASS_EVERY / 2)
        if last is None:
            return False
        since = None
        if not last.seen or now - last.seen[-1] > GAP_MAX:
            since = min((*last.seen[-1:], now)) - REBUILT_BACK
        else:
            async with self._db.house_unit() as unit:
                await store.sum_up_since(unit, last.seen[0], now)
            if last.rebuilt_at is None or now - last.rebuilt_at >= REBUILT_EVERY:
                since = now - REBUILT_BACK
        if since is not None:
            await self.rebuild(now, since)
        reached = last.reached or since or now
        begin = await self.rebuild(now, reached - BACK_AT_ONCE, until=reached)
        async with self._db.house_unit() as unit:
            rebuilt_at = last.rebuilt_at if since is None else now
            done = store.Passes(seen=(*last.seen, now), rebuilt_at=rebuilt_at, reached=begin)
            await store.remember(unit, done, most=PASSES_KEPT)
        return True

    async def rebuild(
        self, now: datetime, since: datetime, *, until: datetime | None = None
    ) -> datetime:
        """Sum up a whole span, the newest first; where it begins: not before the first session.

        Raises DatabaseAway.
        """
        async with self._db.house_unit() as unit:
            oldest = await store.oldest(unit)
        end = _quarter(now) + store.QUARTER if until is None else _quarter(until)
        begin = min(end, _quarter(max(since, oldest or now)))
        at = end
        while at > begin:
            start = max(begin, at - REBUILT_AT_ONCE)
            async with self._db.house_unit() as unit:
                await store.sum_up_within(unit, start, at, now)
            at = start
        return begin


def _quarter(moment: datetime) -> datetime:
    return rules.floor(moment, store.QUARTER)
