"""A folder's PostgreSQL processes: ask them to end, and see that they did.

Knows nothing of why; used by the supervisor, and by the sentinel when the supervisor is no more.
"""

import contextlib
import signal
import threading
from collections.abc import Callable
from typing import Final

import psutil

from forecourt.infra.postgres_folder import Folder

# A fast shutdown writes a checkpoint: up to a gigabyte of WAL's worth of pages.
FAST_S: Final = 30.0
IMMEDIATE_S: Final = 5.0
# Orphaned backends notice the loss of their postmaster at once, unless they are busy.
LEFTOVERS_S: Final = 2.0
POLL_S: Final = 0.02


def is_alive(process: psutil.Process) -> bool:
    """Whether it still runs; one that nobody has buried yet does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def ended(process: psutil.Process, *, within_s: float) -> bool:
    """Wait for the process to end; whether it did."""
    never = threading.Event()
    for _ in range(int(within_s / POLL_S)):
        if not is_alive(process):
            return True
        never.wait(POLL_S)
    return not is_alive(process)


def shut_down(folder: Folder, postmaster: psutil.Process, *, log: Callable[[str], None]) -> None:
    """Stop the server: fast and clean, or, when that takes too long, at once."""
    with contextlib.suppress(psutil.NoSuchProcess):
        postmaster.send_signal(signal.SIGINT)
        if ended(postmaster, within_s=FAST_S):
            return
        log(f"PostgreSQL did not stop within {FAST_S:g} s; stopping it at once")
        postmaster.send_signal(signal.SIGQUIT)
        if ended(postmaster, within_s=IMMEDIATE_S):
            return
        postmaster.kill()
    clear_leftovers(folder, log=log)


def clear_leftovers(folder: Folder, *, log: Callable[[str], None]) -> None:
    """See off what a dead postmaster left behind; a new one cannot start beside its backends."""
    processes = [process for process in psutil.process_iter() if folder.serves(process)]
    if not processes:
        return
    _, alive = psutil.wait_procs(processes, timeout=LEFTOVERS_S)
    for process in alive:
        log(f"killing PostgreSQL process {process.pid}, which its dead server left behind")
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=IMMEDIATE_S)
