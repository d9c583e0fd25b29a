"""The console's files at the door, from a small build that the test makes."""

import gzip
import re
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest

from forecourt.base.ids import TenantId
from forecourt.edge.http import http_app
from forecourt.edge.http.console import Tiles
from tests.edge.http.conftest import Door, client_of

HTML = {"Accept": "text/html,application/xhtml+xml"}
SCRIPT = b"console.log('hello')" * 50


@pytest.fixture
def build(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / ".built").write_text("secret of the build")
    (tmp_path / "index.html").write_text(
        '<meta name="csp-nonce" content="" /><meta name="map-tiles" content="" />hello'
    )
    (tmp_path / "scheme.js").write_bytes(SCRIPT)
    (tmp_path / "assets" / "index-abc.js").write_bytes(SCRIPT)
    (tmp_path / "assets" / "index-abc.js.gz").write_bytes(gzip.compress(SCRIPT))
    return tmp_path


def at(door: Door, folder: Path, tiles: Tiles | None = None) -> httpx.AsyncClient:
    app = http_app(
        door.rooms,
        clock=door.clock,
        db=door.db,
        gateway=door.gateway,
        committer=door.committer,
        tenant=TenantId("acme"),
        console_folder=folder,
        tiles=tiles,
    )
    return client_of(app)


@pytest.fixture
async def browser(door: Door, build: Path) -> AsyncGenerator[httpx.AsyncClient]:
    async with at(door, build) as client:
        client.headers.update(HTML)
        yield client


@pytest.mark.parametrize("path", ["/", "/stations", "/stations/CP-1%2F2", "/sessions/ses_1?tab=x"])
async def test_every_page_is_the_one_page(browser: httpx.AsyncClient, path: str) -> None:
    page = await browser.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-store"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    nonce = re.search(r"'nonce-([\w-]+)'", policy)
    assert nonce is not None
    assert f'content="{nonce[1]}"' in page.text


async def test_a_tile_server_is_let_in_where_one_is_chosen_and_nobody_else(
    door: Door, build: Path
) -> None:
    tiles = Tiles(url="https://tiles.example:8443/{z}/{x}/{y}.png?a=1&b=2", credit='"Maps" & co')
    async with at(door, build, tiles) as client:
        page = await client.get("/", headers=HTML)
    policy = page.headers["content-security-policy"]
    assert "img-src 'self' data: https://tiles.example:8443;" in policy
    assert "connect-src 'self' https://tiles.example:8443;" in policy
    assert 'content="https://tiles.example:8443/{z}/{x}/{y}.png?a=1&amp;b=2"' in page.text
    assert 'data-credit="&quot;Maps&quot; &amp; co"' in page.text
    async with at(door, build) as client:
        page = await client.get("/", headers=HTML)
    assert "connect-src 'self';" in page.headers["content-security-policy"]
    assert 'name="map-tiles" content=""' in page.text


async def test_no_nonce_is_said_twice(browser: httpx.AsyncClient) -> None:
    first, second = await browser.get("/"), await browser.get("/")
    assert first.text != second.text


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/assets/gone-123.js", "/pki/nothing"])
async def test_what_is_no_page_is_told_so(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "route.unknown"


async def test_a_program_that_mistypes_gets_no_page(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/statoins", headers={"Accept": "*/*"})).status_code == 404
    assert (await browser.post("/stations")).status_code == 404


async def test_assets_are_packed_and_kept(browser: httpx.AsyncClient) -> None:
    async with browser.stream("GET", "/assets/index-abc.js") as answer:
        packed = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(packed) == SCRIPT
    plain = await browser.get("/assets/index-abc.js", headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in plain.headers
    assert plain.content == SCRIPT
    assert "javascript" in plain.headers["content-type"]
    known = {"If-None-Match": plain.headers["etag"]}
    assert (await browser.get("/assets/index-abc.js", headers=known)).status_code == 304


async def test_a_file_without_a_digest_in_its_name_is_asked_for_again(
    browser: httpx.AsyncClient,
) -> None:
    assert (await browser.get("/scheme.js")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    ["/assets/..%2Findex.html", "/assets/..%2F.built", "/assets/..%2F..%2F..%2Fetc%2Fpasswd"],
)
async def test_no_way_out_of_the_folder(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert answer.status_code == 404
    assert "secret" not in answer.text


async def test_the_status_page_stays(
    browser: httpx.AsyncClient, door: Door, tmp_path: Path
) -> None:
    assert "charging network" in (await browser.get("/status")).text
    async with at(door, tmp_path / "nothing") as client:
        client.headers.update(HTML)
        assert "charging network" in (await client.get("/")).text
        assert (await client.get("/stations")).status_code == 404
        assert (await client.get("/scheme.js")).status_code == 404
