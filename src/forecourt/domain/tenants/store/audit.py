"""The audit trail: added to, read, and nothing else."""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, DateTime, LargeBinary, Table, Text, func, insert, select

from forecourt.base.ids import TenantId
from forecourt.base.pages import Page, Wanted
from forecourt.domain.tenants.model import DEED_SORTS, AuditEntry, DeedFields
from forecourt.infra.database import Unit, metadata
from forecourt.infra.listing import Listing, list_rows, only, sorts

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


async def page(unit: Unit, wanted: Wanted, fit: DeedFields) -> Page[AuditEntry]:
    """Entries that fit, newest first if not the other way round."""
    since, until = fit.get("since"), fit.get("until")
    equal = {name: fit.get(name) for name in ("actor", "action", "subject")}
    query = only(select(audit), audit, equal)
    if since is not None:
        query = query.where(audit.c.at >= since)
    if until is not None:
        query = query.where(audit.c.at < until)
    found = await list_rows(unit, query, _LISTING, wanted)
    return found.of([_entry(row) for row in found.rows])


async def since(unit: Unit, seq: int, limit: int) -> list[AuditEntry]:
    """Entries behind ``seq``, oldest first."""
    query = select(audit).where(audit.c.seq > seq).order_by(audit.c.seq).limit(limit)
    return [_entry(row) for row in await unit.conn.execute(query)]


_LISTING: Final = Listing(
    sorts=sorts(audit, DEED_SORTS),
    key=(audit.c.seq,),
    default="-seq",
    searched=(audit.c.actor, audit.c.action, audit.c.subject, audit.c.address),
)


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
