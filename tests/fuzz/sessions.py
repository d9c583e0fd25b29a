"""Target: whatever a station may tell of its transactions, in any order, as often as it likes."""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec.structs import replace

from forecourt.base.context import Context
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.access import Authorization, Standing
from forecourt.domain.sessions import (
    EventKind,
    EventReport,
    Flag,
    LiveSessions,
    Progress,
    Reading,
    Session,
    Sessions,
    SessionState,
    StopReport,
    Turn,
)
from forecourt.domain.stations import Admission, LiveStation, Station
from forecourt.infra.commit import Changes
from forecourt.infra.database import Database

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
TENANT: Final = TenantId("default")
STEPS_MAX: Final = 300
# A transaction's name, its EVSE, what is told, its number, a moment and two registers.
STEP: Final = struct.Struct(">BBBbbqq")
WH_MAX: Final = 10**15
FITS: Final = 2**63
KINDS: Final = list(EventKind)
STANDINGS: Final = (None, *Standing)
# The verbs that are driven here decide from memory; nobody asks this database anything.
SESSIONS: Final = Sessions(Database("postgresql://nobody@localhost/none", pool_size=2))


class Told:
    """One station's sessions, and what must hold of them after each message."""

    def __init__(self) -> None:
        station = Station(
            id=StationId("CP"), tenant=TENANT, admission=Admission.ACCEPTED, created_at=NOW
        )
        self._now = NOW
        self._live = LiveStation(station, 1, {})
        self._sessions = LiveSessions(None)

    def step(self, what: int, name: int, kind: int, number: int, minute: int, *wh: int) -> None:
        """One message, told twice: the second time changes nothing."""
        before = {name: self._find(name) for name in self._sessions.known}
        for again in (False, True):
            turn = Turn(self._ctx(), self._live, self._sessions, Changes())
            known = self._all()
            self._tell(turn, what, f"t{name % 3}", kind=kind, number=number, minute=minute, wh=wh)
            self._rows_fit(turn.changes)
            if again and self._told_before(what):
                assert self._all() == known, "told again, it changed something"
        for transaction, session in before.items():
            if transaction in self._sessions.known:
                _moved_on(session, self._find(transaction))
        for session in self._all().values():
            assert session.progress.energy_wh >= 0
            assert session.progress.exported_wh >= 0

    def _told_before(self, what: int) -> bool:
        """Readings of 1.6 bear no number: their digest tells the record that it has them."""
        return what % 6 != 5

    def _tell(
        self,
        turn: Turn,
        what: int,
        transaction: str,
        *,
        kind: int,
        number: int,
        minute: int,
        wh: tuple[int, ...],
    ) -> None:
        at = NOW + timedelta(minutes=minute)
        session = self._sessions.find(transaction)
        # What the edge lets through: no meter shows more.
        register = wh[0] if abs(wh[0]) <= WH_MAX else None
        out = wh[1] if abs(wh[1]) <= WH_MAX else None
        reading = Reading(at, register, out, None, None, "[]", number & 0xFF)
        readings = () if kind & 8 else (reading,)
        match what % 6:
            case 0 | 1 | 2:
                report = _report(transaction, kind, number, at, readings)
                standing = STANDINGS[(kind >> 4) % len(STANDINGS)]
                carded = standing is not None and report.token
                own = Authorization(standing=standing or Standing.UNKNOWN) if carded else None
                SESSIONS.event(turn, session, report, own)
            case 3:
                stop = StopReport(transaction=1, reported_at=at, meter_wh=wh[0], body="{}")
                SESSIONS.stop(turn, replace(stop, readings=readings), session)
            case 4 if session is not None:
                if not SESSIONS.sampled(
                    turn,
                    session,
                    seq_no=number,
                    charging_state="",
                    offline=bool(kind & 4),
                    readings=readings,
                ):
                    report = _report(transaction, 1, number, at, readings)
                    SESSIONS.updated(turn, session, report)
            case _:
                SESSIONS.meter(turn, evse_no=kind & 3, transaction=transaction, readings=readings)

    def _ctx(self) -> Context:
        self._now += timedelta(seconds=20)
        return Context(actor="station:CP", tenant=TENANT, now=self._now)

    def _find(self, transaction: str) -> Session:
        found = self._sessions.find(transaction)
        assert found is not None
        return found

    def _all(self) -> dict[str, Session]:
        """As they are now, whenever the record was last told."""
        return {
            name: replace(self._find(name), saved_at=NOW) for name in list(self._sessions.known)
        }

    def _rows_fit(self, changes: Changes) -> None:
        """A number that no column takes would cost the message, each time that it is told."""
        for write, row in changes.rows:
            assert len(row) == len(write.columns)
            for column, value in zip(write.columns, row, strict=True):
                if isinstance(value, int):
                    assert -FITS <= value < FITS, f"{write.table}.{column} = {value}"


def _report(
    transaction: str, kind: int, number: int, at: datetime, readings: tuple[Reading, ...]
) -> EventReport:
    return EventReport(
        kind=KINDS[kind % 3],
        transaction=transaction,
        seq_no=number,
        reported_at=at,
        trigger="MeterValuePeriodic",
        offline=bool(kind & 4),
        evse_no=(kind >> 4) % 3,
        token="" if kind & 64 else "card",
        readings=readings,
        body=Progress(),
    )


def _moved_on(before: Session, after: Session) -> None:
    if before.id != after.id:
        return
    if before.state is SessionState.ENDED:
        assert after.state is SessionState.ENDED, "what had ended runs again"
        corrected = Flag.STOP_MISSING in before.progress.flags
        assert corrected or after.progress.energy_wh == before.progress.energy_wh
    elif after.state is SessionState.ACTIVE:
        assert after.progress.energy_wh >= before.progress.energy_wh, "energy was lost"


def run(data: bytes) -> None:
    """One input: messages of a fixed size, one after another."""
    told = Told()
    count = min(len(data) // STEP.size, STEPS_MAX)
    for nth in range(count):
        told.step(*STEP.unpack_from(data, nth * STEP.size))


def seeds() -> Iterator[bytes]:
    """Sessions as they should be, one told late, one whose meter is odd."""
    whole = [(0, 0, 0, 0, 0, 100, 0), (4, 0, 0, 1, 5, 200, 10), (0, 0, 2, 2, 9, 300, 20)]
    gaps = [(0, 0, 0, 0, 0, 0, 0), (0, 0, 1, 4, 9, 50, 0), (4, 0, 4, 2, 5, 20, 0)]
    stops = [(0, 1, 0, 0, 0, 10, 0), (5, 1, 1, 0, 3, 40, 0), (3, 1, 0, 0, 7, 90, 0)]
    odd = [(0, 2, 0, 0, 0, 10**14, 0), (5, 2, 1, 0, 3, 0, 0), (3, 2, 0, 0, 7, -5, 0)]
    huge = [(0, 2, 0, 0, 0, -WH_MAX, 0), (3, 2, 0, 0, 7, FITS - 1, 0)]
    talks = (whole, gaps, stops, odd, huge, gaps + whole, stops * 3, [*whole, *whole], odd + gaps)
    for talk in talks:
        yield b"".join(STEP.pack(*step) for step in talk)
