"""One editor at a time: who edits what stands at an address holds it until the change is made.

The hold is a row's lock, so it also keeps out editors in other processes, and ends with ours.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from hashlib import sha256

from forecourt.base.context import Context
from forecourt.domain.tenants.store import edits as store
from forecourt.infra.database import Database


class Edit:
    """One edit in hand. Its maker says what came of it."""

    def __init__(self, version: int) -> None:
        self.version = version
        """How often it was edited before."""
        self.done = False
        self.gone = False
        """Edited away: nothing stands there any more."""


class Edits:
    """Counts edits by address, and lets one editor in at a time."""

    def __init__(self, db: Database) -> None:
        self._db = db
        # Each holds a connection while the change itself needs another: leave them half.
        self._holds = asyncio.Semaphore(max(1, db.pool_size // 2))

    @asynccontextmanager
    async def alone(self, ctx: Context, address: str) -> AsyncGenerator[Edit]:
        """Nobody else edits what stands at ``address`` meanwhile. Raises DatabaseAway."""
        name = _name(address)
        async with self._holds, self._db.unit(ctx) as unit:
            edit = Edit(await store.hold(unit, ctx.tenant, name))
            yield edit
            if edit.done and not edit.gone:
                await store.count(unit, name)
            else:
                await store.forget(unit, name, unless_edited=not edit.gone)

    async def version(self, ctx: Context, address: str) -> int:
        """How often what stands there was edited."""
        async with self._db.unit(ctx) as unit:
            return await store.version(unit, _name(address))


def _name(address: str) -> bytes:
    """A short name; folded, as some names are the same in capitals."""
    return sha256(address.casefold().encode()).digest()
