"""What no station should send, answered by the version's own word; the line lives, all else too.

Frames are written by hand: no JSON library would make most of them. (Bytes that are no UTF-8 break
the websocket protocol, not OCPP: test_bad_input.py.)
"""

import gc
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.edge.ocpp.house import IN_THE_HOUSE, Yard, a_yard
from tests.edge.ocpp.says import event, meter, start, status, stop
from tests.edge.ocpp.wire import CallError, Wire

pytestmark = IN_THE_HOUSE

versions = pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])

FORMAT = {"1.6": "FormationViolation"}
OCCURRENCE = {"1.6": "OccurenceConstraintViolation"}
WORDS = {
    "format": FORMAT,
    "occurrence": OCCURRENCE,
    "property": {},
    "type": {},
    "framework": FORMAT,
}
WORDS_2X = {
    "format": "FormatViolation",
    "occurrence": "OccurrenceConstraintViolation",
    "property": "PropertyConstraintViolation",
    "type": "TypeConstraintViolation",
    "framework": "RpcFrameworkError",
    "unknown": "NotImplemented",
    "direction": "NotSupported",
}


def word(reason: str, version: str) -> str:
    return WORDS.get(reason, {}).get(version, WORDS_2X[reason])


def vendor(payload: bytes) -> bytes:
    """A DataTransfer, which every version has."""
    return b'"DataTransfer",' + payload


DEEP = 100_000
PAYLOADS: dict[str, tuple[bytes, str]] = {
    "no number": (vendor(b'{"vendorId":NaN}'), "format"),
    "without end": (vendor(b'{"vendorId":"a","data":-Infinity}'), "format"),
    "half a surrogate": (vendor(rb'{"vendorId":"\ud800"}'), "format"),
    "a surrogate the wrong way": (vendor(rb'{"vendorId":"\udc00\ud800"}'), "format"),
    "a bare control character": (vendor(b'{"vendorId":"\x00"}'), "format"),
    "U+0000": (vendor(rb'{"vendorId":"a\u0000"}'), "property"),
    "U+0000 deep inside": (vendor(rb'{"vendorId":"a","data":"[\"\u0000\"]"}'), "property"),
    "a comma too many": (vendor(b'{"vendorId":"a",}'), "format"),
    "two payloads": (vendor(b'{"vendorId":"a"}{}'), "format"),
    "cut off": (vendor(b'{"vendorId":"a'), "format"),
    "a comment": (vendor(b'{"vendorId":"a"/*b*/}'), "format"),
    "single quotes": (vendor(b"{'vendorId':'a'}"), "format"),
    "deep lists": (vendor(b'{"vendorId":"a","data":' + b"[" * DEEP + b"]" * DEEP + b"}"), "format"),
    "deep objects": (vendor(b'{"vendorId":' + b'{"a":' * DEEP + b"1" + b"}" * DEEP), "format"),
    "deep and cut off": (vendor(b'{"vendorId":' + b'[{"a":' * DEEP), "format"),
    "no payload": (b'"DataTransfer",null', "format"),
    "a list for a payload": (vendor(b"[]"), "format"),
    "a text for a payload": (vendor(b'"{}"'), "format"),
    "no vendor": (vendor(b"{}"), "occurrence"),
    "an unknown field": (vendor(b'{"vendorId":"a","colour":"red"}'), "format"),
    "a number for a text": (vendor(b'{"vendorId":7}'), "type"),
    "null for a text": (vendor(b'{"vendorId":null}'), "type"),
    "100 000 items for a text": (vendor(b'{"vendorId":[' + b"0," * 100_000 + b"0]}"), "type"),
    "a very long text": (vendor(b'{"vendorId":"' + b"x" * 1_000_000 + b'"}'), "property"),
    "a text of very many escapes": (
        vendor(b'{"vendorId":"' + rb"\u0041" * 100_000 + b'"}'),
        "property",
    ),
    "a huge exponent": (b'"MeterValues",{"%s":1e400}', "property"),
    "a fraction": (b'"MeterValues",{"%s":1.5}', "type"),
    "no such action": (b'"Dance",{}', "unknown"),
    "another case": (b'"dataTransfer",{"vendorId":"a"}', "unknown"),
    "an action of 100 000 letters": (b'"' + b"A" * 100_000 + b'",{}', "unknown"),
    "not a station's to send": (b'"Reset",{"type":"Soft"}', "direction"),
    "an action that is none": (b'7,{"vendorId":"a"}', "framework"),
    "an element too few": (b'"Heartbeat"', "framework"),
    "an element too many": (b'"Heartbeat",{},{}', "framework"),
    "a hundred thousand elements": (b'"Heartbeat"' + b",0" * 100_000, "framework"),
}


@versions
@pytest.mark.parametrize("what", PAYLOADS)
async def test_each_fault_has_its_word_and_the_line_lives(
    yard: Yard, version: str, what: str
) -> None:
    rest, reason = PAYLOADS[what]
    _, wire = await yard.station(version)
    rest = rest.replace(b"%s", b"connectorId" if version == "1.6" else b"evseId")
    wire.frame(b'[2,"bad",' + rest + b"]")
    with pytest.raises(CallError) as refused:
        await wire.answer_to("bad")
    assert refused.value.code == word(reason, version), refused.value
    assert (await wire.call("Heartbeat", {}))["currentTime"]


@versions
async def test_a_number_of_five_thousand_digits(yard: Yard, version: str) -> None:
    _, wire = await yard.station(version)
    field = "connectorId" if version == "1.6" else "evseId"
    wire.frame(b'[2,"bad","MeterValues",{"%s":%s}]' % (field.encode(), b"9" * 5_000))
    with pytest.raises(CallError) as refused:
        await wire.answer_to("bad")
    assert refused.value.code == "PropertyConstraintViolation"


@versions
async def test_of_a_key_that_comes_twice_the_last_counts(yard: Yard, version: str) -> None:
    """JSON does not say (RFC 8259, 4); what matters is that both readers here agree."""
    _, wire = await yard.station(version)
    wire.frame(b'[2,"twice","DataTransfer",{"vendorId":1,"vendorId":"a","vendorId":"b"}]')
    with pytest.raises(CallError):
        await wire.answer_to("twice")
    wire.frame(b'[2,"again","DataTransfer",{"vendorId":"a","vendorId":"b"}]')
    assert (await wire.answer_to("again"))["status"] == "UnknownVendorId"


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_anything_within_the_limit_is_taken_where_anything_may_be(
    yard: Yard, version: str
) -> None:
    name, wire = await yard.station(version)
    whatever: tuple[Any, ...] = (
        [0] * 100_000,
        "x" * 1_000_000,
        {"a": 2**80},
        [[[[[[[[]]]]]]]],
        "last",
    )
    for data in whatever:
        told = await wire.call("DataTransfer", {"vendorId": "v", "data": data})
        assert told["status"] == "UnknownVendorId"
    await yard.house.committer.drained()
    since = yard.clock.now() - timedelta(minutes=1)
    happened = await yard.rooms.stations.history.happened(yard.ctx, name, since=since)
    assert happened, "what was said can be read again"


@versions
@pytest.mark.parametrize("message_id", ["", "\x7f", "é" * 36, "-1", "null", "🔌" * 36, "a\\b"])
async def test_odd_ids_are_echoed_as_they_are(yard: Yard, version: str, message_id: str) -> None:
    _, wire = await yard.station(version)
    wire.text(json.dumps([2, message_id, "Heartbeat", {}]))
    assert (await wire.answer_to(message_id))["currentTime"]
    wire.text(json.dumps([2, message_id, "Dance", {}]))
    with pytest.raises(CallError) as refused:
        await wire.answer_to(message_id)
    assert refused.value.code == "NotImplemented"


async def test_the_limit_of_a_frame_is_what_the_operator_says(
    database_url: str, tmp_path: Path
) -> None:
    async with a_yard(database_url, tmp_path, frame_bytes_max=8_192) as yard:
        name, wire = await yard.station("2.0.1")
        fits = {"vendorId": "v", "data": "x" * 8_000}
        assert (await wire.call("DataTransfer", fits))["status"] == "UnknownVendorId"
        wire.ask("DataTransfer", {"vendorId": "v", "data": "x" * 8_200})
        assert (await wire.closed()).code == 1009
        again = await yard.connect(name, "2.0.1")
        assert (await again.call("Heartbeat", {}))["currentTime"]


async def test_a_session_loses_nothing_to_nonsense_between_its_messages(yard: Yard) -> None:
    name, wire = await yard.station()
    card = await yard.token()
    nonsense = [b'[2,"bad",' + rest + b"]" for rest, _ in PAYLOADS.values() if len(rest) < 1_000]
    number = 0

    async def between() -> None:
        for nth, frame in enumerate(nonsense):
            wire.frame(frame.replace(b'"bad"', b'"bad%d"' % nth))
        for nth in range(len(nonsense)):
            with pytest.raises(CallError):
                await wire.answer_to(f"bad{nth}")

    await between()
    number = (await wire.call("StartTransaction", start(card, yard.at(-60), 100)))["transactionId"]
    for n in range(5):
        await between()
        assert await wire.call("MeterValues", meter(yard.at(-50 + n), 110 + n, number)) == {}
    await between()
    await wire.call("StopTransaction", stop(number, yard.at(), 200))
    session = await yard.session(name)
    assert (session.progress.energy_wh, session.progress.flags) == (100, ())
    assert len(await yard.readings(name)) == 5


async def test_a_2x_session_takes_no_harm_from_a_broken_event(yard: Yard) -> None:
    name, wire = await yard.station("2.1")
    await wire.call("TransactionEvent", event("Started", "t", 0, yard.at(-60), 0, evse=1))
    good = event("Updated", "t", 1, yard.at(-30), 50)
    for broken in (
        {**good, "seqNo": 2**64},
        {**good, "seqNo": "1"},
        {**good, "eventType": "Renewed"},
        {**good, "transactionInfo": {"transactionId": "t" * 37}},
        {**good, "transactionInfo": {"transactionId": "t\0"}},
        {**good, "meterValue": []},
        {**good, "timestamp": "yesterday"},
        {**good, "evse": []},
    ):
        with pytest.raises(CallError):
            await wire.call("TransactionEvent", broken)
    assert await wire.call("TransactionEvent", good) == {}
    session = await yard.session(name)
    assert (session.progress.seq_next, session.progress.energy_wh) == (2, 50)


async def _thousand(wire: Wire, frames: list[bytes]) -> None:
    for nth in range(1_000):
        wire.frame(frames[nth % len(frames)])
        if nth % 20 == 19:
            await wire.flushed()
            wire.ask("Heartbeat", {}, message_id=f"h{nth}")
            await wire.answer_to(f"h{nth}")
            wire._early.clear()


@versions
async def test_memory_does_not_grow_by_nonsense(yard: Yard, version: str) -> None:
    """Whatever was big in the first thousand frames is used again for the next ones."""
    _, wire = await yard.station(version)
    frames = [b'[2,"bad",' + rest + b"]" for rest, _ in PAYLOADS.values()]
    frames += [b"[" * 50_000, b'{"' * 5_000, b'[3,"who",{}]', b"5" * 10_000]
    frames = [frame[:300_000] for frame in frames]
    process = psutil.Process()
    await _thousand(wire, frames)
    gc.collect()
    before = process.memory_info().rss
    await _thousand(wire, frames)
    gc.collect()
    grown = process.memory_info().rss - before
    assert grown < 16 * 1024 * 1024, f"{grown / 1024 / 1024:.1f} MiB"
    assert (await wire.call("Heartbeat", {}))["currentTime"]


async def test_what_is_kept_of_a_fault_is_bounded(yard: Yard) -> None:
    """The word for it may quote what the station wrote; a row of the log is small all the same."""
    name, wire = await yard.station()
    with pytest.raises(CallError):
        await wire.call("StatusNotification", status(1, "x" * 500_000))
    with pytest.raises(CallError):
        await wire.call("StatusNotification", status(1, "Available", info="a\0b"))
    await yard.house.committer.drained()
    kept = await yard.rows(
        "SELECT note, frame FROM messages WHERE station_id = $1 AND note <> ''", name
    )
    assert len(kept) == 2
    for row in kept:
        assert len(row["note"]) < 400
        assert len(row["frame"]) <= 16_384
    assert json.loads(kept[1]["frame"])[3]["info"] == "a\0b"
