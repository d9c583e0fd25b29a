"""Whatever is wrong with a request is a problem by RFC 9457, and says where."""

import dataclasses
from typing import Any

import httpx
import pytest

from forecourt.base.clock import ManualClock
from forecourt.base.context import Context
from forecourt.base.errors import Kind
from forecourt.domain.stations import Connector, Links, Station, Stations
from forecourt.edge.http import bodies, http_app
from forecourt.edge.http.errors import STATUS, TITLE, pointer
from forecourt.infra.commit import Committer
from tests.edge.http.conftest import NOW, SECRET, Door, GatewayOf, client_of

STATIONS = "/api/v1/stations"
TOKENS = "/api/v1/tokens"
COMMANDS = "/api/v1/stations/CP1/commands"

# method, path, body, status, pointer or parameter of the complaint
WRONG: list[tuple[str, str, Any, int, str | None]] = [
    ("POST", STATIONS, b"", 400, ""),
    ("POST", STATIONS, b"{nope", 400, ""),
    ("POST", STATIONS, b"[1]", 400, ""),
    ("POST", STATIONS, b'"\xff"', 400, ""),
    ("POST", STATIONS, {}, 400, "/id"),
    ("POST", STATIONS, {"id": 7}, 400, "/id"),
    ("POST", STATIONS, {"id": "CP1", "more": 1}, 400, "/more"),
    ("POST", STATIONS, {"id": "CP1", "admission": "maybe"}, 400, "/admission"),
    ("POST", STATIONS, {"id": "CP1", "site": "a\0b"}, 400, "/site"),
    ("POST", STATIONS, {"id": "CP1", "site": "x" * 201}, 400, "/site"),
    ("POST", STATIONS, {"id": "<script>alert(1)</script>"}, 400, "/id"),
    ("POST", STATIONS, {"id": "x'; DROP TABLE stations; --"}, 400, None),
    ("POST", STATIONS, {"id": " CP1"}, 400, None),
    ("GET", f"{STATIONS}?limit=0", None, 400, "limit"),
    ("GET", f"{STATIONS}?limit=1001", None, 400, "limit"),
    ("GET", f"{STATIONS}?limit=many", None, 400, "limit"),
    ("GET", f"{STATIONS}?connected=perhaps", None, 400, "connected"),
    ("GET", f"{STATIONS}?site=a%00b", None, 400, None),
    ("GET", f"{STATIONS}/a%00b", None, 400, None),
    ("GET", f"{STATIONS}/%0d%0aX-Evil:1", None, 400, None),
    ("GET", f"{STATIONS}/x'%20OR%201=1%20--", None, 404, None),
    ("GET", f"{STATIONS}/%3Cscript%3E", None, 404, None),
    ("GET", f"{STATIONS}/{'x' * 3000}", None, 404, None),
    ("POST", TOKENS, {"uid": "A", "valid_until": "2030-01-01T00:00:00"}, 400, "/valid_until"),
    ("POST", TOKENS, {"uid": "A", "valid_until": "soon"}, 400, "/valid_until"),
    ("POST", TOKENS, {"uid": "A", "sessions_max": 0}, 400, "/sessions_max"),
    ("POST", TOKENS, {"uid": "A", "sessions_max": 2**40}, 400, "/sessions_max"),
    ("PATCH", f"{TOKENS}/A", {"status": None, "uid": "B"}, 400, "/uid"),
    ("GET", "/api/v1/sessions?state=odd", None, 400, "state"),
    ("GET", "/api/v1/sessions/ses_1/readings", None, 404, None),
    ("POST", COMMANDS, {"command": "fly"}, 400, "/command"),
    ("POST", COMMANDS, {"command": "reset", "mode": "gently"}, 400, "/mode"),
    ("POST", COMMANDS, {"command": "unlock", "evse": 0}, 400, "/evse"),
    (
        "POST",
        COMMANDS,
        {"command": "set_variables", "variables": [{"variable": "a", "value": "1"}, {}]},
        400,
        "/variables/1/variable",
    ),
    ("GET", "/nothing", None, 404, None),
    ("GET", "/api/v1/nothing", None, 404, None),
    ("PUT", STATIONS, {}, 405, None),
    ("DELETE", "/", None, 405, None),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "where"), WRONG, ids=[f"{w[0]} {w[1][:40]}" for w in WRONG]
)
async def test_a_problem(
    *, acme: httpx.AsyncClient, method: str, path: str, body: Any, status: int, where: str | None
) -> None:
    kept = {"content": body} if isinstance(body, bytes) else {"json": body}
    answer = await acme.request(method, path, **(kept if body is not None else {}))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["title"]) == (status, TITLE[status])
    assert problem["type"] == f"urn:forecourt:problem:{problem['code']}"
    places = [fault.get("pointer", fault.get("parameter")) for fault in problem.get("errors", [])]
    if where is not None:
        assert places == [where], problem
        assert problem["errors"][0]["detail"]
    if status == 405:
        assert "GET" in answer.headers["allow"]


async def test_a_wrong_cursor_is_the_callers_fault(door: Door, acme: httpx.AsyncClient) -> None:
    await door.add_station("CP1")
    for cursor in ("yesterday", "2026-01-01T00:00:00", "99999-01-01T00:00:00Z"):
        answer = await acme.get(f"{STATIONS}/CP1/messages?cursor={cursor}")
        assert (answer.status_code, answer.json()["code"]) == (400, "cursor.invalid")
    assert (await acme.get(f"{STATIONS}?cursor=' OR 1=1 --")).json()["code"] == "cursor.invalid"


async def test_a_large_body_is_refused(acme: httpx.AsyncClient) -> None:
    body = b'{"id": "' + b"x" * (1 << 20) + b'"}'

    async def in_pieces() -> Any:
        for _ in range(20):
            yield body[:100_000]

    for content in (body, in_pieces()):
        answer = await acme.post(STATIONS, content=content)
        assert (answer.status_code, answer.json()["code"]) == (413, "body.too_large")


def test_every_kind_has_its_status() -> None:
    assert set(STATUS) == set(Kind)
    assert set(STATUS.values()) <= set(TITLE)


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a", "/a"), ("a[1].b", "/a/1/b"), ("a/b", "/a~1b"), ("a~b", "/a~0b"), ("[0]", "/0")],
)
def test_pointers(path: str, expected: str) -> None:
    assert pointer(path) == expected


class BrokenStations(Stations):
    """A room with a bug."""

    async def read(self, ctx: Context, station: str) -> tuple[Station, list[Connector]]:
        raise RuntimeError(f"the password of {station} is hunter2")


async def test_a_bug_of_ours_tells_nothing_but_a_trace(
    door: Door, acme: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = BrokenStations(door.db, links=Links(), secret_key=SECRET)
    rooms = dataclasses.replace(door.rooms, stations=broken)
    app = http_app(
        rooms,
        clock=ManualClock(NOW),
        db=door.db,
        gateway=GatewayOf(Links()),
        committer=Committer(door.db.raw, order=()),
    )
    async with client_of(app) as client:
        answer = await client.get(f"{STATIONS}/CP1", headers=acme.headers)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (500, "internal")
    assert "hunter2" not in answer.text
    assert len(bytes.fromhex(problem["trace"])) == 16
    assert problem["trace"] in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("tokens", {"uid": "A", "valid_until": 0}, "/valid_until"),
        ("tokens", {"uid": "A", "sessions_max": "2"}, "/sessions_max"),
        ("stations", {"id": "CP1", "lenient": 1}, "/lenient"),
        ("stations", {"id": "CP1", "lenient": "true"}, "/lenient"),
        ("tokens", [], ""),
    ],
)
async def test_a_body_is_taken_at_its_word(
    acme: httpx.AsyncClient, path: str, body: object, pointer: str
) -> None:
    answer = await acme.post(f"/api/v1/{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "request.invalid"), answer.text
    [wrong] = answer.json()["errors"]
    assert wrong["pointer"] == pointer


@pytest.mark.parametrize(
    ("path", "name"),
    [("sessions", "until"), ("power", "from"), ("audit", "since"), ("alarms", "since")],
)
async def test_a_number_is_no_moment(acme: httpx.AsyncClient, path: str, name: str) -> None:
    for said in ("10000000", "-1.5", "2026"):
        answer = await acme.get(f"/api/v1/{path}", params={name: said})
        assert (answer.status_code, answer.json()["code"]) == (400, "request.invalid"), answer.text
        [wrong] = answer.json()["errors"]
        assert wrong["parameter"] == name
    answer = await acme.get(f"/api/v1/{path}", params={name: "2026-03-01T00:00:00+01:00"})
    assert answer.status_code == 200, answer.text


async def test_what_routes_promise_is_made_out_once_for_each(acme: httpx.AsyncClient) -> None:
    """And not once for each request, to be kept for ever."""
    await acme.get("/api/v1/stations")
    before = bodies._promised.cache_info().currsize
    for _ in range(3):
        await acme.get("/api/v1/stations")
    assert bodies._promised.cache_info().currsize == before


async def test_a_list_has_no_other_format(acme: httpx.AsyncClient) -> None:
    answer = await acme.get("/api/v1/stations?format=xml")
    assert (answer.status_code, answer.json()["code"]) == (400, "format.unknown")
    assert answer.json()["errors"][0]["parameter"] == "format"
    answer = await acme.get("/api/v1/stations?format=csv&limit=many")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "limit")
    answer = await acme.get("/api/v1/stations?vendor=a%00")
    assert answer.json()["errors"][0]["parameter"] == "vendor"
