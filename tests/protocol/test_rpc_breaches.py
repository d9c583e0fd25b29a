"""What a peer may break: every row of the error table per version, and whatever else comes."""

import json
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecourt.protocol.ocpp import v16, v21, v201
from forecourt.protocol.ocpp.dialect import Dialect
from forecourt.protocol.ocpp.events import Event, Malformed, Received
from forecourt.protocol.ocpp.lenient import Lenient
from forecourt.protocol.ocpp.rpc import Connection

VERSIONS: dict[str, ModuleType] = {"1.6": v16, "2.0.1": v201, "2.1": v21}
DIALECTS: dict[str, Dialect] = {name: module.DIALECT for name, module in VERSIONS.items()}
every_version = pytest.mark.parametrize("version", VERSIONS)


def carry(sender: Connection, receiver: Connection, now: float = 0.0) -> list[Event | None]:
    return [receiver.receive(frame, now) for frame in sender.data_to_send()]


def frames(connection: Connection) -> list[Any]:
    return [json.loads(frame) for frame in connection.data_to_send()]


def receive(connection: Connection, frame: object, now: float = 0.0) -> Event | None:
    return connection.receive(json.dumps(frame).encode(), now)


# --- Broken frames ----------------------------------------------------------------------

_STATUS = {"1.6": {"status": "Faulted", "errorCode": "NoError", "connectorId": 1}}
_STATUS_2 = {
    "timestamp": "2025-06-01T12:00:00Z",
    "connectorStatus": "Faulted",
    "evseId": 1,
    "connectorId": 1,
}


def status(version: str, **changes: object) -> dict[str, object]:
    """A StatusNotification, changed."""
    return {**_STATUS.get(version, _STATUS_2), **changes}


FORMAT = {"1.6": "FormationViolation", "2.0.1": "FormatViolation", "2.1": "FormatViolation"}
OCCURRENCE = {
    "1.6": "OccurenceConstraintViolation",
    "2.0.1": "OccurrenceConstraintViolation",
    "2.1": "OccurrenceConstraintViolation",
}
FRAMEWORK = {"1.6": "FormationViolation", "2.0.1": "RpcFrameworkError", "2.1": "RpcFrameworkError"}
NAMED = "StatusNotification"
WORD = {"1.6": "status", "2.0.1": "connectorStatus", "2.1": "connectorStatus"}


def breaches(version: str) -> list[tuple[str, list[object], str]]:
    """(what, rest of a CALL after its id, the word to answer with)"""
    return [
        ("unknown action", ["Dance", {}], "NotImplemented"),
        ("case counts", ["statusNotification", {}], "NotImplemented"),
        ("not for this end", ["ClearCache", {}], "NotSupported"),
        ("field missing", [NAMED, {"connectorId": 1}], OCCURRENCE[version]),
        ("wrong type", [NAMED, status(version, connectorId="1")], "TypeConstraintViolation"),
        ("a null", [NAMED, status(version, connectorId=None)], "TypeConstraintViolation"),
        (
            "unknown word",
            [NAMED, status(version, **{WORD[version]: "Ok"})],
            "PropertyConstraintViolation",
        ),
        (
            "no integer of ours",
            [NAMED, status(version, connectorId=2**63)],
            "PropertyConstraintViolation",
        ),
        (
            "no time",
            [NAMED, status(version, timestamp="noon")],
            "PropertyConstraintViolation",
        ),
        ("unknown field", [NAMED, status(version, colour="red")], FORMAT[version]),
        ("payload a list", [NAMED, []], FORMAT[version]),
        ("payload null", [NAMED, None], FORMAT[version]),
        ("payload missing", [NAMED], FRAMEWORK[version]),
        ("five elements", [NAMED, status(version), 1], FRAMEWORK[version]),
        ("action no text", [7, {}], FRAMEWORK[version]),
        ("no action", [], FRAMEWORK[version]),
    ]


@pytest.mark.parametrize(
    ("version", "rest", "word"),
    [
        pytest.param(version, rest, word, id=f"{version}: {what}")
        for version in VERSIONS
        for what, rest, word in breaches(version)
    ],
)
def test_a_broken_call_is_answered_with_the_right_word(
    version: str, rest: list[object], word: str
) -> None:
    dialect = DIALECTS[version]
    csms = Connection(dialect, accepts=dialect.from_station)
    event = receive(csms, [2, "m1", *rest])
    assert isinstance(event, Malformed)
    assert (event.message_id, event.code) == ("m1", word)
    [[kind, message_id, code, text, details]] = frames(csms)
    assert (kind, message_id, code, details) == (4, "m1", word, {})
    assert text


@every_version
def test_too_few_items_break_an_occurrence(version: str) -> None:
    csms = Connection(DIALECTS[version])
    place = {"connectorId": 1} if version == "1.6" else {"evseId": 1}
    event = receive(csms, [2, "m1", "MeterValues", {**place, "meterValue": []}])
    assert isinstance(event, Malformed)
    assert event.code == OCCURRENCE[version]


@every_version
def test_a_text_too_long_breaks_a_property(version: str) -> None:
    csms = Connection(DIALECTS[version])
    payload = {"vendorId": "x" * 256}
    event = receive(csms, [2, "m1", "DataTransfer", payload])
    assert isinstance(event, Malformed)
    assert event.code == "PropertyConstraintViolation"


@every_version
def test_json_that_breaks_after_the_id_is_answered_under_it(version: str) -> None:
    csms = Connection(DIALECTS[version])
    for text in (
        b'[2,"m1","StopTransaction",{"transactionId":,"meterStop":1}]',
        b'[2, "m1","Heartbeat',
        b'[2,"m1","Heartbeat",{}',
        b'[2,"m1","Heartbeat",{}]]',
        b'[2,"m1","DataTransfer",{"vendorId":"\xff"}]',
        b'[2,"m1","DataTransfer",{"vendorId":"\\ud800"}]',
    ):
        event = csms.receive(text, 0.0)
        assert isinstance(event, Malformed), text
        assert event.message_id == "m1"
        [[kind, message_id, code, *_]] = frames(csms)
        assert (kind, message_id, code) == (4, "m1", FORMAT[version])


UNREADABLE = [
    b"",
    b"  ",
    b"hello",
    b"\xff\xfe",
    b"null",
    b"{}",
    b"[]",
    b"[2]",
    b'"2"',
    b'["2","m1","Heartbeat",{}]',
    b'[2.0,"m1","Heartbeat",{}]',
    b'[true,"m1","Heartbeat",{}]',
    b'[2,7,"Heartbeat",{}]',
    b'[2,null,"Heartbeat",{}]',
    b'[2,["m1"],"Heartbeat",{}]',
    b'[2,"' + b"x" * 256 + b'","Heartbeat",{}]',
    b"[" * 100_000,
    b"[" + b"null," * 100_000 + b"null]",
    b'{"a":' * 100_000,
]


@every_version
@pytest.mark.parametrize("data", UNREADABLE, ids=lambda data: repr(data[:30]))
def test_a_frame_without_an_id(version: str, data: bytes) -> None:
    """2.x answers under "-1"; 1.6 has no answer for it, so only the owner hears of it."""
    csms = Connection(DIALECTS[version])
    event = csms.receive(data, 0.0)
    assert isinstance(event, Malformed)
    assert event.message_id is None
    if version == "1.6":
        assert csms.data_to_send() == []
    else:
        [[kind, message_id, code, *_]] = frames(csms)
        assert (kind, message_id, code) == (4, "-1", "RpcFrameworkError")


@every_version
def test_deep_payloads_and_huge_numbers_are_only_wrong(version: str) -> None:
    csms = Connection(DIALECTS[version])
    deep = b"[" * 50_000 + b"]" * 50_000
    for payload in (deep, b'{"vendorId":"x","data":' + deep + b"}", b"1" * 100_000, b"1e9999"):
        event = csms.receive(b'[2,"m1","DataTransfer",' + payload + b"]", 0.0)
        assert isinstance(event, Malformed)
        assert event.message_id == "m1"
        assert len(csms.data_to_send()) == 1


@every_version
def test_an_id_may_have_36_characters(version: str) -> None:
    csms = Connection(DIALECTS[version])
    assert isinstance(receive(csms, [2, "é" * 36, "Heartbeat", {}]), Received)
    event = receive(csms, [2, "é" * 37, "Heartbeat", {}])
    assert isinstance(event, Malformed)
    [[kind, message_id, code, *_]] = frames(csms)
    assert (kind, message_id, code) == (4, "é" * 37, FRAMEWORK[version]), "the exact same id"


@every_version
def test_an_unknown_message_type(version: str) -> None:
    """2.0.1 part 4, 4.4 wants an answer; 1.6 and 2.1 only ignore the payload."""
    csms = Connection(DIALECTS[version])
    event = receive(csms, [9, "m1", {}])
    assert isinstance(event, Malformed)
    expected = [[4, "m1", "MessageTypeNotSupported", "message type 9", {}]]
    assert frames(csms) == (expected if version == "2.0.1" else [])


@every_version
def test_two_ends_never_argue_about_an_error(version: str) -> None:
    one, other = Connection(DIALECTS[version]), Connection(DIALECTS[version])
    one.receive(b"hello", 0.0)
    for _ in range(3):
        carry(one, other)
        carry(other, one)
    assert one.data_to_send() == other.data_to_send() == []


# --- Whatever comes -------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)
ACTIONS = st.sampled_from(["Heartbeat", "StatusNotification", "MeterValues", "DataTransfer", "x"])
FRAMES = st.one_of(
    st.binary(max_size=80),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.tuples(st.integers(0, 9), st.sampled_from(["m1", "p-1", ""]), ACTIONS, JSON).map(
        lambda frame: json.dumps(frame).encode()
    ),
    st.tuples(st.sampled_from([3, 4, 5]), st.sampled_from(["p-1", "x"]), JSON, JSON).map(
        lambda frame: json.dumps(frame[: frame[0]]).encode()
    ),
)
CUTS = st.tuples(FRAMES, st.integers(0, 60), st.binary(max_size=3)).map(
    lambda cut: cut[0][: cut[1]] + cut[2] + cut[0][cut[1] :]
)


@every_version
@pytest.mark.parametrize("lenient", [None, Lenient()], ids=["strict", "lenient"])
def test_nothing_that_comes_raises(version: str, lenient: Lenient | None) -> None:
    @settings(max_examples=200)
    @given(st.lists(FRAMES | CUTS, max_size=5))
    def check(received: list[bytes]) -> None:
        options: dict[str, Any] = {"lenient": lenient, "remembers_answer": True}
        csms = Connection(DIALECTS[version], id_prefix="p", **options)
        csms.call(VERSIONS[version].ClearCache(), now=0.0)
        for data in received:
            csms.receive(data, 0.0)
        said = csms.data_to_send()
        assert len(said) <= len(received) + 1, "one answer at most for each"
        for frame in said:
            assert json.loads(frame)[0] in {2, 3, 4, 5}

    check()
