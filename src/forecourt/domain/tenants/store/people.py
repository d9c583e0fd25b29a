"""Users: who they are and with what they log in."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    LargeBinary,
    Table,
    Text,
    any_,
    delete,
    func,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from forecourt.base.digest import Digest
from forecourt.base.ids import TenantId
from forecourt.base.pages import Page, Wanted
from forecourt.domain.tenants.model import USER_SORTS, Role, User
from forecourt.infra.database import Unit, metadata
from forecourt.infra.listing import Listing, list_rows, only, sorts


class Secrets(Struct, frozen=True, kw_only=True):
    """What somebody shows to be who it is, as far as we know it."""

    password: str
    """The hash."""
    totp: bytes | None
    """Sealed."""
    totp_used: int
    """The last step of time whose code was taken."""


NO_PASSWORD: Final = ""
"""No password hashes to this."""

users: Final = Table(
    "users",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("email_folded", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("sites", ARRAY(Text), nullable=False),
    Column("password", Text, nullable=False),
    Column("totp", LargeBinary),
    Column("totp_used", BigInteger, nullable=False),
    Column("recovery", ARRAY(LargeBinary), nullable=False, server_default=text("'{}'")),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("disabled_at", DateTime(timezone=True)),
)


async def add(unit: Unit, user: User, password: str) -> bool:
    """Whether the address was free."""
    done = await unit.conn.execute(
        upsert(users)
        .values(
            user_id=user.id,
            tenant_id=user.tenant,
            email=user.email,
            email_folded=user.email.casefold(),
            name=user.name,
            role=user.role.value,
            sites=list(user.sites),
            password=password,
            totp_used=0,
            created_at=user.created_at,
        )
        .on_conflict_do_nothing()
    )
    return done.rowcount == 1


async def alone(unit: Unit) -> None:
    """Until the unit ends, nobody else is here."""
    await unit.conn.execute(text("SELECT pg_advisory_xact_lock(hashtext('forecourt.set_up'))"))


async def count(unit: Unit) -> int:
    """How many users there are, within the unit's walls."""
    return int(str(await unit.conn.scalar(select(func.count()).select_from(users))))


async def find(unit: Unit, user_id: str) -> User | None:
    row = (await unit.conn.execute(select(users).where(users.c.user_id == user_id))).first()
    return None if row is None else user_of(row)


async def find_by_email(unit: Unit, email: str) -> tuple[User, Secrets] | None:
    query = select(users).where(users.c.email_folded == email.casefold())
    row = (await unit.conn.execute(query)).first()
    return None if row is None else (user_of(row), _secrets(row))


async def secrets_of(unit: Unit, user_id: str) -> Secrets | None:
    row = (await unit.conn.execute(select(users).where(users.c.user_id == user_id))).first()
    return None if row is None else _secrets(row)


async def use_step(unit: Unit, user_id: str, step: int) -> bool:
    """Whether the code of this step of time is taken now, and by nobody else at this moment."""
    later = (users.c.user_id == user_id, users.c.totp_used < step)
    done = await unit.conn.execute(update(users).where(*later).values(totp_used=step))
    return done.rowcount == 1


async def use_recovery(unit: Unit, user_id: str, digest: Digest) -> int | None:
    """How many codes are left without this one; None where the user has no such code."""
    held = users.c.recovery
    taken = (
        update(users)
        .where(users.c.user_id == user_id, literal(digest, LargeBinary) == any_(held))
        .values(recovery=func.array_remove(held, digest))
        .returning(func.cardinality(held))
    )
    row = (await unit.conn.execute(taken)).first()
    return None if row is None else int(row[0])


async def page(
    unit: Unit, wanted: Wanted, *, role: Role | None, disabled: bool | None
) -> Page[User]:
    """Users in the order in which they were added, if in no other."""
    query = only(select(users), users, {"role": role})
    if disabled is not None:
        gone = users.c.disabled_at
        query = query.where(gone.is_not(None) if disabled else gone.is_(None))
    found = await list_rows(unit, query, _LISTING, wanted)
    return found.of([user_of(row) for row in found.rows])


async def owners(unit: Unit) -> list[str]:
    """Who may let others in; locked, so that two cannot leave at the same moment."""
    query = (
        select(users.c.user_id)
        .where(users.c.role == Role.OWNER.value, users.c.disabled_at.is_(None))
        .with_for_update()
    )
    return list((await unit.conn.execute(query)).scalars())


async def change(unit: Unit, user_id: str, values: Mapping[str, object]) -> None:
    await unit.conn.execute(update(users).where(users.c.user_id == user_id).values(**values))


async def remove(unit: Unit, user_id: str) -> None:
    await unit.conn.execute(delete(users).where(users.c.user_id == user_id))


def _secrets(row: Any) -> Secrets:
    return Secrets(password=row.password, totp=row.totp, totp_used=row.totp_used)


_LISTING: Final = Listing(
    sorts=sorts(users, USER_SORTS, id=users.c.user_id, email=users.c.email_folded),
    key=(users.c.user_id,),
    default="id",
    searched=(users.c.email, users.c.name),
)


def user_of(row: Any) -> User:
    """A row of users as a value."""
    return User(
        id=row.user_id,
        tenant=TenantId(row.tenant_id),
        email=row.email,
        name=row.name,
        role=Role(row.role),
        sites=tuple(row.sites),
        totp=row.totp is not None,
        recovery_left=len(row.recovery),
        has_password=row.password != NO_PASSWORD,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
    )
