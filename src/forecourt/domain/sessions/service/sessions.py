"""The room's verbs.

Those with ``changes`` decide from live state in memory; their rows are written by the group commit.
``recall``, ``start`` and ``admit`` read the database first: they are for what happens once in a
session. The others are units of work of their own.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Unpack

import msgspec
from msgspec.structs import replace

from forecourt.base.context import Context
from forecourt.base.ids import SessionId, StationId, new_id
from forecourt.base.pages import FIRST_PAGE, Page, Wanted
from forecourt.domain.access import Authorization, Standing, folded
from forecourt.domain.sessions import rules
from forecourt.domain.sessions.model import (
    EventKind,
    EventReport,
    Flag,
    LiveSessions,
    Load,
    Progress,
    Reading,
    Session,
    SessionFields,
    SessionStarted,
    SessionState,
    SessionUnknown,
    StartReport,
    StopReport,
    StopUnmatched,
)
from forecourt.domain.sessions.service.kept import Kept
from forecourt.domain.sessions.service.power import Power
from forecourt.domain.sessions.service.silent import LOST, Silent, told_ended
from forecourt.domain.sessions.store import sessions as store
from forecourt.domain.stations import LiveStation
from forecourt.infra.commit import Changes
from forecourt.infra.database import Database, emit

# How far the record may lag behind the readings; what lags is made up from them. Between four and
# six minutes, each session at a moment of its own: those that began together, after a power cut
# say, would else all be saved in one batch, for which everybody's answer waits.
_SAVE_AFTER: Final = tuple(timedelta(seconds=240 + 120 * n / 63) for n in range(64))
# On the hot path: to look a member up costs more than to compare it.
_ACTIVE: Final = SessionState.ACTIVE


class Turn:
    """One message's turn: who and when, the live state it may change, the rows it leaves."""

    __slots__ = ("changes", "ctx", "sessions", "station")

    def __init__(
        self, ctx: Context, station: LiveStation, sessions: LiveSessions, changes: Changes
    ) -> None:
        self.ctx = ctx
        self.station = station
        self.sessions = sessions
        self.changes = changes


class Sessions:
    """Everything about sessions."""

    def __init__(self, db: Database) -> None:
        self.power = Power(db)
        self.silent = Silent(db)
        self.kept = Kept(db)
        self._db = db
        self._numbers: list[int] = []

    # ---- for everybody ------------------------------------------------------------------------

    async def read(self, ctx: Context, session: SessionId) -> Session:
        """A session as it is now, with what its record does not hold yet. Raises SessionUnknown."""
        async with self._db.unit(ctx) as unit:
            found = await store.find(unit, session)
            if found is None:
                raise SessionUnknown(f"there is no session {session!r}", session=session)
            # What came after its end is kept, and changes its energy no more.
            active = [found] if found.state is SessionState.ACTIVE else []
            later = await store.after_saved(unit, active, since=ctx.now - store.RECENT)
        return rules.folded(found, later.get(found.id, ()))

    async def list(
        self,
        ctx: Context,
        wanted: Wanted = FIRST_PAGE,
        **fit: Unpack[SessionFields],
    ) -> Page[Session]:
        """Sessions that fit, newest first if in no other order. Raises CursorInvalid, SortUnknown.

        They are in the order of their records, which lag behind the newest readings shown.
        """
        async with self._db.view(ctx) as unit:
            found = await store.page(unit, wanted, fit)
            active = [one for one in found.items if one.state is SessionState.ACTIVE]
            later = await store.after_saved(unit, active, since=ctx.now - store.RECENT)
        items = [rules.folded(session, later.get(session.id, ())) for session in found.items]
        return Page(items=items, next=found.next)

    async def readings(
        self, ctx: Context, session: Session, wanted: Wanted = FIRST_PAGE
    ) -> Page[Reading]:
        """What the meter said during a session, in the order of its moments if in no other one.

        Raises CursorInvalid, SortUnknown.
        """
        async with self._db.view(ctx) as unit:
            return await store.readings(unit, session, rules.days_of(session), wanted)

    async def counts(self, ctx: Context) -> dict[str, int]:
        """How many run, and with how much power."""
        async with self._db.unit(ctx) as unit:
            return await store.counts(unit, since=ctx.now - store.RECENT)

    async def house_counts(self, now: datetime) -> dict[str, int]:
        """The same of all tenants: for the metrics page, which names none."""
        async with self._db.house_unit() as unit:
            return await store.counts(unit, since=now - store.RECENT)

    async def since(self, ctx: Context, moment: datetime) -> dict[str, int]:
        """Of the sessions that run, or ended since a moment: how many, and their energy since."""
        async with self._db.unit(ctx) as unit:
            return await store.totals(unit, begins=moment)

    async def by_site(self, ctx: Context, begins: Mapping[str, datetime]) -> Mapping[str, Load]:
        """What charges at these sites now, and what was charged there since each one's moment."""
        if not begins:
            return {}
        async with self._db.unit(ctx) as unit:
            return await store.by_site(unit, begins)

    # ---- for the gateway: what is read first ----------------------------------------------------

    async def load(self, ids: Sequence[StationId], now: datetime) -> dict[StationId, LiveSessions]:
        """The live state of these stations' sessions."""
        since = now - store.RECENT
        async with self._db.house_unit() as unit:
            newest = await store.newest(unit, ids, since=since)
            running = await store.running(unit, ids)
            later = await store.after_saved(unit, running, since=since)
        live = {station: LiveSessions(newest.get(station, since)) for station in ids}
        for session in running:
            whole = rules.folded(session, later.get(session.id, ()))
            live[session.station].known[session.transaction] = whole
        return live

    async def recall(self, turn: Turn, transaction: str) -> Session | None:
        """A session by its name on the wire, also one that ended long ago."""
        found = turn.sessions.find(transaction)
        if found is None:
            async with self._db.glance() as glance:
                found = await store.find_transaction(glance, turn.station.station.id, transaction)
            if found is not None:
                turn.sessions.keep(found)
        return found

    async def admit(
        self,
        turn: Turn,
        token: str,
        authorization: Authorization,
        *,
        evse_no: int,
        transaction: str = "",
    ) -> Authorization:
        """The token's standing, counting where it charges already.

        What still runs at the same EVSE does not count: it is over, and only its stop was lost.
        """
        if authorization.standing is not Standing.ACCEPTED or authorization.sessions_max is None:
            return authorization
        besides = (turn.station.station.id, evse_no, transaction)
        async with self._db.glance() as glance:
            elsewhere = await store.running_with(
                glance, turn.ctx.tenant, folded(token), besides=besides
            )
        return rules.admitted(authorization, elsewhere)

    def end_lost(self, turn: Turn) -> None:
        """End what nobody charges any more: its outlet has been free for long, and no stop came."""
        for transaction in list(turn.sessions.known):
            session = turn.sessions.find(transaction)
            if session is None or session.state is not _ACTIVE:
                continue
            at = rules.lost_at(session, turn.station.connectors.values(), turn.ctx.now)
            if at is not None:
                self._over(turn, rules.given_up(session, turn.ctx, at=at, reason=LOST))

    # ---- for the gateway: 1.6 -------------------------------------------------------------------

    async def start(self, turn: Turn, report: StartReport, authorization: Authorization) -> Session:
        """A session began. Told again, it is the same session with the same number."""
        key = "|".join(
            (
                str(report.evse_no),
                folded(report.token),
                report.reported_at.isoformat(),
                str(report.meter_wh),
            )
        )
        at, believed = rules.moment(report.reported_at, turn.ctx)
        again = await self._started_before(turn, key)
        if again is not None:
            if believed or again.state is SessionState.ACTIVE:
                return again
            running = turn.sessions.running(report.evse_no)
            if running is not None and running.start_key.startswith(f"{key}|"):
                return running
            # Its clock says the same after every boot: another session after all.
            key = f"{key}|{turn.ctx.now.isoformat()}"
        number = str(await self._next_number())
        self._supersede(turn, report.evse_no, authorization, at)
        flags: tuple[Flag, ...] = () if believed else (Flag.CLOCK_DOUBTFUL,)
        if authorization.standing is not Standing.ACCEPTED:
            flags = rules.flagged(flags, Flag.UNAUTHORIZED)
        session = Session(
            id=SessionId(new_id("ses", turn.ctx.now)),
            tenant=turn.ctx.tenant,
            station=turn.station.station.id,
            evse_no=report.evse_no,
            connector_no=report.connector_no,
            transaction=number,
            start_key=key,
            token=report.token.strip(),
            group=authorization.group,
            standing=authorization.standing,
            started_at=at,
            meter_start_wh=report.meter_wh,
            progress=replace(rules.started(report.meter_wh, at), flags=flags),
            days=((at.toordinal(), at.toordinal()),),
            saved_at=turn.ctx.now,
        )
        self._save(turn, session)
        _tell_started(turn, session)
        return session

    def stop(self, turn: Turn, report: StopReport, session: Session | None) -> Session | None:
        """A session ended. A stop that fits none is kept apart; one told again changes nothing."""
        if session is None:
            told = (report.transaction, report.reported_at)
            if turn.sessions.unmatched == told:
                return None
            turn.sessions.unmatched = told
            at, _ = rules.moment(report.reported_at, turn.ctx)
            turn.changes.write(
                store.UNMATCHED_STOPS,
                (
                    *(turn.station.station.id, str(report.transaction), report.reported_at),
                    *(turn.ctx.tenant, turn.ctx.now, report.meter_wh, report.body),
                ),
            )
            emit(
                turn.changes,
                StopUnmatched(
                    tenant=turn.ctx.tenant,
                    at=at,
                    station=turn.station.station.id,
                    transaction=report.transaction,
                ),
            )
            return None
        if not rules.may_be_stopped_again(session):
            return session
        session = self._read_meter(turn, session, report.readings, None)
        return self._end(
            turn,
            session,
            reported_at=report.reported_at,
            stop_wh=report.meter_wh,
            reason=report.reason or "Local",
        )

    def meter(
        self, turn: Turn, *, evse_no: int, transaction: str | None, readings: Sequence[Reading]
    ) -> None:
        """Readings outside of transaction events (all of 1.6's, and 2.x MeterValues).

        The hot path. Without a transaction they belong to what runs at that EVSE, if anything.
        """
        session = turn.sessions.known.get(transaction) if transaction is not None else None
        if session is None:
            session = turn.sessions.running(evse_no)
        if session is None or session.state is not _ACTIVE:
            name = None if session is None else session.id
            _record(turn, evse_no, name, None, readings)
            if session is not None and (dated := rules.dated(session, readings)) is not session:
                self._save(turn, dated)
            return
        progress = turn.sessions.ahead.get(session.transaction, session.progress)
        _record(turn, session.evse_no, session.id, None, readings)
        for reading in readings:
            progress = rules.advance(progress, reading)
        self._progressed(turn, session, progress, readings)

    # ---- for the gateway: 2.x -------------------------------------------------------------------

    def sampled(
        self,
        turn: Turn,
        session: Session,
        *,
        seq_no: int,
        charging_state: str,
        offline: bool,
        readings: Sequence[Reading],
    ) -> bool:
        """The hot path: an update that tells readings and nothing else. Told again, it is nothing.

        False, and nothing done, where it tells more: then ``updated`` must have it. ``session``
        may lag behind its progress.
        """
        if (
            not readings
            or session.state is not _ACTIVE
            or (charging_state and charging_state != session.charging_state)
            or (offline and not session.offline)
        ):
            return False
        progress = turn.sessions.ahead.get(session.transaction, session.progress)
        numbered = rules.numbered(progress, seq_no)
        if numbered is not None:
            _record(turn, session.evse_no, session.id, seq_no, readings)
            for reading in readings:
                numbered = rules.advance(numbered, reading)
            self._progressed(turn, session, numbered, readings)
        return True

    def updated(self, turn: Turn, session: Session, report: EventReport) -> None:
        """An event of a session that is known, which no reading carries: kept as an event."""
        progress = rules.numbered(session.progress, report.seq_no)
        if progress is None:
            return
        self._record_event(turn, session, report)
        session = replace(
            session,
            progress=progress,
            charging_state=session.charging_state
            if session.state is SessionState.ENDED
            else report.charging_state or session.charging_state,
            offline=session.offline or report.offline,
        )
        session = self._read_meter(turn, session, report.readings, report.seq_no)
        self._save(turn, replace(session, saved_at=turn.ctx.now))

    def event(
        self,
        turn: Turn,
        session: Session | None,
        report: EventReport,
        authorization: Authorization | None,
    ) -> Session:
        """Any event, also the first that we hear of a session, whichever that is.

        ``session`` is what ``recall`` found; ``authorization`` the token's, if the event names one.
        An event that comes after the end is recorded and does not open the session again.
        """
        if session is None:
            session = self._first(turn, report, authorization)
        elif rules.numbered(session.progress, report.seq_no) is None:
            return session
        progress = rules.numbered(session.progress, report.seq_no)
        assert progress is not None, "a new session has seen no number"
        self._record_event(turn, session, report)
        session = replace(session, progress=progress)
        session = _learn(session, report, authorization)
        session = self._read_meter(turn, session, report.readings, report.seq_no)
        if report.kind is EventKind.STARTED and session.meter_start_wh is None:
            registers = [r.energy_wh for r in report.readings if r.energy_wh is not None]
            if registers:
                session = replace(session, meter_start_wh=registers[0])
        if report.kind is EventKind.ENDED and rules.may_be_stopped_again(session):
            registers = [r.energy_wh for r in report.readings if r.energy_wh is not None]
            return self._end(
                turn,
                session,
                reported_at=report.reported_at,
                stop_wh=registers[-1] if registers else session.progress.meter_wh,
                reason=report.stop_reason or "Local",
            )
        session = replace(session, saved_at=turn.ctx.now)
        self._save(turn, session)
        return session

    # ---- inside ---------------------------------------------------------------------------------

    def _first(
        self, turn: Turn, report: EventReport, authorization: Authorization | None
    ) -> Session:
        at, believed = rules.moment(report.reported_at, turn.ctx)
        flags: tuple[Flag, ...] = () if believed else (Flag.CLOCK_DOUBTFUL,)
        if report.kind is not EventKind.STARTED:
            flags = rules.flagged(flags, Flag.START_MISSING)
        standing = None if authorization is None else authorization.standing
        if standing not in (None, Standing.ACCEPTED):
            flags = rules.flagged(flags, Flag.UNAUTHORIZED)
        evse_no = report.evse_no or 0
        self._supersede(turn, evse_no, authorization, at)
        session = Session(
            id=SessionId(new_id("ses", turn.ctx.now)),
            tenant=turn.ctx.tenant,
            station=turn.station.station.id,
            evse_no=evse_no,
            connector_no=report.connector_no or 1,
            transaction=report.transaction,
            start_key=report.transaction,
            started_at=at,
            progress=Progress(flags=flags),
            days=((at.toordinal(), at.toordinal()),),
            saved_at=turn.ctx.now,
        )
        session = _learn(session, report, authorization)
        _tell_started(turn, session)
        return session

    def _supersede(
        self, turn: Turn, evse_no: int, authorization: Authorization | None, at: datetime
    ) -> None:
        """End what still runs where a session begins; its stop was lost.

        A refused start, or one from before what runs (an offline queue), ends nothing.
        """
        if authorization is not None and authorization.standing is not Standing.ACCEPTED:
            return
        running = turn.sessions.running(evse_no)
        if evse_no == 0 or running is None or running.started_at >= at:
            return
        over_at = running.progress.meter_at or at
        self._over(turn, rules.given_up(running, turn.ctx, at=over_at, reason="Superseded"))

    def _end(
        self,
        turn: Turn,
        session: Session,
        *,
        reported_at: datetime,
        stop_wh: int | None,
        reason: str,
    ) -> Session:
        over = rules.ended(
            session, turn.ctx, reported_at=reported_at, stop_wh=stop_wh, reason=reason
        )
        return self._over(turn, over)

    def _over(self, turn: Turn, session: Session) -> Session:
        self._save(turn, session)
        emit(turn.changes, told_ended(session, turn.ctx))
        return session

    def _read_meter(
        self,
        turn: Turn,
        session: Session,
        readings: Sequence[Reading],
        seq_no: int | None,
    ) -> Session:
        """Record readings; those of a session that has ended change its energy no more."""
        progress = session.progress
        if readings:
            evse_no, session_id = session.evse_no, session.id
            _record(turn, evse_no, session_id, seq_no, readings)
            if session.state is SessionState.ACTIVE:
                for reading in readings:
                    progress = rules.advance(progress, reading)
            session = rules.dated(session, readings)
        if progress is session.progress:
            return session
        return replace(session, progress=progress)

    def _record_event(self, turn: Turn, session: Session, report: EventReport) -> None:
        turn.changes.write(
            store.SESSION_EVENTS,
            (
                *(session.id, report.seq_no, report.reported_at, turn.ctx.tenant, session.station),
                *(report.kind.value, report.trigger, report.offline, turn.ctx.now),
                msgspec.json.encode(report.body).decode(),
            ),
        )

    def _progressed(
        self, turn: Turn, session: Session, progress: Progress, readings: Sequence[Reading]
    ) -> None:
        """Keep the progress in memory, and in the record every now and then, or on a new day."""
        dated = rules.dated(session, readings)
        late = turn.ctx.now - session.saved_at >= _SAVE_AFTER[hash(session.id) & 63]
        if late or dated is not session:
            self._save(turn, replace(dated, progress=progress, saved_at=turn.ctx.now))
        else:
            turn.sessions.ahead[session.transaction] = progress

    def _save(self, turn: Turn, session: Session) -> None:
        turn.sessions.keep(session)
        turn.changes.write(store.SESSIONS, store.session_row(session, turn.station.epoch))

    async def _started_before(self, turn: Turn, key: str) -> Session | None:
        for session in turn.sessions.known.values():
            if session.start_key == key:
                return turn.sessions.find(session.transaction)
        async with self._db.glance() as glance:
            found = await store.find_start(glance, turn.station.station.id, key)
        if found is not None:
            turn.sessions.keep(found)
        return found

    async def _next_number(self) -> int:
        if not self._numbers:
            async with self._db.house_unit() as unit:
                self._numbers = list(reversed(await store.next_numbers(unit)))
        return self._numbers.pop()


def _record(
    turn: Turn,
    evse_no: int,
    session: SessionId | None,
    seq_no: int | None,
    readings: Sequence[Reading],
) -> None:
    """Readings as rows: new ones by COPY, those that may be there already by a careful insert."""
    station, tenant, now = turn.station.station.id, turn.ctx.tenant, turn.ctx.now
    known = turn.sessions.newest
    newest = known.get(evse_no, turn.sessions.newest_loaded)
    for reading in readings:
        if newest is None or reading.sampled_at > newest:
            newest = known[evse_no] = reading.sampled_at
            write = store.READINGS_NEW
        else:
            write = store.READINGS_AGAIN
        row = store.reading_row(station, tenant, evse_no, session, seq_no, reading, now)
        turn.changes.rows.append((write, row))


def _learn(session: Session, report: EventReport, authorization: Authorization | None) -> Session:
    """Take from an event what it tells of its session for the first time."""
    changed: dict[str, object] = {}
    if report.token and not session.token:
        changed.update(token=report.token.strip(), token_type=report.token_type)
    if authorization is not None and (
        session.standing is None or folded(report.token) == folded(session.token)
    ):
        changed.update(standing=authorization.standing, group=authorization.group)
    if report.charging_state and session.state is SessionState.ACTIVE:
        changed.update(charging_state=report.charging_state)
    if report.evse_no and not session.evse_no:
        changed.update(evse_no=report.evse_no, connector_no=report.connector_no or 1)
    if report.remote_start_id is not None and session.remote_start_id is None:
        changed.update(remote_start_id=report.remote_start_id)
    if report.offline:
        changed.update(offline=True)
    flags = session.progress.flags
    if report.kind is EventKind.STARTED and Flag.START_MISSING in flags:
        # The start came after all.
        flags = tuple(flag for flag in flags if flag is not Flag.START_MISSING)
        changed.update(
            started_at=min(report.reported_at, session.started_at),
            progress=replace(session.progress, flags=flags),
        )
    return replace(session, **changed)


def _tell_started(turn: Turn, session: Session) -> None:
    emit(
        turn.changes,
        SessionStarted(
            tenant=turn.ctx.tenant,
            at=turn.ctx.now,
            station=session.station,
            session=session.id,
            evse_no=session.evse_no,
            transaction=session.transaction,
            token=session.token,
            standing=session.standing,
        ),
    )
