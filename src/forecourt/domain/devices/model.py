"""What exists in this room: standard variables, templates, plans, and what happens to them."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, Literal

from msgspec import Struct

from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.stations import Outcome, StationEvent, Variable, VariableName

Mutability = Literal["ReadOnly", "ReadWrite", "WriteOnly"]
DataType = Literal[
    "string",
    "decimal",
    "integer",
    "dateTime",
    "boolean",
    "OptionList",
    "SequenceList",
    "MemberList",
]

# ---- what the standards know ------------------------------------------------------------------


class FlatKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stations without components call a variable."""

    name: str
    mutability: Mutability
    profile: str
    """The group of functions that it comes with."""
    required: bool = False
    words: dict[str, str] = {}
    """How values are written there, where that differs."""


class Standard(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A variable that the standards name."""

    component: str
    name: str
    instance: str = ""
    type: DataType
    unit: str = ""
    mutability: Mutability
    required: bool = False
    min: float | None = None
    max: float | None = None
    values: tuple[str, ...] = ()
    key: FlatKey | None = None


class LimitKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A flat name that says how much fits into a variable: a limit of it, none of its own."""

    name: str
    of_name: str
    profile: str
    of_component: str = ""
    of_instance: str = ""
    required: bool = False


class LoneKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A flat name that no variable of the device model has."""

    name: str
    type: DataType
    mutability: Mutability
    profile: str
    because: str
    unit: str = ""
    required: bool = False
    min: float | None = None
    max: float | None = None
    values: tuple[str, ...] = ()


# ---- what stations have -----------------------------------------------------------------------


class ReportPart(Struct, frozen=True, kw_only=True):
    """Which part of which report something came in."""

    request_id: int
    seq_no: int
    last: bool
    whole: bool
    """The report is of everything that there is."""


# ---- what is wanted ---------------------------------------------------------------------------


class Wanted(Struct, frozen=True, kw_only=True):
    """A variable, and what it shall be."""

    variable: str
    value: str
    component: str = ""
    component_instance: str = ""
    evse: int = 0
    connector: int = 0
    instance: str = ""
    attribute: Literal["Actual", "Target", "MinSet", "MaxSet"] = "Actual"

    @property
    def place(self) -> "Place":
        """Which variable is meant, whatever it shall be."""
        return Place(
            component=self.component.casefold(),
            component_instance=self.component_instance.casefold(),
            evse=self.evse,
            connector=self.connector,
            variable=self.variable.casefold(),
            instance=self.instance.casefold(),
            attribute=self.attribute,
        )

    def __str__(self) -> str:
        return spelt(self)


class Network(Struct, frozen=True, kw_only=True):
    """A way to reach us that a station shall have in one of its slots. Holds no secret."""

    slot: int
    url: str
    security_profile: int
    protocol: str = "ocpp2.0.1"
    interface: str = "Wired0"
    message_timeout_s: int = 30
    identity: str | None = None


class Place(Struct, frozen=True, kw_only=True):
    """One attribute of one variable; names are without case, as the standards have it."""

    component: str
    component_instance: str
    evse: int
    connector: int
    variable: str
    instance: str
    attribute: str


class Template(Struct, frozen=True, kw_only=True):
    """What stations of some kind shall be set to. What it does not name, it leaves open."""

    name: str
    vendor: str = ""
    """A pattern with * and ?, without case; empty: any."""
    model: str = ""
    firmware_from: str = ""
    """The oldest firmware that it is for; empty: any."""
    firmware_to: str = ""
    """The newest firmware that it is for; empty: any."""
    site: str = ""
    station: str = ""
    rank: int = 0
    """Among templates that are as specific, the higher one overrides."""
    auto: bool = False
    """Set what it wants without being asked, after boots and when something drifted."""
    values: tuple[Wanted, ...] = ()
    networks: tuple[Network, ...] = ()


class Desired(Struct, frozen=True, kw_only=True):
    """What one station shall be set to, and which template says so."""

    wanted: Wanted
    template: str
    auto: bool
    network: Network | None = None
    """Given for a network's slot, which is set by a command of its own."""


class Step(StrEnum):
    """What is to be done about a variable."""

    SET = "set"
    ALREADY = "already"
    """It is as it shall be."""
    REBOOT = "reboot"
    """It is set, and takes effect when the station starts again."""
    READ_ONLY = "read_only"
    UNKNOWN = "unknown"
    """The station has no such variable, or has not told yet."""
    INVALID = "invalid"
    """The station would not take this value: it says so in its characteristics."""
    WAITING = "waiting"
    """It was tried in vain, and is tried again later."""


class Line(Struct, frozen=True, kw_only=True):
    """One line of a plan."""

    wanted: Wanted
    template: str
    auto: bool
    step: Step
    because: str
    found: str | None = None
    network: Network | None = None


class State(StrEnum):
    """How a station stands to what is wanted of it."""

    UNKNOWN = "unknown"
    """It has not told its variables yet."""
    UNMANAGED = "unmanaged"
    """No template is for it."""
    CONFORMS = "conforms"
    DRIFTED = "drifted"
    REBOOT_NEEDED = "reboot_needed"
    """All is set, and something takes effect when it starts again."""


class Plan(Struct, frozen=True, kw_only=True):
    """What is to be done about a station, and why."""

    state: State
    lines: tuple[Line, ...] = ()
    next_try: datetime | None = None
    """When the first of those that wait is tried again."""

    @property
    def to_set(self) -> tuple[Line, ...]:
        """What the executor would set now."""
        return tuple(line for line in self.lines if line.step is Step.SET)


class Try(Struct, frozen=True, kw_only=True):
    """A value that a station was told to take."""

    place: Place
    value: str
    times: int
    at: datetime
    said: str
    """What it answered."""
    accepted: bool


DRIFT_SORTS: Final = ("station", "state", "checked_at")
"""What stations may be sorted by where all are listed with their drift."""


class Upkeep(Struct, frozen=True, kw_only=True):
    """What the caretaker remembers of a station."""

    station: StationId
    tenant: TenantId
    model_of: str = ""
    """Maker, model and firmware when its whole device model was last told; empty: never."""
    model_at: datetime | None = None
    fetches: int = 0
    """How often it was asked for its model since the last boot, in vain."""
    fetch_after: datetime | None = None
    state: State = State.UNKNOWN
    lines: tuple[Line, ...] = ()
    checked_at: datetime | None = None
    tries: tuple[Try, ...] = ()


class Standing(Struct, frozen=True, kw_only=True):
    """How a station stands to what is wanted of it, as of now."""

    station: StationId
    plan: Plan
    model_at: datetime | None
    checked_at: datetime | None


class Applied(Struct, frozen=True, kw_only=True):
    """One line that was carried out, and the station's answer."""

    line: Line
    outcome: Outcome
    status: str
    reason: str


# ---- what happens -----------------------------------------------------------------------------


class StationDrifted(StationEvent, frozen=True, kw_only=True, tag="station.drifted"):
    """A station is not as its templates want it, in other ways than before."""

    variables: tuple[str, ...]


class StationConforms(StationEvent, frozen=True, kw_only=True, tag="station.conforms"):
    """A station is as its templates want it, and was not before."""


class ModelReported(StationEvent, frozen=True, kw_only=True, tag="station.model_reported"):
    """A station told its whole device model."""

    variables: int
    gone: int
    """How many that it once had are not in it any more."""


# ---- what goes wrong --------------------------------------------------------------------------


class TemplateUnknown(ForecourtError):
    """No such template."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "template.unknown"


class TemplateExists(ForecourtError):
    """Another template has this name."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "template.exists"


class TemplateInvalid(ForecourtError):
    """A template that no station could be held to."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "template.invalid"


class ValueInvalid(ForecourtError):
    """A value that the station's own characteristics of the variable rule out."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "variable.value_invalid"


def spelt(name: Wanted | Variable | VariableName) -> str:
    """A variable's name for people: ``Component[instance]@evse.connector/Variable[instance]``."""
    match name:
        case Variable():
            parts = (name.component_instance, name.evse_no, name.connector_no)
            instance = name.variable_instance
        case _:
            parts = (name.component_instance or "", name.evse or 0, name.connector or 0)
            instance = name.instance or ""
    component_instance, evse, connector = parts
    text = name.component + (f"[{component_instance}]" if component_instance else "")
    if evse:
        text += f"@{evse}" + (f".{connector}" if connector else "")
    text += "." if text else ""
    text += name.variable + (f"[{instance}]" if instance else "")
    return text if name.attribute == "Actual" else f"{text}:{name.attribute}"
