"""What a station can be asked to do, in the domain's words, and how it answered.

One Struct for each command; the tag is the word that people and programs use for it. The edge
translates into the version that the station speaks.
"""

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=50)]
Text = Annotated[str, Meta(max_length=2500)]
Number = Annotated[int, Meta(ge=0, le=10_000)]


TokenType = Literal["Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress"]


class _Command(Struct, frozen=True, kw_only=True, tag_field="command", forbid_unknown_fields=True):
    """Base of all commands."""


class Start(_Command, frozen=True, kw_only=True, tag="start"):
    """Start a session for a token, on one EVSE or where the driver plugs in."""

    token: Annotated[str, Meta(min_length=1, max_length=36)]
    token_type: TokenType = "Central"  # noqa: S105 (a kind of card)
    evse: Number | None = None


class Stop(_Command, frozen=True, kw_only=True, tag="stop"):
    """Stop a running transaction, named as the station knows it."""

    transaction: Annotated[str, Meta(min_length=1, max_length=36)]


class Reset(_Command, frozen=True, kw_only=True, tag="reset"):
    """Reboot: ``soft`` ends sessions in good order (2.x: waits for them), ``hard`` at once."""

    mode: Literal["soft", "hard"] = "soft"
    evse: Number | None = None


class Unlock(_Command, frozen=True, kw_only=True, tag="unlock"):
    """Let go of a cable."""

    evse: Annotated[int, Meta(ge=1, le=10_000)]
    connector: Annotated[int, Meta(ge=1, le=100)] = 1


class Availability(_Command, frozen=True, kw_only=True, tag="availability"):
    """Take a station, an EVSE or a connector out of service, or back into it."""

    operative: bool
    evse: Number = 0
    connector: Number | None = None


class Trigger(_Command, frozen=True, kw_only=True, tag="trigger"):
    """Ask for a message now."""

    message: Literal[
        "boot", "heartbeat", "status", "meter_values", "firmware", "log", "transaction"
    ]
    evse: Number | None = None
    connector: Number | None = None


class VariableName(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A variable of a component; a 1.6 key is a variable without a component."""

    variable: Name
    component: Annotated[str, Meta(max_length=50)] = ""
    evse: Number | None = None
    connector: Number | None = None
    instance: Annotated[str, Meta(max_length=50)] | None = None
    component_instance: Annotated[str, Meta(max_length=50)] | None = None
    attribute: Literal["Actual", "Target", "MinSet", "MaxSet"] = "Actual"


class VariableValue(VariableName, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A variable, and what it shall be."""

    value: Text


class GetVariables(_Command, frozen=True, kw_only=True, tag="get_variables"):
    """Read variables; 1.6 reads all keys when none is named."""

    variables: Annotated[tuple[VariableName, ...], Meta(max_length=100)] = ()


class SetVariables(_Command, frozen=True, kw_only=True, tag="set_variables"):
    """Write variables."""

    variables: Annotated[tuple[VariableValue, ...], Meta(min_length=1, max_length=100)]


class GetReport(_Command, frozen=True, kw_only=True, tag="get_report"):
    """Ask for the whole device model; the station sends it in parts (1.6: all its keys at once)."""

    base: Literal["configuration", "full", "summary"] = "full"


class DataTransfer(_Command, frozen=True, kw_only=True, tag="data_transfer"):
    """Send something that only this vendor understands."""

    vendor: Annotated[str, Meta(min_length=1, max_length=255)]
    message: Annotated[str, Meta(max_length=50)] | None = None
    data: Annotated[str, Meta(max_length=65_536)] | None = None


class ClearCache(_Command, frozen=True, kw_only=True, tag="clear_cache"):
    """Forget what was learnt of tokens."""


Command = (
    Start
    | Stop
    | Reset
    | Unlock
    | Availability
    | Trigger
    | GetVariables
    | SetVariables
    | GetReport
    | DataTransfer
    | ClearCache
)


class Outcome(StrEnum):
    """How a command ended."""

    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    """The station will do it, later."""
    REJECTED = "rejected"
    """The station will not."""
    UNSUPPORTED = "unsupported"
    """This version or this station has no such thing; nothing was sent, or it said so."""
    FAILED = "failed"
    """The station answered with a protocol error."""
    TIMEOUT = "timeout"
    """The station did not answer in time."""
    DISCONNECTED = "disconnected"
    """The station went away before it answered."""


class VariableResult(Struct, frozen=True, kw_only=True):
    """What the station says of one variable."""

    variable: str
    status: str
    component: str = ""
    value: str | None = None
    readonly: bool | None = None


class Answer(Struct, frozen=True, kw_only=True):
    """The station's own answer to a command."""

    outcome: Outcome
    status: str = ""
    """The station's word."""
    reason: str = ""
    variables: tuple[VariableResult, ...] = ()
    data: str | None = None
    request_id: int | None = None
    """Names the reports or the session that will follow."""
