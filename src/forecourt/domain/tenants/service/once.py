"""Secrets that are good once and for a short while: kept as digests, with what belongs to them."""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

from forecourt.base.digest import Digest, digest
from forecourt.base.ids import TenantId
from forecourt.base.seal import Sealed, seal, unseal
from forecourt.domain.tenants.store import once as store
from forecourt.infra.database import Database

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
            if purpose is Purpose.RESET and user_id is not None:
                await store.forget(unit, user_id, purpose.value)  # Only the newest link is good.
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
