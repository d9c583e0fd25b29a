"""Feeder, sender and verbs of the webhooks room on a true database, with a clock that waits."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import asyncpg

from forecourt.base.clock import ManualClock
from forecourt.base.context import Context
from forecourt.base.ids import StationId, TenantId
from forecourt.base.pages import Wanted
from forecourt.domain.stations import Links, NewStation, StationConnected, Stations
from forecourt.domain.tenants import Audit, Tenants
from forecourt.domain.webhooks import (
    Delivery,
    Endpoint,
    EndpointId,
    Feeder,
    NewEndpoint,
    Sender,
    State,
    Webhooks,
)
from forecourt.infra.database import Database
from forecourt.infra.outbound import Outbound

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = bytes(range(32))
HERE = frozenset({"127.0.0.1", "localhost"})


@dataclass
class Hooked:
    """The room at work."""

    db: Database
    clock: ManualClock
    webhooks: Webhooks
    stations: Stations
    audit: Audit
    feeder: Feeder
    senders: list[Sender]
    secrets: dict[EndpointId, str] = field(default_factory=dict)

    def ctx(self, tenant: str = "acme", *, sites: tuple[str, ...] = ()) -> Context:
        return Context(actor="test", tenant=TenantId(tenant), now=self.clock.now(), sites=sites)

    async def add(
        self, url: str, *types: str, tenant: str = "acme", sites: tuple[str, ...] = ()
    ) -> Endpoint:
        new = NewEndpoint(url=url, types=types, sites=sites)
        endpoint, secret = await self.webhooks.add(self.ctx(tenant), new)
        self.secrets[endpoint.id] = secret
        self.wake()
        return endpoint

    async def happen(self, *stations: str, tenant: str = "acme") -> None:
        """Stations connect: one event each, in one commit."""
        async with self.db.unit(self.ctx(tenant)) as unit:
            await unit.emit(
                *(
                    StationConnected(
                        tenant=TenantId(tenant),
                        at=self.clock.now(),
                        station=StationId(name),
                        protocol="ocpp1.6",
                        epoch=1,
                    )
                    for name in stations
                )
            )
        self.wake()

    async def add_station(self, name: str, site: str) -> None:
        await self.stations.add(self.ctx(), NewStation(id=StationId(name), site=site))

    def advance(self, span: timedelta) -> None:
        self.clock.advance(span.total_seconds())
        self.wake()

    def wake(self) -> None:
        """What the relay does when it hears of anything."""
        self.feeder._hears = True
        self.feeder._woken.set()
        for sender in self.senders:
            sender.wake()

    async def log(self, endpoint: Endpoint, state: State | None = None) -> list[Delivery]:
        tenant = endpoint.tenant
        wanted = Wanted(limit=1_000)
        found = await self.webhooks.log(self.ctx(tenant), endpoint.id, wanted, state=state)
        return [*found.items]

    async def rows(self, sql: str) -> list[asyncpg.Record]:
        conn = await asyncpg.connect(self.db.url)
        try:
            return list(await conn.fetch(sql))
        finally:
            await conn.close()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for something that comes about elsewhere."""

        async def asked() -> bool:
            return true()

        await eventually(asked)

    async def settled(self, endpoint: Endpoint, count: int, state: State) -> list[Delivery]:
        """Wait until so many deliveries are in that state."""
        found: list[Delivery] = []

        async def so_many() -> bool:
            found[:] = await self.log(endpoint, state)
            return len(found) == count

        await eventually(so_many)
        return found

    async def until_settled(self, endpoint: Endpoint, attempts: int) -> None:
        """Wait until so many attempts are kept, and none is in the air."""

        async def kept() -> bool:
            return [
                (one.attempts, one.state != State.SENDING) for one in await self.log(endpoint)
            ] == [(attempts, True)]

        await eventually(kept)


async def eventually(true: Callable[[], Awaitable[bool]], within_s: float = 20) -> None:
    """Look until it is so."""
    async with asyncio.timeout(within_s):
        while not await true():  # noqa: ASYNC110 (it comes about in a database)
            await asyncio.sleep(0.03)


@asynccontextmanager
async def hooked(
    database_url: str, *, workers: int = 1, hosts: frozenset[str] = HERE
) -> AsyncGenerator[Hooked]:
    """The room, its feeder, and so many senders, as processes have one each."""
    db, clock = Database(database_url, pool_size=4), ManualClock(NOW)
    outbound = Outbound(hosts=hosts, only_https=True, open_max=64, kept_max=16)
    audit = Audit(db)
    senders = [
        Sender(
            db,
            clock,
            outbound=outbound,
            audit=audit,
            secret_key=KEY,
            worker=f"w{n}",
            keep=timedelta(days=30),
        )
        for n in range(workers)
    ]

    def fed() -> None:
        for sender in senders:
            sender.wake()

    feeder = Feeder(db, clock, fed=fed)
    for tenant in ("acme", "other"):
        await Tenants(db, secret_key=KEY).ensure(TenantId(tenant), tenant, NOW)
    house = Hooked(
        db=db,
        clock=clock,
        webhooks=Webhooks(db, outbound=outbound, secret_key=KEY),
        stations=Stations(db, links=Links(), secret_key=KEY),
        audit=audit,
        feeder=feeder,
        senders=senders,
    )
    await feeder.open()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(db.close)
        stack.push_async_callback(outbound.close)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(feeder.run())]
            running += [tasks.create_task(sender.run()) for sender in senders]
            try:
                yield house
            finally:
                for task in running:
                    task.cancel()
