"""Secrets that are good once and soon over: questions to passkeys, ways to a provider, links."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, DateTime, LargeBinary, Table, Text, delete, insert, select

from forecourt.base.digest import Digest
from forecourt.base.ids import TenantId
from forecourt.infra.database import Unit, metadata

secrets: Final = Table(
    "one_time_secrets",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("user_id", Text),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)


async def add(
    unit: Unit,
    digest: Digest,
    *,
    tenant: TenantId,
    purpose: str,
    user_id: str | None,
    body: bytes,
    now: datetime,
    expires_at: datetime,
) -> None:
    await unit.conn.execute(
        insert(secrets).values(
            digest=digest,
            tenant_id=tenant,
            purpose=purpose,
            user_id=user_id,
            body=body,
            created_at=now,
            expires_at=expires_at,
        )
    )


async def take(unit: Unit, digest: Digest, purpose: str) -> Any:
    """The row, which is gone with this transaction; None when there was none."""
    taken = (
        delete(secrets)
        .where(secrets.c.digest == digest, secrets.c.purpose == purpose)
        .returning(secrets)
    )
    return (await unit.conn.execute(taken)).first()


async def find(unit: Unit, digest: Digest, purpose: str) -> Any:
    """The row, which stays."""
    query = select(secrets).where(secrets.c.digest == digest, secrets.c.purpose == purpose)
    return (await unit.conn.execute(query)).first()


async def forget(unit: Unit, user_id: str, purpose: str) -> None:
    """Drop what a user has of a purpose."""
    theirs = (secrets.c.user_id == user_id, secrets.c.purpose == purpose)
    await unit.conn.execute(delete(secrets).where(*theirs))


async def trim(unit: Unit, purpose: str, now: datetime, *, kept: int) -> None:
    """Drop those that are over, and the oldest of more than ``kept``."""
    await unit.conn.execute(delete(secrets).where(secrets.c.expires_at < now))
    newest = (
        select(secrets.c.created_at)
        .where(secrets.c.purpose == purpose)
        .order_by(secrets.c.created_at.desc())
        .offset(kept)
        .limit(1)
        .scalar_subquery()
    )
    old = (secrets.c.purpose == purpose, secrets.c.created_at <= newest)
    await unit.conn.execute(delete(secrets).where(*old))
