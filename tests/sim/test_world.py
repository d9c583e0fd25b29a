"""One seed, one world: whatever the size, whatever happened elsewhere."""

from datetime import UTC, datetime

from forecourt.sim.drivers import Habits, Visit
from forecourt.sim.luck import Luck
from forecourt.sim.pace import LEAD_S, Pace
from forecourt.sim.timeline import Timeline
from forecourt.sim.world import WorldOptions, default_tokens, plan_world

HABITS = Habits(tokens=default_tokens(20))
MONDAY = datetime(2026, 3, 2, tzinfo=UTC).timestamp()


def week(seed: int, stations: int, index: int) -> list[Visit]:
    options = WorldOptions(stations=stations, seed=seed, sites=2, habits=HABITS)
    drivers = plan_world(options)[index].drivers(0, HABITS)
    visits, now = [], MONDAY
    while (visit := drivers.next_after(now)) is not None and visit.at < MONDAY + 7 * 86_400:
        visits.append(visit)
        now = visit.at
    return visits


def test_the_same_seed_gives_the_same_week() -> None:
    first = week(7, 10, 3)
    assert len(first) > 3
    assert first == week(7, 10, 3)
    assert first != week(8, 10, 3)


def test_stations_do_not_share_luck() -> None:
    plans = plan_world(WorldOptions(stations=50, seed=1, habits=HABITS))
    assert len({p.serial for p in plans}) == 50
    assert {p.version for p in plans} == {"1.6", "2.0.1", "2.1"}
    more = plan_world(WorldOptions(stations=60, seed=1, sites=5, habits=HABITS))
    assert [p.serial for p in more[:50]] == [p.serial for p in plans]


def test_profiles_choose_the_current() -> None:
    for profile, current in (("ac", "AC"), ("dc", "DC")):
        options = WorldOptions(stations=40, profile=profile, habits=HABITS)  # type: ignore[arg-type]  # both are profiles
        assert {p.model.current for p in plan_world(options)} == {current}


def test_people_come_when_people_come() -> None:
    options = WorldOptions(stations=60, seed=2, profile="ac", sites=3, habits=HABITS)
    hours = [0] * 24
    for plan in plan_world(options):
        if plan.kind.from_workplace_data and plan.model.region == "eu":
            drivers = plan.drivers(0, HABITS)
            now = MONDAY
            while (visit := drivers.next_after(now)) is not None and visit.at < MONDAY + 5e5:
                hours[(datetime.fromtimestamp(visit.at, UTC).hour + 1) % 24] += 1
                now = visit.at
    assert sum(hours[7:10]) > sum(hours[13:16]) > sum(hours[0:4])


def test_every_visit_makes_sense() -> None:
    for index in range(10):
        for visit in week(3, 10, index):
            capacity_wh = visit.car.usable_kwh * 1000
            assert visit.soc_pct / 100 * capacity_wh < visit.target_wh <= capacity_wh
            assert visit.stays_s >= 240
            assert len(visit.token) == 14


def test_luck_is_the_same_everywhere() -> None:
    luck = Luck(1, "SIM-0001", "x")
    assert [luck.bits() for _ in range(2)] == [Luck(1, "SIM-0001", "x").bits(), luck_second()]
    unit = [Luck(n).unit() for n in range(2_000)]
    assert 0.47 < sum(unit) / len(unit) < 0.53
    assert min(unit) >= 0
    assert max(unit) < 1
    assert len(Luck(1).uuid()) == 36


def luck_second() -> int:
    luck = Luck(1, "SIM-0001", "x")
    luck.bits()
    return luck.bits()


def test_the_timeline_does_things_in_order_and_at_their_time() -> None:
    line = Timeline(100.0)
    done: list[tuple[str, float]] = []

    def note(what: str) -> None:
        done.append((what, line.now))

    line.after(5, lambda: note("b"))
    line.after(3, lambda: note("a"))
    line.after(3, lambda: line.after(1, lambda: note("c")))
    line.after(4.5, lambda: note("never")).cancel()
    line.advance(104.0)
    assert done == [("a", 103.0), ("c", 104.0)]
    line.advance(50.0)
    assert line.now == 104.0, "time does not go back"
    line.advance(200.0)
    assert done[-1] == ("b", 105.0)


def test_a_hurried_world_never_shows_tomorrow() -> None:
    assert Pace(speed=1, present=1e9).world(60) == 1e9 + 60
    timed = Pace(speed=60, present=1e9, duration_s=100)
    assert timed.start == 1e9 - 5_900
    assert timed.world(100) == 1e9 + 100
    open_ended = Pace(speed=10, present=1e9)
    assert open_ended.start == 1e9 - LEAD_S
    assert open_ended.world(60) - open_ended.start == 600
    assert open_ended.world(20_000) == 1e9 + 20_000, "it caught up, and goes on at our pace"
    assert Pace(speed=10, present=1e9, ahead=True).world(60) == 1e9 + 600
