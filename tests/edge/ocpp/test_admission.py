"""Who may come in and take part: boots, strangers, passwords, and changes meanwhile."""

import asyncio
import json
from pathlib import Path

import pytest

from forecourt.base.ids import StationId
from forecourt.domain.stations import (
    Admission,
    GetReport,
    GetVariables,
    NewStation,
    Outcome,
    Start,
    Trigger,
    VariableName,
)
from tests.edge.ocpp.house import BOOT_2X, BOOT_16, IN_THE_HOUSE, Yard, a_yard, until
from tests.edge.ocpp.says import event, start, status
from tests.edge.ocpp.wire import CallError, Closed, Refused, basic

pytestmark = IN_THE_HOUSE

PASSWORD = b"a password that is long and random"
versions = pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])


@versions
async def test_a_pending_station_is_told_to_wait_and_not_served(yard: Yard, version: str) -> None:
    name = await yard.add(admission=Admission.PENDING)
    wire = await yard.connect(name, version)
    booted = await yard.boot(wire, version)
    assert booted["status"] == "Pending"
    assert booted["interval"] > 0
    report = (
        status(1, "Available")
        if version == "1.6"
        else {
            "timestamp": yard.at(),
            "connectorStatus": "Available",
            "evseId": 1,
            "connectorId": 1,
        }
    )
    with pytest.raises(CallError) as refused:
        await wire.call("StatusNotification", report)
    assert refused.value.code == "SecurityError"
    action, payload = ("StartTransaction", start("X", yard.at()))
    if version != "1.6":
        action, payload = "TransactionEvent", event("Started", "t", 0, yard.at(), 0, evse=1)
    with pytest.raises(CallError) as refused:
        await wire.call(action, payload)
    assert refused.value.code == "SecurityError"
    assert await yard.sessions(name) == []
    # Admitted while it waits: its next boot is accepted, on the same line.
    await yard.rooms.stations.change(yard.ctx, name, admission=Admission.ACCEPTED)
    await until(lambda: yard.gateway._doors[name].admission is Admission.ACCEPTED)
    assert (await yard.boot(wire, version))["status"] == "Accepted"
    assert await wire.call("StatusNotification", report) == {}


async def test_a_pending_station_may_be_configured_and_no_more(yard: Yard) -> None:
    name = await yard.add(admission=Admission.PENDING)
    wire = await yard.connect(name)
    await yard.boot(wire)
    ask = yard.rooms.stations.command
    assert (await ask(yard.ctx, name, Start(token="X"))).outcome is Outcome.REJECTED
    names = (VariableName(variable="HeartbeatInterval"),)
    async with asyncio.TaskGroup() as tasks:
        told = tasks.create_task(ask(yard.ctx, name, GetVariables(variables=names)))
        message_id, _ = await wire.asked("GetConfiguration")
        keys = [{"key": "HeartbeatInterval", "readonly": False, "value": "5"}]
        wire.answer(message_id, {"configurationKey": keys})
    assert told.result().variables[0].value == "5"


async def test_a_pending_station_may_say_what_it_is_asked_to(yard: Yard) -> None:
    """2.0.1 B02: what TriggerMessage and GetBaseReport brought about is answered."""
    name = await yard.add(admission=Admission.PENDING)
    wire = await yard.connect(name, "2.0.1")
    await yard.boot(wire, "2.0.1")
    ask = yard.rooms.stations.command
    report = {"requestId": 1, "generatedAt": yard.at(), "seqNo": 0}
    with pytest.raises(CallError):
        await wire.call("NotifyReport", report)
    for command, action in ((GetReport(), "GetBaseReport"), (Trigger(message="boot"), None)):
        async with asyncio.TaskGroup() as tasks:
            told = tasks.create_task(ask(yard.ctx, name, command))
            message_id, _ = await wire.asked(action or "TriggerMessage")
            wire.answer(message_id, {"status": "Accepted"})
        assert told.result().outcome is Outcome.ACCEPTED
    assert await wire.call("NotifyReport", report) == {}
    assert (await wire.call("BootNotification", {**BOOT_2X, "reason": "Triggered"}))["status"]
    with pytest.raises(CallError):
        await wire.call("Heartbeat", {})


async def test_a_blocked_station_stays_outside(yard: Yard) -> None:
    name = await yard.add(admission=Admission.BLOCKED)
    with pytest.raises(Refused) as refused:
        await yard.connect(name)
    assert refused.value.status == 403


@pytest.mark.parametrize("change", ["blocked", "removed", "password"])
async def test_what_an_operator_changes_closes_the_line(yard: Yard, change: str) -> None:
    name, wire = await yard.station()
    room = yard.rooms.stations
    match change:
        case "blocked":
            await room.change(yard.ctx, name, admission=Admission.BLOCKED)
        case "removed":
            await room.remove(yard.ctx, name)
        case _:
            await room.change(yard.ctx, name, password=PASSWORD)
    assert (await wire.closed()).code == 1008
    with pytest.raises(Refused) as refused:
        await yard.connect(name)
    assert refused.value.status == {"blocked": 403, "removed": 404, "password": 401}[change]
    if change == "password":
        back = await yard.open(f"/{name}", headers=basic(name, PASSWORD))
        assert (await yard.boot(back))["status"] == "Accepted"


async def test_an_admission_that_changes_amid_messages_costs_none_of_them(yard: Yard) -> None:
    name, wire = await yard.station()
    asked: list[str] = []
    for n in range(30):
        asked += [
            wire.ask("StatusNotification", status(n % 5 + 1, s)) for s in ("Charging", "Available")
        ]
        if n % 10 == 5:
            await yard.rooms.stations.change(
                yard.ctx, name, admission=Admission.PENDING if n == 15 else Admission.ACCEPTED
            )
        await asyncio.sleep(0.002)
    answered = [(await wire.message()) for _ in asked]
    assert [message[1] for message in answered] == asked
    assert {message[0] for message in answered} <= {3, 4}
    assert all(message[2] == "SecurityError" for message in answered if message[0] == 4)


async def test_sockets_that_come_while_state_is_loaded_anew_are_served(yard: Yard) -> None:
    name, wire = await yard.station()
    for n in range(20):
        wire.ask("StartTransaction", start("STRANGER", yard.at(-n)))
        await wire.flushed()
        change = Admission.PENDING if n % 2 else Admission.ACCEPTED
        await yard.rooms.stations.change(yard.ctx, name, admission=change)
        wire = await yard.connect(name)
        assert (await yard.boot(wire))["status"] in {"Accepted", "Pending"}
        yard.gateway._knocks.clear()


async def test_a_setting_that_nobody_need_know_leaves_the_line(yard: Yard) -> None:
    name, wire = await yard.station()
    await yard.rooms.stations.change(yard.ctx, name, lenient=True, log_all=False)
    await until(lambda: yard.gateway._links[name].door.lenient)
    assert (await wire.call("Heartbeat", {}))["currentTime"]


# ---- passwords --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        None,
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic bm9jb2xvbg==",
        "Bearer abc",
        "basic " + "A" * 4_000,
        "\x00\x01",
    ],
)
async def test_a_malformed_authorization_is_no_password(yard: Yard, given: str | None) -> None:
    name = await yard.add(password=PASSWORD)
    headers = {} if given is None else {"Authorization": given}
    with pytest.raises((Refused, Closed)) as refused:
        await yard.open(f"/{name}", headers=headers)
    if isinstance(refused.value, Refused):
        assert refused.value.status in {400, 401}


async def test_passwords_of_any_bytes_count_whole(yard: Yard) -> None:
    secret = bytes(range(1, 256)).replace(b"\r", b"").replace(b"\n", b"") + b":more:"
    name = await yard.add("with:colon", password=secret)
    path = "/with%3Acolon"
    for wrong in (b"", secret[:-1], secret + b"x", secret.lower()):
        with pytest.raises(Refused) as refused:
            await yard.open(path, headers=basic(name, wrong))
        assert refused.value.status == 401
        assert refused.value.headers["www-authenticate"].startswith("Basic")
    with pytest.raises(Refused):
        await yard.open(path, headers=basic("another", secret))
    wire = await yard.open(path, headers=basic(name, secret))
    assert (await yard.boot(wire))["status"] == "Accepted"


async def test_wrong_passwords_from_elsewhere_do_not_shut_the_station_out(yard: Yard) -> None:
    name = await yard.add(password=PASSWORD)
    wire = await yard.open(f"/{name}", headers=basic(name, PASSWORD))
    await wire.close()

    async def guess() -> Refused:
        with pytest.raises(Refused) as refused:
            await yard.open(f"/{name}", headers=basic(name, "guess"), local="127.0.0.2")
        return refused.value

    assert [(await guess()).status for _ in range(50)] == [401] * 10 + [429] * 40
    assert int((await guess()).headers["retry-after"]) > 0
    # The right one from there must wait as well, or waiting would tell which one is right.
    with pytest.raises(Refused) as refused:
        await yard.open(f"/{name}", headers=basic(name, PASSWORD), local="127.0.0.2")
    assert refused.value.status == 429
    wire = await yard.open(f"/{name}", headers=basic(name, PASSWORD))
    assert (await yard.boot(wire))["status"] == "Accepted"
    [told] = await yard.events(name, "station.login_failed")
    body = json.loads(told["body"])
    assert (body["reason"], body["address"]) == ("password_wrong", "127.0.0.2")


# ---- strangers --------------------------------------------------------------------------------


async def test_strangers_may_wait_until_somebody_admits_them(
    database_url: str, tmp_path: Path
) -> None:
    async with a_yard(database_url, tmp_path, unknown_stations="pending") as yard:
        wire = await yard.open("/a-stranger")
        assert (await yard.boot(wire))["status"] == "Pending"
        name = StationId("a-stranger")
        station, _ = await yard.rooms.stations.read(yard.ctx, name)
        assert (station.admission, station.model) == (Admission.PENDING, "One")
        await yard.rooms.stations.change(yard.ctx, name, admission=Admission.ACCEPTED)
        await until(lambda: yard.gateway._doors[name].admission is Admission.ACCEPTED)
        assert (await yard.boot(wire))["status"] == "Accepted"
        with pytest.raises(Refused):
            await yard.open("/..%2fetc%2fpasswd")
        # Whoever can reach us can knock: only so many become known in a minute.
        outcomes = []
        for n in range(70):
            try:
                await yard.open(f"/stranger-{n}")
                outcomes.append(101)
            except Refused as refused:
                outcomes.append(refused.status)
        assert outcomes == [101] * 59 + [404] * 11


async def test_a_stranger_does_not_come_in_on_a_name_that_is_just_being_given(
    database_url: str, tmp_path: Path
) -> None:
    """Whoever knocks before the door has heard of a new station's password is not let in by it."""
    async with a_yard(database_url, tmp_path, unknown_stations="pending") as yard:
        name = StationId("Just-Added")
        new = NewStation(id=name, password=PASSWORD)
        await yard.rooms.stations.add(yard.ctx, new)
        await until(lambda: name in yard.gateway._doors)
        del yard.gateway._doors[name]  # As if it had not heard yet.
        wire = await yard.open(f"/{name}")
        assert (await wire.closed()).code == 1008
        assert yard.gateway._doors[name].password is not None
        wire = await yard.open(f"/{name}", headers=basic(name, PASSWORD))
        assert (await wire.call("BootNotification", BOOT_16))["status"] == "Accepted"
