"""Sessions on a true database: told again they stay the same, and nothing lives in memory alone."""

import random
import re
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec
import pytest
from msgspec.structs import replace

from forecourt.app.keeping import partitioned
from forecourt.base.ids import SessionId
from forecourt.base.pages import Wanted
from forecourt.domain.access import Authorization, NewToken, Standing
from forecourt.domain.sessions import (
    EventKind,
    EventReport,
    Flag,
    Reading,
    Session,
    SessionState,
    SessionUnknown,
    StartReport,
    StopReport,
)
from forecourt.domain.sessions.model import SessionOver, StationThere
from forecourt.domain.sessions.store import sessions as store
from forecourt.domain.stations import ConnectorState, NewStation, StatusReport, station_id
from forecourt.infra import partitions
from forecourt.infra.commit import Fenced
from forecourt.settings import load
from tests.domain.conftest import CP1, NOW, Site
from tests.fixtures.plans import explaining

ACCEPTED = Authorization(standing=Standing.ACCEPTED)


class Body(msgspec.Struct):
    """An event as its station sent it."""

    said: str = "so"


def reading(at: datetime, wh: int) -> Reading:
    samples = f'[{{"value":"{wh}"}}]'
    return Reading(at, wh, None, 7_000, None, samples, hash(samples) & 0xFFFF_FFFF)


def started(at: datetime, wh: int = 1_000, token: str = "CARD") -> StartReport:
    return StartReport(evse_no=1, token=token, reported_at=at, meter_wh=wh)


def event(
    kind: EventKind, seq_no: int, at: datetime, wh: int | None = None, **more: object
) -> EventReport:
    facts: dict[str, object] = {
        "kind": kind,
        "transaction": "TX-1",
        "seq_no": seq_no,
        "reported_at": at,
        "trigger": "MeterValuePeriodic",
        "evse_no": 1,
        "connector_no": 1,
        "readings": () if wh is None else (reading(at, wh),),
        "body": Body(),
        **more,
    }
    return EventReport(**facts)  # type: ignore[arg-type]  # the fields are those above


def now(site: Site, transaction: str) -> Session:
    """The session as the gateway holds it."""
    session = site.known.find(transaction)
    assert session is not None
    return session


async def tell(site: Site, report: EventReport) -> Session:
    """As the edge does: what is known and only updated is decided at once."""
    async with site.turn() as turn:
        session = await site.sessions.recall(turn, report.transaction)
        if session is not None and report.kind is EventKind.UPDATED:
            only_readings = site.sessions.sampled(
                turn,
                session,
                seq_no=report.seq_no,
                charging_state=report.charging_state,
                offline=report.offline,
                readings=report.readings,
            )
            if not only_readings:
                site.sessions.updated(turn, session, report)
            return now(site, report.transaction)
        return site.sessions.event(turn, session, report, ACCEPTED if report.token else None)


async def test_a_start_again_is_the_same_session(site: Site) -> None:
    async with site.turn() as turn:
        one = await site.sessions.start(turn, started(NOW), ACCEPTED)
    async with site.turn() as turn:
        two = await site.sessions.start(turn, started(NOW), ACCEPTED)
    await site.connect()
    async with site.turn() as turn:
        three = await site.sessions.start(turn, started(NOW), ACCEPTED)
    assert one.transaction == two.transaction == three.transaction
    assert await site.count("sessions") == 1
    assert await site.count("events WHERE type = 'session.started'") == 1


async def test_a_clock_that_was_never_set_tells_sessions_apart(site: Site) -> None:
    """Each boot begins in 1970: the same start again after an end is another session, once."""
    then = datetime(1970, 1, 1, tzinfo=UTC)
    numbers = []
    for _ in range(3):
        async with site.turn() as turn:
            session = await site.sessions.start(turn, started(then), ACCEPTED)
        await site.connect()
        async with site.turn() as turn:
            again = await site.sessions.start(turn, started(then), ACCEPTED)
        assert again.transaction == session.transaction
        numbers.append(session.transaction)
        async with site.turn() as turn:
            stop = StopReport(
                transaction=int(session.transaction), reported_at=then, meter_wh=1_000, body="{}"
            )
            found = await site.sessions.recall(turn, session.transaction)
            site.sessions.stop(turn, stop, found)
    assert len(set(numbers)) == 3
    assert await site.count("sessions") == 3


async def test_from_plug_to_record_with_everything_told_twice(site: Site) -> None:
    minute = timedelta(minutes=1)
    async with site.turn() as turn:
        session = await site.sessions.start(turn, started(NOW), ACCEPTED)
    readings = [reading(NOW + n * minute, 1_000 + 100 * n) for n in range(1, 6)]
    for again in (False, True):
        for one in readings:
            async with site.turn() as turn:
                site.sessions.meter(
                    turn, evse_no=1, transaction=session.transaction, readings=[one]
                )
        if again:
            await site.connect()
    stop = StopReport(
        transaction=int(session.transaction),
        reported_at=NOW + 6 * minute,
        meter_wh=1_600,
        readings=readings,
        body="{}",
    )
    for _ in range(2):
        async with site.turn() as turn:
            found = await site.sessions.recall(turn, session.transaction)
            site.sessions.stop(turn, stop, found)
        await site.connect()
    record = await site.sessions.read(site.ctx, session.id)
    assert (record.state, record.progress.energy_wh) == (SessionState.ENDED, 600)
    assert record.progress.flags == ()
    assert record.ended_at == NOW + 6 * minute
    kept = (await site.sessions.readings(site.ctx, record)).items
    assert [one.energy_wh for one in kept] == [1_100, 1_200, 1_300, 1_400, 1_500]
    assert await site.count("events WHERE type = 'session.ended'") == 1


@pytest.mark.parametrize("seed", range(6))
async def test_whenever_the_gateway_dies_nothing_is_lost_or_doubled(site: Site, seed: int) -> None:
    """2.x: any order after the start, repeats, and a loss of all memory at any moment."""
    luck = random.Random(seed)
    ats = [NOW + timedelta(seconds=20 * n) for n in range(13)]
    updates = [event(EventKind.UPDATED, n, ats[n], 5_000 + 250 * n) for n in range(1, 12)]
    told = [one for one in updates for _ in range(luck.choice([1, 1, 2]))]
    if seed % 2:
        luck.shuffle(told)
    start = event(EventKind.STARTED, 0, ats[0], 5_000, token="CARD", token_type="ISO14443")
    session = await tell(site, start)
    for one in told:
        await tell(site, one)
        shown = await site.sessions.read(site.ctx, session.id)
        assert shown.progress.energy_wh == now(site, "TX-1").progress.energy_wh
        if luck.random() < 0.4:
            before = now(site, "TX-1").progress
            await site.connect()
            assert now(site, "TX-1").progress == before
    stop = event(EventKind.ENDED, 12, ats[12], 8_000)
    for one in (stop, stop, luck.choice(updates), start):
        await tell(site, one)
        await site.connect()
    record = await site.sessions.read(site.ctx, session.id)
    assert (record.state, record.progress.energy_wh) == (SessionState.ENDED, 3_000)
    assert (record.progress.seq_next, record.progress.seq_missing) == (13, ())
    assert await site.count("meter_values") == 13
    assert await site.count("sessions") == 1


@pytest.mark.parametrize("seq_no", [-1, -(2**40), 2**40])
async def test_a_first_event_with_any_number(site: Site, seq_no: int) -> None:
    session = await tell(site, event(EventKind.UPDATED, seq_no, NOW, 100))
    assert {Flag.START_MISSING, Flag.SEQUENCE_GAP} == set(session.progress.flags)
    await tell(site, event(EventKind.STARTED, 0, NOW - timedelta(minutes=1), 50, token="CARD"))
    record = await site.sessions.read(site.ctx, session.id)
    assert Flag.START_MISSING not in record.progress.flags
    assert record.token == "CARD"
    assert await site.count("meter_values") == 2


async def test_a_number_that_no_database_holds_is_refused_alone(site: Site) -> None:
    with pytest.raises(asyncpg.DataError):
        await tell(site, event(EventKind.UPDATED, 2**70, NOW, 100))
    await site.connect()
    await tell(site, event(EventKind.STARTED, 0, NOW, 100))
    assert await site.count("sessions") == 1


async def test_an_older_connection_cannot_write_a_session(site: Site) -> None:
    session = await tell(site, event(EventKind.STARTED, 0, NOW, 100))
    old, old_known = site.live, site.known
    await site.connect()
    await tell(site, event(EventKind.ENDED, 1, NOW + timedelta(minutes=1), 400))
    site.live, site.known = old, old_known
    with pytest.raises(Fenced):
        await tell(site, event(EventKind.UPDATED, 1, NOW, 90_000, charging_state="Charging"))
    record = await site.sessions.read(site.ctx, session.id)
    assert (record.state, record.progress.energy_wh) == (SessionState.ENDED, 300)


@pytest.mark.parametrize("spelling", ["STRASSE", "straße", " Straße ", "STRASSE\t"])
async def test_a_card_is_one_card_however_it_is_spelt(site: Site, spelling: str) -> None:
    await site.access.add(site.ctx, NewToken(uid="Straße"))
    await site.stations.add(site.ctx, NewStation(id=station_id("CP2")))
    async with site.turn() as turn:
        await site.sessions.start(turn, started(NOW, token=spelling), ACCEPTED)
    await site.connect(station_id("CP2"))
    async with site.turn() as turn:
        worth = await site.access.authorize(site.ctx, "Strasse")
        admitted = await site.sessions.admit(turn, "Strasse", worth, evse_no=1)
    assert admitted.standing is Standing.CONCURRENT


async def test_a_stop_that_fits_nothing_is_kept(site: Site) -> None:
    stop = StopReport(transaction=77, reported_at=NOW, meter_wh=5, body='{"transactionId":77}')
    for _ in range(2):
        async with site.turn() as turn:
            found = await site.sessions.recall(turn, "77")
            assert site.sessions.stop(turn, stop, found) is None
        await site.connect()
    assert await site.count("unmatched_stops") == 1
    assert await site.count("sessions") == 0


async def test_readings_of_another_station_stay_its_own(site: Site) -> None:
    await site.stations.add(site.ctx, NewStation(id=station_id("CP2")))
    session = await tell(site, event(EventKind.STARTED, 0, NOW, 100))
    await site.connect(station_id("CP2"))
    other = await tell(site, event(EventKind.STARTED, 0, NOW, 100))
    assert other.id != session.id
    assert (session.station, other.station) == (CP1, "CP2")
    assert await site.count("meter_values") == 2


def until(site: Site, moment: datetime) -> None:
    site.clock.advance((moment - site.clock.now()).total_seconds())


def free(at: datetime) -> StatusReport:
    return StatusReport(evse_no=1, connector_no=1, state=ConnectorState.AVAILABLE, reported_at=at)


class TestNoStopComes:
    """The stop was lost, or the station does not come back: the card must not stay taken."""

    async def a_session(self, site: Site) -> Session:
        async with site.turn() as turn:
            session = await site.sessions.start(turn, started(NOW), ACCEPTED)
        async with site.turn() as turn:
            at = NOW + timedelta(minutes=5)
            site.sessions.meter(
                turn, evse_no=1, transaction=session.transaction, readings=[reading(at, 1_500)]
            )
        return session

    async def disconnect(self, site: Site) -> None:
        async with site.turn() as turn:
            site.stations.disconnected(turn.ctx, site.live, "closed", turn.changes)

    async def stop(self, site: Site, transaction: str) -> Session | None:
        async with site.turn() as turn:
            stop = StopReport(
                transaction=int(transaction),
                reported_at=NOW + timedelta(minutes=9),
                meter_wh=1_700,
                body="{}",
            )
            found = await site.sessions.recall(turn, transaction)
            return site.sessions.stop(turn, stop, found)

    @pytest.mark.parametrize(
        ("freed", "later", "ended"),
        [
            (timedelta(minutes=6), timedelta(minutes=22), True),
            (timedelta(minutes=6), timedelta(minutes=20), False),
            # Free before its last reading: the station tells this of another time, or wrongly.
            (timedelta(minutes=4), timedelta(minutes=40), False),
        ],
    )
    async def test_its_outlet_is_free(
        self,
        site: Site,
        freed: timedelta,
        later: timedelta,
        ended: bool,  # noqa: FBT001  # a column of the table above
    ) -> None:
        session = await self.a_session(site)
        until(site, NOW + freed)
        async with site.turn() as turn:
            site.stations.status(turn.ctx, site.live, free(NOW + freed), turn.changes)
        until(site, NOW + later)
        async with site.turn() as turn:
            site.sessions.end_lost(turn)
        found = await site.sessions.read(site.ctx, session.id)
        assert (found.state is SessionState.ENDED) is ended
        if ended:
            assert found.ended_at == NOW + freed
            assert (found.stop_reason, found.progress.energy_wh) == ("Lost", 500)
            assert Flag.STOP_MISSING in found.progress.flags
            assert await site.count("events WHERE type = 'session.ended'") == 1

    async def test_another_outlet_is_free(self, site: Site) -> None:
        session = await self.a_session(site)
        async with site.turn() as turn:
            other = replace(free(NOW + timedelta(minutes=6)), evse_no=2)
            site.stations.status(turn.ctx, site.live, other, turn.changes)
        until(site, NOW + timedelta(hours=2))
        async with site.turn() as turn:
            site.sessions.end_lost(turn)
        found = await site.sessions.read(site.ctx, session.id)
        assert found.state is SessionState.ACTIVE

    async def test_its_station_stays_away(self, site: Site) -> None:
        session = await self.a_session(site)
        three_days = timedelta(days=3)
        until(site, NOW + 2 * three_days)
        end = site.sessions.silent.end_abandoned
        assert await end(site.clock.now(), away_for=three_days) == 0, "it is connected"
        await self.disconnect(site)
        assert await end(site.clock.now(), away_for=three_days) == 0, "it has just gone"
        until(site, NOW + 4 * three_days)
        assert await end(site.clock.now(), away_for=three_days) == 1
        assert await end(site.clock.now(), away_for=three_days) == 0
        found = await site.sessions.read(site.ctx, session.id)
        assert (found.state, found.stop_reason) == (SessionState.ENDED, "Abandoned")
        assert found.progress.energy_wh == 500, "with what came after the record was saved"
        assert found.ended_at == NOW + timedelta(minutes=5)
        elsewhere = replace(ACCEPTED, sessions_max=1)
        await site.connect()
        async with site.turn() as turn:
            again = await site.sessions.admit(turn, "CARD", elsewhere, evse_no=2)
        assert again.standing is Standing.ACCEPTED, "its card is free"

    async def test_by_hand_and_the_stop_comes_after_all(self, site: Site) -> None:
        session = await self.a_session(site)
        with pytest.raises(StationThere):
            await site.sessions.silent.end(site.ctx, session.id)
        await self.disconnect(site)
        over = await site.sessions.silent.end(site.ctx, session.id)
        assert (over.stop_reason, over.progress.energy_wh) == ("EndedByOperator", 500)
        with pytest.raises(SessionOver):
            await site.sessions.silent.end(site.ctx, session.id)
        with pytest.raises(SessionUnknown):
            await site.sessions.silent.end(site.ctx, SessionId("ses_none"))
        await site.connect()
        assert site.known.running(1) is None
        await self.stop(site, session.transaction)
        found = await site.sessions.read(site.ctx, session.id)
        assert found.progress.energy_wh == 700
        assert found.ended_at == NOW + timedelta(minutes=9)


YEAR_2000 = datetime(2000, 1, 1, tzinfo=UTC)


async def listed(site: Site, transaction: str) -> list[datetime]:
    """The moments of all readings that the list has, page by page."""
    session = await site.sessions.read(site.ctx, now(site, transaction).id)
    found: list[datetime] = []
    wanted = Wanted(limit=2)
    while True:
        page = await site.sessions.readings(site.ctx, session, wanted)
        found += [one.sampled_at for one in page.items]
        if page.next is None:
            return found
        wanted = Wanted(limit=2, cursor=page.next)


async def test_all_readings_are_listed_whatever_their_moment(site: Site) -> None:
    """A clock that was never set, a session of months, a queue that comes home after its end."""
    day = timedelta(days=1)
    told = [
        *(YEAR_2000, YEAR_2000 + day, NOW - 90 * day, NOW, NOW + 50 * day, NOW + 100 * day),
        *(NOW + 160 * day, NOW + 400 * day),
    ]
    async with site.turn() as turn:
        session = await site.sessions.start(turn, started(NOW), ACCEPTED)
    for number, at in enumerate(told[:6]):
        async with site.turn() as turn:
            site.sessions.meter(
                turn, evse_no=1, transaction=None, readings=[reading(at, 1_000 + number)]
            )
        if number % 2:
            await site.connect()  # Nothing lives in memory alone.
    site.clock.advance(100 * 86_400)
    async with site.turn() as turn:
        stop = StopReport(
            transaction=int(session.transaction),
            reported_at=NOW + 100 * day,
            meter_wh=2_000,
            body="{}",
        )
        site.sessions.stop(turn, stop, now(site, session.transaction))
    assert await listed(site, session.transaction) == told[:6]
    for at in told[6:]:
        async with site.turn() as turn:
            site.sessions.meter(
                turn,
                evse_no=1,
                transaction=session.transaction,
                readings=[reading(at, 3_000)],
            )
    assert await listed(site, session.transaction) == told
    ended = await site.sessions.read(site.ctx, session.id)
    assert ended.progress.energy_wh == 1_000, "what comes late changes no energy"


async def test_events_of_any_moment_bring_their_readings(site: Site) -> None:
    late = NOW + timedelta(days=60)
    await tell(site, event(EventKind.STARTED, 0, NOW, 0, token="CARD"))
    await tell(site, event(EventKind.UPDATED, 1, YEAR_2000, 10))
    await tell(site, event(EventKind.ENDED, 3, NOW, 20, readings=()))
    await tell(site, event(EventKind.UPDATED, 2, late, 15))
    assert await listed(site, "TX-1") == [YEAR_2000, NOW, late]


async def test_only_partitions_that_hold_some_are_looked_at(site: Site) -> None:
    """Of years of months a session of two days is looked for in one or two."""
    tables = [one for one in partitioned(load({})) if one.table == "meter_values"]
    conn = await asyncpg.connect(site.db.url)
    for months in range(0, 24, 3):
        await partitions.ensure(conn, tables, NOW + months * timedelta(days=31), timedelta(days=62))
    async with site.turn() as turn:
        session = await site.sessions.start(turn, started(NOW), ACCEPTED)
    for at in (NOW, NOW + timedelta(days=1), YEAR_2000):
        async with site.turn() as turn:
            site.sessions.meter(turn, evse_no=1, transaction=None, readings=[reading(at, 2_000)])
    session = await site.sessions.read(site.ctx, session.id)
    assert session.days == (
        (YEAR_2000.toordinal(), YEAR_2000.toordinal()),
        (NOW.toordinal(), NOW.toordinal() + 1),
    )
    query = explaining(store.readings_of(session, session.days))
    plan = "\n".join(row[0] for row in await conn.fetch(query))
    await conn.close()
    assert set(re.findall(r"meter_values_\w+", plan)) & set(await names_of(site)) == {
        "meter_values_p20260301",
        "meter_values_default",
    }


async def names_of(site: Site) -> list[str]:
    conn = await asyncpg.connect(site.db.url)
    found = await conn.fetch(
        "SELECT inhrelid::regclass::text FROM pg_inherits"
        " WHERE inhparent = 'meter_values'::regclass"
    )
    await conn.close()
    return [row[0] for row in found]
