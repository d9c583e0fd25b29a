"""All rooms, side by side, for the edge to call."""

from dataclasses import dataclass

from forecourt.domain.access import Access
from forecourt.domain.billing import Billing
from forecourt.domain.catalogue import Catalogue
from forecourt.domain.devices import Devices
from forecourt.domain.drivers import Drivers
from forecourt.domain.energy import Energy
from forecourt.domain.firmware import Firmware
from forecourt.domain.monitoring import Monitoring
from forecourt.domain.orders import Orders
from forecourt.domain.security import Security
from forecourt.domain.sessions import Sessions
from forecourt.domain.sites import Sites
from forecourt.domain.stations import Stations
from forecourt.domain.tariffs import Tariffs
from forecourt.domain.tenants import Audit, Edits, People, Repeats, Tenants
from forecourt.domain.webhooks import Webhooks


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """The domain, assembled."""

    tenants: Tenants
    people: People
    audit: Audit
    edits: Edits
    repeats: Repeats
    catalogue: Catalogue
    security: Security
    sites: Sites
    stations: Stations
    orders: Orders
    devices: Devices
    monitoring: Monitoring
    access: Access
    tariffs: Tariffs
    sessions: Sessions
    energy: Energy
    firmware: Firmware
    billing: Billing
    drivers: Drivers
    webhooks: Webhooks
