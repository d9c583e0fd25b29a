"""Commands on their way to a station: what each version's translation offers the link."""

from collections.abc import Sequence
from typing import Final, Protocol

from msgspec import Struct

from forecourt.domain.stations import (
    Admission,
    Answer,
    Command,
    GetReport,
    GetVariables,
    Outcome,
    Reset,
    SetVariables,
    Trigger,
    Variable,
    failed,
)
from forecourt.protocol.ocpp.values import Message

# A pending station may be configured, and nothing else (1.6 4.2; 2.x B02).
WHILE_PENDING: Final = (GetReport, GetVariables, Reset, SetVariables, Trigger)

OUTCOMES: Final = {
    "Accepted": Outcome.ACCEPTED,
    "Scheduled": Outcome.SCHEDULED,
    "RebootRequired": Outcome.ACCEPTED,
    "Unlocked": Outcome.ACCEPTED,
    "NotSupported": Outcome.UNSUPPORTED,
    "NotImplemented": Outcome.UNSUPPORTED,
}


class Asked(Struct, frozen=True):
    """A command in a version's own words."""

    request: Message
    request_id: int | None = None


class Told(Struct, frozen=True):
    """A station's answer in the domain's words, and what it told of itself on the way."""

    answer: Answer
    variables: Sequence[Variable] = ()


class Speech(Protocol):
    """How one version says commands and understands answers."""

    def ask(self, command: Command, request_id: int) -> Asked | Answer:
        """The message to send; or, when this version has no such thing, the answer at once."""

    def understand(self, command: Command, asked: Asked, response: Message) -> Told:
        """The answer in the domain's words."""


def outcome(status: str) -> Outcome:
    """A station's word as one of ours; what is no kind of yes is a no."""
    return OUTCOMES.get(status, Outcome.REJECTED)


def unsupported(reason: str) -> Answer:
    """What a version cannot do; nothing was sent."""
    return failed(Outcome.UNSUPPORTED, reason)


def allowed(admission: Admission, command: Command) -> bool:
    """Whether a station that was so admitted may be asked this."""
    return admission is Admission.ACCEPTED or isinstance(command, WHILE_PENDING)


def bids(request: Message) -> frozenset[str]:
    """The actions that a station may send because it was asked this, admitted or not (2.x B02)."""
    triggered = getattr(request, "requested_message", None)
    if triggered is not None:
        return frozenset({triggered})
    return frozenset({"NotifyReport"} if type(request).__name__ == "GetBaseReport" else ())
