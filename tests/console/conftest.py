"""The built console in a headless Chromium, against a running platform with simulated stations."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from forecourt.edge.http.console import BUILT

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "build" / "console"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
START_S = 90
WIDTHS = {"wide": (1440, 900), "phone": (390, 844)}
# The machine that runs the tests is busy with other tests.
PATIENCE_MS = 20_000


@dataclass(frozen=True)
class Platform:
    """A platform that runs beside the test."""

    url: str
    email: str = ""
    password: str = ""
    key: str = ""
    code: str = ""

    def api(self, method: str, path: str, body: object = None) -> Any:
        """Ask with the API key, as another program would."""
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = httpx.request(
            method, f"{self.url}/api/v1{path}", json=body, headers=headers, timeout=30
        )
        answer.raise_for_status()
        return answer.json()


def said(process: subprocess.Popen[str], out: Path, pattern: str) -> re.Match[str]:
    """What the platform printed, as soon as it did."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        text = out.read_text(encoding="utf-8")
        if found := re.search(pattern, text, re.DOTALL):
            return found
        if process.poll() is not None:
            break
        time.sleep(0.2)
    pytest.fail(f"the platform did not start:\n{out.read_text(encoding='utf-8')}")


def running(out: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}  # noqa: TID251 (a child's)
    with out.open("w", encoding="utf-8") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "forecourt.cli", *arguments],
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )


def stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


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
    out = folder / "out"
    process = running(out, "demo", "--stations", "24", "--data-dir", str(folder / "data"))
    try:
        found = said(
            process,
            out,
            r"(http://127\.0\.0\.1:\d+).*?log in as\s+(\S+)\s+(\S+).*?API key\s+(fck_\S+)",
        )
        url, email, password, key = found.groups()
        platform = Platform(url=url, email=email, password=password, key=key)
        until = time.monotonic() + START_S
        while platform.api("GET", "/overview")["sessions_running"] == 0:
            assert time.monotonic() < until, "no simulated car charges"
            time.sleep(0.5)
        yield platform
    finally:
        stop(process)


@pytest.fixture
def fresh(built: Path, tmp_path: Path) -> Iterator[Platform]:
    """A platform where nobody has logged in yet."""
    assert built.is_dir()
    out = tmp_path / "out"
    data = str(tmp_path / "data")
    process = running(out, "serve", "--http-port", "0", "--ocpp-port", "0", "--data-dir", data)
    try:
        code = said(process, out, r"set-up code (\S+)").group(1)
        url = said(process, out, r"http=(http://\S+?)/?\s").group(1)
        yield Platform(url=url, code=code)
    finally:
        stop(process)


@pytest.fixture(scope="session")
def browser() -> Generator[Browser]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Chrome and no Chromium on this machine")
    with sync_playwright() as playwright:
        # Root, as in a container, has no sandbox.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Visit:
    """Somebody at the console, and what the browser complained about."""

    page: Page
    complaints: list[str]


def visit(
    browser: Browser, url: str, *, width: str = "wide", scheme: Any = "light", language: str = "en"
) -> Visit:
    wide, high = WIDTHS[width]
    context = browser.new_context(
        base_url=url,
        viewport={"width": wide, "height": high},
        color_scheme=scheme,
        locale=language,
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text)
            if message.type == "error" and "Failed to load resource" not in message.text
            else None
        ),
    )
    return Visit(page, complaints)


def log_in(page: Page, platform: Platform) -> None:
    page.goto("/")
    page.locator("input[type=email]").fill(platform.email)
    page.locator("input[type=password]").fill(platform.password)
    page.keyboard.press("Enter")
    page.locator(".shell").wait_for()


@pytest.fixture
def guest(browser: Browser, platform: Platform) -> Iterator[Visit]:
    """Somebody before the door."""
    made = visit(browser, platform.url)
    yield made
    made.page.context.close()
    assert made.complaints == []


@pytest.fixture
def inside(guest: Visit, platform: Platform) -> Page:
    """Somebody who is logged in."""
    log_in(guest.page, platform)
    return guest.page
