"""Requests that may come twice, by the key that their sender gave them."""

from datetime import datetime
from typing import Final

from sqlalchemy import Column, DateTime, LargeBinary, Table, Text, delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from forecourt.base.context import Context
from forecourt.infra.database import Unit, metadata

repeats: Final = Table(
    "repeats",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("actor", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request", LargeBinary, nullable=False),
    Column("began_at", DateTime(timezone=True), nullable=False),
    Column("answer", LargeBinary),
)


async def begin(unit: Unit, ctx: Context, key: str, request: bytes, *, over: datetime) -> bool:
    """Whether it is the first of its key, or the last one began before ``over``."""
    fresh = upsert(repeats).values(
        tenant_id=ctx.tenant, actor=ctx.actor, key=key, request=request, began_at=ctx.now
    )
    query = fresh.on_conflict_do_update(
        index_elements=[repeats.c.tenant_id, repeats.c.actor, repeats.c.key],
        set_={"request": request, "began_at": ctx.now, "answer": None},
        where=repeats.c.began_at < over,
    ).returning(repeats.c.key)
    return (await unit.conn.execute(query)).first() is not None


async def find(unit: Unit, ctx: Context, key: str) -> tuple[bytes, datetime, bytes | None] | None:
    """The digest of the request, when it began, and its sealed answer."""
    query = select(repeats.c.request, repeats.c.began_at, repeats.c.answer).where(
        repeats.c.actor == ctx.actor, repeats.c.key == key
    )
    row = (await unit.conn.execute(query)).first()
    return None if row is None else (row.request, row.began_at, row.answer)


async def answer(unit: Unit, ctx: Context, key: str, sealed: bytes) -> None:
    await unit.conn.execute(
        update(repeats)
        .where(repeats.c.actor == ctx.actor, repeats.c.key == key)
        .values(answer=sealed)
    )


async def release(unit: Unit, ctx: Context, key: str) -> None:
    await unit.conn.execute(
        delete(repeats).where(repeats.c.actor == ctx.actor, repeats.c.key == key)
    )
