"""Commands to stations: answers come back, and where none comes, the reason."""

import asyncio
from datetime import UTC, datetime

import pytest

from forecourt.base.ids import StationId
from forecourt.domain.stations import (
    Answer,
    ClearCache,
    Command,
    Outcome,
    SetVariables,
    StationOffline,
    StationUnknown,
    Unlock,
    VariableValue,
)
from tests.edge.ocpp.house import IN_THE_HOUSE, Yard, until

pytestmark = IN_THE_HOUSE


def asking(
    tasks: asyncio.TaskGroup, yard: Yard, name: StationId, command: Command | None = None
) -> asyncio.Task[Answer]:
    """A command on its way."""
    return tasks.create_task(yard.rooms.stations.command(yard.ctx, name, command or ClearCache()))


async def test_nobody_and_nobody_there(yard: Yard) -> None:
    with pytest.raises(StationUnknown):
        await yard.rooms.stations.command(yard.ctx, StationId("nobody"), ClearCache())
    name = await yard.add()
    with pytest.raises(StationOffline):
        await yard.rooms.stations.command(yard.ctx, name, ClearCache())


async def test_a_station_that_does_not_answer(yard: Yard) -> None:
    name, wire = await yard.station()
    link = yard.gateway._links[name]
    async with asyncio.TaskGroup() as tasks:
        first = asking(tasks, yard, name)
        late, _ = await wire.asked("ClearCache")
        second = asking(tasks, yard, name, Unlock(evse=1))
        await until(lambda: link._conn.waiting == 2)
        assert await wire.silent(), "one call is open at a time"
        deadline_s = link._conn.deadline()
        assert deadline_s is not None
        link.tick(deadline_s + 0.1)
        unlock, _ = await wire.asked("UnlockConnector")
        # The late answer is nobody's, and disturbs nothing.
        wire.answer(late, {"status": "Accepted"})
        wire.answer(unlock, {"status": "UnlockFailed"})
    assert first.result().outcome is Outcome.TIMEOUT
    assert (second.result().outcome, second.result().status) == (
        Outcome.REJECTED,
        "UnlockFailed",
    )
    kept = "SELECT outcome FROM commands WHERE station_id = $1"
    assert {row["outcome"] for row in await yard.rows(kept, name)} == {"timeout", "rejected"}


@pytest.mark.parametrize("how", ["dropped", "closed", "superseded", "removed"])
async def test_a_station_that_goes_away_before_it_answers(yard: Yard, how: str) -> None:
    name, wire = await yard.station()
    async with asyncio.TaskGroup() as tasks:
        told = [asking(tasks, yard, name) for _ in range(3)]
        await until(lambda: yard.gateway._links[name]._conn.waiting == 3)
        match how:
            case "dropped":
                await wire.close(None)
            case "closed":
                await wire.close()
            case "superseded":
                await yard.connect(name)
            case _:
                await yard.rooms.stations.remove(yard.ctx, name)
    assert {task.result().outcome for task in told} == {Outcome.DISCONNECTED}


async def test_a_station_that_answers_by_an_error(yard: Yard) -> None:
    name, wire = await yard.station("2.0.1")
    for code, outcome in (
        ("NotSupported", Outcome.UNSUPPORTED),
        ("NotImplemented", Outcome.UNSUPPORTED),
        ("InternalError", Outcome.FAILED),
        ("NoSuchCode", Outcome.FAILED),
    ):
        async with asyncio.TaskGroup() as tasks:
            told = asking(tasks, yard, name)
            message_id, _ = await wire.asked("ClearCache")
            wire.refuse(message_id, code, "no, thank you")
        assert told.result().outcome is outcome
        assert told.result().reason == f"{code} no, thank you"


@pytest.mark.parametrize("answer", ['{"status":"Perhaps"}', "{}", "[]", "7", '{"status":'])
async def test_a_station_that_answers_nonsense(yard: Yard, answer: str) -> None:
    name, wire = await yard.station()
    async with asyncio.TaskGroup() as tasks:
        told = asking(tasks, yard, name)
        message_id, _ = await wire.asked("ClearCache")
        wire.text(f'[3,"{message_id}",{answer}]')
    assert told.result().outcome is Outcome.FAILED
    assert told.result().reason.startswith("BadAnswer")
    assert (await wire.call("Heartbeat", {}))["currentTime"]


async def test_more_commands_than_a_station_takes_are_refused(yard: Yard) -> None:
    name, wire = await yard.station()
    async with asyncio.TaskGroup() as tasks:
        told = [asking(tasks, yard, name) for _ in range(70)]
        await until(lambda: sum(task.done() for task in told) == 5)
        assert {t.result().outcome for t in told if t.done()} == {Outcome.FAILED}
        for _ in range(65):
            message_id, _ = await wire.asked("ClearCache")
            wire.answer(message_id, {"status": "Accepted"})
    assert sum(t.result().outcome is Outcome.ACCEPTED for t in told) == 65


async def test_answers_of_two_stations_are_not_mixed_up(yard: Yard) -> None:
    stations = [await yard.station() for _ in range(10)]
    async with asyncio.TaskGroup() as tasks:
        told = [asking(tasks, yard, name) for name, _ in stations]
        for n, (_, wire) in reversed(list(enumerate(stations))):
            message_id, _ = await wire.asked("ClearCache")
            wire.answer(message_id, {"status": "Accepted" if n % 2 else "Rejected"})
    assert [t.result().status for t in told] == ["Rejected", "Accepted"] * 5


async def test_a_command_is_recorded_with_who_asked_and_what_was_answered(yard: Yard) -> None:
    name, wire = await yard.station()
    async with asyncio.TaskGroup() as tasks:
        told = asking(tasks, yard, name, Unlock(evse=1))
        message_id, payload = await wire.asked("UnlockConnector")
        assert payload == {"connectorId": 1}
        wire.answer(message_id, {"status": "Unlocked"})
    assert told.result().outcome is Outcome.ACCEPTED
    (kept,) = await yard.rows("SELECT * FROM commands WHERE station_id = $1", name)
    assert kept["actor"] == "test"
    assert '"command": "unlock"' in kept["command"]
    assert kept["outcome"] == "accepted"
    assert kept["asked_at"] <= kept["answered_at"] <= datetime.now(UTC)  # noqa: TID251 (the machine's own)


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_what_is_asked_and_said_to_it_stands_in_the_raw_log(yard: Yard, version: str) -> None:
    name, wire = await yard.station(version)
    key = "AuthorizationKey" if version == "1.6" else "BasicAuthPassword"
    component = "" if version == "1.6" else "SecurityCtrlr"
    password = "31323334353637383930313233343536"
    secret = VariableValue(variable=key, component=component, value=password)
    async with asyncio.TaskGroup() as tasks:
        _ = asking(tasks, yard, name)
        call, _ = await wire.asked("ClearCache")
        wire.answer(call, {"status": "Accepted"})
        _ = asking(tasks, yard, name, SetVariables(variables=(secret,)))
        call, _ = await wire.asked("ChangeConfiguration" if version == "1.6" else "SetVariables")
        wire.refuse(call, "InternalError")
    sql = "SELECT direction, action, note, frame FROM messages WHERE station_id = $1 ORDER BY at"
    while len(await yard.rows(sql, name)) < 6:  # noqa: ASYNC110 (the raw log tells nobody)
        await asyncio.sleep(0.01)
    kept = [row for row in await yard.rows(sql, name) if "Boot" not in row["action"]]
    told = [(row["direction"], row["action"]) for row in kept]
    assert told[:2] == [("out", "ClearCache"), ("in", "ClearCache")]
    assert told[2][0] == "out"
    assert (kept[2]["note"], kept[2]["frame"]) == ("holds a secret", b"")
    assert b"Accepted" in kept[1]["frame"]
    assert b"InternalError" in kept[3]["frame"]
    assert not any(password.encode() in row["frame"] for row in kept)
