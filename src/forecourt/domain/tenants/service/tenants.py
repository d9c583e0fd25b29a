"""Tenants, those below them, what they share, and the keys of their programs."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from forecourt.base.context import Context
from forecourt.base.digest import Digest, digest
from forecourt.base.ids import TenantId, new_id
from forecourt.base.pages import FIRST_PAGE, Page, Wanted
from forecourt.domain.tenants import rules
from forecourt.domain.tenants.model import (
    ApiKey,
    ApiKeyAdded,
    ApiKeyExists,
    ApiKeyInvalid,
    ApiKeyRevoked,
    ApiKeyUnknown,
    NewApiKey,
    Place,
    Scope,
    SettingsChanged,
    Share,
    ShareEmpty,
    ShareUnknown,
    Tenant,
    TenantAdded,
    TenantChanged,
    TenantKind,
    TenantSettings,
    TenantsFull,
    TenantUnknown,
)
from forecourt.domain.tenants.store import keys as store
from forecourt.domain.tenants.store import tenants
from forecourt.infra.database import Database, Unit

# So that a leaked key is recognised for what it is by people and by secret scanners.
KEY_PREFIX: Final = "fck_"
KEY_BYTES: Final = 32
# As many as a switch in a page can still list.
BELOW_MAX: Final = 1_000
DEPTH_MAX: Final = 4


class Tenants:
    """Everything about owners and their keys."""

    def __init__(self, db: Database, *, secret_key: bytes) -> None:
        self._db = db
        self._secret_key = secret_key

    async def ensure(self, tenant: TenantId, name: str, now: datetime) -> None:
        """Make a tenant known; nothing happens when it is."""
        async with self._db.house_unit() as unit:
            await tenants.ensure(unit, Tenant(id=tenant, name=name, created_at=now))

    # ---- tenants below --------------------------------------------------------------------------

    async def add(self, ctx: Context, name: str, kind: TenantKind) -> Tenant:
        """Make a tenant below the context's own. Raises TenantsFull."""
        async with self._db.unit(ctx) as unit:
            own = await tenants.find(unit, ctx.tenant)
            assert own is not None, "a context has a tenant"
            if len(own.above) >= DEPTH_MAX or await tenants.count_below(unit, own.id) >= BELOW_MAX:
                raise TenantsFull(f"at most {BELOW_MAX} tenants, {DEPTH_MAX} levels deep")
            made = Tenant(
                id=TenantId(new_id("ten", ctx.now)),
                name=name,
                kind=kind,
                above=(*own.above, own.id),
                created_at=ctx.now,
            )
            await tenants.add(unit, made)
            await unit.emit(
                TenantAdded(tenant=ctx.tenant, at=ctx.now, tenant_id=made.id, name=name)
            )
        return made

    async def below(self, ctx: Context, wanted: Wanted = FIRST_PAGE) -> Page[Tenant]:
        """Those below the context's tenant, at any depth, in the order in which they were added.

        A search looks at their names. Raises CursorInvalid, SortUnknown.
        """
        async with self._db.unit(ctx) as unit:
            return await tenants.page(unit, ctx.tenant, wanted)

    async def read(self, ctx: Context, tenant: str) -> Tenant:
        """One below the context's tenant. Raises TenantUnknown."""
        async with self._db.unit(ctx) as unit:
            return await _read(unit, ctx, tenant)

    async def change(
        self, ctx: Context, tenant: str, *, name: str | None = None, disabled: bool | None = None
    ) -> Tenant:
        """Rename it, or shut its people and programs out, or let them in again.

        Its stations go on: drivers are not to stand in the cold for what an office decides.
        Raises TenantUnknown.
        """
        values: dict[str, object] = {} if name is None else {"name": name}
        if disabled is not None:
            values["disabled_at"] = ctx.now if disabled else None
        async with self._db.unit(ctx) as unit:
            before = await _read(unit, ctx, tenant)
            if values:
                await tenants.change(unit, tenant, values)
                await unit.emit(
                    TenantChanged(
                        tenant=ctx.tenant, at=ctx.now, tenant_id=tenant, name=name or before.name
                    )
                )
            return await _read(unit, ctx, tenant)

    # ---- sites that are shared ------------------------------------------------------------------

    async def share(self, ctx: Context, guest: str, name: str, sites: Sequence[str]) -> Share:
        """Show the stations of some sites to a tenant below. Raises TenantUnknown, ShareEmpty."""
        if not sites or not all(site.strip() for site in sites):
            # No name would bind to nothing, and nothing is every site.
            raise ShareEmpty("name the sites to share")
        async with self._db.unit(ctx) as unit:
            shown_to = await _read(unit, ctx, guest)
            made = Share(
                id=new_id("shr", ctx.now),
                tenant=ctx.tenant,
                guest=shown_to.id,
                name=name,
                sites=tuple(sites),
                created_at=ctx.now,
            )
            await tenants.add_share(unit, made)
        return made

    async def shares(self, ctx: Context, guest: str) -> Sequence[Share]:
        """What the context's tenant shows to one below. Raises TenantUnknown."""
        async with self._db.unit(ctx) as unit:
            await _read(unit, ctx, guest)
            return await tenants.list_shares(unit, guest)

    async def unshare(self, ctx: Context, guest: str, share_id: str) -> None:
        """Show it no longer. Raises ShareUnknown."""
        async with self._db.unit(ctx) as unit:
            if not await tenants.remove_share(unit, guest, share_id):
                raise ShareUnknown("there is no such share", share=share_id)

    # ---- where somebody may act -----------------------------------------------------------------

    async def places(self, ctx: Context, *, below: bool) -> Sequence[Place]:
        """The context's own tenant first; then those below, for whom ``below`` says so; then
        the sites that others show to it.
        """
        async with self._db.unit(ctx) as unit:
            own = await tenants.find(unit, ctx.tenant)
            assert own is not None, "a context has a tenant"
            found = [rules.place(own)]
            if below:
                under = await tenants.below(unit, ctx.tenant, limit=BELOW_MAX)
                found += [rules.place(one) for one in under]
        # Whoever shows sites is above, and above one's own walls one sees nothing.
        async with self._db.house_unit() as house:
            shown = await tenants.list_shares(house, ctx.tenant)
        places = (rules.shared_place(one, ctx.sites) for one in shown)
        return [*found, *(place for place in places if place is not None)]

    async def place(self, ctx: Context, choice: str, *, below: bool) -> Place:
        """The one of ``places`` that was chosen. Raises TenantUnknown."""
        for place in await self.places(ctx, below=below):
            if place.id == choice:
                return place
        raise TenantUnknown("there is no such tenant, or you may not act in it", tenant=choice)

    # ---- the keys of programs -------------------------------------------------------------------

    async def settings(self, ctx: Context) -> TenantSettings:
        """What the context's tenant set for itself."""
        async with self._db.unit(ctx) as unit:
            return await tenants.find_settings(unit, ctx.tenant)

    async def change_settings(
        self,
        ctx: Context,
        *,
        name: str | None = None,
        time_zone: str | None = None,
        ocpp_url: str | None = None,
    ) -> TenantSettings:
        """Set what is given; None leaves a thing as it is. Raises SettingInvalid."""
        given = {"name": name, "time_zone": time_zone, "ocpp_url": ocpp_url}
        changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        async with self._db.unit(ctx) as unit:
            before = await tenants.find_settings(unit, ctx.tenant, held=True)
            after = rules.setting(msgspec.structs.replace(before, **changes))
            if after != before:
                await tenants.save_settings(unit, after)
                await unit.emit(
                    SettingsChanged(
                        tenant=ctx.tenant,
                        at=ctx.now,
                        name=after.name,
                        time_zone=after.time_zone,
                        ocpp_url=after.ocpp_url,
                    )
                )
        return after

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
        async with self._db.view(ctx) as unit:
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
            shut = key is not None and not await tenants.is_open(unit, key.tenant)
        if (
            key is None
            or shut
            or key.revoked_at is not None
            or (key.expires_at is not None and key.expires_at <= now)
        ):
            raise ApiKeyInvalid("this API key is not valid")
        return key

    def _digest(self, secret: str) -> Digest:
        return digest(secret.encode(), key=self._secret_key, use="apikey")


async def _read(unit: Unit, ctx: Context, tenant: str) -> Tenant:
    found = await tenants.find(unit, tenant)
    if found is None or found.id == ctx.tenant:
        raise TenantUnknown("there is no such tenant below yours", tenant=tenant)
    return found
