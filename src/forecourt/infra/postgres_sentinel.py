"""A small process that outlives us: it stops the PostgreSQL that nobody needs any more.

When Forecourt is killed, its PostgreSQL goes on, so that a Forecourt which is started again finds
everything warm. If none comes, the server must not stay for ever: the sentinel waits a while,
takes the folder's lock (nobody can have it then) and stops the server. It learns of our end by the
end of the pipe between us, which no kind of death can prevent.
"""

import sys
import threading
from pathlib import Path
from typing import Final

from forecourt.infra.postgres_folder import Folder, FolderInUse
from forecourt.infra.postgres_process import shut_down

ALL_IS_WELL: Final = b"."


def main(data_dir: str, grace_s: str) -> None:
    """Wait for the other end of standard input to go."""
    if sys.stdin.buffer.read(1) == ALL_IS_WELL:
        return
    threading.Event().wait(float(grace_s))
    folder = Folder(Path(data_dir))
    if not folder.data.exists():
        return
    no_patience = threading.Event()
    no_patience.set()
    try:
        folder.hold(role="sentinel", stop=no_patience)
    except FolderInUse:
        return  # Somebody took the server over.
    if found := folder.find_postmaster():
        shut_down(folder, found.process, log=_unheard)
    folder.release()


def _unheard(line: str) -> None:
    """Nobody is left to tell."""
