"""The room's verbs: sites are made known, changed and forgotten."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from forecourt.base.context import Context
from forecourt.base.pages import FIRST_PAGE, Page, Wanted
from forecourt.domain.sites import rules, store
from forecourt.domain.sites.model import (
    Site,
    SiteAdded,
    SiteChanged,
    SiteExists,
    SiteInUse,
    SiteRemoved,
    SiteUnknown,
)
from forecourt.infra.database import Database, Unit

Change: TypeAlias = Callable[[Site], Site]
"""What becomes of a site."""


class Sites:
    """Everything about places where stations stand."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, ctx: Context, new: Site) -> Site:
        """Make a site known. Raises SiteExists, SiteInvalid."""
        rules.site_id(new.id)
        rules.checked(new)
        async with self._db.unit(ctx) as unit:
            if not await store.add(unit, [new]):
                raise SiteExists(f"a site {new.id!r} exists already", site=new.id)
            await unit.emit(SiteAdded(tenant=ctx.tenant, at=ctx.now, site=new.id))
        return new

    async def change(self, ctx: Context, site: str, change: Change) -> Site:
        """Change a site. Raises SiteUnknown, SiteInvalid."""
        async with self._db.unit(ctx) as unit:
            before = await store.find(unit, site, held=True)
            if before is None:
                raise _unknown(site)
            after = rules.checked(change(before))
            if after != before:
                await store.save(unit, after)
                await unit.emit(SiteChanged(tenant=ctx.tenant, at=ctx.now, site=site))
        return after

    async def remove(self, ctx: Context, site: str) -> None:
        """Forget a site. Raises SiteUnknown, SiteInUse (stations stand there)."""
        async with self._db.unit(ctx) as unit:
            if await store.find(unit, site, held=True) is None:
                raise _unknown(site)
            if not await store.remove(unit, site):
                raise SiteInUse(f"stations stand at {site!r}", site=site)
            await unit.emit(SiteRemoved(tenant=ctx.tenant, at=ctx.now, site=site))

    async def read(self, ctx: Context, site: str) -> Site:
        """One site. Raises SiteUnknown."""
        async with self._db.unit(ctx) as unit:
            found = await store.find(unit, site)
        if found is None:
            raise _unknown(site)
        return found

    async def list(
        self,
        ctx: Context,
        wanted: Wanted = FIRST_PAGE,
        *,
        country: str | None = None,
        city: str | None = None,
    ) -> Page[Site]:
        """Sites that fit, in the order of their ids if in no other.

        Raises CursorInvalid, SortUnknown.
        """
        async with self._db.view(ctx) as unit:
            return await store.page(unit, wanted, country=country, city=city)


async def ensure(unit: Unit, ctx: Context, ids: Iterable[str]) -> None:
    """Make those of these sites known that are not; no name names no site. Raises SiteInvalid."""
    wanted = {name for name in ids if name}
    if not wanted:
        return
    new = [
        Site(id=name, tenant=ctx.tenant, name=name, created_at=ctx.now) for name in sorted(wanted)
    ]
    fresh = await store.add(unit, new)
    for name in fresh:
        rules.site_id(name)
    await unit.emit(
        *(SiteAdded(tenant=ctx.tenant, at=ctx.now, site=name) for name in sorted(fresh))
    )


def _unknown(site: str) -> SiteUnknown:
    return SiteUnknown(f"there is no site {site!r}", site=site)
