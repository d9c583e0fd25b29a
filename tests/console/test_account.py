"""A password by a link, codes on paper, and who shows once more who it is, as people see it."""

import asyncio
import base64
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import asyncpg
import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from playwright.sync_api import Browser, Page, expect

from forecourt.infra.postgres import find_running
from tests.console.conftest import Platform, Visit, add_user, log_in, visit
from tests.console.test_pages import look
from tests.console.test_people import device, open_account

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

NORA = "nora@charge.example"
FIRST = "nora's first password"
SECOND = "nora's second password"

# The asterisk of what is required is a part of the label.
NEW = re.compile(r"^New password \*?$")
NEU = re.compile(r"^Neues Passwort \*?$")

LATE = (
    "UPDATE logins SET authenticated_at = now() - interval '16 minutes'"
    " WHERE login_id = (SELECT login_id FROM logins ORDER BY created_at DESC LIMIT 1)"
)


def come_back_late(platform: Platform) -> None:
    """Whoever logged in last did so a while ago."""

    async def work() -> None:
        conn = await asyncpg.connect(find_running(platform.data))
        await conn.execute(LATE)
        await conn.close()

    # The loop of the browser's driver is not for others.

    with ThreadPoolExecutor(1) as beside:
        beside.submit(lambda: asyncio.run(work())).result()


def add_nora(page: Page, platform: Platform) -> None:
    new = {"email": NORA, "name": "Nora", "role": "owner", "password": "to begin with"}
    add_user(page, platform, new)


def as_nora(platform: Platform, password: str) -> Platform:
    return replace(platform, email=NORA, password=password)


def out(made: Visit) -> None:
    made.page.context.clear_cookies()
    made.open("/")


def test_a_link_then_a_password_of_one_s_own_then_a_code_on_paper(
    browser: Browser, platform: Platform, inside: Page
) -> None:
    add_nora(inside, platform)
    inside.goto("/users")
    inside.get_by_role("button", name="Change: Nora").click()
    inside.get_by_role("button", name="Make a link to set the password").click()
    link = inside.get_by_role("dialog").locator("code").inner_text()
    assert link.startswith(f"{platform.url}/reset#")

    nora = visit(browser, platform.url)
    page = nora.page
    nora.open(link)
    assert "#" not in page.url, "not for who looks over a shoulder"
    look(nora, "reset")
    page.get_by_label(NEW).fill(FIRST)
    page.get_by_label("New password again").fill(FIRST)
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_role("status")).to_contain_text("The password is set")
    page.get_by_role("link", name="Log in").click()
    log_in(page, as_nora(platform, FIRST))

    change_password(page)
    codes = turn_totp_on(nora)
    out(nora)
    page.locator("input[type=email]").fill(NORA)
    page.locator("input[type=password]").fill(SECOND)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Use a recovery code").click()
    look(nora, "login-recovery")
    page.get_by_label("Recovery code").fill(codes[3])
    page.keyboard.press("Enter")
    page.locator(".shell").wait_for()
    expect(open_account(page).get_by_text("Recovery codes left: 9")).to_be_visible()
    turn_totp_off(nora)
    nora.close()

    again = visit(browser, platform.url, language="de")
    again.open(link)
    again.page.get_by_label(NEU).fill(FIRST)
    again.page.get_by_label("Neues Passwort noch einmal").fill(FIRST)
    again.page.get_by_role("button", name="Passwort setzen").click()
    expect(again.page.get_by_role("alert")).to_contain_text("gilt nicht, oder nicht mehr")
    again.close()


def change_password(page: Page) -> None:
    drawer = open_account(page)
    drawer.get_by_role("button", name="Change password").click()
    drawer.get_by_label("Password until now").fill("not this one")
    drawer.get_by_label(NEW).fill(SECOND)
    drawer.get_by_label("New password again").fill(SECOND)
    drawer.get_by_role("button", name="Change password").click()
    expect(drawer.get_by_text("That is not your password.")).to_be_visible()
    drawer.get_by_label("Password until now").fill(FIRST)
    drawer.get_by_role("button", name="Change password").click()
    expect(drawer.get_by_text("The password is changed.")).to_be_visible()


def turn_totp_on(nora: Visit) -> list[str]:
    """The codes that are shown once."""
    drawer = nora.page.get_by_role("dialog")
    drawer.get_by_role("button", name="Set up an authenticator").click()
    secret = drawer.locator("code").first.inner_text()
    totp = TOTP(base64.b32decode(secret), 6, SHA1(), 30)
    drawer.get_by_label("Code of your authenticator").fill(totp.generate(int(time.time())).decode())  # noqa: TID251 (the browser's clock)
    drawer.get_by_role("button", name="Turn on").click()
    shown = drawer.get_by_role("list", name="Recovery codes").locator("code")
    expect(shown).to_have_count(10)
    codes = shown.all_inner_texts()
    look(nora, "recovery-codes")
    drawer.get_by_role("button", name="I have kept them").click()
    expect(drawer.get_by_text("Recovery codes left: 10")).to_be_visible()
    return codes


def turn_totp_off(nora: Visit) -> None:
    """From now on the password is enough."""
    drawer = nora.page.get_by_role("dialog")
    look(nora, "second-factor")
    nora.page.once("dialog", lambda dialog: dialog.accept())
    drawer.get_by_role("button", name="Turn off").click()
    expect(drawer.get_by_role("button", name="Set up an authenticator")).to_be_visible()
    expect(drawer.get_by_text("Recovery codes left")).to_have_count(0)


def test_who_comes_back_late_confirms_and_goes_on(browser: Browser, platform: Platform) -> None:
    made = visit(browser, platform.url)
    page = made.page
    log_in(page, platform)
    come_back_late(platform)
    made.open("/apikeys")
    page.get_by_role("button", name="Make API key").click()
    form = page.get_by_role("dialog", name="Make API key")
    form.get_by_label("Name").fill("late")
    form.get_by_role("button", name="Make API key").click()
    asked = page.get_by_role("dialog", name="Confirm that it is you")
    asked.locator("input[type=password]").fill("not this one")
    asked.get_by_role("button", name="Confirm", exact=True).click()
    expect(asked.get_by_role("alert")).to_contain_text("That is not your password.")
    look(made, "confirm")
    asked.locator("input[type=password]").fill(platform.password)
    asked.get_by_role("button", name="Confirm", exact=True).click()
    expect(form.locator("code")).to_contain_text("fck_")  # And it goes on.
    expect(asked).to_have_count(0)

    # Who does not, is told why nothing was done.
    come_back_late(platform)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Make API key").click()
    form.get_by_label("Name").fill("never")
    form.get_by_role("button", name="Make API key").click()
    asked.get_by_role("button", name="Close").click()
    expect(form.get_by_role("alert")).to_contain_text("Confirm that it is you first.")
    made.close()


def test_who_comes_back_late_confirms_by_a_passkey(browser: Browser, platform: Platform) -> None:
    # Passkeys are bound to a name.
    local = replace(platform, url=platform.url.replace("127.0.0.1", "localhost"))
    made = visit(browser, local.url)
    page = made.page
    cdp, authenticator = device(page)
    log_in(page, local)
    drawer = open_account(page)
    drawer.get_by_label("Name of this device").fill("Desk")
    drawer.get_by_role("button", name="Add a passkey").click()
    expect(drawer.get_by_text("Desk")).to_be_visible()
    come_back_late(platform)

    made.open("/apikeys")
    page.get_by_role("button", name="Make API key").click()
    form = page.get_by_role("dialog", name="Make API key")
    form.get_by_label("Name").fill("by a passkey")
    form.get_by_role("button", name="Make API key").click()
    asked = page.get_by_role("dialog", name="Confirm that it is you")
    by_passkey = asked.get_by_role("button", name="Confirm with a passkey")

    # Whoever has the device and not its owner's finger is nobody.
    verified = {"authenticatorId": authenticator, "isUserVerified": False}
    cdp.send("WebAuthn.setUserVerified", verified)
    by_passkey.click()
    expect(by_passkey).not_to_have_attribute("data-loading", "true")
    expect(by_passkey).to_be_visible()
    assert "by a passkey" not in page.request.get("/api/v1/apikeys").text()

    cdp.send("WebAuthn.setUserVerified", {**verified, "isUserVerified": True})
    by_passkey.click()
    expect(form.locator("code")).to_contain_text("fck_")  # And it goes on.
    expect(asked).to_have_count(0)
    assert "by a passkey" in page.request.get("/api/v1/apikeys").text()
    made.close()
