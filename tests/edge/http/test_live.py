"""Events as they happen: by tenant, by kind, by site; and what was missed comes first."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from asyncpg import connect

from forecourt.base.ids import StationId, TenantId
from forecourt.domain.stations import NewStation
from forecourt.edge.http.live import MISSED_AT_ONCE, QUEUE_MAX, Listener, Live
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


EVENTS = """
INSERT INTO events (at, tenant_id, type, subject, body)
SELECT now(), $1, 'station.changed', 'CP' || n, '{"a": 1}' FROM generate_series(1, $2) n"""


async def test_all_that_was_missed_is_given_however_much(door: Door) -> None:
    """More than a page, more than may wait; and what happens meanwhile comes once, too."""
    many = 6_500
    conn = await connect(door.db.url)
    await conn.execute(EVENTS, "other", 10)
    await conn.execute(EVENTS, "acme", many)
    live = Live(door.db)
    async with listening(door, live, after="0-0") as heard:
        first = await next_of(heard)
        # Told while it catches up, more than may wait: all of it is in a later page.
        for n in range(QUEUE_MAX + 1):
            live.heard(told("station.changed", f"CP{n}", place=first["id"]))
        await conn.execute(EVENTS, "acme", 3)
        rest = [await next_of(heard) for _ in range(many + 2)]
        live.heard(told("station.connected"))
        last = await next_of(heard)
    await conn.close()
    places = [one["id"] for one in (first, *rest)]
    assert len(set(places)) == many + 3
    assert places == sorted(places, key=lambda place: [int(part) for part in place.split("-")])
    assert last["event"] == "station.connected", "and goes on with what happens now"
    assert many > MISSED_AT_ONCE


async def test_what_is_not_kept_any_more_is_said(door: Door) -> None:
    conn = await connect(door.db.url)
    await conn.execute(EVENTS, "acme", 3)
    live = Live(door.db)
    async with listening(door, live, after="0-0") as heard:
        first, second = await next_of(heard), await next_of(heard)
    await conn.execute("DELETE FROM events WHERE subject = 'CP1'")
    for gone in (first["id"], "999999999999-1"):
        async with listening(door, live, after=gone) as heard:
            reset = await next_of(heard)
            assert (reset["event"], "id" in reset) == ("reset", False)
            live.heard(told("station.changed"))
            assert (await next_of(heard))["event"] == "station.changed"
    async with listening(door, live, after=second["id"]) as heard:
        assert (await next_of(heard))["data"]["subject"] == "CP3"
    await conn.close()


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


# Of a network: an hour's worth, and what is older.
LATELY = """
INSERT INTO events (at, tenant_id, type, subject, body)
SELECT $3::timestamptz - n * interval '10 minutes', $1,
  CASE n % 2 WHEN 0 THEN 'connector.changed' ELSE 'session.started' END,
  'CP' || n % 3, json_build_object('station', 'CP' || n % 3, 'n', n)
FROM generate_series($2 - 1, 0, -1) n"""


KINDS = "types=connector.changed,session."


async def listed(client: httpx.AsyncClient, query: str = KINDS) -> list[int]:
    answer = await client.get(f"/api/v1/events?{query}")
    assert answer.status_code == 200, answer.text
    return [one["body"]["n"] for one in answer.json()["items"]]


async def test_what_happened_before_one_listens_can_be_read(
    door: Door, acme: httpx.AsyncClient
) -> None:
    conn = await connect(door.db.url)
    await conn.execute(LATELY, "acme", 30, NOW)
    await conn.execute(LATELY, "other", 30, NOW)
    await conn.close()
    assert await listed(acme) == [0, 1, 2, 3, 4, 5, 6], "an hour, newest first, our own"
    assert await listed(acme, f"{KINDS}&sort=at&hours=2&limit=3") == [12, 11, 10]
    assert await listed(acme, f"{KINDS}&hours=24") == list(range(30))
    assert await listed(acme, "types=session.") == [1, 3, 5]
    assert await listed(acme, "types=connector.changed,session.st%25") == [0, 2, 4, 6]
    first = (await acme.get(f"/api/v1/events?{KINDS}&limit=4")).json()
    assert await listed(acme, f"{KINDS}&limit=4&cursor={first['next']}") == [4, 5, 6]
    assert (await acme.get("/api/v1/events?hours=25")).status_code == 400
    # Its id is the stream's: who listens from there hears what came behind it.
    live = Live(door.db)
    async with listening(door, live, after=first["items"][1]["id"]) as heard:
        newest = await next_of(heard)
    assert (newest["id"], newest["data"]["body"]["n"]) == (first["items"][0]["id"], 0)


async def test_who_is_bound_to_a_site_reads_what_happened_there(door: Door) -> None:
    for name, site in (("CP1", "Berlin"), ("CP2", "Oslo")):
        await door.rooms.stations.add(door.ctx(), NewStation(id=StationId(name), site=site))
    conn = await connect(door.db.url)
    await conn.execute(LATELY, "acme", 6, NOW)
    await conn.close()
    ctx = door.ctx()
    bound = type(ctx)(actor=ctx.actor, tenant=ctx.tenant, now=ctx.now, sites=("Oslo",))
    found = await door.rooms.stations.history.everywhere(bound)
    assert {one.subject for one in found.items} == {"CP2", "Oslo"}
