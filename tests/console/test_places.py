"""Sites at the console: the map, a site's page, and whose clock tells the time."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.conftest import Platform, Visit, log_in, visit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

OWN_ZONE = "Asia/Tokyo"


@pytest.fixture
def desk(browser: Browser, platform: Platform) -> Iterator[Visit]:
    """Somebody at the console, at a desk."""
    made = visit(browser, platform.url)
    log_in(made.page, platform)
    yield made
    made.page.context.close()
    assert made.complaints == []


def names(platform: Platform) -> list[str]:
    return [site["name"] for site in platform.api("GET", "/sites")["items"]]


def test_each_site_is_a_ring_on_the_map_that_leads_to_it(desk: Visit, platform: Platform) -> None:
    page = desk.page
    pins = page.get_by_role("region", name="Map of the sites").get_by_role("link")
    expect(pins).to_have_count(len(names(platform)))
    expect(page.locator(".pin .ring circle[data-kind]").first).to_be_attached()
    # All that the map needs comes from the platform itself.
    hosts = page.evaluate(
        "[...new Set(performance.getEntriesByType('resource').map((e) => new URL(e.name).origin))]"
    )
    assert hosts == [platform.url]
    page.get_by_role("link", name=re.compile("^Jordaan: .* ports free")).press("Enter")
    expect(page.get_by_role("heading", name="Jordaan", level=1)).to_be_visible()
    expect(page.get_by_text("Amsterdam", exact=False).first).to_be_visible()


def test_the_same_as_a_table_and_on_a_phone_as_one_from_the_start(
    browser: Browser, desk: Visit, platform: Platform
) -> None:
    desk.page.get_by_text("Table", exact=True).click()
    table = desk.page.get_by_role("table", name="Sites")
    expect(table.get_by_role("row")).to_have_count(len(names(platform)) + 1)
    expect(table).to_contain_text("America/New_York")
    phone = visit(browser, platform.url, width="phone")
    log_in(phone.page, platform)
    expect(phone.page.get_by_role("table", name="Sites")).to_contain_text("Jordaan")
    assert phone.complaints == []
    phone.page.context.close()


def test_a_site_is_edited_in_place(desk: Visit, platform: Platform) -> None:
    page = desk.page
    page.goto("/sites")
    page.get_by_role("link", name="Kendall Campus").click()
    page.get_by_role("button", name="Edit site").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Time zone").fill("Europe/Nowhere")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("there is no time zone")
    dialog.get_by_label("Time zone").fill("America/Chicago")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("(America/Chicago)")).to_be_visible()
    platform.api("PATCH", "/sites/Kendall%20Campus", {"zone": "America/New_York"})
    # Changed elsewhere, it appears by itself.
    expect(page.get_by_text("(America/New_York)")).to_be_visible()


def test_a_site_shows_its_stations_as_they_are(desk: Visit, platform: Platform) -> None:
    page = desk.page
    stations = platform.api("GET", "/stations?site=Jordaan")["items"]
    page.goto("/sites/Jordaan")
    expect(page.locator("section.evse")).to_have_count(len(stations))
    busy = platform.api("GET", "/sessions?state=active&limit=200")["items"]
    here = [one for one in busy if one["station"] in {station["id"] for station in stations}]
    if here:
        expect(page.locator("section.evse a[href^='/sessions/']").first).to_be_visible()


def test_opening_hours_are_edited(desk: Visit, platform: Platform) -> None:
    page = desk.page
    page.goto("/sites/Jordaan")
    expect(page.get_by_text("always open")).to_be_visible()
    page.get_by_role("button", name="Edit site").click()
    dialog = page.get_by_role("dialog")
    for _ in range(5):
        dialog.get_by_role("button", name="Add hours").click()
    dialog.get_by_label("Closes at").nth(4).fill("22:30")
    dialog.get_by_role("button", name="Save").click()
    told = re.compile("Mon.Thu 08:00.20:00 · Fri 08:00.22:30")
    expect(page.get_by_text(told)).to_be_visible()
    stored = platform.api("GET", "/sites/Jordaan")["hours"]
    assert stored[4] == {"weekday": 5, "begin": "08:00", "end": "22:30"}
    page.get_by_role("button", name="Edit site").click()
    for _ in range(5):
        dialog.get_by_role("button", name="Remove these hours").first.click()
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("always open")).to_be_visible()


def test_a_site_lists_its_own_sessions(desk: Visit, platform: Platform) -> None:
    page = desk.page
    site = next(
        name for name in names(platform) if platform.api("GET", f"/sessions?site={name}")["items"]
    )
    here = platform.api("GET", f"/sessions?site={site}&limit=200")["items"]
    stations = {one["id"] for one in platform.api("GET", f"/stations?site={site}")["items"]}
    assert {session["station"] for session in here} <= stations
    page.goto(f"/sites/{site}")
    table = page.get_by_role("table", name="Sessions")
    expect(table).to_contain_text(here[0]["token"])
    page.get_by_role("link", name="all of them").click()
    expect(page.get_by_role("combobox", name="Site")).to_have_value(site)
    expect(page.get_by_role("table", name="Sessions")).to_contain_text(here[0]["token"])


def in_tokyo(browser: Browser, platform: Platform) -> Page:
    context = browser.new_context(base_url=platform.url, timezone_id=OWN_ZONE, locale="en-US")
    page = context.new_page()
    log_in(page, platform)
    return page


def test_times_are_those_of_the_site_unless_the_reader_wants_others(
    browser: Browser, platform: Platform
) -> None:
    sessions = platform.api("GET", "/sessions?limit=200")["items"]
    session = next(one for one in sessions if one["zone"] == "America/New_York")
    page = in_tokyo(browser, platform)
    page.goto(f"/sessions/{session['id']}")
    began = page.locator("dt", has_text="Started").locator("xpath=following-sibling::dd[1]")
    expect(began).to_contain_text(re.compile(r"[0-9] E[SD]T"))
    page.goto("/settings")
    page.get_by_text(re.compile("^yours")).click()
    page.goto(f"/sessions/{session['id']}")
    expect(began).to_contain_text("GMT+9")
    page.context.close()


def test_who_points_at_a_time_sees_it_by_every_clock(browser: Browser, platform: Platform) -> None:
    page = in_tokyo(browser, platform)
    page.goto("/stations?site=Jordaan")
    moment = page.locator(".trow time").first
    moment.hover()
    title = moment.get_attribute("title") or ""
    assert [line.rpartition(" · ")[2] for line in title.splitlines()] == [
        "Europe/Amsterdam",
        "UTC",
        OWN_ZONE,
    ]
    page.context.close()
