"""Bad behaviour by seed: what stations of the field do to a central system, on purpose or not.

It decides and bends frames; the conversation (``talk``) carries it out. The same seed and the same
commands give the same mischief, byte for byte. Knows no message of any version.
"""

from functools import cache
from typing import Any, Final, Literal, get_args, get_type_hints

import msgspec
from msgspec.structs import replace

from forecourt.protocol.ocpp.dialect import ErrorReason
from forecourt.protocol.ocpp.values import Message
from forecourt.sim.luck import Luck

Trait = Literal["refuses", "lies", "mute", "slow", "errs", "garbles", "reboots", "babbles"]
"""refuses: says Rejected though it could. lies: says another status than what it did. mute: never
answers. slow: answers late, often too late. errs: answers with a CALLERROR. garbles: breaks the
schema, or JSON itself, in answers and in calls. reboots: answers and falls over. babbles: calls
what does not exist, and answers what nobody asked."""

TRAITS: Final[tuple[Trait, ...]] = get_args(Trait)
_ERRORS: Final = (
    ErrorReason.INTERNAL,
    ErrorReason.NOT_SUPPORTED,
    ErrorReason.GENERIC,
    ErrorReason.NOT_IMPLEMENTED,
    ErrorReason.SECURITY,
    ErrorReason.PROPERTY,
)
_NO_WORDS: Final = frozenset({"Rejected", "Failed", "UnlockFailed", "NotSupported", "Faulted"})
_LATE_S: Final = (5.0, 90.0)
_OPENING: Final = 2
"""A frame's type and message id, before what may be bent."""
_LONG: Final = "x" * 2_000


class Mischief:
    """One station's."""

    __slots__ = ("_luck", "_rate", "traits")

    def __init__(self, luck: Luck, rate: float, traits: tuple[Trait, ...] = TRAITS) -> None:
        assert traits, "bad behaviour is of some kind"
        self._luck = luck
        self._rate = rate
        self.traits = traits

    def draw(self) -> Trait | None:
        """What to do about the command that has just come."""
        return self._luck.pick(self.traits) if self._luck.chance(self._rate) else None

    def garbles_call(self) -> bool:
        """Whether to break a call of our own."""
        return "garbles" in self.traits and self._luck.chance(self._rate / 4)

    def delay_s(self) -> float:
        return self._luck.between(*_LATE_S)

    def error(self) -> ErrorReason:
        return self._luck.pick(_ERRORS)

    def lie(self, answer: Message, *, no: bool) -> Message:
        """The same answer with another status; a refusal, where ``no``. Or the same again."""
        others = [w for w in _statuses(type(answer)) if w != getattr(answer, "status", None)]
        if no:
            others = [word for word in others if word in _NO_WORDS]
        return replace(answer, status=self._luck.pick(others)) if others else answer

    def bend(self, frame: bytes) -> bytes:
        """Break a frame: by JSON, by schema, or by a field that nobody knows."""
        ways = (self._cut, self._unknown_field, self._null, self._drop, self._swap_type)
        return self._luck.pick(ways)(frame)

    def babble(self) -> bytes:
        """A frame that nobody asked for."""
        number = self._luck.bits() & 0xFFFF
        return self._luck.pick(
            (
                f'[2,"babble-{number}","MakeCoffee",{{"sugar":true}}]'.encode(),
                f'[3,"babble-{number}",{{}}]'.encode(),
                f'[9,"babble-{number}",{{}}]'.encode(),
                f'[2,"babble-{number}"]'.encode(),
                b"[]",
                b"ping",
            )
        )

    def _cut(self, frame: bytes) -> bytes:
        return frame[: -1 - self._luck.bits() % max(1, len(frame) // 2)]

    def _unknown_field(self, frame: bytes) -> bytes:
        return _with_payload(frame, lambda payload: payload.update(madeUpField=1))

    def _null(self, frame: bytes) -> bytes:
        return _with_payload(frame, lambda payload: payload.update(dict.fromkeys([*payload][:1])))

    def _drop(self, frame: bytes) -> bytes:
        def drop(payload: dict[str, Any]) -> None:
            if payload:
                del payload[self._luck.pick(sorted(payload))]

        return _with_payload(frame, drop)

    def _swap_type(self, frame: bytes) -> bytes:
        def swap(payload: dict[str, Any]) -> None:
            if payload:
                name = self._luck.pick(sorted(payload))
                payload[name] = _LONG if not isinstance(payload[name], str) else 17

        return _with_payload(frame, swap)


def _with_payload(frame: bytes, change: Any) -> bytes:
    elements = msgspec.json.decode(frame)
    for element in elements[_OPENING:]:
        if isinstance(element, dict):
            change(element)
    return msgspec.json.encode(elements)


@cache
def _statuses(kind: type[Message]) -> tuple[str, ...]:
    """The words that an answer's status may be."""
    return get_args(get_type_hints(kind).get("status"))
