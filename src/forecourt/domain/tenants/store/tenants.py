"""Tenants, those below them, and the sites that they share."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    Column,
    DateTime,
    FetchedValue,
    Table,
    Text,
    any_,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from forecourt.base.ids import TenantId
from forecourt.base.pages import Page, Wanted
from forecourt.domain.tenants.model import TENANT_SORTS, Share, Tenant, TenantKind, TenantSettings
from forecourt.infra.database import Unit, metadata
from forecourt.infra.listing import Listing, list_rows, sorts

tenants: Final = Table(
    "tenants",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("time_zone", Text, nullable=False, server_default=FetchedValue()),
    Column("ocpp_url", Text, nullable=False, server_default=FetchedValue()),
    Column("kind", Text, nullable=False, server_default=FetchedValue()),
    Column("above", ARRAY(Text), nullable=False, server_default=FetchedValue()),
    Column("disabled_at", DateTime(timezone=True)),
)

shares: Final = Table(
    "site_shares",
    metadata,
    Column("share_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("guest_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("sites", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)


def _values(tenant: Tenant) -> dict[str, Any]:
    return {
        "tenant_id": tenant.id,
        "name": tenant.name,
        "created_at": tenant.created_at,
        "kind": tenant.kind.value,
        "above": [*tenant.above],
    }


async def find_settings(unit: Unit, tenant: TenantId, *, held: bool = False) -> TenantSettings:
    """What a tenant set; ``held``: for us alone until the unit ends."""
    query = select(tenants).where(tenants.c.tenant_id == tenant)
    if held:
        # NO KEY: whoever holds the place of an editor refers to the tenant meanwhile.
        query = query.with_for_update(key_share=True)
    row = (await unit.conn.execute(query)).one()
    return TenantSettings(
        id=TenantId(row.tenant_id), name=row.name, time_zone=row.time_zone, ocpp_url=row.ocpp_url
    )


async def save_settings(unit: Unit, settings: TenantSettings) -> None:
    await unit.conn.execute(
        update(tenants)
        .where(tenants.c.tenant_id == settings.id)
        .values(name=settings.name, time_zone=settings.time_zone, ocpp_url=settings.ocpp_url)
    )


async def ensure(unit: Unit, tenant: Tenant) -> None:
    """Add one that may be there already."""
    await unit.conn.execute(upsert(tenants).values(_values(tenant)).on_conflict_do_nothing())


async def add(unit: Unit, tenant: Tenant) -> None:
    await unit.conn.execute(insert(tenants).values(_values(tenant)))


async def find(unit: Unit, tenant: str) -> Tenant | None:
    """One within the unit's walls: itself, or one below."""
    row = (await unit.conn.execute(select(tenants).where(tenants.c.tenant_id == tenant))).first()
    return None if row is None else _tenant(row)


async def page(unit: Unit, tenant: TenantId, wanted: Wanted) -> Page[Tenant]:
    """Those below ``tenant``, in the order in which they were added, if in no other."""
    query = select(tenants).where(literal(tenant) == any_(tenants.c.above))
    found = await list_rows(unit, query, _LISTING, wanted)
    return found.of([_tenant(row) for row in found.rows])


async def below(unit: Unit, tenant: TenantId, *, limit: int) -> list[Tenant]:
    """Those below ``tenant``, by name."""
    query = (
        select(tenants)
        .where(literal(tenant) == any_(tenants.c.above))
        .order_by(tenants.c.name, tenants.c.tenant_id)
        .limit(limit)
    )
    return [_tenant(row) for row in await unit.conn.execute(query)]


async def count_below(unit: Unit, tenant: TenantId) -> int:
    query = select(func.count()).where(literal(tenant) == any_(tenants.c.above))
    return int(str(await unit.conn.scalar(query)))


async def is_open(unit: Unit, tenant: TenantId) -> bool:
    """Whether neither it nor one above it is disabled. For a unit without walls."""
    own = tenants.alias("own")
    query = (
        select(func.count())
        .select_from(tenants, own)
        .where(
            own.c.tenant_id == tenant,
            (tenants.c.tenant_id == tenant) | (tenants.c.tenant_id == any_(own.c.above)),
            tenants.c.disabled_at.is_not(None),
        )
    )
    return await unit.conn.scalar(query) == 0


async def change(unit: Unit, tenant: str, values: Mapping[str, object]) -> None:
    await unit.conn.execute(update(tenants).where(tenants.c.tenant_id == tenant).values(**values))


async def add_share(unit: Unit, share: Share) -> None:
    await unit.conn.execute(
        insert(shares).values(
            share_id=share.id,
            tenant_id=share.tenant,
            guest_id=share.guest,
            name=share.name,
            sites=[*share.sites],
            created_at=share.created_at,
        )
    )


async def list_shares(unit: Unit, guest: str) -> list[Share]:
    """What ``guest`` is shown, by whoever the unit's walls let see it; oldest first."""
    query = select(shares).where(shares.c.guest_id == guest).order_by(shares.c.share_id)
    return [_share(row) for row in await unit.conn.execute(query)]


async def remove_share(unit: Unit, guest: str, share_id: str) -> bool:
    """Whether there was one."""
    it = (shares.c.guest_id == guest, shares.c.share_id == share_id)
    return (await unit.conn.execute(delete(shares).where(*it))).rowcount == 1


_LISTING: Final = Listing(
    sorts=sorts(tenants, TENANT_SORTS, id=tenants.c.tenant_id),
    key=(tenants.c.tenant_id,),
    default="id",
    searched=(tenants.c.name,),
)


def _tenant(row: Any) -> Tenant:
    return Tenant(
        id=TenantId(row.tenant_id),
        name=row.name,
        created_at=row.created_at,
        kind=TenantKind(row.kind),
        above=tuple(map(TenantId, row.above)),
        disabled_at=row.disabled_at,
    )


def _share(row: Any) -> Share:
    return Share(
        id=row.share_id,
        tenant=TenantId(row.tenant_id),
        guest=TenantId(row.guest_id),
        name=row.name,
        sites=tuple(row.sites),
        created_at=row.created_at,
    )
