"""What differs between the OCPP versions, as data. Knows no connection and no rooms."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from functools import cached_property, lru_cache
from types import GenericAlias
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import Meta, Struct

from forecourt.protocol.ocpp.values import Message, decode_custom

MESSAGE_ID_LENGTH_MAX: Final = 36
"""All versions: enough for a GUID."""

MessageId = Annotated[str, Meta(max_length=MESSAGE_ID_LENGTH_MAX)]


class ErrorReason(StrEnum):
    """Why a message is refused: our closed set. Each version has its own word for each."""

    FORMAT = "format"
    OCCURRENCE = "occurrence"
    TYPE = "type"
    PROPERTY = "property"
    NOT_IMPLEMENTED = "not_implemented"
    NOT_SUPPORTED = "not_supported"
    INTERNAL = "internal"
    PROTOCOL = "protocol"
    SECURITY = "security"
    GENERIC = "generic"
    RPC_FRAMEWORK = "rpc_framework"
    MESSAGE_TYPE = "message_type"


_WORDS_2: Final[Mapping[ErrorReason, str]] = {
    ErrorReason.FORMAT: "FormatViolation",
    ErrorReason.OCCURRENCE: "OccurrenceConstraintViolation",
    ErrorReason.TYPE: "TypeConstraintViolation",
    ErrorReason.PROPERTY: "PropertyConstraintViolation",
    ErrorReason.NOT_IMPLEMENTED: "NotImplemented",
    ErrorReason.NOT_SUPPORTED: "NotSupported",
    ErrorReason.INTERNAL: "InternalError",
    ErrorReason.PROTOCOL: "ProtocolError",
    ErrorReason.SECURITY: "SecurityError",
    ErrorReason.GENERIC: "GenericError",
    ErrorReason.RPC_FRAMEWORK: "RpcFrameworkError",
    ErrorReason.MESSAGE_TYPE: "MessageTypeNotSupported",
}
# 1.6 misspells two words, and its errata (5.1, 5.2) keep them so. It has none for a broken frame:
# the nearest is "not conform the PDU structure"; and none for a type number: "any other error".
_WORDS_16: Final[Mapping[ErrorReason, str]] = {
    **_WORDS_2,
    ErrorReason.FORMAT: "FormationViolation",
    ErrorReason.OCCURRENCE: "OccurenceConstraintViolation",
    ErrorReason.RPC_FRAMEWORK: "FormationViolation",
    ErrorReason.MESSAGE_TYPE: "GenericError",
}


class Rules(Struct, frozen=True, kw_only=True):
    """Where the conversation itself differs by version."""

    error_words: Mapping[ErrorReason, str]
    answers_unreadable: bool
    """2.x answers a frame whose id cannot be read, with the id "-1"; 1.6 has no such answer."""
    answers_unknown_types: bool
    """2.0.1 (4.4) answers an unknown message type; 1.6 and 2.1 (4.1.3) only ignore it."""
    refuses_answers: bool
    """2.1 tells the peer that its answer was broken (CALLRESULTERROR)."""
    sends: bool
    """2.1 has messages that want no answer (SEND)."""


_RULES: Final[Mapping[str, Rules]] = {
    "ocpp1.6": Rules(
        error_words=_WORDS_16,
        answers_unreadable=False,
        answers_unknown_types=False,
        refuses_answers=False,
        sends=False,
    ),
    "ocpp2.0.1": Rules(
        error_words=_WORDS_2,
        answers_unreadable=True,
        answers_unknown_types=True,
        refuses_answers=False,
        sends=False,
    ),
    "ocpp2.1": Rules(
        error_words=_WORDS_2,
        answers_unreadable=True,
        answers_unknown_types=False,
        refuses_answers=True,
        sends=True,
    ),
}

CallFrame = tuple[int, MessageId, str, Message]
CallFrames: TypeAlias = Mapping[bytes, msgspec.json.Decoder[CallFrame]]
ResultFrame = tuple[int, MessageId, Message]


class Dialect(Struct, frozen=True, kw_only=True, dict=True, eq=False):
    """One OCPP version: its sub-protocol, messages, directions and words."""

    subprotocol: str
    requests: Mapping[str, type[Message]]
    """By action."""
    responses: Mapping[str, type[Message]]
    """By action."""
    sends: Mapping[str, type[Message]]
    """Messages that want no answer, by action."""
    from_station: frozenset[str]
    """Actions that a station may send."""
    from_csms: frozenset[str]
    """Actions that a CSMS may send."""

    extends: "Dialect | None" = None
    """An older version whose Structs this one takes as well: 2.1 has all that 2.0.1 has."""

    @cached_property
    def answers(self) -> frozenset[type[Message]]:
        """What may be sent as an answer."""
        older = frozenset() if self.extends is None else self.extends.answers
        return older | frozenset(self.responses.values())

    @cached_property
    def calls(self) -> frozenset[type[Message]]:
        """What may be sent as a call."""
        older = frozenset() if self.extends is None else self.extends.calls
        return older | frozenset(self.requests.values())

    @property
    def rules(self) -> Rules:
        return _RULES[self.subprotocol]

    def word(self, reason: ErrorReason) -> str:
        return self.rules.error_words[reason]

    # Decoders are prepared once, when the first connection of this version asks: the frame and its
    # payload are then read in one pass, which is the difference between one and two microseconds.

    def call_frames_of(self, accepts: Collection[str] | None) -> CallFrames:
        """Decoder of the whole CALL, by the action's bytes, of the actions that one end accepts."""
        known = frozenset(self.requests)
        return self._call_frames(known if accepts is None else known & frozenset(accepts))

    @lru_cache(maxsize=16)  # noqa: B019 - a dialect lives as long as the process
    def _call_frames(self, actions: frozenset[str]) -> CallFrames:
        return {
            action.encode(): _decoder(
                GenericAlias(tuple, (int, MessageId, str, self.requests[action]))
            )
            for action in actions
        }

    @cached_property
    def result_frames(self) -> Mapping[type[Message], msgspec.json.Decoder[ResultFrame]]:
        """Decoder of the whole CALLRESULT, by the request's type."""
        return {
            self.requests[action]: _decoder(GenericAlias(tuple, (int, MessageId, kind)))
            for action, kind in self.responses.items()
        }

    @cached_property
    def payloads(self) -> Mapping[type[Message], msgspec.json.Decoder[Message]]:
        """Decoder of a payload alone, by its type."""
        kinds = (*self.requests.values(), *self.responses.values(), *self.sends.values())
        return {kind: _decoder(kind) for kind in kinds}


def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, dec_hook=decode_custom)
