"""Carries orders out: a few stations at once, each line marked in the database before it is sent.

At most once: what was marked and not settled when the platform died is *lost*, and not repeated,
for nobody knows whether the station did it. What only waited goes on waiting.
"""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Final

import structlog

from forecourt.base.clock import Clock
from forecourt.base.context import Context
from forecourt.base.errors import ForecourtError
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.orders import store
from forecourt.domain.orders.model import CommandSettled, Ending, Order, OrderId
from forecourt.domain.orders.service.orders import settled, word_of
from forecourt.domain.stations import (
    Answer,
    Outcome,
    StationOffline,
    Stations,
    failed,
)
from forecourt.infra.database import Database, DatabaseAway

log = structlog.get_logger(__name__)

ACTOR: Final = "system:orders"
HOUSE: Final = TenantId("")
POLL_S: Final = 5.0
BREATH_S: Final = 0.05
RETRY_S: Final = 1.0
# Calls that all orders together may have open: each waits for its station, which may take 30 s.
OPEN_MAX: Final = 500
KEPT_FOR: Final = timedelta(days=90)
CLEANS_EVERY: Final = timedelta(hours=1)


class Dispatcher:
    """Puts to the stations of one gateway what was ordered for them."""

    def __init__(self, db: Database, stations: Stations, clock: Clock, *, gateway: str) -> None:
        self._db = db
        self._stations = stations
        self._clock = clock
        self._gateway = gateway
        self._woken = asyncio.Event()
        self._open: dict[StationId, OrderId] = {}
        self._clean_at = clock.now()

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()

    async def open(self) -> None:
        """Before any station connects: what a crash left on the wire is lost."""
        ctx = self._ctx()
        async with self._db.house_unit() as unit:
            await unit.emit(
                *settled(await store.lose(unit, self._gateway, ctx.now), Ending.LOST, ctx)
            )

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                # Before the turn: what is told while it reads must not be slept over.
                self._woken.clear()
                try:
                    picked = await self._pick()
                except DatabaseAway:
                    await asyncio.sleep(RETRY_S)
                    continue
                for order, station in picked:
                    tasks.create_task(self._put(order, station))
                if not picked:
                    await self._rest()

    async def _pick(self) -> list[tuple[Order, StationId]]:
        """What is to be sent now, marked as sent; ends what cannot be."""
        ctx = self._ctx()
        async with self._db.house_unit() as unit:
            if self._clean_at <= ctx.now:
                self._clean_at = ctx.now + CLEANS_EVERY
                await store.forget_old(unit, ctx.now - KEPT_FOR)
            if not await store.some_wait(unit):
                return []
            await unit.emit(*settled(await store.expire(unit, ctx.now), Ending.EXPIRED, ctx))
            absent = await store.give_up_on_absent(unit, ctx.now)
            await unit.emit(*settled(absent, Ending.AWAY, ctx))
            room = OPEN_MAX - len(self._open)
            if room <= 0:
                return []
            found = await store.ready(
                unit, gateway=self._gateway, busy=list(self._open), most=OPEN_MAX
            )
            picked = self._within_limits(found, room)
            if not picked:
                return []
            sent = await store.send(unit, picked, gateway=self._gateway, now=ctx.now)
        for order, station in sent:
            self._open[station] = order.id
        return sent

    def _within_limits(
        self, found: list[tuple[OrderId, StationId, int]], room: int
    ) -> list[tuple[OrderId, StationId]]:
        """No more of an order than it may have at once, those included that are open already."""
        open_of = Counter(self._open.values())
        picked: list[tuple[OrderId, StationId]] = []
        for order, station, at_once_max in found:
            if open_of[order] < at_once_max and len(picked) < room:
                open_of[order] += 1
                picked.append((order, station))
        return picked

    async def _put(self, order: Order, station: StationId) -> None:
        """Ask one station; whatever comes of it is kept."""
        ctx = Context(
            actor=order.actor, tenant=order.tenant, now=self._clock.now(), scopes=order.scopes
        )
        answer: Answer | None
        try:
            answer = await self._stations.command(ctx, station, order.command)
        except StationOffline:
            # It left between our look and our word: nothing was sent.
            answer = None
        except ForecourtError as error:
            answer = failed(Outcome.FAILED, error.message)
        try:
            await self._settle(order, station, answer)
        finally:
            self._open.pop(station, None)
            self.wake()

    async def _settle(self, order: Order, station: StationId, answer: Answer | None) -> None:
        while True:
            now = self._clock.now()
            try:
                async with self._db.house_unit() as unit:
                    if answer is None:
                        await store.wait_again(unit, order.id, station)
                        return
                    outcome = answer.outcome.value
                    await store.settle(
                        unit, order.id, station, outcome=outcome, answer=answer, at=now
                    )
                    await unit.emit(
                        CommandSettled(
                            tenant=order.tenant,
                            at=now,
                            order=order.id,
                            command=word_of(order.command),
                            station=station,
                            outcome=outcome,
                        )
                    )
                    return
            except DatabaseAway:
                log.info("orders.settle_later", order=order.id, station=station)
                await asyncio.sleep(RETRY_S)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._woken.wait()
        except TimeoutError:
            return
        # Stations come back by the thousand: one look for all of a moment.
        await asyncio.sleep(BREATH_S)

    def _ctx(self) -> Context:
        return Context(actor=ACTOR, tenant=HOUSE, now=self._clock.now())
