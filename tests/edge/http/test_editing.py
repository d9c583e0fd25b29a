"""Entity tags: two editors never both win, and whoever has it already is sent nothing."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from forecourt.domain.tenants import ApiKey, NewUser, Role
from forecourt.edge.http import document
from forecourt.edge.http.editing import is_same, is_unedited, tag_of
from tests.edge.http.conftest import Door

STATION = "/api/v1/stations/CP1"
# What is only made and ended, or is the caller's own: there is nothing to lose an edit of.
NOT_EDITED = {
    "/api/v1/me/place",
    "/api/v1/me/totp",
    "/api/v1/me/logins/{login_id}",
    "/api/v1/me/passkeys/{passkey_id}",
    "/api/v1/stations/{station_id}/codes/{code}",
    "/api/v1/tenants/{tenant_id}/shares/{share_id}",
}


@pytest.fixture
async def station(door: Door) -> str:
    await door.add_station("CP1")
    return STATION


async def test_a_tag_comes_with_the_thing_and_saves_sending_it_again(
    station: str, acme: httpx.AsyncClient
) -> None:
    first = await acme.get(station)
    tag = first.headers["etag"]
    assert tag.startswith('"')
    assert (await acme.get(station)).headers["etag"] == tag
    for wanted in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = await acme.get(station, headers={"If-None-Match": wanted})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert (await acme.get(station, headers={"If-None-Match": '"other"'})).json() == first.json()


async def test_who_edits_what_changed_meanwhile_is_told_so(
    station: str, acme: httpx.AsyncClient
) -> None:
    old = (await acme.get(station)).headers["etag"]
    changed = await acme.patch(station, json={"site": "Oslo"}, headers={"If-Match": old})
    assert changed.status_code == 200
    new = changed.headers["etag"]
    assert new == (await acme.get(station)).headers["etag"] != old
    refused = await acme.patch(station, json={"site": "Rome"}, headers={"If-Match": old})
    assert (refused.status_code, refused.json()["code"]) == (412, "resource.changed")
    assert refused.headers["content-type"] == "application/problem+json"
    refused = await acme.delete(station, headers={"If-Match": old})
    assert refused.status_code == 412
    assert (await acme.get(station)).json()["site"] == "Oslo"
    assert (await acme.delete(station, headers={"If-Match": f'"x.y", {new}'})).status_code == 204


@pytest.mark.parametrize("wanted", ['W/"a.b"', "nonsense", '""', '"', "'; DROP TABLE edits; --"])
async def test_what_is_no_tag_of_ours_matches_nothing(
    station: str, acme: httpx.AsyncClient, wanted: str
) -> None:
    answer = await acme.patch(station, json={"site": "Oslo"}, headers={"If-Match": wanted})
    assert answer.status_code == 412
    assert (await acme.get(station)).json()["site"] == ""


async def test_without_a_tag_all_is_as_before_and_others_are_told(
    station: str, acme: httpx.AsyncClient
) -> None:
    tag = (await acme.get(station)).headers["etag"]
    assert (await acme.patch(station, json={"site": "Oslo"})).status_code == 200
    answer = await acme.patch(station, json={"site": "Rome"}, headers={"If-Match": tag})
    assert answer.status_code == 412


async def test_a_change_that_nobody_sees_is_a_change_too(
    station: str, acme: httpx.AsyncClient
) -> None:
    """A password is in no answer, and two who set it must not both believe theirs is the one."""
    await acme.patch(station, json={"password": "first first first"})
    tag = (await acme.get(station)).headers["etag"]
    for expected in (200, 412):
        answer = await acme.patch(
            station, json={"password": f"pass word {expected}"}, headers={"If-Match": tag}
        )
        assert answer.status_code == expected


async def test_what_a_station_does_is_no_edit(
    door: Door, station: str, acme: httpx.AsyncClient
) -> None:
    before = (await acme.get(station)).headers["etag"]
    conn = await asyncpg.connect(door.db.url)
    await conn.execute("UPDATE stations SET seen_at = now(), firmware = '2'")
    await conn.close()
    assert (await acme.get(station)).headers["etag"] != before
    answer = await acme.get(station, headers={"If-None-Match": before})
    assert (answer.status_code, answer.json()["firmware"]) == (200, "2")
    answer = await acme.patch(station, json={"site": "Oslo"}, headers={"If-Match": before})
    assert answer.status_code == 200


async def test_of_many_editors_at_once_one_wins(station: str, acme: httpx.AsyncClient) -> None:
    for _ in range(3):
        tag = (await acme.get(station)).headers["etag"]
        answers = await asyncio.gather(
            *(
                acme.patch(station, json={"site": f"S{n}"}, headers={"If-Match": tag})
                for n in range(8)
            )
        )
        won = [answer for answer in answers if answer.status_code == 200]
        assert len(won) == 1
        assert {answer.status_code for answer in answers} == {200, 412}
        assert (await acme.get(station)).json()["site"] == won[0].json()["site"]


async def test_a_refused_change_leaves_the_tag_as_it_was(
    door: Door, station: str, acme: httpx.AsyncClient
) -> None:
    tag = (await acme.get(station)).headers["etag"]
    wrong = await acme.patch(station, json={"site": 7}, headers={"If-Match": tag})
    assert wrong.status_code == 400
    assert (await acme.get(station)).headers["etag"] == tag
    for path in ("/api/v1/stations/CP9", "/api/v1/tokens/" + "x" * 4000):
        assert (await acme.delete(path)).status_code == 404
        assert (await acme.delete(path, headers={"If-Match": tag})).status_code == 404
    conn = await asyncpg.connect(door.db.url)
    assert await conn.fetchval("SELECT count(*) FROM edits") == 0
    await conn.close()


async def test_another_tenants_tag_opens_nothing(
    station: str, acme: httpx.AsyncClient, other: httpx.AsyncClient
) -> None:
    tag = (await acme.get(station)).headers["etag"]
    for wanted in (tag, "*"):
        answer = await other.patch(station, json={"site": "X"}, headers={"If-Match": wanted})
        assert answer.status_code == 404


async def test_everything_that_can_be_edited_has_a_tag(door: Door) -> None:
    """Whatever PATCH, PUT or DELETE touches can be read at the same address."""
    paths = document(door.app)["paths"]
    edited = {p for p, items in paths.items() if {"patch", "put", "delete"} & set(items)}
    assert {path for path in edited if "get" not in paths[path]} == NOT_EDITED
    edited -= NOT_EDITED
    assert {path for path in edited if "304" not in paths[path]["get"]["responses"]} == set()
    for path in edited:
        for method in {"patch", "put", "delete"} & set(paths[path]):
            assert "412" in paths[path][method]["responses"], (path, method)


async def test_tokens_and_templates(acme: httpx.AsyncClient) -> None:
    await acme.post("/api/v1/tokens", json={"uid": "ABC"})
    values = {"values": [{"variable": "V", "value": "1"}]}
    await acme.post("/api/v1/templates", json={"name": "T", **values})
    changes: list[tuple[str, str, Any]] = [
        ("/api/v1/tokens/abc", "PATCH", {"status": "blocked"}),
        ("/api/v1/templates/T", "PUT", {"values": [{"variable": "V", "value": "2"}]}),
    ]
    for path, method, body in changes:
        tag = (await acme.get(path)).headers["etag"]
        told = {"If-Match": tag}
        assert (await acme.request(method, path, json=body, headers=told)).status_code == 200, path
        assert (await acme.request(method, path, json=body, headers=told)).status_code == 412, path
    # A token is the same in capitals, and so is the editor's hold on it.
    old = (await acme.get("/api/v1/tokens/ABC")).headers["etag"]
    await acme.patch("/api/v1/tokens/abc", json={"status": "accepted"})
    answer = await acme.delete("/api/v1/tokens/ABC", headers={"If-Match": old})
    assert answer.status_code == 412


async def test_people_and_keys(door: Door) -> None:
    owner = NewUser(email="o@a.example", name="O", role=Role.OWNER, password="long enough a word")
    user = await door.rooms.people.add(door.ctx(), owner)
    made: ApiKey = (await door.rooms.tenants.add_key(door.ctx(), "k")).key
    async with door.client() as client:
        entered = await client.post(
            "/api/v1/login", json={"email": "o@a.example", "password": "long enough a word"}
        )
        client.headers["X-CSRF-Token"] = entered.json()["csrf"]
        path = f"/api/v1/users/{user.id}"
        told = {"If-Match": (await client.get(path)).headers["etag"]}
        assert (await client.patch(path, json={"name": "P"}, headers=told)).status_code == 200
        assert (await client.patch(path, json={"name": "Q"}, headers=told)).status_code == 412
        path = f"/api/v1/apikeys/{made.id}"
        read = await client.get(path)
        assert "key" not in read.json()
        told = {"If-Match": read.headers["etag"]}
        assert (await client.delete(path, headers={"If-Match": '"a.b"'})).status_code == 412
        assert (await client.delete(path, headers=told)).status_code == 204


def test_tags() -> None:
    one, other = tag_of(b'{"a": 1, "seen_at": 1}', 0), tag_of(b'{"a": 1, "seen_at": 2}', 0)
    assert one.edit == other.edit
    assert one.whole != other.whole
    assert tag_of(b'{"a": 1, "seen_at": 1}', 1).edit != one.edit
    assert tag_of(b"no json", 0).edit != tag_of(b"no JSON", 0).edit
    assert is_same(str(one), one)
    assert not is_same(str(other), one)
    assert is_unedited(str(other), one)
    assert not is_unedited(f"W/{other}", one)
