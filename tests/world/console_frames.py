"""How the stations page bears a large network: 10 000 rows, 1 000 changes of state a second.

    python -m tests.world.console_frames --stations 10000 --changes 1000 --seconds 15

A platform of its own serves the built console. Changes are events in its outbox, written in
batches as the group commit writes them; from there they go their whole way: relay, `/api/v1/live`,
browser. Headless Chromium shows the page; what counts is how long its frames took, how long a key
took to be seen, and how long the page was deaf (long tasks), while nobody touches it, while
somebody types into the filter, and while somebody scrolls.
"""

import argparse
import asyncio
import contextlib
import os
import random
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import asyncpg
import msgspec
from msgspec import Struct
from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from rich.table import Table

from forecourt.app.rooms import DEFAULT_TENANT, open_rooms
from forecourt.base.clock import SystemClock
from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.domain.stations import NewStation
from forecourt.domain.tenants import NewUser, Role
from forecourt.infra import postgres
from forecourt.settings import Settings, load

ROOT: Final = Path(__file__).parents[2]
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
OWNER: Final = "owner@frames.example"
AT_ONCE: Final = 1_000
BEAT_S: Final = 0.1
"""Changes are written ten times a second: a committer under load has batches like that."""
STATES: Final = ("available", "preparing", "charging", "suspended_ev", "finishing", "faulted")
SITES: Final = 40
START_S: Final = 90.0
SETTLE_S: Final = 3.0
LONG_FRAME_MS: Final = 50.0
TYPED: Final = "st-00"

CONNECTORS: Final = """
INSERT INTO connectors SELECT station_id, evse, 1, tenant_id, 'available', now(), now(),
  '', '', '', '', 1 FROM stations, generate_series(1, 2) AS evse"""
CHANGED: Final = """
WITH n AS (SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[]) AS n (station, evse, state)),
told AS (INSERT INTO events (tenant_id, type, subject, at, body)
  SELECT 'default', 'connector.changed', station, $4::timestamptz, json_build_object(
    'type', 'connector.changed', 'tenant', 'default', 'at', $4::timestamptz, 'station', station,
    'evse_no', evse, 'connector_no', 1, 'state', state, 'before', 'available', 'error', '')
  FROM n)
UPDATE connectors c SET state = n.state, state_at = $4, received_at = $4 FROM n
WHERE c.station_id = n.station AND c.evse_no = n.evse"""

# Frames by their distances, keys by the browser's own event timing, deafness by its long tasks.
WATCH: Final = """() => {
  const seen = window.seen = { frames: [], tasks: [], keys: [] };
  let last = 0;
  const tick = (now) => { if (last) seen.frames.push(now - last); last = now; requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
  new PerformanceObserver((l) => { for (const e of l.getEntries()) seen.tasks.push(e.duration); }).observe({ type: "longtask" });
  new PerformanceObserver((l) => {
    for (const e of l.getEntries()) if (e.name === "keydown") seen.keys.push(e.duration);
  }).observe({ type: "event", durationThreshold: 16 });
}"""  # noqa: E501 (a script)
# Counts what the stream says, in a connection of its own.
LISTEN: Final = """() => {
  window.heard = 0;
  const stream = new EventSource("/api/v1/live?types=connector.changed");
  stream.addEventListener("connector.changed", () => { window.heard += 1; });
}"""
GO: Final = """() => {
  history.pushState({}, "", "/stations");
  dispatchEvent(new PopStateEvent("popstate"));
}"""
TAKE: Final = """() => {
  const taken = { ...window.seen };
  window.seen.frames = []; window.seen.tasks = []; window.seen.keys = [];
  return taken;
}"""
TO_THE_END: Final = """() => {
  const body = document.querySelector("[data-table-body]");
  if (body) body.scrollTop = body.scrollHeight;
  return document.querySelector(".tfoot")?.textContent ?? "";
}"""


class Measured(Struct, frozen=True, kw_only=True):
    """One stretch of time at the page. All in ms."""

    what: str
    seconds: float
    changes_per_s: float
    """That were written meanwhile."""
    heard_per_s: float
    """That the page was told of meanwhile."""
    frame_p50: float
    frame_p95: float
    frame_p99: float
    frame_longest: float
    frames_long_share: float
    """The share of time in frames of more than 50 ms."""
    long_tasks: int
    long_tasks_ms: float
    key_p50: float | None = None
    key_p95: float | None = None
    key_longest: float | None = None


class Publisher:
    """Writes changes into the outbox, in a thread of its own, until it is told to stop."""

    def __init__(self, url: str, stations: Sequence[str], per_s: int) -> None:
        self.written = 0
        self.stations = stations
        self._url, self._per_s = url, per_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    async def _run(self) -> None:
        luck, clock = random.Random(1), SystemClock()
        conn = await asyncpg.connect(self._url)
        begun_s = time.monotonic()
        while not self._stopping.is_set():
            due = int((time.monotonic() - begun_s) * self._per_s) - self.written
            if due > 0:
                some = [luck.choice(self.stations) for _ in range(min(due, 2 * self._per_s))]
                rows = {(name, luck.choice((1, 2))): luck.choice(STATES) for name in some}
                columns = [name for name, _ in rows], [evse for _, evse in rows], [*rows.values()]
                async with conn.transaction():
                    await conn.execute(CHANGED, *columns, clock.now())
                    await conn.execute("NOTIFY forecourt_events")
                self.written += len(rows)
            await asyncio.sleep(BEAT_S)
        await conn.close()


async def furnish(settings: Settings, names: Sequence[str], password: str) -> None:
    """Stations with two ports each, and somebody who may log in."""
    clock = SystemClock()
    async with open_rooms(settings, clock) as (rooms, _):
        ctx = Context(actor="test", tenant=DEFAULT_TENANT, now=clock.now())
        for begin in range(0, len(names), AT_ONCE):
            new = [
                NewStation(id=StationId(name), site=f"Site {number % SITES:02d}")
                for number, name in enumerate(names[begin : begin + AT_ONCE])
            ]
            await rooms.stations.add_many(ctx, new)
        who = NewUser(email=OWNER, name="Owner", role=Role.OWNER, password=password)
        await rooms.people.add(ctx, who)
    async with postgres.at(settings.data_dir, log=lambda _: None) as url:
        conn = await asyncpg.connect(url)
        await conn.execute(CONNECTORS)
        await conn.execute("UPDATE stations SET connected = true, connected_at = now()")
        await conn.close()


@contextlib.contextmanager
def serving(data_dir: Path) -> Iterator[str]:
    """The platform as a process of its own; its address."""
    out = data_dir.parent / "serve.log"
    words = [sys.executable, "-m", "forecourt.cli", "serve", "--data-dir", str(data_dir)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}  # noqa: TID251 (a child's)
    with out.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            [*words, "--http-port", "0", "--ocpp-port", "0"],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
        )
    try:
        until = time.monotonic() + START_S
        found = None
        while found is None:
            text = out.read_text(encoding="utf-8")
            assert process.poll() is None, text
            assert time.monotonic() < until, text
            time.sleep(0.2)
            found = re.search(r"http=(http://\S+?)/?\s", text)
        yield found[1]
    finally:
        process.terminate()
        process.wait(timeout=60)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def measured(
    what: str, seconds: float, seen: Mapping[str, Any], told: Mapping[str, float]
) -> Measured:
    """What a stretch of time was like."""
    frames, tasks, keys = seen["frames"], seen["tasks"], seen["keys"]
    return Measured(
        what=what,
        seconds=round(seconds, 1),
        changes_per_s=round(told["written"] / seconds),
        heard_per_s=round(told["heard"] / seconds),
        frame_p50=round(quantile(frames, 0.5), 1),
        frame_p95=round(quantile(frames, 0.95), 1),
        frame_p99=round(quantile(frames, 0.99), 1),
        frame_longest=round(max(frames, default=0.0), 1),
        frames_long_share=round(
            sum(f for f in frames if f > LONG_FRAME_MS) / max(1.0, sum(frames)), 3
        ),
        long_tasks=len(tasks),
        long_tasks_ms=round(sum(tasks)),
        key_p50=round(quantile(keys, 0.5), 1) if keys else None,
        key_p95=round(quantile(keys, 0.95), 1) if keys else None,
        key_longest=round(max(keys), 1) if keys else None,
    )


def rest(_: Page, seconds: float) -> None:
    """Nobody touches the page."""
    time.sleep(seconds)


def typing(page: Page, seconds: float) -> None:
    """Somebody types into the filter, and takes it back."""
    field = page.locator("[data-filter]").first
    field.click()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for letter in TYPED:
            page.keyboard.press(letter)
            time.sleep(0.15)
        for _ in TYPED:
            page.keyboard.press("Backspace")
            time.sleep(0.15)


def scrolling(page: Page, seconds: float) -> None:
    """Somebody turns the wheel, down and up."""
    box = page.locator("[data-table-body]").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    until, step = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        page.mouse.wheel(0, 400 if step // 60 % 2 == 0 else -400)
        step += 1
        time.sleep(0.03)


def read_all(page: Page, stations: int) -> float:
    """Scroll until every row is there; how long that took, in s."""
    begun_s = time.monotonic()
    wanted = f"{stations:,} rows"
    while not page.evaluate(TO_THE_END).startswith(wanted):
        assert time.monotonic() - begun_s < 10 * START_S, page.evaluate(TO_THE_END)
        time.sleep(0.1)
    page.evaluate("() => { document.querySelector('[data-table-body]').scrollTop = 0; }")
    return time.monotonic() - begun_s


def look(
    page: Page, url: str, password: str, publisher: Publisher, *, seconds: float
) -> list[Measured]:
    """Log in, open the page, and measure each stretch."""
    page.goto(url)
    page.locator("input[type=email]").fill(OWNER)
    page.locator("input[type=password]").fill(password)
    page.keyboard.press("Enter")
    page.locator(".shell").wait_for()
    page.evaluate(LISTEN)
    page.evaluate(GO)
    page.locator("[data-table-body]").wait_for()
    read_all(page, len(publisher.stations))
    page.evaluate(WATCH)
    found = []
    with publisher:
        time.sleep(SETTLE_S)
        for what, act in (("watching", rest), ("typing", typing), ("scrolling", scrolling)):
            page.evaluate(TAKE)
            begun_s = time.monotonic()
            written, heard = publisher.written, page.evaluate("window.heard")
            act(page, seconds)
            lasted = time.monotonic() - begun_s
            told = {
                "written": publisher.written - written,
                "heard": page.evaluate("window.heard") - heard,
            }
            found.append(measured(what, lasted, page.evaluate(TAKE), told))
    return found


def run(stations: int, changes: int, seconds: float) -> list[Measured]:
    """The whole measurement."""
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert browser_path is not None, "no Chrome and no Chromium on this machine"
    names = [f"ST-{n:05d}" for n in range(stations)]
    password = secrets.token_urlsafe(12)
    with tempfile.TemporaryDirectory(prefix="frames-") as folder:
        data_dir = Path(folder) / "data"
        settings = load({"data_dir": data_dir})
        asyncio.run(furnish(settings, names, password))
        with serving(data_dir) as url:
            publisher = Publisher(_postgres_of(data_dir), names, changes)
            found = browse(browser_path, url, password, publisher, seconds=seconds)
    return found


def browse(
    path: str, url: str, password: str, publisher: Publisher, *, seconds: float
) -> list[Measured]:
    """A browser of its own, for as long as it is looked at."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.set_default_timeout(START_S * 1_000)
        found = look(page, url, password, publisher, seconds=seconds)
        browser.close()
    return found


def _postgres_of(data_dir: Path) -> str:
    """The address of the database that the platform runs."""

    async def address() -> str:
        async with postgres.at(data_dir, log=lambda _: None) as url:
            return url

    return asyncio.run(address())


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--stations", type=int, default=10_000)
    parser.add_argument("--changes", type=int, default=1_000, help="a second")
    parser.add_argument("--seconds", type=float, default=15.0, help="for each stretch")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    given = parser.parse_args()
    found = run(given.stations, given.changes, given.seconds)
    load_1m = os.getloadavg()[0]
    table = Table(
        title=f"{given.stations:,} stations; load {load_1m:.1f} on {os.cpu_count()} cores"
    )
    for name in Measured.__struct_fields__:
        table.add_column(name.replace("_", " "), justify="right")
    for one in found:
        table.add_row(
            *("" if value is None else str(value) for value in msgspec.structs.astuple(one))
        )
    Console(width=200).print(table)
    if given.json:
        given.json.write_bytes(
            msgspec.json.encode({"load_1m": load_1m, "cores": os.cpu_count(), "measured": found})
        )


if __name__ == "__main__":
    main()
