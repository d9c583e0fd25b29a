"""Webhooks: customers' endpoints, and the way of events to them, signed, tried again, logged.

Knows what an event is, and no kind of event by name but its own. Listens to the outbox itself.
"""

from forecourt.domain.webhooks.model import (
    Attempt,
    Counts,
    Delivery,
    DeliveryUnknown,
    DisabledBy,
    Endpoint,
    EndpointChange,
    EndpointId,
    EventType,
    Health,
    NewEndpoint,
    State,
    TooManyWebhooks,
    WebhookAdded,
    WebhookChanged,
    WebhookDisabled,
    WebhookInvalid,
    WebhookOff,
    WebhookPinged,
    WebhookUnknown,
)
from forecourt.domain.webhooks.rules import event_types, message_id, verified
from forecourt.domain.webhooks.service import OPEN_MAX, Feeder, Sender, Webhooks

__all__ = [
    "OPEN_MAX",
    "Attempt",
    "Counts",
    "Delivery",
    "DeliveryUnknown",
    "DisabledBy",
    "Endpoint",
    "EndpointChange",
    "EndpointId",
    "EventType",
    "Feeder",
    "Health",
    "NewEndpoint",
    "Sender",
    "State",
    "TooManyWebhooks",
    "WebhookAdded",
    "WebhookChanged",
    "WebhookDisabled",
    "WebhookInvalid",
    "WebhookOff",
    "WebhookPinged",
    "WebhookUnknown",
    "Webhooks",
    "event_types",
    "message_id",
    "verified",
]
