"""What Forecourt's database says after a run: is it durable, and is every answered message there?

The one place of the benchmark that looks behind the wire.
"""

import asyncio
import random
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import asyncpg
import msgspec

from forecourt.infra import postgres
from forecourt.infra.database import EVENTS_CHANNEL


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """The database's own word."""

    readings: int
    durability: str


async def _read(url: str) -> Books:
    connection = await asyncpg.connect(url)
    try:
        readings = await connection.fetchval("SELECT count(*) FROM meter_values")
        settings = [
            f"{name}={await connection.fetchval(f'SHOW {name}')}"
            for name in ("fsync", "synchronous_commit", "full_page_writes")
        ]
    finally:
        await connection.close()
    return Books(readings=readings, durability=" ".join(settings))


def read(data_dir: Path) -> Books:
    """Count while the server runs."""
    url = postgres.find_running(data_dir)
    assert url is not None, "the server under test runs its database in this folder"
    return asyncio.run(_read(url))


_FILL: Final = """
INSERT INTO stations (station_id, tenant_id, admission, created_at, vendor, model, serial, firmware,
  booted_at, connected, connected_at, seen_at)
SELECT 'BENCH' || lpad(n::text, 6, '0'), 'default', 'accepted', now(), 'Acme', 'Fast 150', 'S' || n,
  '1.2.3', now(), true, now(), now() FROM generate_series(0, $1 - 1) AS n"""
_FILL_CONNECTORS: Final = """
INSERT INTO connectors (station_id, evse_no, connector_no, tenant_id, state, state_at, received_at,
  error, vendor_id, vendor_error, info, epoch)
SELECT 'BENCH' || lpad(n::text, 6, '0'), evse, 1, 'default', 'available', now(), now(), '', '', '',
  '', 1 FROM generate_series(0, $1 - 1) AS n, generate_series(1, 2) AS evse"""


async def _fill(url: str, stations: int) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_FILL, stations)
        await connection.execute(_FILL_CONNECTORS, stations)
        await connection.execute("VACUUM ANALYZE stations, connectors")
    finally:
        await connection.close()


def fill(data_dir: Path, stations: int) -> None:
    """Make stations with two connectors each, as if they had come and told so."""
    url = postgres.find_running(data_dir)
    assert url is not None, "the server under test runs its database in this folder"
    asyncio.run(_fill(url, stations))


_TOUCH: Final = """
UPDATE stations SET seen_at = now() WHERE station_id = ANY($1)"""
TOUCHES_PER_S: Final = 10


@contextmanager
def living(data_dir: Path, stations: int, changes_per_s: int, seed: int) -> Generator[None]:
    """Rows of so many stations change each second, as in a network whose stations are heard of."""
    over = threading.Event()

    async def touch() -> None:
        url = postgres.find_running(data_dir)
        assert url is not None, "the server under test runs its database in this folder"
        dice = random.Random(seed)  # noqa: S311  # guards nothing
        connection = await asyncpg.connect(url)
        try:
            while not over.is_set():
                some = dice.sample(range(stations), max(1, changes_per_s // TOUCHES_PER_S))
                await connection.execute(_TOUCH, [f"BENCH{n:06}" for n in some])
                await asyncio.sleep(1 / TOUCHES_PER_S)
        finally:
            await connection.close()

    if changes_per_s == 0:
        yield
        return
    with ThreadPoolExecutor(max_workers=1) as pool:
        touching = pool.submit(asyncio.run, touch())
        try:
            yield
        finally:
            over.set()
            touching.result()


# As the relay is woken by every commit that told something.
_TELL: Final = """
INSERT INTO events (at, tenant_id, type, subject, body)
SELECT now(), 'default', $1, 'BENCH' || n, jsonb_build_object('tenant', 'default', 'at', now(),
  'station', 'BENCH' || n, 'protocol', 'ocpp1.6', 'epoch', 1) FROM generate_series(1, $2) AS n"""


async def _tell(url: str, kind: str, events: int) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute(_TELL, kind, events)
            await connection.execute(f"NOTIFY {EVENTS_CHANNEL}")
    finally:
        await connection.close()


def tell(data_dir: Path, kind: str, events: int) -> None:
    """Put events of a kind into the outbox, in one commit."""
    url = postgres.find_running(data_dir)
    assert url is not None, "the server under test runs its database in this folder"
    asyncio.run(_tell(url, kind, events))
