"""The room's verbs, and who carries orders out."""

from forecourt.domain.orders.service.dispatcher import Dispatcher
from forecourt.domain.orders.service.orders import Orders

__all__ = ["Dispatcher", "Orders"]
