"""The composition root: settings in, a running house out. The only place that knows everyone."""

import asyncio
import json
from collections.abc import (
    AsyncGenerator,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, NoReturn

import structlog

from forecourt.app.hooking import delivering
from forecourt.app.keeping import housekeeping, keep_house, summing_up
from forecourt.app.rooms import DEFAULT_TENANT, postgres_log, rooms_of
from forecourt.app.serving import port_taken, served, tls_of
from forecourt.base.clock import Clock
from forecourt.base.context import Context
from forecourt.base.events import Event
from forecourt.domain import access, devices, monitoring, sessions, stations
from forecourt.domain.devices import Caretaker
from forecourt.domain.energy import NeedsTold
from forecourt.domain.orders import Dispatcher, OrderPlaced
from forecourt.domain.rooms import Rooms
from forecourt.domain.security import (
    AuthorityAdded,
    CertificateRequested,
    CertificateRevoked,
)
from forecourt.domain.stations import (
    CommandAnswered,
    Links,
    Outcome,
    StationAdded,
    StationBooted,
    StationChanged,
    StationConnected,
    StationUnknown,
)
from forecourt.domain.webhooks import Feeder, WebhookAdded, WebhookChanged
from forecourt.edge.http.app import http_app
from forecourt.edge.http.console import Tiles
from forecourt.edge.http.limits import Limits, Rate
from forecourt.edge.http.live import Live
from forecourt.edge.http.settings import Facts, Retention
from forecourt.edge.http.traced import traced
from forecourt.edge.ocpp import (
    Courier,
    Gateway,
    GatewayOptions,
    PortOptions,
    Ports,
    UnknownStations,
)
from forecourt.edge.peers import Proxies
from forecourt.infra import migrate, postgres
from forecourt.infra.commit import Committer
from forecourt.infra.database import EVENTS, Database
from forecourt.infra.listening import authority
from forecourt.infra.otlp import TraceOptions, sent
from forecourt.infra.outbox import Handler, Relay, Told
from forecourt.infra.tls import KeyPair
from forecourt.settings import Settings

WRITES: Final = (
    *stations.WRITES,
    *devices.WRITES,
    *monitoring.WRITES,
    *access.WRITES,
    *sessions.WRITES,
    EVENTS,
)
"""In the order in which they are written: rooms from below."""
PULSE_EVERY_S: Final = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What runs."""

    rooms: Rooms
    db: Database
    committer: Committer
    gateway: Gateway
    relay: Relay
    http_url: str
    ports: Ports
    ocpp_urls: tuple[str, ...]
    """All ports for stations: without TLS, with, with an old one."""

    @property
    def ocpp_url(self) -> str:
        """The first of them."""
        return self.ocpp_urls[0]

    @property
    def ocpp_tls_url(self) -> str | None:
        """Where a port with TLS is beside the one without."""
        beside = self.ocpp_urls[1:] if self.ocpp_url.startswith("ws:") else ()
        return beside[0] if beside else None


def nervous_system(
    gateway: Gateway,
    rooms: Rooms,
    courier: Courier,
    ports: Ports,
    dispatcher: Dispatcher,
    *,
    feeder: Feeder,
) -> Mapping[type[Event], Sequence[Handler]]:
    """Who hears of what: the whole of it."""

    async def door_changed(event: StationAdded | StationChanged) -> None:
        await gateway.station_changed(event.station)

    async def trust_changed(_: AuthorityAdded | CertificateRevoked) -> None:
        await rooms.security.refresh()
        await ports.trust()

    async def revoked(event: CertificateRevoked) -> None:
        gateway.certificate_revoked(event.serial)

    async def wanted(_: CertificateRequested) -> None:
        courier.wake()

    async def arrived(event: StationConnected | StationBooted) -> None:
        courier.wake(event.station)

    async def connected(event: StationConnected) -> None:
        ctx = Context(actor="system:relay", tenant=event.tenant, now=event.at)
        await rooms.devices.connected(ctx, event.station)

    async def needs_told(event: NeedsTold) -> None:
        if event.transaction:
            ctx = Context(actor="system:relay", tenant=event.tenant, now=event.at)
            told = (event.station, event.evse_no, event.transaction)
            gateway.spawn(rooms.energy.offer(ctx, *told))  # Nobody else shall wait for a station.

    async def orders_due(_: OrderPlaced | StationBooted | StationConnected) -> None:
        dispatcher.wake()

    return {
        OrderPlaced: [orders_due],
        CommandAnswered: [_understanding(rooms)],
        NeedsTold: [needs_told],
        StationBooted: [arrived, orders_due],
        CertificateRequested: [wanted],
        StationAdded: [door_changed],
        StationConnected: [arrived, connected, orders_due],
        StationChanged: [door_changed, _forgetting(rooms)],
        AuthorityAdded: [trust_changed],
        CertificateRevoked: [trust_changed, revoked],
        WebhookAdded: [feeder.endpoints_changed],
        WebhookChanged: [feeder.endpoints_changed],
    }


def _forgetting(rooms: Rooms) -> Handler:
    """Rooms forget a station that was removed."""

    async def changed(event: StationChanged) -> None:
        ctx = Context(actor="system:relay", tenant=event.tenant, now=event.at)
        await rooms.devices.forget_removed(ctx, event.station)
        try:
            await rooms.stations.read(ctx, event.station)
        except StationUnknown:
            for room in (rooms.monitoring, rooms.access, rooms.energy):
                await room.forget(ctx, event.station)

    return changed


def _understanding(rooms: Rooms) -> Handler:
    """Rooms hear what came of commands that matter to them."""

    async def answered(event: CommandAnswered) -> None:
        if event.outcome != Outcome.ACCEPTED:
            return
        ctx = Context(actor="system:relay", tenant=event.tenant, now=event.at)
        for room in (rooms.monitoring, rooms.access, rooms.energy):
            found = await rooms.stations.answered(ctx, event.command_id, room.HEARS)
            if found is not None:
                await room.answered(ctx, event.station, *found)

    return answered


@asynccontextmanager
async def open_house(settings: Settings, clock: Clock) -> AsyncGenerator[House]:
    """Build the house, hand it over, and take it down again in reverse."""
    async with AsyncExitStack() as stack:
        db = await _database(stack, settings)
        links = Links()
        rooms = rooms_of(db, links, settings)
        await rooms.tenants.ensure(DEFAULT_TENANT, "Default", clock.now())
        await keep_house(db, settings, clock)
        feeder, sender = await stack.enter_async_context(delivering(db, rooms, settings, clock))
        tracing = await stack.enter_async_context(sent(_trace_options(settings)))
        tasks = await stack.enter_async_context(_tasks())
        committer = Committer(db.raw, order=WRITES, tracing=tracing)
        gateway = Gateway(
            rooms,
            links=links,
            committer=committer,
            clock=clock,
            tasks=tasks,
            options=_gateway_options(settings),
            tracing=tracing,
        )
        courier = Courier(rooms, clock, here=links.here)
        dispatcher = Dispatcher(db, rooms.stations, clock, gateway=settings.gateway_name)
        tls, options = tls_of(settings), _port_options(settings)
        ports = Ports(gateway, rooms.security, options, now=clock.now, beside=tls)
        live = Live(db)
        hearing = nervous_system(gateway, rooms, courier, ports, dispatcher, feeder=feeder)
        taps = [live.heard, feeder.heard]
        relay = Relay(db, name=settings.gateway_name, handlers=hearing, taps=taps)
        stack.callback(relay.close)
        committer.after(EVENTS, relay.wake)
        caretaker = Caretaker(db, rooms.devices, clock, busy=lambda: committer.busy)
        committer.after(devices.DUE, caretaker.wake)
        for opened in (relay, dispatcher, feeder, sender):
            await opened.open()
        for worker in (committer, relay, courier, caretaker, feeder, sender):
            tasks.create_task(worker.run())
        tasks.create_task(housekeeping(db, rooms.sessions, settings, clock))
        tasks.create_task(summing_up(rooms.sessions.power, clock))
        await gateway.open()
        tasks.create_task(dispatcher.run())
        await rooms.security.refresh()
        stack.push_async_callback(_stop, gateway, settings.stop_timeout_s)
        stack.callback(ports.close)
        ocpp_urls = await ports.open(port_taken)
        tasks.create_task(ports.keep())
        tasks.create_task(_pulse(gateway, live, clock))
        door = partial(http_app, rooms, clock=clock, db=db, gateway=gateway, committer=committer)
        app = door(
            live=live,
            facts=_facts(settings, ocpp_urls),
            tiles=_tiles(settings),
            limits=_limits(settings),
            proxies=Proxies(settings.trusted_proxies),
        )
        with port_taken(settings.http_port):
            serving = served(traced(app, tracing), settings, tls=tls, failed=gateway.tls_failed)
            http_port = await stack.enter_async_context(serving)
        stack.callback(live.end)
        scheme = "https" if settings.tls_cert else "http"
        yield House(
            rooms=rooms,
            db=db,
            committer=committer,
            gateway=gateway,
            relay=relay,
            http_url=f"{scheme}://{authority(settings.host, http_port)}",
            ports=ports,
            ocpp_urls=ocpp_urls,
        )


async def _database(stack: AsyncExitStack, settings: Settings) -> Database:
    """The database, at the newest step and answering; closed with the house."""
    if settings.database_url is None:
        running = postgres.running(settings.data_dir, log=postgres_log)
        url = (await stack.enter_async_context(running)).url
    else:
        url = settings.database_url.get_secret_value()
    await migrate.upgrade(url)
    db = Database(
        url,
        pool_size=settings.database_pool_size,
        idle_s=settings.database_idle_in_transaction_s,
    )
    stack.push_async_callback(db.close)
    await db.ping()
    return db


def _trace_options(settings: Settings) -> TraceOptions:
    return TraceOptions(
        endpoint=settings.otlp_endpoint,
        headers=settings.otlp_headers.get_secret_value(),
        ratio=settings.trace_sample_ratio,
        instance=settings.gateway_name,
    )


def _facts(settings: Settings, ocpp_urls: Sequence[str]) -> Facts:
    return Facts(
        ocpp_urls=ocpp_urls,
        security_profile_min=settings.security_profile_min,
        retention=Retention(
            messages_days=settings.keep_messages_days,
            events_days=settings.keep_events_days,
            meter_values_days=settings.keep_meter_values_days,
            customer_information_days=settings.keep_customer_information_days,
        ),
    )


def _tiles(settings: Settings) -> Tiles | None:
    if not settings.map_tiles_url:
        return None
    return Tiles(url=settings.map_tiles_url, credit=settings.map_tiles_credit)


def _port_options(settings: Settings) -> PortOptions:
    files = (
        (settings.tls_cert, settings.tls_key),
        (settings.tls_second_cert, settings.tls_second_key),
    )
    return PortOptions(
        host=settings.host,
        port=settings.ocpp_port,
        tls_port=settings.ocpp_tls_port,
        old_tls_port=settings.ocpp_old_tls_port,
        old_tls_floor=settings.ocpp_old_tls_floor,
        pairs=tuple(KeyPair(cert, key) for cert, key in files if cert is not None),
        client_ca=settings.tls_client_ca,
        client_crl=settings.tls_client_crl,
        hosts=settings.tls_hosts,
        folder=settings.data_dir / "tls",
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
        security_profile_min=settings.security_profile_min,
        owner=settings.operator_name,
        proxies=Proxies(settings.trusted_proxies),
        compression=settings.websocket_compression,
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        callers=Rate(settings.requests_per_s, settings.requests_burst),
        strangers=Rate(settings.stranger_requests_per_s, settings.stranger_requests_burst),
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


async def _stop(gateway: Gateway, timeout_s: float) -> None:
    """No new stations; what is in hand is answered; sockets are closed a few at a time."""
    try:
        async with asyncio.timeout(timeout_s):
            await gateway.stop()
    except TimeoutError:
        log.warning("serve.stop_hurried", after_s=timeout_s)


async def _pulse(gateway: Gateway, live: Live, clock: Clock) -> None:
    """Tell those who listen how far each running session is; kept nowhere, so only if any do."""
    while True:
        await asyncio.sleep(PULSE_EVERY_S)
        if len(live):
            now = clock.now()
            for tenant, station, progress in gateway.progress():
                body = json.dumps(progress)
                live.heard(Told("", tenant, "session.progress", station, now, body))
