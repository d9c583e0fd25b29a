"""The room's verbs: what stations tell of updates, publications and uploads."""

from collections.abc import Sequence

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.domain.firmware import rules, store
from forecourt.domain.firmware.model import JOBS_KEPT_MAX, UNNAMED, Job, JobKind, Step
from forecourt.infra.database import Database


class Firmware:
    """Everything about files that stations take and give."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def reported(
        self,
        ctx: Context,
        station: StationId,
        *,
        kind: JobKind,
        request_id: int | None,
        status: str,
        info: str = "",
        places: tuple[str, ...] = (),
    ) -> None:
        """A station told how far it is. Told again, it changes nothing and is not told on."""
        async with self._db.unit(ctx) as unit:
            if status == rules.IDLE:
                for job in await store.going_on(unit, station, kind):
                    lost = rules.abandoned(job, ctx.now)
                    await store.save(unit, station, ctx.tenant, lost)
                    await unit.emit(*rules.told(ctx, station, lost))
                return
            number = UNNAMED if request_id is None else request_id
            before = await store.find(unit, station, kind, number)
            step = Step(ctx.now, status, info)
            after = rules.stepped(before, step, kind=kind, request_id=number, places=places)
            await store.save(unit, station, ctx.tenant, after)
            if before is None or before.steps != after.steps:
                await unit.emit(*rules.told(ctx, station, after))

    async def jobs(
        self, ctx: Context, station: StationId, *, limit: int = JOBS_KEPT_MAX
    ) -> Sequence[Job]:
        """What a station did with files, newest first."""
        async with self._db.unit(ctx) as unit:
            return await store.jobs_of(unit, station, limit=limit)
