"""Every page at both widths: a picture to look at, and what axe says about who may not see it."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.console.conftest import ROOT, SHOTS, Platform, log_in, visit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

AXE = ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js"
# WCAG 2.2 AA and what it is built on.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SETTLED_MS = 1_500


def pages(platform: Platform) -> dict[str, str]:
    sessions = platform.api("GET", "/sessions?limit=100&state=active")["items"]
    busiest = max(sessions, key=lambda session: session["energy_wh"])
    station = f"/stations/{busiest['station']}"
    return {
        "overview": "/",
        "stations": "/stations",
        "station": station,
        "station-sessions": f"{station}?tab=sessions",
        "station-timeline": f"{station}?tab=timeline",
        "station-model": f"{station}?tab=model",
        "station-messages": f"{station}?tab=messages",
        "station-alarms": f"{station}?tab=alarms",
        "station-firmware": f"{station}?tab=firmware",
        "station-facts": f"{station}?tab=facts",
        "station-command": f"{station}?command=set_limit",
        "sessions": "/sessions",
        "session": f"/sessions/{busiest['id']}",
        "tokens": "/tokens",
        "users": "/users",
        "apikeys": "/apikeys",
        "audit": "/audit",
        "settings": "/settings",
        "welcome": "/welcome",
        "missing": "/there-is-no-such-page",
    }


def axe(page: Page) -> list[str]:
    """What stands in somebody's way."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    options = json.dumps({"runOnly": {"type": "tag", "values": RULES}})
    found = page.evaluate(f"axe.run(document, {options})")
    return [
        f"{one['id']}: {one['help']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"][:3]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["wide", "phone"])
def test_pages(browser: Browser, platform: Platform, width: str, scheme: str) -> None:
    if not AXE.is_file():
        pytest.skip("the console's packages are not there: make console")
    folder = Path(SHOTS)
    folder.mkdir(parents=True, exist_ok=True)
    made = visit(browser, platform.url, width=width, scheme=scheme)
    page = made.page
    page.goto("/")
    page.locator("input[type=email]").wait_for()
    complaints = [f"login: {one}" for one in axe(page)]
    page.screenshot(path=folder / f"login-{width}-{scheme}.png")
    log_in(page, platform)
    for name, path in pages(platform).items():
        page.goto(path)
        page.locator("h1").first.wait_for()
        page.wait_for_timeout(SETTLED_MS)
        page.screenshot(path=folder / f"{name}-{width}-{scheme}.png")
        complaints += [f"{name}: {one}" for one in axe(page)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            complaints.append(f"{name}: wider than the screen")
    page.context.close()
    assert complaints == [], "\n".join(complaints)
    assert made.complaints == []
