"""What stations in the field write: odd payloads, broken JSON, wrong clocks, messages told twice.

Numbers are rows of docs/protocols/field-quirks.md.
"""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from forecourt.domain.sessions import Flag
from forecourt.domain.stations import (
    Availability,
    GetVariables,
    Outcome,
    SetVariables,
    Trigger,
    VariableName,
    VariableValue,
)
from tests.edge.ocpp.house import BOOT_2X, BOOT_16, IN_THE_HOUSE, Yard
from tests.edge.ocpp.says import REGISTER, event, meter, sampled, start, status, stop
from tests.edge.ocpp.wire import CallError

pytestmark = IN_THE_HOUSE


async def test_quirk_04_long_serials_are_kept_whole_where_that_is_forgiven(yard: Yard) -> None:
    long = {
        "chargePointVendor": "A vendor with a long name",
        "chargePointModel": "A model of twenty-four ch",
        "chargePointSerialNumber": "A serial number of thirty-six letters",
    }
    strict, lenient = await yard.add(), await yard.add(lenient=True)
    wire = await yard.connect(strict)
    with pytest.raises(CallError) as refused:
        await wire.call("BootNotification", long)
    assert refused.value.code == "PropertyConstraintViolation"
    wire = await yard.connect(lenient)
    assert (await wire.call("BootNotification", long))["status"] == "Accepted"
    station, _ = await yard.rooms.stations.read(yard.ctx, lenient)
    assert [station.vendor, station.model, station.serial] == list(long.values())


async def test_quirk_05_null_for_an_empty_payload(yard: Yard) -> None:
    _, wire = await yard.station(lenient=True)
    assert (await wire.call("Heartbeat", None))["currentTime"]
    _, wire = await yard.station()
    with pytest.raises(CallError) as refused:
        await wire.call("Heartbeat", None)
    assert refused.value.code == "FormationViolation"


@pytest.mark.parametrize("lenient", [True, False])
async def test_quirk_05_an_empty_frame_says_nothing(yard: Yard, lenient: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    _, wire = await yard.station(lenient=lenient)
    wire.text("")
    wire.text("  \n")
    assert await wire.silent()
    assert (await wire.call("Heartbeat", {}))["currentTime"]


BROKEN = (
    '[2,"b1","MeterValues",{"connectorId":1,"transactionId":,"meterValue":'
    '[{"timestamp":"2026-01-01T00:00:00Z","sampledValue":[{"value":"1"}]}]}]'
)


@pytest.mark.parametrize(("version", "code"), [("1.6", "FormationViolation"), ("2.1", None)])
async def test_quirk_06_a_session_survives_invalid_json(
    yard: Yard, version: str, code: str | None
) -> None:
    name, wire = await yard.station(version)
    wire.text(BROKEN)
    with pytest.raises(CallError) as refused:
        await wire.answer_to("b1")
    assert refused.value.code == (code or "FormatViolation")
    assert (await wire.call("Heartbeat", {}))["currentTime"]
    await yard.house.committer.drained()
    kept = await yard.rows(
        "SELECT frame, note FROM messages WHERE station_id = $1 AND note <> ''", name
    )
    assert [row["frame"].decode() for row in kept] == [BROKEN]


async def test_quirk_06_or_is_read_as_it_was_meant_where_that_is_forgiven(yard: Yard) -> None:
    name, wire = await yard.station(lenient=True)
    now = yard.at()
    wire.text(BROKEN.replace("2026-01-01T00:00:00Z", now))
    assert await wire.answer_to("b1") == {}
    (row,) = await yard.readings(name)
    assert row["energy_wh"] == 1


@pytest.mark.parametrize(("version", "answer"), [("1.6", None), ("2.0.1", "-1"), ("2.1", "-1")])
async def test_quirk_06_a_frame_without_an_id(yard: Yard, version: str, answer: str | None) -> None:
    _, wire = await yard.station(version)
    wire.text('{"no": "frame"}')
    if answer is None:
        assert await wire.silent()
    else:
        assert (await wire.message())[:3] == [4, answer, "RpcFrameworkError"]
    assert (await wire.call("Heartbeat", {}))["currentTime"]


ODD_METER_VALUES: list[tuple[str, Any]] = [
    ("an object for a list", {"timestamp": "T", "sampledValue": {"value": "7"}}),
    ("a number for a text", [{"timestamp": "T", "sampledValue": [{"value": 7}]}]),
    ("an odd unit", [{"timestamp": "T", "sampledValue": [{"value": "7", "unit": "Wh "}]}]),
    ("no samples", [{"timestamp": "T", "sampledValue": []}]),
]


@pytest.mark.parametrize(("what", "value"), ODD_METER_VALUES)
async def test_quirk_07_odd_shapes_of_meter_values(yard: Yard, what: str, value: Any) -> None:
    text = json.dumps({"connectorId": 1, "meterValue": value}).replace('"T"', f'"{yard.at()}"')
    if what != "no samples":  # Which the schema of 1.6 does not forbid.
        _, strict = await yard.station()
        with pytest.raises(CallError):
            await strict.call("MeterValues", json.loads(text))
    name, wire = await yard.station(lenient=True)
    assert await wire.call("MeterValues", json.loads(text)) == {}, what
    found = await yard.readings(name)
    assert [row["energy_wh"] for row in found] == {"no samples": [], "an odd unit": [None]}.get(
        what, [7]
    )
    notes = await yard.rows("SELECT note FROM messages WHERE station_id=$1 AND note<>''", name)
    assert bool(notes) is (what != "no samples"), "what was forgiven can be seen"


async def test_quirk_08_illegal_words_are_kept_as_they_came(yard: Yard) -> None:
    name, wire = await yard.station(lenient=True)
    samples = [
        {"value": "10", "measurand": "Request.Energy"},
        {"value": "21.5", "measurand": "Temperature", "unit": "Celcius"},
        {"value": "22.5", "measurand": "Temperature", "unit": "C"},
        {"value": "50", "measurand": "Frequency", "unit": "Hertz"},
        {"value": "5", "measurand": REGISTER, "context": "Sometimes"},
    ]
    values = {"connectorId": 1, "meterValue": [{"timestamp": yard.at(), "sampledValue": samples}]}
    assert await wire.call("MeterValues", values) == {}
    (row,) = await yard.readings(name)
    assert row["energy_wh"] == 5
    kept = json.loads(row["samples"])
    assert [s.get("measurand") for s in kept][:2] == ["Request.Energy", "Temperature"]
    assert [s.get("unit") for s in kept] == [None, "Celcius", "Celsius", "Hertz", None]


async def test_quirk_08_a_stop_with_illegal_words_is_a_stop(yard: Yard) -> None:
    name, wire = await yard.station(lenient=True)
    card = await yard.token()
    begun = await wire.call("StartTransaction", start(card, yard.at(-10)))
    data = [sampled(yard.at(-5), value="21", measurand="Temperature", unit="Celcius")]
    number = begun["transactionId"]
    await wire.call("StopTransaction", stop(number, yard.at(), 100, transactionData=data))
    assert (await yard.session(name)).progress.energy_wh == 100


async def test_quirk_09_errors_that_are_none(yard: Yard) -> None:
    name, wire = await yard.station(lenient=True)
    await wire.call("StatusNotification", status(1, "Faulted", errorCode="Error", info="null"))
    await wire.call("StatusNotification", status(2, "Available", errorCode="null", info="null"))
    _, (one, two) = await yard.rooms.stations.read(yard.ctx, name)
    assert (one.error, one.info) == ("OtherError", "")
    assert (two.error, two.info) == ("", "")


async def test_quirk_10_a_clock_of_1970_is_not_believed(yard: Yard) -> None:
    name, wire = await yard.station()
    card = await yard.token()
    begun = await wire.call("StartTransaction", start(card, "1970-01-01T00:00:10Z", 100))
    number = begun["transactionId"]
    await wire.call("MeterValues", meter("1970-01-01T00:01:00Z", 150, number))
    await wire.call("StatusNotification", status(1, "Charging", "1970-01-01T00:01:00Z"))
    await wire.call("StopTransaction", stop(number, "1970-01-01T00:02:00Z", 300))
    session = await yard.session(name)
    now = yard.clock.now()
    assert now - timedelta(seconds=30) < session.started_at <= now
    assert session.ended_at is not None
    assert session.started_at <= session.ended_at <= now
    assert session.progress.energy_wh == 200
    assert Flag.CLOCK_DOUBTFUL in session.progress.flags
    (reading,) = await yard.readings(name)
    assert reading["sampled_at"] == datetime(1970, 1, 1, 0, 1, tzinfo=UTC), "as it was reported"
    assert reading["received_at"].year >= 2026, "and when it came"
    _, (connector,) = await yard.rooms.stations.read(yard.ctx, name)
    assert connector.state_at.year >= 2026


@pytest.mark.parametrize(
    ("written", "year"), [("{y}-06-01T12:00:00", 0), ("{y}-06-01T14:00:00+02:00", 0)]
)
async def test_quirk_10_moments_with_odd_zones_are_utc(yard: Yard, written: str, year: int) -> None:
    name, wire = await yard.station(lenient=True)
    last = yard.clock.now().year - 1 + year
    await wire.call("MeterValues", meter(written.format(y=last), 5))
    (reading,) = await yard.readings(name)
    assert reading["sampled_at"] == datetime(last, 6, 1, 12, tzinfo=UTC)


async def test_quirk_11_meter_values_out_of_order_are_sorted_when_read(yard: Yard) -> None:
    name, wire = await yard.station()
    card = await yard.token()
    begun = await wire.call("StartTransaction", start(card, yard.at(-60), 0))
    number = begun["transactionId"]
    for at_s, wh in ((-50, 10), (-30, 30), (-40, 20), (-10, 50), (-20, 40)):
        await wire.call("MeterValues", meter(yard.at(at_s), wh, number))
    session = await yard.session(name)
    assert (session.progress.energy_wh, session.progress.flags) == (50, ())
    found = (await yard.rooms.sessions.readings(yard.ctx, session)).items
    assert [reading.energy_wh for reading in found] == [10, 20, 30, 40, 50]


@pytest.mark.parametrize("number", [0, -1])
async def test_quirk_12_transaction_0_and_below_is_none(yard: Yard, number: int) -> None:
    name, wire = await yard.station()
    assert await wire.call("MeterValues", meter(yard.at(), 5, number)) == {}
    (reading,) = await yard.readings(name)
    assert reading["session_id"] is None
    assert await yard.sessions(name) == []


async def test_quirk_12_reservation_0_is_none(yard: Yard) -> None:
    name, wire = await yard.station()
    card = await yard.token()
    begun = await wire.call("StartTransaction", start(card, yard.at(), reservationId=0))
    assert begun["idTagInfo"]["status"] == "Accepted"
    assert len(await yard.sessions(name)) == 1


async def test_quirk_17_the_same_message_under_a_new_id_changes_nothing(yard: Yard) -> None:
    name, wire = await yard.station()
    card = await yard.token()
    begin = start(card, yard.at(-60), 10)
    first = await wire.call("StartTransaction", begin)
    number = first["transactionId"]
    values = meter(yard.at(-30), 20, number)
    end = stop(number, yard.at(), 30, idTag=card)
    for action, payload, answer in (
        ("StartTransaction", begin, first),
        ("MeterValues", values, {}),
        ("MeterValues", values, {}),
        ("StopTransaction", end, {"idTagInfo": first["idTagInfo"]}),
        ("StopTransaction", end, {"idTagInfo": first["idTagInfo"]}),
        ("MeterValues", values, {}),
        ("StartTransaction", begin, first),
    ):
        assert await wire.call(action, payload) == answer, action
    assert (await yard.session(name)).progress.energy_wh == 20
    assert len(await yard.readings(name)) == 1
    assert len(await yard.events(name, "session.started")) == 1
    assert len(await yard.events(name, "session.ended")) == 1


async def test_quirk_17_the_same_message_under_the_same_id_is_answered_again(yard: Yard) -> None:
    name, wire = await yard.station()
    card = await yard.token()
    begin = start(card, yard.at(-60), 10)
    answers = [
        await wire.answer_to(wire.ask("StartTransaction", begin, message_id="again"))
        for _ in range(3)
    ]
    assert answers[0] == answers[1] == answers[2]
    assert len(await yard.sessions(name)) == 1


async def test_quirk_17_an_id_may_come_again_with_another_message(yard: Yard) -> None:
    _, wire = await yard.station()
    for action in ("Heartbeat", "BootNotification", "Heartbeat"):
        payload = BOOT_16 if action == "BootNotification" else {}
        assert await wire.answer_to(wire.ask(action, payload, message_id="1"))


async def test_quirk_23_calls_cross_without_waiting_for_each_other(yard: Yard) -> None:
    name, wire = await yard.station("2.0.1")
    ask = yard.rooms.stations.command
    async with asyncio.TaskGroup() as tasks:
        command = tasks.create_task(ask(yard.ctx, name, Availability(operative=True)))
        message_id, _ = await wire.asked("ChangeAvailability")
        ours = wire.ask("Heartbeat", {})
        assert (await wire.answer_to(ours))["currentTime"], "though their call is open"
        again = wire.ask("BootNotification", BOOT_2X)
        wire.answer(message_id, {"status": "Accepted"})
        assert (await wire.answer_to(again))["status"] == "Accepted"
    assert command.result().outcome is Outcome.ACCEPTED


async def test_quirk_28_configuration_keys_in_any_case_with_blanks(yard: Yard) -> None:
    name, wire = await yard.station(lenient=True)
    ask = yard.rooms.stations.command
    names = (VariableName(variable="HeartbeatInterval"), VariableName(variable="MeterValues"))
    async with asyncio.TaskGroup() as tasks:
        command = tasks.create_task(ask(yard.ctx, name, GetVariables(variables=names)))
        message_id, request = await wire.asked("GetConfiguration")
        assert request == {"key": ["HeartbeatInterval", "MeterValues"]}
        keys = [
            {"key": "heartbeatinterval", "readonly": False, "value": 300},
            {"key": "meterValues ", "readonly": False, "value": " SoC, Voltage "},
        ]
        wire.answer(message_id, {"configurationKey": keys})
    assert [(v.variable, v.value) for v in command.result().variables] == [
        ("HeartbeatInterval", "300"),
        ("MeterValues", "SoC, Voltage"),
    ]
    new = VariableValue(variable="HeartbeatInterval", value="60")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ask(yard.ctx, name, SetVariables(variables=(new,))))
        message_id, _ = await wire.asked("ChangeConfiguration")
        wire.answer(message_id, {"status": "Accepted"})
    await yard.house.committer.drained()
    known = await yard.rooms.stations.variables(yard.ctx, name)
    assert [(v.component, v.variable, v.value) for v in known] == [
        ("", "MeterValues", "SoC, Voltage"),
        ("OCPPCommCtrlr", "HeartbeatInterval", "60"),
    ]


async def test_quirk_29_scheduled_is_no_error_and_a_trigger_may_be_refused(yard: Yard) -> None:
    name, wire = await yard.station()
    ask = yard.rooms.stations.command
    for command, action, word, outcome in (
        (Availability(operative=False, evse=1), "ChangeAvailability", "Scheduled", "scheduled"),
        (Trigger(message="status", evse=1), "TriggerMessage", "Rejected", "rejected"),
        (Trigger(message="status", evse=1), "TriggerMessage", "NotImplemented", "unsupported"),
    ):
        async with asyncio.TaskGroup() as tasks:
            told = tasks.create_task(ask(yard.ctx, name, command))
            message_id, _ = await wire.asked(action)
            wire.answer(message_id, {"status": word})
        assert told.result().outcome == outcome


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_quirk_31_every_tenth_of_an_ampere_is_a_limit(yard: Yard, version: str) -> None:
    """8.1 is no multiple of 0.1 in binary: a check of that refused 134 of these 401."""
    _, wire = await yard.station(version)
    tenths = [n / 10 for n in range(401)]
    schedule = {
        "id": 1,
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [
            {"startPeriod": n, "limit": limit} for n, limit in enumerate(tenths)
        ],
    }
    limit = {"chargingLimit": {"chargingLimitSource": "EMS"}, "chargingSchedule": [schedule]}
    assert await wire.call("NotifyChargingLimit", limit) == {}


async def test_quirk_34_a_flood_of_vendor_data_is_cheap(yard: Yard) -> None:
    name, wire = await yard.station()
    ids = [wire.ask("DataTransfer", {"vendorId": "en", "data": str(n)}) for n in range(50)]
    for message_id in ids:
        assert await wire.answer_to(message_id) == {"status": "UnknownVendorId"}
    assert len(await yard.events(name, "station.notified")) == 50


async def test_quirk_35_first_words_of_many_connectors_at_once(yard: Yard) -> None:
    name, wire = await yard.station("2.0.1")
    asked = [
        wire.ask(
            "StatusNotification",
            {"timestamp": yard.at(), "connectorStatus": "Available", "evseId": n, "connectorId": 1},
        )
        for n in range(1, 61)
    ]
    for message_id in asked:
        assert await wire.answer_to(message_id) == {}
    _, connectors = await yard.rooms.stations.read(yard.ctx, name)
    assert len(connectors) == 60


async def test_quirk_35_first_words_of_many_stations_at_once(yard: Yard) -> None:
    lines = [await yard.station() for _ in range(30)]
    asked = [
        (wire, wire.ask("StatusNotification", status(connector, "Available")))
        for connector in range(3)
        for _, wire in lines
    ]
    for wire, message_id in asked:
        assert await wire.answer_to(message_id) == {}
    for name, _ in lines:
        _, connectors = await yard.rooms.stations.read(yard.ctx, name)
        assert len(connectors) == 3


async def test_a_value_that_no_database_takes_costs_only_its_message(yard: Yard) -> None:
    name, wire = await yard.station("2.0.1")
    huge = {"timestamp": yard.at(), "connectorStatus": "Available", "evseId": 10**25}
    with pytest.raises(CallError):
        await wire.call("StatusNotification", {**huge, "connectorId": 1})
    told = await wire.call("TransactionEvent", event("Started", "tx", 0, yard.at(), 5, evse=1))
    assert told == {}
    assert (await yard.session(name)).transaction == "tx"
