"""The commands that are not part of every session, in each version's own way."""

from typing import Any

import pytest

from forecourt.protocol.ocpp import v16, v201
from forecourt.sim.talk import DURABLE_MAX
from forecourt.sim.world import Version
from tests.sim.csms import CARD, Bench

ALL: tuple[Version, ...] = ("1.6", "2.0.1", "2.1")


def test_16_local_list_rules_when_offline() -> None:
    bench = Bench("1.6")
    version: Any = bench.command(v16.GetLocalListVersion())
    assert version.list_version == 0
    info = v16.IdTagInfo(status="Blocked")
    entry = v16.AuthorizationData(id_tag=CARD, id_tag_info=info)
    send = v16.SendLocalList(list_version=4, update_type="Full", local_authorization_list=(entry,))
    answer: Any = bench.command(send)
    assert answer.status == "Accepted"
    version = bench.command(v16.GetLocalListVersion())
    assert version.list_version == 4
    stale = v16.SendLocalList(list_version=3, update_type="Differential")
    answer = bench.command(stale)
    assert answer.status == "VersionMismatch"
    bench.cut()
    outlet = bench.session(seconds=5)
    assert outlet.token is None, "the list blocks the card, offline too"


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_2x_local_list(version: Version) -> None:
    bench = Bench(version)
    words = bench.words
    entry = words.AuthorizationData(
        id_token=words.IdToken(id_token=CARD, type="ISO14443"),
        id_token_info=words.IdTokenInfo(status="Accepted"),
    )
    send = words.SendLocalList(
        version_number=2, update_type="Full", local_authorization_list=(entry,)
    )
    answer: Any = bench.command(send)
    assert answer.status == "Accepted"
    answer = bench.command(words.GetLocalListVersion())
    assert answer.version_number == 2
    bench.station.knobs.local_pre_authorize = True
    outlet = bench.session(seconds=5)
    assert outlet.energised
    assert not bench.heard_of("Authorize"), "a known card needs no question"


@pytest.mark.parametrize("version", ALL)
def test_a_card_that_was_seen_before_charges_offline(version: Version) -> None:
    bench = Bench(version)
    bench.station.knobs.offline_unknown = False
    outlet = bench.session(seconds=5)
    bench.station.unplug(outlet)
    bench.settle()
    bench.cut()
    bench.session(seconds=5)
    assert outlet.energised, "the cache knows it"
    bench.station.unplug(outlet)
    bench.up = True
    bench.move(60)
    answer: Any = bench.command(bench.words.ClearCache())
    assert answer.status == "Accepted"
    bench.cut()
    bench.session(seconds=5)
    assert outlet.token is None, "nobody knows it any more"


@pytest.mark.parametrize("version", ALL)
def test_triggers(version: Version) -> None:
    bench = Bench(version)
    bench.session(seconds=5)
    before = len(bench.heard)
    for what in ("Heartbeat", "MeterValues", "StatusNotification"):
        answer: Any = bench.command(bench.words.TriggerMessage(requested_message=what))
        assert answer.status == "Accepted"
    said = {type(message).__name__ for message in bench.heard[before:]}
    assert {"Heartbeat", "MeterValues", "StatusNotification"} <= said
    answer = bench.command(
        bench.words.TriggerMessage(requested_message="FirmwareStatusNotification")
    )
    assert answer.status == "Accepted"
    assert bench.heard_of("FirmwareStatusNotification")[0].status == "Idle"


@pytest.mark.parametrize("version", ALL)
def test_clock_aligned_values(version: Version) -> None:
    bench = Bench(version)
    bench.station.knobs.aligned_s = 60
    bench.station.arm_aligned()
    bench.move(185)
    idle = bench.heard_of("MeterValues")
    assert len(idle) == 3 * len(bench.station.outlets)
    assert all(m.meter_value[0].timestamp.second == 0 for m in idle)
    assert idle[0].meter_value[0].sampled_value[0].context == "Sample.Clock"


@pytest.mark.parametrize("version", ALL)
def test_composite_schedule_and_vendor_data(version: Version) -> None:
    bench = Bench(version)
    words = bench.words
    where = {"connector_id": 1} if version == "1.6" else {"evse_id": 1}
    answer: Any = bench.command(words.GetCompositeSchedule(duration=3600, **where))
    assert answer.status == "Accepted"
    schedule = answer.charging_schedule if version == "1.6" else answer.schedule
    assert schedule.charging_schedule_period[0].limit > 1_000
    answer = bench.command(words.DataTransfer(vendor_id="com.example"))
    assert answer.status == "UnknownVendorId"


def test_16_unlock_ends_the_session() -> None:
    bench = Bench("1.6", "Duo 22")
    bench.session(seconds=30)
    answer: Any = bench.command(v16.UnlockConnector(connector_id=1))
    assert answer.status == "Unlocked"
    bench.move(2)
    assert bench.heard_of("StopTransaction")[0].reason == "UnlockCommand"
    answer = bench.command(v16.UnlockConnector(connector_id=99))
    assert answer.status == "NotSupported"


def test_2x_unlock_transaction_status_and_reset_on_idle() -> None:
    bench = Bench("2.0.1", "Duo 22")
    outlet = bench.session(seconds=30)
    assert outlet.tx is not None
    ref = outlet.tx.ref
    answer: Any = bench.command(v201.UnlockConnector(evse_id=1, connector_id=1))
    assert answer.status == "OngoingAuthorizedTransaction"
    answer = bench.command(v201.GetTransactionStatus(transaction_id=ref))
    assert (answer.ongoing_indicator, answer.messages_in_queue) == (True, False)
    answer = bench.command(v201.Reset(type="OnIdle"))
    assert answer.status == "Scheduled"
    bench.station.unplug(outlet)
    bench.move(bench.station.plan.model.boot_s + 10)
    assert len(bench.heard_of("BootNotification")) == 2
    answer = bench.command(v201.GetTransactionStatus(transaction_id=ref))
    assert answer.ongoing_indicator is False


def test_2x_reports_what_is_asked_for() -> None:
    bench = Bench("2.0.1", "Duo 22")
    component = v201.Component(name="connector")
    asked = v201.ComponentVariable(
        component=component, variable=v201.Variable(name="ConnectorType")
    )
    answer: Any = bench.command(v201.GetReport(request_id=9, component_variable=(asked,)))
    assert answer.status == "Accepted"
    (page,) = bench.heard_of("NotifyReport")
    values = [d.variable_attribute[0].value for d in page.report_data]
    assert values == ["sType2", "sType2"]
    nothing = v201.ComponentVariable(component=v201.Component(name="Nothing"))
    answer = bench.command(v201.GetReport(request_id=10, component_variable=(nothing,)))
    assert answer.status == "EmptyResultSet"


def test_2x_passwords_are_written_and_never_read() -> None:
    bench = Bench("2.1")
    words = bench.words
    component = words.Component(name="SecurityCtrlr")
    variable = words.Variable(name="BasicAuthPassword")
    data = words.SetVariableData(
        attribute_value="a-new-password-16", component=component, variable=variable
    )
    answer: Any = bench.command(words.SetVariables(set_variable_data=(data,)))
    assert answer.set_variable_result[0].attribute_status == "Accepted"
    assert bench.station.knobs.password == "a-new-password-16"
    read = words.GetVariableData(component=component, variable=variable)
    answer = bench.command(words.GetVariables(get_variable_data=(read,)))
    assert answer.get_variable_result[0].attribute_status == "Rejected"


def test_a_start_that_the_central_system_regrets_is_stopped() -> None:
    bench = Bench("1.6")
    info = v16.IdTagInfo(status="Invalid")
    bench.replies["StartTransaction"] = lambda _: v16.StartTransactionResponse(
        transaction_id=5, id_tag_info=info
    )
    bench.session(seconds=5)
    (stop,) = bench.heard_of("StopTransaction")
    assert (stop.transaction_id, stop.reason) == (5, "DeAuthorized")


def test_a_full_memory_drops_samples_and_keeps_the_rest() -> None:
    bench = Bench("2.0.1")
    bench.cut()
    outlet = bench.session(seconds=5)
    assert outlet.tx is not None
    for _ in range(DURABLE_MAX):
        sample = outlet.read(bench.world.now)
        bench.station.voice.tx_updated(outlet.tx, "MeterValuePeriodic", sample)
    assert bench.stats.samples_dropped > 0
    waiting = bench.station.talk.durable_waiting
    bench.station.unplug(outlet)
    assert bench.station.talk.durable_waiting == waiting + 1, "an end is always kept"


def test_a_rejected_station_lets_nobody_command_it() -> None:
    for version in ALL:
        bench = Bench(version, boot=False)
        bench.boot_status = "Rejected"
        bench.station.power_on()
        bench.settle()
        assert bench.connection is not None
        bench.connection.call(bench.words.ClearCache(), bench.wire.now)
        bench.settle()
        if version == "1.6":
            assert bench.answers == []
        else:
            failed: Any = bench.answers[-1]
            assert failed.code == "SecurityError"
