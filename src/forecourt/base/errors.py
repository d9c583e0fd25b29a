"""The closed set of ways an operation can fail.

Rooms name their failures by subclassing; each door renders a failure by its kind.
Nothing here knows HTTP, OCPP or OCPI.
"""

from enum import StrEnum
from typing import ClassVar


class Kind(StrEnum):
    """Why an operation failed, in the only eight words that a door must understand."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    LIMITED = "limited"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


class ForecourtError(Exception):
    """A promise we could not keep. ``message`` may be shown; ``context`` is only logged."""

    kind: ClassVar[Kind] = Kind.INTERNAL
    code: ClassVar[str] = "internal"
    field: ClassVar[str] = ""
    """Of what somebody gave, the field that is wrong; empty for all of it."""

    def __init__(self, message: str, **context: object) -> None:
        super().__init__(message)
        self.message = message
        self.context = context
