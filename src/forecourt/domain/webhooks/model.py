"""What exists in this room."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, NewType

from msgspec import Struct

from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.events import Event
from forecourt.base.ids import TenantId

EndpointId = NewType("EndpointId", str)
"""``whk_`` and a time-ordered text."""


SORTS: Final = ("id", "url", "description")
"""What endpoints are sorted by."""
DELIVERY_SORTS: Final = ("id", "type", "subject", "state", "attempts")
"""What the deliveries to one are sorted by."""


class DisabledBy(StrEnum):
    """Why nothing is sent to an endpoint."""

    PERSON = "person"
    GONE = "gone"
    """It answered 410: it wants nothing from us any more."""
    FAILING = "failing"
    """It took nothing for days."""


class State(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    """For its first attempt, or for the next one."""
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    """Every attempt failed, or the endpoint was disabled meanwhile; it can be sent anew."""


class SigningSecret(Struct, frozen=True, kw_only=True):
    """A secret that deliveries are signed with."""

    text: str
    """As the receiver has it: ``whsec_`` and Base64."""
    until: datetime | None = None
    """When a newer one has replaced it for good."""


class Sealable(Struct, frozen=True, kw_only=True):
    """What is kept of an endpoint under seal."""

    secrets: tuple[SigningSecret, ...]
    """Newest first."""
    headers: Mapping[str, str]
    """Sent along; they often carry a password."""


class Endpoint(Struct, frozen=True, kw_only=True):
    """An address of a customer that wants to hear of events."""

    id: EndpointId
    tenant: TenantId
    url: str
    description: str
    types: tuple[str, ...]
    """Types, or beginnings that end in a dot; none is every type."""
    sites: tuple[str, ...]
    """Events of these sites' stations alone; none is every event."""
    created_at: datetime
    disabled_at: datetime | None = None
    disabled_by: DisabledBy | None = None
    failing_since: datetime | None = None
    """The first failure since the last success."""
    delivered_at: datetime | None = None
    """The last success."""
    old_secret_until: datetime | None = None
    """Until when deliveries are signed with the secret before this one, too."""
    header_names: tuple[str, ...] = ()


class NewEndpoint(Struct, frozen=True, kw_only=True):
    """What to make an endpoint of."""

    url: str
    description: str = ""
    types: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    headers: Mapping[str, str] = {}


class EndpointChange(Struct, frozen=True, kw_only=True):
    """What to change; None stays as it is."""

    url: str | None = None
    description: str | None = None
    types: tuple[str, ...] | None = None
    sites: tuple[str, ...] | None = None
    headers: Mapping[str, str] | None = None
    enabled: bool | None = None


class Health(Struct, frozen=True, kw_only=True):
    """How an endpoint did in the last 24 hours."""

    waiting: int = 0
    delivered: int = 0
    failed: int = 0
    oldest_waiting_at: datetime | None = None
    """When the event happened that waits longest."""
    latency_ms: int | None = None
    """The median of the attempts that were answered."""


@dataclass
class Counts:
    """What this process sent, since its start."""

    delivered: int = 0
    failed: int = 0
    """Attempts that failed; most are made again."""
    given_up: int = 0
    """Deliveries whose last attempt failed."""
    disabled: int = 0
    """Endpoints that it gave up."""


class Delivery(Struct, frozen=True, kw_only=True):
    """One event on its way to one endpoint."""

    endpoint: EndpointId
    seq: int
    """The event's number; with the endpoint it names the delivery."""
    type: str
    subject: str
    at: datetime
    """When the event happened."""
    state: State
    attempts: int
    """So far, over all rounds."""
    next_at: datetime
    """Of the next attempt, if it waits."""
    settled_at: datetime | None
    status: int | None
    """Of the last answer, if there was one."""


class Attempt(Struct, frozen=True, kw_only=True):
    """What came of sending once."""

    number: int
    at: datetime
    latency_ms: int
    status: int | None
    """None: there was no answer, and ``error`` says why."""
    error: str
    answer: str
    """The first bytes of it, as text."""


class Claimed(Struct, frozen=True, kw_only=True):
    """A delivery that this process, and no other, sends now."""

    endpoint: EndpointId
    tenant: TenantId
    seq: int
    type: str
    at: datetime
    body: str | None
    """The event's JSON; None if it is not kept any more."""
    url: str
    sealed: bytes
    attempt: int
    """Its number, which also proves the claim."""
    round: int
    """How many attempts of this round came before."""
    failing_since: datetime | None


class EventType(Struct, frozen=True, kw_only=True):
    """A kind of event that endpoints may hear of."""

    type: str
    group: str
    """What stands before the dot."""
    description: str
    schema: Mapping[str, object]
    """JSON Schema (2020-12) of ``data``."""
    example: Mapping[str, object]
    """A whole message."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of an attempt, and what follows."""

    claimed: Claimed
    attempt: Attempt
    state: State
    next_at: datetime
    disable: DisabledBy | None = None


class WebhookEvent(Event, frozen=True, kw_only=True):
    """Something about one endpoint."""

    endpoint: EndpointId
    host: str
    """Of its address; the rest of it may be a secret."""

    @property
    def subject(self) -> str:
        return self.endpoint


class WebhookAdded(WebhookEvent, frozen=True, kw_only=True, tag="webhook.added"):
    """An endpoint was made."""


class WebhookChanged(WebhookEvent, frozen=True, kw_only=True, tag="webhook.changed"):
    """An endpoint was changed, enabled, disabled by somebody, or removed."""


class WebhookDisabled(WebhookEvent, frozen=True, kw_only=True, tag="webhook.disabled"):
    """The platform gave an endpoint up: it said 410, or it took nothing for days."""

    reason: DisabledBy


class WebhookPinged(WebhookEvent, frozen=True, kw_only=True, tag="webhook.ping"):
    """A test, for the endpoint that it names alone."""


class WebhookUnknown(ForecourtError):
    """No such endpoint."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "webhook.unknown"


class WebhookInvalid(ForecourtError):
    """An endpoint that cannot be."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "webhook.invalid"


class WebhookOff(ForecourtError):
    """Nothing is sent to this endpoint: enable it first."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "webhook.off"


class TooManyWebhooks(ForecourtError):
    """The tenant has as many endpoints as it may have."""

    kind: ClassVar[Kind] = Kind.LIMITED
    code: ClassVar[str] = "webhook.too_many"


class DeliveryUnknown(ForecourtError):
    """No such delivery."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "delivery.unknown"
