"""The room's routes: endpoints, their deliveries, and the catalogue of events."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from forecourt.base.context import Context
from forecourt.base.pages import Wanted
from forecourt.base.text import PRINTABLE, Line, Name
from forecourt.domain.webhooks import rules
from forecourt.domain.webhooks.model import (
    DELIVERY_SORTS,
    SORTS,
    Attempt,
    Delivery,
    DisabledBy,
    Endpoint,
    EndpointChange,
    EndpointId,
    Health,
    NewEndpoint,
    State,
)
from forecourt.domain.webhooks.service import Webhooks

Url = Annotated[str, Meta(min_length=1, max_length=2_000, pattern=PRINTABLE)]
Types = Annotated[tuple[Annotated[str, Meta(max_length=101)], ...], Meta(max_length=100)]
Sites = Annotated[tuple[Name, ...], Meta(max_length=500)]
Headers = Annotated[dict[str, str], Meta(max_length=10)]
Moment = Annotated[datetime, Meta(tz=True)]


class WebhookView(Struct, frozen=True, kw_only=True):
    """An endpoint, and how it does."""

    id: str
    url: str
    description: str
    types: tuple[str, ...]
    """Types of events, or beginnings of types that end in a dot; none is every type."""
    sites: tuple[str, ...]
    """Events of these sites' stations alone; none is every event."""
    header_names: tuple[str, ...]
    """Headers of yours that are sent along; their values are not told."""
    created_at: datetime
    enabled: bool
    disabled_at: datetime | None
    disabled_by: DisabledBy | None
    failing_since: datetime | None
    """The first failure since the last success."""
    delivered_at: datetime | None
    """The last success."""
    old_secret_until: datetime | None
    """Until when deliveries are signed with the secret before this one, too."""
    health: Health | None
    """Of the last 24 hours."""


class WebhookPage(Struct, frozen=True, kw_only=True):
    """Endpoints."""

    items: list[WebhookView]
    next: str | None


class WebhookAddition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An endpoint to make."""

    url: Url
    """https; http only for hosts that the setting `outbound_hosts` names."""
    description: Line = ""
    types: Types = ()
    sites: Sites = ()
    secret_headers: Headers = {}
    """Sent along with every delivery, such as `Authorization`; kept under seal."""


class WebhookChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change; what is absent or null stays as it is."""

    url: Url | None = None
    description: Line | None = None
    types: Types | None = None
    sites: Sites | None = None
    secret_headers: Headers | None = None
    enabled: bool | None = None


class WebhookSecret(Struct, frozen=True, kw_only=True):
    """An endpoint and its new secret, which is shown this once."""

    webhook: WebhookView
    secret: str
    """`whsec_` and Base64, as libraries for Standard Webhooks want it."""


class DeliveryView(Struct, frozen=True, kw_only=True):
    """One event on its way to one endpoint."""

    id: str
    """The header `webhook-id`: the same on every attempt."""
    type: str
    subject: str
    at: datetime
    """When the event happened."""
    state: State
    attempts: int
    status: int | None
    """Of the last answer, if there was one."""
    next_at: datetime | None
    """Of the next attempt, if there is one to come."""
    settled_at: datetime | None


class DeliveryPage(Struct, frozen=True, kw_only=True):
    """Deliveries."""

    items: list[DeliveryView]
    next: str | None


class DeliveryWithAttempts(DeliveryView, frozen=True, kw_only=True):
    """A delivery, what is sent, and what came of each attempt."""

    body: str
    """As it is sent and signed; empty if the event is not kept any more."""
    tries: list[Attempt]


class Range(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Events between two moments."""

    since: Moment
    until: Moment
    delivered_too: bool = False
    """Also those that were delivered already."""


class Replayed(Struct, frozen=True, kw_only=True):
    """What is sent again."""

    deliveries: int
    """At most 10 000 at once, the oldest first: ask again while it is so many."""


class EventTypeView(Struct, frozen=True, kw_only=True):
    """A kind of event that endpoints may hear of."""

    type: str
    group: str
    """What stands before the dot."""
    description: str
    data_schema: dict[str, Any]
    """JSON Schema (2020-12) of the message's `data`."""
    example: dict[str, Any]
    """A whole message."""


class EventTypePage(Struct, frozen=True, kw_only=True):
    """All kinds of events."""

    items: list[EventTypeView]
    next: str | None = None


class EventTypeRoutes(Controller):
    """What endpoints may hear of."""

    path = "/event-types"
    tags = ("Webhooks",)

    @get(operation_id="list_event_types", summary="Kinds of events", sync_to_thread=False)
    def types(
        self, ctx: NamedDependency[Context], webhooks: NamedDependency[Webhooks]
    ) -> EventTypePage:
        """Every kind of event, with the schema of its data and an example."""
        items = [
            EventTypeView(
                type=one.type,
                group=one.group,
                description=one.description,
                data_schema=dict(one.schema),
                example=dict(one.example),
            )
            for one in webhooks.types()
        ]
        return EventTypePage(items=items)


class WebhookRoutes(Controller):
    """Endpoints of customers, by Standard Webhooks."""

    path = "/webhooks"
    tags = ("Webhooks",)

    @get(operation_id="list_webhooks", sorts=SORTS, summary="List endpoints")
    async def page(
        self,
        ctx: NamedDependency[Context],
        webhooks: NamedDependency[Webhooks],
        search: NamedDependency[Wanted],
    ) -> WebhookPage:
        """Endpoints. A search looks at id, address and description."""
        found = await webhooks.list(ctx, search)
        items = [webhook_view(endpoint, health) for endpoint, health in found.items]
        return WebhookPage(items=items, next=found.next)

    @post(operation_id="add_webhook", summary="Make an endpoint")
    async def add(
        self,
        ctx: NamedDependency[Context],
        webhooks: NamedDependency[Webhooks],
        data: JSONBody[WebhookAddition],
    ) -> WebhookSecret:
        """Make an endpoint, and show its secret this once."""
        new = NewEndpoint(
            url=data.url,
            description=data.description,
            types=data.types,
            sites=data.sites,
            headers=data.secret_headers,
        )
        endpoint, secret = await webhooks.add(ctx, new)
        return WebhookSecret(webhook=webhook_view(endpoint), secret=secret)

    @get("/{webhook_id:str}", operation_id="read_webhook", summary="One endpoint")
    async def read(
        self,
        ctx: NamedDependency[Context],
        webhooks: NamedDependency[Webhooks],
        webhook_id: FromPath[str],
    ) -> WebhookView:
        """An endpoint, and how it did in the last 24 hours."""
        return webhook_view(*await webhooks.read(ctx, EndpointId(webhook_id)))

    @patch("/{webhook_id:str}", operation_id="change_webhook", summary="Change an endpoint")
    async def change(
        self,
        ctx: NamedDependency[Context],
        webhooks: NamedDependency[Webhooks],
        webhook_id: FromPath[str],
        data: JSONBody[WebhookChange],
    ) -> WebhookView:
        """Change what is given; one that is enabled again hears of what happens from now on."""
        change = EndpointChange(
            url=data.url,
            description=data.description,
            types=data.types,
            sites=data.sites,
            headers=data.secret_headers,
            enabled=data.enabled,
        )
        return webhook_view(await webhooks.change(ctx, EndpointId(webhook_id), change))

    @delete("/{webhook_id:str}", operation_id="remove_webhook", summary="Forget an endpoint")
    async def remove(
        self,
        ctx: NamedDependency[Context],
        webhooks: NamedDependency[Webhooks],
        webhook_id: FromPath[str],
    ) -> None:
        """Forget an endpoint, its log, and what is on its way to it."""
        await webhooks.remove(ctx, EndpointId(webhook_id))

    @post(
        "/{webhook_id:str}/secret",
        operation_id="rotate_webhook_secret",
        summary="A new secret",
        status_code=200,
    )
    async def rotate(
        self,
        ctx: NamedDependency[Context],
        webhooks: NamedDependency[Webhooks],
        webhook_id: FromPath[str],
    ) -> WebhookSecret:
        """Make a new secret, shown this once; for 24 hours the old one signs as well."""
        endpoint, secret = await webhooks.rotate(ctx, EndpointId(webhook_id))
        return WebhookSecret(webhook=webhook_view(endpoint), secret=secret)

    @post(
        "/{webhook_id:str}/ping",
        operation_id="ping_webhook",
        summary="Send a test",
        status_code=202,
    )
    async def ping(
        self,
        ctx: NamedDependency[Context],
        webhooks: NamedDependency[Webhooks],
        webhook_id: FromPath[str],
    ) -> None:
        """Send an event `webhook.ping` to this endpoint alone, whatever it chose to hear of."""
        await webhooks.ping(ctx, EndpointId(webhook_id))

    @post(
        "/{webhook_id:str}/replay",
        operation_id="replay_webhook",
        summary="Send a range again",
        status_code=202,
    )
    async def replay(
        self,
        ctx: NamedDependency[Context],
        webhooks: NamedDependency[Webhooks],
        webhook_id: FromPath[str],
        data: JSONBody[Range],
    ) -> Replayed:
        """Send what happened between two moments and failed, or was never on its way."""
        count = await webhooks.replay(
            ctx,
            EndpointId(webhook_id),
            since=data.since,
            until=data.until,
            delivered_too=data.delivered_too,
        )
        return Replayed(deliveries=count)


class DeliveryRoutes(Controller):
    """What was or is on its way to an endpoint."""

    path = "/webhooks/{webhook_id:str}/deliveries"
    tags = ("Webhooks",)

    @get(operation_id="list_deliveries", sorts=DELIVERY_SORTS, summary="List deliveries")
    async def page(
        self,
        ctx: NamedDependency[Context],
        webhooks: NamedDependency[Webhooks],
        webhook_id: FromPath[str],
        search: NamedDependency[Wanted],
        *,
        in_state: Annotated[State | None, QueryParameter(name="state")] = None,
        of_type: Annotated[Line | None, QueryParameter(name="type")] = None,
    ) -> DeliveryPage:
        """Deliveries, newest events first if in no other order. A search: type and subject."""
        found = await webhooks.log(
            ctx, EndpointId(webhook_id), search, state=in_state, kind=of_type
        )
        items = [DeliveryView(**_said(delivery)) for delivery in found.items]
        return DeliveryPage(items=items, next=found.next)

    @get("/{delivery_id:str}", operation_id="read_delivery", summary="One delivery")
    async def read(
        self,
        ctx: NamedDependency[Context],
        webhooks: NamedDependency[Webhooks],
        webhook_id: FromPath[str],
        delivery_id: FromPath[str],
    ) -> DeliveryWithAttempts:
        """A delivery, what is sent, and what came of each attempt."""
        found, body, tries = await webhooks.delivery(ctx, EndpointId(webhook_id), delivery_id)
        return DeliveryWithAttempts(**_said(found), body=body, tries=list(tries))

    @post(
        "/{delivery_id:str}/replay",
        operation_id="replay_delivery",
        summary="Send it again",
        status_code=202,
    )
    async def replay(
        self,
        ctx: NamedDependency[Context],
        webhooks: NamedDependency[Webhooks],
        webhook_id: FromPath[str],
        delivery_id: FromPath[str],
    ) -> DeliveryView:
        """Begin a new round of attempts, at once, under the same id."""
        found = await webhooks.send_again(ctx, EndpointId(webhook_id), delivery_id)
        return DeliveryView(**_said(found))


def webhook_view(endpoint: Endpoint, health: Health | None = None) -> WebhookView:
    """An endpoint as the API shows it."""
    return WebhookView(
        id=endpoint.id,
        url=endpoint.url,
        description=endpoint.description,
        types=endpoint.types,
        sites=endpoint.sites,
        header_names=endpoint.header_names,
        created_at=endpoint.created_at,
        enabled=endpoint.disabled_at is None,
        disabled_at=endpoint.disabled_at,
        disabled_by=endpoint.disabled_by,
        failing_since=endpoint.failing_since,
        delivered_at=endpoint.delivered_at,
        old_secret_until=endpoint.old_secret_until,
        health=health,
    )


def _said(delivery: Delivery) -> dict[str, Any]:
    open_ = delivery.state in (State.WAITING, State.SENDING)
    return {
        "id": rules.message_id(delivery.seq),
        "type": delivery.type,
        "subject": delivery.subject,
        "at": delivery.at,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "status": delivery.status,
        "next_at": delivery.next_at if open_ else None,
        "settled_at": delivery.settled_at,
    }
