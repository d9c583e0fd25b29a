"""Passkeys: what we know of them, which opens nothing."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    LargeBinary,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from forecourt.base.ids import TenantId
from forecourt.domain.tenants.model import Passkey, User
from forecourt.domain.tenants.store.people import user_of, users
from forecourt.infra.database import Unit, metadata

passkeys: Final = Table(
    "passkeys",
    metadata,
    Column("passkey_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("credential", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("synced", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
)


async def add(
    unit: Unit,
    passkey: Passkey,
    *,
    tenant: TenantId,
    user_id: str,
    credential: bytes,
    public_key: bytes,
    sign_count: int,
) -> None:
    await unit.conn.execute(
        insert(passkeys).values(
            passkey_id=passkey.id,
            tenant_id=tenant,
            user_id=user_id,
            credential=credential,
            public_key=public_key,
            sign_count=sign_count,
            name=passkey.name,
            synced=passkey.synced,
            created_at=passkey.created_at,
        )
    )


async def of_user(unit: Unit, user_id: str) -> list[tuple[Passkey, bytes]]:
    """A user's, oldest first, each with what its device calls it."""
    query = select(passkeys).where(passkeys.c.user_id == user_id).order_by(passkeys.c.passkey_id)
    return [(_passkey(row), row.credential) for row in await unit.conn.execute(query)]


async def find(unit: Unit, credential: bytes) -> tuple[User, Any] | None:
    """Whose it is, and its row; locked, so that its counter moves in one place at a time."""
    mine = (passkeys.c.passkey_id, passkeys.c.public_key, passkeys.c.sign_count)
    query = (
        select(users, *mine)
        .join(passkeys, passkeys.c.user_id == users.c.user_id)
        .where(passkeys.c.credential == credential)
        .with_for_update(of=passkeys)
    )
    row = (await unit.conn.execute(query)).first()
    return None if row is None else (user_of(row), row)


async def use(unit: Unit, passkey_id: str, now: datetime, *, sign_count: int, synced: bool) -> None:
    await unit.conn.execute(
        update(passkeys)
        .where(passkeys.c.passkey_id == passkey_id)
        .values(used_at=now, sign_count=sign_count, synced=synced)
    )


async def remove(unit: Unit, user_id: str, passkey_id: str) -> None:
    theirs = (passkeys.c.user_id == user_id, passkeys.c.passkey_id == passkey_id)
    await unit.conn.execute(delete(passkeys).where(*theirs))


def _passkey(row: Any) -> Passkey:
    return Passkey(
        id=row.passkey_id,
        name=row.name,
        synced=row.synced,
        created_at=row.created_at,
        used_at=row.used_at,
    )
