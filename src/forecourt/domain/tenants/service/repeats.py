"""Requests that come twice and are done once: the first answer, kept for a day.

An answer may show a secret that is shown once (a new key, a password), so answers are sealed with
the installation's key. Requests are kept as keyed digests: they may hold a password, too.
"""

from datetime import timedelta
from typing import Final

import msgspec

from forecourt.base.context import Context
from forecourt.base.digest import digest, same
from forecourt.base.seal import Sealed, seal, unseal
from forecourt.domain.tenants.model import KeptAnswer, Standing
from forecourt.domain.tenants.store import repeats as store
from forecourt.infra.database import Database

KEPT_FOR: Final = timedelta(hours=24)
RUNS_MAX: Final = timedelta(minutes=10)
"""Whoever began before this runs no more: the process died, and what came of it is not known."""
USE: Final = "repeats"


class Repeats:
    """Everything about requests that may come twice."""

    def __init__(self, db: Database, *, secret_key: bytes) -> None:
        self._db = db
        self._secret_key = secret_key

    async def begin(self, ctx: Context, key: str, request: bytes) -> KeptAnswer | Standing:
        """Begin the caller's request of this key, or the answer that it had before."""
        name = digest(request, key=self._secret_key, use=USE)
        async with self._db.unit(ctx) as unit:
            if await store.begin(unit, ctx, key, name, over=ctx.now - KEPT_FOR):
                return Standing.FRESH
            found = await store.find(unit, ctx, key)
        if found is None:
            return Standing.RUNNING  # Released between the two looks: to be tried again.
        before, began_at, sealed = found
        if not same(before, name):
            return Standing.OTHER
        if sealed is None:
            return Standing.RUNNING if ctx.now - began_at < RUNS_MAX else Standing.LOST
        opened = unseal(Sealed(sealed), key=self._secret_key, use=USE, label=_label(ctx, key))
        return msgspec.msgpack.decode(opened, type=KeptAnswer)

    async def answer(self, ctx: Context, key: str, answer: KeptAnswer) -> None:
        """Keep what the request was answered."""
        packed = msgspec.msgpack.encode(answer)
        sealed = seal(packed, key=self._secret_key, use=USE, label=_label(ctx, key))
        async with self._db.unit(ctx) as unit:
            await store.answer(unit, ctx, key, sealed)

    async def release(self, ctx: Context, key: str) -> None:
        """Nothing was done: the next request of this key is the first."""
        async with self._db.unit(ctx) as unit:
            await store.release(unit, ctx, key)


def _label(ctx: Context, key: str) -> str:
    return f"{ctx.tenant}\n{ctx.actor}\n{key}"
