"""What somebody does at the console, and sees."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.console.conftest import Visit, cookie_of, visit
from tests.console.running import Forecourt, Platform, Served, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

OWNER = {"name": "Ada", "email": "ada@example.com", "password": "a long enough one"}


def a_station(platform: Platform, protocol: str = "ocpp1.6", *, evse: int = 0) -> str:
    """One that is connected by this version, with all its outlets free; or with this one free.

    At busy hours the simulated drivers leave few stations alone for long.
    """

    def look() -> str | None:
        for station in platform.api("GET", "/stations?limit=100&connected=true")["items"]:
            outlets = [c for c in station["connectors"] if c["evse"] > 0]
            states = {c["state"] for c in outlets if evse in (0, c["evse"])}
            if station["protocol"] == protocol and states == {"available"}:
                return str(station["id"])
        return None

    return until("station that is idle", look)


def test_who_guesses_is_refused_in_words(guest: Visit) -> None:
    page = guest.page
    page.goto("/sessions")
    page.get_by_label("E-mail").fill("somebody@example.com")
    page.get_by_label(re.compile("^Password")).fill("guess-guess-guess")
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("address or the password is wrong")


def test_one_logs_in_and_out_again(guest: Visit, platform: Platform) -> None:
    page = guest.page
    page.goto("/sessions")
    page.get_by_label("E-mail").fill(platform.email)
    page.get_by_label(re.compile("^Password")).fill(platform.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sessions", level=1)).to_be_visible()
    page.get_by_role("button", name="Demo Owner").click()
    page.get_by_role("menuitem", name="Log out").click()
    expect(page.get_by_label("E-mail")).to_be_visible()
    page.goto("/sessions")
    expect(page.get_by_label("E-mail")).to_be_visible()


def test_the_overview_is_alive(inside: Page) -> None:
    inside.goto("/")
    expect(inside.locator(".live")).to_have_attribute("data-state", "live")
    expect(inside.locator(".tile-value").first).to_contain_text("24")
    expect(inside.locator("ol.feed li").first).to_be_visible()
    expect(inside.locator("figure canvas")).to_be_visible()


def test_what_happened_before_is_there_without_waiting_for_more(inside: Page) -> None:
    inside.route("**/api/v1/live*", lambda route: route.abort())
    inside.goto("/")
    expect(inside.locator("ol.feed li").first).to_be_visible()
    inside.goto("/stations")
    inside.get_by_role("row").nth(1).get_by_role("link").first.click()
    expect(inside.locator("ol.feed li").first).to_be_visible()
    expect(inside.locator(".live")).not_to_have_attribute("data-state", "live")


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
    inside.goto(f"/stations/{a_station(platform)}")
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
    inside.goto("/")
    inside.get_by_role("heading", level=1).wait_for()
    inside.keyboard.press("g")
    inside.keyboard.press("s")
    expect(inside.get_by_role("heading", name="Stations", level=1)).to_be_visible()
    inside.get_by_role("row").nth(2).wait_for()
    inside.keyboard.press("j")
    inside.keyboard.press("j")
    inside.keyboard.press("Enter")
    expect(inside).to_have_url(re.compile("/stations/."))
    inside.keyboard.press("Control+k")
    inside.get_by_role("dialog").get_by_role("combobox").fill("SIM-0002")
    inside.get_by_role("option", name="SIM-0002").first.wait_for()
    inside.keyboard.press("Enter")
    expect(inside.get_by_role("heading", name="SIM-0002", level=1)).to_be_visible()


def test_sites_pages_and_commands_by_keyboard_alone(inside: Page) -> None:
    inside.goto("/")
    inside.get_by_role("heading", level=1).wait_for()

    def search(words: str, found: str) -> None:
        inside.keyboard.press("Control+k")
        inside.get_by_role("dialog").get_by_role("combobox").wait_for()
        inside.keyboard.type(words)
        first = inside.get_by_role("dialog").get_by_role("option").first
        expect(first).to_contain_text(found)
        inside.keyboard.press("Enter")

    search("jordaan", "Jordaan")
    expect(inside.get_by_role("heading", name="Jordaan", level=1)).to_be_visible()
    search("go to alarms", "Go to Alarms")
    expect(inside.get_by_role("heading", name="Alarms", level=1)).to_be_visible()
    search("reset SIM-0003", "Restart · SIM-0003")
    expect(inside.get_by_role("dialog", name="Command to SIM-0003")).to_be_visible()
    expect(inside).to_have_url(re.compile("/stations/SIM-0003.*command=reset"))
    inside.keyboard.press("Escape")
    expect(inside.get_by_role("dialog")).to_have_count(0)
    # At a station's page its name need not be said.
    search("unlock", "Unlock connector · SIM-0003")
    expect(inside).to_have_url(re.compile("/stations/SIM-0003.*command=unlock"))


def test_enter_waits_for_what_is_still_looked_for(inside: Page) -> None:
    """Else a slow answer decides where one goes: here to a station of the site, not the site."""
    inside.goto("/")
    inside.get_by_role("heading", level=1).wait_for()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    inside.route("**/api/v1/sites?*q=jordaan*", hold)
    inside.keyboard.press("Control+k")
    palette = inside.get_by_role("dialog")
    palette.get_by_role("combobox").wait_for()
    inside.keyboard.type("jordaan")
    first = palette.get_by_role("option").first
    expect(first).to_contain_text("SIM-")
    inside.keyboard.press("Enter")
    expect(palette).to_be_visible()
    expect(palette.get_by_role("listbox")).to_have_attribute("aria-busy", "true")
    (route,) = held
    route.continue_()
    expect(inside.get_by_role("heading", name="Jordaan", level=1)).to_be_visible()


def test_enter_goes_at_once_to_what_was_chosen(inside: Page) -> None:
    """Whatever else is still looked for."""
    inside.goto("/")
    inside.get_by_role("heading", level=1).wait_for()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    inside.route("**/api/v1/sites?*q=SIM-0*", hold)
    inside.keyboard.press("Control+k")
    palette = inside.get_by_role("dialog")
    palette.get_by_role("combobox").wait_for()
    inside.keyboard.type("SIM-0")
    second = palette.get_by_role("option").nth(1)
    expect(second).to_contain_text("SIM-0")
    inside.keyboard.press("ArrowDown")
    expect(second).to_have_attribute("aria-selected", "true")
    chosen = second.locator(".cut").first.inner_text()
    inside.keyboard.press("Enter")
    expect(inside.get_by_role("heading", name=chosen, level=1)).to_be_visible()
    assert len(held) == 1


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
    expect(inside.locator("figure canvas").first).to_be_visible()


def test_in_german_and_dark(browser: Browser, platform: Platform) -> None:
    made = visit(browser, platform.url, scheme="dark", language="de-DE")
    made.page.goto("/")
    expect(made.page.get_by_role("button", name="Anmelden", exact=True)).to_be_visible()
    assert made.page.evaluate("document.documentElement.dataset.mantineColorScheme") == "dark"
    assert made.page.evaluate("document.documentElement.lang") == "de"
    made.close()


def test_the_first_owner_and_the_first_station(
    browser: Browser, served: Served, tmp_path: Path
) -> None:
    fresh = served.start()
    made = visit(browser, fresh.url)
    page = made.page
    page.goto("/")
    page.get_by_label("Set-up code").fill(fresh.code)
    page.get_by_label("Name").fill(OWNER["name"])
    page.get_by_label("E-mail").fill(OWNER["email"])
    page.get_by_label(re.compile("^Password")).fill(OWNER["password"])
    page.get_by_role("button", name="Create the owner").click()
    page.get_by_label("Identity").fill("CP-0001")
    page.get_by_role("button", name="Add station").click()
    expect(page.get_by_role("img", name="QR code of")).to_be_visible()
    expect(page.get_by_text("Waiting for the station")).to_be_visible()
    password = page.locator("dt", has_text="Password").locator("+ dd code").inner_text()
    known = ("--id-pattern", "CP-0001", "--password", password, "--stations", "1")
    station = Forecourt(tmp_path / "station", "sim", "--url", served.ocpp_url, *known)
    try:
        expect(page.get_by_text("The station has arrived")).to_be_visible()
    finally:
        station.stop()
    made.close()


def test_a_lost_connection_is_said_and_all_goes_on_when_it_is_back(
    browser: Browser, served: Served
) -> None:
    platform = served.start()
    platform.api("POST", "/setup", {**OWNER, "code": platform.code})
    owner = Platform(url=platform.url, email=OWNER["email"], password=OWNER["password"])
    made = visit(browser, platform.url, who=cookie_of(browser, owner), refused=True)
    page = made.page
    page.goto("/stations")
    expect(page.locator(".live")).to_have_attribute("data-state", "live")
    expect(page.get_by_text("No stations yet")).to_be_visible()
    page.evaluate("window.same = true")
    served.stop()
    expect(page.locator(".live")).to_contain_text("Reconnecting")
    served.start()
    add_a_station(page)
    expect(page.get_by_role("row").filter(has_text="CP-0002")).to_be_visible()
    expect(page.locator(".live")).to_have_attribute("data-state", "live")
    assert page.evaluate("window.same") is True
    made.close()


def add_a_station(page: Page) -> None:
    """From another window, which has the same cookie."""
    other: Any = page.context.request
    csrf = other.get("/api/v1/me").json()["csrf"]
    answer = other.post("/api/v1/stations", data={"id": "CP-0002"}, headers={"X-CSRF-Token": csrf})
    assert answer.ok, answer.text()
