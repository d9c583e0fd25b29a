"""What is kept and can be read: sessions' events, stops that fit none, and commands given."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from forecourt.base.ids import StationId
from forecourt.domain.stations import Answer, NewStation, Outcome
from forecourt.domain.stations.commands.answers import VariableResult
from forecourt.domain.tenants import Role
from tests.edge.http import rows
from tests.edge.http.conftest import NOW, Door, LogIn

pytestmark = pytest.mark.storage

EVENTS = "/api/v1/sessions/ses_1/events"
STOPS = "/api/v1/unmatched-stops"
EVENT = """
INSERT INTO session_events (session_id, seq_no, at, tenant_id, station_id, kind, trigger, offline,
  received_at, body) VALUES ($1, $2, $3, 'acme', 'CP1', $4, 'Trigger', $5, $6, $7)"""
STOP = """
INSERT INTO unmatched_stops (station_id, transaction, reported_at, tenant_id, received_at, meter_wh,
  body) VALUES ($1, $2, $3, $4, $5, 1200, '{"transactionId": 7, "meterStop": 1200}')"""


@pytest.fixture
async def kept(door: Door, database_url: str) -> None:
    conn = await asyncpg.connect(database_url)
    await door.add_station("CP1")
    await rows.session(conn, "ses_1", NOW)
    await rows.session(conn, "ses_2", NOW)
    told = [
        ("ses_1", 2, NOW + timedelta(minutes=2), "ended"),
        ("ses_1", 0, NOW, "started"),
        ("ses_1", 1, datetime(1970, 1, 1, tzinfo=UTC), "updated"),
        ("ses_2", 0, NOW, "started"),
    ]
    for session, seq_no, at, kind in told:
        body = {"eventType": kind, "seqNo": seq_no, "customData": {"vendorId": "=1+1"}}
        late = NOW + timedelta(hours=seq_no)
        await conn.execute(EVENT, session, seq_no, at, kind, seq_no == 1, late, json.dumps(body))
    await conn.close()


async def listed(client: httpx.AsyncClient, path: str, **asked: Any) -> list[Any]:
    """All pages, two a page."""
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = await client.get(path, params={"limit": 2, "cursor": cursor, **asked})
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        cursor = answer.json()["next"]
    return found


@pytest.mark.usefixtures("kept")
class TestEvents:
    async def test_by_number_whatever_their_moments(self, acme: httpx.AsyncClient) -> None:
        found = await listed(acme, EVENTS)
        assert [one["seq_no"] for one in found] == [0, 1, 2]
        assert [one["kind"] for one in found] == ["started", "updated", "ended"]
        assert found[1] == {
            "seq_no": 1,
            "at": "1970-01-01T00:00:00Z",
            "kind": "updated",
            "trigger": "Trigger",
            "offline": True,
            "received_at": "2026-03-01T13:00:00Z",
            "body": {"eventType": "updated", "seqNo": 1, "customData": {"vendorId": "=1+1"}},
        }

    @pytest.mark.parametrize(
        ("sort", "found"),
        [("-seq_no", [2, 1, 0]), ("at", [1, 0, 2]), ("-at", [2, 0, 1]), ("received_at", [0, 1, 2])],
    )
    async def test_in_another_order(
        self, acme: httpx.AsyncClient, sort: str, found: list[int]
    ) -> None:
        assert [one["seq_no"] for one in await listed(acme, EVENTS, sort=sort)] == found

    async def test_as_a_file(self, acme: httpx.AsyncClient) -> None:
        answer = await acme.get(EVENTS, params={"format": "csv"})
        assert answer.headers["content-type"].startswith("text/csv")
        assert len(answer.text.splitlines()) == 4

    async def test_what_is_refused(
        self, acme: httpx.AsyncClient, other: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        assert (await acme.get("/api/v1/sessions/ses_9/events")).status_code == 404
        assert (await other.get(EVENTS)).status_code == 404
        assert (await stranger.get(EVENTS)).status_code == 401
        for asked in ({"sort": "body"}, {"limit": 0}, {"limit": "x"}, {"cursor": "x"}):
            answer = await acme.get(EVENTS, params=asked)
            assert answer.status_code == 400, asked
            assert answer.headers["content-type"] == "application/problem+json"


class TestStops:
    @pytest.fixture
    async def stops(self, door: Door, database_url: str) -> None:
        conn = await asyncpg.connect(database_url)
        for station, site in (("CP1", "Oslo"), ("CP2", "Bergen")):
            await door.rooms.stations.add(door.ctx(), NewStation(id=StationId(station), site=site))
        for hours in range(3):
            at = NOW + timedelta(hours=hours)
            station = "CP2" if hours == 1 else "CP1"
            await conn.execute(STOP, station, str(hours + 7), NOW, "acme", at)
        await conn.close()

    @pytest.mark.usefixtures("stops")
    async def test_newest_first_and_those_that_fit(self, acme: httpx.AsyncClient) -> None:
        found = await listed(acme, STOPS)
        assert [(one["station"], one["transaction"]) for one in found] == [
            *(("CP1", "9"), ("CP2", "8"), ("CP1", "7")),
        ]
        assert found[2] == {
            "station": "CP1",
            "transaction": "7",
            "reported_at": "2026-03-01T12:00:00Z",
            "received_at": "2026-03-01T12:00:00Z",
            "meter_wh": 1200,
            "body": {"transactionId": 7, "meterStop": 1200},
        }
        fits: list[tuple[dict[str, str], list[str]]] = [
            ({"station": "CP2"}, ["8"]),
            ({"q": "cp1"}, ["9", "7"]),
            ({"since": "2026-03-01T13:00:00Z"}, ["9", "8"]),
            ({"until": "2026-03-01T13:00:00Z"}, ["7"]),
            ({"sort": "station"}, ["7", "9", "8"]),
            ({"station": "' OR 1=1 --"}, []),
        ]
        for asked, numbers in fits:
            assert [one["transaction"] for one in await listed(acme, STOPS, **asked)] == numbers

    @pytest.mark.usefixtures("stops")
    async def test_who_sees_which(
        self, log_in: LogIn, other: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        bergen = await log_in(Role.OPERATOR, sites=("Bergen",))
        assert [one["station"] for one in await listed(bergen, STOPS)] == ["CP2"]
        assert await listed(other, STOPS) == []
        assert (await stranger.get(STOPS)).status_code == 401
        maker = await log_in(Role.MANUFACTURER)
        assert (await maker.get(STOPS)).status_code == 403

    async def test_what_is_refused(self, acme: httpx.AsyncClient) -> None:
        for asked in ({"sort": "body"}, {"since": "yesterday"}, {"limit": 0}, {"cursor": "x"}):
            answer = await acme.get(STOPS, params=asked)
            assert answer.status_code == 400, asked
            assert answer.headers["content-type"] == "application/problem+json"


class TestCommands:
    PATH = "/api/v1/stations/CP1/commands"

    @pytest.fixture
    async def given(self, door: Door, acme: httpx.AsyncClient) -> None:
        for station in ("CP1", "CP2"):
            await door.add_station(station)
        link, _ = door.connect("CP1"), door.connect("CP2")
        await acme.post("/api/v1/stations/CP2/commands", json={"command": "clear_cache"})
        secret = {"variable": "AuthorizationKey", "value": "s3cr3t-word"}
        told = [
            ({"command": "clear_cache"}, Answer(outcome=Outcome.ACCEPTED, status="Accepted")),
            (
                {"command": "set_variables", "variables": [secret]},
                Answer(
                    outcome=Outcome.REJECTED,
                    variables=(
                        VariableResult(
                            variable="AuthorizationKey", status="Rejected", value="s3cr3t-word"
                        ),
                    ),
                ),
            ),
            ({"command": "reset"}, Answer(outcome=Outcome.ACCEPTED)),
        ]
        for command, answer in told:
            door.clock.advance(60)
            link.answer = answer
            said = await acme.post(self.PATH, json=command)
            assert said.status_code == 200, said.text

    @pytest.mark.usefixtures("given")
    async def test_newest_first_with_their_answers(self, acme: httpx.AsyncClient) -> None:
        found = await listed(acme, self.PATH)
        words = [one["command"]["command"] for one in found]
        assert words == ["reset", "set_variables", "clear_cache"]
        oldest = found[2]
        assert oldest["id"].startswith("cmd_")
        assert oldest["actor"].startswith("apikey:")
        assert (oldest["outcome"], oldest["answer"]["status"]) == ("accepted", "Accepted")
        assert oldest["asked_at"] == "2026-03-01T12:01:00Z"
        assert oldest["answered_at"].startswith("2026-03-01T12:01:00")
        fits: list[tuple[dict[str, str], list[str]]] = [
            ({"sort": "id"}, words[::-1]),
            ({"outcome": "rejected"}, ["set_variables"]),
            ({"since": "2026-03-01T12:03:00Z"}, ["reset"]),
            ({"until": "2026-03-01T12:02:00Z"}, ["clear_cache"]),
        ]
        for asked, wanted in fits:
            items = await listed(acme, self.PATH, **asked)
            assert [one["command"]["command"] for one in items] == wanted

    @pytest.mark.usefixtures("given")
    async def test_no_secret_is_told(self, acme: httpx.AsyncClient) -> None:
        answer = await acme.get(self.PATH)
        assert "s3cr3t" not in answer.text
        assert answer.json()["items"][1]["command"]["variables"][0]["value"] == "***"

    @pytest.mark.usefixtures("given")
    async def test_who_may(
        self, log_in: LogIn, other: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        assert (await other.get(self.PATH)).status_code == 404
        assert (await stranger.get(self.PATH)).status_code == 401
        assert (await (await log_in(Role.READ_ONLY)).get(self.PATH)).status_code == 403
        assert (await (await log_in(Role.OPERATOR)).get(self.PATH)).status_code == 200

    async def test_what_is_refused(self, door: Door, acme: httpx.AsyncClient) -> None:
        assert (await acme.get(self.PATH)).status_code == 404
        await door.add_station("CP1")
        for asked in ({"sort": "actor"}, {"outcome": "well"}, {"since": "x"}, {"limit": 0}):
            answer = await acme.get(self.PATH, params=asked)
            assert answer.status_code == 400, asked
            assert answer.headers["content-type"] == "application/problem+json"


class TestConnectorTypes:
    async def test_what_they_are_and_are_called(self, acme: httpx.AsyncClient) -> None:
        page = (await acme.get("/api/v1/connector-types")).json()
        found = {one["id"]: one for one in page["items"]}
        assert page["next"] is None
        nacs = found["J3400"]
        assert nacs["words"]["ocpp21"] == {"text": "cNACS", "exact": True}
        assert nacs["words"]["ocpp201"] == {"text": "cTesla", "exact": False}
        assert (await acme.get("/api/v1/connector-types/J3400")).json() == nacs
        assert (found["CCS2"]["ac"], found["CCS2"]["form"]) == (None, "cable")
        for name in ("CCS3", "ccs2", "%27"):
            gone = await acme.get(f"/api/v1/connector-types/{name}")
            assert (gone.status_code, gone.json()["code"]) == (404, "connector_type.unknown")
