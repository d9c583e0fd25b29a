"""What exists in this room: connector types, their names elsewhere, and stations' quirks."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Literal, NewType

from msgspec import Meta, Struct

from forecourt.base.errors import ForecourtError, Kind

ConnectorTypeId = NewType("ConnectorTypeId", str)
"""Our own name of a connector type: ``CCS2``, ``J3400``, ``TYPE2_SOCKET``."""


class Form(StrEnum):
    """How a vehicle meets it."""

    CABLE = "cable"
    SOCKET = "socket"
    PANTOGRAPH = "pantograph"
    WIRELESS = "wireless"


class Vocabulary(StrEnum):
    """Who has words for connector types. OCPP 1.6 has none."""

    OCPP_201 = "ocpp201"
    OCPP_21 = "ocpp21"
    OCPI_221 = "ocpi221"
    OCPI_230 = "ocpi230"


class AcLimits(Struct, frozen=True, kw_only=True):
    """What it usually carries as alternating current; the station's own rating may be lower."""

    phases_max: int
    voltage_v_max: int
    """Of one phase, against neutral where there is one."""
    current_a_max: int


class DcLimits(Struct, frozen=True, kw_only=True):
    """What it usually carries as direct current."""

    voltage_v_max: int
    current_a_max: int | None = None
    """None: the standard names no limit but heat."""


class ConnectorType(Struct, frozen=True, kw_only=True):
    """One shape of connector with one way of talking to the vehicle."""

    id: ConnectorTypeId
    name: str
    """For people."""
    form: Form
    ac: AcLimits | None = None
    dc: DcLimits | None = None
    ocpp201: str | None = None
    ocpp21: str | None = None
    ocpi221: str | None = None
    ocpi230: str | None = None
    borrowed: frozenset[Vocabulary] = frozenset()
    """Where its word truly means another type, and is the nearest there is."""


class Word(Struct, frozen=True):
    """What a vocabulary calls a connector type."""

    text: str
    exact: bool
    """False: somebody who reads it back may take it for another type; keep what was said first."""


class ParserFix(StrEnum):
    """A fault of form that may be forgiven; the protocol says what each one mends."""

    EMPTY_FRAME = "empty-frame"
    BROKEN_JSON = "broken-json"
    NULL_PAYLOAD = "null-payload"
    NULL_FIELD = "null-field"
    UNKNOWN_FIELD = "unknown-field"
    SINGLE_ITEM = "single-item"
    EMPTY_LIST = "empty-list"
    NUMBER_AS_TEXT = "number-as-text"
    WHOLE_FLOAT = "whole-float"
    LONG_TEXT = "long-text"
    OTHER_WORD = "other-word"
    UNKNOWN_WORD = "unknown-word"
    NO_ZONE = "no-zone"
    HUGE_NUMBER = "huge-number"
    NUL_CHARACTER = "nul-character"


Pattern = Annotated[str, Meta(min_length=1, max_length=50)]
"""``*`` and ``?`` stand for anything; upper and lower case are the same."""
Text = Annotated[str, Meta(min_length=1, max_length=500)]
Name = Annotated[str, Meta(min_length=1, max_length=50)]
"""A word of the protocol's: a code, a key, a measurand."""
Seconds = Annotated[int, Meta(ge=1, le=86_400)]
SubProtocol = Annotated[str, Meta(pattern=r"^ocpp[0-9.]{1,8}$")]
ProfileName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{1,47}$")]


class Match(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom a profile is for, by what a station says of itself when it boots."""

    vendor: Annotated[tuple[Pattern, ...], Meta(min_length=1, max_length=20)]
    model: Annotated[tuple[Pattern, ...], Meta(min_length=1, max_length=50)] = ("*",)
    firmware: Annotated[str, Meta(max_length=100)] = ""
    """A range, as ``>=5.0 <6``; a station that does not tell its firmware is in none."""


class QuirkProfile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a kind of station departs from its protocol, and what is done about it.

    Every key but the first four has an effect at the edge, or a word of advice in ``ADVISED``.
    """

    name: ProfileName
    title: Text
    match: Match | None = None
    """None: it is only ever chosen by hand."""
    evidence: tuple[Text, ...] = ()
    """Where the quirk was told of in public."""

    # What is mended of what it sends.
    fixes: frozenset[ParserFix] = frozenset()
    repair_json: bool = False
    """It leaves values out (`"transactionId":,`)."""
    tolerate_empty_sampled_values: bool = False
    tolerate_int64_txid: bool = False
    """It names transactions that nobody gave it, with more than 32 bits: none is meant."""
    ignore_vendor_error: frozenset[Name] = frozenset()
    """Codes of vendor errors that mean none, beside "no error"."""
    id_tag_cut: Annotated[str, Meta(max_length=4)] = ""
    """It appends something to a card's number, behind this."""

    # What is changed in what it is sent, or not sent at all.
    no_measurand_autodetect: bool = False
    """Asking for its list of measurands makes it boot."""
    measurands_allowed: frozenset[Name] = frozenset()
    """It takes others, and cannot bear them."""
    measurand_blacklist: frozenset[Name] = frozenset()
    force_stack_level_zero: bool = False
    profile_kind: Literal["Absolute", "Relative"] | None = None
    rate_unit: Literal["W", "A"] | None = None
    voltage_v: Annotated[int, Meta(ge=100, le=500)] = 230
    """Of one phase; what ``rate_unit`` converts by."""
    max_profile_unsupported: bool = False
    """It accepts a limit for the whole station and ignores it: a default for sessions instead."""
    no_change_availability: bool = False
    readonly_keys: frozenset[Name] = frozenset()
    min_meter_interval_s: Seconds | None = None

    # When.
    restart_cooldown_s: Seconds | None = None
    """A start so soon after a remote stop can knock it off the network."""
    poll_meter_values_s: Annotated[int, Meta(ge=10, le=86_400)] | None = None
    """It reports its meter only when asked."""

    # At the door.
    prefer_ocpp: SubProtocol | None = None
    assume_ocpp: SubProtocol | None = None
    """It names no sub-protocol; this is what it speaks."""

    # What an operator should know; nothing is done.
    require_remote_start: bool = False
    finishing_needs_reset: bool = False
    use_connector_status_only: bool = False
    txid_from_charger: bool = False
    boot_timeout_s: Seconds | None = None
    late_final_meter: bool = False
    pause_by_zero_current: bool = False
    advice: tuple[Text, ...] = ()


# Keys that no code acts on: what an operator is told instead. ``{}`` is the key's value.
ADVISED: Final[Mapping[str, str]] = {
    "require_remote_start": "begins to charge only when it is told to: start sessions remotely",
    "finishing_needs_reset": "may stay in 'finishing' after a remote stop until it is reset",
    "use_connector_status_only": "the state of the whole station misleads: look at its connectors",
    "txid_from_charger": "may make up transaction numbers, unless its own authorisation is off",
    "boot_timeout_s": "may need {} s to come back after it restarts",
    "late_final_meter": "tells its last meter value after the stop; it is kept with the session",
    "pause_by_zero_current": "pause it by a limit of 0 A rather than by stopping the session",
}

# A station's own choice, besides a profile's name.
AUTO: Final = "auto"
"""The profile that fits its maker, model and firmware, if one does."""
NONE: Final = "none"
"""No profile, whatever it is."""
STRICT: Final = "strict"
"""No profile, and nothing forgiven."""


class QuirksInvalid(ForecourtError):
    """A file of quirk profiles that cannot be used."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "quirks.invalid"


class QuirkChoiceInvalid(ForecourtError):
    """A station cannot choose this: it is no quirk profile."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "quirks.choice_invalid"
    field: ClassVar[str] = "quirks"


class QuirkProfileUnknown(ForecourtError):
    """There is no quirk profile of this name."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "quirks.unknown"


class ConnectorTypeUnknown(ForecourtError):
    """The catalogue has no connector type of this name."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "connector_type.unknown"
