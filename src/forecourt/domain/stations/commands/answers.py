"""How a station answered a command."""

from enum import StrEnum
from typing import Final

from msgspec import Struct

from forecourt.domain.stations.commands.certificates import (
    InstalledCertificates,
)
from forecourt.domain.stations.commands.charging import (
    CompositeSchedule,
)
from forecourt.domain.stations.commands.core import (
    Started,
    TransactionStatus,
)
from forecourt.domain.stations.commands.devices import (
    MonitorResults,
    OpenStreams,
)
from forecourt.domain.stations.commands.drivers import (
    LocalListVersion,
)
from forecourt.domain.stations.commands.files import (
    LogFile,
)
from forecourt.domain.stations.commands.grid import (
    Superseded,
)
from forecourt.domain.stations.commands.raw import (
    RawResponse,
)
from forecourt.domain.stations.commands.tariffs import (
    TariffsCleared,
    TariffsHeld,
)


class Outcome(StrEnum):
    """How a command ended."""

    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    """The station will do it, later."""
    NOTHING = "nothing"
    """The station has nothing of the kind that was asked for."""
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


GOOD: Final = frozenset({Outcome.ACCEPTED, Outcome.SCHEDULED, Outcome.NOTHING})
"""The station understood, and did not say no."""
SPOKEN: Final = GOOD | {Outcome.REJECTED, Outcome.UNSUPPORTED, Outcome.FAILED}
"""The station answered."""


class VariableResult(Struct, frozen=True, kw_only=True):
    """What the station says of one variable."""

    variable: str
    status: str
    component: str = ""
    value: str | None = None
    readonly: bool | None = None


Details = (
    CompositeSchedule
    | InstalledCertificates
    | LocalListVersion
    | LogFile
    | MonitorResults
    | OpenStreams
    | RawResponse
    | Started
    | Superseded
    | TariffsCleared
    | TariffsHeld
    | TransactionStatus
)
"""What a station says besides yes or no, where a command asks for it."""


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
    details: Details | None = None
