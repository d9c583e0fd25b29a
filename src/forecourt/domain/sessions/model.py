"""What exists in this room: sessions from plug-in to record, and the readings in between."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final, TypedDict

from msgspec import Struct
from msgspec.structs import replace

from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.events import Event
from forecourt.base.ids import SessionId, StationId, TenantId
from forecourt.domain.access import Standing

# Ended sessions that a gateway remembers for each station, for what comes late.
ENDED_KEPT_MAX: Final = 4


Days = tuple[tuple[int, int], ...]
"""Spans of days in UTC, the first and the last of each by their ordinals."""


class SessionState(StrEnum):
    """Where a session is in its life."""

    ACTIVE = "active"
    ENDED = "ended"


class Flag(StrEnum):
    """What an accountant should know before trusting a session."""

    START_MISSING = "start_missing"
    """The first we heard was not its start."""
    STOP_MISSING = "stop_missing"
    """Nobody told us how it ended: another one began where it was, its outlet is free, or its
    station has been away for days."""
    UNAUTHORIZED = "unauthorized"
    """The token was refused, and the station went on."""
    METER_WENT_BACK = "meter_went_back"
    """The register fell while the session ran: a reset, or a meter that counts by session."""
    METER_IMPLAUSIBLE = "meter_implausible"
    """Start and stop registers contradict each other; the energy is summed from the readings."""
    CLOCK_DOUBTFUL = "clock_doubtful"
    """The station's clock was plainly wrong; our own was used."""
    SEQUENCE_GAP = "sequence_gap"
    """It ended while events were missing, or more were missing than we can remember."""


class Reading(Struct, frozen=True, gc=False):
    """What a meter said at one moment. Registers in Wh, power in W, + into the vehicle."""

    sampled_at: datetime
    energy_wh: int | None
    """Energy.Active.Import.Register, the whole of all phases, at the outlet."""
    export_wh: int | None
    power_w: int | None
    soc_pct: float | None
    samples: str
    """All samples as the station sent them: JSON, signed values verbatim."""
    digest: int
    """CRC-32 of the samples: tells two readings of one EVSE and one moment apart."""


class Progress(Struct, frozen=True, gc=False):
    """How far a session is. Replaced by each reading; made from the record and the readings."""

    energy_wh: int = 0
    exported_wh: int = 0
    meter_wh: int | None = None
    """The newest import register, and the highest that was seen."""
    meter_high_wh: int | None = None
    meter_at: datetime | None = None
    export_meter_wh: int | None = None
    power_w: int | None = None
    soc_pct: float | None = None
    seq_next: int = 0
    """The event number that must come next (2.x), and those below it that have not come."""
    seq_missing: tuple[int, ...] = ()
    flags: tuple[Flag, ...] = ()


SORTS: Final = ("id", "started_at", "ended_at", "energy_wh", "station")
"""What sessions may be sorted by."""

READING_SORTS: Final = ("sampled_at",)
"""What a session's readings may be sorted by."""


EVENT_SORTS: Final = ("seq_no", "at", "received_at")
"""What a session's events may be sorted by."""

STOP_SORTS: Final = ("received_at", "reported_at", "station")
"""What stops that fit no session may be sorted by."""


class PowerSpan(Struct, frozen=True, kw_only=True):
    """A span of whole steps."""

    begins_at: datetime
    ends_at: datetime
    step: timedelta


class Taken(Struct, frozen=True, kw_only=True):
    """What was taken in one step, where anything ran."""

    at: datetime
    energy_ws: int | None
    """By the power that was told, in Ws; None where none was."""
    sessions: int
    measured: int


class PowerStep(Struct, frozen=True, kw_only=True):
    """One step of it."""

    at: datetime
    """When it begins."""
    power_w: int | None
    """The average of the whole step; None where sessions ran and none told its power."""
    sessions: int
    """How many ran in it; of more than a quarter hour: in its busiest quarter hour."""
    measured: int
    """How many of these told their power in it, or not long before."""


class PowerPart(Struct, frozen=True, kw_only=True):
    """What one site, or station, has of each step."""

    id: str
    power_w: Sequence[int | None]


class PowerHistory(Struct, frozen=True, kw_only=True):
    """Power over time."""

    span: PowerSpan
    steps: Sequence[PowerStep]
    """Until now, or until when it is summed up."""
    parts: Sequence[PowerPart]
    """Of those that took most, the greatest first."""


class PowerSpanInvalid(ForecourtError):
    """Power cannot be told of this span in such steps."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "power.span_invalid"
    field: ClassVar[str] = "from"


class SessionFields(TypedDict, total=False):
    """What sessions can be chosen by; None is any."""

    station: StationId | None
    site: str | None
    """Where the station stands now."""
    state: SessionState | None
    token: str | None
    since: datetime | None
    """Started then or later."""
    until: datetime | None
    """Started before then."""


class Session(Struct, frozen=True, kw_only=True):
    """One charging session; OCPP calls it a transaction."""

    id: SessionId
    tenant: TenantId
    station: StationId
    evse_no: int
    connector_no: int
    transaction: str
    """Its name on the wire: the number that we gave it (1.6), or the station's id (2.x)."""
    start_key: str
    """What makes its start the same start when it is told again."""
    token: str = ""
    token_type: str = ""
    group: str = ""
    standing: Standing | None = None
    state: SessionState = SessionState.ACTIVE
    charging_state: str = ""
    offline: bool = False
    """Some of it happened while the station had no link."""
    remote_start_id: int | None = None
    started_at: datetime
    ended_at: datetime | None = None
    meter_start_wh: int | None = None
    meter_stop_wh: int | None = None
    stop_reason: str = ""
    progress: Progress = Progress()
    days: Days | None = None
    """Of what days its readings are; no others are looked through for them. None: not noted."""
    zone: str = ""
    """Its station's time zone, where read with it; nothing: as the tenant's setting has it."""
    saved_at: datetime
    """Until when the record holds the progress; later readings are added to it."""


class Load(Struct, frozen=True, kw_only=True):
    """What charges at a site now, and what was charged there since a moment."""

    running: int = 0
    power_w: int = 0
    sessions: int = 0
    """That run, or ended since then."""
    energy_wh: int = 0
    """Since then."""


class LiveSessions:
    """What a gateway holds of one connected station's sessions. One owner, so it may change."""

    __slots__ = ("ahead", "known", "newest", "newest_loaded", "unmatched")

    def __init__(self, newest_loaded: datetime | None) -> None:
        self.known: dict[str, Session] = {}
        """By transaction: those that run, and the last few that ended, as their records are."""
        self.ahead: dict[str, Progress] = {}
        """By transaction: progress that the record does not hold yet."""
        self.newest: dict[int, datetime] = {}
        """By EVSE: no reading of a later moment than this was ever recorded."""
        self.newest_loaded = newest_loaded
        """The same for EVSEs that have not spoken since the station connected."""
        self.unmatched: tuple[int, datetime] | None = None
        """The last stop that fitted nothing: some stations repeat it for ever (field quirk 13)."""

    def running(self, evse_no: int) -> Session | None:
        """The newest session that runs at this EVSE, as it is now."""
        found = None
        for session in self.known.values():
            if session.evse_no == evse_no and session.state is SessionState.ACTIVE:
                found = session
        return None if found is None else self.find(found.transaction)

    def find(self, transaction: str) -> Session | None:
        """A session as it is now: its record, and what that does not hold yet."""
        session = self.known.get(transaction)
        progress = self.ahead.get(transaction)
        if session is None or progress is None:
            return session
        return replace(session, progress=progress)

    def keep(self, session: Session) -> None:
        """Hold a session as its record now is, and no more ended ones than are worth it."""
        self.known[session.transaction] = session
        self.ahead.pop(session.transaction, None)
        ended = [s.transaction for s in self.known.values() if s.state is SessionState.ENDED]
        for transaction in ended[: max(0, len(ended) - ENDED_KEPT_MAX)]:
            if transaction != session.transaction:
                del self.known[transaction]
                self.ahead.pop(transaction, None)


class StartReport(Struct, frozen=True, kw_only=True):
    """1.6: a station tells that a session began, and waits for its number."""

    evse_no: int
    connector_no: int = 1
    token: str
    reported_at: datetime
    meter_wh: int
    reservation: int | None = None


class StopReport(Struct, frozen=True, kw_only=True):
    """1.6: a station tells that a session ended."""

    transaction: int
    reported_at: datetime
    meter_wh: int
    reason: str = ""
    token: str = ""
    readings: Sequence[Reading] = ()
    body: str
    """The message as JSON, kept when it fits no session."""


class EventKind(StrEnum):
    """2.x: what a transaction event is."""

    STARTED = "started"
    UPDATED = "updated"
    ENDED = "ended"


class EventReport(Struct, frozen=True, kw_only=True):
    """2.x: something happened in a transaction."""

    kind: EventKind
    transaction: str
    seq_no: int
    reported_at: datetime
    trigger: str
    offline: bool = False
    evse_no: int | None = None
    connector_no: int | None = None
    token: str = ""
    token_type: str = ""
    charging_state: str = ""
    stop_reason: str = ""
    remote_start_id: int | None = None
    readings: Sequence[Reading] = ()
    body: Struct
    """The event as the station sent it; kept as JSON."""


class KeptEvent(Struct, frozen=True, kw_only=True):
    """2.x: an event of a session, as it is kept."""

    seq_no: int
    at: datetime
    """By the station's clock."""
    kind: EventKind
    trigger: str
    offline: bool
    received_at: datetime
    body: Any
    """The message as JSON has it, as the station sent it."""


class UnmatchedStop(Struct, frozen=True, kw_only=True):
    """1.6: a stop that fits no session, as it is kept."""

    station: StationId
    transaction: str
    reported_at: datetime
    received_at: datetime
    meter_wh: int
    body: Any
    """The message as JSON has it, as the station sent it."""


class StopFields(TypedDict, total=False):
    """What such stops can be chosen by; None is any."""

    station: StationId | None
    since: datetime | None
    """Received then or later."""
    until: datetime | None
    """Received before then."""


class SessionEvent(Event, frozen=True, kw_only=True):
    """Something that happened to one session; ordered with its station's other events."""

    station: StationId
    session: SessionId

    @property
    def subject(self) -> str:
        return self.station


class SessionStarted(SessionEvent, frozen=True, kw_only=True, tag="session.started"):
    """Somebody charges."""

    evse_no: int
    transaction: str
    token: str
    standing: Standing | None


class SessionEnded(SessionEvent, frozen=True, kw_only=True, tag="session.ended"):
    """A session is over; its energy is final unless it is corrected by what comes late."""

    evse_no: int
    transaction: str
    token: str
    energy_wh: int
    exported_wh: int
    started_at: datetime
    ended_at: datetime
    stop_reason: str
    flags: tuple[Flag, ...]


class StopUnmatched(Event, frozen=True, kw_only=True, tag="session.stop_unmatched"):
    """A stop that fits no session we know: confirmed, kept, and somebody should look."""

    station: StationId
    transaction: int

    @property
    def subject(self) -> str:
        return self.station


class SessionUnknown(ForecourtError):
    """No such session."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "session.unknown"


class SessionOver(ForecourtError):
    """It has ended already."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "session.over"


class StationThere(ForecourtError):
    """Its station is connected, and can be asked to stop it."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "session.station_connected"


class TokenRefused(ForecourtError):
    """A token that may not charge, so no station is asked to start for it."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "token.refused"


class StopUnclear(ForecourtError):
    """A stop must name one transaction: neither none nor two."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "session.stop_unclear"
