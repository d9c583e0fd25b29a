"""What each version's translation is made of: one row for each command.

A row says which messages a command becomes, how, and how the answer is understood. Knows no topic
and no version.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from forecourt.domain.devices import ReportPart
from forecourt.domain.stations import (
    GOOD,
    Admission,
    Answer,
    Ask,
    Details,
    GetReport,
    GetVariables,
    InstalledCertificates,
    MonitorResults,
    Outcome,
    Reset,
    SetVariables,
    Trigger,
    Variable,
    failed,
)
from forecourt.edge.ocpp.asks import names
from forecourt.protocol.ocpp.dialect import Dialect
from forecourt.protocol.ocpp.values import Message, decode_custom

# A pending station may be configured, and nothing else (1.6 4.2; 2.x B02).
WHILE_PENDING: Final = (GetReport, GetVariables, Reset, SetVariables, Trigger)

OUTCOMES: Final[Mapping[str, Outcome]] = {
    "Accepted": Outcome.ACCEPTED,
    "AcceptedCanceled": Outcome.ACCEPTED,
    "RebootRequired": Outcome.ACCEPTED,
    "Unlocked": Outcome.ACCEPTED,
    "Unpublished": Outcome.ACCEPTED,
    "Scheduled": Outcome.SCHEDULED,
    "EmptyResultSet": Outcome.NOTHING,
    "NoFirmware": Outcome.NOTHING,
    "NoProfile": Outcome.NOTHING,
    "NoProfiles": Outcome.NOTHING,
    "NoTariff": Outcome.NOTHING,
    "NotFound": Outcome.NOTHING,
    "Unknown": Outcome.NOTHING,
    "NotImplemented": Outcome.UNSUPPORTED,
    "NotSupported": Outcome.UNSUPPORTED,
}


class Facts(Struct, frozen=True, kw_only=True):
    """What may be known when a command is said."""

    request_id: int
    now: datetime
    known: Mapping[tuple[str, str, str], str] = {}
    """(Component, variable, instance of the variable) -> value, as the station last reported it."""

    def value(self, variable: str, component: str = "", instance: str = "") -> str | None:
        """What a variable was when it was last seen."""
        return self.known.get(names.kept_as(variable, component, instance))

    def number(self, variable: str, component: str = "", instance: str = "") -> int | None:
        """The same, where it is a number above zero."""
        text = (self.value(variable, component, instance) or "").strip()
        return int(text) if text.isdecimal() and int(text) > 0 else None


class Asked(Struct, frozen=True):
    """A command in a version's own words: one message, or several, one after another."""

    requests: Sequence[Message]
    understand: Callable[[Any, Any, Any], "Told"]
    request_id: int | None = None
    independent: bool = False
    """Go on with the next message though the station said no to one."""


class Told(Struct, frozen=True):
    """A station's answer in the domain's words, and what it told of itself on the way."""

    answer: Answer
    variables: Sequence[Variable] = ()
    part: ReportPart | None = None
    """What of a report they are, if they are."""


class Row(Struct, frozen=True, kw_only=True):
    """How one command is said in one version."""

    messages: tuple[type[Message], ...]
    """What it may become."""
    say: Callable[[Any, Facts], Message | Sequence[Message] | Answer]
    understand: Callable[[Any, Any, Any], Told]
    independent: bool = False
    refuse: Callable[[Facts], str] | None = None
    """Why this station has no such thing, as far as it told; or nothing."""


Rows = Mapping[type[Ask], Row]
AskT = TypeVar("AskT", bound=Ask)
RequestT = TypeVar("RequestT", bound=Message)
ItemT = TypeVar("ItemT")
ResponseT = TypeVar("ResponseT", bound=Message)


def status(_command: Ask, _request: Message, response: Message) -> Told:
    """The answer of all those that say yes or no, and perhaps why. No word at all is a yes."""
    word = str(getattr(response, "status", ""))
    ended = outcome(word) if word else Outcome.ACCEPTED
    return Told(Answer(outcome=ended, status=word, reason=why(response)))


def why(response: Message) -> str:
    """The reason that a 2.x station gave."""
    info = getattr(response, "status_info", None)
    return f"{info.reason_code} {info.additional_info or ''}".strip() if info else ""


def row(
    command: type[AskT],
    *messages: type[Message],
    say: Callable[[AskT, Facts], Message | Sequence[Message] | Answer],
    understand: Callable[[AskT, RequestT, ResponseT], Told] = status,
    independent: bool = False,
    refuse: Callable[[Facts], str] | None = None,
) -> tuple[type[Ask], Row]:
    """Pair a command with its words; the types must agree, and the checker sees to it."""
    return command, Row(
        messages=messages,
        say=say,
        understand=understand,
        independent=independent,
        refuse=refuse,
    )


class Speech(Struct, frozen=True, kw_only=True):
    """How one version says commands and understands answers."""

    dialect: Dialect
    """Whose types a message must fit before it is sent."""
    name: str
    rows: Rows
    judged_by: frozenset[str] = frozenset()
    """The variables that tell what a station of this version can do."""

    @property
    def needed(self) -> frozenset[str]:
        """The same under the names by which they are kept."""
        return names.judged(self.judged_by)

    def ask(self, command: Ask, facts: Facts) -> Asked | Answer:
        """The messages to send; or, when this version or station has no such thing, why."""
        found = self.rows.get(type(command))
        if found is None:
            return unsupported(f"OCPP {self.name} has no such command")
        reason = found.refuse(facts) if found.refuse is not None else ""
        if reason:
            return unsupported(reason)
        try:
            said = found.say(command, facts)
            if isinstance(said, Answer):
                return said
            parts = (said,) if isinstance(said, Message) else said
            requests = [fitted(self.dialect, part) for part in parts]
        except msgspec.ValidationError as error:
            return unsupported(f"OCPP {self.name} cannot say this: {error}")
        numbered = any(
            facts.request_id == getattr(request, name, None)
            for request in requests
            for name in NUMBERS
        )
        return Asked(
            requests,
            found.understand,
            facts.request_id if numbered else None,
            found.independent,
        )


# Where a message carries the number by which what follows is known.
NUMBERS: Final = ("request_id", "remote_start_id")


def fitted(dialect: Dialect, message: Message) -> Message:
    """The message in this version's own type. Raises ValidationError where it does not fit.

    What 2.0.1 and 2.1 share is written in 2.1's types; 2.0.1's refuse what they do not know.
    """
    name = type(message).__name__
    kind = dialect.requests.get(name)
    if kind is None:
        raise msgspec.ValidationError(f"there is no {name}")
    fields = msgspec.to_builtins(message, builtin_types=(datetime,))
    fitting: Message = msgspec.convert(fields, kind, dec_hook=decode_custom)
    return fitting


def merged(answers: Sequence[Answer], request_id: int | None) -> Answer:
    """What several answers to one command come to: the first that is no yes, or else a yes."""
    last = answers[-1]
    bad = next((answer for answer in answers if answer.outcome not in GOOD), None)
    some = next((answer for answer in answers if answer.outcome is Outcome.ACCEPTED), last)
    return replace(
        bad or some,
        variables=tuple(result for answer in answers for result in answer.variables),
        details=_joined([answer.details for answer in answers if answer.details is not None]),
        request_id=last.request_id if last.request_id is not None else request_id,
    )


def _joined(found: Sequence[Details]) -> Details | None:
    """What several messages told, as if one had."""
    if len(found) < 2:  # noqa: PLR2004 (several)
        return found[0] if found else None
    certificates = [
        c for each in found if isinstance(each, InstalledCertificates) for c in each.certificates
    ]
    monitors = [m for each in found if isinstance(each, MonitorResults) for m in each.monitors]
    if certificates:
        return InstalledCertificates(certificates=tuple(certificates))
    return MonitorResults(monitors=tuple(monitors)) if monitors else found[-1]


def chunks(items: Sequence[ItemT], size: int | None) -> list[Sequence[ItemT]]:
    """In parts of what a station takes at once; all at once where it did not say."""
    step = size or max(len(items), 1)
    return [items[start : start + step] for start in range(0, len(items), step)]


def needs(variable: str, component: str = "", instance: str = "") -> Callable[[Facts], str]:
    """Refuse where a station said that this is not there; say nothing where it did not tell."""

    def refuse(facts: Facts) -> str:
        value = facts.value(variable, component, instance)
        if value is None or value.strip().casefold() != "false":
            return ""
        name = f"{component}.{variable}" if component else variable
        return f"the station says that {name}{f'[{instance}]' if instance else ''} is false"

    return refuse


def outcome(status: str) -> Outcome:
    """A station's word as one of ours; what is no kind of yes is a no."""
    return OUTCOMES.get(status, Outcome.REJECTED)


def unsupported(reason: str) -> Answer:
    """What a version cannot do; nothing was sent."""
    return failed(Outcome.UNSUPPORTED, reason)


def allowed(admission: Admission, command: Ask) -> bool:
    """Whether a station that was so admitted may be asked this."""
    return admission is Admission.ACCEPTED or isinstance(command, WHILE_PENDING)


def bids(requests: Sequence[Message]) -> frozenset[str]:
    """The actions that a station may send because it was asked this, admitted or not (2.x B02)."""
    bidden = set()
    for request in requests:
        triggered = getattr(request, "requested_message", None)
        if triggered is not None:
            bidden.add(triggered)
        elif type(request).__name__ == "GetBaseReport":
            bidden.add("NotifyReport")
    return frozenset(bidden)
