"""Two workers are killed again and again while events happen: every event arrives all the same."""

import asyncio
import json
import sys
from collections import Counter

import pytest

from forecourt.base.clock import SystemClock
from forecourt.base.context import Context
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.stations import StationConnected
from forecourt.domain.tenants import Tenants
from forecourt.domain.webhooks import NewEndpoint, State, Webhooks
from forecourt.domain.webhooks.service.sender import EACH_MAX
from forecourt.infra.database import Database
from forecourt.infra.outbound import Outbound
from tests.fixtures.web import Asked, Said, web
from tests.world.hooked import HERE, KEY

TENANT = TenantId("acme")
EVENTS = 1_200
AT_ONCE = 40
DIES_EVERY = 150
WORKERS = 2

pytestmark = [pytest.mark.database, pytest.mark.slow]


def ctx() -> Context:
    return Context(actor="test", tenant=TENANT, now=SystemClock().now())


class Worker:
    """A process that is started again whenever it ends."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._process: asyncio.subprocess.Process | None = None
        self.deaths = 0

    def kill(self) -> None:
        """With SIGKILL, in the middle of whatever it does."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            self._process = None
            self.deaths += 1

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.world.hooked", self._url, self._name),
                stdout=asyncio.subprocess.PIPE,
            )
            try:
                assert process.stdout is not None
                assert await process.stdout.readline() == b"ready\n"
                self._process = process
                await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()
                await process.wait()


async def happen(db: Database) -> None:
    for first in range(0, EVENTS, AT_ONCE):
        async with db.unit(ctx()) as unit:
            await unit.emit(
                *(
                    StationConnected(
                        tenant=TENANT,
                        at=ctx().now,
                        station=StationId(f"CP{n}"),
                        protocol="ocpp1.6",
                        epoch=1,
                    )
                    for n in range(first, first + AT_ONCE)
                )
            )
        await asyncio.sleep(0.1)


@pytest.mark.timeout(120)
async def test_nothing_is_lost(database_url: str) -> None:
    heard: Counter[str] = Counter()
    ids: dict[str, str] = {}

    def says(asked: Asked) -> Said:
        # Before it is answered: this one at least is in the air.
        if heard.total() // DIES_EVERY > sum(one.deaths for one in workers):
            workers[heard.total() // DIES_EVERY % WORKERS].kill()
        station = json.loads(asked.body)["data"]["station"]
        heard[station] += 1
        assert ids.setdefault(asked.headers["webhook-id"], station) == station
        return 200, {}, b""

    workers = [Worker(database_url, f"w{n}") for n in range(WORKERS)]
    db = Database(database_url, pool_size=2)
    webhooks = Webhooks(db, outbound=Outbound(hosts=HERE), secret_key=KEY)
    await Tenants(db, secret_key=KEY).ensure(TENANT, "Acme", ctx().now)
    async with web(says, keeps=True) as server:
        endpoint, _ = await webhooks.add(
            ctx(), NewEndpoint(url=server.url, types=("station.connected",))
        )

        async def all_delivered() -> None:
            while True:
                _, health = await webhooks.read(ctx(), endpoint.id)
                if health.delivered == EVENTS:
                    return
                await asyncio.sleep(0.2)

        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(worker.run()) for worker in workers]
            await happen(db)
            await all_delivered()
            for task in running:
                task.cancel()
        assert (await webhooks.log(ctx(), endpoint.id, state=State.FAILED)).items == []
    await db.close()
    assert set(heard) == {f"CP{n}" for n in range(EVENTS)}
    assert len(ids) == EVENTS
    # What was in the air at a death comes twice, under the same id; no more than that.
    deaths = sum(worker.deaths for worker in workers)
    again = heard.total() - EVENTS
    print(f"{deaths} deaths, {again} of {EVENTS} came again")
    assert deaths >= 4
    assert 1 <= again <= deaths * EACH_MAX
