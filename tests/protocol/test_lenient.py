"""What the field gets wrong: refused by default, mended and counted where it is asked for."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from forecourt.protocol.ocpp import v16, v21, v201
from forecourt.protocol.ocpp.dialect import Dialect
from forecourt.protocol.ocpp.events import Answered, Event, Failed, Malformed, Received
from forecourt.protocol.ocpp.lenient import ALL_FIXES, MENDED_BYTES_MAX, Fix, Lenient
from forecourt.protocol.ocpp.rpc import Connection
from tests.protocol.schemas import official, payloads

NOON = "2025-06-01T12:00:00Z"


def both(dialect: Dialect, data: bytes) -> tuple[Event | None, Event | None]:
    """What comes of a frame: (strictly, leniently)"""
    lenient = Connection(dialect, lenient=Lenient())
    return Connection(dialect).receive(data, 0.0), lenient.receive(data, 0.0)


def mended(dialect: Dialect, action: str, payload: object) -> tuple[Any, tuple[str, ...]]:
    """The request as it was meant, and the repairs; strictly it is refused."""
    data = json.dumps([2, "m1", action, payload]).encode()
    strict, lenient = both(dialect, data)
    assert isinstance(strict, Malformed), "not a fault at all"
    assert isinstance(lenient, Received), lenient
    return lenient.request, lenient.repairs


def meter(**sample: object) -> dict[str, Any]:
    return {
        "connectorId": 1,
        "meterValue": [{"timestamp": NOON, "sampledValue": [{"value": "1", **sample}]}],
    }


def test_texts_longer_than_the_specification_are_kept_whole() -> None:
    boot = {
        "chargePointVendor": "V",
        "chargePointModel": "a model of twenty-four ch",
        "chargePointSerialNumber": "a serial number of many characters",
    }
    request, repairs = mended(v16.DIALECT, "BootNotification", boot)
    assert type(request) is v16.BootNotification
    assert request.charge_point_model == boot["chargePointModel"]
    assert request.charge_point_serial_number == boot["chargePointSerialNumber"]
    assert repairs == ("long-text",)


def test_null_for_an_empty_payload() -> None:
    for dialect in (v16.DIALECT, v201.DIALECT, v21.DIALECT):
        request, repairs = mended(dialect, "Heartbeat", None)
        assert type(request) is dialect.requests["Heartbeat"]
        assert repairs == ("null-payload",)


def test_an_empty_frame_is_nothing() -> None:
    connection = Connection(v201.DIALECT, lenient=Lenient())
    assert connection.receive(b"", 0.0) is None
    assert connection.receive(b" \n", 0.0) is None
    assert connection.data_to_send() == []


@pytest.mark.parametrize(
    "text",
    [
        b'{"connectorId":1,"transactionId":,"meterValue":[]}',
        b'{"connectorId":1,"meterValue":[],"transactionId": }',
        b'{"connectorId":1,"meterValue":[],}',
        b'{"connectorId":1,"meterValue":[,]}',
        b'{\\"connectorId\\":1,\\"meterValue\\":[]}',
    ],
)
def test_json_with_a_slip(text: bytes) -> None:
    text = text.replace(b"[]", json.dumps(meter()["meterValue"]).encode())
    text = text.replace(b"[,]", json.dumps(meter()["meterValue"]).encode()[:-1] + b",]")
    strict, lenient = both(v16.DIALECT, b'[2,"m1","MeterValues",' + text + b"]")
    assert isinstance(strict, Malformed)
    assert isinstance(lenient, Received), lenient
    assert isinstance(lenient.request, v16.MeterValues)
    assert lenient.request.transaction_id is None
    assert "broken-json" in lenient.repairs


def test_stray_backslashes_are_kept_as_such() -> None:
    data = rb'[2,"m1","DataTransfer",{"vendorId":"C:\path\new","data":"a\\b\"\u0041"}]'
    strict, lenient = both(v16.DIALECT, data)
    assert isinstance(strict, Malformed)
    assert isinstance(lenient, Received)
    assert lenient.request == v16.DataTransfer(vendor_id="C:\\path\new", data='a\\b"A')
    assert lenient.repairs == ("broken-json",)


def test_bytes_that_are_no_text() -> None:
    data = b'[2,"m1","DataTransfer",{"vendorId":"M\xfcller"}]'
    strict, lenient = both(v16.DIALECT, data)
    assert isinstance(strict, Malformed)
    assert isinstance(lenient, Received)
    assert lenient.request == v16.DataTransfer(vendor_id="M\ufffdller")


def test_bytes_that_are_no_text_beside_a_number_that_is_none() -> None:
    """Found by a fuzzer: the second fault was met while the first was mended."""
    data = b'[2,"m1","DataTransfer",{"vendorId":"M\xfcller","data":7E5177770}]'
    strict, lenient = both(v16.DIALECT, data)
    assert isinstance(strict, Malformed)
    assert isinstance(lenient, Malformed)


def test_the_end_of_a_string_in_c_is_no_text() -> None:
    data = rb'[2,"m1","DataTransfer",{"vendorId":"a\u0000\u0000","data":"\\u0000"}]'
    strict, lenient = both(v16.DIALECT, data)
    assert isinstance(strict, Malformed)
    assert strict.code == "PropertyConstraintViolation"
    assert isinstance(lenient, Received)
    assert lenient.request == v16.DataTransfer(vendor_id="a", data="\\u0000")
    assert lenient.repairs == ("nul-character",)
    answer = Connection(v16.DIALECT)
    name = answer.call(v16.GetConfiguration(), 0.0)
    frame = rf'[3,"{name}",{{"unknownKey":["a\u0000"]}}]'
    assert isinstance(answer.receive(frame.encode(), 0.0), Failed)


def test_numbers_beyond_64_bits_are_none() -> None:
    request, repairs = mended(v16.DIALECT, "MeterValues", meter() | {"transactionId": 2**64})
    assert request.transaction_id is None
    assert repairs == ("huge-number",)
    data = json.dumps([2, "m1", "MeterValues", meter() | {"connectorId": 2**64}]).encode()
    strict, lenient = both(v16.DIALECT, data)
    assert isinstance(lenient, Malformed), "a number that is needed cannot be guessed"
    assert strict == lenient


def test_what_is_rewritten_is_named_and_the_rest_is_read_at_once() -> None:
    def no_info(message: v16.StatusNotification) -> v16.StatusNotification:
        return replace(message, info=None) if message.info else message

    lenient = Lenient(frozenset(), {v16.StatusNotification: (("no-info", no_info),)})
    connection = Connection(v16.DIALECT, lenient=lenient)
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    for more, names in (({}, ()), ({"info": "null"}, ("no-info",))):
        event = connection.receive(
            json.dumps([2, "m1", "StatusNotification", status | more]).encode(), 0.0
        )
        assert isinstance(event, Received)
        assert event.repairs == names
        assert event.request == v16.StatusNotification(
            connector_id=1, error_code="NoError", status="Available"
        )
    connection.forgive(None)
    event = connection.receive(
        json.dumps([2, "m1", "StatusNotification", status | {"info": "null"}]).encode(), 0.0
    )
    assert isinstance(event, Received)
    assert event.repairs == ()


def test_a_stop_without_its_number_stays_an_error() -> None:
    stop = (
        b'[2,"m1","StopTransaction",{"transactionId":,"meterStop":1,"timestamp":"' + NOON.encode()
    )
    connection = Connection(v16.DIALECT, lenient=Lenient())
    event = connection.receive(stop + b'"}]', 0.0)
    assert isinstance(event, Malformed), "a number cannot be guessed"
    assert event.message_id == "m1"
    assert len(connection.data_to_send()) == 1


def test_an_object_where_a_list_belongs() -> None:
    payload = meter()
    payload["meterValue"] = payload["meterValue"][0]
    payload["meterValue"]["sampledValue"] = payload["meterValue"]["sampledValue"][0]
    request, repairs = mended(v16.DIALECT, "MeterValues", payload)
    assert request.meter_value[0].sampled_value == (v16.SampledValue(value="1"),)
    assert repairs == ("single-item",)


def test_an_empty_list_where_one_item_is_the_least() -> None:
    payload = {"evseId": 1, "meterValue": [{"timestamp": NOON, "sampledValue": []}]}
    request, repairs = mended(v201.DIALECT, "MeterValues", payload)
    assert request.meter_value[0].sampled_value == ()
    assert repairs == ("empty-list",)
    token = {"idToken": {"idToken": "A1", "type": "Central", "additionalInfo": []}}
    request, _ = mended(v201.DIALECT, "Authorize", token)
    assert request.id_token == v201.IdToken(id_token="A1", type="Central"), "as if absent"


def test_numbers_where_texts_belong() -> None:
    for value, text in ((12345, "12345"), (16.5, "16.5"), (0, "0")):
        request, repairs = mended(v16.DIALECT, "MeterValues", meter(value=value))
        assert request.meter_value[0].sampled_value[0].value == text
        assert repairs == ("number-as-text",)


def test_whole_floats_where_integers_belong() -> None:
    request, repairs = mended(v16.DIALECT, "MeterValues", meter() | {"connectorId": 2.0})
    assert request.connector_id == 2
    assert type(request.connector_id) is int
    assert repairs == ("whole-float",)


@pytest.mark.parametrize(
    ("field", "word"),
    [
        ("measurand", "Request.Energy"),
        ("context", "Sample.Now"),
        ("unit", "Degrees"),
        ("phase", "L4"),
    ],
)
def test_unknown_words_are_kept(field: str, word: str) -> None:
    request, repairs = mended(v16.DIALECT, "MeterValues", meter(**{field: word}))
    assert getattr(request.meter_value[0].sampled_value[0], field) == word
    assert repairs == ("unknown-word",)


def test_other_spellings_of_a_word() -> None:
    request, repairs = mended(v16.DIALECT, "MeterValues", meter(unit="C"))
    assert request.meter_value[0].sampled_value[0].unit == "Celsius"
    assert repairs == ("other-word",)
    status = {"connectorId": 1, "errorCode": "Error", "status": "Faulted", "info": "null"}
    request, repairs = mended(v16.DIALECT, "StatusNotification", status)
    assert request.error_code == "OtherError"
    assert request.info == "null"
    assert repairs == ("other-word",)


@pytest.mark.parametrize("unit", ["Celcius", "Celsius", "Hertz"])
def test_both_spellings_of_the_schemas_are_no_fault(unit: str) -> None:
    transaction = {"transactionId": 1, "timestamp": NOON, "meterStop": 1}
    for action, payload in (
        ("MeterValues", meter(unit=unit)),
        ("StopTransaction", transaction | {"transactionData": meter(unit=unit)["meterValue"]}),
    ):
        data = json.dumps([2, "m1", action, payload]).encode()
        assert isinstance(Connection(v16.DIALECT).receive(data, 0.0), Received)


def test_a_time_without_a_zone_is_utc() -> None:
    payload = {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": "2025-06-01T12:00:00"}
    request, repairs = mended(v16.DIALECT, "StartTransaction", payload)
    assert request.timestamp == datetime(2025, 6, 1, 12, tzinfo=UTC)
    assert repairs == ("no-zone",)
    payload["timestamp"] = "1970-01-01T00:00:00Z"
    strict, _ = both(v16.DIALECT, json.dumps([2, "m1", "StartTransaction", payload]).encode())
    assert isinstance(strict, Received), "an unset clock is no fault of form"


def test_nulls_and_fields_that_do_not_exist() -> None:
    payload = meter() | {"transactionId": None, "colour": "red"}
    request, repairs = mended(v16.DIALECT, "MeterValues", payload)
    assert request.transaction_id is None
    assert repairs == ("null-field", "unknown-field")


def test_answers_are_mended_too() -> None:
    connection = Connection(v16.DIALECT, lenient=Lenient())
    message_id = connection.call(v16.GetConfiguration(), now=0.0)
    pairs = [{"key": "Heartbeat", "readonly": False, "value": 300}]
    data = json.dumps([3, message_id, {"configurationKey": pairs}]).encode()
    event = connection.receive(data, 0.0)
    assert isinstance(event, Answered)
    assert event.repairs == ("number-as-text",)
    assert event.response == v16.GetConfigurationResponse(
        configuration_key=(v16.KeyValue(key="Heartbeat", readonly=False, value="300"),)
    )


def test_what_is_right_is_not_touched() -> None:
    data = json.dumps([2, "m1", "MeterValues", meter()]).encode()
    strict, lenient = both(v16.DIALECT, data)
    assert strict == lenient
    assert isinstance(lenient, Received)
    assert lenient.repairs == ()


@pytest.mark.parametrize(
    "payload",
    [
        [],
        "x",
        {"connectorId": 1},
        {"connectorId": "one", "meterValue": []},
        meter(value=True),
        meter(value=None),
        meter(unit=7),
        meter() | {"connectorId": 1.5},
        meter() | {"connectorId": 1e300},
        {"connectorId": 1, "meterValue": [{"timestamp": "noon", "sampledValue": []}]},
    ],
    ids=repr,
)
def test_what_cannot_be_meant_stays_an_error_and_says_what_is_wrong(payload: object) -> None:
    data = json.dumps([2, "m1", "MeterValues", payload]).encode()
    strict, lenient = both(v16.DIALECT, data)
    assert isinstance(lenient, Malformed)
    assert strict == lenient


@pytest.mark.parametrize(
    ("fix", "payload"),
    [
        (Fix.NUMBER_AS_TEXT, meter(value=1)),
        (Fix.UNKNOWN_WORD, meter(unit="Degrees")),
        (Fix.OTHER_WORD, meter(unit="C")),
        (Fix.WHOLE_FLOAT, meter() | {"connectorId": 1.0}),
        (Fix.NULL_FIELD, meter() | {"transactionId": None}),
        (Fix.UNKNOWN_FIELD, meter() | {"x": 1}),
        (Fix.SINGLE_ITEM, meter() | {"meterValue": meter()["meterValue"][0]}),
        (Fix.EMPTY_LIST, meter() | {"meterValue": []}),
    ],
)
def test_a_fix_that_is_off_is_not_used(fix: Fix, payload: object) -> None:
    data = json.dumps([2, "m1", "MeterValues", payload]).encode()
    with_it = Connection(v16.DIALECT, lenient=Lenient(frozenset({fix})))
    without = Connection(v16.DIALECT, lenient=Lenient(ALL_FIXES - {fix}))
    event = with_it.receive(data, 0.0)
    assert isinstance(event, Received)
    assert event.repairs == (fix.value,)
    assert isinstance(without.receive(data, 0.0), Malformed)


def test_mending_is_bounded() -> None:
    """A text made to be slow is read in a line, and a longer one not at all."""
    connection = Connection(v16.DIALECT, lenient=Lenient())
    for piece in (b'\\"', b'"', b": ", b", ", b"[", b'{"a":'):
        data = b'[2,"m1","DataTransfer",' + piece * (MENDED_BYTES_MAX // len(piece) - 100)
        assert isinstance(connection.receive(data, 0.0), Malformed)
    too_long = b'[2,"m1","Heartbeat",{,}' + b" " * MENDED_BYTES_MAX + b"]"
    assert isinstance(connection.receive(too_long, 0.0), Malformed)


@settings(max_examples=200)
@given(st.data())
def test_leniency_reads_what_is_right_as_strictness_does(data: st.DataObject) -> None:
    """The slow reader knows every shape: made to read right messages, it reads the same."""
    module = data.draw(st.sampled_from([v16, v201, v21]))
    schema = data.draw(st.sampled_from(official(module.__name__.rpartition(".")[2])))
    payload = json.dumps(data.draw(payloads(schema))).encode()
    kind = getattr(module, schema.name)
    mended_message = Lenient().read(kind, payload)
    assert mended_message == (module.DIALECT.payloads[kind].decode(payload), ())
