"""Tables and SQL of this room."""

from typing import Any, Final

from sqlalchemy import Column, DateTime, Integer, Table, Text, delete, select, update
from sqlalchemy.dialects.postgresql import insert as upserting

from forecourt.base.ids import TenantId
from forecourt.domain.access.model import Token, TokenStatus, folded
from forecourt.infra.database import Glance, Unit, metadata

tokens: Final = Table(
    "tokens",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("uid_folded", Text, primary_key=True),
    Column("uid", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("group_id", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("valid_until", DateTime(timezone=True)),
    Column("sessions_max", Integer),
    Column("created_at", DateTime(timezone=True), nullable=False),
)


async def add(unit: Unit, token: Token) -> bool:
    """Insert a token; whether it was not there before."""
    query = (
        upserting(tokens)
        .values(
            tenant_id=token.tenant,
            uid_folded=folded(token.uid),
            uid=token.uid,
            type=token.type,
            status=token.status.value,
            group_id=token.group,
            label=token.label,
            valid_until=token.valid_until,
            sessions_max=token.sessions_max,
            created_at=token.created_at,
        )
        .on_conflict_do_nothing()
    )
    return (await unit.conn.execute(query)).rowcount == 1


async def find(unit: Unit, tenant: TenantId, uid: str) -> Token | None:
    query = select(tokens).where(tokens.c.tenant_id == tenant, tokens.c.uid_folded == folded(uid))
    row = (await unit.conn.execute(query)).first()
    return None if row is None else _token(row)


async def glimpse(glance: Glance, tenant: TenantId, uid: str) -> Token | None:
    """The same for the gateway, which has the tenant from the station's own record."""
    row = await glance.fetchrow(
        "SELECT * FROM tokens WHERE tenant_id = $1 AND uid_folded = $2", tenant, folded(uid)
    )
    return None if row is None else _token(row)


async def page(unit: Unit, *, after: str, limit: int) -> list[Token]:
    query = (
        select(tokens)
        .where(tokens.c.uid_folded > folded(after))
        .order_by(tokens.c.uid_folded)
        .limit(limit)
    )
    return [_token(row) for row in await unit.conn.execute(query)]


async def change(unit: Unit, uid: str, values: dict[str, object]) -> bool:
    query = update(tokens).where(tokens.c.uid_folded == folded(uid)).values(values)
    return (await unit.conn.execute(query)).rowcount == 1


async def remove(unit: Unit, uid: str) -> bool:
    query = delete(tokens).where(tokens.c.uid_folded == folded(uid))
    return (await unit.conn.execute(query)).rowcount == 1


def _token(row: Any) -> Token:
    return Token(
        uid=row.uid,
        tenant=TenantId(row.tenant_id),
        type=row.type,
        status=TokenStatus(row.status),
        group=row.group_id,
        label=row.label,
        valid_until=row.valid_until,
        sessions_max=row.sessions_max,
        created_at=row.created_at,
    )
