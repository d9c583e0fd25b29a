"""The HTTP application: the rooms' routes behind the API key, and a few pages before it."""

from copy import copy
from dataclasses import fields
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from litestar import Litestar, Response, Router
from litestar.di import Provide
from litestar.exceptions import NotFoundException
from litestar.types import ControllerRouterHandler, Scope

from forecourt.base.clock import Clock
from forecourt.base.ids import TenantId
from forecourt.domain.access.api import ReservationRoutes, StationAccessRoutes, TokenRoutes
from forecourt.domain.billing.api import BillingRoutes, VatRoutes
from forecourt.domain.catalogue.api import ConnectorTypeRoutes, QuirkProfileRoutes
from forecourt.domain.devices.api import DeviceRoutes, DriftRoutes, TemplateRoutes
from forecourt.domain.drivers.api import CodeRoutes, DriverPageRoutes
from forecourt.domain.energy.api import EnergyRoutes
from forecourt.domain.firmware.api import JobRoutes
from forecourt.domain.monitoring.api import AlarmRoutes, MonitoringRoutes
from forecourt.domain.orders.api import OrderRoutes
from forecourt.domain.rooms import Rooms
from forecourt.domain.security.api import CertificateRoutes, PkiRoutes
from forecourt.domain.sessions.api import (
    CommandRoutes,
    ConnectorRoutes,
    PowerRoutes,
    SessionRoutes,
    UnmatchedStopRoutes,
)
from forecourt.domain.sites.api import SiteRoutes
from forecourt.domain.stations.api import StationImportRoutes, StationQuirkRoutes, StationRoutes
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
from forecourt.edge.http.allow import allowing, heading, methods_of
from forecourt.edge.http.asgi import BODY_BYTES_MAX
from forecourt.edge.http.auth import (
    Browsers,
    Gate,
    Keys,
    Places,
    caller_of,
    context_of,
    guard,
)
from forecourt.edge.http.behind import Behind, behind, carrying, counted, given, guarded, layer
from forecourt.edge.http.console import BUILT, Console, ConsoleRoutes, Tiles, on_not_found
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
from forecourt.edge.http.live import EventRoutes, Live, LiveRoutes
from forecourt.edge.http.login import Desk, LoginRoutes
from forecourt.edge.http.overview import OverviewRoutes
from forecourt.edge.http.page import PageRoutes
from forecourt.edge.http.places import PlaceRoutes
from forecourt.edge.http.repeats import once
from forecourt.edge.http.settings import Facts, SettingsRoutes
from forecourt.edge.http.sso import SsoRoutes
from forecourt.edge.http.swift import one_by_one
from forecourt.edge.http.vitals import Gateway, Vitals, VitalsRoutes
from forecourt.edge.http.watch import WatchRoutes
from forecourt.edge.peers import Proxies
from forecourt.infra.commit import Committer
from forecourt.infra.database import Database

ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    StationRoutes,
    StationImportRoutes,
    StationQuirkRoutes,
    SiteRoutes,
    QuirkProfileRoutes,
    ConnectorTypeRoutes,
    DeviceRoutes,
    DriftRoutes,
    TemplateRoutes,
    CommandRoutes,
    OrderRoutes,
    SessionRoutes,
    UnmatchedStopRoutes,
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
    VatRoutes,
    JobRoutes,
    OverviewRoutes,
    SettingsRoutes,
    PlaceRoutes,
    LiveRoutes,
    EventRoutes,
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
# What routes ask for that is no room.
TOOLS: Final = ("keys", "console", "desk", "live", "driver_desk", "watch", "vitals", "facts")
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
    live = Live(db) if live is None else live
    carried = Behind(
        given={
            **{field.name: getattr(rooms, field.name) for field in fields(rooms)},
            "clock": clock,
            "keys": keys,
            "console": Console(console_folder, tiles),
            "desk": Desk(rooms.people, browsers, places, clock, tenant=tenant),
            "live": live,
            "driver_desk": DriverDesk(rooms.drivers, live, clock),
            "watch": gateway.watch,
            "vitals": Vitals(rooms, clock=clock, db=db, gateway=gateway, committer=committer),
            "facts": facts,
        },
        guard=guard(gate),
        strangers=for_strangers(limits),
        layers={
            "once": once(gate, rooms.repeats),
            "edited": edited(gate, rooms.edits),
            "remembered": remembered(rooms.audit),
        },
    )
    app = copy(_routed())
    # Around the routing, too: what no route has comes through the same door.
    carried_in = heading(carrying(app.asgi_handler, carried))
    app.asgi_handler = doorstep(carried_in, proxies or Proxies())
    return app


@cache
def _routed() -> Litestar:
    """The routes, of any house."""
    api = Router(
        "/api/v1",
        route_handlers=ROUTES,
        guards=[guarded],
        # From outside: a repeat is neither an edit nor a deed; what is refused is no deed.
        middleware=[layer("once"), layer("edited"), exported, layer("remembered")],
        security=[{"apiKey": []}],
        dependencies={
            "ctx": Provide(context_of, sync_to_thread=False),
            "caller": Provide(caller_of, sync_to_thread=False),
            "home": Provide(home_of, sync_to_thread=False),
            "paging": Provide(paged, sync_to_thread=False),
            "search": Provide(searched, sync_to_thread=False),
        },
    )
    public = Router("/", route_handlers=FOR_ANYBODY, guards=[counted])
    app = Litestar(
        [api, public, ConsoleRoutes, VitalsRoutes],
        dependencies={
            **{name: given(name) for name in (*(field.name for field in fields(Rooms)), *TOOLS)},
            "now": Provide(_now, sync_to_thread=False),
        },
        exception_handlers={**HANDLERS, NotFoundException: on_not_found},
        after_request=_hardened,
        before_send=[tell],
        request_max_body_size=BODY_BYTES_MAX,
        openapi_config=config(),
        logging_config=None,
    )
    one_by_one(app)
    app.before_send.append(allowing(methods_of(app.routes)))
    return app


def _now(scope: Scope) -> datetime:
    clock: Clock = behind(scope).given["clock"]
    return clock.now()


async def _hardened(response: Response[Any]) -> Response[Any]:
    for name, value in HARDENED.items():
        response.headers.setdefault(name, value)
    return response
