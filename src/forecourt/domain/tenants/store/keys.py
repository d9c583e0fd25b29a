"""API keys: kept as digests, found by name, by id, or by what they open."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    Column,
    DateTime,
    LargeBinary,
    Table,
    Text,
    insert,
    or_,
    select,
    text,
    update,
)

from forecourt.base.digest import Digest
from forecourt.base.ids import TenantId
from forecourt.base.pages import Page, Wanted
from forecourt.domain.tenants.model import KEY_SORTS, ApiKey, Scope
from forecourt.infra.database import Unit, metadata
from forecourt.infra.listing import Listing, list_rows, sorts

api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("api_key_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    Column("scopes", ARRAY(Text), nullable=False, server_default=text("'{}'")),
)


async def add_key(unit: Unit, key: ApiKey, digest: Digest) -> None:
    await unit.conn.execute(
        insert(api_keys).values(
            api_key_id=key.id,
            tenant_id=key.tenant,
            name=key.name,
            digest=digest,
            created_at=key.created_at,
            expires_at=key.expires_at,
            scopes=sorted(scope.value for scope in key.scopes),
        )
    )


async def find_key(unit: Unit, digest: Digest) -> ApiKey | None:
    row = (await unit.conn.execute(select(api_keys).where(api_keys.c.digest == digest))).first()
    return None if row is None else _key(row)


async def find_key_of(unit: Unit, key_id: str) -> ApiKey | None:
    query = select(api_keys).where(api_keys.c.api_key_id == key_id)
    row = (await unit.conn.execute(query)).first()
    return None if row is None else _key(row)


async def find_live_key_named(unit: Unit, name: str) -> ApiKey | None:
    query = select(api_keys).where(api_keys.c.name == name, api_keys.c.revoked_at.is_(None))
    row = (await unit.conn.execute(query)).first()
    return None if row is None else _key(row)


async def page(unit: Unit, wanted: Wanted) -> Page[ApiKey]:
    """Keys, oldest first if in no other order, those that were revoked too."""
    found = await list_rows(unit, select(api_keys), _LISTING, wanted)
    return found.of([_key(row) for row in found.rows])


async def revoke(unit: Unit, key_id: str, at: datetime) -> None:
    await unit.conn.execute(
        update(api_keys).where(api_keys.c.api_key_id == key_id).values(revoked_at=at)
    )


async def find_live_key(unit: Unit, name_or_id: str) -> ApiKey | None:
    query = select(api_keys).where(
        or_(api_keys.c.name == name_or_id, api_keys.c.api_key_id == name_or_id),
        api_keys.c.revoked_at.is_(None),
    )
    row = (await unit.conn.execute(query)).first()
    return None if row is None else _key(row)


_LISTING: Final = Listing(
    sorts=sorts(api_keys, KEY_SORTS, id=api_keys.c.api_key_id),
    key=(api_keys.c.api_key_id,),
    default="id",
    searched=(api_keys.c.name, api_keys.c.api_key_id),
)


def _key(row: Any) -> ApiKey:
    return ApiKey(
        id=row.api_key_id,
        tenant=TenantId(row.tenant_id),
        name=row.name,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        scopes=frozenset(map(Scope, row.scopes)),
    )
