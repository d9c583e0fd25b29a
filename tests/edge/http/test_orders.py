"""Commands for many over HTTP, and the raw command's own permission."""

from datetime import timedelta

import httpx
import pytest

from forecourt.domain.stations import Raw
from forecourt.domain.tenants import Scope
from tests.edge.http.conftest import NOW, Door


class TestOrders:
    async def test_from_placed_to_cancelled(self, door: Door, acme: httpx.AsyncClient) -> None:
        for name in ("CP1", "CP2", "CP3"):
            await door.add_station(name)
        body = {
            "command": {"command": "reset", "mode": "hard"},
            "stations": ["CP1", "CP2", "CP3"],
            "at_once_max": 5,
            "queue": True,
            "expires_at": (NOW + timedelta(days=1)).isoformat(),
        }
        placed = await acme.post("/api/v1/commands", json=body)
        assert placed.status_code == 202
        order = placed.json()
        assert order["command"] == {"command": "reset", "mode": "hard", "evse": None}
        assert order["progress"] == {
            "total": 3,
            "waiting": 3,
            "sent": 0,
            "settled": 0,
            "outcomes": {},
        }
        path = f"/api/v1/commands/{order['id']}"
        page = (await acme.get(path, params={"limit": 2})).json()
        assert [line["station"] for line in page["items"]] == ["CP1", "CP2"]
        rest = (await acme.get(path, params={"cursor": page["next"]})).json()
        assert [line["station"] for line in rest["items"]] == ["CP3"]
        assert rest["next"] is None
        ended = (await acme.delete(path)).json()
        assert ended["progress"]["outcomes"] == {"cancelled": 3}
        (listed,) = (await acme.get("/api/v1/commands")).json()["items"]
        assert listed["cancelled_at"] is not None

    async def test_another_tenant_sees_none(
        self, door: Door, acme: httpx.AsyncClient, other: httpx.AsyncClient
    ) -> None:
        await door.add_station("CP1")
        body = {"command": {"command": "clear_cache"}, "filter": {}}
        order = (await acme.post("/api/v1/commands", json=body)).json()
        path = f"/api/v1/commands/{order['id']}"
        assert (await other.get(path)).status_code == 404
        assert (await other.delete(path)).json()["code"] == "command.unknown"
        assert (await other.get("/api/v1/commands")).json()["items"] == []
        assert (await other.post("/api/v1/commands", json=body)).json()["code"] == "command.invalid"

    @pytest.mark.parametrize(
        "change",
        [
            {"command": {"command": "start", "token": "CARD"}},
            {"command": {"command": "stop", "transaction": "1"}},
            {"command": {"command": "no_such_command"}},
            {"stations": ["CP9"]},
            {"stations": []},
            {"filter": {}},
            {"at_once_max": 0},
            {"queue": True},
            {"command": {"command": "get_log", "location": "ftp://me:secret@files.example"}},
        ],
    )
    async def test_what_cannot_be(
        self, door: Door, acme: httpx.AsyncClient, change: dict[str, object]
    ) -> None:
        await door.add_station("CP1")
        body = {"command": {"command": "clear_cache"}, "stations": ["CP1"], **change}
        assert (await acme.post("/api/v1/commands", json=body)).status_code == 400


class TestRaw:
    async def test_a_key_without_the_scope_may_not(
        self, door: Door, acme: httpx.AsyncClient
    ) -> None:
        await door.add_station("CP1")
        link = door.connect("CP1")
        raw = {"command": "raw", "action": "ClearCache", "payload": {}}
        refused = await acme.post("/api/v1/stations/CP1/commands", json=raw)
        assert (refused.status_code, refused.json()["code"]) == (403, "scope.missing")
        many = {"command": raw, "stations": ["CP1"]}
        assert (await acme.post("/api/v1/commands", json=many)).status_code == 403
        assert link.asked == []

    async def test_a_key_with_the_scope_may(self, door: Door) -> None:
        await door.add_station("CP1")
        link = door.connect("CP1")
        key = await door.rooms.tenants.add_key(door.ctx(), "bench", scopes=[Scope.RAW])
        raw = {"command": "raw", "action": "ClearCache", "payload": {}}
        async with door.client(key.secret) as client:
            answered = await client.post("/api/v1/stations/CP1/commands", json=raw)
        assert answered.status_code == 200
        assert link.asked == [Raw(action="ClearCache")]
