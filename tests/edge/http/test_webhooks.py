"""Webhooks over HTTP: what can be made, what is told of it, what is refused, and who may."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from forecourt.domain.tenants import Role
from tests.edge.http.conftest import Door, LogIn

URL = "https://hooks.example.com/in"


async def make(client: httpx.AsyncClient, **given: Any) -> dict[str, Any]:
    answer = await client.post("/api/v1/webhooks", json={"url": URL, **given})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def deliver(door: Door, webhook: str, *states: str, tenant: str = "acme") -> None:
    """Rows as the feeder and the sender leave them."""
    async with door.db.house_unit() as unit:
        for seq, state in enumerate(states, start=1):
            names = {"webhook": webhook, "seq": seq, "state": state, "tenant": tenant}
            await unit.conn.execute(
                text(
                    "INSERT INTO webhook_deliveries (endpoint_id, seq, tenant_id, type, subject,"
                    " at, state, attempts, next_at, settled_at, status) SELECT :webhook, :seq,"
                    " :tenant, 'station.added', 'CP1', at, :state, 1, at,"
                    " CASE WHEN :state IN ('waiting', 'sending') THEN NULL ELSE at END, 200"
                    " FROM events ORDER BY seq LIMIT 1"
                ),
                names,
            )
            await unit.conn.execute(
                text(
                    "INSERT INTO webhook_attempts SELECT :webhook, :seq, 1, :tenant, at, 12, 200,"
                    " '', 'fine' FROM events ORDER BY seq LIMIT 1"
                ),
                names,
            )


async def test_an_endpoint_s_life(acme: httpx.AsyncClient) -> None:
    made = await make(
        acme,
        description="ERP",
        types=["session.ended", "alarm."],
        secret_headers={"Authorization": "Bearer hunter2"},
    )
    secret, hook = made["secret"], made["webhook"]
    assert secret.startswith("whsec_")
    assert hook["enabled"]
    assert (hook["url"], hook["types"]) == (URL, ["session.ended", "alarm."])
    assert hook["header_names"] == ["Authorization"]
    path = f"/api/v1/webhooks/{hook['id']}"
    read = await acme.get(path)
    assert read.json()["health"] == {
        "waiting": 0,
        "delivered": 0,
        "failed": 0,
        "oldest_waiting_at": None,
        "latency_ms": None,
    }
    listed = (await acme.get("/api/v1/webhooks")).json()
    assert [one["id"] for one in listed["items"]] == [hook["id"]]
    changed = (await acme.patch(path, json={"enabled": False, "sites": ["Oslo"]})).json()
    assert (changed["enabled"], changed["disabled_by"]) == (False, "person")
    assert changed["sites"] == ["Oslo"]
    assert changed["types"] == ["session.ended", "alarm."]
    again = (await acme.patch(path, json={"enabled": True, "types": []})).json()
    assert (again["enabled"], again["disabled_by"], again["types"]) == (True, None, [])
    rotated = (await acme.post(f"{path}/secret")).json()
    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != secret
    assert rotated["webhook"]["old_secret_until"] == "2026-03-02T12:00:00Z"
    everything = read.text + str(listed) + str(changed) + str(again)
    assert "hunter2" not in everything
    assert secret not in everything
    assert (await acme.delete(path)).status_code == 204
    assert (await acme.get(path)).json()["code"] == "webhook.unknown"


async def test_neither_secret_nor_header_is_in_the_trail(log_in: LogIn) -> None:
    owner = await log_in(Role.OWNER)
    made = await make(owner, secret_headers={"X-Token": "hunter2"})
    path = f"/api/v1/webhooks/{made['webhook']['id']}"
    rotated = (await owner.post(f"{path}/secret")).json()
    await owner.patch(path, json={"secret_headers": {"X-Token": "hunter3"}, "enabled": False})
    trail = (await owner.get("/api/v1/audit")).json()["items"]
    assert [one["action"] for one in trail] == [
        "change_webhook",
        "rotate_webhook_secret",
        "add_webhook",
    ]
    assert '"enabled": true' in trail[0]["before"]
    assert '"enabled": false' in trail[0]["after"]
    for secret in ("hunter2", "hunter3", made["secret"], rotated["secret"]):
        assert secret not in str(trail)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"url": "http://hooks.example.com/"}, "outbound.refused"),
        ({"url": "https://10.1.2.3/"}, "outbound.refused"),
        ({"url": "https://[::1]/"}, "outbound.refused"),
        ({"url": "https://[::ffff:169.254.169.254]/"}, "outbound.refused"),
        ({"url": "https://a:b@hooks.example.com/"}, "outbound.refused"),
        ({"url": "https://hooks.example.com:22/"}, "outbound.refused"),
        ({"url": "https://hooks.example.com:6667/"}, "outbound.refused"),
        ({"url": "file:///etc/passwd"}, "outbound.refused"),
        ({"url": "nonsense"}, "outbound.refused"),
        ({"url": ""}, "request.invalid"),
        ({"url": "https://x/\n"}, "request.invalid"),
        ({"url": "https://" + "a" * 2_000}, "request.invalid"),
        ({"types": ["session"]}, "webhook.invalid"),
        ({"types": ["session.*"]}, "webhook.invalid"),
        ({"types": ["'; DROP TABLE events; --"]}, "webhook.invalid"),
        ({"secret_headers": {"Host": "x"}}, "webhook.invalid"),
        ({"secret_headers": {"X": "a\r\nHost: b"}}, "webhook.invalid"),
        ({"secret": "mine"}, "request.invalid"),
    ],
)
async def test_what_no_endpoint_is_made_of(
    acme: httpx.AsyncClient, given: dict[str, Any], code: str
) -> None:
    answer = await acme.post("/api/v1/webhooks", json={"url": URL, **given})
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await acme.get("/api/v1/webhooks")).json()["items"] == []


async def test_the_log(door: Door, acme: httpx.AsyncClient) -> None:
    await door.add_station("CP1")
    hook = (await make(acme))["webhook"]
    await deliver(door, hook["id"], "delivered", "failed", "waiting", "sending", "delivered")
    path = f"/api/v1/webhooks/{hook['id']}/deliveries"
    first = (await acme.get(path, params={"limit": 2})).json()
    assert [one["id"] for one in first["items"]] == ["evt_5", "evt_4"]
    rest = (await acme.get(path, params={"cursor": first["next"]})).json()
    assert [one["id"] for one in rest["items"]] == ["evt_3", "evt_2", "evt_1"]
    assert rest["next"] is None
    failed = (await acme.get(path, params={"state": "failed"})).json()["items"]
    assert [one["id"] for one in failed] == ["evt_2"]
    assert (await acme.get(path, params={"type": "session.ended"})).json()["items"] == []
    assert (await acme.get(path, params={"state": "lost"})).status_code == 400
    assert (await acme.get(path, params={"cursor": "x"})).json()["code"] == "cursor.invalid"
    one = (await acme.get(f"{path}/evt_1")).json()
    assert one["tries"] == [
        {
            "number": 1,
            "at": "2026-03-01T12:00:00Z",
            "latency_ms": 12,
            "status": 200,
            "error": "",
            "answer": "fine",
        }
    ]
    assert '"type":"station.added"' in one["body"]
    assert one["next_at"] is None
    health = (await acme.get(f"/api/v1/webhooks/{hook['id']}")).json()["health"]
    assert (health["waiting"], health["delivered"], health["failed"]) == (2, 2, 1)
    assert health["latency_ms"] == 12
    for message in ("evt_9", "evt_", "x", "evt_" + "9" * 30):
        assert (await acme.get(f"{path}/{message}")).json()["code"] == "delivery.unknown"


async def test_sending_again(door: Door, acme: httpx.AsyncClient) -> None:
    await door.add_station("CP1")
    hook = (await make(acme))["webhook"]
    await deliver(door, hook["id"], "failed")
    path = f"/api/v1/webhooks/{hook['id']}"
    again = await acme.post(f"{path}/deliveries/evt_1/replay")
    assert (again.status_code, again.json()["state"]) == (202, "waiting")
    span = {
        "since": (door.clock.now() - timedelta(hours=1)).isoformat(),
        "until": (door.clock.now() + timedelta(hours=1)).isoformat(),
    }
    ranged = await acme.post(f"{path}/replay", json=span)
    assert ranged.status_code == 202
    assert ranged.json()["deliveries"] >= 1
    wrong = {"since": span["until"], "until": span["since"]}
    assert (await acme.post(f"{path}/replay", json=wrong)).json()["code"] == "webhook.invalid"
    assert (await acme.post(f"{path}/ping")).status_code == 202
    await acme.patch(path, json={"enabled": False})
    for asked in ("ping", "deliveries/evt_1/replay"):
        answer = await acme.post(f"{path}/{asked}")
        assert (answer.status_code, answer.json()["code"]) == (409, "webhook.off")


async def test_another_tenant_s_endpoint_is_unknown(
    door: Door, acme: httpx.AsyncClient, other: httpx.AsyncClient
) -> None:
    await door.add_station("CP1")
    hook = (await make(acme))["webhook"]
    await deliver(door, hook["id"], "delivered")
    path = f"/api/v1/webhooks/{hook['id']}"
    assert (await other.get("/api/v1/webhooks")).json()["items"] == []
    for method, at in (
        ("GET", path),
        ("PATCH", path),
        ("DELETE", path),
        ("POST", f"{path}/secret"),
        ("POST", f"{path}/ping"),
        ("GET", f"{path}/deliveries"),
        ("GET", f"{path}/deliveries/evt_1"),
        ("POST", f"{path}/deliveries/evt_1/replay"),
    ):
        answer = await other.request(method, at, json={} if method == "PATCH" else None)
        assert answer.status_code == 404, (method, at, answer.text)


async def test_who_may(log_in: LogIn) -> None:
    body = {"url": URL}
    for role in Role:
        client = await log_in(role)
        allowed = role in (Role.OWNER, Role.OPERATOR)
        assert (await client.get("/api/v1/webhooks")).status_code == (200 if allowed else 403)
        assert (await client.get("/api/v1/event-types")).status_code == (200 if allowed else 403)
        made = await client.post("/api/v1/webhooks", json=body)
        assert made.status_code == (201 if allowed else 403)


async def test_who_is_bound_to_sites_hears_of_these_alone(log_in: LogIn) -> None:
    host = await log_in(Role.OPERATOR, sites=("Oslo",))
    for sites in ([], ["Bergen"], ["Oslo", "Bergen"]):
        answer = await host.post("/api/v1/webhooks", json={"url": URL, "sites": sites})
        assert (answer.status_code, answer.json()["code"]) == (403, "scope.outside")
    hook = (await make(host, sites=["Oslo"]))["webhook"]
    assert (await host.post(f"/api/v1/webhooks/{hook['id']}/ping")).status_code == 202


async def test_the_catalogue(acme: httpx.AsyncClient) -> None:
    types = (await acme.get("/api/v1/event-types")).json()["items"]
    ended = next(one for one in types if one["type"] == "session.ended")
    assert ended["group"] == "session"
    assert ended["example"]["data"]["energy_wh"] == 23_450
    assert "$defs" in ended["data_schema"]
