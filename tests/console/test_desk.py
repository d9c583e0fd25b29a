"""The operator's desk: what one sees of a station, a session and the network, and does about it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import Platform
from tests.console.test_console import a_station

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
