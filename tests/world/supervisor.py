"""``forecourt serve`` as a real process with a PostgreSQL of its own, and what may befall both.

Does what a service manager does, and no more: starts the process again whenever it ends.
"""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import psutil

from forecourt.base.clock import SystemClock
from forecourt.base.context import Context
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.access import Access, NewToken
from forecourt.domain.stations import Admission, Links, NewStation, Stations
from forecourt.domain.tenants import Tenants
from forecourt.infra import migrate, postgres
from forecourt.infra.database import Database
from forecourt.infra.postgres_folder import Folder

SERVE: Final = (sys.executable, "-m", "forecourt.cli", "serve")
RESTART_AFTER_S: Final = 0.1
START_TIMEOUT_S: Final = 60.0
POLL_S: Final = 0.02


async def furnish(
    data_dir: Path, stations: Sequence[str], tokens: Sequence[str], pending: Sequence[str]
) -> None:
    """Make a data folder with these stations and cards."""
    new = [NewStation(id=StationId(name)) for name in stations]
    new += [NewStation(id=StationId(name), admission=Admission.PENDING) for name in pending]
    now = SystemClock().now()
    tenant = TenantId("default")
    ctx = Context(actor="test", tenant=tenant, now=now)
    async with postgres.at(data_dir, log=_unheard) as url:
        await migrate.upgrade(url)
        db = Database(url, pool_size=2)
        try:
            await Tenants(db, secret_key=b"").ensure(tenant, "Default", now)
            rooms = Stations(db, links=Links(), secret_key=b""), Access(db)
            await rooms[0].add_many(ctx, new)
            for token in tokens:
                await rooms[1].add(ctx, NewToken(uid=token, sessions_max=None))
        finally:
            await db.close()


def _unheard(line: str) -> None:
    """What PostgreSQL tells while the folder is made."""


class Supervised:
    """One platform, kept running. Everything that is done to it is done from outside."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.log = data_dir / "serve.log"
        self.ocpp_port = _free_port()
        self.starts = 0
        self.deaths: list[int] = []
        """Exit codes of ends that nobody here asked for."""
        self.last_exit: int | None = None
        self._folder = Folder(data_dir)
        self._process: asyncio.subprocess.Process | None = None
        self._ready = asyncio.Event()
        self._ended = asyncio.Event()
        self._asked = False
        self._may_run = asyncio.Event()
        self._may_run.set()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.ocpp_port}"

    @property
    def database_url(self) -> str:
        return self._folder.url(self._folder.find_postmaster())

    @property
    def gateway(self) -> psutil.Process:
        assert self._process is not None, "not started"
        return psutil.Process(self._process.pid)

    async def run(self) -> None:
        """Start it, and again whenever it ends, until cancelled."""
        while True:
            await self._may_run.wait()
            with self.log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *SERVE,
                    *("--data-dir", str(self.data_dir), "--http-port", "0"),
                    *("--ocpp-port", str(self.ocpp_port)),
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                )
            self.starts += 1
            self._asked = False
            self._ended.clear()
            assert self._process.stdout is not None
            async for line in self._process.stdout:
                if line.startswith(b"ready "):
                    self._ready.set()
            self.last_exit = await self._process.wait()
            self._ready.clear()
            self._ended.set()
            if not self._asked:
                self.deaths.append(self.last_exit)
            await asyncio.sleep(RESTART_AFTER_S)

    async def ready(self) -> None:
        async with asyncio.timeout(START_TIMEOUT_S):
            await self._ready.wait()

    def kill_gateway(self) -> None:
        self._asked = True
        self._ready.clear()
        self.gateway.kill()

    async def stop_gateway(self, *, within_s: float) -> int:
        """SIGTERM, and no new start until ``go_on``; its exit code."""
        self._asked = True
        self._may_run.clear()
        self.gateway.terminate()
        async with asyncio.timeout(within_s):
            await self._ended.wait()
        assert self.last_exit is not None
        return self.last_exit

    def go_on(self) -> None:
        self._may_run.set()

    # ---- its database ---------------------------------------------------------------------------

    async def postmaster(self) -> psutil.Process:
        """The server's first process, once there is one."""
        async with asyncio.timeout(START_TIMEOUT_S):
            while True:
                found = self._folder.find_postmaster()
                if found is not None and found.status == "ready":
                    return found.process
                await asyncio.sleep(POLL_S)

    async def kill_postmaster(self) -> None:
        (await self.postmaster()).kill()

    async def kill_backend(self, choice: float) -> None:
        """One of the server's other processes; ``choice`` in [0, 1) says which."""
        children = (await self.postmaster()).children()
        with contextlib.suppress(psutil.NoSuchProcess):
            children[int(choice * len(children))].kill()

    async def freeze_database(self) -> list[psutil.Process]:
        """Stop all of its processes in their tracks, as a machine that hangs."""
        postmaster = await self.postmaster()
        frozen = [postmaster]
        postmaster.suspend()
        for child in postmaster.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.suspend()
                frozen.append(child)
        return frozen

    def said(self) -> str:
        """The end of its log, for failures."""
        return self.log.read_text(errors="replace")[-6_000:] if self.log.exists() else ""

    def clear(self) -> None:
        """Leave no process behind, whatever state the platform is in."""
        ours: list[psutil.Process] = []
        us = psutil.Process()
        spared = {us, *us.parents()}
        for process in set(psutil.process_iter()) - spared:
            with contextlib.suppress(psutil.Error):
                if self._folder.serves(process) or str(self.data_dir) in process.cmdline():
                    ours.append(process)
        for process in ours:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(ours, timeout=5)


def thaw(frozen: list[psutil.Process]) -> None:
    for process in frozen:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()


@asynccontextmanager
async def supervised(
    data_dir: Path, stations: Sequence[str], tokens: Sequence[str], pending: Sequence[str] = ()
) -> AsyncGenerator[Supervised]:
    """A platform with these stations and cards, for as long as the block runs."""
    await furnish(data_dir, stations, tokens, pending)
    platform = Supervised(data_dir)
    try:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(platform.run())
            await platform.ready()
            yield platform
            with contextlib.suppress(TimeoutError, psutil.NoSuchProcess):
                await platform.stop_gateway(within_s=30)
            running.cancel()
    except BaseException:
        print(platform.said(), file=sys.stderr)
        raise
    finally:
        platform.clear()


def _free_port() -> int:
    """A port that is free now; a restarted platform must come back on the same one."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port
