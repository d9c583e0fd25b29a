"""Single sign-on: a tenant's providers, and who is who there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    DateTime,
    LargeBinary,
    Table,
    Text,
    cast,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from forecourt.base.ids import TenantId
from forecourt.domain.tenants.model import Provider, Role, User
from forecourt.domain.tenants.store.people import user_of, users
from forecourt.infra.database import Unit, metadata

providers: Final = Table(
    "sso_providers",
    metadata,
    Column("provider_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("client_secret", LargeBinary, nullable=False),
    Column("domains", ARRAY(Text), nullable=False),
    Column("role_claim", Text, nullable=False),
    Column("roles", JSONB, nullable=False),
    Column("default_role", Text),
    Column("invites_only", Boolean, nullable=False),
    Column("trusts_email", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("disabled_at", DateTime(timezone=True)),
)

identities: Final = Table(
    "sso_identities",
    metadata,
    Column("provider_id", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)


async def add(unit: Unit, provider: Provider, client_secret: bytes) -> None:
    values = {**columns_of(provider), "client_secret": client_secret}
    named = {"provider_id": provider.id, "tenant_id": provider.tenant}
    await unit.conn.execute(
        insert(providers).values(**named, **values, created_at=provider.created_at)
    )


async def change(unit: Unit, provider_id: str, values: Mapping[str, object]) -> None:
    await unit.conn.execute(
        update(providers).where(providers.c.provider_id == provider_id).values(**values)
    )


async def remove(unit: Unit, provider_id: str) -> None:
    await unit.conn.execute(delete(providers).where(providers.c.provider_id == provider_id))


async def list_(unit: Unit) -> list[Provider]:
    """Within the unit's walls, oldest first."""
    query = select(providers).order_by(providers.c.provider_id)
    return [_provider(row) for row in await unit.conn.execute(query)]


async def find(unit: Unit, provider_id: str) -> tuple[Provider, bytes] | None:
    """A provider, and the sealed secret that we have with it."""
    query = select(providers).where(providers.c.provider_id == provider_id)
    row = (await unit.conn.execute(query)).first()
    return None if row is None else (_provider(row), row.client_secret)


async def of_domains(unit: Unit, domains: Sequence[str]) -> list[Provider]:
    """Those that vouch for addresses of one of ``domains``."""
    wanted = cast([*domains], ARRAY(Text))
    query = select(providers).where(providers.c.domains.op("&&")(wanted))
    return [_provider(row) for row in await unit.conn.execute(query)]


async def open_of(unit: Unit, tenant: TenantId) -> list[Provider]:
    """Those of a tenant that may be used. For a unit without walls."""
    query = (
        select(providers)
        .where(providers.c.tenant_id == tenant, providers.c.disabled_at.is_(None))
        .order_by(providers.c.provider_id)
    )
    return [_provider(row) for row in await unit.conn.execute(query)]


async def known(unit: Unit, provider_id: str, subject: str) -> User | None:
    """Who logged in by this identity before."""
    query = (
        select(users)
        .join(identities, identities.c.user_id == users.c.user_id)
        .where(identities.c.provider_id == provider_id, identities.c.subject == subject)
    )
    row = (await unit.conn.execute(query)).first()
    return None if row is None else user_of(row)


async def know(unit: Unit, provider: Provider, subject: str, user: User, now: datetime) -> None:
    """From now on it is this user who logs in by this identity."""
    await unit.conn.execute(
        insert(identities).values(
            provider_id=provider.id,
            subject=subject,
            tenant_id=provider.tenant,
            user_id=user.id,
            created_at=now,
        )
    )


def columns_of(provider: Provider) -> dict[str, object]:
    """What of a provider may be changed, by column."""
    return {
        "name": provider.name,
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "domains": [*provider.domains],
        "role_claim": provider.role_claim,
        "roles": {word: role.value for word, role in provider.roles.items()},
        "default_role": None if provider.default_role is None else provider.default_role.value,
        "invites_only": provider.invites_only,
        "trusts_email": provider.trusts_email,
        "disabled_at": provider.disabled_at,
    }


def _provider(row: Any) -> Provider:
    return Provider(
        id=row.provider_id,
        tenant=TenantId(row.tenant_id),
        name=row.name,
        issuer=row.issuer,
        client_id=row.client_id,
        domains=tuple(row.domains),
        role_claim=row.role_claim,
        roles={word: Role(role) for word, role in row.roles.items()},
        default_role=None if row.default_role is None else Role(row.default_role),
        invites_only=row.invites_only,
        trusts_email=row.trusts_email,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
    )
