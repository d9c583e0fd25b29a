"""Browsers that are logged in: how that begins, whose one is, how it ends."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from forecourt.base.context import Context
from forecourt.base.digest import Digest, digest
from forecourt.base.ids import new_id
from forecourt.domain.tenants import rules
from forecourt.domain.tenants.model import (
    Browser,
    Caller,
    Login,
    LoginRefused,
    LoginUnknown,
    Method,
    Seen,
    User,
    UserLoggedIn,
)
from forecourt.domain.tenants.store import logins as store
from forecourt.domain.tenants.store import tenants
from forecourt.infra.database import Database, Unit

# A browser is logged out after so long, whatever it does.
LOGIN_LASTS: Final = timedelta(days=7)
# How stale the record of the last request may be: a write for each would be a waste.
USED_EVERY: Final = timedelta(minutes=5)
SECRET_BYTES: Final = 32
AGENT_LENGTH_MAX: Final = 200


class Logins:
    """Everything about browsers."""

    def __init__(self, db: Database, *, secret_key: bytes) -> None:
        self._db = db
        self._secret_key = secret_key

    async def admit(self, user: User) -> None:
        """Raises LoginRefused for whom nobody lets in: locked out, alone or with the tenant."""
        async with self._db.house_unit() as unit:
            admitted = user.disabled_at is None and await tenants.is_open(unit, user.tenant)
        if not admitted:
            raise LoginRefused("wrong address or password")

    async def act(self, ctx: Context, caller: Caller, acting: str) -> None:
        """Act elsewhere from the next request on; empty is the user's own tenant."""
        async with self._db.unit(ctx) as unit:
            await store.act(unit, caller.login_id, acting)

    async def begin(
        self,
        unit: Unit,
        ctx: Context,
        user: User,
        *,
        method: Method,
        seen: Seen,
        provider_id: str | None = None,
        shown_at: datetime | None = None,
    ) -> Login:
        """Log a browser in as ``user``, who has shown to be that, and whom ``admit`` lets in.

        ``shown_at``: when that was, if it was not just now.
        """
        secret = secrets.token_urlsafe(SECRET_BYTES)
        expires_at = ctx.now + LOGIN_LASTS
        await store.add(
            unit,
            user,
            self._digest(secret),
            new_id("lgn", ctx.now),
            method=method,
            seen=Seen(address=seen.address, agent=seen.agent[:AGENT_LENGTH_MAX]),
            now=ctx.now,
            expires_at=expires_at,
            provider_id=provider_id,
            authenticated_at=shown_at or ctx.now,
        )
        await unit.emit(
            UserLoggedIn(
                tenant=user.tenant,
                at=ctx.now,
                user_id=user.id,
                email=user.email,
                address=seen.address,
                method=method,
            )
        )
        return Login(secret=secret, user=user, expires_at=expires_at)

    async def recognize(self, secret: str, now: datetime) -> Caller:
        """Whose a browser is. Raises LoginRefused when its log-in is over."""
        name = self._digest(secret)
        async with self._db.house_unit() as unit:
            found = await store.find(unit, name)
            caller = None
            if found is not None:
                user, row = found
                if await tenants.is_open(unit, user.tenant):
                    caller = rules.caller(user, row, now)
                if caller is not None and now - row.used_at >= USED_EVERY:
                    await store.use(unit, name, now)
            if caller is None:
                await store.end(unit, name)
        if caller is None:
            raise LoginRefused("log in again")
        return caller

    async def confirm(self, unit: Unit, ctx: Context, caller: Caller) -> None:
        """Whoever is logged in there has shown once more who it is."""
        await store.confirm(unit, caller.login_id, ctx.now)

    async def list(self, ctx: Context, user_id: str) -> Sequence[Browser]:
        """Where somebody is logged in, the browser that was used last first."""
        async with self._db.unit(ctx) as unit:
            return await store.of_user(unit, user_id, ctx.now)

    async def end(self, ctx: Context, user_id: str, login_id: str) -> None:
        """Log one browser out. Raises LoginUnknown."""
        async with self._db.unit(ctx) as unit:
            if not await store.end_one(unit, user_id, login_id):
                raise LoginUnknown("there is no such log-in; it may be over", login=login_id)

    async def end_others(self, ctx: Context, user_id: str, *, but: str) -> None:
        """Log somebody out everywhere but at one browser."""
        async with self._db.unit(ctx) as unit:
            await store.end_all(unit, user_id, but=but)

    async def log_out(self, secret: str) -> None:
        """End a browser's log-in; nothing happens when it is over."""
        async with self._db.house_unit() as unit:
            await store.end(unit, self._digest(secret))

    def csrf_of(self, secret: str) -> str:
        """What a page must send along with a change, so that no other site's page can make one."""
        return digest(secret.encode(), key=self._secret_key, use="csrf").hex()

    def _digest(self, secret: str) -> Digest:
        return digest(secret.encode(), key=self._secret_key, use="login")
