"""The audit trail: who did what, when and from where, with before and after."""

from typing import Final, Unpack

from forecourt.base.context import Context
from forecourt.base.pages import FIRST_PAGE, Page, Wanted
from forecourt.domain.tenants import rules
from forecourt.domain.tenants.model import AuditEntry, Deed, DeedFields
from forecourt.domain.tenants.store import audit as store
from forecourt.infra.database import Database, Unit

VERIFIED_AT_ONCE: Final = 1_000


async def remember(unit: Unit, ctx: Context, deed: Deed) -> AuditEntry:
    """Add a deed to the trail, chained to the one before, in the unit that does it."""
    entry = rules.chained(await store.last(unit, ctx.tenant), deed, ctx)
    await store.add(unit, ctx.tenant, entry)
    return entry


class Audit:
    """Everything about deeds."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, ctx: Context, deed: Deed) -> AuditEntry:
        """Remember a deed; it is chained to the one before."""
        async with self._db.unit(ctx) as unit:
            return await remember(unit, ctx, deed)

    async def list(
        self,
        ctx: Context,
        wanted: Wanted = FIRST_PAGE,
        **fit: Unpack[DeedFields],
    ) -> Page[AuditEntry]:
        """Deeds that fit, newest first if not the other way. Raises CursorInvalid, SortUnknown."""
        async with self._db.view(ctx) as unit:
            return await store.page(unit, wanted, fit)

    async def verify(self, ctx: Context) -> tuple[int, int | None]:
        """How many deeds there are, and the first that was tampered with, if any.

        Whoever cut off the newest entries leaves no trace in the chain itself: keep the newest
        hash somewhere else to notice that.
        """
        seq, previous = 0, b""
        while True:
            async with self._db.unit(ctx) as unit:
                entries = await store.since(unit, seq, VERIFIED_AT_ONCE)
            if not entries:
                return seq, None
            broken = rules.first_broken(entries, previous, seq)
            if broken is not None:
                return seq, broken
            seq, previous = entries[-1].seq, entries[-1].hash
