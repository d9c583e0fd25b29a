"""What the load client says: OCPP messages whose changing digits sit at fixed places.

A message is laid out once per station; sending the next one means overwriting a few digits, so the
client stays faster than the servers that it measures. Knows the wire's text only: no sockets, and
nothing of Forecourt's own protocol code, so that a fault there cannot hide itself.
"""

import base64
import json
from typing import Any, Final, NamedTuple

# Numbers in the frames are nine digits wide and start here: never a leading zero.
FIRST_NUMBER: Final = 100_000_000
DIGITS: Final = 9
STAMP_WIDTH: Final = len("2026-01-01T00:00:00.000000Z")
TRANSACTION_WIDTH: Final = 10
# FIN and TEXT; the mask bit. The mask key is zero, which is legal, and leaves the payload plain.
FIN_TEXT: Final = 0x81
MASKED: Final = 0x80
LENGTH_16_BIT: Final = 126
LENGTH_64_BIT: Final = 127
ZERO_KEY: Final = bytes(4)

# Marks in the templates below; each is exactly as wide as what replaces it.
_ID: Final = "<_mes_id>"
_STAMP: Final = "<_______timestamp_________>"
_ENERGY: Final = "<energy_>"
_SEQ: Final = "<_seqno_>"
_TRANSACTION: Final = "<transact>"

METER_VALUES: Final = (
    f'[2,"{_ID}","MeterValues",{{"connectorId":1,"transactionId":{_TRANSACTION},'
    f'"meterValue":[{{"timestamp":"{_STAMP}","sampledValue":['
    f'{{"value":"{_ENERGY}","measurand":"Energy.Active.Import.Register","unit":"Wh"}},'
    '{"value":"11040","measurand":"Power.Active.Import","unit":"W"},'
    '{"value":"16.00","measurand":"Current.Import","unit":"A"},'
    '{"value":"57","measurand":"SoC","unit":"Percent"}]}]}]'
)

# The transaction's id is the station's own choice in 2.0.1, so it is the same width for all.
TRANSACTION_EVENT: Final = (
    f'[2,"{_ID}","TransactionEvent",{{"eventType":"Updated","timestamp":"{_STAMP}",'
    f'"triggerReason":"MeterValuePeriodic","seqNo":{_SEQ},"transactionInfo":{{"transactionId":'
    f'"{{transaction:0>36}}","chargingState":"Charging"}},"evse":{{"id":1,"connectorId":1}},'
    f'"meterValue":[{{"timestamp":"{_STAMP}","sampledValue":[{{"value":{_ENERGY},'
    '"context":"Sample.Periodic","measurand":"Energy.Active.Import.Register",'
    '"unitOfMeasure":{"unit":"Wh"}},'
    '{"value":11040.25,"measurand":"Power.Active.Import","unitOfMeasure":{"unit":"W"}},'
    '{"value":16.0,"measurand":"Current.Import","unitOfMeasure":{"unit":"A"}},'
    '{"value":230.0,"measurand":"Voltage","unitOfMeasure":{"unit":"V"}},'
    '{"value":57.25,"measurand":"SoC","unitOfMeasure":{"unit":"Percent"}}]}]}]'
)


class Places(NamedTuple):
    """Where in a framed message the changing digits are. ``seq`` is None where there is none."""

    id: int
    stamps: tuple[int, ...]
    energy: int
    seq: int | None


def frame(text: bytes) -> bytes:
    """The text as one client websocket frame, masked with a key of zeroes."""
    size = len(text)
    if size < LENGTH_16_BIT:
        head = bytes((FIN_TEXT, MASKED | size))
    else:
        head = bytes((FIN_TEXT, MASKED | LENGTH_16_BIT)) + size.to_bytes(2, "big")
    return head + ZERO_KEY + text


def lay_out(version: str, transaction: int | str) -> tuple[bytearray, Places]:
    """The periodic message of that OCPP version, framed, and the places to overwrite."""
    if version == "1.6":
        text = METER_VALUES.replace(_TRANSACTION, f"{transaction:>{TRANSACTION_WIDTH}}")
    else:
        text = TRANSACTION_EVENT.replace("{transaction:0>36}", f"{transaction:0>36}")
    framed = frame(text.encode())
    stamps = []
    at = framed.find(_STAMP.encode())
    while at >= 0:
        stamps.append(at)
        at = framed.find(_STAMP.encode(), at + 1)
    seq = framed.find(_SEQ.encode())
    places = Places(
        id=framed.index(_ID.encode()),
        stamps=tuple(stamps),
        energy=framed.index(_ENERGY.encode()),
        seq=seq if seq >= 0 else None,
    )
    return bytearray(framed), places


def upgrade(identity: str, password: str, version: str, port: int) -> bytes:
    """The HTTP request that opens the station's websocket, with its Basic credentials."""
    credentials = base64.b64encode(f"{identity}:{password}".encode()).decode()
    # One key for all is fine for a load client: the server's proof of it is not under test here.
    key = base64.b64encode(b"forecourt-bench!").decode()
    lines = (
        f"GET /ocpp/{identity} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: ocpp{version}",
        f"Authorization: Basic {credentials}",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def call(message_id: str, action: str, payload: dict[str, Any]) -> bytes:
    """An ordinary CALL, framed: for the messages that are sent once per connection."""
    return frame(json.dumps([2, message_id, action, payload], separators=(",", ":")).encode())


def boot(version: str) -> bytes:
    if version == "1.6":
        names: dict[str, Any] = {"chargePointVendor": "Bench", "chargePointModel": "Load"}
    else:
        station = {"vendorName": "Bench", "model": "Load"}
        names = {"reason": "PowerUp", "chargingStation": station}
    return call("boot", "BootNotification", names)


def start(version: str, *, transaction: str, stamp: str, energy_wh: int) -> bytes:
    """Begin the transaction that the periodic messages belong to."""
    payload: dict[str, Any]
    if version == "1.6":
        payload = {"connectorId": 1, "idTag": "BENCH", "meterStart": energy_wh, "timestamp": stamp}
        return call("start", "StartTransaction", payload)
    payload = {
        "eventType": "Started",
        "timestamp": stamp,
        "triggerReason": "CablePluggedIn",
        "seqNo": 0,
        "transactionInfo": {"transactionId": f"{transaction:0>36}", "chargingState": "EVConnected"},
        "evse": {"id": 1, "connectorId": 1},
    }
    return call("start", "TransactionEvent", payload)


def stop(version: str, *, transaction: int | str, seq: int, stamp: str, energy_wh: int) -> bytes:
    """End the transaction."""
    payload: dict[str, Any]
    if version == "1.6":
        payload = {"transactionId": transaction, "meterStop": energy_wh, "timestamp": stamp}
        return call("stop", "StopTransaction", payload)
    payload = {
        "eventType": "Ended",
        "timestamp": stamp,
        "triggerReason": "EVDeparted",
        "seqNo": seq,
        "transactionInfo": {
            "transactionId": f"{transaction:0>36}",
            "stoppedReason": "EVDisconnected",
        },
    }
    return call("stop", "TransactionEvent", payload)


def split(inbox: bytearray) -> list[tuple[int, bytes]]:
    """Take the whole frames (opcode, payload) off the front of what a server sent."""
    taken = []
    while len(inbox) >= 2:  # noqa: PLR2004  # a frame's head is at least two bytes
        size, head = inbox[1], 2
        if size == LENGTH_16_BIT:
            size, head = int.from_bytes(inbox[2:4], "big"), 4
        elif size == LENGTH_64_BIT:
            size, head = int.from_bytes(inbox[2:10], "big"), 10
        if len(inbox) < head + size:
            break
        taken.append((inbox[0] & 0x0F, bytes(inbox[head : head + size])))
        del inbox[: head + size]
    return taken
