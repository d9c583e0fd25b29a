"""The composition root: settings in, a running house out. The only place that knows everyone."""

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final, NoReturn

import structlog
import uvicorn

from forecourt.base.clock import Clock
from forecourt.base.context import Context
from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.events import Event
from forecourt.base.ids import TenantId
from forecourt.domain import devices, monitoring, sessions, stations
from forecourt.domain.access import Access
from forecourt.domain.catalogue import Catalogue
from forecourt.domain.devices import Caretaker, Devices
from forecourt.domain.firmware import Firmware
from forecourt.domain.monitoring import Monitoring
from forecourt.domain.orders import Dispatcher, OrderPlaced, Orders
from forecourt.domain.rooms import Rooms
from forecourt.domain.security import (
    AuthorityAdded,
    CertificateRevoked,
    Security,
    SecurityOptions,
)
from forecourt.domain.sessions import Sessions
from forecourt.domain.stations import (
    Links,
    StationAdded,
    StationBooted,
    StationChanged,
    StationConnected,
    Stations,
)
from forecourt.domain.tenants import Tenants
from forecourt.edge.http.app import http_app
from forecourt.edge.ocpp import Gateway, GatewayOptions, UnknownStations, listen
from forecourt.infra import migrate, partitions, postgres
from forecourt.infra.commit import AWAY, Committer
from forecourt.infra.database import EVENTS, Database
from forecourt.infra.outbox import Handler, Relay
from forecourt.infra.partitions import Partitioned
from forecourt.settings import Settings, secret_key

DEFAULT_TENANT: Final = TenantId("default")
HOUSEKEEPING_EVERY_S: Final = 3_600.0
HOUSEKEEPING_RETRY_S: Final = 30.0
PARTITIONS_AHEAD: Final = timedelta(days=7)
HTTP_BACKLOG: Final = 1_024

Asgi = Callable[..., Awaitable[None]]

log = structlog.get_logger(__name__)


class PortTaken(ForecourtError):
    """Somebody else listens where we were to."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "serve.port_taken"


class TlsBroken(ForecourtError):
    """The certificate or its key cannot be used."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "serve.tls_broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What runs."""

    rooms: Rooms
    db: Database
    committer: Committer
    gateway: Gateway
    relay: Relay
    ocpp_url: str
    http_url: str


def nervous_system(
    gateway: Gateway, security: Security, devices: Devices, dispatcher: Dispatcher
) -> Mapping[type[Event], Sequence[Handler]]:
    """Who hears of what: the whole of it."""

    async def door_changed(event: StationAdded | StationChanged) -> None:
        await gateway.station_changed(event.station)

    async def trust_changed(_: AuthorityAdded | CertificateRevoked) -> None:
        await security.refresh()

    async def removed(event: StationChanged) -> None:
        ctx = Context(actor="system:relay", tenant=event.tenant, now=event.at)
        await devices.forget_removed(ctx, event.station)

    async def connected(event: StationConnected) -> None:
        ctx = Context(actor="system:relay", tenant=event.tenant, now=event.at)
        await devices.connected(ctx, event.station)

    async def orders_due(_: OrderPlaced | StationBooted | StationConnected) -> None:
        dispatcher.wake()

    return {
        OrderPlaced: [orders_due],
        StationBooted: [orders_due],
        StationAdded: [door_changed],
        StationConnected: [connected, orders_due],
        StationChanged: [door_changed, removed],
        AuthorityAdded: [trust_changed],
        CertificateRevoked: [trust_changed],
    }


def partitioned(settings: Settings) -> list[Partitioned]:
    """The tables that time cuts, and how long each is kept."""
    return [
        Partitioned(
            table="meter_values",
            column="sampled_at",
            received_column="received_at",
            interval="month",
            keep_days=settings.keep_meter_values_days,
        ),
        Partitioned(
            table="session_events",
            column="at",
            received_column="received_at",
            interval="month",
            keep_days=settings.keep_meter_values_days,
        ),
        Partitioned(
            table="variable_events",
            column="at",
            received_column="received_at",
            interval="month",
            keep_days=settings.keep_meter_values_days,
        ),
        Partitioned(
            table="stream_values",
            column="at",
            received_column="received_at",
            interval="day",
            keep_days=settings.keep_messages_days,
        ),
        Partitioned(
            table="customer_pages",
            column="generated_at",
            received_column="received_at",
            interval="day",
            keep_days=settings.keep_customer_information_days,
        ),
        Partitioned(
            table="messages",
            column="at",
            received_column="at",
            interval="day",
            keep_days=settings.keep_messages_days,
        ),
        Partitioned(
            table="events",
            column="at",
            received_column="at",
            interval="month",
            keep_days=settings.keep_events_days,
        ),
    ]


@asynccontextmanager
async def open_rooms(settings: Settings, clock: Clock) -> AsyncGenerator[tuple[Rooms, Database]]:
    """The rooms on their database, without any door: for commands.

    Uses the PostgreSQL of a server that runs in the same data folder, or starts one meanwhile.
    """
    async with AsyncExitStack() as stack:
        if settings.database_url is None:
            url = await stack.enter_async_context(postgres.at(settings.data_dir, log=_postgres_log))
        else:
            url = settings.database_url.get_secret_value()
        await migrate.upgrade(url)
        db = Database(url, pool_size=2)
        stack.push_async_callback(db.close)
        rooms = _rooms(db, Links(), settings)
        await rooms.tenants.ensure(DEFAULT_TENANT, "Default", clock.now())
        yield rooms, db


@asynccontextmanager
async def open_house(settings: Settings, clock: Clock) -> AsyncGenerator[House]:
    """Build the house, hand it over, and take it down again in reverse."""
    async with AsyncExitStack() as stack:
        if settings.database_url is None:
            embedded = await stack.enter_async_context(
                postgres.running(settings.data_dir, log=_postgres_log)
            )
            url = embedded.url
        else:
            url = settings.database_url.get_secret_value()
        await migrate.upgrade(url)
        db = Database(url, pool_size=settings.database_pool_size)
        stack.push_async_callback(db.close)
        await db.ping()
        links = Links()
        rooms = _rooms(db, links, settings)
        await rooms.tenants.ensure(DEFAULT_TENANT, "Default", clock.now())
        await _keep_house(db, settings, clock)
        tasks = await stack.enter_async_context(_tasks())
        committer = Committer(
            db.raw,
            order=(
                *stations.WRITES,
                *devices.WRITES,
                *monitoring.WRITES,
                *sessions.WRITES,
                EVENTS,
            ),
        )
        gateway = Gateway(
            rooms,
            links=links,
            committer=committer,
            clock=clock,
            tasks=tasks,
            options=_gateway_options(settings),
        )
        dispatcher = Dispatcher(db, rooms.stations, clock, gateway=settings.gateway_name)
        relay = Relay(
            db,
            name=settings.gateway_name,
            handlers=nervous_system(gateway, rooms.security, rooms.devices, dispatcher),
        )
        committer.after(EVENTS, relay.wake)
        caretaker = Caretaker(db, rooms.devices, clock)
        committer.after(devices.DUE, caretaker.wake)
        await relay.open()
        tasks.create_task(committer.run())
        tasks.create_task(relay.run())
        tasks.create_task(caretaker.run())
        tasks.create_task(_housekeeping(db, settings, clock))
        await dispatcher.open()
        await gateway.open()
        tasks.create_task(dispatcher.run())
        await rooms.security.refresh()
        tls = _tls(settings)
        with _port_taken(settings.ocpp_port):
            server = await listen(gateway, host=settings.host, port=settings.ocpp_port, tls=tls)
        stack.push_async_callback(_stop, gateway, server, settings.stop_timeout_s)
        ocpp_port = server.sockets[0].getsockname()[1]
        app = http_app(rooms, clock=clock, db=db, gateway=gateway, committer=committer)
        with _port_taken(settings.http_port):
            http_port = await stack.enter_async_context(_http(app, settings))
        ws, http = ("wss", "https") if tls else ("ws", "http")
        yield House(
            rooms=rooms,
            db=db,
            committer=committer,
            gateway=gateway,
            relay=relay,
            ocpp_url=f"{ws}://{settings.host}:{ocpp_port}",
            http_url=f"{http}://{settings.host}:{http_port}",
        )


def _rooms(db: Database, links: Links, settings: Settings) -> Rooms:
    key = secret_key(settings.data_dir)
    standing = Stations(db, links=links, secret_key=key)
    return Rooms(
        tenants=Tenants(db, secret_key=key),
        catalogue=Catalogue(quirks_file=settings.quirks_file),
        security=Security(db, secret_key=key, options=_security_options(settings)),
        stations=standing,
        devices=Devices(
            db,
            stations=standing,
            links=links,
            fetches=settings.fetch_device_models,
            after_boot=timedelta(seconds=settings.upkeep_after_boot_s),
        ),
        orders=Orders(db),
        monitoring=Monitoring(db, vendors=settings.data_transfer_vendors),
        access=Access(db),
        sessions=Sessions(db),
        firmware=Firmware(db),
    )


def _security_options(settings: Settings) -> SecurityOptions:
    return SecurityOptions(
        organization=settings.pki_organization,
        url=settings.pki_url,
        server_days=settings.pki_server_days,
        station_days=settings.pki_station_days,
        v2g_days=settings.pki_v2g_days,
    )


def _gateway_options(settings: Settings) -> GatewayOptions:
    return GatewayOptions(
        name=settings.gateway_name,
        tenant=DEFAULT_TENANT,
        unknown_stations=UnknownStations(settings.unknown_stations),
        assume_16=settings.assume_ocpp16,
        heartbeat_s=settings.heartbeat_s,
        messages_per_second=settings.station_messages_per_s,
        messages_burst=settings.station_messages_burst,
        frame_bytes_max=settings.frame_bytes_max,
    )


class _Over(Exception):
    """Ends the group of the house's tasks: raised inside, it cancels all of them."""


def _end() -> NoReturn:
    raise _Over


@asynccontextmanager
async def _tasks() -> AsyncGenerator[asyncio.TaskGroup]:
    """Tasks that end with the house; one that fails takes the house down with it."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
            _end()
    except* _Over:
        pass


async def _stop(gateway: Gateway, server: asyncio.Server, timeout_s: float) -> None:
    """No new stations; what is in hand is answered; sockets are closed a few at a time."""
    server.close()
    try:
        async with asyncio.timeout(timeout_s):
            await gateway.stop()
    except TimeoutError:
        log.warning("serve.stop_hurried", after_s=timeout_s)


async def _keep_house(db: Database, settings: Settings, clock: Clock) -> None:
    """Make the partitions of the days to come, drop those of days long gone."""
    conn = await db.raw()
    try:
        tables = partitioned(settings)
        await partitions.ensure(conn, tables, clock.now(), PARTITIONS_AHEAD)
        await partitions.retire(conn, tables, clock.now())
    finally:
        await conn.close()


async def _housekeeping(db: Database, settings: Settings, clock: Clock) -> None:
    delay_s = HOUSEKEEPING_EVERY_S
    while True:
        await asyncio.sleep(delay_s)
        try:
            await _keep_house(db, settings, clock)
            delay_s = HOUSEKEEPING_EVERY_S
        except AWAY as error:
            log.warning("housekeeping.later", error=str(error))
            delay_s = HOUSEKEEPING_RETRY_S


@asynccontextmanager
async def _http(app: Asgi, settings: Settings) -> AsyncGenerator[int]:
    """The HTTP server, in this event loop; yields its port."""
    listening = socket.create_server(
        (settings.host, settings.http_port), backlog=HTTP_BACKLOG, reuse_port=False
    )
    server = _HttpServer(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="on",
            server_header=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=int(settings.stop_timeout_s),
            ssl_certfile=settings.tls_cert,
            ssl_keyfile=settings.tls_key,
        )
    )
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve(sockets=[listening]))
        await server.up.wait()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            # Also when the house falls: cancelled half-way, it would never close its sockets.
            await asyncio.wait({serving})


class _HttpServer(uvicorn.Server):
    """Signals are the command's business, not the server's."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise TlsBroken(
            f"cannot use the certificate {settings.tls_cert}: {error}; both --tls-cert and"
            " --tls-key must name PEM files that belong together"
        ) from error
    return context


@contextmanager
def _port_taken(port: int) -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortTaken(
            f"port {port} is taken; stop what listens there, or choose another"
        ) from error


# What the embedded server's keeper says when somebody should look.
ALARMING: Final = ("is gone", "does not start")


def _postgres_log(line: str) -> None:
    tell = log.warning if any(words in line for words in ALARMING) else log.info
    tell("postgres", line=line)
