"""The machine under the benchmark: cores, CPU time, memory, files. Knows no server by name."""

import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import psutil

# Writing here costs nothing and survives nothing: an fsync on it proves nothing.
MEMORY_FILESYSTEMS: Final = frozenset({"tmpfs", "ramfs"})


class Cores(msgspec.Struct, frozen=True, kw_only=True):
    """Which core serves and which one loads; None where the machine cannot be told so."""

    server: int | None
    client: int | None
    note: str


def share_out() -> Cores:
    """One core for the server, another for the client, where the system lets us choose."""
    if sys.platform != "linux":
        note = "no way to pin processes on this system: server and client move between cores"
        return Cores(server=None, client=None, note=note)
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) == 1:
        return Cores(
            server=mine[0], client=mine[0], note="one core only: server and client share it"
        )
    note = f"server pinned to core {mine[-1]}, client to core {mine[0]}"
    return Cores(server=mine[-1], client=mine[0], note=note)


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Stand on that core, so that what is started meanwhile is born there, threads and all."""
    if core is None or sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def allow_many_files() -> int:
    """Raise our limit of open files as far as we may; what it is now."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Family:
    """A server's processes: the one we started, its descendants, and a database that it started.

    A database server may detach itself; its ``postmaster.pid`` in the data folder leads to it.
    """

    def __init__(self, pid: int, data_dir: Path | None = None) -> None:
        self._root = psutil.Process(pid)
        # Looked for once: a walk through a database's folder takes too long while we measure.
        self._pid_files = list(data_dir.rglob("postmaster.pid")) if data_dir else []

    def members(self) -> list[psutil.Process]:
        found = {self._root, *self._root.children(recursive=True)}
        for pid_file in self._pid_files:
            postmaster = psutil.Process(int(pid_file.read_text().split(maxsplit=1)[0]))
            found |= {postmaster, *postmaster.children(recursive=True)}
        return list(found)

    def cpu_s(self) -> float:
        """CPU time so far, of members that have ended as well: their parents remember it."""
        total = 0.0
        for process in self.members():
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue  # Ended just now: its parent has its time.
            total += times.user + times.system + times.children_user + times.children_system
        return total

    def resident_bytes(self) -> int:
        """Resident memory of the process that we started alone: the gateway, not its database."""
        return int(self._root.memory_info().rss)


def filesystem(folder: Path) -> str:
    """The kind of file system that the folder lies on."""
    real = folder.resolve()
    mounts = [m for m in psutil.disk_partitions(all=True) if real.is_relative_to(m.mountpoint)]
    return max(mounts, key=lambda m: len(m.mountpoint)).fstype if mounts else "unknown"
