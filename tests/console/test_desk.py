"""The operator's desk: what one sees of a station, a session and the network, and does about it."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, expect

from forecourt.base.clock import SystemClock
from tests.console.conftest import Platform
from tests.console.running import PATIENCE_S
from tests.console.test_console import a_station
from tests.edge.ocpp.wire import Refused, Wire

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_messages_appear_as_they_pass_and_stand_still_when_wanted(
    inside: Page, platform: Platform
) -> None:
    station = a_station(platform, "ocpp2.0.1")
    inside.goto(f"/stations/{station}?tab=messages")
    table = inside.get_by_role("table", name="Messages")
    expect(table).to_be_visible()
    trigger = {"command": "trigger", "message": "heartbeat"}
    platform.api("POST", f"/stations/{station}/commands", trigger)
    # Heartbeats come all the time and are hardly ever kept: this one was seen as it passed.
    expect(table.get_by_role("button", name=re.compile("^Heartbeat call")).first).to_be_visible()
    asked = table.get_by_role("row").filter(has_text="TriggerMessage answer").first
    expect(asked).to_contain_text("ms")
    inside.get_by_role("switch", name="Follow").uncheck(force=True)
    before = table.get_by_role("button", name=re.compile("^Heartbeat call")).count()
    platform.api("POST", f"/stations/{station}/commands", trigger)
    inside.wait_for_timeout(800)
    assert table.get_by_role("button", name=re.compile("^Heartbeat call")).count() == before
    inside.get_by_label("Search in messages").fill("TriggerMessage")
    expect(table.get_by_role("button", name=re.compile("Heartbeat"))).to_have_count(0)


def test_messages_from_the_oldest_that_is_kept(inside: Page, platform: Platform) -> None:
    station = a_station(platform, "ocpp2.0.1")
    kept = platform.api("GET", f"/stations/{station}/messages?sort=at&limit=1")["items"][0]
    inside.goto(f"/stations/{station}?tab=messages")
    table = inside.get_by_role("table", name="Messages")
    head = table.get_by_role("columnheader", name="Time")
    expect(head).to_have_attribute("aria-sort", "descending")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    first = table.get_by_role("row").nth(1)
    expect(first).to_contain_text(f"{kept['action']} call")
    expect(inside.get_by_role("switch", name="Follow")).to_be_disabled()
    head.get_by_role("button").click()
    expect(inside.get_by_role("switch", name="Follow")).to_be_enabled()


def test_an_exchange_is_copied_as_a_test(inside: Page, platform: Platform) -> None:
    station = a_station(platform)
    inside.context.grant_permissions(["clipboard-read", "clipboard-write"])
    inside.goto(f"/stations/{station}?tab=messages")
    # It was long ago by now.
    inside.get_by_label("Search in messages").fill("BootNotification")
    inside.get_by_role("button", name=re.compile("^BootNotification answer")).first.click()
    inside.get_by_role("button", name="Copy as test").click()
    copied = inside.evaluate("navigator.clipboard.readText()")
    assert 'await wire.call("BootNotification", {' in copied
    assert "assert answer == {" in copied
    compile(copied, "copied", "exec")


def test_the_raw_exchange_is_one_click_from_the_answer(inside: Page, platform: Platform) -> None:
    station = a_station(platform, "ocpp2.0.1")
    inside.goto(f"/stations/{station}?command=trigger")
    drawer = inside.get_by_role("dialog")
    drawer.get_by_label("Message").select_option("heartbeat")
    drawer.get_by_role("button", name="Send").click()
    expect(drawer.get_by_test_id("answer")).to_contain_text("Accepted in")
    exchange = drawer.get_by_test_id("exchange")
    exchange.locator("summary").click()
    expect(exchange).to_contain_text('"requestedMessage": "Heartbeat"')
    expect(exchange).to_contain_text('"status": "Accepted"')


def test_a_certificate_is_asked_for_signed_and_revoked(inside: Page, platform: Platform) -> None:
    station = a_station(platform, "ocpp2.0.1")
    inside.goto(f"/stations/{station}?tab=certificates")
    inside.get_by_role("button", name="Have it ask for one").click()
    issued = inside.get_by_role("table", name="Issued to this station")
    expect(issued).to_contain_text("valid")
    requests = inside.get_by_role("table", name="Signing requests")
    # A simulated station lives in its own day, and may find the certificate not valid yet.
    expect(requests).to_contain_text(re.compile("installed|refused by station"))
    inside.get_by_role("button", name="Ask the station").click()
    expect(inside.get_by_role("status").or_(inside.get_by_text("Station: "))).not_to_have_count(0)
    issued.get_by_role("button", name="Revoke").first.click()
    dialog = inside.get_by_role("dialog")
    expect(dialog).to_contain_text("cannot come in")
    dialog.get_by_role("button", name="Revoke").click()
    expect(issued).to_contain_text("revoked")


def reported(platform: Platform, station: str) -> None:
    """A station of our own comes, says that somebody opens it, and goes."""

    async def come() -> None:
        wire = await dialled(platform.ocpp_url, station)
        await wire.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        at = SystemClock().now().isoformat()
        body = {"type": "TamperDetectionActivated", "timestamp": at, "techInfo": "door 1"}
        await wire.call("SecurityEventNotification", body)
        await wire.close()

    # The browser's own loop runs in this thread.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, come()).result(timeout=PATIENCE_S)


async def dialled(url: str, station: str) -> Wire:
    """A line, as soon as the door has heard of the station."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await Wire.open(url, f"/{station}")
            except Refused:
                await asyncio.sleep(0.2)


def test_an_alarm_rings_and_is_acknowledged(inside: Page, platform: Platform) -> None:
    inside.goto("/alarms")
    inside.get_by_role("heading", name="Alarms").wait_for()
    platform.api("POST", "/stations", {"id": "TAMPERED", "site": "Jordaan"})
    reported(platform, "TAMPERED")
    row = inside.get_by_role("row").filter(has_text="TAMPERED")
    expect(row).to_contain_text("TamperDetectionActivated: door 1")
    bell = inside.get_by_role("link", name=re.compile("nobody has looked at"))
    expect(bell).to_have_attribute("aria-label", re.compile("[1-9]"))
    row.get_by_role("button", name="Acknowledge").click()
    expect(row).to_have_count(0)
    inside.get_by_text("seen", exact=True).click()
    expect(inside.get_by_role("row").filter(has_text="TAMPERED")).to_contain_text("seen")


def test_a_connector_is_reserved_and_given_up(inside: Page, platform: Platform) -> None:
    station = a_station(platform, "ocpp2.0.1", evse=1)
    platform.api("POST", "/tokens", {"uid": "RESERVED-FOR", "sessions_max": None})
    inside.goto("/reservations")
    inside.get_by_role("button", name="Reserve").click()
    dialog = inside.get_by_role("dialog")
    dialog.get_by_label("Station").fill(station)
    dialog.get_by_label("EVSE").fill("1")
    dialog.get_by_label("Token").fill("RESERVED-FOR")
    dialog.get_by_role("button", name="Reserve").click()
    expect(dialog.get_by_test_id("answer")).to_contain_text("Accepted")
    inside.keyboard.press("Escape")
    inside.keyboard.press("Escape")
    row = inside.get_by_role("row").filter(has_text="RESERVED-FOR")
    expect(row).to_contain_text("kept free")
    row.get_by_role("button", name="Cancel").click()
    expect(inside.get_by_role("row").filter(has_text="RESERVED-FOR")).to_contain_text("cancelled")


def test_a_session_tells_periods_messages_and_that_nothing_was_checked(
    inside: Page, platform: Platform
) -> None:
    running = platform.api("GET", "/sessions?limit=100&state=active")["items"]
    session = max(running, key=lambda one: one["energy_wh"])
    inside.goto(f"/sessions/{session['id']}")
    expect(inside.get_by_role("region", name="Periods")).to_contain_text("charging")
    messages = inside.get_by_role("region", name="Messages of this session")
    messages.locator("summary").first.click()
    expect(messages.locator("pre").first).to_contain_text(session["transaction"])
    expect(inside.get_by_text("no price published")).to_be_visible()
    expect(inside.get_by_text("The station sent no signed values")).to_be_visible()


def test_a_session_of_2x_tells_the_events_that_its_station_told(
    inside: Page, platform: Platform
) -> None:
    running = platform.api("GET", "/sessions?limit=100&state=active")["items"]
    told = {
        one["id"]: platform.api("GET", f"/sessions/{one['id']}/events")["items"] for one in running
    }
    inside.goto(f"/sessions/{next(name for name, events in told.items() if events)}")
    events = inside.get_by_role("region", name="Events that the station told")
    expect(events.locator("summary").first).to_contain_text("Started")
    events.locator("summary").first.click()
    expect(events.locator("pre").first).to_contain_text('"eventType": "Started"')
    inside.goto(f"/sessions/{next(name for name, events in told.items() if not events)}")
    expect(inside.get_by_role("region", name="Messages of this session")).to_be_visible()
    expect(events).to_have_count(0)


@pytest.mark.parametrize(
    ("page", "head", "by"),
    [
        ("alarms?state=all", "Severity", "severity"),
        ("reservations", "Kept until", "expires_at"),
        ("audit", "#", "seq"),
    ],
)
def test_lists_are_sorted_by_their_heads(
    inside: Page, platform: Platform, page: str, head: str, by: str
) -> None:
    station = a_station(platform, "ocpp2.0.1")
    wish = {"command": "reserve", "token": "SORT-1", "expires_at": "2040-01-01T00:00:00Z"}
    platform.api("POST", f"/stations/{station}/commands", wish)
    if page.startswith("alarms"):
        platform.api("POST", "/stations", {"id": "SORTED"})
        reported(platform, "SORTED")
    inside.goto(f"/{page}")
    found = inside.get_by_role("columnheader", name=head, exact=True)
    found.get_by_role("button").click()
    expect(found).to_have_attribute("aria-sort", "ascending")
    expect(inside).to_have_url(re.compile(f"sort={by}"))
    if page != "audit":
        found.get_by_role("button").click()
        expect(found).to_have_attribute("aria-sort", "descending")
        expect(inside).to_have_url(re.compile(f"sort=-{by}"))
