"""Makes deliveries of events: reads the outbox behind a mark of its own, in the order of commits.

Mark and deliveries move in one transaction, so a crash loses none and doubles none; processes that
share a database take turns. While nobody has an endpoint it reads nothing and writes nothing.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from forecourt.base.clock import Clock
from forecourt.domain.webhooks import store
from forecourt.infra.database import Database, DatabaseAway
from forecourt.infra.outbox import Told

# A relay's name, that no gateway has.
MARK: Final = "system:webhooks"
BATCH_MAX: Final = 1_000
# Whoever hears events of this process wakes us; this is for those of others that were missed.
POLL_S: Final = 5.0
POLL_IDLE_S: Final = 60.0
# Many events share a turn, and few wait long for it.
BREATH_S: Final = 0.02
RETRY_S: Final = 1.0


class Feeder:
    """Turns events into deliveries to those who want to hear of them."""

    def __init__(self, db: Database, clock: Clock, *, fed: Callable[[], None]) -> None:
        """``fed`` is called when there are new deliveries."""
        self._db = db
        self._clock = clock
        self._fed = fed
        self._woken = asyncio.Event()
        self._hears = False

    def heard(self, _: Told) -> None:
        """Something happened; called for every event, so it costs nothing while nobody hears."""
        if self._hears:
            self._woken.set()

    async def endpoints_changed(self, _: object) -> None:
        """Somebody may want to hear of events who did not before."""
        self._hears = True
        self._woken.set()

    async def open(self) -> None:
        """Make the mark, if there is none; after a dump was restored, begin with what comes."""
        async with self._db.house_unit() as unit:
            await store.open_feed(unit, MARK)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            # Before the turn: what is told while it reads must not be slept over.
            self._woken.clear()
            try:
                more = await self._turn()
            except DatabaseAway:
                await asyncio.sleep(RETRY_S)
                continue
            if not more:
                await self._rest()

    async def _turn(self) -> bool:
        """Make deliveries of the next events; whether there may be more."""
        async with self._db.house_unit() as unit:
            self._hears = await store.some_hear(unit)
            if not self._hears:
                return False
            read, fed = await store.feed(unit, MARK, most=BATCH_MAX, now=self._clock.now())
        if fed:
            self._fed()
        return read == BATCH_MAX

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(POLL_S if self._hears else POLL_IDLE_S):
                await self._woken.wait()
        except TimeoutError:
            return
        await asyncio.sleep(BREATH_S)
