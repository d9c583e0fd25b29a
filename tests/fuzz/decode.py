"""Target: whatever a peer sends, one frame after another, against every version."""

import json
from collections.abc import Iterator
from typing import Final

import msgspec

from forecourt.domain.catalogue import KEYS, QuirkProfile
from forecourt.edge.ocpp.quirks import lenient_of
from forecourt.protocol.ocpp.events import Answered, Received, Sent
from forecourt.protocol.ocpp.lenient import NUL, Fix, Lenient
from forecourt.protocol.ocpp.rpc import Connection
from tests.fuzz.examples import DIALECTS, calls, payloads

# A station with every quirk that is mended in what it sends.
QUIRKY: Final = QuirkProfile(
    name="quirky",
    title="Everything at once",
    repair_json=True,
    tolerate_int64_txid=True,
    tolerate_empty_sampled_values=True,
    ignore_vendor_error=frozenset({"0x00"}),
    id_tag_cut="_",
)
# The first byte chooses the version, leniency and memory, the second the call that is open.
VERSIONS: Final = ("1.6", "2.0.1", "2.1")
CHOICES: Final = [
    (version, lenient, remembers)
    for version in VERSIONS
    for lenient in (None, Lenient(), lenient_of(QUIRKY, all_fixes=False))
    for remembers in (False, True)
]
FIXES: Final = {fix.value for fix in Fix} | set(KEYS)
FRAMES_MAX: Final = 4
BETWEEN: Final = b"\x1e"
"""Record separator: parts one input into frames; JSON never holds it unescaped."""


def run(data: bytes) -> None:
    """One input: it must not raise, and each frame gets one answer at most."""
    if len(data) < 2:
        return
    version, lenient, remembers = CHOICES[data[0] % len(CHOICES)]
    dialect = DIALECTS[version]
    conn = Connection(
        dialect,
        accepts=dialect.from_station,
        lenient=lenient,
        remembers_answer=remembers,
        id_prefix="p",
    )
    choice = calls(version, "csms")
    conn.call(choice[data[1] % len(choice)], 0.0)
    conn.data_to_send()
    for frame in data[2:].split(BETWEEN, FRAMES_MAX - 1):
        event = conn.receive(frame, 0.0)
        said = conn.data_to_send()
        assert len(said) <= 1
        for answer in said:
            kind, message_id, *_ = json.loads(answer)
            assert kind in {3, 4, 5}
            assert isinstance(message_id, str)
        if isinstance(event, Received | Sent | Answered):
            message = getattr(event, "request", None) or getattr(event, "message", None)
            told = event.response if isinstance(event, Answered) else message
            # What was read can be kept: handlers write it as JSON.
            kept = msgspec.json.encode(told)
            json.loads(kept)
            assert NUL.search(kept) is None, "no column holds it"
            assert set(event.repairs) <= FIXES
            assert lenient is not None or event.repairs == ()


def seeds() -> Iterator[bytes]:
    """Each message that a station may send, and each answer to what is asked of it."""
    for nth, (version, lenient, remembers) in enumerate(CHOICES):
        if remembers:
            continue
        known = payloads(version)
        dialect = DIALECTS[version]
        head = bytes([nth])
        for action in sorted(dialect.from_station & known.keys()):
            kind = 6 if action in dialect.sends else 2
            yield head + b"\0" + _frame(kind, "m1", action, known[action])
        for place, request in enumerate(calls(version, "csms")):
            name = f"{type(request).__name__}Response"
            yield head + bytes([place]) + _frame(3, "p-1", known[name])
        yield head + b"\0" + _frame(4, "p-1", "InternalError", "why", {"a": 1})
        for odd in ODD if lenient is not None else ODD[:4]:
            yield head + b"\0" + odd


def _frame(*parts: object) -> bytes:
    return json.dumps(parts, separators=(",", ":")).encode()


ODD: Final = (
    b'[5,"p-1","FormatViolation","",{}]',
    b'[2,"m1","Heartbeat",{}]\x1e[2,"m1","Heartbeat",{}]',
    b'[3,"p-1",{"status":"Accepted"}]\x1e[3,"p-1",{}]',
    b'[2,"m1","DataTransfer",{"vendorId":"\\ud83d\\ude00","data":[[[[1e9]]]]}]',
    b"",
    b'[2,"m1","DataTransfer",{"vendorId":"a\\u0000\\\\u0000"}]',
    b'[2,"m1","MeterValues",{"connectorId":1,"transactionId":,"meterValue":[]}]',
    b'[2,"m1","Heartbeat",null]',
    b'[2,"m1","Authorize",{"idTag":"04A1_K1"}]',
    b'[2,"m1","StatusNotification",{"errorCode":"NoError","vendorErrorCode":"0x00","status":"x"}]',
    b'[2,"m1","MeterValues",{"connectorId":1,"transactionId":18446744073709551616,"meterValue":[]}]',
    b'[2,"m1","DataTransfer",{"vendorId":"C:\\path","x":1.0,}]',
    b'[2,"m1","DataTransfer",{\\"vendorId\\":\\"a\\"}]',
    b'[2,"m1","StatusNotification",{"connectorId":1.0,"errorCode":"Error","status":"Ok"}]',
    b'[2,"m1","StartTransaction",{"connectorId":1,"idTag":7,"timestamp":"2025-06-01T12:00:00"}]',
)
