"""Orders: commands for many stations at once, and for stations that are away.

Knows what a command is and who may give it; not how a version says it, and no session.
"""

from forecourt.domain.orders.model import (
    Chosen,
    CommandSettled,
    Ending,
    Line,
    LineState,
    NewOrder,
    Order,
    OrderId,
    OrderInvalid,
    OrderPlaced,
    OrderUnknown,
    Progress,
)
from forecourt.domain.orders.service import Dispatcher, Orders

__all__ = [
    "Chosen",
    "CommandSettled",
    "Dispatcher",
    "Ending",
    "Line",
    "LineState",
    "NewOrder",
    "Order",
    "OrderId",
    "OrderInvalid",
    "OrderPlaced",
    "OrderUnknown",
    "Orders",
    "Progress",
]
