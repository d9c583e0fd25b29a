"""Events as they happen: by tenant, by kind, by site; and what was missed comes first."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from forecourt.base.ids import StationId, TenantId
from forecourt.domain.stations import NewStation
from forecourt.edge.http.live import QUEUE_MAX, Listener, Live
from forecourt.infra.outbox import Told
from tests.edge.http.conftest import NOW, Door
from tests.edge.ocpp.house import until

ACME = TenantId("acme")


async def frames(stream: AsyncIterator[bytes]) -> AsyncGenerator[dict[str, Any]]:
    """Each event as its id, its name and its data."""
    async for chunk in stream:
        lines = dict(
            line.split(": ", 1) for line in chunk.decode().splitlines() if ": " in line[1:]
        )
        if "data" in lines:
            yield {**lines, "data": json.loads(lines["data"])}


@asynccontextmanager
async def listening(
    door: Door, live: Live, *, types: str = "", after: str = "", sites: tuple[str, ...] = ()
) -> AsyncGenerator[AsyncIterator[dict[str, Any]]]:
    ctx = door.ctx()
    bound = type(ctx)(actor=ctx.actor, tenant=ctx.tenant, now=ctx.now, sites=sites)
    wanted = [one for one in types.split(",") if one]
    stream = live.stream(bound, door.rooms.stations, wanted, after)
    heard = frames(stream)
    first = asyncio.ensure_future(anext(heard))
    await until(lambda: len(live) > 0)

    async def told() -> AsyncGenerator[dict[str, Any]]:
        yield await first
        async for one in heard:
            yield one

    try:
        yield told()
    finally:
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await stream.aclose()


def told(kind: str, subject: str = "CP1", tenant: str = "acme", place: str = "9999999-1") -> Told:
    return Told(place, TenantId(tenant), kind, subject, NOW, '{"a":1}')


async def next_of(heard: AsyncIterator[dict[str, Any]]) -> dict[str, Any]:
    async with asyncio.timeout(5):
        return await anext(heard)


async def test_who_listens_hears_its_tenant_s_events_of_the_kinds_it_wants(door: Door) -> None:
    live = Live(door.db)
    async with listening(door, live, types="session.,station.connected") as heard:
        live.heard(told("session.started", tenant="other"))
        live.heard(told("token.added"))
        live.heard(told("station.connected"))
        live.heard(told("session.progress", place=""))
        one, two = await next_of(heard), await next_of(heard)
    assert (one["event"], one["id"]) == ("station.connected", "9999999-1")
    assert one["data"]["body"] == {"a": 1}
    assert (two["event"], "id" in two) == ("session.progress", False)
    assert len(live) == 0, "who has gone is forgotten"


async def test_what_was_missed_comes_first_and_nothing_twice(door: Door) -> None:
    for name in ("CP1", "CP2"):
        await door.rooms.stations.add(door.ctx(), NewStation(id=StationId(name)))
    live = Live(door.db)
    async with listening(door, live, after="0-0") as heard:
        first = await next_of(heard)
        second = await next_of(heard)
        assert [one["data"]["subject"] for one in (first, second)] == ["CP1", "CP2"]
        live.heard(told("station.added", "CP2", place=second["id"]))
        live.heard(told("station.changed", "CP2"))
        assert (await next_of(heard))["event"] == "station.changed"
    async with listening(door, live, after=first["id"]) as heard:
        assert (await next_of(heard))["id"] == second["id"]


async def test_who_is_bound_to_a_site_hears_of_that_site_alone(door: Door) -> None:
    for name, site in (("CP1", "Berlin"), ("CP2", "Oslo")):
        await door.rooms.stations.add(door.ctx(), NewStation(id=StationId(name), site=site))
    live = Live(door.db)
    async with listening(door, live, after="0-0", sites=("Oslo",)) as heard:
        assert (await next_of(heard))["data"]["subject"] == "CP2"
        live.heard(told("connector.changed", "CP1"))
        live.heard(told("connector.changed", "CP2"))
        one = await next_of(heard)
    assert (one["event"], one["data"]["subject"]) == ("connector.changed", "CP2")


def test_who_reads_too_slowly_is_sent_away_not_waited_for() -> None:
    listener = Listener([])
    for _ in range(QUEUE_MAX + 5):
        listener.hear(told("station.changed"))
    assert listener.lost
    assert len(listener.waiting) == QUEUE_MAX


async def test_the_stream_ends_with_the_house(door: Door) -> None:
    live = Live(door.db)
    async with listening(door, live) as heard:
        live.heard(told("station.changed"))
        await next_of(heard)
        live.end()
        with pytest.raises(StopAsyncIteration):
            await next_of(heard)
    async with asyncio.timeout(5):
        after = [one async for one in live.stream(door.ctx(), door.rooms.stations, [], "")]
    assert after == [b"retry: 2000\n: listening\n\n"]


@pytest.mark.parametrize("after", ["nonsense", "1", "1-x", "-", "9" * 60 + "-1"])
async def test_a_place_that_is_none_brings_nothing(door: Door, after: str) -> None:
    await door.rooms.stations.add(door.ctx(), NewStation(id=StationId("CP1")))
    live = Live(door.db)
    async with listening(door, live, after=after) as heard:
        live.heard(told("station.changed"))
        assert (await next_of(heard))["event"] == "station.changed"


async def test_nobody_listens_without_a_key(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get("/api/v1/live")).status_code == 401
