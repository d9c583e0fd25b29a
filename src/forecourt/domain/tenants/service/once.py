"""Secrets that are good once and for a short while: kept as digests, with what belongs to them."""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

from forecourt.base.context import Context
from forecourt.base.digest import Digest, digest
from forecourt.base.ids import TenantId
from forecourt.base.seal import Sealed, seal, unseal
from forecourt.domain.tenants.store import once as store
from forecourt.infra.database import Database, Unit

SECRET_BYTES: Final = 32
# Strangers may ask for one: the oldest give way to the newest.
KEPT_MAX: Final = 5_000


class Purpose(StrEnum):
    """What a secret is for; it is good for nothing else."""

    PASSKEY_ADD = "passkey.add"
    PASSKEY_LOGIN = "passkey.login"
    SSO = "sso"
    RESET = "reset"


class Kept(Struct, frozen=True, kw_only=True):
    """What was kept with a secret."""

    tenant: TenantId
    user_id: str | None
    body: bytes


class OneTime:
    """Makes them and takes them back."""

    def __init__(self, db: Database, *, secret_key: bytes) -> None:
        self._db = db
        self._secret_key = secret_key

    async def make(
        self,
        purpose: Purpose,
        tenant: TenantId,
        now: datetime,
        *,
        lasts: timedelta,
        user_id: str | None = None,
        body: bytes = b"",
    ) -> str:
        """A secret to hand out; ``body`` comes back with it and is readable to nobody meanwhile."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        sealed = seal(body, key=self._secret_key, use="once", label=purpose.value)
        async with self._db.house_unit() as unit:
            await store.trim(unit, purpose.value, now, kept=KEPT_MAX - 1)
            await store.add(
                unit,
                self._digest(secret),
                tenant=tenant,
                purpose=purpose.value,
                user_id=user_id,
                body=sealed,
                now=now,
                expires_at=now + lasts,
            )
        return secret

    async def make_link(
        self, unit: Unit, ctx: Context, user_id: str, *, lasts: timedelta
    ) -> tuple[str, datetime]:
        """A secret by which a user's password may be set, in the unit of whoever makes it."""
        secret, expires_at = secrets.token_urlsafe(SECRET_BYTES), ctx.now + lasts
        purpose = Purpose.RESET.value
        await self.forget_link(unit, user_id)  # Only the newest one is good.
        await store.add(
            unit,
            self._digest(secret),
            tenant=ctx.tenant,
            purpose=purpose,
            user_id=user_id,
            body=seal(b"", key=self._secret_key, use="once", label=purpose),
            now=ctx.now,
            expires_at=expires_at,
        )
        return secret, expires_at

    async def owner_of(self, secret: str, now: datetime) -> tuple[TenantId, str] | None:
        """Whose password a link may set: the tenant, and the user. It is not used up by this."""
        async with self._db.house_unit() as unit:
            row = await store.find(unit, self._digest(secret), Purpose.RESET.value)
        if row is None or row.expires_at <= now or row.user_id is None:
            return None
        return TenantId(row.tenant_id), row.user_id

    async def use_link(self, unit: Unit, secret: str) -> bool:
        """Whether the link was still there; it is gone with this unit."""
        return await store.take(unit, self._digest(secret), Purpose.RESET.value) is not None

    async def forget_link(self, unit: Unit, user_id: str) -> None:
        """A link that was made for a user is good no more."""
        await store.forget(unit, user_id, Purpose.RESET.value)

    async def take(self, secret: str, purpose: Purpose, now: datetime) -> Kept | None:
        """What belongs to it, this once, whatever comes of it; None when it is not good."""
        async with self._db.house_unit() as unit:
            row = await store.take(unit, self._digest(secret), purpose.value)
        if row is None or row.expires_at <= now:
            return None
        body = unseal(Sealed(row.body), key=self._secret_key, use="once", label=purpose.value)
        return Kept(tenant=TenantId(row.tenant_id), user_id=row.user_id, body=body)

    def _digest(self, secret: str) -> Digest:
        return digest(secret.encode(), key=self._secret_key, use="once")
