"""Tenants and the keys of their programs."""

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from forecourt.base.context import Context
from forecourt.base.digest import Digest, digest
from forecourt.base.ids import TenantId, new_id
from forecourt.base.pages import FIRST_PAGE, Page, Wanted
from forecourt.domain.tenants.model import (
    ApiKey,
    ApiKeyAdded,
    ApiKeyExists,
    ApiKeyInvalid,
    ApiKeyRevoked,
    ApiKeyUnknown,
    NewApiKey,
    Scope,
    Tenant,
)
from forecourt.domain.tenants.store import keys as store
from forecourt.infra.database import Database

# So that a leaked key is recognised for what it is by people and by secret scanners.
KEY_PREFIX: Final = "fck_"
KEY_BYTES: Final = 32


class Tenants:
    """Everything about owners and their keys."""

    def __init__(self, db: Database, *, secret_key: bytes) -> None:
        self._db = db
        self._secret_key = secret_key

    async def ensure(self, tenant: TenantId, name: str, now: datetime) -> None:
        """Make a tenant known; nothing happens when it is."""
        async with self._db.house_unit() as unit:
            await store.add_tenant(unit, Tenant(id=tenant, name=name), now)

    async def add_key(
        self,
        ctx: Context,
        name: str,
        *,
        expires_at: datetime | None = None,
        scopes: Iterable[Scope] = (),
    ) -> NewApiKey:
        """Make an API key of the context's tenant. Raises ApiKeyExists when the name is taken."""
        secret = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
        key = ApiKey(
            id=new_id("key", ctx.now),
            tenant=ctx.tenant,
            name=name,
            created_at=ctx.now,
            expires_at=expires_at,
            scopes=frozenset(scopes),
        )
        async with self._db.unit(ctx) as unit:
            if await store.find_live_key_named(unit, name) is not None:
                raise ApiKeyExists(f"an API key named {name!r} exists; choose another name")
            await store.add_key(unit, key, self._digest(secret))
            await unit.emit(ApiKeyAdded(tenant=ctx.tenant, at=ctx.now, key_id=key.id, name=name))
        return NewApiKey(key=key, secret=secret)

    async def keys(self, ctx: Context, wanted: Wanted = FIRST_PAGE) -> Page[ApiKey]:
        """Keys of the context's tenant, oldest first, those that were revoked too.

        Raises CursorInvalid, SortUnknown.
        """
        async with self._db.unit(ctx) as unit:
            return await store.page(unit, wanted)

    async def read_key(self, ctx: Context, key_id: str) -> ApiKey:
        """One key, also when it was revoked. Raises ApiKeyUnknown."""
        async with self._db.unit(ctx) as unit:
            key = await store.find_key_of(unit, key_id)
        if key is None:
            raise ApiKeyUnknown(f"no API key has the id {key_id!r}")
        return key

    async def revoke_key(self, ctx: Context, name_or_id: str) -> ApiKey:
        """End a key's life. Raises ApiKeyUnknown."""
        async with self._db.unit(ctx) as unit:
            key = await store.find_live_key(unit, name_or_id)
            if key is None:
                raise ApiKeyUnknown(f"no live API key is named {name_or_id!r}")
            await store.revoke(unit, key.id, ctx.now)
            await unit.emit(
                ApiKeyRevoked(tenant=ctx.tenant, at=ctx.now, key_id=key.id, name=key.name)
            )
        return msgspec.structs.replace(key, revoked_at=ctx.now)

    async def authenticate(self, secret: str, now: datetime) -> ApiKey:
        """Whose key this is. Raises ApiKeyInvalid."""
        async with self._db.house_unit() as unit:
            key = await store.find_key(unit, self._digest(secret))
        if (
            key is None
            or key.revoked_at is not None
            or (key.expires_at is not None and key.expires_at <= now)
        ):
            raise ApiKeyInvalid("this API key is not valid")
        return key

    def _digest(self, secret: str) -> Digest:
        return digest(secret.encode(), key=self._secret_key, use="apikey")
