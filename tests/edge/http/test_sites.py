"""Sites before the HTTP door: made and changed, by whom, and their figures of today."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest

from forecourt.base.ids import StationId
from forecourt.domain.stations import NewStation
from tests.edge.http import rows
from tests.edge.http.conftest import NOW, Door

pytestmark = pytest.mark.storage

OSLO = {
    "id": "Oslo",
    "name": "Oslo S",
    "address": ["Jernbanetorget 1"],
    "postal_code": "0154",
    "city": "Oslo",
    "country": "NO",
    "latitude": 59.9109,
    "longitude": 10.7523,
    "zone": "Europe/Oslo",
    "hours": [{"weekday": 1, "begin": "06:00", "end": "22:00"}],
}
REGISTERS = "UPDATE sessions SET meter_start_wh = 1000, meter_high_wh = 5000, energy_wh = 4000"


@pytest.fixture
async def conn(database_url: str) -> AsyncGenerator[asyncpg.Connection]:
    conn = await asyncpg.connect(database_url)
    yield conn
    await conn.close()


async def stand(door: Door, station: str, site: str, tenant: str = "acme") -> None:
    new = NewStation(id=StationId(station), site=site)
    await door.rooms.stations.add(door.ctx(tenant), new)


async def test_made_read_changed_and_removed(acme: httpx.AsyncClient) -> None:
    made = await acme.post("/api/v1/sites", json=OSLO)
    assert made.status_code == 201, made.text
    assert made.json() == {**OSLO, "tenant": "acme", "created_at": "2026-03-01T12:00:00Z"}
    again = await acme.post("/api/v1/sites", json=OSLO)
    assert (again.status_code, again.json()["code"]) == (409, "site.exists")
    changed = await acme.patch("/api/v1/sites/Oslo", json={"name": "Oslo", "hours": []})
    assert changed.json() == {**made.json(), "name": "Oslo", "hours": []}
    assert (await acme.get("/api/v1/sites")).json()["items"] == [changed.json()]
    assert (await acme.delete("/api/v1/sites/Oslo")).status_code == 204
    gone = await acme.get("/api/v1/sites/Oslo")
    assert (gone.status_code, gone.json()["code"]) == (404, "site.unknown")


@pytest.mark.parametrize(
    "change",
    [
        {"zone": "Europe/Nowhere"},
        {"latitude": 91},
        {"latitude": 59.9, "longitude": None},
        {"country": "Norway"},
        {"hours": [{"weekday": 8, "begin": "06:00", "end": "22:00"}]},
        {"hours": [{"weekday": 1, "begin": "6", "end": "24:00"}]},
        {"name": "two\nlines"},
        {"id": "A/B"},
    ],
)
async def test_what_cannot_be_is_refused(
    acme: httpx.AsyncClient, change: dict[str, object]
) -> None:
    answer = await acme.post("/api/v1/sites", json={"id": "Oslo", "longitude": 10.7} | change)
    assert answer.status_code in {400, 422}, answer.text
    assert (await acme.get("/api/v1/sites")).json()["items"] == []


async def test_a_station_makes_the_site_that_it_stands_at(
    door: Door, acme: httpx.AsyncClient
) -> None:
    await stand(door, "CP1", "Oslo")
    await stand(door, "CP2", "")
    assert (await acme.patch("/api/v1/stations/CP2", json={"site": "Bergen"})).is_success
    found = (await acme.get("/api/v1/sites")).json()["items"]
    assert [(site["id"], site["name"], site["zone"]) for site in found] == [
        ("Bergen", "Bergen", ""),
        ("Oslo", "Oslo", ""),
    ]
    refused = await acme.patch("/api/v1/stations/CP2", json={"site": "A/B"})
    assert refused.json()["code"] == "site.invalid"
    assert (await acme.get("/api/v1/stations/CP2")).json()["site"] == "Bergen"


async def test_a_site_goes_when_its_last_station_went(door: Door, acme: httpx.AsyncClient) -> None:
    await stand(door, "CP1", "Oslo")
    refused = await acme.delete("/api/v1/sites/Oslo")
    assert (refused.status_code, refused.json()["code"]) == (409, "site.in_use")
    await acme.delete("/api/v1/stations/CP1")
    assert (await acme.delete("/api/v1/sites/Oslo")).status_code == 204


async def test_sites_of_one_name_are_each_tenant_s_own(door: Door, acme: httpx.AsyncClient) -> None:
    await stand(door, "CP1", "Oslo", tenant="other")
    assert (await acme.get("/api/v1/sites")).json()["items"] == []
    assert (await acme.post("/api/v1/sites", json=OSLO)).is_success
    assert (await acme.delete("/api/v1/sites/Oslo")).status_code == 204


async def test_stations_and_sessions_have_the_zone_of_their_site(
    door: Door, acme: httpx.AsyncClient, conn: asyncpg.Connection
) -> None:
    await stand(door, "CP1", "Oslo")
    await acme.patch("/api/v1/sites/Oslo", json={"zone": "Europe/Oslo"})
    await stand(door, "CP2", "")
    await rows.session(conn, "ses_1", NOW)
    await rows.session(conn, "ses_2", NOW, station="CP2")
    for listed, one in (("stations", "CP1"), ("sessions", "ses_1")):
        items = (await acme.get(f"/api/v1/{listed}")).json()["items"]
        assert {item["id"]: item["zone"] for item in items}[one] == "Europe/Oslo"
        assert "" in {item["zone"] for item in items}
        assert (await acme.get(f"/api/v1/{listed}/{one}")).json()["zone"] == "Europe/Oslo"


async def test_sessions_of_a_site_are_those_of_the_stations_that_stand_there(
    door: Door, acme: httpx.AsyncClient, conn: asyncpg.Connection
) -> None:
    for n, site in enumerate(("Oslo", "Bergen", "")):
        await stand(door, f"CP{n}", site)
        await rows.session(conn, f"ses_{n}", NOW, station=f"CP{n}")

    async def found(**query: str) -> list[str]:
        items = (await acme.get("/api/v1/sessions", params=query)).json()["items"]
        return [one["id"] for one in items]

    assert await found(site="Oslo") == ["ses_0"]
    assert await found(site="Oslo", state="ended") == []
    assert await found(site="Nowhere") == []
    await acme.patch("/api/v1/stations/CP1", json={"site": "Oslo"})
    assert await found(site="Oslo", sort="id") == ["ses_0", "ses_1"]


async def test_a_day_of_23_hours_counts_what_was_charged_in_it(
    door: Door, acme: httpx.AsyncClient, conn: asyncpg.Connection
) -> None:
    """Berlin, 29 March 2026: its day began at 23 h UTC, and the session before that."""
    await stand(door, "CP1", "Berlin")
    await acme.patch("/api/v1/sites/Berlin", json={"zone": "Europe/Berlin"})
    await rows.session(conn, "ses_1", datetime(2026, 3, 28, 22, tzinfo=UTC))
    await conn.execute(REGISTERS)
    for hour, register in ((22.5, 2_000), (22.9, 3_000), (24.0, 5_000)):
        at = datetime(2026, 3, 28, tzinfo=UTC) + timedelta(hours=hour)
        await rows.reading(conn, "ses_1", at, digest=register, energy_wh=register)
    door.clock.advance((datetime(2026, 3, 29, 12, tzinfo=UTC) - NOW).total_seconds())
    seen = (await acme.get("/api/v1/sites/Berlin/summary")).json()
    assert (seen["day"], seen["zone"]) == ("2026-03-29", "Europe/Berlin")
    assert (seen["day_begins_at"], seen["day_ends_at"]) == (
        "2026-03-28T23:00:00Z",
        "2026-03-29T22:00:00Z",
    )
    assert (seen["sessions_running"], seen["power_w"]) == (1, 7_400)
    assert (seen["sessions_today"], seen["energy_today_wh"]) == (1, 2_000)
    # The record lags behind what the meter says.
    late = datetime(2026, 3, 29, 11, tzinfo=UTC)
    await rows.reading(conn, "ses_1", late, digest=9, energy_wh=5_500)
    assert (await acme.get("/api/v1/sites/Berlin/summary")).json()["energy_today_wh"] == 2_500
    ended = "UPDATE sessions SET state = 'ended', ended_at = $1"
    await conn.execute(ended, datetime(2026, 3, 28, 22, 59, tzinfo=UTC))
    assert (await acme.get("/api/v1/sites/Berlin/summary")).json()["sessions_today"] == 0


@pytest.mark.parametrize(
    ("zone", "today"),
    [
        ("Asia/Kathmandu", ("2026-03-28T18:15:00Z", "2026-03-29T18:15:00Z")),
        # 23 and 25 hours: the clocks go forward in Berlin on 29 March, and back on 25 October.
        ("Europe/Berlin", ("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z")),
        ("Europe/Berlin", ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z")),
    ],
)
async def test_today_is_by_the_tenant_s_clock_where_a_site_has_none(
    door: Door,
    acme: httpx.AsyncClient,
    conn: asyncpg.Connection,
    zone: str,
    today: tuple[str, str],
) -> None:
    await stand(door, "CP1", "Hof")
    await door.rooms.tenants.change_settings(door.ctx(), time_zone=zone)
    begin, end = map(datetime.fromisoformat, today)
    await rows.session(conn, "ses_1", begin - timedelta(hours=1))
    await conn.execute(REGISTERS)
    for minutes, register in ((-60, 1_000), (-1, 3_000), (30, 5_000)):
        at = begin + timedelta(minutes=minutes)
        await rows.reading(conn, "ses_1", at, digest=register, energy_wh=register)
    # In the last second before it, at its edge, in its last second, and at the next one's edge.
    second = timedelta(seconds=1)
    for now, day, energy_wh in (
        (begin - second, begin - second, None),
        (begin, begin, 2_000),
        (end - second, begin, 2_000),
        (end, end, 0),
    ):
        door.clock.advance((now - door.clock.now()).total_seconds())
        for path in ("overview", "sites/Hof/summary"):
            seen = (await acme.get(f"/api/v1/{path}")).json()
            assert seen["zone"] == zone
            if energy_wh is None:
                assert datetime.fromisoformat(seen["day_ends_at"]) == begin
            else:
                assert datetime.fromisoformat(seen["day_begins_at"]) == day
                assert seen["energy_today_wh"] == energy_wh
    [listed] = (await acme.get("/api/v1/overview/sites")).json()["items"]
    assert (listed["zone"], listed["energy_today_wh"]) == (zone, 0)


async def test_ports_by_how_they_are(
    door: Door, acme: httpx.AsyncClient, conn: asyncpg.Connection
) -> None:
    port = "INSERT INTO connectors VALUES ($1, $2, 1, 'acme', $3, $4, $4, '', '', '', '', 1)"
    for station, site in (("CP1", "Oslo"), ("CP2", "Oslo"), ("CP3", "Bergen"), ("CP4", "")):
        await stand(door, station, site)
        await conn.execute(port, station, 0, "available", NOW)
        for evse, state in enumerate(("available", "suspended_ev", "faulted", "unavailable"), 1):
            await conn.execute(port, station, evse, state, NOW)
    await conn.execute("UPDATE stations SET connected = true WHERE station_id <> 'CP2'")
    items = (await acme.get("/api/v1/overview/sites")).json()["items"]
    ports = {item["site"]: item["ports"] for item in items}
    one = {"free": 1, "charging": 1, "faulted": 1, "unavailable": 1, "offline": 0}
    assert ports == {"Bergen": one, "Oslo": {**one, "offline": 4}}
    alone = (await acme.get("/api/v1/sites/Oslo/summary")).json()
    assert alone["ports"] == ports["Oslo"]
    page = (await acme.get("/api/v1/overview/sites?limit=1")).json()
    assert [item["site"] for item in page["items"]] == ["Bergen"]
    rest = (await acme.get(f"/api/v1/overview/sites?cursor={page['next']}")).json()
    assert ([item["site"] for item in rest["items"]], rest["next"]) == (["Oslo"], None)
