"""Power over time: kept ready in quarter hours, the same as a direct sum over the readings."""

import random
from collections.abc import AsyncGenerator, Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest

from forecourt.base.ids import StationId
from forecourt.domain.stations import NewStation
from forecourt.domain.tenants import Role
from tests.edge.http import rows
from tests.edge.http.conftest import NOW, Door, LogIn

pytestmark = pytest.mark.storage

MIN = timedelta(minutes=1)
QUARTER = 15 * MIN
SITES = {"CP1": "Hof", "CP2": "Bern", "CP3": "Bern", "CP4": ""}


@pytest.fixture
async def conn(database_url: str) -> AsyncGenerator[asyncpg.Connection]:
    made = await asyncpg.connect(database_url)
    yield made
    await made.close()


@pytest.fixture(autouse=True)
async def four(door: Door) -> None:
    for name, site in SITES.items():
        await door.rooms.stations.add(door.ctx(), NewStation(id=StationId(name), site=site))


async def history(client: httpx.AsyncClient, **query: Any) -> Any:
    answer = await client.get("/api/v1/power", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


class TestRead:
    async def run(self, conn: asyncpg.Connection, name: str, start: int, stop: int) -> None:
        """A session at so many minutes before now."""
        await rows.session(conn, name, NOW - start * MIN)
        ended = "UPDATE sessions SET state = 'ended', ended_at = $2 WHERE session_id = $1"
        await conn.execute(ended, name, NOW - stop * MIN)

    async def read(self, client: httpx.AsyncClient, **query: Any) -> list[tuple[Any, Any, Any]]:
        span = {"from": (NOW - 60 * MIN).isoformat(), "to": NOW.isoformat(), "step": 900}
        found = (await history(client, **(span | query)))["items"]
        return [(step["power_w"], step["sessions"], step["measured"]) for step in found]

    async def test_the_average_of_each_step(
        self, door: Door, acme: httpx.AsyncClient, conn: asyncpg.Connection
    ) -> None:
        # 7.4 kW from 50 to 30 min ago, told each 5 min.
        await self.run(conn, "ses_1", 50, 30)
        for n in range(5):
            at = NOW - (50 - 5 * n) * MIN
            await rows.reading(conn, "ses_1", at, digest=n, energy_wh=n)
        await door.rooms.sessions.power.sum_up(NOW)
        third = round(7400 / 3)
        assert await self.read(acme) == [(third, 1, 1), (7400, 1, 1), (0, 0, 0), (0, 0, 0)]
        assert await self.read(acme, station="CP1", site="Hof") == await self.read(acme)
        assert await self.read(acme, site="Bern") == [(0, 0, 0)] * 4
        fine = await self.read(acme, step=300, station="CP1")
        assert [power for power, _, _ in fine] == [0, 0, *([7400] * 4), *([0] * 6)]

    async def test_what_nobody_told_is_a_gap_and_what_was_told_holds_for_a_while(
        self, door: Door, acme: httpx.AsyncClient, conn: asyncpg.Connection
    ) -> None:
        await self.run(conn, "ses_1", 60, 0)
        await rows.reading(conn, "ses_1", NOW - 60 * MIN, digest=1, energy_wh=1)
        await door.rooms.sessions.power.sum_up(NOW)
        found = await self.read(acme)
        assert found == [(7400, 1, 1), (7400, 1, 1), (None, 1, 0), (None, 1, 0)]

    async def test_a_session_that_nobody_heard_of_for_long_is_no_gap(
        self, door: Door, acme: httpx.AsyncClient, conn: asyncpg.Connection
    ) -> None:
        await rows.session(conn, "ses_1", NOW - timedelta(days=3))
        await door.rooms.sessions.power.sum_up(NOW)
        assert await self.read(acme) == [(0, 0, 0)] * 4

    async def test_walls(
        self, door: Door, log_in: LogIn, other: httpx.AsyncClient, conn: asyncpg.Connection
    ) -> None:
        await self.run(conn, "ses_1", 60, 0)
        await rows.reading(conn, "ses_1", NOW - 20 * MIN, digest=1, energy_wh=1)
        await door.rooms.sessions.power.sum_up(NOW)
        assert await self.read(await log_in(Role.OPERATOR, sites=("Hof",))) != [(0, 0, 0)] * 4
        assert await self.read(other) == [(0, 0, 0)] * 4
        host = await log_in(Role.OPERATOR, sites=("Bern",))
        assert await self.read(host) == [(0, 0, 0)] * 4

    @pytest.mark.parametrize(
        "query",
        [
            {"step": 60, "from": (NOW - timedelta(days=40)).isoformat()},
            {"step": 300},
            {"step": 300, "site": "Hof", "from": (NOW - timedelta(days=2)).isoformat()},
            {"step": 300, "site": "Hof", "by": "station"},
            {"by": "station"},
            {"from": (NOW + MIN).isoformat()},
            {"from": (NOW - timedelta(days=300)).isoformat(), "step": 86_400},
        ],
    )
    async def test_too_much(self, acme: httpx.AsyncClient, query: dict[str, Any]) -> None:
        answer = await acme.get("/api/v1/power", params=query)
        assert (answer.status_code, answer.json()["code"]) == (400, "power.span_invalid")
        assert (await acme.get("/api/v1/power", params={"step": 1})).status_code == 400

    async def test_a_day_without_a_word(self, acme: httpx.AsyncClient) -> None:
        found = (await acme.get("/api/v1/power")).json()
        assert (len(found["items"]), found["step_s"]) == (96, 900)


def turn(door: Door, now: datetime) -> None:
    """Put the clock forward."""
    door.clock.advance((now - door.clock.now()).total_seconds())


class Ledger:
    """What was written, for a sum over it by other means than those of the room."""

    def __init__(self, conn: asyncpg.Connection) -> None:
        self.conn = conn
        self.sessions: dict[str, tuple[str, datetime, datetime]] = {}
        self.readings: dict[str, set[tuple[datetime, int]]] = {}

    async def session(self, name: str, station: str, start: datetime, stop: datetime) -> None:
        """One that ended, and was saved then."""
        await rows.session(self.conn, name, start, station=station, state="ended")
        sql = "UPDATE sessions SET ended_at = $2, saved_at = $2 WHERE session_id = $1"
        await self.conn.execute(sql, name, stop)
        self.sessions[name] = (station, start, stop)
        self.readings[name] = set()

    async def reading(self, name: str, at: datetime, power_w: int, received_at: datetime) -> None:
        """One that may have come before: then it is the same row."""
        sql = (
            "INSERT INTO meter_values (station_id, sampled_at, evse_no, digest, tenant_id,"
            " session_id, received_at, power_w, samples)"
            " VALUES ($1, $2, 1, $3::int, 'acme', $4, $5, $3::int, '[]') ON CONFLICT DO NOTHING"
        )
        station = self.sessions[name][0]
        await self.conn.execute(sql, station, at, power_w, name, received_at)
        self.readings[name].add((at, power_w))

    def power_w(self, at: datetime, stations: Iterable[str] = SITES) -> int | None:
        """The average of a quarter hour: session by session, reading by reading."""
        told: list[Fraction | None] = []
        for name, (station, start, stop) in self.sessions.items():
            ran_s = (min(stop, at + QUARTER) - max(start, at)).total_seconds()
            if station in stations and ran_s > 0:
                mean = self._mean(name, at)
                mean = self._mean(name, at - QUARTER) if mean is None else mean
                told.append(None if mean is None else mean * Fraction(ran_s))
        measured = [energy_ws for energy_ws in told if energy_ws is not None]
        if told and not measured:
            return None
        return round(sum(map(round, measured)) / QUARTER.total_seconds())

    def _mean(self, name: str, at: datetime) -> Fraction | None:
        found = [w for moment, w in self.readings[name] if at <= moment < at + QUARTER]
        return Fraction(sum(found), len(found)) if found else None


async def agree(door: Door, client: httpx.AsyncClient, ledger: Ledger, now: datetime) -> Any:
    """What is kept ready of the last day, after a look that it is what a direct sum gives."""
    turn(door, now)
    span = {"from": (now - timedelta(days=1)).isoformat(), "to": now.isoformat()}
    found = await history(client, **span, by="site")
    moments = [datetime.fromisoformat(step["at"]) for step in found["items"]]
    told = [step["power_w"] for step in found["items"]]
    assert told == [ledger.power_w(at) for at in moments]
    parts = {part["id"]: part["power_w"] for part in found["parts"]}
    for site in set(SITES.values()):
        stations = [name for name, where in SITES.items() if where == site]
        expected = [ledger.power_w(at, stations) for at in moments]
        assert parts.get(site, [0] * len(moments)) == expected, site
        assert [
            s["power_w"] for s in (await history(client, **span, site=site))["items"]
        ] == expected
    by_station = (await history(client, **span, site="Bern", by="station"))["parts"]
    for part in by_station:
        assert part["power_w"] == [ledger.power_w(at, [part["id"]]) for at in moments]
    return found


class TestKeptReady:
    """Four stations, a day long, told in time, late, twice or never."""

    @pytest.fixture
    def ledger(self, conn: asyncpg.Connection) -> Ledger:
        return Ledger(conn)

    async def fill(self, ledger: Ledger, now: datetime, luck: random.Random) -> list[str]:
        """A day of sessions that are over; their readings are told in time."""
        names = []
        for n in range(24):
            station = f"CP{n % 4 + 1}"
            start = now - timedelta(minutes=luck.randrange(60, 1_500))
            stop = min(start + timedelta(minutes=luck.randrange(3, 300)), now - MIN)
            names.append(f"ses_{n:03}")
            await ledger.session(names[-1], station, start, stop)
            at = start
            while at < stop and luck.random() < 0.97:
                await ledger.reading(names[-1], at, luck.randrange(1_000, 22_000), at)
                at += timedelta(minutes=luck.choice((1, 5, 16)))
        return names

    async def test_it_is_what_a_direct_sum_gives(
        self, door: Door, acme: httpx.AsyncClient, ledger: Ledger
    ) -> None:
        luck = random.Random(4)
        names = await self.fill(ledger, NOW, luck)
        power = door.rooms.sessions.power
        assert await power.sum_up(NOW)
        assert not await power.sum_up(NOW + MIN / 4), "two processes do not do it twice"
        await agree(door, acme, ledger, NOW)
        later = NOW + MIN
        # An offline queue comes home: what it had kept, and what we had already.
        for name in names[::3]:
            _, start, stop = ledger.sessions[name]
            for moment, power_w in sorted(ledger.readings[name])[:3]:
                await ledger.reading(name, moment, power_w, later)
            at = start + (stop - start) / 2
            await ledger.reading(name, at, luck.randrange(1_000, 22_000), later)
        assert await power.sum_up(later)
        await agree(door, acme, ledger, later)

    async def test_what_was_received_before_a_pass_and_committed_after_it_is_not_lost(
        self, door: Door, acme: httpx.AsyncClient, ledger: Ledger
    ) -> None:
        power = door.rooms.sessions.power
        await ledger.session("ses_1", "CP1", NOW - 50 * MIN, NOW - 5 * MIN)
        for n in range(3):
            await power.sum_up(NOW + n * MIN)
        await ledger.reading("ses_1", NOW - 40 * MIN, 11_000, NOW)
        await power.sum_up(NOW + 3 * MIN)
        await agree(door, acme, ledger, NOW + 3 * MIN)

    async def test_a_session_told_late_and_one_that_was_shorter_than_it_seemed(
        self, door: Door, acme: httpx.AsyncClient, ledger: Ledger
    ) -> None:
        power = door.rooms.sessions.power
        await ledger.session("ses_1", "CP1", NOW - 300 * MIN, NOW - 5 * MIN)
        await ledger.reading("ses_1", NOW - 290 * MIN, 7_000, NOW - 290 * MIN)
        await power.sum_up(NOW)
        await agree(door, acme, ledger, NOW)
        later = NOW + MIN
        await ledger.session("ses_2", "CP2", NOW - 700 * MIN, NOW - 400 * MIN)
        await ledger.reading("ses_2", NOW - 600 * MIN, 9_000, later)
        await ledger.session("ses_1b", "CP1", NOW - 200 * MIN, NOW - 190 * MIN)
        sql = "UPDATE sessions SET ended_at = $1 WHERE session_id = 'ses_1'"
        await ledger.conn.execute(sql, NOW - 200 * MIN)
        ledger.sessions["ses_1"] = ("CP1", NOW - 300 * MIN, NOW - 200 * MIN)
        await power.sum_up(later)
        # Its end is no reading: that is mended when the last day is summed up again.
        await power.rebuild(later, later - timedelta(days=1))
        found = await agree(door, acme, ledger, later)
        assert [step["sessions"] for step in found["items"]][-6:] == [0] * 6

    async def test_after_a_gap_it_makes_up_for_what_was_missed(
        self, door: Door, acme: httpx.AsyncClient, ledger: Ledger
    ) -> None:
        power = door.rooms.sessions.power
        await power.sum_up(NOW - timedelta(hours=20))
        await self.fill(ledger, NOW, random.Random(7))
        await power.sum_up(NOW)
        await agree(door, acme, ledger, NOW)
        await ledger.conn.execute("DELETE FROM station_power")
        await ledger.conn.execute("UPDATE site_power SET energy_ws = 1")
        await power.rebuild(NOW, NOW - timedelta(days=2))
        await agree(door, acme, ledger, NOW)

    async def test_what_is_older_than_a_day_follows_pass_by_pass(
        self, door: Door, acme: httpx.AsyncClient, ledger: Ledger
    ) -> None:
        power, old = door.rooms.sessions.power, NOW - timedelta(hours=60)
        await ledger.session("ses_1", "CP1", old, old + 40 * MIN)
        await ledger.reading("ses_1", old, 8_000, old)
        turn(door, NOW + 12 * MIN)
        query = {"from": old.isoformat(), "to": (old + QUARTER).isoformat()}
        found = []
        for n in range(13):
            await power.sum_up(NOW + n * MIN)
            found.append((await history(acme, **query))["items"][0]["power_w"])
        assert found == [*([0] * 11), 8_000, 8_000]
        sql = "SELECT reached FROM power_passes"
        assert await ledger.conn.fetchval(sql) == old

    @pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
    async def test_a_day_on_which_the_clocks_are_changed(
        self, door: Door, acme: httpx.AsyncClient, ledger: Ledger, day: str, hours: int
    ) -> None:
        berlin = ZoneInfo("Europe/Berlin")
        begins = datetime.fromisoformat(day).replace(tzinfo=berlin)
        ends = datetime.combine(begins.date() + timedelta(days=1), begins.time(), berlin)
        span = [moment.astimezone(UTC) for moment in (begins, ends)]
        await self.fill(ledger, span[1], random.Random(hours))
        await door.rooms.sessions.power.sum_up(span[1])
        turn(door, span[1])
        query = {"from": begins.isoformat(), "to": ends.isoformat()}
        found = (await history(acme, **query))["items"]
        assert len(found) == 4 * hours
        quarters = [span[0] + n * QUARTER for n in range(4 * hours)]
        assert [step["power_w"] for step in found] == [ledger.power_w(at) for at in quarters]

    async def test_what_runs_is_there_up_to_the_last_pass(
        self, door: Door, acme: httpx.AsyncClient, conn: asyncpg.Connection
    ) -> None:
        start = NOW - 5 * MIN
        await rows.session(conn, "ses_1", start)
        await rows.reading(conn, "ses_1", start, digest=1, energy_wh=1)
        await door.rooms.sessions.power.sum_up(NOW)
        turn(door, NOW + 10 * MIN)
        found = await history(acme, **{"from": start.isoformat()}, by="site")
        assert [step["power_w"] for step in found["items"]] == [2_467]
        await conn.execute("UPDATE sessions SET saved_at = $1", NOW + 10 * MIN)
        await door.rooms.sessions.power.sum_up(NOW + 10 * MIN)
        found = await history(acme, **{"from": start.isoformat()}, by="site")
        assert [step["power_w"] for step in found["items"]] == [2_467, 7_400]
        assert found["parts"] == [{"id": "Hof", "power_w": [2_467, 7_400]}]

    async def test_what_was_taken_at_a_site_stays_there(
        self, door: Door, acme: httpx.AsyncClient, ledger: Ledger, log_in: LogIn
    ) -> None:
        await ledger.session("ses_1", "CP1", NOW - 60 * MIN, NOW - 30 * MIN)
        await ledger.reading("ses_1", NOW - 60 * MIN, 8_000, NOW)
        await door.rooms.sessions.power.sum_up(NOW)
        assert (await acme.patch("/api/v1/stations/CP1", json={"site": "Bern"})).is_success
        await door.rooms.sessions.power.sum_up(NOW + MIN)
        turn(door, NOW + MIN)
        await agree(door, acme, ledger, NOW + MIN)
        host = await log_in(Role.OPERATOR, sites=("Bern",))
        assert (await history(host, by="site"))["parts"] == []
