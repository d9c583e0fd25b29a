"""Names as real operators have them: long, and without a space to break at.

On a phone nothing sticks out of the screen for them.
"""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Route

from forecourt.base.clock import SystemClock
from tests.console.conftest import SHOTS, Platform, Visit, visit
from tests.console.running import PATIENCE_S, until
from tests.console.test_desk import dialled
from tests.console.test_pages import too_wide
from tests.edge.ocpp.wire import Wire

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# As long as OCPP and the API let them be.
STATION = "DE*ABC*E" + "X0123456789" * 3 + "-EAST42"
SITE = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz" * 3
TOKEN = "TOKEN-0123456789-XYZ"
MAKER, MODEL, FIRMWARE = "VENDORVENDORVENDORVE", "MODELMODELMODELMODEL", "F" * 50


@contextmanager
def on_the_line(platform: Platform) -> Iterator[str]:
    """A station that charges at one outlet and is broken at the other; its session."""
    with ThreadPoolExecutor(1) as pool:
        # The browser's own loop runs in this thread.
        runner = asyncio.Runner()
        wire: Wire = pool.submit(runner.run, come(platform)).result(timeout=PATIENCE_S)
        look = f"/sessions?station={quote(STATION, safe='')}&state=active"
        try:
            yield until("session", lambda: platform.api("GET", look)["items"])[0]["id"]
        finally:
            pool.submit(runner.run, wire.close()).result(timeout=PATIENCE_S)
            pool.submit(runner.close).result(timeout=PATIENCE_S)


async def come(platform: Platform) -> Wire:
    wire = await dialled(platform.ocpp_url, quote(STATION, safe=""))
    at = SystemClock().now().isoformat()
    who = {"chargePointVendor": MAKER, "chargePointModel": MODEL, "firmwareVersion": FIRMWARE}
    await wire.call("BootNotification", who)
    broken = {"connectorId": 2, "status": "Faulted", "errorCode": "OtherError", "timestamp": at}
    await wire.call("StatusNotification", {**broken, "info": "I" * 50, "vendorErrorCode": "V" * 50})
    busy = {"connectorId": 1, "status": "Charging", "errorCode": "NoError", "timestamp": at}
    await wire.call("StatusNotification", busy)
    begun = {"connectorId": 1, "idTag": TOKEN, "meterStart": 0, "timestamp": at}
    await wire.call("StartTransaction", begun)
    event = {"type": "TamperDetectionActivated", "timestamp": at, "techInfo": "T" * 255}
    await wire.call("SecurityEventNotification", event)
    return wire


@pytest.fixture
def phone(browser: Browser, platform: Platform, owner: object) -> Iterator[Visit]:
    made = visit(browser, platform.url, who=owner, width="phone")
    yield made
    made.close()


def test_long_names_fit_on_a_phone(phone: Visit, platform: Platform) -> None:
    station, site = quote(STATION, safe=""), quote(SITE, safe="")
    platform.api("POST", "/sites", {"id": SITE, "name": SITE, "city": SITE, "address": [SITE]})
    platform.api("POST", "/stations", {"id": STATION, "site": SITE})
    platform.api("POST", "/tokens", {"uid": TOKEN, "label": SITE, "sessions_max": None})
    # What happens is told to who was there.
    phone.open("/")
    with on_the_line(platform) as session:
        pages = ["/sites", f"/sites/{site}", "/stations", f"/stations/{station}", "/sessions"]
        pages += [f"/sessions/{session}", "/alarms", "/tokens"]
        phone.page.locator(".feed").get_by_text(TOKEN).first.wait_for()
        complain(phone)
        for address in pages:
            phone.open(address)
            complain(phone)
    platform.api("DELETE", f"/stations/{station}")
    platform.api("DELETE", f"/sites/{site}")
    platform.api("DELETE", f"/tokens/{TOKEN}")


def test_a_long_name_fits_beneath_the_chart_of_power(phone: Visit) -> None:
    def renamed(route: Route) -> None:
        answer = route.fetch()
        sites = answer.json()
        for number, one in enumerate(sites["items"]):
            one["name"] = f"{SITE}{number}"
        route.fulfill(response=answer, json=sites)

    phone.page.route("**/api/v1/overview/sites*", renamed)
    phone.open("/")
    phone.page.locator(".keys").get_by_text(SITE).first.wait_for()
    complain(phone)


def complain(made: Visit) -> None:
    made.complaints += [f"{made.page.url}: {one}" for one in too_wide(made.page)]
    name = made.page.url.split("/", 3)[3].split("/")
    kind = f"{name[0] or 'overview'}{'-one' if len(name) > 1 else ''}"
    made.page.screenshot(path=SHOTS / f"long-{kind}.png", animations="disabled")
