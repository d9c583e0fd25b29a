"""Lists: sorted, searched, and as a file. The walks find a new list by themselves."""

import csv
import io
from typing import Any, Final

import httpx
import pytest
from asyncpg import connect

from forecourt.base.ids import StationId
from forecourt.domain.access import NewToken
from forecourt.domain.stations import NewStation
from forecourt.domain.stations.api import StationView
from forecourt.domain.tenants import Role
from forecourt.edge.http.export import cell, columns_of
from tests.edge.http import rows
from tests.edge.http.conftest import NOW, Door, LogIn
from tests.edge.http.described import described
from tests.edge.http.test_auth import PARAMETERS

pytestmark = pytest.mark.storage

CSV: Final = "text/csv"


def read(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.headers["content-type"].startswith(CSV), answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


def filled(path: str) -> str:
    for name, value in PARAMETERS.items():
        path = path.replace(name, value)
    return path


def lists() -> list[tuple[str, Any]]:
    """Each route that answers with a page, whatever it calls itself."""
    document = described()
    found = []
    for path, operations in document["paths"].items():
        operation = operations.get("get")
        if operation is None or not path.startswith("/api/v1"):
            continue
        content = operation["responses"].get("200", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        assert schema is None or schema.get("type") != "array", f"{path} is no page"
        if schema is not None and "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            listed = schema.get("properties", {})
            if listed.get("items", {}).get("type") != "array":
                continue
            # Of the power, the times between which it is a list take the place of pages.
            assert "next" in listed or operation["operationId"] == "read_power", path
            asked = {parameter["name"] for parameter in operation.get("parameters", [])}
            parts = {"limit", "cursor", "sort"} & asked
            assert len(parts) in {0, 3}, f"{path} is whole, or has pages in some order"
            found.append((filled(path), operation))
    assert len(found) > 30
    return found


@pytest.fixture
async def owner(log_in: LogIn) -> httpx.AsyncClient:
    """Who may see every list."""
    return await log_in(Role.OWNER)


@pytest.fixture
async def addresses(
    door: Door, owner: httpx.AsyncClient, database_url: str
) -> list[tuple[str, Any]]:
    """Every list, with something for its address to be about."""
    await door.add_station("CP1")
    conn = await connect(database_url)
    await rows.session(conn, PARAMETERS["{session_id}"], NOW)
    await rows.webhook(conn, PARAMETERS["{webhook_id}"], NOW)
    await conn.close()
    body = {"command": {"command": "reset"}, "stations": ["CP1"]}
    order = (await owner.post("/api/v1/commands", json=body)).json()
    below = (await owner.post("/api/v1/tenants", json={"name": "Host"})).json()
    made = {"{order_id}": order["id"], "{tenant_id}": below["id"]}
    found = lists()
    for name, value in made.items():
        found = [(path.replace(name, value), operation) for path, operation in found]
    return found


async def test_every_list_is_a_file_too(
    owner: httpx.AsyncClient, addresses: list[tuple[str, Any]]
) -> None:
    for address, operation in addresses:
        assert CSV in operation["responses"]["200"]["content"], operation["operationId"]
        whole = await owner.get(address)
        assert whole.status_code == 200, (address, whole.text)
        asked = await owner.get(address, params={"format": "csv"})
        accepted = await owner.get(address, headers={"Accept": CSV})
        assert asked.text == accepted.text
        said = whole.json()
        assert len(read(asked)) == len(said["items"]), address
        assert len(asked.text.splitlines()[0].split(",")) > 1, "a header, even of an empty list"
        assert asked.headers["content-disposition"].endswith('.csv"')
        assert asked.headers["x-content-type-options"] == "nosniff"


async def test_every_order_that_is_described_is_one(
    owner: httpx.AsyncClient, addresses: list[tuple[str, Any]]
) -> None:
    tried = 0
    for address, operation in addresses:
        for parameter in operation.get("parameters", []):
            if parameter["name"] == "sort":
                for sort in parameter["schema"]["enum"]:
                    answer = await owner.get(address, params={"sort": sort, "limit": 1})
                    assert answer.status_code == 200, (address, sort, answer.text)
                    tried += 1
                wrong = await owner.get(address, params={"sort": "password"})
                assert (wrong.status_code, wrong.json()["code"]) == (400, "sort.unknown")
            if parameter["name"] == "q":
                for q in ("nobody", "100%_'\\", "☃" * 50, " "):
                    answer = await owner.get(address, params={"q": q})
                    assert answer.status_code == 200, (address, q, answer.text)
                assert (await owner.get(address, params={"q": "x" * 300})).status_code == 400
                assert (await owner.get(address, params={"q": "\0"})).status_code == 400
    assert tried > 50


async def ids(client: httpx.AsyncClient, path: str) -> list[str]:
    answer = await client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    return [item.get("id") or item["uid"] for item in answer.json()["items"]]


class TestStations:
    @pytest.fixture(autouse=True)
    async def four(self, door: Door) -> None:
        for name, site in (("CP1", "Hof"), ("CP2", "Bern"), ("CP3", "Hof"), ("AB-9", "=cmd()")):
            await door.rooms.stations.add(door.ctx(), NewStation(id=StationId(name), site=site))

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("sort=-id", ["CP3", "CP2", "CP1", "AB-9"]),
            ("sort=site", ["AB-9", "CP2", "CP1", "CP3"]),
            ("sort=-site", ["CP3", "CP1", "CP2", "AB-9"]),
            ("q=hof", ["CP1", "CP3"]),
            ("q=cp+hof", ["CP1", "CP3"]),
            ("q=b-9", ["AB-9"]),
            ("q=hof&sort=-id", ["CP3", "CP1"]),
            ("q=hof&site=Bern", []),
            ("admission=blocked", []),
            ("vendor=", ["AB-9", "CP1", "CP2", "CP3"]),
            ("firmware=1.0", []),
        ],
    )
    async def test_sorted_and_searched(
        self, acme: httpx.AsyncClient, query: str, found: list[str]
    ) -> None:
        assert await ids(acme, f"stations?{query}") == found

    async def test_a_cursor_belongs_to_its_order(self, acme: httpx.AsyncClient) -> None:
        first = (await acme.get("/api/v1/stations?sort=-site&limit=1")).json()
        assert [item["id"] for item in first["items"]] == ["CP3"]
        path = f"stations?cursor={first['next']}"
        assert await ids(acme, f"{path}&sort=-site") == ["CP1", "CP2", "AB-9"]
        for other in ("", "&sort=site", "&sort=id"):
            answer = await acme.get(f"/api/v1/{path}{other}")
            assert (answer.status_code, answer.json()["code"]) == (400, "cursor.invalid")

    async def test_a_formula_is_text(self, acme: httpx.AsyncClient) -> None:
        found = read(await acme.get("/api/v1/stations?format=csv&q=ab-9"))
        assert [(row["id"], row["site"]) for row in found] == [("AB-9", "'=cmd()")]
        assert (found[0]["connected"], found[0]["booted_at"]) == ("false", "")
        assert found[0]["security_profile"] == "0"

    async def test_a_file_is_within_the_same_walls(
        self, acme: httpx.AsyncClient, other: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        assert read(await other.get("/api/v1/stations?format=csv")) == []
        refused = await stranger.get("/api/v1/stations?format=csv")
        assert (refused.status_code, refused.json()["code"]) == (401, "apikey.missing")
        wrong = await acme.get("/api/v1/stations?format=csv&sort=password")
        assert (wrong.status_code, wrong.json()["code"]) == (400, "sort.unknown")
        missing = await acme.get("/api/v1/stations/CP9/messages?format=csv")
        assert (missing.status_code, missing.json()["code"]) == (404, "station.unknown")
        for page in ("&limit=1", "&cursor=nonsense"):
            assert len(read(await acme.get(f"/api/v1/stations?format=csv{page}"))) == 4
        assert (await acme.get("/api/v1/stations?format=json")).json()["next"] is None

    async def test_whoever_takes_anything_gets_json(self, acme: httpx.AsyncClient) -> None:
        for accept in ("*/*", "application/json, text/csv;q=0.5", "text/html,*/*;q=0.8"):
            answer = await acme.get("/api/v1/stations", headers={"Accept": accept})
            assert answer.headers["content-type"].startswith("application/json")


async def test_who_may_not_see_a_list_gets_no_file_of_it(door: Door, log_in: LogIn) -> None:
    for name, site in (("CP1", "Berlin"), ("CP2", "Oslo")):
        await door.rooms.stations.add(door.ctx(), NewStation(id=StationId(name), site=site))
    host = await log_in(Role.OPERATOR, sites=("Oslo",))
    found = read(await host.get("/api/v1/stations?format=csv"))
    assert [row["id"] for row in found] == ["CP2"]
    assert (await host.get("/api/v1/users?format=csv")).status_code == 403


async def test_a_file_has_all_pages(door: Door, acme: httpx.AsyncClient) -> None:
    new = [NewStation(id=StationId(f"CP{n:05}")) for n in range(2_500)]
    await door.rooms.stations.add_many(door.ctx(), new)
    found = read(await acme.get("/api/v1/stations?format=csv&sort=-id"))
    assert [row["id"] for row in found] == [f"CP{n:05}" for n in reversed(range(2_500))]


async def test_the_trail_is_a_file(acme: httpx.AsyncClient) -> None:
    await acme.post("/api/v1/tokens", json={"uid": "A", "label": "-1+1"})
    [deed] = read(await acme.get("/api/v1/audit?format=csv"))
    assert (deed["action"], deed["seq"], len(deed["hash"])) == ("add_token", "1", 64)
    [token] = read(await acme.get("/api/v1/tokens?format=csv"))
    assert (token["label"], token["sessions_max"]) == ("'-1+1", "1")


async def test_tokens_are_searched(door: Door, acme: httpx.AsyncClient) -> None:
    for uid, label, group in (("04AB", "Anna", "fleet"), ("04CD", "Ben", ""), ("99", "", "fleet")):
        await door.rooms.access.add(door.ctx(), NewToken(uid=uid, label=label, group=group))
    for query, found in (
        ("q=04ab", ["04AB"]),
        ("q=FLEET", ["04AB", "99"]),
        ("q=ben", ["04CD"]),
        ("group=fleet&sort=-uid", ["99", "04AB"]),
        ("sort=-label", ["04CD", "04AB", "99"]),
        ("status=blocked", []),
    ):
        assert await ids(acme, f"tokens?{query}") == found


async def test_sessions_are_found_by_what_their_names_begin_with(
    acme: httpx.AsyncClient, database_url: str
) -> None:
    conn = await connect(database_url)
    await rows.session(conn, "ses_1", NOW, station="CP1", token="AB12")
    await rows.session(conn, "ses_2", NOW, station="CP2", token="CD34", state="ended")
    await conn.close()
    for query, found in (
        ("q=ab1", ["ses_1"]),
        ("q=CP", ["ses_2", "ses_1"]),
        ("q=P2", []),
        ("q=tx-ses_2", ["ses_2"]),
        ("q=ses_1", ["ses_1"]),
        ("token=cd34", ["ses_2"]),
        ("sort=id", ["ses_1", "ses_2"]),
        ("sort=-station", ["ses_2", "ses_1"]),
        ("since=2026-03-01T12:00:00Z", ["ses_2", "ses_1"]),
        ("until=2026-03-01T12:00:00Z", []),
    ):
        assert await ids(acme, f"sessions?{query}") == found, query


class TestCells:
    @pytest.mark.parametrize(
        ("value", "said"),
        [
            (None, ""),
            (True, "true"),
            (-5, "-5"),
            (1.5, "1.5"),
            ("-5", "'-5"),
            ("@sum", "'@sum"),
            ("\t=1", "'\t=1"),
            ("a=b", "a=b"),
            (["a", "b"], '["a","b"]'),
            ({"a": 1}, '{"a":1}'),
        ],
    )
    def test_values(self, value: object, said: str) -> None:
        assert cell(value) == said

    def test_columns_are_those_of_the_view(self) -> None:
        found = [".".join(way) for way in columns_of(StationView)]
        assert found[0] == "id"
        assert "connectors" in found
