"""Lists of the whole network: alarms, reservations, connectors, messages."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from msgspec.structs import replace

from forecourt.base.ids import StationId
from forecourt.domain.access import ReservationState
from forecourt.domain.monitoring import Alarm, AlarmSource
from forecourt.domain.stations import NewStation
from forecourt.domain.tenants import Role
from tests.edge.http import rows
from tests.edge.http.conftest import NOW, Door, LogIn

pytestmark = pytest.mark.storage

CP1, CP2 = StationId("CP1"), StationId("CP2")
MIN = timedelta(minutes=1)


@pytest.fixture
async def conn(database_url: str) -> AsyncGenerator[asyncpg.Connection]:
    made = await asyncpg.connect(database_url)
    yield made
    await made.close()


@pytest.fixture(autouse=True)
async def two(door: Door) -> None:
    for name, site in ((CP1, "Hof"), (CP2, "Bern")):
        await door.rooms.stations.add(door.ctx(), NewStation(id=name, site=site))


async def items(client: httpx.AsyncClient, path: str, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get(f"/api/v1/{path}", params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


class TestAlarms:
    @pytest.fixture(autouse=True)
    async def three(self, door: Door) -> None:
        for n, (station, severity) in enumerate(((CP1, 2), (CP2, 7), (CP2, 0))):
            alarm = Alarm(
                source=AlarmSource.VARIABLE,
                key=f"K{n}",
                severity=severity,
                text=f"Text {n}",
                raised_at=NOW - n * MIN,
            )
            await door.rooms.monitoring.raise_alarm(door.ctx(), station, alarm)

    @pytest.mark.parametrize(
        ("query", "keys"),
        [
            ({}, ["K0", "K1", "K2"]),
            ({"sort": "severity"}, ["K2", "K0", "K1"]),
            ({"severity_max": 2}, ["K0", "K2"]),
            ({"site": "Bern"}, ["K1", "K2"]),
            ({"station": "CP1"}, ["K0"]),
            ({"q": "text k1"}, ["K1"]),
            ({"state": "open", "source": "variable"}, ["K0", "K1", "K2"]),
            ({"state": "acknowledged"}, []),
            ({"since": (NOW - MIN).isoformat()}, ["K0", "K1"]),
        ],
    )
    async def test_found(
        self, acme: httpx.AsyncClient, query: dict[str, Any], keys: list[str]
    ) -> None:
        assert [alarm["key"] for alarm in await items(acme, "alarms", **query)] == keys

    async def test_looked_at_and_over(self, door: Door, log_in: LogIn) -> None:
        owner = await log_in(Role.OWNER)
        names = [{"station": "CP2", "source": "variable", "key": key} for key in ("K1", "K2")]
        path = "/api/v1/alarms/acknowledgements"
        assert (await owner.post(path, json={"alarms": names})).status_code == 204
        [newest, _] = await items(owner, "alarms", state="acknowledged")
        assert (newest["key"], newest["state"], newest["age_s"]) == ("K1", "acknowledged", 60)
        assert newest["acknowledged_by"].startswith("user:")
        assert (await owner.get("/api/v1/overview")).json()["alarms"] == 1
        unknown = {"station": "CP1", "source": "variable", "key": "K1"}
        refused = await owner.post(path, json={"alarms": [names[0], unknown]})
        assert (refused.status_code, refused.json()["code"]) == (404, "alarm.unknown")
        cleared = await owner.post("/api/v1/alarms/clearances", json={"alarms": names})
        assert cleared.status_code == 204
        assert [one["key"] for one in await items(owner, "alarms", state="cleared")] == ["K1", "K2"]
        assert [one["key"] for one in await items(owner, "alarms", state="open")] == ["K0"]

    async def test_within_the_walls(self, log_in: LogIn, other: httpx.AsyncClient) -> None:
        assert await items(other, "alarms") == []
        host = await log_in(Role.OPERATOR, sites=("Hof",))
        assert [alarm["key"] for alarm in await items(host, "alarms")] == ["K0"]
        body = {"alarms": [{"station": "CP2", "source": "variable", "key": "K1"}]}
        refused = await host.post("/api/v1/alarms/acknowledgements", json=body)
        assert refused.json()["code"] == "alarm.unknown"


async def test_reservations_of_all_stations(door: Door, acme: httpx.AsyncClient) -> None:
    access = door.rooms.access
    for n, station in enumerate((CP1, CP2, CP2), start=1):
        ctx = replace(door.ctx(), now=NOW - n * MIN)
        until = NOW + (n - 2) * timedelta(hours=1)
        await access.reserved(ctx, station, n, evse_no=n, token=f"T{n}", expires_at=until, group="")
    await access.reservation_over(door.ctx(), CP2, 3, ReservationState.REMOVED)
    for query, numbers in (
        ({}, [1, 2, 3]),
        ({"state": "made"}, []),
        ({"state": "expired"}, [1, 2]),
        ({"state": "removed"}, [3]),
        ({"station": "CP2", "sort": "made_at"}, [3, 2]),
        ({"q": "t1"}, [1]),
    ):
        found = await items(acme, "reservations", **query)
        assert [one["reservation"] for one in found] == numbers, query
    assert {one["station"]: one["state"] for one in await items(acme, "reservations", q="cp1")} == {
        "CP1": "expired"
    }


CONNECTOR = """
INSERT INTO connectors (station_id, evse_no, connector_no, tenant_id, state, state_at, received_at,
  error, vendor_id, vendor_error, info, epoch) VALUES ($1, $2, $3, 'acme', $4, $5, $5, '', '', '',
  '', 1)"""


async def test_connectors_and_what_charges_there(
    acme: httpx.AsyncClient, conn: asyncpg.Connection
) -> None:
    for station, evse, connector, state in (
        ("CP1", 0, 0, "available"),
        ("CP1", 1, 1, "occupied"),
        ("CP1", 1, 2, "available"),
        ("CP2", 1, 1, "faulted"),
    ):
        await conn.execute(CONNECTOR, station, evse, connector, state, NOW - evse * MIN)
    await rows.session(conn, "ses_1", NOW - MIN)
    await rows.reading(conn, "ses_1", NOW, digest=1, energy_wh=1)
    found = await items(acme, "connectors")
    assert [(c["station"], c["evse"], c["connector"]) for c in found] == [
        ("CP1", 1, 1),
        ("CP1", 1, 2),
        ("CP2", 1, 1),
    ]
    assert (found[0]["session"], found[0]["power_w"], found[0]["since_s"]) == ("ses_1", 7400, 60)
    assert (found[1]["session"], found[1]["power_w"], found[2]["site"]) == (None, None, "Bern")
    for query, count in (
        ({"state": "faulted"}, 1),
        ({"site": "Hof"}, 2),
        ({"connected": True}, 0),
        ({"q": "bern"}, 1),
        ({"sort": "-state_at", "limit": 1}, 1),
    ):
        assert len(await items(acme, "connectors", **query)) == count, query


async def test_messages_are_searched(acme: httpx.AsyncClient, conn: asyncpg.Connection) -> None:
    for n, (direction, frame) in enumerate(
        (("in", '[2,"1","Heartbeat",{}]'), ("out", '[3,"1",{"x":"Größe 50%"}]'))
    ):
        await rows.message(conn, NOW + n * MIN, direction, frame)
    await conn.execute(rows.MESSAGE, "CP1", NOW, "acme", "in", "", b"\xff\x00 broken")
    for query, count in (
        ({"q": "HEARTBEAT"}, 1),
        ({"q": "größe 50%"}, 1),
        ({"q": "_"}, 0),
        ({"q": "broken"}, 1),
        ({"direction": "out"}, 1),
        ({"action": "Heartbeat"}, 2),
        ({"since": (NOW + MIN).isoformat()}, 1),
        ({"until": (NOW + MIN).isoformat()}, 2),
    ):
        assert len(await items(acme, "stations/CP1/messages", **query)) == count, query
