"""How often what stands at an address was edited: a row for each, which is also its lock."""

from typing import Final

from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text, delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from forecourt.base.ids import TenantId
from forecourt.infra.database import Unit, metadata

edits: Final = Table(
    "edits",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("address", LargeBinary, primary_key=True),
    Column("version", BigInteger, nullable=False),
)


async def hold(unit: Unit, tenant: TenantId, address: bytes) -> int:
    """How often it was edited; nobody else edits it before this transaction is over."""
    query = (
        upsert(edits)
        .values(tenant_id=tenant, address=address, version=0)
        .on_conflict_do_update(
            index_elements=[edits.c.tenant_id, edits.c.address],
            set_={"version": edits.c.version},
        )
        .returning(edits.c.version)
    )
    return int((await unit.conn.execute(query)).scalar_one())


async def version(unit: Unit, address: bytes) -> int:
    found = await unit.conn.scalar(select(edits.c.version).where(edits.c.address == address))
    return int(found or 0)


async def count(unit: Unit, address: bytes) -> None:
    """It was edited once more."""
    await unit.conn.execute(
        update(edits).where(edits.c.address == address).values(version=edits.c.version + 1)
    )


async def forget(unit: Unit, address: bytes, *, unless_edited: bool) -> None:
    """Nothing stands there any more, or never did."""
    query = delete(edits).where(edits.c.address == address)
    await unit.conn.execute(query.where(edits.c.version == 0) if unless_edited else query)
