"""What somebody does at the console, and sees."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.conftest import Platform, Visit, visit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def a_station(platform: Platform, protocol: str = "ocpp1.6") -> str:
    """One that is connected, with an outlet that is free."""
    for station in platform.api("GET", "/stations?limit=100&connected=true")["items"]:
        states = {c["state"] for c in station["connectors"] if c["evse"] > 0}
        if station["protocol"] == protocol and states == {"available"}:
            return str(station["id"])
    pytest.fail("no station is idle")


def test_who_guesses_is_refused_in_words(guest: Visit) -> None:
    page = guest.page
    page.goto("/sessions")
    page.get_by_label("E-mail").fill("somebody@example.com")
    page.get_by_label(re.compile("^Password")).fill("guess-guess-guess")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("address or the password is wrong")


def test_the_overview_is_alive(inside: Page) -> None:
    expect(inside.locator(".live")).to_have_attribute("data-state", "live")
    expect(inside.locator(".tile-value").first).to_contain_text("24")
    expect(inside.locator("ol.feed li").first).to_be_visible(timeout=60_000)
    expect(inside.locator("figure canvas")).to_be_visible()


def test_a_change_elsewhere_appears_without_a_reload(inside: Page, platform: Platform) -> None:
    station = a_station(platform)
    inside.goto("/stations?find=" + station)
    row = inside.get_by_role("row").filter(has_text=station)
    expect(row).to_contain_text("available")
    inside.evaluate("window.same = true")
    body = {"command": "availability", "operative": False}
    assert platform.api("POST", f"/stations/{station}/commands", body)["outcome"] == "accepted"
    expect(row).to_contain_text("unavailable")
    platform.api("POST", f"/stations/{station}/commands", {**body, "operative": True})
    expect(row).not_to_contain_text("unavailable")
    assert inside.evaluate("window.same") is True


def test_the_answer_to_a_command_appears_in_place(inside: Page, platform: Platform) -> None:
    station = a_station(platform)
    inside.goto(f"/stations/{station}")
    inside.get_by_role("button", name="Commands").click()
    inside.get_by_role("menuitem", name="Ask for a message").click()
    drawer = inside.get_by_role("dialog")
    drawer.get_by_label("Message").select_option("heartbeat")
    drawer.get_by_role("button", name="Send").click()
    expect(drawer.get_by_test_id("answer")).to_contain_text("Accepted in")


def test_a_refusal_says_why(inside: Page, platform: Platform) -> None:
    inside.goto(f"/stations/{a_station(platform)}?command=start")
    drawer = inside.get_by_role("dialog")
    drawer.get_by_label(re.compile("^Token")).fill("NOBODY-HAS-THIS")
    drawer.get_by_role("button", name="Send").click()
    expect(drawer.get_by_role("alert")).to_contain_text("token.refused")


def test_keys_lead_through_the_pages(inside: Page) -> None:
    inside.keyboard.press("g")
    inside.keyboard.press("s")
    expect(inside.get_by_role("heading", name="Stations", level=1)).to_be_visible()
    inside.get_by_role("row").nth(2).wait_for()
    inside.keyboard.press("j")
    inside.keyboard.press("j")
    inside.keyboard.press("Enter")
    expect(inside).to_have_url(re.compile("/stations/."))
    inside.keyboard.press("Control+k")
    inside.get_by_role("combobox").fill("SIM-0002")
    inside.get_by_role("option", name="SIM-0002").first.wait_for()
    inside.keyboard.press("Enter")
    expect(inside.get_by_role("heading", name="SIM-0002", level=1)).to_be_visible()


def test_filters_are_in_the_address(inside: Page) -> None:
    inside.goto("/sessions")
    inside.get_by_text("running", exact=True).first.click()
    expect(inside).to_have_url(re.compile("state=active"))
    inside.reload()
    expect(inside.get_by_role("radio", name="running")).to_be_checked()


def test_a_session_has_its_curve(inside: Page, platform: Platform) -> None:
    sessions = platform.api("GET", "/sessions?limit=100&state=active")["items"]
    busiest = max(sessions, key=lambda session: session["energy_wh"])
    inside.goto(f"/sessions/{busiest['id']}")
    expect(inside.get_by_role("heading", name=busiest["station"])).to_be_visible()
    expect(inside.locator("figure canvas").first).to_be_visible(timeout=60_000)


def test_a_lost_stream_is_said_and_comes_back(inside: Page) -> None:
    inside.route("**/api/v1/live*", lambda route: route.abort())
    inside.reload()
    expect(inside.locator(".live")).to_contain_text("Reconnecting")
    inside.unroute("**/api/v1/live*")
    expect(inside.locator(".live")).to_have_attribute("data-state", "live")


def test_in_german_and_dark(browser: Browser, platform: Platform) -> None:
    made = visit(browser, platform.url, scheme="dark", language="de-DE")
    made.page.goto("/")
    expect(made.page.get_by_role("button", name="Anmelden")).to_be_visible()
    assert made.page.evaluate("document.documentElement.dataset.mantineColorScheme") == "dark"
    assert made.page.evaluate("document.documentElement.lang") == "de"
    assert made.complaints == []
    made.page.context.close()


def test_the_first_owner_and_the_first_station(browser: Browser, fresh: Platform) -> None:
    made = visit(browser, fresh.url)
    page = made.page
    page.goto("/")
    page.get_by_label("Set-up code").fill(fresh.code)
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label(re.compile("^Password")).fill("a long enough one")
    page.get_by_role("button", name="Create the owner").click()
    page.get_by_label("Identity").fill("CP-0001")
    page.get_by_role("button", name="Add station").click()
    expect(page.get_by_role("img", name="QR code of")).to_be_visible()
    expect(page.get_by_text("/CP-0001", exact=False)).to_be_visible()
    expect(page.get_by_text("Waiting for the station")).to_be_visible()
    assert made.complaints == []
    page.context.close()
