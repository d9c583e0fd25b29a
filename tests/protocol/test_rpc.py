"""The conversation: two ends back to back, time by hand."""

import json
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

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
    for no_answer in (v201.HeartbeatResponse(current_time=NOW), v16.Heartbeat()):
        with pytest.raises(LocalProtocolError):
            csms.reply("1", no_answer)
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


def test_a_message_that_wants_no_answer_is_no_call() -> None:
    event = receive(Connection(v21.DIALECT), [2, "1", "NotifyPeriodicEventStream", {}])
    assert isinstance(event, Malformed)
    assert event.code == "NotSupported"


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_older_versions_know_no_such_message(version: str) -> None:
    csms = Connection(DIALECTS[version])
    assert isinstance(receive(csms, [6, "1", "NotifyPeriodicEventStream", {}]), Malformed)


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
