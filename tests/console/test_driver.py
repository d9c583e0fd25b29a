"""The driver's page on a phone: from the sticker to the receipt, without a log-in."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.conftest import SHOTS, Platform, Visit, visit
from tests.console.test_console import a_station
from tests.console.test_pages import axe

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CARD = "DRIVER-CARD-1"


@pytest.fixture
def phone(browser: Browser, platform: Platform) -> Iterator[Visit]:
    made = visit(browser, platform.url, width="phone")
    yield made
    made.close()


def a_code(platform: Platform) -> str:
    station = a_station(platform, "ocpp2.0.1", evse=1)
    codes = platform.api("POST", f"/stations/{station}/codes")["items"]
    made = next(one["code"] for one in codes if one["evse"] == 1)
    label = {"connector_type": "CCS2", "power_w_max": 150_000}
    platform.api("PATCH", f"/stations/{station}/codes/{made}", label)
    return str(made)


def looked_at(page: Page, name: str) -> None:
    """A picture to look at, and what axe says."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"driver-{name}-phone-light.png")
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=SHOTS / f"driver-{name}-phone-dark.png")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.emulate_media(color_scheme="light")


def test_a_driver_starts_follows_and_stops(phone: Visit, platform: Platform) -> None:
    page = phone.page
    platform.api("POST", "/tokens", {"uid": CARD, "sessions_max": None})
    code = a_code(platform)
    page.goto(f"/c/{code}")
    expect(page.get_by_text("CCS2")).to_be_visible()
    expect(page.get_by_text("price not published")).to_be_visible()
    looked_at(page, "outlet")
    card = page.get_by_label("Number of your card or contract")
    card.fill("NO-SUCH-CARD")
    page.get_by_role("button", name="Start charging").click()
    expect(page.get_by_role("alert")).to_contain_text("may not charge here")
    looked_at(page, "refused")
    page.get_by_label("Number of your card or contract").fill(CARD)
    page.get_by_role("button", name="Start charging").click()
    page.wait_for_url(re.compile(rf"/c/{code}/s/"))
    stop = page.get_by_role("button", name="Stop charging")
    expect(stop).to_be_visible(timeout=60_000)
    energy = page.locator("[data-f=energy]")
    before = energy.text_content()
    expect(energy).not_to_have_text(before or "", timeout=60_000)
    looked_at(page, "charging")
    page.on("dialog", lambda dialog: dialog.accept())
    stop.click()
    expect(page.get_by_text("Receipt", exact=True)).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Meter at the start")).to_be_visible()
    looked_at(page, "receipt")


def test_the_page_is_small_speaks_german_and_needs_no_script(
    browser: Browser, platform: Platform
) -> None:
    code = a_code(platform)
    context = browser.new_context(
        base_url=platform.url, locale="de-DE", java_script_enabled=False, bypass_csp=True
    )
    page = context.new_page()
    loaded: list[int] = []
    page.on("response", lambda answer: loaded.append(len(answer.body())))
    page.goto(f"/c/{code}")
    expect(page.get_by_text("Preis nicht veröffentlicht")).to_be_visible()
    page.get_by_role("link", name="English").click()
    expect(page.get_by_text("price not published")).to_be_visible()
    assert sum(loaded) < 2 * 50_000
    page.get_by_label("Number of your card or contract").fill("NO-SUCH-CARD")
    page.get_by_role("button", name="Start charging").click()
    expect(page.get_by_role("alert")).to_contain_text("may not charge here")
    context.close()


def test_nobody_is_shut_out(browser: Browser, platform: Platform) -> None:
    code = a_code(platform)
    for scheme in ("light", "dark"):
        context = browser.new_context(
            base_url=platform.url,
            bypass_csp=True,
            color_scheme=scheme,
        )
        page = context.new_page()
        page.goto(f"/c/{code}")
        assert axe(page) == [], scheme
        page.goto("/c/0000000000")
        assert axe(page) == [], scheme
        context.close()


def test_the_operator_makes_prints_and_replaces_codes(inside: Page, platform: Platform) -> None:
    station = a_station(platform, "ocpp2.1")
    inside.goto(f"/stations/{station}?tab=codes")
    inside.get_by_role("button", name="Make codes").click()
    sticker = inside.locator(".sticker").first
    expect(sticker.get_by_role("img")).to_be_visible()
    printed = sticker.locator(".printed").text_content() or ""
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}", printed)
    for name, begins in (("SVG", b"<svg"), ("PNG", b"\x89PNG")):
        with inside.expect_download() as download:
            sticker.get_by_role("button", name=name).click()
        assert download.value.path().read_bytes().startswith(begins)
    inside.screenshot(path=SHOTS / "codes-wide-light.png")
    sticker.get_by_role("button", name="Change").click()
    dialog = inside.get_by_role("dialog")
    dialog.get_by_label("Connector type").select_option("J3400")
    dialog.get_by_label("Greatest power (kW)").fill("250")
    dialog.get_by_role("button", name="Save").click()
    expect(sticker).to_contain_text("250 kW")
    sticker.get_by_role("button", name="Change").click()
    inside.get_by_role("dialog").get_by_role("button", name="Replace the code").click()
    expect(sticker.locator(".printed")).not_to_have_text(printed)
    settings = json.dumps(platform.api("GET", "/driver-page"))
    assert settings == '{"may_start": true}', "the demonstration lets drivers start"
