"""Quirk profiles on the wire: fitted when a station boots, chosen by hand, counted and shown."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from forecourt.base.ids import StationId
from forecourt.domain.stations import Availability, Outcome, Raw, SetVariables, VariableValue
from tests.edge.ocpp.house import BOOT_2X, BOOT_16, IN_THE_HOUSE, Yard, a_yard, until
from tests.edge.ocpp.says import meter, start, status, stop
from tests.edge.ocpp.wire import CallError, Wire

pytestmark = IN_THE_HOUSE


def boot(vendor: str, model: str = "One", **more: Any) -> dict[str, Any]:
    return {"chargePointVendor": vendor, "chargePointModel": model, **more}


async def booted(
    yard: Yard, vendor: str, model: str = "One", **added: Any
) -> tuple[StationId, Wire]:
    """A 1.6 station of this make."""
    name = await yard.add(**added)
    wire = await yard.connect(name)
    assert (await wire.call("BootNotification", boot(vendor, model)))["status"] == "Accepted"
    return name, wire


async def uses(yard: Yard, name: StationId) -> dict[str, int]:
    """What was counted, as the record has it."""
    yard.gateway.tell_quirks()
    await yard.house.committer.drained()
    return {use.fix: use.uses for use in await yard.rooms.stations.quirk_uses(yard.ctx, name)}


async def test_quirk_24_a_serial_behind_a_cards_number_is_cut_off(yard: Yard) -> None:
    name, wire = await booted(yard, "KEBA AG", "KC-P30")
    card = await yard.token()
    told = await wire.call("Authorize", {"idTag": f"{card}_K12"})
    assert told["idTagInfo"]["status"] == "Accepted"
    begun = await wire.call("StartTransaction", start(f"{card}_K12", yard.at(-60)))
    assert begun["idTagInfo"]["status"] == "Accepted"
    assert (await yard.session(name)).token == card
    assert await uses(yard, name) == {"id_tag_cut": 2}
    await wire.call("Authorize", {"idTag": f"{card}_K12"})
    assert await uses(yard, name) == {"id_tag_cut": 3}, "what was told is added up"
    assert await uses(yard, name) == {"id_tag_cut": 3}, "and not told twice"


async def test_quirk_24_several_boxes_behind_one_identity_are_its_connectors(yard: Yard) -> None:
    """Each box appends its own serial, and has a session of its own."""
    name, wire = await booted(yard, "KEBA AG", "KC-P30")
    card = await yard.token(sessions_max=None)
    numbers = []
    for box in (1, 2, 3):
        await wire.call("StatusNotification", status(box, "Preparing"))
        begun = await wire.call(
            "StartTransaction", start(f"{card}_BOX{box}", yard.at(-60), 10 * box, box)
        )
        assert begun["idTagInfo"]["status"] == "Accepted"
        numbers.append(begun["transactionId"])
    for box, number in enumerate(numbers, 1):
        await wire.call("MeterValues", meter(yard.at(-30), 10 * box + 100 * box, number, box))
        end = stop(number, yard.at(), 10 * box + 200 * box, idTag=f"{card}_BOX{box}")
        assert (await wire.call("StopTransaction", end))["idTagInfo"]["status"] == "Accepted"
    sessions = await yard.sessions(name)
    assert [(s.evse_no, s.token, s.progress.energy_wh) for s in sessions] == [
        (1, card, 200),
        (2, card, 400),
        (3, card, 600),
    ]


async def test_who_is_not_known_is_read_strictly(yard: Yard) -> None:
    name, wire = await booted(yard, "Acme")
    card = await yard.token()
    told = await wire.call("Authorize", {"idTag": f"{card}_K12"})
    assert told["idTagInfo"]["status"] == "Invalid"
    assert await uses(yard, name) == {}
    assert yard.gateway._links[name].handling is None, "it costs nothing to be no exception"


@pytest.mark.parametrize("choice", ["none", "strict"])
async def test_a_profile_can_be_refused(yard: Yard, choice: str) -> None:
    name, wire = await booted(yard, "KEBA AG", "KC-P30", quirks=choice, lenient=True)
    card = await yard.token()
    told = await wire.call("Authorize", {"idTag": f"{card}_K12"})
    assert told["idTagInfo"]["status"] == "Invalid"
    if choice == "none":
        assert (await wire.call("Heartbeat", None))["currentTime"], "it is still lenient"
    else:
        with pytest.raises(CallError):
            await wire.call("Heartbeat", None)
    assert await uses(yard, name) == ({"null-payload": 1} if choice == "none" else {})


async def test_a_choice_is_taken_up_at_once_and_kept(yard: Yard) -> None:
    name, wire = await booted(yard, "Acme")
    card = await yard.token()
    odd = {"idTag": f"{card}_K12"}
    assert (await wire.call("Authorize", odd))["idTagInfo"]["status"] == "Invalid"
    await yard.rooms.stations.change(yard.ctx, name, quirks="keba")
    await until(lambda: yard.gateway._links[name].handling is not None)
    assert (await wire.call("Authorize", odd))["idTagInfo"]["status"] == "Accepted"
    await wire.close()
    again = await yard.connect(name)
    # Before it boots, and though it does not fit.
    assert (await again.call("Authorize", odd))["idTagInfo"]["status"] == "Accepted"
    await yard.rooms.stations.change(yard.ctx, name, quirks="strict")
    await until(lambda: yard.gateway._links[name].handling is None)
    assert (await again.call("Authorize", odd))["idTagInfo"]["status"] == "Invalid"


async def test_what_a_station_was_is_known_before_it_boots_again(yard: Yard) -> None:
    name, wire = await booted(yard, "KEBA AG", "KC-P30")
    card = await yard.token()
    await wire.close()
    again = await yard.connect(name)
    told = await again.call("Authorize", {"idTag": f"{card}_K12"})
    assert told["idTagInfo"]["status"] == "Accepted"
    # Another box behind the same identity: another profile.
    await again.call("BootNotification", boot("Acme"))
    told = await again.call("Authorize", {"idTag": f"{card}_K12"})
    assert told["idTagInfo"]["status"] == "Invalid"


async def test_quirk_07_empty_sampled_values_of_2_0_1(yard: Yard) -> None:
    name = await yard.add()
    wire = await yard.connect(name, "2.0.1")
    charger = {"vendorName": "Vestel", "model": "EVC04-AC22SW"}
    await wire.call("BootNotification", BOOT_2X | {"chargingStation": charger})
    empty = {"evseId": 1, "meterValue": [{"timestamp": yard.at(), "sampledValue": []}]}
    assert await wire.call("MeterValues", empty) == {}
    with pytest.raises(CallError):  # Nothing else is forgiven it.
        await wire.call("Heartbeat", {"colour": "red"})
    assert await uses(yard, name) == {"empty-list": 1}


async def test_what_a_station_must_not_be_sent_is_not_sent(yard: Yard) -> None:
    name, wire = await booted(yard, "EN+")
    answer = await yard.rooms.stations.command(yard.ctx, name, Availability(operative=False))
    assert answer.outcome is Outcome.UNSUPPORTED
    assert answer.reason == ("quirks of en-plus-ac: it must not be told to change its availability")
    assert await wire.silent()
    assert await uses(yard, name) == {"no_change_availability": 1}


async def test_what_is_sent_is_what_the_station_can_do_and_is_what_is_remembered(
    yard: Yard,
) -> None:
    name, wire = await booted(yard, "Mennekes", "AMTRON 4You")
    wanted = SetVariables(
        variables=(VariableValue(variable="MeterValueSampleInterval", value="5"),)
    )
    async with asyncio.TaskGroup() as tasks:
        told = tasks.create_task(yard.rooms.stations.command(yard.ctx, name, wanted))
        message_id, request = await wire.asked("ChangeConfiguration")
        assert request == {"key": "MeterValueSampleInterval", "value": "60"}
        wire.answer(message_id, {"status": "Accepted"})
    assert [(v.variable, v.value) for v in told.result().variables] == [
        ("MeterValueSampleInterval", "60")
    ]
    assert await uses(yard, name) == {"min_meter_interval_s": 1}


async def test_a_raw_message_goes_out_as_it_stands(yard: Yard) -> None:
    name, wire = await booted(yard, "EN+")
    expert = replace(yard.ctx, scopes=frozenset({"raw"}))
    raw = Raw(action="ChangeAvailability", payload={"connectorId": 0, "type": "Inoperative"})
    async with asyncio.TaskGroup() as tasks:
        told = tasks.create_task(yard.rooms.stations.command(expert, name, raw))
        message_id, request = await wire.asked("ChangeAvailability")
        assert request == raw.payload
        wire.answer(message_id, {"status": "Accepted"})
    assert told.result().outcome is Outcome.ACCEPTED
    assert await uses(yard, name) == {}


async def test_quirk_01_a_station_that_names_no_sub_protocol_may_be_known_for_it(
    yard: Yard,
) -> None:
    name = await yard.add(quirks="grizzl-e")
    wire = await yard.open(f"/{name}", offers=[])
    assert "sec-websocket-protocol" not in wire.headers
    assert (await yard.boot(wire))["status"] == "Accepted"
    assert await uses(yard, name) == {"assume_ocpp": 1}


async def test_a_station_is_spoken_to_in_the_version_that_it_does_better(yard: Yard) -> None:
    name = await yard.add()
    both = ["ocpp2.0.1", "ocpp1.6"]
    wire = await yard.open(f"/{name}", offers=both)
    assert wire.headers["sec-websocket-protocol"] == "ocpp2.0.1"
    charger = {"vendorName": "FoxESS", "model": "A022KP1"}
    await wire.call("BootNotification", BOOT_2X | {"chargingStation": charger})
    await wire.close()
    wire = await yard.open(f"/{name}", offers=both)
    assert wire.headers["sec-websocket-protocol"] == "ocpp1.6"
    assert (await wire.call("Heartbeat", {}))["currentTime"]
    await wire.close()
    wire = await yard.open(f"/{name}", offers=["ocpp2.0.1"])
    assert wire.headers["sec-websocket-protocol"] == "ocpp2.0.1", "better than nothing"


async def test_a_station_that_is_silent_about_its_meter_is_asked(yard: Yard) -> None:
    name, wire = await booted(yard, "SyncEV", "Compact")
    link = yard.gateway._links[name]
    assert link.handling is not None
    link.handling.beat(link, 1_000.0)
    assert await wire.silent(), "nobody charges"
    card = await yard.token()
    begun = await wire.call("StartTransaction", start(card, yard.at(-60)))
    link.handling.beat(link, 1_001.0)
    link.handling.beat(link, 1_002.0)
    message_id, request = await wire.asked("TriggerMessage")
    assert request == {"requestedMessage": "MeterValues", "connectorId": 1}
    wire.answer(message_id, {"status": "Accepted"})
    await wire.call("MeterValues", meter(yard.at(), 70, begun["transactionId"]))
    assert await wire.silent(), "once a minute"
    link.handling.beat(link, 1_062.0)
    await wire.asked("TriggerMessage")
    assert (await uses(yard, name))["poll_meter_values_s"] == 2


async def test_of_what_is_forgiven_all_the_time_one_frame_is_kept(yard: Yard) -> None:
    name, wire = await booted(yard, "KEBA AG", "KC-P30", log_all=False, quirks="none", lenient=True)
    for n in range(5):
        odd = meter(yard.at(n), n)
        odd["meterValue"][0]["sampledValue"][0]["value"] = n
        assert await wire.call("MeterValues", odd) == {}
    await yard.house.committer.drained()
    kept = await yard.rows(
        "SELECT note FROM messages WHERE station_id = $1 AND action = 'MeterValues'"
        " AND direction = 'in'",
        name,
    )
    assert [row["note"] for row in kept] == ["number-as-text"]
    assert await uses(yard, name) == {"number-as-text": 5}


OWN = """
[long-winded]
title = "A maker of long words"
match = { vendor = ["Acme Charging*"] }
fixes = ["long-text"]
"""


async def test_a_boot_that_is_refused_for_its_form_tells_whose_it_is(
    database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN)
    long = boot("Acme Charging Works of Slough", "M" * 30)
    async with a_yard(database_url, tmp_path, quirks_file=file) as yard:
        name, wire = await yard.station()
        with pytest.raises(CallError):
            await wire.call("BootNotification", long)
        assert (await wire.call("BootNotification", long))["status"] == "Accepted"
        station, _ = await yard.rooms.stations.read(yard.ctx, name)
        assert station.model == "M" * 30
        await wire.call("BootNotification", BOOT_16)
        with pytest.raises(CallError):
            await wire.call("BootNotification", boot("Unheard of in this house", "M" * 30))
        with pytest.raises(CallError):
            await wire.call("StatusNotification", status(1, "Available", info="x" * 60))
