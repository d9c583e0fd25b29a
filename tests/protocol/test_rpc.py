"""The conversation: two ends back to back, time by hand."""

import json
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecourt.protocol.ocpp import v16, v21, v201
from forecourt.protocol.ocpp.dialect import Dialect, ErrorReason
from forecourt.protocol.ocpp.events import (
    BAD_ANSWER,
    CONNECTION_LOST,
    TIMEOUT,
    Answered,
    Duplicate,
    Event,
    Failed,
    Late,
    Malformed,
    PeerRefusedAnswer,
    Received,
    Sent,
)
from forecourt.protocol.ocpp.lenient import Lenient
from forecourt.protocol.ocpp.rpc import Connection, LocalProtocolError, QueueFull

VERSIONS: dict[str, ModuleType] = {"1.6": v16, "2.0.1": v201, "2.1": v21}
DIALECTS: dict[str, Dialect] = {name: module.DIALECT for name, module in VERSIONS.items()}
every_version = pytest.mark.parametrize("version", VERSIONS)
NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)


def ends(version: str, **options: Any) -> tuple[Connection, Connection]:
    """(station, CSMS)"""
    dialect = DIALECTS[version]
    station = Connection(dialect, accepts=dialect.from_csms, **options)
    return station, Connection(dialect, accepts=dialect.from_station, **options)


def carry(sender: Connection, receiver: Connection, now: float = 0.0) -> list[Event | None]:
    return [receiver.receive(frame, now) for frame in sender.data_to_send()]


def frames(connection: Connection) -> list[Any]:
    return [json.loads(frame) for frame in connection.data_to_send()]


def receive(connection: Connection, frame: object, now: float = 0.0) -> Event | None:
    return connection.receive(json.dumps(frame).encode(), now)


# --- Calls and answers ----------------------------------------------------------------------------


@every_version
def test_a_call_is_received_and_answered(version: str) -> None:
    station, csms = ends(version)
    messages = VERSIONS[version]
    message_id = station.call(messages.Heartbeat(), now=0.0)
    [received] = carry(station, csms)
    assert received == Received(message_id, "Heartbeat", messages.Heartbeat())
    csms.reply(message_id, messages.HeartbeatResponse(current_time=NOW))
    [answered] = carry(csms, station)
    answer = messages.HeartbeatResponse(current_time=NOW)
    assert answered == Answered(messages.Heartbeat(), answer, message_id)
    assert station.deadline() is None
    assert station.waiting == 0


@every_version
def test_only_one_call_is_open_and_the_others_wait_their_turn(version: str) -> None:
    station, csms = ends(version)
    messages = VERSIONS[version]
    ids = [station.call(messages.Heartbeat(), now=0.0) for _ in range(3)]
    assert len(set(ids)) == 3
    assert station.waiting == 3
    for turn, message_id in enumerate(ids):
        [received] = carry(station, csms)
        assert isinstance(received, Received)
        assert received.message_id == message_id
        csms.reply(message_id, messages.HeartbeatResponse(current_time=NOW))
        [answered] = carry(csms, station, now=float(turn))
        assert isinstance(answered, Answered)
        if turn < 2:
            assert station.deadline() == turn + 30.0, "its time runs from when it was sent"
    assert station.data_to_send() == []


@every_version
def test_the_directions_cross_and_wait_for_nobody(version: str) -> None:
    station, csms = ends(version)
    messages = VERSIONS[version]
    ours = csms.call(messages.ClearCache(), now=0.0)
    theirs = station.call(messages.Heartbeat(), now=0.0)
    [at_station] = carry(csms, station)
    [at_csms] = carry(station, csms)
    assert isinstance(at_station, Received)
    assert isinstance(at_csms, Received)
    csms.reply(theirs, messages.HeartbeatResponse(current_time=NOW))
    station.reply(ours, messages.ClearCacheResponse(status="Accepted"))
    [first] = carry(csms, station)
    [second] = carry(station, csms)
    assert isinstance(first, Answered)
    assert isinstance(second, Answered)


def test_a_frame_is_what_the_specification_shows() -> None:
    csms = Connection(v16.DIALECT, id_prefix="a1")
    assert csms.call(v16.Reset(type="Soft"), now=0.0) == "a1-1"
    assert frames(csms) == [[2, "a1-1", "Reset", {"type": "Soft"}]]
    csms.reply("7", v16.StatusNotificationResponse())
    csms.refuse("8", ErrorReason.NOT_SUPPORTED, "x" * 300, {"why": 1})
    assert frames(csms) == [[3, "7", {}], [4, "8", "NotSupported", "x" * 255, {"why": 1}]]


def test_spaces_and_other_orders_of_bytes_are_the_same_frame() -> None:
    for frame in (
        b'[2,"1","Heartbeat",{}]',
        b'[2, "1", "Heartbeat", {}]',
        b' [ 2 ,\n"1" , "Heartbeat" ,\t{ } ] ',
        rb'[2,"\u0031","Heart\u0062eat",{}]',
    ):
        assert Connection(v16.DIALECT).receive(frame, 0.0) == Received(
            "1", "Heartbeat", v16.Heartbeat()
        )
    quoted = rb'[2,"a\",\"Heartbeat","ClearCache",{}]'
    assert Connection(v16.DIALECT).receive(quoted, 0.0) == Received(
        'a","Heartbeat', "ClearCache", v16.ClearCache()
    )


def test_times_are_sent_with_three_digits_at_most() -> None:
    csms = Connection(v201.DIALECT)
    fine = datetime(2025, 6, 1, 12, 0, 0, 123456, tzinfo=UTC)
    csms.reply("1", v201.HeartbeatResponse(current_time=fine))
    csms.reply("2", v201.HeartbeatResponse(current_time=NOW))
    entry = v201.LogParameters(
        remote_location="a.b/c", oldest_timestamp=fine, latest_timestamp=fine
    )
    csms.call(v201.GetLog(log=entry, log_type="SecurityLog", request_id=1), now=0.0)
    one, two, three = frames(csms)
    assert one[2] == {"currentTime": "2025-06-01T12:00:00.123Z"}
    assert two[2] == {"currentTime": "2025-06-01T12:00:00Z"}
    assert three[3]["log"] == {
        "remoteLocation": "a.b/c",
        "oldestTimestamp": "2025-06-01T12:00:00.123Z",
        "latestTimestamp": "2025-06-01T12:00:00.123Z",
    }


def test_message_ids_are_short_and_never_come_twice() -> None:
    csms = Connection(v16.DIALECT, queue_max=5000)
    ids = {csms.call(v16.ClearCache(), now=0.0) for _ in range(2000)}
    ids |= {Connection(v16.DIALECT).call(v16.ClearCache(), now=0.0) for _ in range(100)}
    assert len(ids) == 2100
    assert max(map(len, ids)) <= 36


# --- Calls that come to nothing -------------------------------------------------------------------


def test_a_call_without_an_answer_times_out_and_the_next_begins() -> None:
    csms = Connection(v16.DIALECT, call_timeout_s=10.0)
    first, second = v16.Reset(type="Soft"), v16.ClearCache()
    one, two = csms.call(first, now=100.0), csms.call(second, now=101.0)
    assert csms.deadline() == 110.0
    assert csms.tick(109.9) == []
    assert csms.tick(110.0) == [Failed(first, TIMEOUT, "", {}, one)]
    assert [frame[1] for frame in frames(csms)] == [one, two]
    assert csms.deadline() == 120.0
    assert receive(csms, [3, one, {"status": "Accepted"}]) == Late(one)
    assert receive(csms, [4, one, "GenericError", "", {}]) == Late(one)
    answered = receive(csms, [3, two, {"status": "Accepted"}])
    assert answered == Answered(second, v16.ClearCacheResponse(status="Accepted"), two)
    assert receive(csms, [3, two, {"status": "Accepted"}]) == Late(two), "twice is once"
    assert csms.tick(1000.0) == []


@every_version
def test_an_error_fails_the_call(version: str) -> None:
    station, csms = ends(version)
    request = VERSIONS[version].ClearCache()
    message_id = csms.call(request, now=0.0)
    carry(csms, station)
    station.refuse(message_id, ErrorReason.INTERNAL, "no memory", {"free": 0})
    [failed] = carry(station, csms)
    assert failed == Failed(request, "InternalError", "no memory", {"free": 0}, message_id)
    assert csms.waiting == 0


@pytest.mark.parametrize(
    ("rest", "code", "description"),
    [
        ([], "", ""),
        (["GenericError"], "GenericError", ""),
        ([None, 7, []], "", ""),
        (["Vendor", "text", {"a": 1}, 9], "Vendor", "text"),
    ],
)
def test_an_error_is_taken_as_it_comes(rest: list[object], code: str, description: str) -> None:
    csms = Connection(v16.DIALECT)
    message_id = csms.call(v16.ClearCache(), now=0.0)
    event = receive(csms, [4, message_id, *rest])
    assert isinstance(event, Failed)
    assert (event.code, event.description) == (code, description)


BAD_ANSWERS: dict[str, Any] = {
    "TypeConstraintViolation": {"status": 1},
    "PropertyConstraintViolation": {"status": "Perhaps"},
    "Occurrence": {},
    "Format": {"status": "Accepted", "more": 1},
}


@every_version
@pytest.mark.parametrize("kind", BAD_ANSWERS)
def test_a_bad_answer_fails_the_call(version: str, kind: str) -> None:
    dialect = DIALECTS[version]
    csms = Connection(dialect)
    message_id = csms.call(VERSIONS[version].ClearCache(), now=0.0)
    csms.data_to_send()
    event = receive(csms, [3, message_id, BAD_ANSWERS[kind]])
    assert isinstance(event, Failed)
    assert event.code == BAD_ANSWER
    word = {
        "Occurrence": dialect.word(ErrorReason.OCCURRENCE),
        "Format": dialect.word(ErrorReason.FORMAT),
    }.get(kind, kind)
    assert event.description.startswith(f"{word}: ")
    assert csms.waiting == 0
    said = frames(csms)
    if version == "2.1":
        [[five, about, code, text, details]] = said
        assert (five, about, code, details) == (5, message_id, word, {})
        assert text
    else:
        assert said == [], "only 2.1 has a word for this"


@every_version
@pytest.mark.parametrize("rest", [b',{"status":]', b',{"status":"Accepted"},1]', b"]"])
def test_an_answer_out_of_shape_fails_the_call_at_once(version: str, rest: bytes) -> None:
    csms = Connection(DIALECTS[version])
    message_id = csms.call(VERSIONS[version].ClearCache(), now=0.0)
    csms.data_to_send()
    event = csms.receive(b'[3,"' + message_id.encode() + b'"' + rest, 0.0)
    assert isinstance(event, Failed)
    assert event.code == BAD_ANSWER
    assert len(csms.data_to_send()) == (version == "2.1")
    broken_error = csms.receive(b'[4,"nobody","GenericError",]', 0.0)
    assert isinstance(broken_error, Malformed)
    assert csms.data_to_send() == [], "an answer is not answered"


def test_what_2_1_says_about_our_answer_is_told() -> None:
    station, csms = ends("2.1")
    message_id = station.call(v21.Heartbeat(), now=0.0)
    carry(station, csms)
    csms.reply(message_id, v21.HeartbeatResponse(current_time=NOW))
    csms.data_to_send()
    event = receive(csms, [5, message_id, "FormatViolation", "what?", {}])
    assert event == PeerRefusedAnswer(message_id, "FormatViolation", "what?", {})
    assert csms.data_to_send() == []


def test_the_end_fails_every_call() -> None:
    csms = Connection(v16.DIALECT)
    requests = [v16.Reset(type="Hard"), v16.ClearCache(), v16.ClearCache()]
    ids = [csms.call(request, now=0.0) for request in requests]
    failed = csms.close()
    expected = [Failed(r, CONNECTION_LOST, "", {}, i) for r, i in zip(requests, ids, strict=True)]
    assert failed == expected
    assert csms.close() == []
    assert csms.deadline() is None
    with pytest.raises(LocalProtocolError):
        csms.call(v16.ClearCache(), now=0.0)


# --- What we may not do ---------------------------------------------------------------------------


def test_the_queue_has_an_end() -> None:
    csms = Connection(v16.DIALECT, queue_max=2)
    ids = [csms.call(v16.ClearCache(), now=0.0) for _ in range(3)]
    with pytest.raises(QueueFull):
        csms.call(v16.ClearCache(), now=0.0)
    receive(csms, [3, ids[0], {"status": "Accepted"}])
    csms.call(v16.ClearCache(), now=0.0)
    single = Connection(v16.DIALECT, queue_max=0)
    single.call(v16.ClearCache(), now=0.0)
    with pytest.raises(QueueFull):
        single.call(v16.ClearCache(), now=0.0)


def test_only_this_versions_messages_are_sent() -> None:
    csms = Connection(v16.DIALECT)
    for wrong in (v201.Heartbeat(), v16.HeartbeatResponse(current_time=NOW)):
        with pytest.raises(LocalProtocolError):
            csms.call(wrong, now=0.0)
    with pytest.raises(LocalProtocolError):
        csms.reply("1", v201.HeartbeatResponse(current_time=NOW))
    with pytest.raises(LocalProtocolError):
        csms.send(v16.Heartbeat())
    with pytest.raises(LocalProtocolError):
        Connection(v201.DIALECT).call(
            v201.DataTransfer(vendor_id="x", data=object()), now=0.0
        )  # no JSON
    assert csms.data_to_send() == []


# --- Messages without an answer -------------------------------------------------------------------

STREAM = v21.NotifyPeriodicEventStream(
    id=1, pending=0, basetime=NOW, data=(v21.StreamDataElement(t=0.5, v="230.4"),)
)


def test_2_1_sends_without_waiting_and_is_never_answered() -> None:
    station, csms = ends("2.1")
    station.call(v21.Heartbeat(), now=0.0)
    station.send(STREAM)
    _, sent = carry(station, csms)
    assert sent == Sent("NotifyPeriodicEventStream", STREAM)
    for broken in (
        [6, "1", "NotifyPeriodicEventStream", {}],
        [6, "1", "Heartbeat", {}],
        [6, "1", "NotifyPeriodicEventStream"],
        [6, "1"],
        [6, 1, "NotifyPeriodicEventStream", {}],
    ):
        assert isinstance(receive(csms, broken), Malformed)
    assert csms.data_to_send() == []


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_older_versions_know_no_such_message(version: str) -> None:
    csms = Connection(DIALECTS[version])
    assert isinstance(receive(csms, [6, "1", "NotifyPeriodicEventStream", {}]), Malformed)


# --- What the peer may break ----------------------------------------------------------------------

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
    _, csms = ends(version)
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


# --- A repeated call ------------------------------------------------------------------------------


def test_a_repeated_call_gets_the_answer_it_had() -> None:
    csms = Connection(v16.DIALECT, remembers_answer=True)
    call = [2, "m1", "Heartbeat", {}]
    assert isinstance(receive(csms, call), Received)
    assert receive(csms, call) == Duplicate("m1", "Heartbeat")
    assert csms.data_to_send() == [], "the first is still being handled"
    csms.reply("m1", v16.HeartbeatResponse(current_time=NOW))
    [first] = csms.data_to_send()
    assert receive(csms, call) == Duplicate("m1", "Heartbeat")
    assert csms.data_to_send() == [first]
    assert isinstance(receive(csms, [2, "m2", "Heartbeat", {}]), Received)


def test_the_same_id_with_other_content_is_a_new_call() -> None:
    csms = Connection(v16.DIALECT, remembers_answer=True)
    for text in ("one", "two"):
        event = receive(csms, [2, "1", "DataTransfer", {"vendorId": text}])
        assert event == Received("1", "DataTransfer", v16.DataTransfer(vendor_id=text))
        csms.reply("1", v16.DataTransferResponse(status="Accepted"))


def test_a_refused_call_may_be_tried_again() -> None:
    csms = Connection(v16.DIALECT, remembers_answer=True)
    for _ in range(2):
        assert isinstance(receive(csms, [2, "m1", "Heartbeat", {}]), Received)
        csms.refuse("m1", ErrorReason.INTERNAL)


def test_by_default_every_call_is_told() -> None:
    csms = Connection(v16.DIALECT)
    for _ in range(2):
        assert isinstance(receive(csms, [2, "m1", "Heartbeat", {}]), Received)


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
