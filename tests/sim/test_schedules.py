"""Charging profiles: the composite schedule is what the outlet does, and the car feels it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecourt.protocol.ocpp import v16, v21
from forecourt.sim.limits import Kind, Limit, Limits, Place, Purpose, Step
from forecourt.sim.models import station_models
from forecourt.sim.outlet import Outlet
from forecourt.sim.v2x.smart import SiteLimiter
from tests.sim.csms import NOON, Bench
from tests.sim.tour import at, plug_talking

PURPOSES: tuple[Purpose, ...] = (
    "Station", "External", "TxDefault", "Tx", "Priority", "LocalGeneration",
)  # fmt: skip
KINDS: tuple[Kind, ...] = ("Absolute", "Relative", "Daily", "Weekly")
MOMENTS = st.integers(-7_200, 14_400).map(lambda s: NOON + s)


@st.composite
def limits(draw: st.DrawFn) -> Limit:
    starts = sorted(draw(st.sets(st.integers(1, 7_200), max_size=4)))
    numbers = st.floats(0, 30_000).map(round)
    return Limit(
        id=draw(st.integers(1, 50)),
        purpose=draw(st.sampled_from(PURPOSES)),
        stack=draw(st.integers(0, 3)),
        kind=draw(st.sampled_from(KINDS)),
        unit=draw(st.sampled_from(("W", "A"))),
        evse=draw(st.integers(0, 2)),
        valid_from=draw(st.none() | MOMENTS),
        valid_to=draw(st.none() | MOMENTS),
        start=draw(st.none() | MOMENTS),
        duration_s=draw(st.none() | st.integers(60, 20_000)),
        steps=tuple(Step(float(s), draw(numbers)) for s in (0, *starts)),
    )


@settings(max_examples=300)
@given(
    profiles=st.lists(limits(), max_size=8),
    looks=st.lists(st.floats(0, 7_199), min_size=20, max_size=20),
    begun=st.none() | MOMENTS,
)
def test_the_composite_schedule_is_what_is_allowed_at_every_moment(
    profiles: list[Limit], looks: list[float], begun: float | None
) -> None:
    kept = Limits()
    for profile in profiles:
        kept.put(profile)
    outlet = Outlet(
        1,
        station_models()["duo-22"],
        first_number=1,
        limits=kept,
        register_wh=0.0,
        share_w=lambda: 1e9,
        sharers=lambda: 2,
    )
    if begun is not None:
        outlet.tx = type("Tx", (), {"begun_at": begun})()  # when it began is all that counts
    schedule = outlet.composite(NOON, 7_200.0)
    assert schedule[0][0] == 0
    starts = [start for start, _ in schedule]
    assert starts == sorted(set(starts))
    for look in looks:
        said = [watts for start, watts in schedule if start <= look][-1]
        assert said == outlet.limit_w(NOON + look)


@settings(max_examples=200)
@given(profiles=st.lists(limits(), max_size=8), now=MOMENTS)
def test_no_purpose_allows_more_than_another(profiles: list[Limit], now: float) -> None:
    """Whatever comes on top (what is generated on site) aside, more profiles never mean more."""
    kept = Limits()
    place = Place(evse=1, tx_begun=now - 60, volts=230.0, phases=3)
    whole = [p for p in profiles if p.purpose in {"Station", "External", "Tx"}]
    for n, profile in enumerate(whole):
        before = kept.setting(now, place).limit_w
        same = [p for p in whole[:n] if p.purpose == profile.purpose]
        kept.put(profile)
        after = kept.setting(now, place).limit_w
        if before is not None and not same and all(p.id != profile.id for p in whole[:n]):
            assert after is not None
            assert after <= before


def a_profile(bench: Bench, watts: float, **more: Any) -> v16.ChargingProfile:
    usual: dict[str, Any] = {
        "charging_profile_id": 1,
        "stack_level": 0,
        "charging_profile_purpose": "TxDefaultProfile",
        "charging_profile_kind": "Absolute",
        "charging_schedule": v16.ChargingSchedule(
            charging_rate_unit="W",
            start_schedule=at(bench, 0),
            charging_schedule_period=(v16.ChargingSchedulePeriod(start_period=0, limit=watts),),
        ),
    }
    return v16.ChargingProfile(**{**usual, **more})


def test_a_limit_is_felt_by_the_car_at_once_and_let_go_again() -> None:
    bench = Bench("1.6", "Duo 22")
    outlet = bench.session(seconds=120)
    free_w = outlet.power_w
    assert free_w > 6_000
    answer: Any = bench.command(
        v16.SetChargingProfile(connector_id=1, cs_charging_profiles=a_profile(bench, 5_000))
    )
    assert answer.status == "Accepted"
    assert outlet.power_w == 5_000
    before_wh = outlet.register_wh
    bench.move(3_600, step_s=30)
    assert outlet.read(bench.world.now).register_wh - before_wh == pytest.approx(5_000, rel=0.01)
    answer = bench.command(v16.ClearChargingProfile())
    assert answer.status == "Accepted"
    assert outlet.power_w == pytest.approx(free_w, rel=0.2)
    answer = bench.command(v16.ClearChargingProfile())
    assert answer.status == "Unknown"


def test_the_whole_stations_limit_is_shared_by_those_who_charge() -> None:
    bench = Bench("1.6", "Duo 22")
    station = bench.station
    most = a_profile(bench, 12_000, charging_profile_purpose="ChargePointMaxProfile")
    answer: Any = bench.command(v16.SetChargingProfile(connector_id=0, cs_charging_profiles=most))
    assert answer.status == "Accepted"
    one = bench.session(seconds=60)
    alone_w = one.power_w
    second = station.outlets[1]
    assert one.car is not None
    car = type(one.car)(one.car.model, 30.0)
    station.plug_in(second, car, second.connectors[0].plug, target_wh=car.capacity_wh)
    station.swipe(second, "04F0EC00000002")
    bench.settle()
    assert one.on_offer_w == second.on_offer_w == 6_000
    assert alone_w > one.power_w
    schedule: Any = bench.command(v16.GetCompositeSchedule(connector_id=0, duration=60))
    (period,) = schedule.charging_schedule.charging_schedule_period
    assert period.limit == 12_000


def test_16_refuses_profiles_that_make_no_sense() -> None:
    bench = Bench("1.6", "Duo 22")

    def status(connector: int, **more: Any) -> str:
        profile = a_profile(bench, 9_000, **more)
        request = v16.SetChargingProfile(connector_id=connector, cs_charging_profiles=profile)
        answer: Any = bench.command(request)
        return str(answer.status)

    assert status(1, charging_profile_purpose="TxProfile") == "Rejected", "nobody charges"
    assert status(1, charging_profile_purpose="ChargePointMaxProfile") == "Rejected"
    assert status(7) == "Rejected", "no such connector"
    assert status(1, stack_level=99) == "Rejected"
    assert status(1) == "Accepted"


def test_profiles_are_reported_by_evse_and_source() -> None:
    bench = Bench("2.1", "Swift 180 Twin", features=("ems",))
    words = bench.words
    for evse in (1, 2):
        profile = words.ChargingProfile(
            id=evse,
            stack_level=2,
            charging_profile_purpose="TxDefaultProfile",
            charging_profile_kind="Relative",
            charging_schedule=(
                words.ChargingSchedule(
                    id=1,
                    charging_rate_unit="A",
                    charging_schedule_period=(
                        words.ChargingSchedulePeriod(start_period=0, limit=16.0),
                    ),
                ),
            ),
        )
        answer: Any = bench.command(
            words.SetChargingProfile(evse_id=evse, charging_profile=profile)
        )
        assert answer.status == "Accepted"
    voice: Any = bench.station.voice
    voice.organ(SiteLimiter).limit()
    bench.settle()
    everything = words.ChargingProfileCriterion()
    answer = bench.command(words.GetChargingProfiles(request_id=4, charging_profile=everything))
    assert answer.status == "Accepted"
    reports = bench.heard_of("ReportChargingProfiles")
    assert [(r.evse_id, r.charging_limit_source, bool(r.tbc)) for r in reports] == [
        (0, "EMS", True), (1, "CSO", True), (2, "CSO", False),
    ]  # fmt: skip
    mine = words.ChargingProfileCriterion(charging_profile_id=(77,))
    answer = bench.command(words.GetChargingProfiles(request_id=5, charging_profile=mine))
    assert answer.status == "NoProfiles"


def test_a_bidirectional_car_follows_its_set_point_both_ways() -> None:
    bench = Bench("2.1", "Swift 180 Twin", features=("iso15118", "v2x"))
    words = v21
    outlet = plug_talking(bench)
    bench.station.swipe(outlet, "04F0EC00000001")
    bench.move(60)
    assert outlet.tx is not None
    period = words.ChargingSchedulePeriod(
        start_period=0, setpoint=-20_000.0, operation_mode="CentralSetpoint"
    )
    profile = words.ChargingProfile(
        id=3,
        stack_level=0,
        charging_profile_purpose="TxProfile",
        charging_profile_kind="Dynamic",
        transaction_id=outlet.tx.ref,
        charging_schedule=(
            words.ChargingSchedule(
                id=1, charging_rate_unit="W", charging_schedule_period=(period,)
            ),
        ),
    )
    answer: Any = bench.command(words.SetChargingProfile(evse_id=1, charging_profile=profile))
    assert answer.status == "Accepted"
    assert outlet.power_w == -20_000
    imported_wh, exported_wh = outlet.register_wh, outlet.export_wh
    assert outlet.car is not None
    before_pct = outlet.car.soc_pct
    bench.move(900, step_s=30)
    assert outlet.export_wh - exported_wh == pytest.approx(5_000, rel=0.02)
    assert outlet.register_wh == imported_wh
    assert outlet.car.soc_pct < before_pct
    samples = bench.heard_of("TransactionEvent")[-1].meter_value[0].sampled_value
    by_measurand = {s.measurand: s.value for s in samples}
    assert by_measurand["Power.Active.Export"] == 20_000
    assert by_measurand["Energy.Active.Export.Register"] > 0
    update = words.ChargingScheduleUpdate(setpoint=10_000.0)
    answer = bench.command(
        words.UpdateDynamicSchedule(charging_profile_id=3, schedule_update=update)
    )
    assert answer.status == "Accepted"
    assert outlet.power_w == 10_000


def test_no_car_gives_more_than_it_may_spare() -> None:
    bench = Bench("2.1", "Swift 180 Twin", features=("iso15118", "v2x"))
    outlet = plug_talking(bench)
    assert outlet.car is not None
    given_wh = 0.0
    for _ in range(500):
        given_wh += outlet.car.discharge(600, limit_w=1e6, dc=True, region="eu")
    assert outlet.car.soc_pct == pytest.approx(20.0)
    assert given_wh < 0.4 * outlet.car.capacity_wh
    outlet.car.gives = False
    assert outlet.car.gives_w(dc=True, region="eu") == 0


def test_the_grid_may_limit_what_cars_give() -> None:
    bench = Bench("2.1", "Swift 180 Twin", features=("iso15118", "v2x", "der"))
    outlet = plug_talking(bench)
    bench.station.swipe(outlet, "04F0EC00000001")
    bench.move(30)
    period = v21.ChargingSchedulePeriod(start_period=0, setpoint=-50_000.0)
    schedule = v21.ChargingSchedule(
        id=1,
        charging_rate_unit="W",
        start_schedule=at(bench, 0),
        charging_schedule_period=(period,),
    )
    profile = v21.ChargingProfile(
        id=3,
        stack_level=0,
        charging_profile_purpose="TxDefaultProfile",
        charging_profile_kind="Absolute",
        charging_schedule=(schedule,),
    )
    bench.command(v21.SetChargingProfile(evse_id=1, charging_profile=profile))
    free_w = outlet.power_w
    assert free_w < -30_000
    content = v21.LimitMaxDischarge(
        priority=1, pct_max_discharge_power=5.0, start_time=at(bench, 10), duration=60.0
    )
    answer: Any = bench.command(
        v21.SetDERControl(
            is_default=False,
            control_id="E",
            control_type="LimitMaxDischarge",
            limit_max_discharge=content,
        )
    )
    assert answer.status == "Accepted"
    bench.move(20)
    limited_w = outlet.power_w
    assert -10_000 < limited_w < 0
    bench.move(90)
    assert outlet.power_w == pytest.approx(free_w, rel=0.1), "it has run out"


def test_2x_takes_no_second_profile_for_the_same_time_and_place() -> None:
    bench = Bench("2.0.1", "Duo 22")
    words = bench.words

    def put(number: int, **more: Any) -> Any:
        period = words.ChargingSchedulePeriod(start_period=0, limit=9_000.0)
        schedule = words.ChargingSchedule(
            id=1, charging_rate_unit="W", charging_schedule_period=(period,)
        )
        profile = words.ChargingProfile(
            id=number,
            stack_level=1,
            charging_profile_purpose="TxDefaultProfile",
            charging_profile_kind="Relative",
            charging_schedule=(schedule,),
            **more,
        )
        return bench.command(words.SetChargingProfile(evse_id=1, charging_profile=profile))

    assert put(1, valid_to=at(bench, 600)).status == "Accepted"
    rival = put(2)
    assert (rival.status, rival.status_info.reason_code) == ("Rejected", "DuplicateProfile")
    assert put(2, valid_from=at(bench, 600)).status == "Accepted", "one after the other"
    assert put(1, valid_to=at(bench, 300)).status == "Accepted", "its own id again"
    assert len(bench.station.limits) == 2
