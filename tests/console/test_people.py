"""People at the console: passkeys, by a virtual device of Chromium's own, and log-ins elsewhere."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.console.conftest import SHOTS, Platform, Visit, log_in, visit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DEVICE = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def local(platform: Platform) -> Platform:
    """The platform by a name that passkeys can be bound to."""
    return replace(platform, url=platform.url.replace("127.0.0.1", "localhost"))


@pytest.fixture
def somebody(browser: Browser, local: Platform) -> Iterator[Visit]:
    made = visit(browser, local.url)
    yield made
    made.page.context.close()
    assert made.complaints == []


def device(page: Page) -> tuple[CDPSession, str]:
    """A passkey's device in this browser."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    made = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    return cdp, str(made["authenticatorId"])


def open_account(page: Page) -> Any:
    page.get_by_role("button", name="Account of").click()
    page.get_by_role("menuitem", name="Account & security").click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("heading", name="Passkeys")).to_be_visible()
    return drawer


def shoot(page: Page, name: str) -> None:
    """A picture at both widths and in both schemes, for people to look at."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        for width, size in (("wide", (1440, 900)), ("phone", (390, 844))):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": size[0], "height": size[1]})
            page.wait_for_timeout(400)
            page.screenshot(path=SHOTS / f"people-{name}-{width}-{scheme}.png")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1440, "height": 900})


def test_a_passkey_is_added_logs_in_and_is_removed(somebody: Visit, local: Platform) -> None:
    page = somebody.page
    cdp, authenticator = device(page)
    log_in(page, local)
    drawer = open_account(page)
    drawer.get_by_label("Name of this device").fill("Test laptop")
    drawer.get_by_role("button", name="Add a passkey").click()
    expect(drawer.get_by_text("Test laptop")).to_be_visible()
    held = cdp.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})["credentials"]
    assert [one["isResidentCredential"] for one in held] == [True]
    shoot(page, "account")

    page.context.clear_cookies()
    page.goto("/")
    shoot(page, "login")
    page.get_by_role("button", name="Log in with a passkey").click()
    page.locator(".shell").wait_for()
    drawer = open_account(page)
    logins = drawer.get_by_role("region", name="Where you are logged in")
    expect(logins.get_by_text("this browser")).to_be_visible()
    expect(logins.get_by_text("Passkey", exact=False).first).to_be_visible()

    page.on("dialog", lambda dialog: dialog.accept())
    drawer.get_by_role("button", name="Remove Test laptop").click()
    expect(drawer.get_by_text("Test laptop")).to_have_count(0)
    page.context.clear_cookies()
    page.goto("/")
    page.get_by_role("button", name="Log in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("not known here")


def test_a_device_that_does_not_verify_its_user_opens_nothing(
    somebody: Visit, local: Platform
) -> None:
    page = somebody.page
    cdp, authenticator = device(page)
    log_in(page, local)
    drawer = open_account(page)
    drawer.get_by_label("Name of this device").fill("Lost phone")
    drawer.get_by_role("button", name="Add a passkey").click()
    expect(drawer.get_by_text("Lost phone")).to_be_visible()
    cdp.send(
        "WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False}
    )
    page.context.clear_cookies()
    page.goto("/")
    page.get_by_role("button", name="Log in with a passkey").click()
    page.wait_for_timeout(1_500)
    expect(page.locator(".shell")).to_have_count(0)


def test_another_browser_is_logged_out_from_here(
    browser: Browser, somebody: Visit, local: Platform
) -> None:
    page = somebody.page
    log_in(page, local)
    other = visit(browser, local.url)
    log_in(other.page, local)
    drawer = open_account(page)
    drawer.get_by_role("button", name="Log out everywhere else").click()
    expect(drawer.get_by_text("this browser")).to_be_visible()
    expect(drawer.get_by_role("button", name="Log out", exact=True)).to_have_count(0)
    other.page.goto("/")
    expect(other.page.get_by_role("button", name="Log in", exact=True)).to_be_visible()
    other.page.context.close()
