"""Energy is conserved, curves are followed, meters never go back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecourt.sim.cars import AC_EFFICIENCY, DC_EFFICIENCY, Car, CarModel, catalogue
from forecourt.sim.limits import Limit, Limits, Place, Step
from forecourt.sim.models import station_models
from forecourt.sim.outlet import Outlet

CARS = catalogue()


def test_every_car_of_the_data_can_be_charged_somewhere() -> None:
    plugs = {plug for model in station_models().values() for o in model.outlets for plug in o}
    assert len(CARS) == 113
    for car in CARS:
        assert any(car.fits(plug, region) for plug in plugs for region in ("eu", "us")), car.name


@given(
    car=st.sampled_from(CARS),
    soc_pct=st.floats(0, 99),
    limit_w=st.floats(500, 400_000),
    minutes=st.integers(1, 600),
    dc=st.booleans(),
)
def test_what_the_meter_saw_is_what_the_battery_got_and_what_was_lost(
    car: CarModel, soc_pct: float, limit_w: float, minutes: int, *, dc: bool
) -> None:
    charged = Car(car, soc_pct)
    before_wh, metered_wh, last = charged.energy_wh, 0.0, 0.0
    for _ in range(minutes):
        step_wh = charged.charge(
            60.0, limit_w=limit_w, dc=dc, region="eu", target_wh=charged.capacity_wh
        )
        assert step_wh >= 0
        assert step_wh <= limit_w / 60.0 * 1.000001
        metered_wh += step_wh
        assert metered_wh >= last
        last = metered_wh
    efficiency = DC_EFFICIENCY if dc else AC_EFFICIENCY
    assert charged.energy_wh - before_wh == pytest.approx(metered_wh * efficiency, abs=1e-6)
    assert charged.energy_wh <= charged.capacity_wh + 1e-6


def test_a_fast_charger_follows_the_cars_curve() -> None:
    model = next(c for c in CARS if c.name == "Audi Q4 e-tron 50 quattro")
    assert model.dc_w(0) == 125_000
    assert model.dc_w(35) == 125_000
    assert model.dc_w(52.5) == pytest.approx(95_000)
    assert model.dc_w(100) == 25_000
    car = Car(model, 20.0)
    powers = []
    for _ in range(40):
        powers.append(car.takes_w(dc=True, region="eu"))
        car.charge(60.0, limit_w=1e6, dc=True, region="eu", target_wh=car.capacity_wh)
    assert powers[0] == 125_000
    assert powers[-1] < 70_000, "it tapers"
    assert powers == sorted(powers, reverse=True)


def an_outlet(name: str, limits: Limits | None = None) -> Outlet:
    model = station_models()[name]
    outlet = Outlet(
        1,
        model,
        first_number=1,
        limits=limits or Limits(),
        register_wh=500.7,
        share_w=lambda: 1e9,
        sharers=lambda: 1,
    )
    outlet.metered_at = 0.0
    return outlet


@pytest.mark.parametrize(
    ("model", "car", "watts"),
    [
        ("duo-22", "Renault Zoe R110 ZE40", 22_000),
        ("duo-22", "Tesla Model 3 LR", 11_000),
        ("home-7", "Tesla Model 3 LR", 7_360),
        ("duo-22", "Hyundai Kona 64 kWh 7,2 kW-AC", 7_200),
        ("swift-50", "Tesla Model 3 LR", 47_500),
    ],
)
def test_power_is_the_least_of_station_connector_and_car(
    model: str, car: str, watts: float
) -> None:
    outlet = an_outlet(model)
    chosen = next(c for c in CARS if c.name == car)
    outlet.connector, outlet.car = outlet.connectors[0], Car(chosen, 30.0)
    outlet.target_wh = outlet.car.capacity_wh
    outlet.energised = True
    outlet.offer(0.0)
    assert outlet.power_w == pytest.approx(watts, rel=0.01)


def test_the_shown_register_moves_in_whole_steps_and_never_back() -> None:
    outlet = an_outlet("swift-50")
    outlet.connector, outlet.car = outlet.connectors[0], Car(CARS[0], 40.0)
    outlet.target_wh, outlet.energised = outlet.car.capacity_wh, True
    outlet.offer(0.0)
    shown = []
    for second in range(0, 4_000, 7):
        shown.append(outlet.read(float(second)).register_wh)
        outlet.offer(float(second))
    assert shown[0] == 500
    assert shown == sorted(shown)
    assert all(wh % 10 == 0 for wh in shown)
    assert shown[-1] - shown[0] > 20_000


def a_limit(**more: object) -> Limit:
    usual: dict[str, object] = {
        "id": 1, "purpose": "TxDefault", "stack": 0, "kind": "Absolute", "unit": "W", "evse": 0,
        "start": 0.0, "steps": (Step(0, 11_000.0), Step(3_600, 4_000.0)),
    }  # fmt: skip
    return Limit(**{**usual, **more})  # type: ignore[arg-type]  # a test's shorthand


def ask_w(limits: Limits, now: float, *, evse: int = 1, tx_begun: float | None = None) -> object:
    place = Place(evse=evse, tx_begun=tx_begun, volts=230.0, phases=3)
    return limits.setting(now, place).limit_w


def test_limits_by_time_purpose_stack_and_outlet() -> None:
    limits = Limits()
    assert ask_w(limits, 10) is None
    limits.put(a_limit())
    assert ask_w(limits, 10) == 11_000
    assert ask_w(limits, 4_000) == 4_000
    limits.put(a_limit(id=2, stack=1, unit="A", steps=(Step(0, 10.0),)))
    assert ask_w(limits, 10) == 6_900, "the higher stack level wins"
    limits.put(a_limit(id=3, purpose="Station", steps=(Step(0, 5_000.0),)))
    assert ask_w(limits, 10) == 5_000, "the lowest purpose wins"
    limits.put(a_limit(id=4, purpose="Tx", kind="Relative", evse=1, steps=(Step(0, 3_000.0),)))
    assert ask_w(limits, 10, tx_begun=5.0) == 3_000
    assert ask_w(limits, 10, evse=2) == 5_000
    assert limits.clear(purpose="Station") == 1
    limits.forget_tx("any", 1)
    assert ask_w(limits, 10) == 6_900


def test_a_daily_limit_repeats() -> None:
    limits = Limits()
    limits.put(a_limit(kind="Daily", start=0.0, steps=(Step(0, 1_000.0), Step(7_200, 9_000.0))))
    assert ask_w(limits, 86_400 * 3 + 60) == 1_000
    assert ask_w(limits, 86_400 * 3 + 7_300) == 9_000
