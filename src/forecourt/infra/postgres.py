"""The embedded PostgreSQL server: started, watched over and stopped by us, in our data folder.

    async with running(data_dir, log=print) as server:
        await asyncpg.connect(server.url)

The server listens on a Unix socket only. When it dies it is started again, and it recovers what
was committed; when we die, it goes on for a while and the next of us takes it over (docs/adr/0002).
A thread keeps watch, since all that it does blocks. Knows nothing of tables.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import psutil

from forecourt.base.errors import ForecourtError
from forecourt.infra import postgres_install
from forecourt.infra.postgres_folder import (
    PORT,
    DiskFull,
    Folder,
    FolderInUse,
    NotStartable,
    Postmaster,
    WrongVersion,
)
from forecourt.infra.postgres_install import ENVIRONMENT, PostgresNotInstalled
from forecourt.infra.postgres_process import (
    clear_leftovers,
    ended,
    is_alive,
    shut_down,
)
from forecourt.infra.postgres_sentinel import ALL_IS_WELL

__all__ = [
    "DiskFull",
    "EmbeddedPostgres",
    "FolderInUse",
    "NotStartable",
    "PostgresNotInstalled",
    "WrongVersion",
    "at",
    "find_running",
    "running",
]

Log = Callable[[str], None]

# How long a server goes on without a Forecourt: enough for any supervisor to start one again.
ORPHAN_GRACE_S: Final = 60.0
# Replaying a gigabyte of WAL on a slow disk takes minutes, and interrupting it gains nothing.
START_TIMEOUT_S: Final = 900.0
START_POLL_S: Final = 0.02
PATIENCE_S: Final = 10.0
WATCH_POLL_S: Final = 0.1
LOG_BOUND_S: Final = 60.0
# A server that lived this long was well; its next death starts the back-off anew.
WELL_S: Final = 30.0
BACKOFF_S_MIN: Final = 0.2
BACKOFF_S_MAX: Final = 30.0

_SENTINEL: Final = (
    "import os, sys; sys.path[:] = sys.argv[1].split(os.pathsep);"
    " from forecourt.infra.postgres_sentinel import main; main(*sys.argv[2:])"
)


class EmbeddedPostgres:
    """One server in one folder. ``start`` and ``stop`` block; async code uses ``running``."""

    def __init__(
        self,
        data_dir: Path,
        *,
        log: Log,
        fsync: bool = True,
        orphan_grace_s: float = ORPHAN_GRACE_S,
        role: str = "server",
    ) -> None:
        self._folder = Folder(data_dir)
        self._log = log
        self._fsync = fsync
        self._orphan_grace_s = orphan_grace_s
        self._role = role
        self._process: psutil.Process | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._sentinel: subprocess.Popen[bytes] | None = None
        self._watcher: threading.Thread | None = None
        self._changing = threading.Lock()
        self._stopping = threading.Event()
        self._ready = threading.Event()

    @property
    def url(self) -> str:
        """Where it answers: ``postgresql://…`` over a Unix socket."""
        return self._folder.url()

    @property
    def pid(self) -> int:
        """The postmaster; another one after each crash."""
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self) -> None:
        """Take the folder and bring the server up.

        Raises FolderInUse, WrongVersion, DiskFull, NotStartable, PostgresNotInstalled.
        """
        with self._changing:
            self._folder.hold(role=self._role, stop=self._stopping)
            self._install = postgres_install.find(owner=self._folder.owner(), log=self._log)
            self._folder.prepare(self._install, fsync=self._fsync, log=self._log)
            self._sentinel = self._post_sentinel()
            self._come_up()
            self._watcher = threading.Thread(target=self._watch, name="postgres", daemon=True)
            self._watcher.start()

    def stop(self) -> None:
        """Stop the server, cleanly, and let go of the folder; also after a start that failed."""
        self._stopping.set()
        with self._changing:
            if self._watcher is not None:
                self._watcher.join()
            if self._process is not None and self._is_alive():
                shut_down(self._folder, self._process, log=self._log)
            if self._child is not None:
                self._child.wait()
            if self._sentinel is not None:
                # Only now: had we died while stopping, the sentinel would have finished it.
                with contextlib.suppress(BrokenPipeError):
                    self._sentinel.communicate(ALL_IS_WELL)
            self._folder.release()

    async def wait_ready(self, *, timeout_s: float) -> None:
        """Wait until the server answers, as after a crash. Raises NotStartable after that time."""
        for _ in range(int(timeout_s / WATCH_POLL_S)):
            if self._ready.is_set() and self._is_alive():
                return
            await asyncio.sleep(WATCH_POLL_S)
        raise NotStartable(f"PostgreSQL did not come back within {timeout_s:g} s")

    async def restart(self, *, timeout_s: float = START_TIMEOUT_S) -> None:
        """Stop the server cleanly; the watch brings it up again, with its settings read anew."""
        assert self._process is not None, "not started"
        await asyncio.to_thread(shut_down, self._folder, self._process, log=self._log)
        await self.wait_ready(timeout_s=timeout_s)

    # --- bringing it up -----------------------------------------------------------------------

    def _come_up(self) -> None:
        """Take over the server that runs here already, or start one."""
        changed = self._folder.configure(self._install, fsync=self._fsync)
        found = self._folder.find_postmaster()
        if found is None or not self._adopt(found, changed=changed):
            self._launch()
        self._ready.set()

    def _adopt(self, found: Postmaster, *, changed: bool) -> bool:
        process = found.process
        if found.status == "stopping":
            self._log(f"waiting for PostgreSQL (pid {process.pid}) to stop")
            if not ended(process, within_s=PATIENCE_S):
                shut_down(self._folder, process, log=self._log)
            return False
        ours = str((self._install.programs / "postgres").resolve())
        if changed or process.exe() != ours:
            self._log(f"stopping PostgreSQL (pid {process.pid}): its settings are out of date")
            shut_down(self._folder, process, log=self._log)
            return False
        self._process, self._child = process, None
        self._log(f"taking over PostgreSQL (pid {process.pid}), which outlived its Forecourt")
        return self._wait_until_up(since=self._folder.log.stat().st_size)

    def _launch(self) -> None:
        stale = self._folder.data / "postmaster.pid"
        if stale.exists():
            clear_leftovers(self._folder, log=self._log)
            # Its pid may be anybody's by now, or that of a dead process that nobody has buried:
            # PostgreSQL takes either for a server that runs, here and in the lock of its socket.
            stale.unlink(missing_ok=True)
            sockets = self._folder.data / self._folder.sockets(self._install)
            (sockets / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
        self._folder.bound_log()
        data = self._folder.data
        with self._folder.open_log() as output:
            since = output.tell()
            command = ["postgres", "-D", self._install.path_of(data)]
            self._child = self._install.popen(command, folder=data, output=output)
        self._process = psutil.Process(self._child.pid)
        if not self._wait_until_up(since=since):
            raise self._folder.failure(
                f"PostgreSQL stopped while it was starting (exit code {self._child.poll()})",
                since=since,
            )

    def _wait_until_up(self, *, since: int) -> bool:
        """Whether the server came up; False when it ended instead."""
        assert self._process is not None
        for poll in range(int(START_TIMEOUT_S / START_POLL_S)):
            if not self._is_alive():
                return False
            found = self._folder.find_postmaster()
            if found and found.process.pid == self._process.pid and found.status == "ready":
                return True
            if self._stopping.wait(START_POLL_S):
                raise NotStartable("PostgreSQL was told to stop while it was starting")
            if poll and poll % int(PATIENCE_S / START_POLL_S) == 0:
                self._log("PostgreSQL is still starting; after a crash it reads its journal first")
        shut_down(self._folder, self._process, log=self._log)
        raise self._folder.failure(
            f"PostgreSQL was not ready after {START_TIMEOUT_S:g} s", since=since
        )

    def _post_sentinel(self) -> subprocess.Popen[bytes]:
        path = os.pathsep.join(entry for entry in sys.path if entry)
        command = [sys.executable, "-I", "-c", _SENTINEL, path]
        command += [str(self._folder.path), str(self._orphan_grace_s)]
        return subprocess.Popen(  # noqa: S603 - this interpreter, our own module
            command,
            cwd="/",
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    # --- watching over it ---------------------------------------------------------------------

    def _is_alive(self) -> bool:
        if self._child is not None and self._child.poll() is not None:
            return False
        # poll() also says None while another thread polls: a dead child is dead all the same.
        return self._process is not None and is_alive(self._process)

    def _watch(self) -> None:
        """Start the server again whenever it is gone, more slowly each time that this fails."""
        delay_s, lived_s, log_age_s = 0.0, 0.0, 0.0
        while not self._stopping.wait(WATCH_POLL_S):
            if self._is_alive():
                lived_s += WATCH_POLL_S
                log_age_s += WATCH_POLL_S
                if log_age_s > LOG_BOUND_S:
                    log_age_s = 0.0
                    self._folder.bound_log()
                continue
            self._ready.clear()
            delay_s = 0.0 if lived_s > WELL_S else delay_s
            lived_s = 0.0
            self._log(f"PostgreSQL (pid {self.pid}) is gone; starting it again")
            if self._stopping.wait(delay_s):
                return
            delay_s = min(max(2 * delay_s, BACKOFF_S_MIN), BACKOFF_S_MAX)
            try:
                self._come_up()
            except (ForecourtError, OSError, psutil.Error) as error:
                self._log(f"PostgreSQL does not start; next try in {delay_s:g} s: {error}")
            else:
                self._log(f"PostgreSQL is back (pid {self.pid})")


@asynccontextmanager
async def running(
    data_dir: Path,
    *,
    log: Log,
    fsync: bool = True,
    orphan_grace_s: float = ORPHAN_GRACE_S,
    role: str = "server",
) -> AsyncGenerator[EmbeddedPostgres]:
    """The server of this folder, for as long as the block runs.

    Raises FolderInUse, WrongVersion, DiskFull, NotStartable, PostgresNotInstalled.
    """
    server = EmbeddedPostgres(
        data_dir, log=log, fsync=fsync, orphan_grace_s=orphan_grace_s, role=role
    )
    try:
        await asyncio.to_thread(server.start)
        yield server
    finally:
        await asyncio.to_thread(server.stop)


def find_running(data_dir: Path) -> str | None:
    """The URL of the server that runs in this folder and answers, if one does."""
    folder = Folder(data_dir)
    found = folder.find_postmaster()
    return folder.url(found) if found and found.status == "ready" else None


@asynccontextmanager
async def at(data_dir: Path, *, log: Log) -> AsyncGenerator[str]:
    """A URL for one command: beside the Forecourt that has the folder, or on a server for it."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            server = await stack.enter_async_context(running(data_dir, log=log, role="command"))
        except FolderInUse:
            url = await _await_running(data_dir)
            if url is None:
                raise
        else:
            url = server.url
        yield url


async def _await_running(data_dir: Path) -> str | None:
    """The neighbour's server; it may be just starting."""
    for _ in range(int(PATIENCE_S / WATCH_POLL_S)):
        if url := find_running(data_dir):
            return url
        await asyncio.sleep(WATCH_POLL_S)
    return None
