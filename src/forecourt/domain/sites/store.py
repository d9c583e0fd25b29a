"""Tables and SQL of this room."""

from collections.abc import Collection
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    DateTime,
    Double,
    Table,
    Text,
    delete,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from forecourt.base.ids import TenantId
from forecourt.base.pages import Page, Wanted
from forecourt.domain.sites.model import SORTS, Hours, Site
from forecourt.infra.database import Unit, metadata
from forecourt.infra.listing import Listing, list_rows, only, sorts

sites: Final = Table(
    "sites",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("site_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("address", ARRAY(Text), nullable=False),
    Column("postal_code", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("latitude", Double),
    Column("longitude", Double),
    Column("zone", Text, nullable=False),
    Column("hours", JSON, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)


async def add(unit: Unit, new: Collection[Site]) -> set[str]:
    """Insert sites; the ids of those that were not there before."""
    query = (
        insert(sites)
        .values([_values(site) for site in new])
        .on_conflict_do_nothing()
        .returning(sites.c.site_id)
    )
    return set((await unit.conn.execute(query)).scalars())


async def find(unit: Unit, site_id: str, *, held: bool = False) -> Site | None:
    """A site; ``held``: for us alone until the unit ends."""
    query = select(sites).where(sites.c.site_id == site_id)
    row = (await unit.conn.execute(query.with_for_update() if held else query)).first()
    return None if row is None else _site(row)


async def page(
    unit: Unit, wanted: Wanted, *, country: str | None = None, city: str | None = None
) -> Page[Site]:
    """Sites that fit, in the order of their ids if in no other."""
    query = only(select(sites), sites, {"country": country, "city": city})
    found = await list_rows(unit, query, _LISTING, wanted)
    return found.of([_site(row) for row in found.rows])


async def save(unit: Unit, site: Site) -> None:
    """A site as it is now."""
    values = _values(site)
    key = {name: values.pop(name) for name in ("tenant_id", "site_id")}
    await unit.conn.execute(
        update(sites).where(*(sites.c[name] == value for name, value in key.items())).values(values)
    )


async def remove(unit: Unit, site_id: str) -> bool:
    """Delete a site; False if stations stand there."""
    try:
        async with unit.conn.begin_nested():
            await unit.conn.execute(delete(sites).where(sites.c.site_id == site_id))
    except IntegrityError:
        return False
    return True


_LISTING: Final = Listing(
    sorts=sorts(sites, SORTS, id=sites.c.site_id),
    key=(sites.c.site_id,),
    default="id",
    searched=(sites.c.site_id, sites.c.name, sites.c.city, sites.c.postal_code),
)


def _values(site: Site) -> dict[str, Any]:
    return {
        "tenant_id": site.tenant,
        "site_id": site.id,
        "name": site.name,
        "address": list(site.address),
        "postal_code": site.postal_code,
        "city": site.city,
        "country": site.country,
        "latitude": site.latitude,
        "longitude": site.longitude,
        "zone": site.zone,
        "hours": msgspec.to_builtins(site.hours),
        "created_at": site.created_at,
    }


def _site(row: Any) -> Site:
    return Site(
        id=row.site_id,
        tenant=TenantId(row.tenant_id),
        name=row.name,
        address=tuple(row.address),
        postal_code=row.postal_code,
        city=row.city,
        country=row.country,
        latitude=row.latitude,
        longitude=row.longitude,
        zone=row.zone,
        hours=msgspec.convert(row.hours, tuple[Hours, ...]),
        created_at=row.created_at,
    )
