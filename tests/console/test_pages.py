"""Every page, light and dark, wide and on a phone: it opens, nothing complains, axe finds nothing.

A picture of each goes to ``build/console``, for somebody to look at.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.console.addresses import BESIDES, KNOWN, TABS, Addresses, above, routes, slug
from tests.console.conftest import SHOTS, WIDTHS, Visit, visit
from tests.console.running import ROOT, Platform

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

AXE = ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js"
# WCAG 2.2 AA and what it is built on.
ALL = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
# What is left to ask in the dark where the same page, as wide, has been asked everything in light.
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
WIDE_MS = 3_000
STICKING = Path(__file__).with_name("sticking.js").read_text(encoding="utf-8")
LOOKS: tuple[tuple[str, Literal["light", "dark"]], ...] = (
    ("wide", "light"),
    ("wide", "dark"),
    ("phone", "light"),
    ("phone", "dark"),
)


@pytest.fixture(scope="module")
def traveller(browser: Browser, platform: Platform, owner: Any) -> Iterator[Visit]:
    """The owner, who looks at one page after the other."""
    made = visit(browser, platform.url, who=owner)
    yield made
    made.page.context.close()


@pytest.fixture
def tour(traveller: Visit) -> Iterator[Visit]:
    """The same, on a page of which nothing is known yet."""
    traveller.complaints.clear()
    yield traveller
    assert traveller.complaints == [], "\n".join(traveller.complaints)


def axe(page: Page, rules: Mapping[str, object] = ALL) -> list[str]:
    """What stands in somebody's way."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    options = json.dumps({"runOnly": rules, "resultTypes": ["violations"]})
    found = page.evaluate(f"axe.run(document, {options})")
    return [
        f"{one['id']}: {one['help']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"][:3]
    ]


def too_wide(page: Page) -> list[str]:
    """What sticks out of the screen and stays so: a row that just arrives may, for a moment."""
    fits = f"() => ({STICKING}\n)().length === 0"
    try:
        # A function: an expression would be evaluated anew at each look, which our policy forbids.
        page.wait_for_function(fits, timeout=WIDE_MS)
    except PlaywrightTimeout:
        return [str(one) for one in page.evaluate(STICKING)]
    return []


def look(made: Visit, name: str) -> None:
    """At what is open: in light and dark, wide and on a phone; complaints are kept."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page = made.page
    for width, scheme in LOOKS:
        wide, high = WIDTHS[width]
        page.set_viewport_size({"width": wide, "height": high})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        made.settle()
        page.screenshot(path=SHOTS / f"{name}-{wide}-{scheme}.png", animations="disabled")
        found = [*axe(page, ALL if scheme == "light" else COLOURS), *too_wide(page)]
        made.complaints += [f"{page.url}, {width}, {scheme}: {one}" for one in found]
    wide, high = WIDTHS["wide"]
    page.set_viewport_size({"width": wide, "height": high})


def test_the_router_has_no_other_pages(tour: Visit) -> None:
    """What is visited is read from the rooms' files; the browser knows for sure."""
    tour.open("/")
    assert sorted(tour.page.evaluate(KNOWN)) == routes()


@pytest.mark.parametrize("route", routes())
def test_page(tour: Visit, platform: Platform, route: str) -> None:
    if not AXE.is_file():
        pytest.skip("the console's packages are not there: make console")
    if "$" in route:
        tour.open(above(route))
    address = Addresses(platform).of(route, tour.page)
    assert address is not None, f"no link on {above(route)} leads to {route}: the demo has none"
    tour.open(address)
    tabs = tour.page.evaluate(TABS)
    name = slug(route)
    look(tour, name)
    others = [*tabs, *(address + more for more in BESIDES.get(route, ()))]
    for other in others:
        tour.open(other)
        look(tour, f"{name}-{slug(other.partition('?')[2])}")


def test_an_address_that_is_none(tour: Visit) -> None:
    tour.open("/there-is-no-such-page")
    look(tour, "missing")


def test_the_door(browser: Browser, platform: Platform) -> None:
    made = visit(browser, platform.url)
    made.open("/")
    look(made, "login")
    made.close()
