"""Pure decisions about variables: names, values, wishes, and plans."""

from forecourt.domain.devices.rules.names import Book, Standards, flattened, place, unflattened
from forecourt.domain.devices.rules.planner import NEARLY, pause, plan, remembered
from forecourt.domain.devices.rules.values import VALUE_LENGTH_MAX, fault, items, same
from forecourt.domain.devices.rules.wishes import (
    applies,
    checked,
    compared,
    desired,
    model_of,
    whole,
)

__all__ = [
    "NEARLY",
    "VALUE_LENGTH_MAX",
    "Book",
    "Standards",
    "applies",
    "checked",
    "compared",
    "desired",
    "fault",
    "flattened",
    "items",
    "model_of",
    "pause",
    "place",
    "plan",
    "remembered",
    "same",
    "unflattened",
    "whole",
]
