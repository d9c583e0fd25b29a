"""The caretaker: looks at stations that are due, a few at a time, for as long as the house stands.

What is due stands in the database, written by the commit that made it due; so nothing is forgotten
when the house falls, and two gateways never look at one station at once.
"""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from forecourt.base.clock import Clock
from forecourt.base.context import Context
from forecourt.base.errors import ForecourtError
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.devices import store
from forecourt.domain.devices.service.devices import LOOKS_PER_SECOND, Devices
from forecourt.domain.stations import StationUnknown
from forecourt.infra.database import Database, DatabaseAway

# Stations that are asked at once: each answer is a burst of rows, and drivers' messages go first.
AT_ONCE: Final = 8
# A look costs milliseconds of the core on which drivers are answered, and it can wait: when a whole
# network comes back, the care of ten thousand stations takes minutes, not their core; and as long
# as many messages come it takes longer still.
PAUSE_S: Final = 1 / LOOKS_PER_SECOND
PAUSE_BUSY_S: Final = 10 * PAUSE_S
CLAIMS_MAX: Final = 16
# Whoever claimed a station and fell keeps it from others for so long. Who ends in good order gives
# back what he claimed, unless the database does not take it in this time.
LEASE: Final = timedelta(minutes=30)
GIVE_BACK_S: Final = 2.0
FAILED_AGAIN: Final = timedelta(minutes=5)
ACTOR: Final = "system:caretaker"
POLL_S: Final = 1.0
RETRY_S: Final = 1.0

log = structlog.get_logger(__name__)


class Caretaker:
    """Keeps the device models of all stations known, and the stations as they shall be."""

    def __init__(
        self,
        db: Database,
        devices: Devices,
        clock: Clock,
        *,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        """``busy``: whether drivers' messages want the core."""
        self._db = db
        self._devices = devices
        self._clock = clock
        self._busy = busy
        self._woken = asyncio.Event()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._claimed: set[StationId] = set()
        """What this one keeps from others."""

    def wake(self) -> None:
        """There may be something due."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._walk(tasks)
        finally:
            await self._give_back()

    async def _walk(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            # Before the turn: what is told while it reads must not be slept over.
            self._woken.clear()
            try:
                claimed = await self._claim()
            except DatabaseAway:
                await asyncio.sleep(RETRY_S)
                continue
            self._claimed.update(station for station, _ in claimed)
            for station, tenant in claimed:
                await self._places.acquire()
                tasks.create_task(self._look(station, tenant))
                await asyncio.sleep(PAUSE_BUSY_S if self._busy() else PAUSE_S)
            if not claimed:
                await self._rest()

    async def _claim(self) -> list[tuple[StationId, TenantId]]:
        now = self._clock.now()
        async with self._db.house_unit() as unit:
            return await store.claim(unit, now=now, until=now + LEASE, most=CLAIMS_MAX)

    async def _look(self, station: StationId, tenant: TenantId) -> None:
        """One station; whatever goes wrong with it, the others are looked at."""
        now = self._clock.now()
        ctx = Context(actor=ACTOR, tenant=tenant, now=now)
        due_at: datetime | None = now + FAILED_AGAIN
        removed = False
        try:
            due_at = await self._devices.tend(ctx, station)
        except StationUnknown:
            removed = True
        except ForecourtError as error:
            log.info("devices.later", station=station, code=error.code)
        except Exception:  # The boundary: one station's trouble must not end the care of all.
            log.exception("devices.tend_failed", station=station)
        finally:
            self._places.release()
        # With the database away the claim ends by itself.
        with contextlib.suppress(DatabaseAway):
            if removed:
                await self._devices.forget_removed(ctx, station)
            async with self._db.unit(ctx) as unit:
                await store.release(unit, station, due_at=due_at)
        self._claimed.discard(station)

    async def _give_back(self) -> None:
        """The looks that were cut off are due at once, for whoever comes next."""
        if not self._claimed:
            return
        with contextlib.suppress(DatabaseAway, TimeoutError):
            async with asyncio.timeout(GIVE_BACK_S), self._db.house_unit() as unit:
                for station in sorted(self._claimed):
                    await store.release(unit, station, due_at=self._clock.now())

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._woken.wait()
        except TimeoutError:
            return
