"""A fault outside of the routes, where no handler of theirs is: over a real server."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
import pytest
from structlog.testing import capture_logs

from forecourt.app.serving import served
from forecourt.edge.http.errors import TITLE
from forecourt.settings import Settings
from tests.edge.http.conftest import Door

pytestmark = pytest.mark.storage

TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
START: Final = {"type": "http.response.start", "status": 200, "headers": []}
Fault = Callable[[Any], Awaitable[None]]


async def breaks(_: Any) -> None:
    raise KeyError("a secret of the house")


async def breaks_half_way(send: Any) -> None:
    await send(START)
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise KeyError("a secret of the house")


async def never_ends(_: Any) -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def faulty(door: Door, fault: Fault) -> AsyncGenerator[httpx.AsyncClient]:
    """A server whose outer layer breaks at one address."""

    async def layer(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/broken":
            await fault(send)
        else:
            await door.app(scope, receive, send)

    settings = Settings(host="127.0.0.1", http_port=0, stop_timeout_s=1)
    async with served(layer, settings) as port:
        yield httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
async def test_it_is_a_problem_and_told_of_once(
    door: Door, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    async with faulty(door, breaks) as client, client:
        with capture_logs() as told:
            answer = await client.request(method, "/broken", headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (
            500,
            "application/problem+json",
        )
        assert answer.headers["cache-control"] == "no-store"
        if method != "HEAD":
            problem = answer.json()
            assert (problem["code"], problem["title"]) == ("internal", TITLE[500])
            assert problem["trace"] == TRACE
            assert "KeyError" not in answer.text
            assert "secret" not in answer.text
        # Everybody else is served on.
        assert (await client.get("/healthz")).status_code == 200
    [line] = [line for line in told if line["log_level"] == "error"]
    assert (line["event"], line["method"], line["trace"]) == ("http.failed", method, TRACE)
    assert line["exc_info"]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_half_an_answer_is_none(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """What has begun cannot become a problem: the line is cut, and nobody takes it for whole."""
    async with faulty(door, breaks_half_way) as client, client:
        with capture_logs() as told, pytest.raises(httpx.RemoteProtocolError):
            await client.get("/broken")
        assert (await client.get("/healthz")).status_code == 200
    assert [line["event"] for line in told] == ["http.failed"]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_who_is_not_answered_when_all_stops_is_told_so(door: Door) -> None:
    async with asyncio.TaskGroup() as asking:
        async with faulty(door, never_ends) as client:
            waiting = asking.create_task(client.get("/broken"))
            await asyncio.sleep(0.2)
        answer = await waiting
        assert (answer.status_code, answer.json()["code"]) == (503, "serve.stopping")
        assert answer.headers["retry-after"]
        await client.aclose()
