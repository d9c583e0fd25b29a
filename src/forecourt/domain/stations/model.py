"""What exists in this room: stations, connectors, variables, and what happens to them."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final, TypedDict

from msgspec import Struct

from forecourt.base.digest import Digest
from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.events import Event
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.catalogue import AUTO

PASSWORD_PROFILES: Final = (1, 2)
"""The security profiles in which a station proves itself by a password."""
CERTIFICATE_PROFILE: Final = 3
ENCRYPTED_FROM: Final = 2


class Admission(StrEnum):
    """Whether a station may take part."""

    ACCEPTED = "accepted"
    PENDING = "pending"
    """Known to be there, not yet let in: it may connect and is told to wait."""
    BLOCKED = "blocked"
    """Refused at the door."""


class Ping(StrEnum):
    """Whether a silent station is pinged, and judged by its answer."""

    AUTO = "auto"
    """Pinged; one that ever answered must answer, others are judged by their heartbeats."""
    ALWAYS = "always"
    """Pinged, and must answer."""
    NEVER = "never"
    """Left alone (it falls over, or pays for each byte): judged by its heartbeats."""


class Shut(StrEnum):
    """Why a known station is not let in."""

    PASSWORD_MISSING = "password_missing"  # noqa: S105 (a reason)
    PASSWORD_WRONG = "password_wrong"  # noqa: S105 (a reason)
    CERTIFICATE_MISSING = "certificate_missing"
    CERTIFICATE_FOREIGN = "certificate_foreign"
    """It names another station."""
    CERTIFICATE_OWNER = "certificate_owner"
    """It is not of this operator."""
    CERTIFICATE_REVOKED = "certificate_revoked"
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    """It cannot be read, or is none that a station has."""
    PROFILE_TOO_LOW = "profile_too_low"
    """What it brought would do for a lower security profile than its least."""
    BLOCKED = "blocked"


class ConnectorState(StrEnum):
    """What a connector says of itself: the words of 1.6, and OCCUPIED for 2.x, which says less."""

    AVAILABLE = "available"
    PREPARING = "preparing"
    CHARGING = "charging"
    SUSPENDED_EV = "suspended_ev"
    SUSPENDED_EVSE = "suspended_evse"
    FINISHING = "finishing"
    OCCUPIED = "occupied"
    RESERVED = "reserved"
    UNAVAILABLE = "unavailable"
    FAULTED = "faulted"
    UNKNOWN = "unknown"
    """It said a word that no specification has; the word is in the raw log."""


class Station(Struct, frozen=True, kw_only=True):
    """A charging station as we believe it to be."""

    id: StationId
    tenant: TenantId
    admission: Admission
    site: str = ""
    zone: str = ""
    """Its site's time zone, where read with it; nothing: as the tenant's setting has it."""
    protocol: str = ""
    """The sub-protocol of its newest connection: ``ocpp1.6``, ``ocpp2.0.1``, ``ocpp2.1``."""
    vendor: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    iccid: str = ""
    imsi: str = ""
    boot_reason: str = ""
    booted_at: datetime | None = None
    connected: bool = False
    connected_at: datetime | None = None
    disconnected_at: datetime | None = None
    seen_at: datetime | None = None
    lenient: bool = False
    """Forgive this station what the specification does not."""
    quirks: str = AUTO
    """Its quirk profile: a name, or ``auto``, ``none``, ``strict``."""
    log_all: bool = False
    """Keep every raw message of this station."""
    security_profile: int = 0
    """The least that it may come in by: OCPP's security profiles 0 to 3. It never falls."""
    profile_wanted: int | None = None
    """What it was told to come back by; once it did, that is the least."""
    profile_used: int = 0
    """What its newest connection came in by."""
    certificate_name: str = ""
    """The name in its certificate, where that is not its identity: its serial number, mostly."""
    ping: Ping = Ping.AUTO
    has_password: bool = False
    password_changing: bool = False
    """A new password is good beside the old one, until the station has used it."""
    created_at: datetime


SORTS: Final = (
    *("id", "site", "vendor", "model", "serial", "firmware", "protocol", "connected"),
    *("admission", "seen_at", "connected_at", "booted_at", "created_at"),
)
"""What stations may be sorted by."""


class MessageFields(TypedDict, total=False):
    """What raw messages can be chosen by; None is any."""

    direction: str | None
    action: str | None
    since: datetime | None
    until: datetime | None


class TimelineFields(TypedDict, total=False):
    """What a station's timeline can be chosen by; None is any."""

    since: datetime | None
    type: str | None


EVENT_SORTS: Final = ("at",)
"""What all that happened may be sorted by."""

MESSAGE_SORTS: Final = ("at",)
"""What raw messages may be sorted by."""

TIMELINE_SORTS: Final = ("at",)
"""What a timeline may be sorted by, other than as it came to be."""

CONNECTOR_SORTS: Final = ("station", "state", "state_at")
"""What connectors may be sorted by."""


class ConnectorFields(TypedDict, total=False):
    """What connectors can be chosen by; None is any."""

    station: StationId | None
    site: str | None
    state: ConnectorState | None
    connected: bool | None


class Outlet(Struct, frozen=True, kw_only=True):
    """A connector of some station, as it is now."""

    station: StationId
    site: str
    connected: bool
    """Whether its station is; else its state is what was last heard."""
    evse: int
    connector: int
    state: ConnectorState
    state_at: datetime
    error: str


class StationFields(TypedDict, total=False):
    """What stations can be chosen by; None is any."""

    connected: bool | None
    admission: Admission | None
    site: str | None
    vendor: str | None
    model: str | None
    firmware: str | None
    protocol: str | None


class Door(Struct, frozen=True, kw_only=True):
    """What the listener must know of a station before it lets it in."""

    id: StationId
    tenant: TenantId
    admission: Admission
    password: Digest | None
    """None: this station needs no password (security profiles 0 and 3)."""
    password_next: Digest | None = None
    """Good as well; once it was used, it is the only one."""
    security_profile: int = 0
    profile_wanted: int | None = None
    certificate_name: str = ""
    ping: Ping = Ping.AUTO
    lenient: bool
    log_all: bool
    quirks: str = AUTO
    vendor: str = ""
    """What it said of itself when it last booted: that tells which quirks it has."""
    model: str = ""
    firmware: str = ""


class QuirkUse(Struct):
    """How often something was forgiven a station, or said otherwise to it. One owner counts."""

    station: StationId
    tenant: TenantId
    fix: str
    uses: int
    first_at: datetime
    last_at: datetime


class ClientCertificate(Struct, frozen=True, kw_only=True):
    """A certificate that a station showed; who signed it and when it ends was checked before."""

    names: tuple[str, ...]
    """Its subject's common names, and its alternative names."""
    organizations: tuple[str, ...]
    serial: str
    """In hexadecimal digits."""
    tenant: TenantId | None = None
    """Whose authority signed it, where it is one of ours."""
    trusted: bool = True
    revoked: bool = False


class Credentials(Struct, frozen=True, kw_only=True):
    """What somebody brings who says to be a station."""

    encrypted: bool
    passwords: tuple[Digest, ...] = ()
    """The password in every form that it may have; none, if none was sent."""
    certificate: ClientCertificate | None = None


class Entry(Struct, frozen=True, kw_only=True):
    """How a station came in."""

    profile: int
    password: Digest | None = None
    """The one that let it in."""
    certificate: str = ""
    """The serial number of the one that let it in."""


class Arrival(Struct, frozen=True, kw_only=True):
    """A station that has just come in."""

    station: StationId
    protocol: str
    at: datetime
    entry: Entry


class NewStation(Struct, frozen=True, kw_only=True):
    """A station that an operator makes known."""

    id: StationId
    password: bytes | None = None
    site: str = ""
    admission: Admission = Admission.ACCEPTED
    lenient: bool = False
    quirks: str = AUTO
    log_all: bool = False
    security_profile: int | None = None
    """None: 1 with a password, 0 without."""
    certificate_name: str = ""
    ping: Ping = Ping.AUTO


class Connector(Struct, frozen=True, kw_only=True):
    """One outlet. ``evse_no`` 0 is the station itself (1.6: connectorId 0)."""

    station: StationId
    evse_no: int
    connector_no: int
    state: ConnectorState
    state_at: datetime
    """When the station says that it came to be so; its clock may be wrong."""
    received_at: datetime
    error: str = ""
    vendor_id: str = ""
    vendor_error: str = ""
    info: str = ""


class PortCount(Struct, frozen=True):
    """So many connectors of a site's stations, which are connected or not, are in one state."""

    site: str
    connected: bool
    state: ConnectorState
    ports: int


class Ports(Struct, frozen=True, kw_only=True):
    """How the ports of a site are. A port of a station that is away is offline, whatever it was."""

    free: int = 0
    charging: int = 0
    """Taken: from plugging in to driving away; reserved, too."""
    faulted: int = 0
    unavailable: int = 0
    """Out of service, or in a state that no specification has."""
    offline: int = 0


class LiveStation:
    """What a gateway holds of a station that is connected to it. One owner, so it may change."""

    __slots__ = ("connectors", "epoch", "seen_due", "station")

    def __init__(
        self, station: Station, epoch: int, connectors: dict[tuple[int, int], Connector]
    ) -> None:
        self.station = station
        self.epoch = epoch
        """Counts the station's connections; rows that a newer one wrote are not ours to change."""
        self.connectors = connectors
        self.seen_due: datetime = station.seen_at or station.created_at
        """When the record must next be told that the station was heard."""


class BootReport(Struct, frozen=True, kw_only=True):
    """What a station says of itself when it wakes."""

    vendor: str
    model: str
    serial: str = ""
    firmware: str = ""
    iccid: str = ""
    imsi: str = ""
    reason: str = ""


class StatusReport(Struct, frozen=True, kw_only=True):
    """What a station says of one of its connectors."""

    evse_no: int
    connector_no: int
    state: ConnectorState
    reported_at: datetime | None
    error: str = ""
    vendor_id: str = ""
    vendor_error: str = ""
    info: str = ""


class Variable(Struct, frozen=True, kw_only=True):
    """One attribute of one variable, in the device model's names.

    A key that only its maker knows has component ''. What a station left open is empty or None.
    """

    component: str
    variable: str
    value: str | None
    component_instance: str = ""
    variable_instance: str = ""
    evse_no: int = 0
    connector_no: int = 0
    attribute: str = "Actual"
    mutability: str = ""
    persistent: bool = False
    """It outlives a reboot."""
    constant: bool = False
    """It never changes while the station runs."""
    data_type: str = ""
    unit: str = ""
    min_limit: float | None = None
    max_limit: float | None = None
    elements_max: int | None = None
    """How many items a list may have."""
    values_list: str = ""
    """The values that it can have, separated by commas."""
    supports_monitoring: bool = False
    awaits_reboot: bool = False
    """It was set, and takes effect when the station starts again."""


class Kept(Struct, frozen=True, kw_only=True):
    """A variable as the station last told it."""

    variable: Variable
    reported_at: datetime
    gone_at: datetime | None = None
    """Since when a report of everything says nothing of it any more."""


class StationEvent(Event, frozen=True, kw_only=True):
    """Something that happened to one station."""

    station: StationId

    @property
    def subject(self) -> str:
        return self.station


class StationAdded(StationEvent, frozen=True, kw_only=True, tag="station.added"):
    """A station was made known, by an operator or by knocking at an open door."""

    admission: Admission


class StationChanged(StationEvent, frozen=True, kw_only=True, tag="station.changed"):
    """Something that the door must know of a station changed: admission, password, leniency."""


class StationConnected(StationEvent, frozen=True, kw_only=True, tag="station.connected"):
    """A socket of this station is up."""

    protocol: str
    epoch: int


class StationDisconnected(StationEvent, frozen=True, kw_only=True, tag="station.disconnected"):
    """The station's newest socket is gone."""

    epoch: int
    reason: str


class StationBooted(StationEvent, frozen=True, kw_only=True, tag="station.booted"):
    """A known station woke up."""

    vendor: str
    model: str
    firmware: str
    firmware_changed: bool
    reason: str


class ConnectorChanged(StationEvent, frozen=True, kw_only=True, tag="connector.changed"):
    """A connector is in another state, or reports another error, than before."""

    evse_no: int
    connector_no: int
    state: ConnectorState
    before: ConnectorState | None
    error: str


class CommandAnswered(StationEvent, frozen=True, kw_only=True, tag="command.answered"):
    """A command to a station came to its end, whatever it was."""

    command_id: str
    command: str
    """Its word: reset, reserve, …"""
    outcome: str


class StationLoginFailed(StationEvent, frozen=True, kw_only=True, tag="station.login_failed"):
    """Somebody who says to be this station was not let in. One a minute tells of all since."""

    reason: Shut
    address: str
    attempts: int


class StationSecured(StationEvent, frozen=True, kw_only=True, tag="station.secured"):
    """The station came in by the security profile it was to take, which is its least from now."""

    profile: int
    before: int


class PasswordChanged(StationEvent, frozen=True, kw_only=True, tag="station.password_changed"):
    """The station used its new password; the old one is good no more."""


class SecurityReported(StationEvent, frozen=True, kw_only=True, tag="station.security"):
    """The station noticed something about its security."""

    kind: str
    critical: bool
    """Whether the specification calls it so."""
    reported_at: datetime | None
    info: str


class StationNotified(StationEvent, frozen=True, kw_only=True, tag="station.notified"):
    """The station told something that no room acts on yet; kept as it said it."""

    what: str
    body: str
    """JSON, as the station sent it."""


class StationMisbehaved(StationEvent, frozen=True, kw_only=True, tag="station.misbehaved"):
    """The station broke the protocol, or we had to forgive it something."""

    what: str
    detail: str


class RawMessage(Struct, frozen=True, kw_only=True):
    """A frame as it went over the wire."""

    at: datetime
    direction: str
    action: str
    note: str
    frame: str
    """What is no UTF-8 in it is written as escapes."""


class Happened(Struct, frozen=True, kw_only=True):
    """One event, of any room."""

    place: tuple[str, int]
    """Where it stands in the order of all events; ask for what comes behind."""
    at: datetime
    type: str
    subject: str
    body: dict[str, Any]


class StationUnknown(ForecourtError):
    """No such station."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "station.unknown"


class StationExists(ForecourtError):
    """Another station has this identity."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "station.exists"


class StationIdInvalid(ForecourtError):
    """A text that cannot be a station's identity."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "station.id_invalid"
    field: ClassVar[str] = "id"


class SecurityDowngrade(ForecourtError):
    """A station's least security profile never falls."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "station.security_downgrade"


class PasswordNeeded(ForecourtError):
    """The station's security profile needs a password."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "station.password_needed"


class StationOffline(ForecourtError):
    """The station is not connected, so nothing can be asked of it."""

    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    code: ClassVar[str] = "station.offline"


class StationBusy(ForecourtError):
    """Too many commands wait for this station already."""

    kind: ClassVar[Kind] = Kind.LIMITED
    code: ClassVar[str] = "station.busy"
