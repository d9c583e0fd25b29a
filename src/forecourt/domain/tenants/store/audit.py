"""The audit trail: added to, read, and nothing else."""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, DateTime, LargeBinary, Table, Text, func, insert, select

from forecourt.base.ids import TenantId
from forecourt.domain.tenants.model import AuditEntry
from forecourt.infra.database import Unit, metadata

audit: Final = Table(
    "audit",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("trace", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)


async def last(unit: Unit, tenant: TenantId) -> AuditEntry | None:
    """The newest entry; nobody else adds one before this transaction is over."""
    await unit.conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(tenant, 7))))
    query = select(audit).order_by(audit.c.seq.desc()).limit(1)
    row = (await unit.conn.execute(query)).first()
    return None if row is None else _entry(row)


async def add(unit: Unit, tenant: TenantId, e: AuditEntry) -> None:
    await unit.conn.execute(
        insert(audit).values(
            tenant_id=tenant,
            seq=e.seq,
            at=e.at,
            actor=e.actor,
            action=e.action,
            subject=e.subject,
            before=e.before,
            after=e.after,
            address=e.address,
            trace=e.trace,
            hash=e.hash,
        )
    )


async def page(
    unit: Unit, *, before: int | None, limit: int, actor: str | None, subject: str | None
) -> list[AuditEntry]:
    """Entries, newest first, from behind ``before``."""
    query = select(audit).order_by(audit.c.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.seq < before)
    if actor is not None:
        query = query.where(audit.c.actor == actor)
    if subject is not None:
        query = query.where(audit.c.subject == subject)
    return [_entry(row) for row in await unit.conn.execute(query)]


async def since(unit: Unit, seq: int, limit: int) -> list[AuditEntry]:
    """Entries behind ``seq``, oldest first."""
    query = select(audit).where(audit.c.seq > seq).order_by(audit.c.seq).limit(limit)
    return [_entry(row) for row in await unit.conn.execute(query)]


def _entry(row: Any) -> AuditEntry:
    return AuditEntry(
        seq=row.seq,
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        before=row.before,
        after=row.after,
        address=row.address,
        trace=row.trace,
        hash=row.hash,
    )
