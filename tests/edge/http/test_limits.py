"""How often somebody may ask, where from, and how much at once."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from litestar import Litestar

from forecourt.base.ids import TenantId
from forecourt.domain.tenants import NewUser, Role
from forecourt.edge.http import http_app
from forecourt.edge.http.limits import KEPT_MAX, Buckets, Limits, Rate
from forecourt.edge.peers import Proxies
from tests.edge.http.conftest import Door

STATIONS = "/api/v1/stations"


class Ticks:
    """A clock that is set by hand, in seconds."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def tight(door: Door, ticks: Ticks) -> Litestar:
    """The same application with small budgets, behind a proxy."""
    return http_app(
        door.rooms,
        clock=door.clock,
        db=door.db,
        gateway=door.gateway,
        committer=door.committer,
        tenant=TenantId("acme"),
        limits=Limits(callers=Rate(1.0, 5), strangers=Rate(0.5, 3), monotonic=ticks),
        proxies=Proxies(("10.0.0.0/8",)),
    )


def coming_from(app: Litestar, address: str, **headers: str) -> httpx.AsyncClient:
    asgi: Any = app
    transport = httpx.ASGITransport(asgi, raise_app_exceptions=False, client=(address, 4711))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers=named)


async def test_a_caller_has_a_budget_of_its_own(
    tight: Litestar, ticks: Ticks, key_of: Callable[[str], Awaitable[str]]
) -> None:
    ours, theirs = await key_of("acme"), await key_of("other")
    async with (
        coming_from(tight, "198.51.100.1", authorization=f"Bearer {ours}") as acme,
        coming_from(tight, "198.51.100.1", authorization=f"Bearer {theirs}") as other,
    ):
        answers = [await acme.get(STATIONS) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        assert answers[0].headers["ratelimit-policy"] == '"caller";q=5;w=5'
        assert answers[0].headers["ratelimit"] == '"caller";r=4;t=1'
        refused = answers[-1]
        assert refused.json()["code"] == "request.limited"
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["ratelimit"] == '"caller";r=0;t=5'
        assert (await other.get(STATIONS)).status_code == 200
        ticks.now_s = 1.0
        assert (await acme.get(STATIONS)).status_code == 200
        assert (await acme.get(STATIONS)).status_code == 429


async def test_what_we_ask_ourselves_counts_for_nobody(
    door: Door, tight: Litestar, key_of: Callable[[str], Awaitable[str]]
) -> None:
    await door.add_station("CP1")
    key = await key_of("acme")
    async with coming_from(tight, "198.51.100.1", authorization=f"Bearer {key}") as acme:
        # Each looks at what stood there before, for the trail.
        answers = [await acme.patch(f"{STATIONS}/CP1", json={"site": str(n)}) for n in range(5)]
    assert {answer.status_code for answer in answers} == {200}


async def test_strangers_are_counted_by_address(
    tight: Litestar, key_of: Callable[[str], Awaitable[str]]
) -> None:
    key = await key_of("acme")
    async with coming_from(tight, "198.51.100.1", authorization="Bearer fck_wrong") as guesser:
        answers = [await guesser.get(STATIONS) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [401] * 3 + [429] * 2
        assert answers[-1].headers["ratelimit"].startswith('"address";r=0')
        login = await guesser.post("/api/v1/login", json={"email": "a@b.example", "password": "x"})
        assert (login.status_code, login.headers["retry-after"]) == (429, "2")
    async with coming_from(tight, "198.51.100.2", authorization=f"Bearer {key}") as acme:
        assert (await acme.get(STATIONS)).status_code == 200


async def test_a_neighbours_guesses_do_not_lock_out_who_is_known(
    tight: Litestar, key_of: Callable[[str], Awaitable[str]]
) -> None:
    key = await key_of("acme")
    async with (
        coming_from(tight, "198.51.100.1", authorization=f"Bearer {key}") as acme,
        coming_from(tight, "198.51.100.1", authorization="Bearer fck_wrong") as guesser,
    ):
        assert (await acme.get(STATIONS)).status_code == 200
        for _ in range(5):
            await guesser.get(STATIONS)
        assert (await acme.get(STATIONS)).status_code == 200


async def test_behind_a_proxy_each_is_counted_alone(tight: Litestar) -> None:
    async with coming_from(tight, "10.0.0.1") as proxy:
        for address in ("203.0.113.1", "203.0.113.2"):
            told = {"X-Forwarded-For": f"1.1.1.1, {address}"}
            body = {"email": f"{address}@b.example", "password": "x"}
            codes = [
                (await proxy.post("/api/v1/login", json=body, headers=told)).status_code
                for _ in range(4)
            ]
            assert codes == [401, 401, 401, 429]
    # Who is no proxy of ours does not choose where it comes from.
    async with coming_from(tight, "198.51.100.9") as liar:
        codes = []
        for n in range(4):
            told = {"X-Forwarded-For": f"203.0.113.{n}"}
            body = {"email": f"{n}@b.example", "password": "x"}
            codes.append((await liar.post("/api/v1/login", json=body, headers=told)).status_code)
        assert codes == [401, 401, 401, 429]


async def test_an_ipv6_network_is_one_neighbour(tight: Litestar) -> None:
    codes = []
    for n in range(4):
        async with coming_from(tight, f"2001:db8::{n}") as client:
            codes.append((await client.get("/api/v1/setup")).status_code)
    assert codes == [200, 200, 200, 429]


async def test_a_log_in_by_tls_before_the_proxy_has_a_cookie_for_tls_alone(
    door: Door, tight: Litestar
) -> None:
    new = NewUser(email="a@b.example", name="A", role=Role.OWNER, password="a long enough one")
    await door.rooms.people.add(door.ctx(), new)
    body = {"email": "a@b.example", "password": "a long enough one"}
    told = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.1"}
    for address, secure in (("10.0.0.1", True), ("198.51.100.9", False)):
        async with coming_from(tight, address) as client:
            answer = await client.post("/api/v1/login", json=body, headers=told)
            assert ("secure" in answer.headers["set-cookie"].lower()) is secure
    rows = await door.db.raw()
    seen = {row["address"] for row in await rows.fetch("SELECT address FROM logins")}
    await rows.close()
    assert seen == {"203.0.113.1", "198.51.100.9"}


async def test_probes_are_not_counted(tight: Litestar) -> None:
    async with coming_from(tight, "198.51.100.1") as probe:
        assert {(await probe.get("/healthz")).status_code for _ in range(20)} == {200}


def test_memory_is_bounded_and_what_is_left_grows_again() -> None:
    buckets = Buckets("x", Rate(2.0, 10))
    for n in range(KEPT_MAX + 100):
        buckets.take(str(n), 0.0)
    assert len(buckets) == KEPT_MAX
    waits = [buckets.take("me", 100.0).wait_s for _ in range(11)]
    assert waits == [0.0] * 10 + [0.5]
    assert buckets.take("me", 100.6).wait_s == 0.0


# ---- bodies -------------------------------------------------------------------------------------

PUBLIC_AND_OURS = [
    ("POST", STATIONS),
    ("POST", "/api/v1/login"),
    ("POST", "/api/v1/setup"),
    ("POST", "/api/v1/logout"),
    ("PATCH", f"{STATIONS}/CP1"),
    ("DELETE", f"{STATIONS}/CP1"),
    ("POST", "/pki/ocsp"),
    ("POST", "/nothing/here"),
    ("POST", "/"),
]


@pytest.mark.parametrize(("method", "path"), PUBLIC_AND_OURS)
async def test_more_than_a_mebibyte_is_refused_everywhere(
    door: Door, acme: httpx.AsyncClient, method: str, path: str
) -> None:
    await door.add_station("CP1")
    answer = await acme.request(method, path, content=b"x" * ((1 << 20) + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "body.too_large")
    assert answer.headers["content-type"] == "application/problem+json"
    just = await acme.request(method, path, content=b"x" * (1 << 20))
    if not path.startswith("/pki"):
        assert just.status_code != 413


@pytest.mark.parametrize(
    ("method", "path"),
    [one for one in PUBLIC_AND_OURS if one[1] not in ("/nothing/here", "/", "/api/v1/logout")],
)
async def test_also_when_nobody_says_how_much_comes(
    door: Door, acme: httpx.AsyncClient, method: str, path: str
) -> None:
    await door.add_station("CP1")
    sent = 0

    async def pieces() -> AsyncGenerator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += 100_000
            yield b"x" * 100_000

    answer = await acme.request(method, path, content=pieces())
    assert (answer.status_code, answer.json()["code"]) == (413, "body.too_large")


@pytest.mark.parametrize("length", ["9" * 5_000, "99999999999", "0001048577"])
async def test_lengths_that_are_too_long(stranger: httpx.AsyncClient, length: str) -> None:
    answer = await stranger.post("/api/v1/login", content=b"{}", headers={"Content-Length": length})
    assert answer.status_code == 413
