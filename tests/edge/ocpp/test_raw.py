"""Any message at all: valid in the station's version, by whoever may."""

import asyncio
from typing import Any, Final

import pytest
from msgspec.structs import replace

from forecourt.base.context import Context
from forecourt.domain.stations import Outcome, Raw, RawResponse
from forecourt.domain.tenants import ScopeMissing
from tests.edge.ocpp.asked import heard, quiet
from tests.edge.ocpp.house import IN_THE_HOUSE, Yard

pytestmark = IN_THE_HOUSE

# Not valid in the station's version, and where.
INVALID: Final[list[tuple[str, str, dict[str, Any], str]]] = [
    ("1.6", "UnlockConnector", {"connectorId": "1"}, "$.connectorId"),
    ("1.6", "UnlockConnector", {}, "connectorId"),
    ("1.6", "UnlockConnector", {"connectorId": 1, "more": 1}, "more"),
    ("1.6", "GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"}, "GetBaseReport"),
    ("1.6", "BootNotification", {}, "BootNotification"),
    ("2.0.1", "UnlockConnector", {"evseId": 1, "connectorId": None}, "$.connectorId"),
    ("2.0.1", "AFRRSignal", {}, "AFRRSignal"),
    ("2.1", "AFRRSignal", {"timestamp": "noon", "signal": 1}, "$.timestamp"),
    ("2.1", "NoSuchThing", {}, "NoSuchThing"),
]


def allowed(yard: Yard) -> Context:
    return replace(yard.ctx, scopes=frozenset({"raw"}))


@pytest.mark.parametrize(
    ("version", "payload"),
    [
        ("1.6", {"connectorId": 1}),
        ("2.0.1", {"evseId": 1, "connectorId": 1, "customData": {"vendorId": "v", "x": [1]}}),
        ("2.1", {"evseId": 1, "connectorId": 1, "customData": {"vendorId": "v", "x": [1]}}),
    ],
)
async def test_a_raw_command_goes_as_it_stands(
    yard: Yard, version: str, payload: dict[str, Any]
) -> None:
    name, wire = await yard.station(version)
    command = Raw(action="UnlockConnector", payload=payload)
    async with asyncio.TaskGroup() as tasks:
        told = tasks.create_task(yard.rooms.stations.command(allowed(yard), name, command))
        message_id, action, said = await heard(wire)
        assert (action, said) == ("UnlockConnector", payload)
        wire.answer(message_id, {"status": "UnlockFailed"})
    answer = told.result()
    assert (answer.outcome, answer.status) == (Outcome.REJECTED, "UnlockFailed")
    assert answer.details == RawResponse(payload={"status": "UnlockFailed"})
    (kept,) = await yard.rows("SELECT * FROM commands WHERE station_id = $1", name)
    assert kept["actor"] == "test"
    assert '"command": "raw"' in kept["command"]
    assert "UnlockConnector" in kept["command"]


@pytest.mark.parametrize(("version", "action", "payload", "where"), INVALID)
async def test_what_is_not_valid_is_refused_with_its_place(
    yard: Yard, version: str, action: str, payload: dict[str, Any], where: str
) -> None:
    name, wire = await yard.station(version)
    command = Raw(action=action, payload=payload)
    answer = await yard.rooms.stations.command(allowed(yard), name, command)
    assert answer.outcome is Outcome.UNSUPPORTED
    assert where in answer.reason
    assert await quiet(wire)


async def test_who_may_not_is_refused(yard: Yard) -> None:
    name, wire = await yard.station()
    with pytest.raises(ScopeMissing):
        await yard.rooms.stations.command(yard.ctx, name, Raw(action="ClearCache"))
    assert await quiet(wire)
