"""The built console in a headless Chromium, against a running platform with simulated stations.

One browser and one demonstration network for all of it; who is inside has logged in once. Nothing
sleeps: what is waited for is named, and has long to come, because the machine is busy.
"""

import subprocess
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Response, expect, sync_playwright

from forecourt.edge.http.console import BUILT
from tests.console.running import LIVELY, PATIENCE_S, ROOT, Forecourt, Platform, Served, until

__all__ = ["SHOTS", "WIDTHS", "Platform", "Visit", "add_user", "cookie_of", "log_in", "visit"]

SHOTS = ROOT / "build" / "console"
WIDTHS = {"wide": (1440, 900), "phone": (390, 844)}
PATIENCE_MS = PATIENCE_S * 1_000
REFUSED = 400
BROKEN = 500
# Counts what the page asked for and was not told yet; the stream of events is no such question.
COUNTED = """
    window.asking = 0;
    const real = window.fetch;
    window.fetch = async (...what) => {
      window.asking += 1;
      try { return await real(...what); } finally { window.asking -= 1; }
    };
"""
QUIET_MS = 100
# Nothing is on its way, nothing stands in for what is, and it stays so for a moment.
SETTLED = f"""() => {{
  const busy = window.asking > 0 || !document.querySelector("h1")
    || document.querySelector("main [aria-busy=true], main .mantine-Skeleton-root");
  if (busy || window.quiet === undefined) window.quiet = performance.now();
  return performance.now() - window.quiet > {QUIET_MS};
}}"""

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def built() -> Path:
    if not (BUILT / "index.html").is_file():
        pytest.skip("the console is not built: make console")
    return BUILT


@pytest.fixture(scope="session")
def platform(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The demonstration network: stations that charge, and somebody who may log in."""
    assert built.is_dir()
    folder = tmp_path_factory.mktemp("console")
    demo = ("demo", "--stations", "24", *LIVELY, "--any-ports")
    process = Forecourt(folder / "out", *demo, "--data-dir", str(folder / "data"))
    try:
        found = process.said(
            r"(http://127\.0\.0\.1:\d+).*?log in as\s+(\S+)\s+(\S+).*?API key\s+(fck_\S+)"
            r".*?stations\s+(ws://\S+)/<identity>"
        )
        url, email, password, key, ocpp = found.groups()
        platform = Platform(
            url=url,
            email=email,
            password=password,
            key=key,
            ocpp_url=ocpp,
            data=folder / "data",
        )
        until("car that charges", lambda: platform.api("GET", "/overview")["sessions_running"])
        yield platform
    finally:
        process.stop()


@pytest.fixture
def served(built: Path, tmp_path: Path) -> Iterator[Served]:
    """A platform without anybody, to be started, stopped and started again."""
    assert built.is_dir()
    served = Served(tmp_path)
    yield served
    served.stop()


@pytest.fixture(scope="session")
def browser() -> Generator[Browser]:
    found = subprocess.run(
        [ROOT / "tools" / "setup", "find-browser"], stdout=subprocess.PIPE, text=True, check=False
    )
    if found.returncode != 0:
        pytest.skip("no Chrome and no Chromium on this machine")
    path = found.stdout.strip()
    with sync_playwright() as playwright:
        # Root, as in a container, has no sandbox; a container has little shared memory, and no
        # hardware that draws the map.
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--enable-unsafe-swiftshader"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@dataclass
class Visit:
    """Somebody at the console, and what the browser complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def open(self, address: str) -> None:
        """Go there, and wait until all of it is there."""
        self.page.goto(address)
        self.settle()

    def settle(self) -> None:
        self.page.evaluate("window.quiet = undefined")
        self.page.wait_for_function(SETTLED)

    def close(self) -> None:
        """Leave; whatever the browser complained about fails the test."""
        self.page.context.close()
        assert self.complaints == [], "\n".join(self.complaints)


def visit(
    browser: Browser,
    url: str,
    *,
    width: str = "wide",
    scheme: Any = "light",
    language: str = "en",
    who: Any = None,
    refused: bool = False,
) -> Visit:
    """A browser at this platform. ``who``: a log-in's cookie; ``refused``: requests may be."""
    wide, high = WIDTHS[width]
    context = browser.new_context(
        base_url=url,
        viewport={"width": wide, "height": high},
        color_scheme=scheme,
        locale=language,
        reduced_motion="reduce",
        storage_state=who,
    )
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(COUNTED)
    made = Visit(context.new_page())
    least = BROKEN if refused or who is None else REFUSED

    def answered(response: Response) -> None:
        if response.status >= least:
            made.complaints.append(f"{made.page.url}: {response.status} {response.url}")

    made.page.on("response", answered)
    made.page.on("pageerror", lambda error: made.complaints.append(f"{made.page.url}: {error}"))
    made.page.on(
        "console",
        # What could not be fetched is judged by its status.
        lambda said: (
            made.complaints.append(f"{made.page.url}: {said.text}")
            if said.type == "error" and "Failed to load resource" not in said.text
            else None
        ),
    )
    return made


def log_in(page: Page, platform: Platform) -> None:
    """As people do; quicker is the cookie of ``owner``."""
    page.goto("/")
    page.locator("input[type=email]").fill(platform.email)
    page.locator("input[type=password]").fill(platform.password)
    page.keyboard.press("Enter")
    page.locator(".shell").wait_for()


def cookie_of(browser: Browser, platform: Platform) -> Any:
    """A log-in, to be given to ``visit``."""
    context = browser.new_context()
    who = {"email": platform.email, "password": platform.password}
    answer = context.request.post(f"{platform.url}/api/v1/login", data=who)
    assert answer.ok, answer.text()
    cookie = context.storage_state()
    context.close()
    return cookie


def add_user(page: Page, platform: Platform, new: Mapping[str, str]) -> None:
    """Let somebody in; the page is the owner's."""
    headers = {"X-CSRF-Token": page.request.get("/api/v1/me").json()["csrf"]}
    # The owner of all these tests logged in when they began.
    proof = {"password": platform.password}
    assert page.request.post("/api/v1/me/confirmation", data=proof, headers=headers).ok
    assert page.request.post("/api/v1/users", data=new, headers=headers).ok


@pytest.fixture(scope="session")
def owner(browser: Browser, platform: Platform) -> Any:
    """The cookie of the demonstration's owner."""
    return cookie_of(browser, platform)


@pytest.fixture
def guest(browser: Browser, platform: Platform) -> Iterator[Visit]:
    """Somebody before the door."""
    made = visit(browser, platform.url)
    yield made
    made.close()


@pytest.fixture
def inside(browser: Browser, platform: Platform, owner: Any) -> Iterator[Page]:
    """The owner, logged in."""
    made = visit(browser, platform.url, who=owner, refused=True)
    yield made.page
    made.close()
