"""The room's verbs, who makes deliveries of events, and who sends them."""

from forecourt.domain.webhooks.service.feeder import Feeder
from forecourt.domain.webhooks.service.sender import OPEN_MAX, Sender
from forecourt.domain.webhooks.service.webhooks import Webhooks

__all__ = ["OPEN_MAX", "Feeder", "Sender", "Webhooks"]
