"""A session whose stop never comes is ended by hand: who may, what is asked first, what is seen."""

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from forecourt.base.clock import SystemClock
from tests.console.conftest import Platform, Visit, add_user, cookie_of, visit
from tests.console.running import PATIENCE_S
from tests.console.test_desk import dialled
from tests.edge.ocpp.says import meter, start, status, stop
from tests.edge.ocpp.wire import Wire

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

STATION, TOKEN = "STOPS-GET-LOST", "STOPS-GET-LOST-CARD"
READER, PASSWORD = "reads.only@forecourt.example", "a long enough password"
T = TypeVar("T")


@dataclass
class Charger:
    """A station of our own, on a loop of its own: the browser's runs in the test's thread."""

    url: str
    pool: ThreadPoolExecutor
    runner: asyncio.Runner

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.pool.submit(self.runner.run, work).result(timeout=PATIENCE_S)

    async def come(self) -> Wire:
        wire = await dialled(self.url, STATION)
        await wire.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        return wire

    async def charge(self) -> tuple[Wire, int]:
        """A session that has told half a kilowatt-hour."""
        wire = await self.come()
        await wire.call("StatusNotification", status(1, "Charging", now()))
        begun = await wire.call("StartTransaction", start(TOKEN, now(), 1_000))
        number: int = begun["transactionId"]
        await wire.call("MeterValues", meter(now(), 1_500, number))
        return wire, number

    async def stop_late(self, number: int) -> None:
        wire = await self.come()
        await wire.call("StopTransaction", stop(number, now(), 1_700))
        await wire.close()


def now() -> str:
    return SystemClock().now().isoformat()


@pytest.fixture
def charger(platform: Platform) -> Iterator[Charger]:
    platform.api("POST", "/stations", {"id": STATION, "site": "Jordaan"})
    platform.api("POST", "/tokens", {"uid": TOKEN, "sessions_max": None})
    with ThreadPoolExecutor(1) as pool:
        made = Charger(platform.ocpp_url, pool, asyncio.Runner())
        yield made
        pool.submit(made.runner.close).result(timeout=PATIENCE_S)
    platform.api("DELETE", f"/stations/{STATION}")
    platform.api("DELETE", f"/tokens/{TOKEN}")


@pytest.fixture
def reader(browser: Browser, platform: Platform, inside: Page) -> Iterator[Visit]:
    """Somebody who sees all, and may do nothing."""
    new = {"email": READER, "name": "Reader", "role": "read_only", "password": PASSWORD}
    add_user(inside, platform, new)
    who = cookie_of(browser, replace(platform, email=READER, password=PASSWORD))
    made = visit(browser, platform.url, who=who)
    yield made
    made.close()


@contextmanager
def asked(page: Page, *, yes: bool) -> Iterator[list[str]]:
    """What the page asks before it does something, and what it is told."""
    questions: list[str] = []

    def answer(dialog: Dialog) -> None:
        questions.append(dialog.message)
        if yes:
            dialog.accept()
        else:
            dialog.dismiss()

    page.once("dialog", answer)
    yield questions


def test_a_session_is_ended_by_hand(
    inside: Page, reader: Visit, platform: Platform, charger: Charger
) -> None:
    wire, number = charger.do(charger.charge())
    address = f"/sessions?station={STATION}&state=active"
    [session] = platform.api("GET", address)["items"]
    inside.goto(f"/sessions/{session['id']}")
    energy = inside.locator(".tile").filter(has_text="Energy")
    expect(energy).to_contain_text("0.500 kWh")
    end = inside.get_by_role("button", name="End session")
    # A station that is there is asked to stop.
    expect(inside.get_by_role("button", name="Stop")).to_be_visible()
    expect(end).to_have_count(0)
    charger.do(wire.close())
    expect(end).to_be_visible()
    reader.open(f"/sessions/{session['id']}")
    expect(reader.page.locator(".tile").first).to_contain_text("0.500 kWh")
    expect(reader.page.get_by_role("button", name="End session")).to_have_count(0)
    # Who thinks better of it has done nothing.
    with asked(inside, yes=False) as questions:
        end.click()
    assert ["The station is away" in one for one in questions] == [True]
    assert platform.api("GET", address)["items"]
    with asked(inside, yes=True):
        end.click()
    for page in (inside, reader.page):  # Neither loads the page again.
        expect(page.get_by_text("End missing")).to_be_visible()
        expect(page.get_by_text("EndedByOperator").first).to_be_visible()
        expect(page.locator(".tile").first).to_contain_text("0.500 kWh")
    expect(end).to_have_count(0)
    # What the station tells after all is the truth.
    charger.do(charger.stop_late(number))
    for page in (inside, reader.page):
        expect(page.locator(".tile").first).to_contain_text("0.700 kWh")
        expect(page.get_by_text("End missing")).to_have_count(0)
        expect(page.get_by_text("EndedByOperator")).to_have_count(0)
