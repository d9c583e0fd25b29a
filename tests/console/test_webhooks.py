"""Webhooks at the console, with a receiver that is really there and verifies what it gets."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, expect
from standardwebhooks.webhooks import Webhook

from tests.console.conftest import Visit, cookie_of, visit
from tests.console.running import LIVELY, Forecourt, Platform
from tests.console.test_pages import look

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass
class Receiver:
    """A customer's server: what it got, and what it answers."""

    url: str = ""
    status: int = 204
    got: list[tuple[dict[str, str], str]] = field(default_factory=list)


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            told = {name.lower(): value for name, value in self.headers.items()}
            receiver.got.append((told, body))
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0" if receiver.status == 204 else "4")
            self.end_headers()
            if receiver.status != 204:
                self.wfile.write(b"nope")

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (the library's)
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def network(
    built: object, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Platform]:
    """A small demonstration network that may send to this machine."""
    assert built
    monkeypatch.setenv("FORECOURT_OUTBOUND_HOSTS", '["127.0.0.1"]')
    folder = tmp_path_factory.mktemp("webhooks")
    demo = ("demo", "--stations", "4", *LIVELY, "--data-dir", str(folder / "data"))
    process = Forecourt(folder / "out", *demo)
    try:
        found = process.said(
            r"(http://127\.0\.0\.1:\d+).*?log in as\s+(\S+)\s+(\S+).*?API key\s+(fck_\S+)"
        )
        url, email, password, key = found.groups()
        yield Platform(url=url, email=email, password=password, key=key)
    finally:
        process.stop()


@pytest.fixture
def owner(browser: Browser, network: Platform) -> Iterator[Visit]:
    made = visit(browser, network.url, who=cookie_of(browser, network), refused=True)
    yield made
    made.close()


def test_an_endpoint_from_its_making_to_its_end(owner: Visit) -> None:
    with receiving() as receiver:
        secret = made(owner, receiver)
        pinged(owner, receiver, secret)
        failed_and_sent_again(owner, receiver)
        rotated(owner, receiver, secret)
        given_up_and_removed(owner, receiver)


def made(owner: Visit, receiver: Receiver) -> str:
    """Made at the console; what must not be asked is refused where it is typed."""
    page = owner.page
    owner.open("/webhooks")
    expect(page.get_by_text("No endpoints yet")).to_be_visible()
    look(owner, "webhooks-none")
    page.get_by_role("button", name="Add endpoint").click()
    form = page.get_by_role("dialog")
    form.get_by_label("URL").fill("https://10.0.0.1/")
    form.get_by_role("button", name="Add endpoint").click()
    expect(form.get_by_role("alert")).to_contain_text("none of our own network")
    form.get_by_label("URL").fill(receiver.url)
    form.get_by_label("Description").fill("Back office")
    form.get_by_role("combobox", name="Events").fill("session.e")
    page.get_by_role("option", name=re.compile("session.ended")).click()
    page.keyboard.press("Escape")
    form.get_by_role("button", name="Add endpoint").click()
    secret: str = form.locator("[data-secret]").inner_text()
    assert secret.startswith("whsec_")
    look(owner, "webhooks-secret")
    form.get_by_role("button", name="Close").last.click()
    return secret


def pinged(owner: Visit, receiver: Receiver, secret: str) -> None:
    """A test arrives, signed, and is in the log without a reload."""
    page = owner.page
    page.get_by_role("link", name=receiver.url).click()
    expect(page.get_by_role("heading", name="Back office")).to_be_visible()
    page.get_by_role("button", name="Send test").click()
    log = page.get_by_role("table", name="Deliveries")
    expect(log).to_contain_text("webhook.ping")
    expect(log).to_contain_text("Delivered")
    told, body = receiver.got[0]
    assert Webhook(secret).verify(body, told) == json.loads(body)
    assert json.loads(body)["type"] == "webhook.ping"


def failed_and_sent_again(owner: Visit, receiver: Receiver) -> None:
    """A failure is seen with its answer, and sent again under the same id."""
    page = owner.page
    log = page.get_by_role("table", name="Deliveries")
    receiver.status = 503
    page.get_by_role("button", name="Send test").click()
    expect(page.get_by_text("Deliveries fail;")).to_be_visible()
    log.get_by_role("row").filter(has_text="Waiting").get_by_role("button").first.click()
    told_of = page.get_by_role("dialog")
    expect(told_of).to_contain_text("HTTP 503")
    expect(told_of).to_contain_text("nope")
    expect(told_of).to_contain_text('"type": "webhook.ping"')
    look(owner, "webhooks-delivery")
    receiver.status = 204
    told_of.get_by_role("button", name="Send again").click()
    expect(told_of).to_contain_text("Delivered")
    page.keyboard.press("Escape")
    assert receiver.got[-1][0]["webhook-id"] == receiver.got[1][0]["webhook-id"]
    look(owner, "webhooks-one")


def rotated(owner: Visit, receiver: Receiver, secret: str) -> None:
    """A new secret signs beside the old one."""
    page = owner.page
    log = page.get_by_role("table", name="Deliveries")
    page.get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name="New secret").click()
    page.get_by_role("dialog").get_by_role("button", name="New secret").click()
    fresh = page.locator("[data-secret]").inner_text()
    assert fresh != secret
    page.keyboard.press("Escape")
    expect(page.get_by_text("the one before signs until")).to_be_visible()
    count = len(receiver.got)
    page.get_by_role("button", name="Send test").click()
    expect(log.get_by_text("webhook.ping")).to_have_count(3)
    page.wait_for_function("() => window.asking === 0")
    expect(log.get_by_text("Delivered")).to_have_count(3)
    told, body = receiver.got[count]
    for one in (secret, fresh):
        Webhook(one).verify(body, told)


def given_up_and_removed(owner: Visit, receiver: Receiver) -> None:
    """Gone is given up at once, and said so; enabled again; removed."""
    page = owner.page
    receiver.status = 410
    page.get_by_role("button", name="Send test").click()
    expect(page.get_by_text("Given up: the endpoint answered 410 Gone.")).to_be_visible()
    look(owner, "webhooks-gone")
    owner.open("/webhooks")
    expect(page.get_by_text("was given up: it answered 410 Gone")).to_be_visible()
    look(owner, "webhooks-list")
    page.get_by_role("link", name=receiver.url).click()
    page.get_by_role("button", name="Enable").click()
    expect(page.get_by_role("button", name="Send test")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name="Remove").click()
    expect(page.get_by_text("No endpoints yet")).to_be_visible()
