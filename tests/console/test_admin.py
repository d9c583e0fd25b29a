"""Who else may come in: tenants below one's own, and providers of single sign-on."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_a_tenant_below_is_shown_sites_acted_in_and_shut_out(inside: Page) -> None:
    inside.goto("/tenants")
    inside.get_by_role("button", name="Add tenant").click()
    dialog = inside.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Hof GmbH")
    dialog.get_by_label("Kind").select_option("customer")
    dialog.get_by_role("button", name="Add tenant").click()
    row = inside.get_by_role("row").filter(has_text="Hof GmbH")
    expect(row).to_contain_text("open")
    row.get_by_role("button", name="Hof GmbH").click()
    dialog.get_by_label("What they see it as").fill("Our yard")
    dialog.get_by_role("combobox", name="Sites").click()
    inside.get_by_role("option", name="Jordaan").click()
    inside.keyboard.press("Tab")  # Closes the list, which lies over the button.
    dialog.get_by_role("button", name="Share sites").click()
    expect(dialog.get_by_role("listitem").filter(has_text="Our yard")).to_contain_text("Jordaan")
    inside.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    inside.get_by_role("button", name="Acting in").click()
    inside.get_by_role("menuitem", name="Hof GmbH").click()
    expect(inside.get_by_role("button", name="Acting in Hof GmbH")).to_be_visible()
    inside.goto("/stations")
    expect(inside.get_by_text("No stations yet")).to_be_visible()
    inside.get_by_role("button", name="Acting in Hof GmbH").click()
    inside.get_by_role("menuitem", name="Your own tenant").click()
    expect(inside.get_by_role("button", name="Acting in Hof GmbH")).to_have_count(0)

    inside.goto("/tenants")
    inside.on("dialog", lambda asked: asked.accept())
    row.get_by_role("button", name="Hof GmbH").click()
    dialog.get_by_role("button", name="Shut out").click()
    expect(row).to_contain_text("shut")


def test_a_provider_of_single_sign_on_is_checked_before_it_is_kept(inside: Page) -> None:
    inside.goto("/sso")
    inside.get_by_role("button", name="Add provider").click()
    dialog = inside.get_by_role("dialog")
    expect(dialog.get_by_text("/api/v1/login/sso/callback")).to_be_visible()
    dialog.get_by_label("Name").fill("Corp")
    dialog.get_by_label("Issuer").fill("https://sso.corp.example/realms/corp")
    dialog.get_by_label("Client id").fill("forecourt")
    dialog.get_by_role("textbox", name="Client secret").fill("a secret")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("domains")
    inside.keyboard.press("Escape")
    expect(inside.get_by_text("No provider")).to_be_visible()
