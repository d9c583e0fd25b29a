"""Browsers that are logged in."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    DateTime,
    FetchedValue,
    LargeBinary,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from forecourt.base.digest import Digest
from forecourt.domain.tenants.model import Browser, Method, Seen, User
from forecourt.domain.tenants.store.people import user_of, users
from forecourt.infra.database import Unit, metadata

logins: Final = Table(
    "logins",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("login_id", Text, nullable=False, server_default=FetchedValue()),
    Column("method", Text, nullable=False, server_default=FetchedValue()),
    Column("provider_id", Text),
    Column("acting", Text, nullable=False, server_default=FetchedValue()),
    Column(
        "authenticated_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=FetchedValue(),
    ),
)


async def add(
    unit: Unit,
    user: User,
    digest: Digest,
    login_id: str,
    *,
    method: Method,
    seen: Seen,
    now: datetime,
    expires_at: datetime,
    provider_id: str | None,
    authenticated_at: datetime,
) -> None:
    await unit.conn.execute(
        insert(logins).values(
            digest=digest,
            tenant_id=user.tenant,
            user_id=user.id,
            created_at=now,
            used_at=now,
            expires_at=expires_at,
            address=seen.address,
            agent=seen.agent,
            login_id=login_id,
            method=method.value,
            provider_id=provider_id,
            authenticated_at=authenticated_at,
        )
    )


async def find(unit: Unit, digest: Digest) -> tuple[User, Any] | None:
    """Whose it is, and its row: when it was last used and until when it is good, among others."""
    mine = (
        *(logins.c.login_id, logins.c.provider_id, logins.c.acting),
        logins.c.authenticated_at,
    )
    query = (
        select(users, logins.c.used_at, logins.c.expires_at, *mine)
        .join(logins, logins.c.user_id == users.c.user_id)
        .where(logins.c.digest == digest)
    )
    row = (await unit.conn.execute(query)).first()
    return None if row is None else (user_of(row), row)


async def of_user(unit: Unit, user_id: str, now: datetime) -> list[Browser]:
    """Those that are good still, the one that was used last first."""
    query = (
        select(logins)
        .where(logins.c.user_id == user_id, logins.c.expires_at > now)
        .order_by(logins.c.used_at.desc(), logins.c.login_id)
    )
    return [
        Browser(
            id=row.login_id,
            method=Method(row.method),
            address=row.address,
            agent=row.agent,
            created_at=row.created_at,
            used_at=row.used_at,
            expires_at=row.expires_at,
        )
        for row in await unit.conn.execute(query)
    ]


async def use(unit: Unit, digest: Digest, now: datetime) -> None:
    await unit.conn.execute(update(logins).where(logins.c.digest == digest).values(used_at=now))


async def confirm(unit: Unit, login_id: str, now: datetime) -> None:
    await unit.conn.execute(
        update(logins).where(logins.c.login_id == login_id).values(authenticated_at=now)
    )


async def act(unit: Unit, login_id: str, acting: str) -> None:
    await unit.conn.execute(
        update(logins).where(logins.c.login_id == login_id).values(acting=acting)
    )


async def end(unit: Unit, digest: Digest) -> None:
    await unit.conn.execute(delete(logins).where(logins.c.digest == digest))


async def end_one(unit: Unit, user_id: str, login_id: str) -> bool:
    """Whether the user had it."""
    theirs = (logins.c.user_id == user_id, logins.c.login_id == login_id)
    return (await unit.conn.execute(delete(logins).where(*theirs))).rowcount == 1


async def end_all(unit: Unit, user_id: str, *, but: str = "") -> None:
    """End all browsers of a user; ``but`` is the id of one that stays."""
    theirs = (logins.c.user_id == user_id, logins.c.login_id != but)
    await unit.conn.execute(delete(logins).where(*theirs))
