"""What a station said and what was told of it, page by page: in both directions, nothing twice.

Many rows of one moment are where pages by time alone go wrong.
"""

import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias

import asyncpg
import httpx
import pytest
from msgspec.structs import replace

from forecourt.base.ids import StationId
from forecourt.domain.billing import Settlement, SettlementState
from forecourt.domain.energy import Battery, Swap
from forecourt.domain.monitoring import Cause, Origin, Point, Stream, VariableEvent
from forecourt.domain.tariffs import StationCost
from tests.edge.http import rows
from tests.edge.http.conftest import NOW, Door

pytestmark = pytest.mark.storage

CP1: Final = StationId("CP1")
TIMES: Final = (0, 0, 0, 0, 0, 1, 1, 2, 3, 3)
"""Seconds, of ten rows."""

Fill: TypeAlias = Callable[[Door, asyncpg.Connection], Awaitable[None]]


async def messages(_door: Door, conn: asyncpg.Connection) -> None:
    for number, second in enumerate(TIMES):
        way = "in" if number % 2 else "out"
        await rows.message(conn, NOW + timedelta(seconds=second), way, f'[2,"{number}"]')


async def readings(_door: Door, conn: asyncpg.Connection) -> None:
    await rows.session(conn, "ses_1", NOW)
    for number, second in enumerate(TIMES):
        at = NOW + timedelta(seconds=second)
        await rows.reading(conn, "ses_1", at, digest=number, energy_wh=number)


async def events(door: Door, _conn: asyncpg.Connection) -> None:
    point = Point(component="EVSE", variable="Problem", evse_no=1)
    told = [
        VariableEvent(
            event_no=number,
            at=NOW + timedelta(seconds=second),
            cause=Cause.DELTA,
            origin=Origin.CUSTOM,
            point=point,
            value=f"value {number}",
        )
        for number, second in enumerate(TIMES)
    ]
    await door.rooms.monitoring.noticed(door.ctx(), CP1, told)


async def values(door: Door, conn: asyncpg.Connection) -> None:
    opened = Stream(stream_no=2, monitor_no=7, interval_s=10, values=None, opened_at=NOW)
    assert await door.rooms.monitoring.open_stream(door.ctx(), CP1, opened) is None
    for number in range(10):
        at = NOW + timedelta(seconds=number)
        for stream in (1, 2, 3):
            await conn.execute(
                "INSERT INTO stream_values VALUES ('CP1', $1, $2, 'acme', $1, $3)",
                *(at, stream, str(number)),
            )


async def swaps(door: Door, _conn: asyncpg.Connection) -> None:
    for number, second in enumerate(TIMES):
        battery = Battery(slot=1, serial=f"B-{number}", soc_pct=50, soh_pct=99)
        at = NOW + timedelta(seconds=second)
        swap = Swap(request_id=number, event="BatteryIn", token="A", batteries=(battery,), at=at)
        await door.rooms.energy.swapped(door.ctx(), CP1, swap)


async def settlements(door: Door, _conn: asyncpg.Connection) -> None:
    for number, second in enumerate(TIMES):
        settled = Settlement(
            reference=f"psp-{number}",
            state=SettlementState.FAILED if number % 2 else SettlementState.SETTLED,
            amount=Decimal("17.10"),
            settled_at=NOW + timedelta(seconds=second),
            received_at=NOW,
        )
        await door.rooms.billing.settled(door.ctx(), CP1, settled)


async def timeline(_door: Door, conn: asyncpg.Connection) -> None:
    for number, second in enumerate(TIMES):
        await conn.execute(
            "INSERT INTO events (at, tenant_id, type, subject, body)"
            " VALUES ($1, 'acme', 'test.happened', 'CP1', json_build_object('station', 'CP1',"
            " 'number', $2::int))",
            *(NOW + timedelta(seconds=second), number),
        )


async def costs(door: Door, _conn: asyncpg.Connection) -> None:
    for number, second in enumerate(TIMES):
        at = NOW + timedelta(seconds=second)
        cost = StationCost(transaction=f"tx-{number}", tariff="night", changed_at=at)
        await door.rooms.tariffs.cost_told(door.ctx(), CP1, cost)


async def reservations(door: Door, _conn: asyncpg.Connection) -> None:
    for number, second in enumerate(TIMES):
        ctx = replace(door.ctx(), now=NOW + timedelta(seconds=second))
        until = NOW + timedelta(hours=1)
        token = f"T{number}"
        await door.rooms.access.reserved(ctx, CP1, number, evse_no=1, token=token, expires_at=until)


LISTS: Final[dict[str, tuple[Fill, str]]] = {
    "stations/CP1/messages": (messages, "at"),
    "sessions/ses_1/readings": (readings, "sampled_at"),
    "stations/CP1/variable-events": (events, "at"),
    "stations/CP1/streams/2/values": (values, "at"),
    "stations/CP1/battery-swaps": (swaps, "at"),
    "stations/CP1/settlements": (settlements, "settled_at"),
    "stations/CP1/timeline": (timeline, "at"),
    "stations/CP1/costs": (costs, "changed_at"),
    "stations/CP1/reservations": (reservations, "made_at"),
}
each_list = pytest.mark.parametrize(
    ("path", "fill", "by"), [(path, *rest) for path, rest in LISTS.items()]
)


@pytest.fixture
async def conn(door: Door, database_url: str) -> Any:
    await door.add_station("CP1")
    found = await asyncpg.connect(database_url)
    yield found
    await found.close()


async def walk(client: httpx.AsyncClient, path: str, **query: Any) -> list[dict[str, Any]]:
    """All pages."""
    found, cursor = [], ""
    while True:
        answer = await client.get(f"/api/v1/{path}", params={**query, "cursor": cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= query.get("limit", 100)
        found += page["items"]
        if (cursor := page["next"]) is None:
            return found


@each_list
async def test_both_ways_page_by_page(
    acme: httpx.AsyncClient,
    door: Door,
    conn: asyncpg.Connection,
    *,
    path: str,
    fill: Fill,
    by: str,
) -> None:
    await fill(door, conn)
    whole = await walk(acme, path, sort=by, limit=1000)
    assert len(whole) >= 10
    assert [one[by] for one in whole] == sorted(one[by] for one in whole)
    for limit in (1, 2, 3, 10):
        assert await walk(acme, path, sort=by, limit=limit) == whole
        assert await walk(acme, path, sort=f"-{by}", limit=limit) == whole[::-1]
    own = await walk(acme, path, limit=3)
    assert sorted(map(str, own)) == sorted(map(str, whole))


@each_list
async def test_a_cursor_belongs_to_its_order(
    acme: httpx.AsyncClient,
    door: Door,
    conn: asyncpg.Connection,
    *,
    path: str,
    fill: Fill,
    by: str,
) -> None:
    await fill(door, conn)
    first = (await acme.get(f"/api/v1/{path}?sort={by}&limit=2")).json()
    for sort, cursor in ((f"-{by}", first["next"]), (by, "2026-03-01T12:00:00Z"), ("", "9-9")):
        params = {"sort": sort, "cursor": cursor}
        answer = await acme.get(f"/api/v1/{path}", params=params)
        assert (answer.status_code, answer.json()["code"]) == (400, "cursor.invalid"), params


async def test_no_page_moves_while_messages_arrive(
    acme: httpx.AsyncClient, conn: asyncpg.Connection, door: Door
) -> None:
    await messages(door, conn)
    before = [one["frame"] for one in await walk(acme, "stations/CP1/messages", sort="at")]
    for sort, there in (("at", before), ("-at", before[::-1])):
        found = list[str]()
        cursor: str | None = ""
        arriving = itertools.cycle((-1, 0, 1, 9))
        while cursor is not None:
            params: dict[str, str] = {"sort": sort, "limit": "2", "cursor": cursor}
            page = (await acme.get("/api/v1/stations/CP1/messages", params=params)).json()
            found += [one["frame"] for one in page["items"]]
            cursor = page["next"]
            at = NOW + timedelta(seconds=next(arriving))
            await rows.message(conn, at, "in", f'["{sort}",{len(found)}]')
        assert [frame for frame in found if frame in before] == there
        assert len(found) == len(set(found))


async def test_more_messages_of_one_moment_than_a_page_has(
    acme: httpx.AsyncClient, conn: asyncpg.Connection
) -> None:
    for number in range(250):
        await rows.message(conn, NOW, "in", f"[{number}]")
    found = await walk(acme, "stations/CP1/messages", limit=20)
    assert len({one["frame"] for one in found}) == len(found) == 250


@pytest.mark.parametrize(
    ("path", "query", "count"),
    [
        ("stations/CP1/messages", "q=%222%22", 1),
        ("stations/CP1/messages", "direction=in&sort=at", 5),
        ("stations/CP1/messages", "since=2026-03-01T12:00:01Z&until=2026-03-01T12:00:02Z", 2),
        ("stations/CP1/variable-events", "q=problem+7", 1),
        ("stations/CP1/variable-events", "since=2026-03-01T12:00:03Z", 2),
        ("stations/CP1/variable-events", "until=2026-03-01T12:00:01Z", 5),
        ("stations/CP1/battery-swaps", "q=b-4", 1),
        ("stations/CP1/settlements", "q=PSP-3", 1),
        ("stations/CP1/settlements", "state=failed", 5),
        ("stations/CP1/settlements", "since=2026-03-01T12:00:02Z", 3),
        ("stations/CP1/settlements", "sort=-reference&limit=1", 1),
        ("stations/CP1/timeline", "type=test.happened", 10),
        ("stations/CP1/timeline", "type=test.happened&sort=-at", 10),
        ("stations/CP1/timeline", "type=station.added&sort=at", 1),
        ("stations/CP1/timeline", "type=nothing", 0),
        ("stations/CP1/costs", "q=NIGHT+-7", 1),
        ("stations/CP1/reservations", "q=t7", 1),
        ("stations/CP1/reservations", "state=made&sort=-expires_at", 10),
        ("stations/CP1/reservations", "state=used", 0),
        ("stations/CP1/timeline", "sort=-at&since=2026-03-01T12:00:03Z", 2),
    ],
)
async def test_chosen_and_searched(
    acme: httpx.AsyncClient,
    door: Door,
    conn: asyncpg.Connection,
    *,
    path: str,
    query: str,
    count: int,
) -> None:
    fill, _ = LISTS[path]
    await fill(door, conn)
    answer = await acme.get(f"/api/v1/{path}?{query}")
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["items"]) == count


async def test_another_tenant_pages_nothing(
    other: httpx.AsyncClient, door: Door, conn: asyncpg.Connection
) -> None:
    for path, (fill, by) in LISTS.items():
        await fill(door, conn)
        answer = await other.get(f"/api/v1/{path}?sort=-{by}")
        assert answer.status_code == 404, path
