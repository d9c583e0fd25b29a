"""Settings: what a tenant may set, and where stations are told to dial."""

import httpx
import pytest

from forecourt.domain.tenants import Role
from forecourt.edge.http.settings import Facts, ocpp_door
from tests.edge.http.conftest import LogIn

PATH = "/api/v1/settings"


async def test_seen_and_changed(
    log_in: LogIn, acme: httpx.AsyncClient, other: httpx.AsyncClient
) -> None:
    owner = await log_in(Role.OWNER)
    before = (await owner.get(PATH)).json()
    assert (before["tenant"], before["name"], before["time_zone"]) == ("acme", "acme", "UTC")
    assert before["retention"]["messages_days"] == 14
    change = {
        "name": "Acme Ltd",
        "time_zone": "Europe/Berlin",
        "ocpp_url": "wss://ocpp.acme.example",
    }
    after = (await owner.patch(PATH, json=change)).json()
    assert after == {**before, **change, "ocpp": after["ocpp"]}
    assert (after["ocpp"]["url"], after["ocpp"]["chosen"]) == ("wss://ocpp.acme.example/", True)
    assert (await acme.get(PATH)).json() == after
    assert (await other.get(PATH)).json()["name"] == "other"
    [deed] = (await owner.get("/api/v1/audit?action=change_settings")).json()["items"]
    assert "Europe/Berlin" in deed["after"]
    assert '"UTC"' in deed["before"]


@pytest.mark.parametrize(
    "change",
    [
        {"time_zone": "Mars/Olympus"},
        {"time_zone": ""},
        {"name": ""},
        {"ocpp_url": "https://ocpp.example"},
        {"ocpp_url": "ws://"},
        {"ocpp_url": "ws://x?y=1"},
        {"retention": {"messages_days": 1}},
    ],
)
async def test_what_cannot_be(log_in: LogIn, change: dict[str, object]) -> None:
    owner = await log_in(Role.OWNER)
    assert (await owner.patch(PATH, json=change)).status_code == 400


async def test_who_may_not(log_in: LogIn, acme: httpx.AsyncClient) -> None:
    operator = await log_in(Role.OPERATOR)
    assert (await operator.get(PATH)).status_code == 200
    assert (await operator.patch(PATH, json={"name": "X"})).status_code == 403
    assert (await acme.patch(PATH, json={"name": "X"})).status_code == 403


@pytest.mark.parametrize(
    ("urls", "chosen", "host", "url"),
    [
        (["ws://0.0.0.0:9220"], "", "csms.example", "ws://csms.example:9220/"),
        (["ws://0.0.0.0:9220", "wss://0.0.0.0:9221"], "", "10.0.0.5", "wss://10.0.0.5:9221/"),
        (["ws://0.0.0.0:9220"], "", "::1", "ws://[::1]:9220/"),
        (["ws://0.0.0.0:9220"], "wss://x.example/ocpp", "y", "wss://x.example/ocpp/"),
        ([], "", "csms.example", ""),
    ],
)
def test_where_stations_dial(urls: list[str], chosen: str, host: str, url: str) -> None:
    door = ocpp_door(chosen, Facts(ocpp_urls=urls), host)
    assert door.url == url
    assert door.tls is url.startswith("wss")
