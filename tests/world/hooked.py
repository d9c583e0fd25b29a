"""One process that feeds and sends webhooks until it is killed: ``test_webhooks_kill.py`` does."""

import asyncio
import sys
from datetime import timedelta
from typing import Final

from forecourt.base.clock import SystemClock
from forecourt.domain.tenants import Audit
from forecourt.domain.webhooks import Feeder, Sender
from forecourt.infra.database import Database
from forecourt.infra.outbound import Outbound

KEY: Final = bytes(range(32))
HERE: Final = frozenset({"127.0.0.1"})


async def work(database_url: str, worker: str) -> None:
    """What ``forecourt serve`` has of it."""
    db, clock = Database(database_url, pool_size=2), SystemClock()
    sender = Sender(
        db,
        clock,
        outbound=Outbound(hosts=HERE, only_https=True, open_max=64, kept_max=32),
        audit=Audit(db),
        secret_key=KEY,
        worker=worker,
        keep=timedelta(days=30),
    )
    feeder = Feeder(db, clock, fed=sender.wake)
    await feeder.open()
    await sender.open()
    print("ready", flush=True)

    async def look() -> None:
        """What the relay's notices do in a whole platform."""
        while True:
            await feeder.endpoints_changed(None)
            await asyncio.sleep(0.05)

    async with asyncio.TaskGroup() as tasks:
        for running in (look(), feeder.run(), sender.run()):
            tasks.create_task(running)


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], sys.argv[2]))
