"""What drivers do with their hands, on a station that has a central system behind it."""

from datetime import UTC, datetime

from forecourt.sim.drivers import Habits, Visit
from forecourt.sim.stay import Kerb, Stay
from forecourt.sim.world import default_tokens
from tests.sim.csms import CARD, NOON, Bench, a_car


def a_visit(bench: Bench, **more: object) -> Visit:
    plug = bench.station.outlets[0].connectors[0].plug
    car = a_car(plug, region=bench.station.plan.model.region).model
    usual: dict[str, object] = {
        "at": NOON, "car": car, "plug": plug, "soc_pct": 50.0,
        "target_wh": car.usable_kwh * 550.0, "stays_s": 7_200.0, "leaves_when_done": False,
        "token": CARD, "by_app": False, "plugs_first": True, "ends_by_card": True,
        "handling_s": 10.0,
    }  # fmt: skip
    return Visit(**{**usual, **more})  # type: ignore[arg-type]  # a test's shorthand


def come(bench: Bench, **more: object) -> None:
    outlet = bench.station.outlets[0]
    luck = bench.station.plan.luck("stay")
    Stay(bench.station, outlet, a_visit(bench, **more), luck).begin()
    bench.settle()


def test_plug_card_charge_idle_card_unplug() -> None:
    bench = Bench("1.6")
    come(bench)
    bench.move(7_300, step_s=5.0)
    words = [s.status for s in bench.heard_of("StatusNotification") if s.connector_id == 1]
    assert words == [
        "Available", "Preparing", "Charging", "SuspendedEV", "Finishing", "Available",
    ]  # fmt: skip
    (stop,) = bench.heard_of("StopTransaction")
    assert stop.reason == "Local"
    assert bench.stats.energy_wh > 1_000


def test_card_first_and_just_unplugging_at_the_end() -> None:
    bench = Bench("2.0.1")
    come(bench, plugs_first=False, ends_by_card=False, leaves_when_done=True)
    bench.move(7_300, step_s=5.0)
    ended = bench.heard_of("TransactionEvent")[-1]
    assert ended.event_type == "Ended"
    assert ended.transaction_info.stopped_reason == "EVDisconnected"
    assert ended.transaction_info.charging_state == "Idle"


def test_who_is_refused_leaves() -> None:
    bench = Bench("2.1")
    bench.card_status = "Blocked"
    come(bench)
    bench.move(60)
    assert bench.station.outlets[0].idle
    assert bench.stats.refused == 1


def test_an_app_that_never_starts_costs_patience() -> None:
    bench = Bench("1.6")
    come(bench, by_app=True)
    bench.move(30)
    assert bench.station.outlets[0].plugged
    bench.move(300)
    assert bench.station.outlets[0].idle
    assert bench.stats.started == 0


def test_an_occupied_outlet_turns_people_away() -> None:
    bench = Bench("1.6")
    come(bench)
    bench.move(5)
    come(bench)
    assert bench.stats.turned_away == 1


def test_a_session_stopped_from_afar_brings_the_driver_back() -> None:
    bench = Bench("1.6")
    come(bench)
    bench.move(60)
    outlet = bench.station.outlets[0]
    bench.station.stop(outlet, "Remote", "RemoteStop")
    assert outlet.plugged
    bench.move(1_000)
    assert outlet.idle


def test_the_kerb_sends_one_after_the_other_and_somebody_when_summoned() -> None:
    bench = Bench("1.6")
    outlet = bench.station.outlets[0]
    drivers = bench.station.plan.drivers(0, Habits(tokens=default_tokens(3), busy=8.0))
    kerb = Kerb(bench.station, outlet, drivers, bench.station.plan.luck("kerb"))
    kerb.summon(CARD)
    bench.move(40)
    assert outlet.plugged
    bench.station.unplug(outlet)
    kerb.open(first_within_s=5.0)
    bench.move(30 * 3_600, step_s=60.0)
    assert bench.stats.started >= 2


def test_who_reserved_comes_in_time_with_the_card() -> None:
    bench = Bench("2.0.1", "Duo 22")
    words, outlet = bench.words, bench.station.outlets[0]
    until = datetime.fromtimestamp(NOON + 1_000, UTC)
    token = words.IdToken(id_token=CARD, type="ISO14443")
    bench.command(words.ReserveNow(id=3, expiry_date_time=until, id_token=token, evse_id=1))
    plan = bench.station.plan
    habits = Habits(tokens=default_tokens(5))
    kerb = Kerb(bench.station, outlet, plan.drivers(0, habits), plan.luck("kerb"))
    come(bench, token="04F0EC00000005")
    bench.move(20)
    assert bench.stats.turned_away == 1, "somebody else finds it reserved"
    kerb.expect(CARD, 1_000.0)
    bench.move(1_000)
    told = [e.reservation_id for e in bench.heard_of("TransactionEvent")]
    assert 3 in told
    assert len(bench.station.reservations) == 0
