"""How energy is counted and events are numbered: properties over whatever a station may send."""

import random
from datetime import UTC, date, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from forecourt.base.context import Context
from forecourt.base.ids import SessionId, StationId, TenantId
from forecourt.domain.access import Authorization, Standing
from forecourt.domain.sessions import Flag, Progress, Reading, Session, SessionState, rules

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CTX = Context(actor="test", tenant=TenantId("acme"), now=NOW)
WH_MAX = 10**15

registers = st.one_of(st.none(), st.integers(-WH_MAX, WH_MAX))
moments = st.integers(-100, 100).map(lambda minutes: NOW + timedelta(minutes=minutes))


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    """Anything that the edge lets through."""
    return Reading(
        draw(moments),
        draw(registers),
        draw(registers),
        draw(st.one_of(st.none(), st.integers(-(10**9), 10**9))),
        draw(st.one_of(st.none(), st.floats(0, 100))),
        "[]",
        0,
    )


@st.composite
def true_course(draw: st.DrawFn) -> list[Reading]:
    """What an honest meter says: a register that only grows, at moments that only grow."""
    steps = draw(st.lists(st.integers(0, 50_000), min_size=1, max_size=30))
    wh = draw(st.integers(0, 10**9))
    course = []
    for minute, step in enumerate(steps):
        wh += step
        course.append(reading(minute, wh))
    return course


def reading(minute: int, wh: int | None, out_wh: int | None = None) -> Reading:
    return Reading(NOW + timedelta(minutes=minute), wh, out_wh, None, None, "[]", 0)


def session(progress: Progress) -> Session:
    return Session(
        id=SessionId("ses_1"),
        tenant=TenantId("acme"),
        station=StationId("CP1"),
        evse_no=1,
        connector_no=1,
        transaction="1",
        start_key="1",
        started_at=NOW,
        progress=progress,
        saved_at=NOW,
    )


def after(course: list[Reading], progress: Progress | None = None) -> Progress:
    progress = progress or Progress()
    for one in course:
        progress = rules.advance(progress, one)
    return progress


class TestEnergy:
    @given(st.lists(readings(), max_size=40), registers, registers)
    def test_is_never_negative_and_never_shrinks(
        self, course: list[Reading], start_wh: int | None, stop_wh: int | None
    ) -> None:
        progress = rules.started(start_wh, NOW)
        for one in course:
            later = rules.advance(progress, one)
            assert later.energy_wh >= progress.energy_wh >= 0
            assert later.exported_wh >= progress.exported_wh >= 0
            progress = later
        assert rules.settled(progress, start_wh, stop_wh).energy_wh >= 0

    @given(registers, st.integers(-(2**63), 2**63 - 1), registers)
    @example(-WH_MAX, 2**63 - 1, None)
    def test_of_any_stop_fits_its_column(
        self, start_wh: int | None, stop_wh: int, between_wh: int | None
    ) -> None:
        """The wire takes 64 bits: a stop that no column holds would be refused for ever."""
        progress = after([reading(1, between_wh)], rules.started(start_wh, NOW))
        assert 0 <= rules.settled(progress, start_wh, stop_wh).energy_wh < 2**63

    @given(st.lists(readings(), max_size=20), st.data())
    def test_a_reading_again_adds_nothing(self, course: list[Reading], data: st.DataObject) -> None:
        """One by one: each told any number of times before the next."""
        once = after(course)
        again = [one for one in course for _ in range(data.draw(st.integers(1, 3)))]
        assert after(again) == once

    @given(true_course())
    def test_of_an_honest_meter_is_what_it_grew(self, course: list[Reading]) -> None:
        progress = after(course)
        assert progress.energy_wh == (course[-1].energy_wh or 0) - (course[0].energy_wh or 0)
        assert progress.flags == ()

    @given(true_course(), st.data())
    def test_of_an_honest_meter_is_counted_once_in_any_order(
        self, course: list[Reading], data: st.DataObject
    ) -> None:
        """Duplicates, replays and late arrivals never make more of it than there was."""
        told = data.draw(st.lists(st.sampled_from(course), min_size=1, max_size=60))
        progress = after(told)
        grown = (course[-1].energy_wh or 0) - (course[0].energy_wh or 0)
        assert progress.energy_wh <= grown
        assert Flag.METER_WENT_BACK not in progress.flags

    @given(true_course(), st.data())
    def test_a_replay_of_the_whole_queue_changes_nothing(
        self, course: list[Reading], data: st.DataObject
    ) -> None:
        once = after(course)
        told = list(course)
        random.Random(data.draw(st.integers())).shuffle(told)
        assert after(told, once) == once

    @given(true_course(), st.integers(1, 30))
    def test_a_reset_keeps_what_was_counted(self, course: list[Reading], at: int) -> None:
        """The register starts at nothing again; both stretches count."""
        before, behind = course[:at], course[at:]
        first_wh = course[0].energy_wh or 0
        base_wh = behind[0].energy_wh or 0 if behind else 0
        reset = [replace(one, energy_wh=(one.energy_wh or 0) - base_wh) for one in behind]
        progress = after([*before, *reset])
        counted = (before[-1].energy_wh or 0) - first_wh
        if reset and all((one.energy_wh or 0) < (before[-1].energy_wh or 0) for one in reset):
            counted += reset[-1].energy_wh or 0
            assert Flag.METER_WENT_BACK in progress.flags
            assert progress.energy_wh == counted
        assert progress.energy_wh >= (before[-1].energy_wh or 0) - first_wh

    def test_a_register_that_falls_and_is_back_counts_once(self) -> None:
        course = [reading(0, 1_000), reading(1, 1_500), reading(2, 1_490), reading(3, 1_510)]
        progress = after(course)
        assert progress.energy_wh == 510
        assert progress.flags == (Flag.METER_WENT_BACK,)

    def test_two_registers_that_take_turns_count_once(self) -> None:
        """The whole meter's and the session's own, under one name."""
        course = [
            reading(minute, wh)
            for minute, wh in enumerate([10**6, 0, 10**6 + 50, 50, 10**6 + 100, 100])
        ]
        assert after(course).energy_wh == 100

    @given(st.integers(0, 10**9), st.lists(st.integers(0, 10**5), min_size=1, max_size=20))
    def test_a_meter_that_counts_by_session(self, start_wh: int, steps: list[int]) -> None:
        """Readings from nothing, start and stop by the whole register (field quirk 27)."""
        progress = rules.started(start_wh, NOW)
        wh = 0
        for minute, step in enumerate(steps):
            wh += step
            progress = rules.advance(progress, reading(minute + 1, wh))
        if wh <= start_wh:
            assert rules.settled(progress, start_wh, start_wh + wh).energy_wh == wh

    def test_what_flows_out_is_counted_apart(self) -> None:
        course = [reading(0, 100, 50), reading(1, 100, 80), reading(2, 130, 80)]
        progress = after(course)
        assert (progress.energy_wh, progress.exported_wh) == (30, 30)

    def test_a_reading_without_a_register_forgets_none(self) -> None:
        course = [reading(0, 100), reading(1, None), reading(2, 150)]
        assert after(course).energy_wh == 50


class TestSettling:
    @given(true_course())
    def test_an_honest_stop_says_what_was_counted(self, course: list[Reading]) -> None:
        start, stop = course[0].energy_wh, course[-1].energy_wh
        progress = rules.settled(after(course, rules.started(start, NOW)), start, stop)
        assert progress.energy_wh == (stop or 0) - (start or 0)
        assert progress.flags == ()

    @given(st.lists(readings(), max_size=20), registers, registers)
    def test_settled_twice_is_settled_once(
        self, course: list[Reading], start_wh: int | None, stop_wh: int | None
    ) -> None:
        once = rules.settled(after(course, rules.started(start_wh, NOW)), start_wh, stop_wh)
        assert rules.settled(once, start_wh, stop_wh).energy_wh == once.energy_wh

    def test_a_stop_below_its_start_is_summed_and_told(self) -> None:
        progress = after([reading(0, 1_000), reading(1, 1_400)])
        settled = rules.settled(progress, 1_000, 7)
        assert settled.energy_wh == 400
        assert Flag.METER_IMPLAUSIBLE in settled.flags

    def test_without_registers_the_sum_stands(self) -> None:
        progress = after([reading(0, 1_000), reading(1, 1_400)])
        assert rules.settled(progress, None, 1_400) is progress
        assert rules.settled(progress, 1_000, None) is progress


numbers = st.one_of(st.integers(0, 300), st.integers(-(2**70), 2**70))


class TestNumbering:
    @given(st.permutations(range(60)), st.data())
    def test_each_is_taken_once_in_any_order(self, order: list[int], data: st.DataObject) -> None:
        progress = Progress()
        told = [n for n in order for _ in range(data.draw(st.integers(1, 2)))]
        taken = []
        for seq_no in told:
            later = rules.numbered(progress, seq_no)
            if later is not None:
                taken.append(seq_no)
                progress = later
        assert taken == order
        assert (progress.seq_next, progress.seq_missing, progress.flags) == (60, (), ())

    @given(st.lists(numbers, max_size=60))
    @example([0, 200, *range(1, 200)])
    @example([-1, -1])
    @example([2**63, 0])
    def test_nothing_is_dropped_that_was_not_told(self, told: list[int]) -> None:
        """Whatever the numbers: the first of each is taken, and memory stays small."""
        progress, seen = Progress(), set[int]()
        for seq_no in told:
            later = rules.numbered(progress, seq_no)
            if seq_no not in seen:
                assert later is not None
            seen.add(seq_no)
            progress = later or progress
            assert len(progress.seq_missing) <= rules.SEQ_MISSING_MAX
            assert progress.seq_next >= 0
        assert progress.energy_wh == 0

    def test_holes_are_remembered_until_they_are_filled(self) -> None:
        progress = rules.numbered(Progress(), 3)
        assert progress is not None
        assert progress.seq_missing == (0, 1, 2)
        progress = rules.numbered(progress, 1)
        assert progress is not None
        assert progress.seq_missing == (0, 2)
        assert rules.numbered(progress, 1) is None
        assert rules.numbered(progress, 3) is None

    def test_more_holes_than_are_worth_it_are_told(self) -> None:
        progress = rules.numbered(Progress(), 10_000)
        assert progress is not None
        assert progress.flags == (Flag.SEQUENCE_GAP,)
        assert len(progress.seq_missing) == rules.SEQ_MISSING_MAX


class TestDays:
    @given(st.lists(st.datetimes(timezones=st.just(UTC)), max_size=40))
    @example([datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
    def test_every_reading_is_on_one(self, moments: list[datetime]) -> None:
        """Whatever the clock says; and the spans are few."""
        one = replace(session(Progress()), days=())
        for at in moments:
            one = rules.dated(one, [Reading(at, 1, None, None, None, "[]", 0)])
            assert one.days is not None
            assert len(one.days) <= rules.SPANS_MAX
        again = [Reading(at, 1, None, None, None, "[]", 0) for at in moments]
        assert rules.dated(one, again) is one
        for at in moments:
            assert any(first <= at.toordinal() <= last for first, last in rules.days_of(one))

    def test_what_was_not_noted_is_looked_for_around_start_and_end(self) -> None:
        day = NOW.toordinal()
        running = session(Progress())
        assert rules.days_of(running) == ((day - 35, date.max.toordinal()),)
        ended = replace(running, ended_at=NOW + timedelta(days=2))
        assert rules.days_of(ended) == ((day - 35, day + 37),)
        late = rules.dated(ended, [Reading(NOW + timedelta(days=90), 1, None, None, None, "[]", 0)])
        assert late.days == ((day - 35, day + 37), (day + 90, day + 90))


class TestRecordAndReadings:
    @given(true_course(), st.data())
    def test_the_record_and_what_came_later_are_the_whole(
        self, course: list[Reading], data: st.DataObject
    ) -> None:
        """Wherever the last save was: nothing is lost with the memory of a gateway."""
        cut = data.draw(st.integers(0, len(course)))
        numbered = Progress()
        for seq_no, one in enumerate(course):
            numbered = rules.advance(rules.numbered(numbered, seq_no) or numbered, one)
        saved = Progress()
        for seq_no, one in enumerate(course[:cut]):
            saved = rules.advance(rules.numbered(saved, seq_no) or saved, one)
        later = [(one, cut + n) for n, one in enumerate(course[cut:])]
        assert rules.folded(session(saved), later).progress == numbered


class TestStandings:
    @given(st.sampled_from(Standing), st.integers(0, 5), st.one_of(st.none(), st.integers(1, 5)))
    def test_a_token_charges_as_often_at_once_as_it_may(
        self, standing: Standing, elsewhere: int, most: int | None
    ) -> None:
        asked = Authorization(standing=standing, sessions_max=most)
        answer = rules.admitted(asked, elsewhere).standing
        if standing is not Standing.ACCEPTED:
            assert answer is standing
        else:
            full = most is not None and elsewhere >= most
            assert answer is (Standing.CONCURRENT if full else Standing.ACCEPTED)

    def test_a_stop_speaks_once_unless_its_end_was_a_guess(self) -> None:
        running = session(Progress())
        ended = replace(running, state=SessionState.ENDED)
        guessed = replace(ended, progress=Progress(flags=(Flag.STOP_MISSING,)))
        assert rules.may_be_stopped_again(running)
        assert not rules.may_be_stopped_again(ended)
        assert rules.may_be_stopped_again(guessed)

    @given(st.datetimes(timezones=st.just(UTC)))
    def test_a_moment_is_the_stations_while_it_can_be_believed(self, said: datetime) -> None:
        at, believed = rules.moment(said, CTX)
        assert at == (said if believed else NOW)
        assert abs(at - NOW) <= timedelta(days=400)
