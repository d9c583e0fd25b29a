"""Which pages the console has, and how to get to each.

The pages are read from the rooms' routes, so a page that somebody adds is visited without a word
here. What a page is about (``/stations/$id``) comes from the first link that leads to one.
"""

import re
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

from tests.console.running import ROOT, Platform

ROUTE = re.compile(r'\bpath:\s*"(/[^"]*)"')
NAMED = re.compile(r"\$[A-Za-z_]*")
# All that the router knows, in its own spelling.
KNOWN = "Object.keys(window.__TSR_ROUTER__.routesByPath)"
LINKS = "[...document.querySelectorAll('a[href^=\"/\"]')].map((link) => link.getAttribute('href'))"
TABS = (
    "[...document.querySelectorAll('main .tabs a[href]')].map((link) => link.getAttribute('href'))"
)
# What no link shows and yet is a page of its own: a drawer that the address opens.
BESIDES = {"/stations/$id": ("?command=set_limit",)}


def routes() -> list[str]:
    """The pages of all rooms, by their routes."""
    files = (ROOT / "console" / "src" / "rooms").rglob("*.ts*")
    return sorted({path for file in files for path in ROUTE.findall(file.read_text("utf-8"))})


@dataclass
class Addresses:
    """Remembers where links lead, and knows what is worth a look."""

    platform: Platform

    def of(self, route: str, page: Page) -> str | None:
        """An address of this page, from the links on ``page``. None if none of them leads there."""
        if "$" not in route:
            return route
        if route in ("/stations/$id", "/sessions/$id"):
            return self._busiest(route)
        if route == "/webhooks/$id":
            body = {"url": "https://hooks.example/in", "types": ["webhook.ping"]}
            return NAMED.sub(self.platform.api("POST", "/webhooks", body)["webhook"]["id"], route)
        pattern = re.compile(NAMED.sub("[^/?#]+", route.replace(".", r"\.")) + r"(?:[?#].*)?")
        links: list[str] = page.evaluate(LINKS)
        return next(filter(pattern.fullmatch, links), None)

    def _busiest(self, route: str) -> str:
        """Where a car charges there is most to see."""
        running: list[dict[str, Any]] = self.platform.api(
            "GET", "/sessions?limit=100&state=active"
        )["items"]
        busiest = max(running, key=lambda session: session["energy_wh"])
        named = busiest["station"] if route.startswith("/stations") else busiest["id"]
        return NAMED.sub(named, route)


def above(route: str) -> str:
    """Where links to it should be: the list."""
    return route.split("/$", 1)[0] or "/"


def slug(address: str) -> str:
    """For a file's name."""
    return re.sub(r"[^A-Za-z0-9]+", "-", address).strip("-") or "overview"
