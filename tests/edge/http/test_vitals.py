"""Health, readiness, metrics, the description and the page: what is there without a key."""

import base64
import subprocess
import sys
from pathlib import Path

import httpx
import jsonschema  # type: ignore[import-untyped]  # it ships no types
import pytest
from asyncpg import connect
from prometheus_client.parser import text_string_to_metric_families

from forecourt.base.clock import ManualClock
from forecourt.domain.stations import Arrival, Entry, Links
from forecourt.edge.http import http_app
from forecourt.infra.commit import Committer
from forecourt.infra.database import Database
from tests.edge.http import rows
from tests.edge.http.conftest import NOW, Door, GatewayOf, client_of, rooms_on

ROOT = Path(__file__).parents[3]


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"me:{key}".encode()).decode()}


def figures(text: str) -> dict[str, float]:
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_a_house_that_is_well(
    door: Door, stranger: httpx.AsyncClient, database_url: str
) -> None:
    await door.add_station("CP1")
    door.connect("CP1")
    conn = await connect(database_url)
    await rows.session(conn, "ses_1", NOW)
    await conn.close()
    assert (await stranger.get("/healthz")).json()["status"] == "ok"
    ready = await stranger.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "reasons": []})

    door.rooms.webhooks.counts.delivered, door.rooms.webhooks.counts.failed = 7, 2
    door.committer.stats.batches, door.committer.stats.units = 2, 5
    metrics = await stranger.get("/metrics")
    assert metrics.headers["content-type"] == "text/plain; version=1.0.0; charset=utf-8"
    found = figures(metrics.text)
    expected = {
        "forecourt_stations_connected": 1,
        "forecourt_stations_known": 1,
        "forecourt_sessions_running": 1,
        "forecourt_wire_malformed_total": 3,
        "forecourt_quirks_total": 2,
        "forecourt_commit_batches_total": 2,
        "forecourt_commit_messages_total": 5,
        "forecourt_commit_waiting": 0,
        "forecourt_database_up": 1,
        "forecourt_webhook_deliveries_waiting": 0,
        "forecourt_webhook_delivered_total": 7,
        "forecourt_webhook_attempts_failed_total": 2,
    }
    assert {name: found[name] for name in expected} == expected


async def test_the_metrics_count_all_tenants(
    door: Door, stranger: httpx.AsyncClient, database_url: str
) -> None:
    for name, tenant in (("CP1", "acme"), ("CP2", "other"), ("CP3", "other")):
        await door.add_station(name, tenant)
    conn = await connect(database_url)
    await rows.session(conn, "ses_1", NOW)
    await rows.session(conn, "ses_2", NOW, tenant="other", station="CP2")
    await conn.close()
    page = (await stranger.get("/metrics")).text
    found = figures(page)
    assert found["forecourt_stations_known"] == 3
    assert found["forecourt_sessions_running"] == 2
    # Nobody learns from it who our tenants are.
    assert "acme" not in page
    assert '"other"' not in page


async def test_commits_that_wait_make_it_not_ready(door: Door, stranger: httpx.AsyncClient) -> None:
    door.committer.away = True
    answer = await stranger.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "reasons": ["commits wait for the database"]}


async def test_a_house_that_stops_is_not_ready(door: Door, stranger: httpx.AsyncClient) -> None:
    door.gateway.accepting = False
    answer = await stranger.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (503, False)


async def test_without_a_database_it_lives_and_is_not_ready() -> None:
    db = Database("postgresql://nobody@127.0.0.1:1/nothing", pool_size=1)
    app = http_app(
        rooms_on(db, Links()),
        clock=ManualClock(NOW),
        db=db,
        gateway=GatewayOf(Links()),
        committer=Committer(db.raw, order=()),
    )
    async with client_of(app) as client:
        assert (await client.get("/healthz")).status_code == 200
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["reasons"]) == (
            503,
            ["the database does not answer"],
        )
        found = figures((await client.get("/metrics")).text)
        assert found["forecourt_database_up"] == 0
        assert "forecourt_sessions_running" not in found
        assert "not ready" in (await client.get("/status")).text
        asked = await client.get("/api/v1/stations", headers={"X-API-Key": "fck_x"})
        assert (asked.status_code, asked.json()["code"]) == (503, "database.away")
    await db.close()


class TestPage:
    async def test_a_stranger_sees_that_it_runs(
        self, door: Door, stranger: httpx.AsyncClient
    ) -> None:
        await door.add_station("CP-SECRET")
        page = await stranger.get("/status")
        assert page.status_code == 200
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "ready" in page.text
        assert "forecourt apikey add" in page.text
        assert "CP-SECRET" not in page.text
        assert "stations connected" not in page.text

    async def test_a_browser_is_asked_for_the_key(
        self, acme: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        key = acme.headers["authorization"].removeprefix("Bearer ")
        for headers in ({}, basic("fck_wrong"), {"Authorization": "Basic %%%"}):
            asked = await stranger.get("/signin", headers=headers)
            assert asked.status_code == 401
            assert asked.headers["www-authenticate"].startswith("Basic")
        there = await stranger.get("/signin", headers=basic(key))
        assert there.headers["location"] == "/status"
        assert "sessions running" in (await stranger.get("/status", headers=basic(key))).text
        assert (await stranger.get("/status", headers=basic("fck_wrong"))).status_code == 401

    async def test_texts_from_outside_are_text(
        self, door: Door, acme: httpx.AsyncClient, database_url: str
    ) -> None:
        station = await door.add_station("CP1")
        arrival = Arrival(station=station, protocol="ocpp1.6", at=NOW, entry=Entry(profile=0))
        await door.rooms.stations.connect([arrival], "gateway-1")
        evil = "<script>alert(1)</script>"
        conn = await connect(database_url)
        await conn.execute("UPDATE stations SET vendor = $1, model = '\"><img src=x>'", evil)
        await rows.session(conn, "ses_1", NOW, token=evil)
        await conn.close()
        page = await acme.get("/status")
        assert "CP1" in page.text
        assert page.text.count("&lt;script&gt;") == 2
        assert "<script" not in page.text
        assert "<img" not in page.text
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy


class TestDescription:
    async def test_it_is_openapi(self, stranger: httpx.AsyncClient) -> None:
        found = (await stranger.get("/schema/openapi.json")).json()
        assert found["openapi"].startswith("3.1")
        for path, operations in found["paths"].items():
            for operation in operations.values():
                secured = operation.get("security") == [{"apiKey": []}]
                open_to_all = path.startswith("/api/v1/login") or path.endswith("/setup")
                assert secured is (path.startswith("/api/") and not open_to_all), path
                named = operation["responses"]["default"]["$ref"].rpartition("/")[2]
                default = found["components"]["responses"][named]
                assert "application/problem+json" in default["content"]
        assert (await stranger.get("/schema")).json() == found

    async def test_answers_are_as_described(
        self, door: Door, acme: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        found = (await stranger.get("/schema/openapi.json")).json()
        await door.add_station("CP1")
        for path, name in (
            ("/api/v1/stations", "StationPage"),
            ("/api/v1/stations/CP1", "StationView"),
            ("/api/v1/nothing", "Problem"),
        ):
            schema = {"$ref": f"#/components/schemas/{name}", "components": found["components"]}
            jsonschema.Draft202012Validator(schema).validate((await acme.get(path)).json())

    def test_the_committed_document_is_what_the_code_says(self) -> None:
        tool = ROOT / "tools" / "generate_openapi.py"
        done = subprocess.run(
            [sys.executable, tool, "--check"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/metrics", "/schema/openapi.json"])
async def test_nothing_may_be_sniffed_or_kept(stranger: httpx.AsyncClient, path: str) -> None:
    answer = await stranger.get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
