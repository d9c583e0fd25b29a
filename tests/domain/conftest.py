"""Rooms on a true database, and a station whose messages go through the group commit."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from forecourt.base.clock import ManualClock
from forecourt.base.context import Context
from forecourt.base.ids import StationId, TenantId
from forecourt.domain import devices, sessions, stations
from forecourt.domain.access import Access
from forecourt.domain.catalogue import Catalogue
from forecourt.domain.devices import Devices
from forecourt.domain.security import Security
from forecourt.domain.sessions import LiveSessions, Sessions, Turn
from forecourt.domain.stations import (
    Arrival,
    Entry,
    Links,
    LiveStation,
    NewStation,
    Stations,
)
from forecourt.domain.tenants import Tenants
from forecourt.infra.commit import Changes, Committer
from forecourt.infra.database import EVENTS, Database

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACME = TenantId("acme")
CP1 = StationId("CP1")
KEY = bytes(range(32))


def arrival(station: StationId, at: datetime) -> Arrival:
    """A station comes in as it may without a password."""
    return Arrival(station=station, protocol="ocpp1.6", at=at, entry=Entry(profile=0))


class Site:
    """The rooms, and one station that is connected."""

    def __init__(self, db: Database) -> None:
        self.clock = ManualClock(NOW)
        self.db = db
        self.links = Links()
        self.tenants = Tenants(db, secret_key=KEY)
        self.stations = Stations(db, links=self.links, secret_key=KEY)
        self.security = Security(db, secret_key=KEY)
        self.devices = Devices(db, stations=self.stations, links=self.links, catalogue=Catalogue())
        self.access = Access(db)
        self.sessions = Sessions(db)
        self.committer = Committer(
            db.raw, order=(*stations.WRITES, *devices.WRITES, *sessions.WRITES, EVENTS)
        )
        self.live: LiveStation
        self.known: LiveSessions

    @property
    def ctx(self) -> Context:
        return Context(actor="test", tenant=ACME, now=self.clock.now())

    async def connect(self, station: StationId = CP1) -> None:
        """A new socket: all that was in memory comes from the database."""
        now = self.clock.now()
        self.live = (await self.stations.connect([arrival(station, now)], "g"))[station]
        self.known = (await self.sessions.load([station], now))[station]

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[Turn]:
        """One message: a second later than the last, and committed when it is left."""
        self.clock.advance(1)
        changes = Changes()
        yield Turn(self.ctx, self.live, self.known, changes)
        await self.committer.commit(changes)

    async def count(self, table: str) -> int:
        async with self.db.house_unit() as unit:
            found = await unit.conn.exec_driver_sql(f"SELECT count(*) FROM {table}")
            return int(found.scalar_one())


@pytest.fixture
async def site(database_url: str) -> AsyncGenerator[Site]:
    db = Database(database_url, pool_size=2)
    site = Site(db)
    await site.tenants.ensure(ACME, "Acme", NOW)
    await site.stations.add(site.ctx, NewStation(id=CP1))
    await site.connect()
    async with asyncio.TaskGroup() as tasks:
        run = tasks.create_task(site.committer.run())
        yield site
        run.cancel()
    await db.close()
