"""What exists in this room: codes on connectors, and visits of drivers."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.ids import SessionId, StationId, TenantId
from forecourt.domain.access import Standing
from forecourt.domain.catalogue import ConnectorType
from forecourt.domain.tariffs import StationCost


class Label(Struct, frozen=True, kw_only=True):
    """What is printed on the station beside a connector; stations do not tell it themselves."""

    connector_type: str = ""
    """The catalogue's name, such as ``CCS2``; empty where nobody said."""
    power_w_max: int | None = None


class Code(Struct, frozen=True, kw_only=True):
    """What is printed on one connector, and leads to its page."""

    code: str
    """Ten letters and digits, by chance: it cannot be guessed, and can be typed."""
    tenant: TenantId
    station: StationId
    evse_no: int
    connector_no: int
    label: Label = Label()
    created_at: datetime


class Freedom(StrEnum):
    """Whether a driver may charge here now."""

    FREE = "free"
    PLUGGED = "plugged"
    """A cable is plugged in, and nobody charges."""
    IN_USE = "in_use"
    RESERVED = "reserved"
    BROKEN = "broken"
    """Out of order, or out of operation."""
    AWAY = "away"
    """The station is not connected."""
    UNKNOWN = "unknown"


class Outlet(Struct, frozen=True, kw_only=True):
    """A connector, as a driver sees it."""

    code: str
    freedom: Freedom
    type: ConnectorType | None
    power_w_max: int | None
    may_start: bool
    """The operator lets drivers start here without a reader."""


class Visit(Struct, frozen=True, kw_only=True):
    """A driver asked for a session; the secret link leads here."""

    digest: bytes
    tenant: TenantId
    code: str
    station: StationId
    evse_no: int
    connector_no: int
    token: str
    marker: str
    """A session that this visit began has an id behind this one."""
    session: SessionId | None = None
    asked_at: datetime
    expires_at: datetime


class Stage(StrEnum):
    """How far a visit is."""

    WAITING = "waiting"
    """The station agreed; nobody has plugged in yet."""
    CHARGING = "charging"
    PAUSED = "paused"
    """Plugged in, and no power flows."""
    ENDED = "ended"
    LAPSED = "lapsed"
    """Nobody plugged in."""


class Charge(Struct, frozen=True, kw_only=True):
    """One driver's session, as far as it is. Energy in Wh, power in W."""

    stage: Stage
    session: SessionId | None = None
    since: datetime | None = None
    """From when its driver counts: not before it was asked for, whatever the clock there says."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    energy_wh: int = 0
    exported_wh: int = 0
    power_w: int | None = None
    soc_pct: float | None = None
    meter_start_wh: int | None = None
    meter_stop_wh: int | None = None
    signed: int = 0
    """How many signed meter values are kept; counted when it has ended, checked by nobody."""
    cost: StationCost | None = None
    """What the station itself reckons; there is no price of ours."""


class PageSettings(Struct, frozen=True, kw_only=True):
    """What a tenant lets drivers do at its connectors' pages."""

    may_start: bool = False
    """Whoever knows the number of a card may charge with it: the operator decides."""


class CodeUnknown(ForecourtError):
    """No connector has this code."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "code.unknown"


class VisitUnknown(ForecourtError):
    """No session is behind this link, or it is old."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "visit.unknown"


class StartNotAllowed(ForecourtError):
    """The operator does not let drivers start at the page."""

    kind: ClassVar[Kind] = Kind.FORBIDDEN
    code: ClassVar[str] = "start.not_allowed"


class OutletBusy(ForecourtError):
    """Somebody else charges here, or nobody can."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "outlet.busy"

    def __init__(self, message: str, freedom: Freedom) -> None:
        super().__init__(message)
        self.freedom = freedom


class CardRefused(ForecourtError):
    """A card that may not charge now."""

    kind: ClassVar[Kind] = Kind.FORBIDDEN
    code: ClassVar[str] = "card.refused"

    def __init__(self, message: str, standing: Standing) -> None:
        super().__init__(message)
        self.standing = standing


class StationRefused(ForecourtError):
    """The station was asked, and did not agree."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "start.station_refused"
