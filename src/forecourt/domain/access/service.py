"""The room's verbs: make tokens known, change them, say what they are worth."""

from collections.abc import Sequence
from datetime import datetime

from forecourt.base.context import Context
from forecourt.domain.access import rules, store
from forecourt.domain.access.model import (
    Authorization,
    NewToken,
    Token,
    TokenAdded,
    TokenChanged,
    TokenExists,
    TokenStatus,
    TokenUnknown,
)
from forecourt.infra.database import Database


class Access:
    """Everything about who may charge."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, ctx: Context, new: NewToken) -> Token:
        """Make a token known. Raises TokenExists."""
        token = Token(
            uid=new.uid,
            tenant=ctx.tenant,
            type=new.type,
            status=new.status,
            group=new.group,
            label=new.label,
            valid_until=new.valid_until,
            sessions_max=new.sessions_max,
            created_at=ctx.now,
        )
        async with self._db.unit(ctx) as unit:
            if not await store.add(unit, token):
                raise TokenExists(f"a token {new.uid!r} exists already", uid=new.uid)
            await unit.emit(
                TokenAdded(tenant=ctx.tenant, at=ctx.now, uid=new.uid, token_type=new.type)
            )
        return token

    async def change(
        self,
        ctx: Context,
        uid: str,
        *,
        status: TokenStatus | None = None,
        valid_until: datetime | None = None,
    ) -> Token:
        """Block, unblock or date a token; None leaves a thing as it is. Raises TokenUnknown."""
        values: dict[str, object] = {}
        if status is not None:
            values["status"] = status.value
        if valid_until is not None:
            values["valid_until"] = valid_until
        async with self._db.unit(ctx) as unit:
            if values and not await store.change(unit, uid, values):
                raise TokenUnknown(f"there is no token {uid!r}", uid=uid)
            found = await store.find(unit, ctx.tenant, uid)
            if found is None:
                raise TokenUnknown(f"there is no token {uid!r}", uid=uid)
            await unit.emit(TokenChanged(tenant=ctx.tenant, at=ctx.now, uid=found.uid))
        return found

    async def remove(self, ctx: Context, uid: str) -> None:
        """Forget a token. Raises TokenUnknown."""
        async with self._db.unit(ctx) as unit:
            if not await store.remove(unit, uid):
                raise TokenUnknown(f"there is no token {uid!r}", uid=uid)
            await unit.emit(TokenChanged(tenant=ctx.tenant, at=ctx.now, uid=uid))

    async def read(self, ctx: Context, uid: str) -> Token:
        """One token. Raises TokenUnknown."""
        async with self._db.unit(ctx) as unit:
            found = await store.find(unit, ctx.tenant, uid)
        if found is None:
            raise TokenUnknown(f"there is no token {uid!r}", uid=uid)
        return found

    async def list(self, ctx: Context, *, after: str = "", limit: int = 100) -> Sequence[Token]:
        """Tokens in the order of their uids, from behind ``after``."""
        async with self._db.unit(ctx) as unit:
            return await store.page(unit, after=after, limit=limit)

    async def authorize(self, ctx: Context, uid: str) -> Authorization:
        """What a token is worth by itself, now. Never raises for an unknown one."""
        async with self._db.glance() as glance:
            token = await store.glimpse(glance, ctx.tenant, uid)
        return rules.authorize(token, ctx)
