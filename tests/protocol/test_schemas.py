"""Every official schema of the three versions against the type that was generated from it."""

import json
import random
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecourt.protocol.ocpp import v16, v21, v201
from forecourt.protocol.ocpp.dialect import Dialect
from forecourt.protocol.ocpp.events import Malformed
from forecourt.protocol.ocpp.reading import WrongPayload, read_payload
from forecourt.protocol.ocpp.rpc import Connection
from forecourt.protocol.ocpp.values import CustomData, Message
from tests.protocol.schemas import Fault, Official, faults, full, official, payloads, same

VERSIONS: dict[str, ModuleType] = {"v16": v16, "v201": v201, "v21": v21}
EVERY = [schema for version in VERSIONS for schema in official(version)]
every_schema = pytest.mark.parametrize("schema", EVERY, ids=repr)

# Judging by jsonschema takes a hundred times as long as decoding: a few of a schema's faults do.
JUDGED_FAULTS = 6


def dialect_of(schema: Official) -> Dialect:
    dialect: Dialect = VERSIONS[schema.version].DIALECT
    return dialect


def kind_of(schema: Official) -> type[Message]:
    kind: type[Message] = getattr(VERSIONS[schema.version], schema.name)
    return kind


def read(schema: Official, payload: object) -> Message:
    raw = msgspec.Raw(json.dumps(payload).encode())
    return read_payload(dialect_of(schema), kind_of(schema), raw, None)[0]


@every_schema
def test_what_the_schema_accepts_is_read_and_written_unchanged(schema: Official) -> None:
    @settings(max_examples=20)
    @given(payloads(schema))
    def check(payload: dict[str, object]) -> None:
        assert schema.accepts(payload), "the strategy is wrong"
        written = json.loads(msgspec.json.encode(read(schema, payload)))
        assert same(schema, schema.schema, payload, written)

    check()


@every_schema
def test_the_fullest_message_is_read_and_written_unchanged(schema: Official) -> None:
    payload = full(schema, schema.schema)
    assert schema.accepts(payload)
    written = json.loads(msgspec.json.encode(read(schema, payload)))
    assert same(schema, schema.schema, payload, written)


@every_schema
def test_what_the_schema_refuses_is_refused_with_the_right_reason(schema: Official) -> None:
    found = list(faults(schema))
    assert found
    for fault in found:
        with pytest.raises(WrongPayload) as wrong:
            read(schema, fault.payload)
        assert wrong.value.reason is fault.reason, (fault.what, fault.where, wrong.value.message)


@every_schema
def test_the_schema_does_refuse_it(schema: Official) -> None:
    """The faults above are faults: the official schema says so too."""
    found = [fault for fault in faults(schema) if fault.what != "format"]
    chosen = random.Random(schema.name).sample(found, min(JUDGED_FAULTS, len(found)))
    for fault in chosen:
        assert not schema.accepts(fault.payload), (fault.what, fault.where)


REQUESTS = [schema for schema in EVERY if schema.name in dialect_of(schema).requests]


@settings(max_examples=300)
@given(data=st.data())
def test_a_faulty_call_is_answered_with_the_versions_word(data: st.DataObject) -> None:
    schema = data.draw(st.sampled_from(REQUESTS))
    fault: Fault = data.draw(st.sampled_from(list(faults(schema))))
    dialect = dialect_of(schema)
    connection = Connection(dialect)
    event = connection.receive(json.dumps([2, "m1", schema.name, fault.payload]).encode(), 0.0)
    assert isinstance(event, Malformed)
    assert (event.message_id, event.action) == ("m1", schema.name)
    [answer] = connection.data_to_send()
    kind, message_id, code, description, details = json.loads(answer)
    assert (kind, message_id, code, details) == (4, "m1", dialect.word(fault.reason), {})
    assert description


@pytest.mark.parametrize("version", VERSIONS)
def test_the_dialect_has_every_message(version: str) -> None:
    dialect: Dialect = VERSIONS[version].DIALECT
    of = {s.name for s in official(version)}
    requests = {n for n in of if f"{n}Response" in of}
    assert dialect.requests.keys() == dialect.responses.keys() == requests
    assert dialect.sends.keys() == of - requests - {f"{n}Response" for n in requests}
    assert dialect.from_station | dialect.from_csms == requests | dialect.sends.keys()
    assert dialect.from_station & dialect.from_csms == {"DataTransfer"}
    for action, kind in (dialect.requests | dialect.sends).items():  # type: ignore[operator] # both are dicts
        assert kind.__name__ == action
    assert dialect.subprotocol == {"v16": "ocpp1.6", "v201": "ocpp2.0.1", "v21": "ocpp2.1"}[version]


@pytest.mark.parametrize(
    ("kind", "name", "wire"),
    [
        (v21.ChargingSchedulePeriod, "limit_l2", "limit_L2"),
        (v21.ChargingSchedulePeriod, "discharge_limit_l3", "dischargeLimit_L3"),
        (v21.SetDERControl, "fixed_pf_absorb", "fixedPFAbsorb"),
        (v21.LimitAtSoC, "soc", "soc"),
        (v21.BatteryData, "soh", "soH"),
        (v21.DCChargingParameters, "full_soc", "fullSoC"),
        (v21.Modem, "iccid", "iccid"),
        (v21.V2XChargingParameters, "ev_max_v2x_energy_request", "evMaxV2XEnergyRequest"),
        (v21.EVAbsolutePriceSchedule, "price_algorithm", "priceAlgorithm"),
        (v201.OCSPRequestData, "responder_url", "responderURL"),
    ],
)
def test_odd_names(kind: type[msgspec.Struct], name: str, wire: str) -> None:
    renamed = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
    assert renamed[name] == wire


def test_custom_data_is_kept_whole_and_its_vendor_is_wanted() -> None:
    data = CustomData({"vendorId": "com.example", "depth": [1, {"two": None}]})
    sent = v201.Heartbeat(custom_data=data)
    raw = msgspec.Raw(msgspec.json.encode(sent))
    back, _ = read_payload(v201.DIALECT, v201.Heartbeat, raw, None)
    assert back == sent
    assert isinstance(back, v201.Heartbeat)
    assert back.custom_data is not None
    assert back.custom_data.vendor_id == "com.example"
    with pytest.raises(ValueError, match="vendorId"):
        CustomData({"vendor": "com.example"})


def test_a_limit_with_one_digit_is_never_refused() -> None:
    """Divided as binary fractions, a third of them are no multiples of 0.1."""
    for tenths in range(401):
        period = {"startPeriod": 0, "limit": tenths / 10}
        schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
        payload = json.dumps({"status": "Accepted", "chargingSchedule": schedule}).encode()
        kind = v16.GetCompositeScheduleResponse
        message, _ = read_payload(v16.DIALECT, kind, msgspec.Raw(payload), None)
        assert json.loads(msgspec.json.encode(message)) == json.loads(payload)


def test_generated_files_copy_no_prose() -> None:
    """The schemas' descriptions are under a licence that allows no derivatives."""
    folder = Path(v16.__file__).parents[1]
    text = "\n".join(p.read_text("utf-8") for p in folder.glob("v*/*.py"))
    for schema in EVERY:
        for definition in schema.schema.get("definitions", {}).values():
            said = str(definition.get("description", "")).strip()
            assert len(said) < 25 or said not in text
