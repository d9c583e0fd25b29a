"""What Forecourt's database says after a run: is it durable, and is every answered message there?

The one place of the benchmark that looks behind the wire.
"""

import asyncio
from pathlib import Path

import asyncpg
import msgspec

from forecourt.infra import postgres


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
