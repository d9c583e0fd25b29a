"""Watching a station: every message as it passes, and no more once nobody looks."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from forecourt.domain.stations import Trigger
from forecourt.edge.ocpp import Passed, TooManyWatch, Watch
from forecourt.edge.ocpp.watch import WATCHERS_MAX
from tests.edge.ocpp.house import IN_THE_HOUSE, Yard, until

pytestmark = IN_THE_HOUSE


def as_seen(messages: list[Passed]) -> list[tuple[str, str, int]]:
    return [(one.direction, one.action, json.loads(one.frame)[0]) for one in messages]


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_every_message_is_told_while_somebody_looks(yard: Yard, version: str) -> None:
    name = await yard.add(log_all=False)
    wire = await yard.connect(name, version)
    await yard.boot(wire, version)
    seen: list[Passed] = []
    with yard.gateway.watch.watching(name, seen.append):
        await wire.call("Heartbeat", {})
        asking = asyncio.ensure_future(
            yard.rooms.stations.command(yard.ctx, name, Trigger(message="heartbeat"))
        )
        asked, _ = await wire.asked("TriggerMessage")
        wire.answer(asked, {"status": "Accepted"})
        await asking
    assert as_seen(seen) == [
        ("in", "Heartbeat", 2),
        ("out", "Heartbeat", 3),
        ("out", "TriggerMessage", 2),
        ("in", "TriggerMessage", 3),
    ]
    assert seen[0].at <= seen[1].at, "an answer leaves after what it answers has come"
    await wire.call("Heartbeat", {})
    assert len(seen) == 4, "nobody looks any more"
    kept = (await yard.rooms.stations.history.messages(yard.ctx, name)).items
    beats = [one for one in kept if one.action == "Heartbeat"]
    assert len(beats) == 2, "what was watched is kept whole, what was not is sampled"


async def test_a_station_that_comes_back_is_still_watched(yard: Yard) -> None:
    name = await yard.add(log_all=False)
    seen: list[Passed] = []
    with yard.gateway.watch.watching(name, seen.append):
        wire = await yard.connect(name)
        await yard.boot(wire)
    assert as_seen(seen)[:2] == [("in", "BootNotification", 2), ("out", "BootNotification", 3)]


async def test_what_is_refused_is_told_and_what_is_secret_is_not(yard: Yard) -> None:
    name, wire = await yard.station()
    seen: list[Passed] = []
    with yard.gateway.watch.watching(name, seen.append):
        wire.text('[2,"1","BootNotification",{"chargePointModel":1}]')
        await until(lambda: len(seen) > 0)
        asking = asyncio.ensure_future(yard.rooms.stations.securing.rotate_password(yard.ctx, name))
        asked, _ = await wire.asked("ChangeConfiguration")
        wire.answer(asked, {"status": "Accepted"})
        await asking
    assert "chargePointModel" in seen[0].note, "why it was refused is told"
    secret = next(one for one in seen if one.action == "ChangeConfiguration")
    assert (secret.frame, secret.note) == ("", "holds a secret")


async def test_the_route_streams_and_refuses_who_may_not(yard: Yard) -> None:
    name, wire = await yard.station("2.0.1")
    key = (await yard.rooms.tenants.add_key(yard.ctx, "watcher")).secret
    async with httpx.AsyncClient(base_url=yard.house.http_url, timeout=20) as client:
        path = f"/api/v1/stations/{name}/messages/live"
        assert (await client.get(path)).status_code == 401
        client.headers["Authorization"] = f"Bearer {key}"
        nowhere = await client.get("/api/v1/stations/NOWHERE/messages/live")
        assert nowhere.json()["code"] == "station.unknown"
        said: list[Any] = []
        async with client.stream("GET", path) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            lines = stream.aiter_lines()
            await until(lambda: name in yard.gateway.watch)
            beating = asyncio.ensure_future(wire.call("Heartbeat", {}))
            async for line in lines:
                if line.startswith("data: "):
                    said.append(json.loads(line.removeprefix("data: ")))
                if len(said) == 2:
                    break
            await beating
        assert [one["direction"] for one in said] == ["in", "out"]
        assert said[0]["action"] == "Heartbeat"
        await until(lambda: name not in yard.gateway.watch)


async def test_there_is_a_limit() -> None:
    watch = Watch()
    with watch.watching("A", print):  # type: ignore[arg-type]
        watch._watchers["A"] *= WATCHERS_MAX  # type: ignore[index]
        with pytest.raises(TooManyWatch):
            watch.check()
