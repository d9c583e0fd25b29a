"""What an operator may choose of the gateway."""

from enum import StrEnum

from msgspec import Struct, field

from forecourt.base.ids import TenantId
from forecourt.edge.peers import Proxies


class UnknownStations(StrEnum):
    """What happens to a station that nobody made known."""

    REFUSE = "refuse"
    PENDING = "pending"


class GatewayOptions(Struct, frozen=True, kw_only=True):
    """What an operator may choose."""

    name: str = "gateway-1"
    tenant: TenantId = TenantId("default")
    """Whose an unknown station becomes."""
    unknown_stations: UnknownStations = UnknownStations.REFUSE
    assume_16: bool = False
    """Take a station that offers no sub-protocol for a 1.6 station (field quirk 1)."""
    heartbeat_s: int = 300
    messages_per_second: float = 250.0
    messages_burst: float = 1_000.0
    frame_bytes_max: int = 1_048_576
    security_profile_min: int = 0
    """The least that any station may come in by, whatever its own."""
    owner: str = ""
    """Whose stations' certificates must be: their organization (A00.FR.404)."""
    proxies: Proxies = field(default_factory=Proxies)
    """Whose word on where somebody comes from we take."""
    compression: bool = True
    """Agree on permessage-deflate with stations that offer it."""
