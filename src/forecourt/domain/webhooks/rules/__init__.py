"""Pure decisions: what is signed, sent again and given up; and what there is to hear of."""

from forecourt.domain.webhooks.rules.deliveries import (
    DELAYS_S,
    SECRET_BYTES,
    fault_of_headers,
    fault_of_types,
    headers,
    judged,
    message_id,
    new_secret,
    payload,
    rotated,
    seq_of,
    signature,
    verified,
)
from forecourt.domain.webhooks.rules.types import event_types

__all__ = [
    "DELAYS_S",
    "SECRET_BYTES",
    "event_types",
    "fault_of_headers",
    "fault_of_types",
    "headers",
    "judged",
    "message_id",
    "new_secret",
    "payload",
    "rotated",
    "seq_of",
    "signature",
    "verified",
]
