"""Puts the rooms together on their database, without any door: all that a command needs."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import structlog

from forecourt.app.hooking import outbound_of
from forecourt.base.clock import Clock
from forecourt.base.ids import TenantId
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
from forecourt.domain.security import (
    Authority,
    ContractProvider,
    EstAuthority,
    Security,
    SecurityOptions,
    Use,
)
from forecourt.domain.sessions import Sessions
from forecourt.domain.sites import Sites
from forecourt.domain.stations import Links, Stations, Vouching
from forecourt.domain.tariffs import Tariffs
from forecourt.domain.tenants import Audit, Edits, People, Repeats, Tenants
from forecourt.domain.webhooks import Webhooks
from forecourt.infra import migrate, postgres
from forecourt.infra.database import Database
from forecourt.infra.outbound import Outbound
from forecourt.settings import Settings, secret_key

DEFAULT_TENANT: Final = TenantId("default")
# What the embedded server's keeper says when somebody should look.
ALARMING: Final = ("is gone", "does not start")

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_rooms(
    settings: Settings, clock: Clock, *, only_reads: bool = False
) -> AsyncGenerator[tuple[Rooms, Database]]:
    """The rooms on their database, without any door: for commands.

    ``only_reads``: nothing can be changed by them.

    Uses the PostgreSQL of a server that runs in the same data folder, or starts one meanwhile.
    """
    async with AsyncExitStack() as stack:
        if settings.database_url is None:
            url = await stack.enter_async_context(postgres.at(settings.data_dir, log=postgres_log))
        else:
            url = settings.database_url.get_secret_value()
        await migrate.upgrade(url)
        db = Database(url, pool_size=2, only_reads=only_reads)
        stack.push_async_callback(db.close)
        rooms = rooms_of(db, Links(), settings)
        if not only_reads:
            await rooms.tenants.ensure(DEFAULT_TENANT, "Default", clock.now())
        yield rooms, db


def rooms_of(db: Database, links: Links, settings: Settings) -> Rooms:
    """All rooms on a database, as the settings have them."""
    key = secret_key(settings.data_dir)
    catalogue = Catalogue(quirks_file=settings.quirks_file)
    security = _security(db, key, settings)
    standing = Stations(
        db,
        links=links,
        secret_key=key,
        vouching=Vouching(security=security, own_server=settings.tls_cert is None),
    )
    noticing = Monitoring(db, vendors=settings.data_transfer_vendors)
    below = Below(
        catalogue=catalogue,
        stations=standing,
        access=Access(db),
        sessions=Sessions(db),
        tariffs=Tariffs(db),
    )
    return Rooms(
        tenants=Tenants(db, secret_key=key),
        people=People(
            db,
            secret_key=key,
            public_url=settings.public_url,
            outbound=Outbound(hosts=frozenset(settings.outbound_hosts)),
        ),
        audit=Audit(db),
        edits=Edits(db),
        repeats=Repeats(db, secret_key=key),
        catalogue=catalogue,
        security=security,
        sites=Sites(db),
        stations=standing,
        devices=Devices(
            db,
            stations=standing,
            links=links,
            catalogue=catalogue,
            fetches=settings.fetch_device_models,
            after_boot=timedelta(seconds=settings.upkeep_after_boot_s),
        ),
        orders=Orders(db),
        monitoring=noticing,
        access=below.access,
        tariffs=below.tariffs,
        sessions=below.sessions,
        energy=Energy(db, stations=standing, monitoring=noticing),
        firmware=Firmware(db),
        billing=Billing(db),
        drivers=Drivers(db, below, secret_key=key),
        webhooks=Webhooks(db, outbound=outbound_of(settings), secret_key=key),
    )


def _security(db: Database, key: bytes, settings: Settings) -> Security:
    est, provider = settings.pki_est_url, settings.pki_contract_url
    chosen = {host for url in (est, provider) if (host := urlsplit(url).hostname)}
    outbound = Outbound(hosts=frozenset({*settings.outbound_hosts, *chosen}))
    outside: dict[Use, Authority] = {}
    if est:
        credentials = settings.pki_est_credentials.get_secret_value()
        outside[Use.STATION] = EstAuthority(outbound, est, credentials=credentials)
    return Security(
        db,
        secret_key=key,
        options=SecurityOptions(
            organization=settings.pki_organization,
            demanded=settings.pki_organization if settings.pki_demand_organization else None,
            url=settings.pki_url,
            server_days=settings.pki_server_days,
            station_days=settings.pki_station_days,
            v2g_days=settings.pki_v2g_days,
        ),
        outbound=outbound,
        outside=outside,
        provider=ContractProvider(
            outbound, provider, token=settings.pki_contract_token.get_secret_value()
        ),
    )


def postgres_log(line: str) -> None:
    """What the PostgreSQL inside says, in our log."""
    tell = log.warning if any(words in line for words in ALARMING) else log.info
    tell("postgres", line=line)
