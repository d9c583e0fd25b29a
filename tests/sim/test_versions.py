"""Each version from boot to the end of a session, every frame read by the typed decoders."""

from itertools import pairwise
from typing import Any

import pytest

from forecourt.sim.world import Version
from tests.sim.csms import CARD, Bench

pytestmark = pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])


def test_boot_tells_who_it_is_and_what_its_connectors_do(version: Version) -> None:
    bench = Bench(version)
    boot = bench.heard_of("BootNotification")
    assert len(boot) == 1
    connectors = sum(len(o.connectors) for o in bench.station.outlets)
    statuses = bench.heard_of("StatusNotification")
    assert len(statuses) == connectors
    assert bench.station.online
    bench.move(301)
    assert len(bench.heard_of("Heartbeat")) >= 1


def test_a_session(version: Version) -> None:
    bench = Bench(version)
    outlet = bench.session(seconds=605)
    assert outlet.energised
    bench.station.swipe(outlet, CARD)
    bench.settle()
    bench.station.unplug(outlet)
    bench.settle()
    assert bench.stats.started == bench.stats.ended == 1
    assert bench.station.talk.durable_waiting == 0
    kinds = [note.kind for note in bench.acknowledged_notes]
    assert kinds[0] == "start"
    assert kinds[-1] == "end"
    assert kinds.count("start") == kinds.count("end") == 1
    assert [n.seq for n in bench.acknowledged_notes] == list(range(len(kinds)))
    meters = [note.meter_wh for note in bench.acknowledged_notes]
    assert meters == sorted(meters)
    assert meters[-1] > meters[0]
    if version == "1.6":
        check_16(bench)
    else:
        check_2x(bench)


def check_16(bench: Bench) -> None:
    (start,) = bench.heard_of("StartTransaction")
    (stop,) = bench.heard_of("StopTransaction")
    assert start.id_tag == stop.id_tag == CARD
    assert stop.transaction_id == 1000
    assert stop.reason == "Local"
    values = bench.heard_of("MeterValues")
    assert len(values) >= 5
    assert {v.transaction_id for v in values} == {1000}
    words = [s.status for s in bench.heard_of("StatusNotification") if s.connector_id == 1]
    assert words == ["Available", "Preparing", "Charging", "Finishing", "Available"]


def check_2x(bench: Bench) -> None:
    events = bench.heard_of("TransactionEvent")
    assert events[0].event_type == "Started"
    assert events[-1].event_type == "Ended"
    assert events[-1].transaction_info.stopped_reason == "Local"
    assert len({e.transaction_info.transaction_id for e in events}) == 1
    assert sum(e.id_token is not None for e in events) >= 1
    states = [e.transaction_info.charging_state for e in events]
    assert "Charging" in states
    assert all(a.timestamp <= b.timestamp for a, b in pairwise(events))
    assert events[0].evse.id == 1
    words = [s.connector_status for s in bench.heard_of("StatusNotification") if s.evse_id == 1]
    assert words[-1] == "Available"
    assert "Occupied" in words


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_a_station_that_is_not_accepted_waits_and_asks_again(version: Version, status: str) -> None:
    bench = Bench(version, boot=False)
    bench.boot_status = status
    bench.station.power_on()
    bench.settle()
    bench.session(seconds=60)
    assert {type(m).__name__ for m in bench.heard} == {"BootNotification"}
    assert bench.stats.started == 1, "drivers still charge"
    bench.move(250)
    assert len(bench.heard_of("BootNotification")) == 2, "the interval was 300 s"
    bench.boot_status = "Accepted"
    bench.move(310)
    assert bench.station.online
    assert bench.acknowledged_notes[0].kind == "start", "what happened meanwhile is told"


def test_pending_lets_the_central_system_ask(version: Version) -> None:
    bench = Bench(version, boot=False)
    bench.boot_status = "Pending"
    bench.station.power_on()
    bench.settle()
    answer: Any = bench.command(bench.words.TriggerMessage(requested_message="StatusNotification"))
    assert answer.status == "Accepted"
    assert bench.heard_of("StatusNotification")
    if version == "1.6":
        answer = bench.command(bench.words.GetConfiguration())
        assert len(answer.configuration_key) > 20
    else:
        request = bench.words.GetBaseReport(request_id=5, report_base="FullInventory")
        answer = bench.command(request)
        assert answer.status == "Accepted"
        pages = bench.heard_of("NotifyReport")
        assert [p.seq_no for p in pages] == list(range(len(pages)))
        assert [bool(p.tbc) for p in pages] == [True] * (len(pages) - 1) + [False]
        assert sum(len(p.report_data) for p in pages) > 60


def test_a_refused_card_charges_nothing(version: Version) -> None:
    bench = Bench(version)
    bench.card_status = "Blocked"
    outlet = bench.session(seconds=60)
    assert not outlet.energised
    assert outlet.token is None
    assert bench.heard_of("Authorize")
    assert not bench.heard_of("StartTransaction")


def test_remote_start_and_stop(version: Version) -> None:
    bench = Bench(version)
    words = bench.words
    outlet = bench.plug()
    if version == "1.6":
        start = words.RemoteStartTransaction(id_tag=CARD, connector_id=1)
    else:
        token = words.IdToken(id_token=CARD, type="ISO14443")
        start = words.RequestStartTransaction(id_token=token, remote_start_id=77, evse_id=1)
    answer: Any = bench.command(start)
    assert answer.status == "Accepted"
    bench.move(120)
    assert outlet.energised
    again: Any = bench.command(start)
    assert again.status == "Rejected", "one at a time"
    assert outlet.tx is not None
    if version == "1.6":
        answer = bench.command(words.RemoteStopTransaction(transaction_id=outlet.tx.wire_id))
    else:
        events = bench.heard_of("TransactionEvent")
        assert [e.transaction_info.remote_start_id for e in events].count(77) == 1
        answer = bench.command(words.RequestStopTransaction(transaction_id=outlet.tx.ref))
    assert answer.status == "Accepted"
    bench.move(5)
    assert outlet.power_w == 0
    bench.station.unplug(outlet)
    bench.settle()
    assert bench.acknowledged_notes[-1].kind == "end"
    if version == "1.6":
        assert bench.heard_of("StopTransaction")[0].reason == "Remote"
    else:
        ended = bench.heard_of("TransactionEvent")[-1]
        assert ended.transaction_info.stopped_reason == "Remote"


def test_remote_start_without_a_car_calls_a_driver_or_times_out(version: Version) -> None:
    bench = Bench(version)
    words = bench.words
    if version == "1.6":
        bench.command(words.RemoteStartTransaction(id_tag=CARD))
    else:
        token = words.IdToken(id_token=CARD, type="ISO14443")
        bench.command(words.RequestStartTransaction(id_token=token, remote_start_id=1))
    ((outlet, token_text),) = bench.summoned
    assert token_text == CARD
    assert not outlet.usable, "it waits for the plug"
    bench.move(95)
    assert outlet.idle


def test_reset_ends_what_runs_and_boots_again(version: Version) -> None:
    bench = Bench(version)
    bench.session(seconds=120)
    kind = "Hard" if version == "1.6" else "Immediate"
    answer: Any = bench.command(bench.words.Reset(type=kind))
    assert answer.status == "Accepted"
    bench.move(bench.station.plan.model.boot_s + 10)
    boots = bench.heard_of("BootNotification")
    assert len(boots) == 2
    assert bench.acknowledged_notes[-1].kind == "end"
    assert bench.station.online
    if version != "1.6":
        assert boots[1].reason == "RemoteReset"
        ended = [e for e in bench.heard_of("TransactionEvent") if e.event_type == "Ended"]
        assert ended[0].transaction_info.stopped_reason == "ImmediateReset"


def test_availability_waits_for_the_session(version: Version) -> None:
    bench = Bench(version)
    outlet = bench.session(seconds=60)
    if version == "1.6":
        request = bench.words.ChangeAvailability(connector_id=1, type="Inoperative")
    else:
        evse = bench.words.EVSE(id=1)
        request = bench.words.ChangeAvailability(operational_status="Inoperative", evse=evse)
    answer: Any = bench.command(request)
    assert answer.status == "Scheduled"
    assert outlet.operative, "not before the session is over"
    bench.station.unplug(outlet)
    bench.settle()
    last: Any = bench.heard_of("StatusNotification")[-1]
    assert (last.status if version == "1.6" else last.connector_status) == "Unavailable"


def test_a_fault_is_told_and_passes(version: Version) -> None:
    bench = Bench(version)
    outlet = bench.session(seconds=60)
    bench.station.fault(outlet, "GroundFailure", 120.0)
    bench.settle()
    last: Any = bench.heard_of("StatusNotification")[-1]
    if version == "1.6":
        assert (last.status, last.error_code) == ("Faulted", "GroundFailure")
    else:
        assert last.connector_status == "Faulted"
    assert not outlet.energised
    bench.move(130)
    assert outlet.fault is None


def test_a_limit_is_obeyed(version: Version) -> None:
    bench = Bench(version)
    outlet = bench.session(seconds=60)
    before_w = outlet.power_w
    assert outlet.tx is not None
    words = bench.words
    period = words.ChargingSchedulePeriod(start_period=0, limit=2_000.0)
    if version == "1.6":
        schedule = words.ChargingSchedule(
            charging_rate_unit="W", charging_schedule_period=(period,)
        )
        profile = words.ChargingProfile(
            charging_profile_id=1, stack_level=0, charging_profile_purpose="TxProfile",
            charging_profile_kind="Relative", charging_schedule=schedule,
        )  # fmt: skip
        request = words.SetChargingProfile(connector_id=1, cs_charging_profiles=profile)
    else:
        schedule = words.ChargingSchedule(
            id=1, charging_rate_unit="W", charging_schedule_period=(period,)
        )
        profile = words.ChargingProfile(
            id=1, stack_level=0, charging_profile_purpose="TxProfile",
            charging_profile_kind="Relative", charging_schedule=(schedule,),
            transaction_id=outlet.tx.ref,
        )  # fmt: skip
        request = words.SetChargingProfile(evse_id=1, charging_profile=profile)
    answer: Any = bench.command(request)
    assert answer.status == "Accepted"
    bench.move(2)
    assert outlet.power_w == 2_000.0
    assert before_w > 2_000.0
    cleared: Any = bench.command(
        words.ClearChargingProfile(id=1)
        if version == "1.6"
        else words.ClearChargingProfile(charging_profile_id=1)
    )
    assert cleared.status == "Accepted"
    bench.move(2)
    assert outlet.power_w > 2_000.0


def test_settings_are_read_and_turned(version: Version) -> None:
    bench = Bench(version)
    words = bench.words
    if version == "1.6":
        answer: Any = bench.command(
            words.ChangeConfiguration(key="metervaluesampleinterval", value="15")
        )
        assert answer.status == "Accepted"
        answer = bench.command(words.ChangeConfiguration(key="NumberOfConnectors", value="9"))
        assert answer.status in {"Rejected", "NotSupported"}
        answer = bench.command(words.GetConfiguration(key=("MeterValueSampleInterval", "Nope")))
        assert answer.configuration_key[0].value == "15"
        assert answer.unknown_key == ("Nope",)
    else:
        component = words.Component(name="SampledDataCtrlr")
        variable = words.Variable(name="TxUpdatedInterval")
        data = words.SetVariableData(attribute_value="15", component=component, variable=variable)
        nope = words.SetVariableData(
            attribute_value="1", component=words.Component(name="Nope"), variable=variable
        )
        answer = bench.command(words.SetVariables(set_variable_data=(data, nope)))
        said = [r.attribute_status for r in answer.set_variable_result]
        assert said == ["Accepted", "UnknownComponent"]
        read = words.GetVariableData(component=component, variable=variable)
        answer = bench.command(words.GetVariables(get_variable_data=(read,)))
        assert answer.get_variable_result[0].attribute_value == "15"
    assert bench.station.knobs.sample_s == 15
