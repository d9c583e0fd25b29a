"""What a conversation tells its owner. Knows no connection.

Frozen, and not tracked by the garbage collector: one is made for every frame.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from forecourt.protocol.ocpp.values import JSON, Message

# Codes of a Failed that the peer did not send.
TIMEOUT: Final = "Timeout"
CONNECTION_LOST: Final = "ConnectionLost"
BAD_ANSWER: Final = "BadAnswer"


class Received(Struct, frozen=True, gc=False):
    """The peer calls: answer with reply() or refuse()."""

    message_id: str
    action: str
    request: Message
    repairs: tuple[str, ...] = ()
    """What leniency had to mend to read it."""


class Duplicate(Struct, frozen=True, gc=False):
    """The peer repeats a call that it sent before, under the same id: nothing is to be done.

    The answer it had is queued again; or, while the first is still being handled, will serve both.
    """

    message_id: str
    action: str


class Sent(Struct, frozen=True, gc=False):
    """The peer sends a message that wants no answer (2.1)."""

    action: str
    message: Message
    repairs: tuple[str, ...] = ()


class Answered(Struct, frozen=True, gc=False):
    """Our call was answered."""

    request: Message
    response: Message
    message_id: str
    repairs: tuple[str, ...] = ()


class Failed(Struct, frozen=True, gc=False):
    """Our call came to nothing: the peer's error code, or one of the three codes above."""

    request: Message
    code: str
    description: str
    details: Mapping[str, JSON]
    message_id: str


class Malformed(Struct, frozen=True, gc=False):
    """The peer broke the protocol. Where the specification wants an answer, it is queued."""

    message_id: str | None
    """None where it could not be read."""
    code: str
    description: str
    action: str | None = None


class PeerRefusedAnswer(Struct, frozen=True, gc=False):
    """The peer could not read an answer of ours (2.1, CALLRESULTERROR)."""

    message_id: str
    code: str
    description: str
    details: Mapping[str, JSON]


class Late(Struct, frozen=True, gc=False):
    """An answer to no open call: we gave up on it, or it came twice. Harmless, and common."""

    message_id: str | None


Event: TypeAlias = (
    Received | Duplicate | Sent | Answered | Failed | Malformed | PeerRefusedAnswer | Late
)
