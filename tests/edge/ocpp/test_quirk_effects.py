"""Each key of a quirk profile does what it says, to what is sent and to what is read."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from forecourt.domain.catalogue import ADVISED, KEYS, ParserFix, QuirkProfile
from forecourt.edge.ocpp.quirks import Moment, Refused, lenient_of, rewrite
from forecourt.edge.ocpp.quirks.incoming import FIXES, REWRITES
from forecourt.edge.ocpp.quirks.outgoing import EFFECTS
from forecourt.protocol.ocpp import v16, v21, v201
from forecourt.protocol.ocpp.dialect import Dialect
from forecourt.protocol.ocpp.events import Malformed, Received
from forecourt.protocol.ocpp.lenient import ALL_FIXES
from forecourt.protocol.ocpp.rpc import Connection
from forecourt.protocol.ocpp.values import Message

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOON = "2026-03-01T12:00:00Z"
PLAIN = QuirkProfile(name="plain", title="A station without quirks")


def quirky(**keys: Any) -> QuirkProfile:
    return QuirkProfile(name="odd", title="An odd station", **keys)


def sent(profile: QuirkProfile, message: Message, since_stop_s: float | None = None) -> Any:
    """The message that goes out, or the reason why none does."""
    done = rewrite(profile, message, Moment(now=NOW, since_stop_s=since_stop_s))
    if isinstance(done, Refused):
        return done.reason
    assert bool(done.used) is (done.message != message), "what is changed is named, and only that"
    return done.message


# ---- what is sent: key, a message, and what becomes of it ---------------------------------------


def limit_16(**more: Any) -> v16.ChargingProfile:
    schedule = v16.ChargingSchedule(
        charging_rate_unit="A",
        charging_schedule_period=(v16.ChargingSchedulePeriod(start_period=0, limit=16.1),),
    )
    plan: dict[str, Any] = {
        "charging_profile_id": 1,
        "stack_level": 3,
        "charging_profile_purpose": "TxProfile",
        "charging_profile_kind": "Relative",
        "charging_schedule": schedule,
    }
    return v16.ChargingProfile(**plan | more)


def limit_2x(**more: Any) -> v201.ChargingProfile:
    period = v201.ChargingSchedulePeriod(start_period=0, limit=10.0, number_phases=1)
    schedule = v201.ChargingSchedule(
        id=1, charging_rate_unit="A", charging_schedule_period=(period,), min_charging_rate=6.0
    )
    plan: dict[str, Any] = {
        "id": 1,
        "stack_level": 3,
        "charging_profile_purpose": "TxProfile",
        "charging_profile_kind": "Relative",
        "charging_schedule": (schedule,),
    }
    return v201.ChargingProfile(**plan | more)


def set_16(**more: Any) -> v16.SetChargingProfile:
    return v16.SetChargingProfile(connector_id=1, cs_charging_profiles=limit_16(**more))


def set_2x(**more: Any) -> v201.SetChargingProfile:
    return v201.SetChargingProfile(evse_id=1, charging_profile=limit_2x(**more))


def start_16(**more: Any) -> v16.RemoteStartTransaction:
    return v16.RemoteStartTransaction(id_tag="A", charging_profile=limit_16(**more))


def change(key: str, value: str) -> v16.ChangeConfiguration:
    return v16.ChangeConfiguration(key=key, value=value)


def set_variable(component: str, variable: str, value: str) -> v201.SetVariables:
    return v201.SetVariables(
        set_variable_data=(
            v201.SetVariableData(
                attribute_value=value,
                component=v201.Component(name=component),
                variable=v201.Variable(name=variable),
            ),
        )
    )


def periods(plan: Any) -> Any:
    """The same plan with a second period."""
    schedule = plan.charging_schedule
    more = (*schedule.charging_schedule_period, v16.ChargingSchedulePeriod(start_period=9, limit=6))
    return replace(plan, charging_schedule=replace(schedule, charging_schedule_period=more))


def starting(plan: Any, at: datetime | None) -> Any:
    return replace(plan, charging_schedule=replace(plan.charging_schedule, start_schedule=at))


def in_watts(plan: Any, limit: float) -> Any:
    period = v16.ChargingSchedulePeriod(start_period=0, limit=limit)
    schedule = replace(
        plan.charging_schedule, charging_rate_unit="W", charging_schedule_period=(period,)
    )
    return replace(plan, charging_schedule=schedule)


def profile_in(message: v16.SetChargingProfile, plan: Any) -> v16.SetChargingProfile:
    return replace(message, cs_charging_profiles=plan)


ABSOLUTE: dict[str, Any] = {"charging_profile_kind": "Absolute"}
STATION_MAX: dict[str, Any] = {"charging_profile_purpose": "ChargePointMaxProfile"}
DEFAULT: dict[str, Any] = {"charging_profile_purpose": "TxDefaultProfile"}
MEASURANDS = "Energy.Active.Import.Register, SoC,Voltage.L1-N"

OUT: list[tuple[str, Any, Message, Any]] = [
    ("force_stack_level_zero", True, set_16(), set_16(stack_level=0)),
    ("force_stack_level_zero", True, start_16(), start_16(stack_level=0)),
    ("force_stack_level_zero", True, set_2x(), set_2x(stack_level=0)),
    (
        "force_stack_level_zero",
        True,
        v16.ClearChargingProfile(stack_level=3),
        v16.ClearChargingProfile(stack_level=0),
    ),
    (
        "force_stack_level_zero",
        True,
        v201.ClearChargingProfile(
            charging_profile_criteria=v201.ClearChargingProfileType(stack_level=2)
        ),
        v201.ClearChargingProfile(
            charging_profile_criteria=v201.ClearChargingProfileType(stack_level=0)
        ),
    ),
    (
        "profile_kind",
        "Absolute",
        set_16(),
        profile_in(set_16(), starting(limit_16(**ABSOLUTE), NOW)),
    ),
    (
        "profile_kind",
        "Absolute",
        profile_in(set_16(), periods(limit_16(**DEFAULT))),
        "goes by the start",
    ),
    (
        "profile_kind",
        "Relative",
        profile_in(set_16(), starting(limit_16(**ABSOLUTE), NOW - timedelta(hours=1))),
        set_16(),
    ),
    (
        "profile_kind",
        "Relative",
        profile_in(set_16(), starting(limit_16(**ABSOLUTE), NOW + timedelta(hours=1))),
        "has a time",
    ),
    ("profile_kind", "Relative", profile_in(set_16(), periods(limit_16(**ABSOLUTE))), "has a time"),
    ("rate_unit", "W", set_16(), profile_in(set_16(), in_watts(limit_16(), 11_109.0))),
    (
        "rate_unit",
        "W",
        v16.GetCompositeSchedule(connector_id=1, duration=60, charging_rate_unit="A"),
        v16.GetCompositeSchedule(connector_id=1, duration=60, charging_rate_unit="W"),
    ),
    ("max_profile_unsupported", True, set_16(**STATION_MAX), set_16(**DEFAULT)),
    (
        "max_profile_unsupported",
        True,
        set_2x(charging_profile_purpose="ChargingStationMaxProfile"),
        set_2x(charging_profile_purpose="TxDefaultProfile"),
    ),
    (
        "max_profile_unsupported",
        True,
        v16.ClearChargingProfile(**STATION_MAX),
        v16.ClearChargingProfile(**DEFAULT),
    ),
    (
        "no_change_availability",
        True,
        v16.ChangeAvailability(connector_id=1, type="Inoperative"),
        "availability",
    ),
    (
        "no_change_availability",
        True,
        v201.ChangeAvailability(operational_status="Inoperative"),
        "availability",
    ),
    (
        "no_measurand_autodetect",
        True,
        v16.GetConfiguration(key=("HeartbeatInterval", "meterValuesSampledData")),
        v16.GetConfiguration(key=("HeartbeatInterval",)),
    ),
    (
        "no_measurand_autodetect",
        True,
        v16.GetConfiguration(key=("MeterValuesSampledData",)),
        "it boots",
    ),
    (
        "measurands_allowed",
        frozenset({"Voltage"}),
        change("MeterValuesSampledData", MEASURANDS),
        change("MeterValuesSampledData", "Voltage.L1-N"),
    ),
    (
        "measurands_allowed",
        frozenset({"Power.Offered"}),
        change("MeterValuesAlignedData", MEASURANDS),
        "does not take",
    ),
    (
        "measurand_blacklist",
        frozenset({"SoC"}),
        set_variable("SampledDataCtrlr", "TxUpdatedMeasurands", "SoC,Voltage"),
        set_variable("SampledDataCtrlr", "TxUpdatedMeasurands", "Voltage"),
    ),
    (
        "readonly_keys",
        frozenset({"ClockAlignedDataInterval"}),
        change("clockAlignedDataInterval ", "60"),
        "does not take",
    ),
    (
        "min_meter_interval_s",
        30,
        change("MeterValueSampleInterval", "10"),
        change("MeterValueSampleInterval", "30"),
    ),
    (
        "min_meter_interval_s",
        30,
        set_variable("AlignedDataCtrlr", "Interval", "5"),
        set_variable("AlignedDataCtrlr", "Interval", "30"),
    ),
]


@pytest.mark.parametrize(("key", "value", "message", "outcome"), OUT)
def test_what_is_sent_instead(key: str, value: Any, message: Message, outcome: Any) -> None:
    assert sent(PLAIN, message) == message
    told = sent(quirky(**{key: value}), message)
    if isinstance(outcome, str):
        assert outcome in told
    else:
        assert told == outcome
        assert sent(quirky(**{key: value}), told) == told, "what fits is left alone"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("force_stack_level_zero", True, set_16(stack_level=0)),
        ("force_stack_level_zero", True, v16.ClearChargingProfile(id=1)),
        ("profile_kind", "Absolute", set_16(charging_profile_kind="Recurring")),
        ("profile_kind", "Relative", set_16(**STATION_MAX, **ABSOLUTE)),
        ("rate_unit", "A", set_16()),
        ("no_measurand_autodetect", True, v16.GetConfiguration()),
        ("measurand_blacklist", frozenset({"SoC"}), change("Other", "SoC")),
        ("measurand_blacklist", frozenset({"SoC"}), change("MeterValuesSampledData", "")),
        ("min_meter_interval_s", 30, change("MeterValueSampleInterval", "0")),
        ("min_meter_interval_s", 30, change("MeterValueSampleInterval", "soon")),
        ("min_meter_interval_s", 30, change("HeartbeatInterval", "5")),
        ("force_stack_level_zero", True, v16.RemoteStartTransaction(id_tag="A")),
        ("force_stack_level_zero", True, v16.Reset(type="Soft")),
    ],
)
def test_what_is_left_alone(key: str, value: Any, message: Message) -> None:
    assert sent(quirky(**{key: value}), message) == message


def test_amperes_become_watts_by_phases_and_voltage() -> None:
    told = sent(quirky(rate_unit="W", voltage_v=120), set_2x())
    schedule = told.charging_profile.charging_schedule[0]
    assert schedule.charging_rate_unit == "W"
    assert schedule.charging_schedule_period[0].limit == 1_200.0
    assert schedule.min_charging_rate == 720.0
    back = sent(quirky(rate_unit="A"), profile_in(set_16(), in_watts(limit_16(), 11_109.0)))
    assert back.cs_charging_profiles.charging_schedule.charging_schedule_period[0].limit == 16.1
    discharging = v21.ChargingSchedulePeriod(start_period=0, setpoint=-5.0)
    schedule_21 = v21.ChargingSchedule(
        id=1, charging_rate_unit="A", charging_schedule_period=(discharging,)
    )
    plan = v21.ChargingProfile(
        id=1,
        stack_level=0,
        charging_profile_purpose="TxProfile",
        charging_profile_kind="Relative",
        charging_schedule=(schedule_21,),
    )
    message = v21.SetChargingProfile(evse_id=1, charging_profile=plan)
    assert "more than plain limits" in sent(quirky(rate_unit="W"), message)


def test_restart_cooldown_s_keeps_a_start_from_following_a_stop() -> None:
    careful = quirky(restart_cooldown_s=300)
    for message in (start_16(), v201.RequestStartTransaction(id_token=TOKEN, remote_start_id=1)):
        assert sent(careful, message) == message
        assert "wait 290 s" in sent(careful, message, 10.0)
        assert sent(careful, message, 300.0) == message


TOKEN = v201.IdToken(id_token="A", type="Central")


def test_keys_work_together_in_their_order() -> None:
    abb = quirky(force_stack_level_zero=True, profile_kind="Absolute", rate_unit="W")
    told = sent(abb, set_16()).cs_charging_profiles
    assert (told.stack_level, told.charging_profile_kind) == (0, "Absolute")
    assert told.charging_schedule.charging_rate_unit == "W"
    assert told.charging_schedule.start_schedule == NOW


# ---- what is read: key, an action and what is odd in it, and how it is read ---------------------

METER = {"connectorId": 1, "meterValue": [{"timestamp": NOON, "sampledValue": [{"value": "1"}]}]}
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
START = {"connectorId": 1, "idTag": "04A1_K1", "meterStart": 0, "timestamp": NOON}
EVENT = {
    "eventType": "Started",
    "timestamp": NOON,
    "triggerReason": "Authorized",
    "seqNo": 0,
    "transactionInfo": {"transactionId": "t"},
    "idToken": {"idToken": "04A1_K1", "type": "ISO14443"},
}
EMPTY = {"evseId": 1, "meterValue": [{"timestamp": NOON, "sampledValue": []}]}

IN: list[tuple[str, Any, Dialect, str, Any, tuple[str | int, ...], Any]] = [
    (
        "tolerate_int64_txid",
        True,
        v16.DIALECT,
        "MeterValues",
        METER | {"transactionId": 9223372036854775807},
        ("transaction_id",),
        None,
    ),
    (
        "tolerate_int64_txid",
        True,
        v16.DIALECT,
        "MeterValues",
        METER | {"transactionId": 92233720368547758070},
        ("transaction_id",),
        None,
    ),
    (
        "ignore_vendor_error",
        frozenset({"0x00"}),
        v16.DIALECT,
        "StatusNotification",
        STATUS | {"vendorErrorCode": "0x00"},
        ("vendor_error_code",),
        None,
    ),
    ("id_tag_cut", "_", v16.DIALECT, "StartTransaction", START, ("id_tag",), "04A1"),
    ("id_tag_cut", "_", v16.DIALECT, "Authorize", {"idTag": "04A1_K1"}, ("id_tag",), "04A1"),
    ("id_tag_cut", "_", v201.DIALECT, "TransactionEvent", EVENT, ("id_token", "id_token"), "04A1"),
    ("id_tag_cut", "_", v21.DIALECT, "TransactionEvent", EVENT, ("id_token", "id_token"), "04A1"),
    (
        "tolerate_empty_sampled_values",
        True,
        v201.DIALECT,
        "MeterValues",
        EMPTY,
        ("meter_value", 0, "sampled_value"),
        (),
    ),
    (
        "repair_json",
        True,
        v16.DIALECT,
        "MeterValues",
        json.dumps(METER).replace('"connectorId"', '"transactionId":,"connectorId"'),
        ("transaction_id",),
        None,
    ),
    (
        "fixes",
        frozenset({ParserFix.LONG_TEXT}),
        v16.DIALECT,
        "BootNotification",
        {"chargePointVendor": "V", "chargePointModel": "M" * 30},
        ("charge_point_model",),
        "M" * 30,
    ),
]


def read(dialect: Dialect, action: str, payload: Any, profile: QuirkProfile | None) -> Any:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    lenient = lenient_of(profile, all_fixes=False)
    connection = Connection(dialect, accepts=dialect.from_station, lenient=lenient)
    return connection.receive(f'[2,"m","{action}",{text}]'.encode(), 0.0)


@pytest.mark.parametrize(("key", "value", "dialect", "action", "payload", "place", "is_"), IN)
def test_what_is_read_instead(  # noqa: PLR0917 (a row of the table)
    key: str,
    value: Any,
    dialect: Dialect,
    action: str,
    payload: Any,
    place: tuple[str | int, ...],
    is_: Any,
) -> None:
    event = read(dialect, action, payload, quirky(**{key: value}))
    assert isinstance(event, Received), event
    assert event.repairs
    found: Any = event.request
    for step in place:
        found = found[step] if isinstance(step, int) else getattr(found, step)
    assert found == is_
    plain = read(dialect, action, payload, PLAIN)
    assert isinstance(plain, Malformed) or plain.request != event.request


@pytest.mark.parametrize(
    ("key", "value", "action", "payload"),
    [
        ("tolerate_int64_txid", True, "MeterValues", METER | {"transactionId": 2**31 - 1}),
        ("tolerate_int64_txid", True, "MeterValues", METER | {"transactionId": 0}),
        (
            "ignore_vendor_error",
            frozenset({"0x00"}),
            "StatusNotification",
            STATUS | {"errorCode": "OtherError", "vendorErrorCode": "0x00"},
        ),
        (
            "ignore_vendor_error",
            frozenset({"0x00"}),
            "StatusNotification",
            STATUS | {"vendorErrorCode": "0x17"},
        ),
        ("id_tag_cut", "_", "Authorize", {"idTag": "_K1"}),
        ("id_tag_cut", "_", "Authorize", {"idTag": "04A1"}),
    ],
)
def test_what_is_read_as_it_is(key: str, value: Any, action: str, payload: Any) -> None:
    assert read(v16.DIALECT, action, payload, quirky(**{key: value})) == read(
        v16.DIALECT, action, payload, None
    )


def test_leniency_and_a_profile_add_up() -> None:
    both = lenient_of(quirky(id_tag_cut="_"), all_fixes=True)
    assert both is not None
    assert both.fixes == ALL_FIXES
    assert both.rewrites
    assert lenient_of(PLAIN, all_fixes=False) is None
    assert lenient_of(None, all_fixes=False) is None


def test_no_key_is_without_effect() -> None:
    """What is no advice is in a table of effects, or at the door or the clock; each has a test."""
    shown = {row[0] for row in OUT} | {row[0] for row in IN}
    acted = {key for key, *_ in EFFECTS} | REWRITES.keys() | FIXES.keys() | {"fixes"}
    on_the_wire = {"prefer_ocpp", "assume_ocpp", "poll_meter_values_s"}  # test_quirk_profiles.py
    assert shown | {"restart_cooldown_s"} == acted
    assert acted | on_the_wire | ADVISED.keys() | {"advice"} == set(KEYS)
    assert not (acted | on_the_wire) & ADVISED.keys()
