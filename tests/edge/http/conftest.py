"""The HTTP door on a database of its own: two tenants with a key each, and a clock that waits."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx
import pytest
from litestar import Litestar

from forecourt.base.clock import ManualClock
from forecourt.base.context import Context
from forecourt.base.digest import KEY_BYTES
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.access import Access
from forecourt.domain.billing import Billing
from forecourt.domain.catalogue import Catalogue
from forecourt.domain.devices import Devices
from forecourt.domain.drivers import Below, Drivers
from forecourt.domain.energy import Energy
from forecourt.domain.firmware import Firmware
from forecourt.domain.monitoring import Monitoring
from forecourt.domain.orders import Orders
from forecourt.domain.rooms import Rooms
from forecourt.domain.security import Security
from forecourt.domain.sessions import Sessions
from forecourt.domain.sites import Sites
from forecourt.domain.stations import Answer, Ask, Known, Links, NewStation, Outcome, Stations
from forecourt.domain.tariffs import Tariffs
from forecourt.domain.tenants import Audit, Edits, NewUser, People, Repeats, Role, Tenants
from forecourt.domain.webhooks import Webhooks
from forecourt.edge.http import http_app
from forecourt.edge.ocpp import Watch
from forecourt.infra.commit import Committer
from forecourt.infra.database import Database
from forecourt.infra.outbound import Outbound

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = bytes(range(KEY_BYTES))
PASSWORD = "a long enough password"
LogIn = Callable[..., Awaitable[httpx.AsyncClient]]


class Wire:
    """What the gateway counted, as a test wants it."""

    malformed = 3
    strays = superseded = refused_doors = 0
    logins_failed = logins_held = tls_failed = deflated = 0


class Quirks:
    """What was forgiven."""

    totals: ClassVar[dict[str, int]] = {"long-text": 2}


class GatewayOf:
    """A gateway with so many stations."""

    counts = Wire()
    quirks = Quirks()
    accepting = True

    def __init__(self, links: Links) -> None:
        self._links = links
        self.watch = Watch()

    def __len__(self) -> int:
        return len(self._links)


@dataclass
class FakeLink:
    """A connected station that says what a test wants, and remembers what it was asked."""

    answer: Answer = field(default_factory=lambda: Answer(outcome=Outcome.ACCEPTED))
    asked: list[Ask] = field(default_factory=list)

    @property
    def judged_by(self) -> frozenset[str]:
        return frozenset()

    async def ask(self, command: Ask, known: Known) -> Answer:
        self.asked.append(command)
        return self.answer


def client_of(app: Litestar) -> httpx.AsyncClient:
    """Somebody who speaks HTTP to this application."""
    asgi: Any = app  # The two libraries spell ASGI's types differently.
    transport = httpx.ASGITransport(asgi, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


@dataclass
class Door:
    """The application, and what is behind it."""

    app: Litestar
    rooms: Rooms
    links: Links
    db: Database
    committer: Committer
    gateway: GatewayOf
    clock: ManualClock

    def ctx(self, tenant: str = "acme") -> Context:
        return Context(actor="test", tenant=TenantId(tenant), now=self.clock.now())

    async def add_station(self, name: str, tenant: str = "acme") -> StationId:
        new = NewStation(id=StationId(name))
        return (await self.rooms.stations.add(self.ctx(tenant), new)).id

    def connect(self, station: str) -> FakeLink:
        link = FakeLink()
        self.links.put(StationId(station), link)
        return link

    def client(self, key: str | None = None) -> httpx.AsyncClient:
        client = client_of(self.app)
        if key is not None:
            client.headers["Authorization"] = f"Bearer {key}"
        return client


def rooms_on(db: Database, links: Links) -> Rooms:
    stations = Stations(db, links=links, secret_key=SECRET)
    below = Below(
        catalogue=Catalogue(),
        stations=stations,
        access=Access(db),
        sessions=Sessions(db),
        tariffs=Tariffs(db),
    )
    return Rooms(
        tenants=Tenants(db, secret_key=SECRET),
        people=People(db, secret_key=SECRET),
        audit=Audit(db),
        edits=Edits(db),
        repeats=Repeats(db, secret_key=SECRET),
        catalogue=Catalogue(),
        security=Security(db, secret_key=SECRET),
        sites=Sites(db),
        stations=stations,
        devices=Devices(db, stations=stations, links=links, catalogue=Catalogue()),
        orders=Orders(db),
        monitoring=Monitoring(db),
        access=Access(db),
        tariffs=Tariffs(db),
        sessions=Sessions(db),
        energy=Energy(db, stations=stations, monitoring=Monitoring(db)),
        firmware=Firmware(db),
        billing=Billing(db),
        drivers=Drivers(db, below, secret_key=SECRET),
        webhooks=Webhooks(
            db,
            outbound=Outbound(hosts=frozenset({"127.0.0.1"}), only_https=True),
            secret_key=SECRET,
        ),
    )


@pytest.fixture
async def door(database_url: str) -> AsyncGenerator[Door]:
    """The application on an empty database."""
    db, links, clock = Database(database_url, pool_size=4), Links(), ManualClock(NOW)
    rooms = rooms_on(db, links)
    committer, gateway = Committer(db.raw, order=()), GatewayOf(links)
    app = http_app(
        rooms,
        clock=clock,
        db=db,
        gateway=gateway,
        committer=committer,
        tenant=TenantId("acme"),
    )
    for tenant in ("acme", "other"):
        await rooms.tenants.ensure(TenantId(tenant), tenant, NOW)
    yield Door(
        app=app,
        rooms=rooms,
        links=links,
        db=db,
        committer=committer,
        gateway=gateway,
        clock=clock,
    )
    await db.close()


@pytest.fixture
def key_of(door: Door) -> Callable[[str], Awaitable[str]]:
    """Makes a key of a tenant."""

    async def make(tenant: str) -> str:
        made = await door.rooms.tenants.add_key(door.ctx(tenant), "test")
        return made.secret

    return make


@pytest.fixture
async def acme(
    door: Door, key_of: Callable[[str], Awaitable[str]]
) -> AsyncGenerator[httpx.AsyncClient]:
    """A program of the tenant that most tests are about."""
    async with door.client(await key_of("acme")) as client:
        yield client


@pytest.fixture
async def other(
    door: Door, key_of: Callable[[str], Awaitable[str]]
) -> AsyncGenerator[httpx.AsyncClient]:
    """A program of another tenant."""
    async with door.client(await key_of("other")) as client:
        yield client


@pytest.fixture
async def stranger(door: Door) -> AsyncGenerator[httpx.AsyncClient]:
    """Somebody without a key."""
    async with door.client() as client:
        yield client


@pytest.fixture
async def log_in(door: Door) -> AsyncGenerator[LogIn]:
    """Makes a user of a role and logs in as it."""
    opened: list[httpx.AsyncClient] = []

    async def make(role: Role, *, tenant: str = "acme", sites: tuple[str, ...] = ()) -> Any:
        email = f"{role.value}.{len(opened)}@{tenant}.example"
        new = NewUser(email=email, name="N", role=role, password=PASSWORD, sites=sites)
        await door.rooms.people.add(door.ctx(tenant), new)
        client = door.client()
        opened.append(client)
        answer = await client.post("/api/v1/login", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        return client

    yield make
    for client in opened:
        await client.aclose()
