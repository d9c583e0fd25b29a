"""A message that no database takes costs only itself, also in a batch with everybody else's."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.world.supervisor import supervised, thaw
from tests.world.wire import Wire, reading, wire

pytestmark = [pytest.mark.database, pytest.mark.slow, pytest.mark.timeout(90)]
AT = "2026-01-01T12:00:00.000Z"
HUGE = 10**30
WELL = 20


def started(**changed: object) -> dict[str, object]:
    start = {"connectorId": 1, "idTag": "CARD", "meterStart": 1, "timestamp": AT}
    return {**start, **changed}


def happened(**changed: object) -> dict[str, object]:
    event = {
        "eventType": "Started",
        "timestamp": AT,
        "triggerReason": "CablePluggedIn",
        "seqNo": 0,
        "transactionInfo": {"transactionId": "T"},
        "evse": {"id": 1},
        "meterValue": [{"timestamp": AT, "sampledValue": [{"value": 5}]}],
    }
    return {**event, **changed}


def status(**changed: object) -> dict[str, object]:
    return {"connectorId": 1, "errorCode": "NoError", "status": "Available", **changed}


POISONS: list[tuple[str, str, dict[str, Any]]] = [
    ("1.6", "StatusNotification", status(info="a\0b")),
    ("1.6", "StatusNotification", status(connectorId=HUGE)),
    ("1.6", "StatusNotification", status(vendorErrorCode="\ud800")),
    ("1.6", "StartTransaction", started(idTag="A\0B")),
    ("1.6", "StartTransaction", started(meterStart=HUGE)),
    ("1.6", "StartTransaction", started(connectorId=HUGE)),
    ("1.6", "StartTransaction", started(timestamp="0001-01-01T00:00:00+14:00")),
    ("1.6", "StopTransaction", {"transactionId": HUGE, "meterStop": HUGE, "timestamp": AT}),
    ("1.6", "MeterValues", reading(AT, 1, connector=HUGE)),
    ("1.6", "MeterValues", reading("9999-12-31T23:59:59-14:00", 1)),
    ("1.6", "MeterValues", reading(AT, "1e400")),
    ("1.6", "MeterValues", reading(AT, "NaN")),
    ("1.6", "DataTransfer", {"vendorId": "V", "data": "\0"}),
    ("1.6", "BootNotification", {"chargePointVendor": "\0", "chargePointModel": "M"}),
    ("2.0.1", "TransactionEvent", happened(seqNo=HUGE)),
    ("2.0.1", "TransactionEvent", happened(seqNo=-HUGE)),
    ("2.0.1", "TransactionEvent", happened(transactionInfo={"transactionId": "a\0b"})),
    ("2.0.1", "TransactionEvent", happened(evse={"id": HUGE})),
    ("2.0.1", "TransactionEvent", happened(timestamp="9999-12-31T23:59:59-14:00")),
]


async def test_a_poisoned_message_costs_only_itself(tmp_path: Path) -> None:
    well = [f"WELL-{n}" for n in range(WELL)]
    ill = [f"ILL-{n}" for n in range(len(POISONS))]
    async with (
        supervised(tmp_path / "data", [*well, *ill], ["CARD"]) as platform,
        AsyncExitStack() as stack,
    ):
        lines: dict[str, Wire] = {}
        versions = ["1.6"] * WELL + [version for version, _, _ in POISONS]
        for name, version in zip([*well, *ill], versions, strict=True):
            lines[name] = await stack.enter_async_context(wire(platform.url, name, version))
            assert (await lines[name].asked("0", "Heartbeat", {}))[0] == 3
        # All of them wait in one line while nothing can be committed: then they share a batch.
        frozen = await platform.freeze_database()
        try:
            for n, name in enumerate([*well, *ill]):
                if name in well:
                    await lines[name].say("1", "MeterValues", reading(AT, n))
                else:
                    _, action, payload = POISONS[n - WELL]
                    await lines[name].say("1", action, payload)
            assert await lines[well[0]].silent(1)
        finally:
            thaw(frozen)
        for name in well:
            assert await lines[name].heard() == [3, "1", {}]
        for name, poison in zip(ill, POISONS, strict=True):
            answer = await lines[name].heard()
            assert answer[0] in {3, 4}, poison
            assert answer[1] == "1", poison
            # And the one that was poisoned goes on, on the same socket.
            assert (await lines[name].asked("2", "Heartbeat", {}))[:2] == [3, "2"], poison
        conn = await asyncpg.connect(platform.database_url)
        stored = await conn.fetchval(
            "SELECT count(*) FROM meter_values WHERE station_id LIKE 'WELL-%'"
        )
        await conn.close()
        assert stored == WELL
        assert (platform.starts, platform.deaths) == (1, [])
