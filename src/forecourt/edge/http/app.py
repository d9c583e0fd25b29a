"""The HTTP application: the rooms' routes behind the API key, and a few pages before it."""

from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from litestar import Litestar, Response, Router
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from forecourt.base.clock import Clock
from forecourt.base.ids import TenantId
from forecourt.domain.access.api import ReservationRoutes, StationAccessRoutes, TokenRoutes
from forecourt.domain.billing.api import BillingRoutes
from forecourt.domain.catalogue.api import QuirkProfileRoutes
from forecourt.domain.devices.api import DeviceRoutes, DriftRoutes, TemplateRoutes
from forecourt.domain.drivers.api import CodeRoutes, DriverPageRoutes
from forecourt.domain.energy.api import EnergyRoutes
from forecourt.domain.firmware.api import JobRoutes
from forecourt.domain.monitoring.api import AlarmRoutes, MonitoringRoutes
from forecourt.domain.orders.api import OrderRoutes
from forecourt.domain.rooms import Rooms
from forecourt.domain.security.api import CertificateRoutes, PkiRoutes
from forecourt.domain.sessions.api import CommandRoutes, ConnectorRoutes, PowerRoutes, SessionRoutes
from forecourt.domain.sites.api import SiteRoutes
from forecourt.domain.stations.api import StationQuirkRoutes, StationRoutes
from forecourt.domain.tariffs.api import TariffRoutes
from forecourt.domain.tenants.api import (
    AuditRoutes,
    KeyRoutes,
    ProviderRoutes,
    RoleRoutes,
    TenantRoutes,
    UserRoutes,
)
from forecourt.domain.webhooks.api import DeliveryRoutes, EventTypeRoutes, WebhookRoutes
from forecourt.edge.http.account import MeRoutes, home_of
from forecourt.edge.http.asgi import BODY_BYTES_MAX
from forecourt.edge.http.auth import (
    Browsers,
    Gate,
    Keys,
    Places,
    caller_of,
    clean_address,
    context_of,
    guard,
)
from forecourt.edge.http.console import BUILT, Console, ConsoleRoutes, Tiles, pages
from forecourt.edge.http.deeds import remembered
from forecourt.edge.http.document import config
from forecourt.edge.http.doorstep import doorstep
from forecourt.edge.http.driver import DriverDesk, DriverRoutes
from forecourt.edge.http.editing import edited
from forecourt.edge.http.errors import HANDLERS, HARDENED
from forecourt.edge.http.export import exported
from forecourt.edge.http.factors import FactorRoutes, LinkRoutes
from forecourt.edge.http.limits import Limits, for_strangers, tell
from forecourt.edge.http.lists import paged, searched
from forecourt.edge.http.live import Live, LiveRoutes
from forecourt.edge.http.login import Desk, LoginRoutes
from forecourt.edge.http.overview import OverviewRoutes
from forecourt.edge.http.page import PageRoutes
from forecourt.edge.http.places import PlaceRoutes
from forecourt.edge.http.repeats import once
from forecourt.edge.http.settings import Facts, SettingsRoutes
from forecourt.edge.http.sso import SsoRoutes
from forecourt.edge.http.vitals import Gateway, Vitals, VitalsRoutes
from forecourt.edge.http.watch import WatchRoutes
from forecourt.edge.peers import Proxies
from forecourt.infra.commit import Committer
from forecourt.infra.database import Database

ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    StationRoutes,
    StationQuirkRoutes,
    SiteRoutes,
    QuirkProfileRoutes,
    DeviceRoutes,
    DriftRoutes,
    TemplateRoutes,
    CommandRoutes,
    OrderRoutes,
    SessionRoutes,
    TokenRoutes,
    StationAccessRoutes,
    CodeRoutes,
    DriverPageRoutes,
    MonitoringRoutes,
    AlarmRoutes,
    ConnectorRoutes,
    PowerRoutes,
    ReservationRoutes,
    EnergyRoutes,
    TariffRoutes,
    BillingRoutes,
    JobRoutes,
    OverviewRoutes,
    SettingsRoutes,
    PlaceRoutes,
    LiveRoutes,
    WatchRoutes,
    MeRoutes,
    FactorRoutes,
    UserRoutes,
    LinkRoutes,
    RoleRoutes,
    KeyRoutes,
    AuditRoutes,
    TenantRoutes,
    ProviderRoutes,
    CertificateRoutes,
    WebhookRoutes,
    DeliveryRoutes,
    EventTypeRoutes,
)
FACTS: Final = Facts()
FOR_ANYBODY: Final = (LoginRoutes, SsoRoutes, DriverRoutes, PageRoutes, PkiRoutes)
DEFAULT_TENANT: Final = TenantId("default")


def http_app(
    rooms: Rooms,
    *,
    clock: Clock,
    db: Database,
    gateway: Gateway,
    committer: Committer,
    live: Live | None = None,
    tenant: TenantId = DEFAULT_TENANT,
    console_folder: Path = BUILT,
    facts: Facts = FACTS,
    limits: Limits | None = None,
    proxies: Proxies | None = None,
    tiles: Tiles | None = None,
) -> Litestar:
    """An ASGI application. ``tenant`` is the one that the first owner belongs to.

    ``live`` is what the relay tells of events; without it those who listen hear what they missed.
    ``limits``: how often somebody may ask; ``proxies``: whose word on where they come from counts.
    """
    keys, browsers = Keys(rooms.tenants, clock), Browsers(rooms.people, clock)
    limits = limits or Limits()
    places = Places(rooms.tenants)
    gate = Gate(keys, browsers, places, clock, limits)
    desk = Desk(rooms.people, browsers, places, clock, tenant=tenant)
    vitals = Vitals(rooms, clock=clock, db=db, gateway=gateway, committer=committer)
    console = Console(console_folder, tiles)
    live = Live(db) if live is None else live
    api = Router(
        "/api/v1",
        route_handlers=ROUTES,
        guards=[clean_address, guard(gate)],
        middleware=_around(gate, rooms),
        security=[{"apiKey": []}],
        dependencies={
            "ctx": Provide(context_of, sync_to_thread=False),
            "caller": Provide(caller_of, sync_to_thread=False),
            "home": Provide(home_of, sync_to_thread=False),
            "paging": Provide(paged, sync_to_thread=False),
            "search": Provide(searched, sync_to_thread=False),
        },
    )
    public = Router("/", route_handlers=FOR_ANYBODY, guards=[for_strangers(limits)])
    app = Litestar(
        [api, public, ConsoleRoutes, VitalsRoutes],
        dependencies={
            **_behind(rooms),
            "now": Provide(clock.now, sync_to_thread=False),
            "keys": _given(keys),
            "console": _given(console),
            "desk": _given(desk),
            "live": _given(live),
            "driver_desk": _given(DriverDesk(rooms.drivers, live, clock)),
            "watch": _given(gateway.watch),
            "vitals": _given(vitals),
            "facts": _given(facts),
        },
        exception_handlers={**HANDLERS, **pages(console)},
        after_request=_hardened,
        before_send=[tell],
        request_max_body_size=BODY_BYTES_MAX,
        openapi_config=config(),
        logging_config=None,
    )
    # Around the routing, too: what no route has comes through the same door.
    app.asgi_handler = doorstep(app.asgi_handler, proxies or Proxies())
    return app


def _around(gate: Gate, rooms: Rooms) -> list[Any]:
    """From outside: a repeat is neither an edit nor a deed; what is refused is no deed."""
    return [
        once(gate, rooms.repeats),
        edited(gate, rooms.edits),
        exported,
        remembered(rooms.audit),
    ]


def _behind(rooms: Rooms) -> dict[str, Provide]:
    """Every room by its name, for the routes."""
    return {field.name: _given(getattr(rooms, field.name)) for field in fields(rooms)}


def _given(thing: object) -> Provide:
    """A room or a tool, for the routes that name it."""
    return Provide(lambda: thing, sync_to_thread=False)


async def _hardened(response: Response[Any]) -> Response[Any]:
    for name, value in HARDENED.items():
        response.headers.setdefault(name, value)
    return response
