"""A data folder on disk: who holds it, what is in it, how its PostgreSQL is set up.

    DIR/forecourt.lock   held for as long as a Forecourt uses the folder
    DIR/postgres/        PostgreSQL's own files
    DIR/log/             what the server says

Knows nothing of running servers, except how to read what one writes down about itself.
"""

import contextlib
import fcntl
import getpass
import hashlib
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, ClassVar, Final
from urllib.parse import quote

import psutil

from forecourt.base.errors import ForecourtError, Kind
from forecourt.infra.postgres_install import Installation

ROLE: Final = "forecourt"
PORT: Final = 5432  # Only the socket's file name knows it: nothing listens on TCP.
# macOS allows 104 bytes with the closing zero, Linux 108.
SOCKET_PATH_BYTES_MAX: Final = 103
LOG_BYTES_MAX: Final = 16 * 1024 * 1024
LOG_TAIL_BYTES: Final = 8 * 1024
LOG_TAIL_LINES: Final = 15
DISK_FULL: Final = "No space left on device"
# Those who hold a folder only for a moment are worth waiting for; and who has taken it just now, or
# is about to leave it, has not written yet, or has written over, what it is.
PASSING: Final = frozenset({"command", "sentinel", ""})
LOCK_WAIT_S: Final = 45
LOCK_POLL_S: Final = 0.05
_PID_FILE_LINES: Final = 8


class FolderInUse(ForecourtError):
    """Another Forecourt works with this data folder."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "postgres.folder_in_use"


class WrongVersion(ForecourtError):
    """The folder was written by another major version of PostgreSQL."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "postgres.wrong_version"


class DiskFull(ForecourtError):
    """PostgreSQL cannot work, for want of space."""

    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    code: ClassVar[str] = "postgres.disk_full"


class NotStartable(ForecourtError):
    """PostgreSQL does not start."""

    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    code: ClassVar[str] = "postgres.not_startable"


@dataclass(frozen=True, kw_only=True)
class Postmaster:
    """A running server, as it describes itself in postmaster.pid."""

    process: psutil.Process
    sockets: str
    """The folder of its socket, as it was told."""
    status: str
    """starting, ready, stopping or standby."""


class Folder:
    """One data folder."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self.data = self.path / "postgres"
        self.log = self.path / "log" / "postgres.log"
        self._lock: int | None = None

    # --- who holds it -------------------------------------------------------------------------

    def hold(self, *, role: str, stop: threading.Event) -> None:
        """Take the folder for us alone; the lock ends with this process, however it ends.

        Raises FolderInUse.
        """
        with self._explained():
            self.path.mkdir(parents=True, exist_ok=True)
            self.log.parent.mkdir(exist_ok=True)
            lock = os.open(self.path / "forecourt.lock", os.O_RDWR | os.O_CREAT, 0o644)
        for _ in range(int(LOCK_WAIT_S / LOCK_POLL_S)):
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if _holder(lock)[1] not in PASSING or stop.wait(LOCK_POLL_S):
                raise self._in_use(lock)
        else:
            raise self._in_use(lock)
        self._lock = lock
        with self._explained():
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()} {role}".encode(), 0)

    def release(self) -> None:
        """Let others have the folder."""
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = None

    def _in_use(self, lock: int) -> FolderInUse:
        pid, _ = _holder(lock)
        os.close(lock)
        return FolderInUse(
            f"{self.path} is in use by another Forecourt (pid {pid}): stop that one, or choose "
            "another --data-dir",
            pid=pid,
        )

    # --- what is in it ------------------------------------------------------------------------

    def owner(self) -> int | None:
        """Who owns the database files, if there are any."""
        return self.data.stat().st_uid if self.data.exists() else None

    def prepare(self, install: Installation, *, fsync: bool, log: Callable[[str], None]) -> None:
        """Make the database cluster, if there is none; see that ours is the version to serve it.

        Raises WrongVersion, DiskFull, NotStartable.
        """
        if not self.data.exists():
            log(f"making a database in {self.data}")
            self._make(install, fsync=fsync)
        with self._explained():
            version = self.data / "PG_VERSION"
            if not version.exists():
                raise NotStartable(f"{self.data} is not a PostgreSQL folder: choose another one")
            found = version.read_text().strip()
        if found != str(install.major):
            raise WrongVersion(
                f"{self.data} was written by PostgreSQL {found}, and this Forecourt brings "
                f"{install.major}: dump it with the Forecourt that wrote it (pg_dump), and load "
                "that into a new folder",
                found=found,
                wanted=install.major,
            )

    def _make(self, install: Installation, *, fsync: bool) -> None:
        """Run initdb beside, then move the result into place: there is no half-made cluster."""
        staging = self.path / "postgres.new"
        with self._explained():
            if staging.exists():
                shutil.rmtree(staging)
            staging.mkdir(mode=0o700)
            install.own(staging)
        where = install.path_of(staging)
        command = ["initdb", "--pgdata", where, "--username", "postgres", "--encoding", "UTF8"]
        command += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"]
        command += ["--data-checksums", "--auth-local", "peer", "--auth-host", "reject"]
        command += ["--no-instructions", *([] if fsync else ["--no-sync"])]
        code, said = install.run(command, folder=staging)
        if code == 0:
            # Not a superuser: row-level security binds it where it is not the owner, and what
            # works here works on a managed PostgreSQL too.
            role = f"CREATE ROLE {ROLE} LOGIN CREATEDB CREATEROLE;\n"
            sql = f"{role}CREATE DATABASE {ROLE} OWNER {ROLE};\n"
            single = ["postgres", "--single", "-D", where, "postgres"]
            code, said = install.run(single, folder=staging, stdin=sql.encode())
        if code != 0 or "ERROR:" in said:
            raise self._broken("PostgreSQL could not make its database", said)
        with self._explained():
            (staging / "postgresql.conf").write_text(
                "# Forecourt writes forecourt.conf anew at each start.\n"
                "include 'forecourt.conf'\n"
                "# Your own settings go below this line and win.\n"
            )
            staging.rename(self.data)

    def configure(self, install: Installation, *, fsync: bool) -> bool:
        """Write the server's settings; whether they differ from those that were there."""
        account = install.account.name if install.account else getpass.getuser()
        names = sorted({account, "root"})
        maps = [f'forecourt "{name}" {role}' for name in names for role in (ROLE, "postgres")]
        texts = {
            "forecourt.conf": _settings(self.sockets(install), fsync=fsync),
            "pg_hba.conf": "local all all peer map=forecourt\n",
            "pg_ident.conf": "\n".join(maps) + "\n",
        }
        changed = False
        with self._explained():
            for name, wanted in texts.items():
                path = self.data / name
                if path.exists() and path.read_text() == wanted:
                    continue
                changed = True
                fresh = self.data / f"{name}.new"
                fresh.write_text(wanted)
                fresh.chmod(0o600)
                install.own(fresh)
                fresh.replace(path)
        return changed

    # --- how to reach it ----------------------------------------------------------------------

    def socket_folder(self, owner: int) -> Path:
        """Where the server's socket lies: in its folder, or in a private one with a short name."""
        if len(os.fsencode(self.data / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES_MAX:
            return self.data
        name = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"forecourt-{owner}-{name}"

    def sockets(self, install: Installation) -> str:
        """The same as the server is told, and made if need be."""
        owner = install.account.uid if install.account else os.geteuid()
        folder = self.socket_folder(owner)
        if folder == self.data:
            return "."
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            install.own(folder)
        found = folder.lstat()
        # Anybody may make a folder of that name in a shared place; only ours will do.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
            raise NotStartable(f"{folder} is not ours alone: remove it, and start again")
        return str(folder)

    def url(self, postmaster: Postmaster | None = None) -> str:
        """Where the server answers once it runs; where ``postmaster`` does, if that is known."""
        if postmaster is None:
            sockets = self.socket_folder(self.data.stat().st_uid)
        else:  # Not ours, and perhaps its temporary folder is not ours either.
            sockets = self.data / postmaster.sockets
        return f"postgresql://{ROLE}@/{ROLE}?host={quote(str(sockets))}&port={PORT}"

    def find_postmaster(self) -> Postmaster | None:
        """The server that runs in this folder, if one does."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            process = psutil.Process(int(lines[0]))
        except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
            return None  # No server, or a file that outlived it, or one that is just being written.
        if not self.serves(process):
            return None
        # It writes a line when it comes to know it: pid, folder, start, port, socket folder,
        # address, shared memory, status.
        lines += [""] * (_PID_FILE_LINES - len(lines))
        status = lines[7].strip() or "starting"
        return Postmaster(process=process, sockets=lines[4].strip(), status=status)

    def serves(self, process: psutil.Process) -> bool:
        """Whether this is one of this folder's PostgreSQL processes: they all stand in it.

        A pid alone says little: after a crash it may belong to anybody.
        """
        try:
            return (
                process.name().startswith("postgres")
                and process.status() != psutil.STATUS_ZOMBIE
                and Path(process.cwd()) == self.data.resolve()
            )
        except psutil.AccessDenied:
            return True  # A PostgreSQL that hides: better to think it ours than to start another.
        except psutil.NoSuchProcess:
            return False

    # --- what the server says -----------------------------------------------------------------

    def open_log(self) -> IO[bytes]:
        """The server's log, to append to."""
        with self._explained():
            log = self.log.open("ab")
            self.log.chmod(0o600)
            return log

    def bound_log(self) -> None:
        """Put a log that has grown aside. The server goes on writing to the same, emptied file."""
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX:
            shutil.copy(self.log, self.log.with_suffix(".log.1"))
            os.truncate(self.log, 0)

    def failure(self, what: str, *, since: int) -> ForecourtError:
        """Why the server failed, from what it logged after the byte ``since``."""
        with self.log.open("rb") as log:
            log.seek(max(since, self.log.stat().st_size - LOG_TAIL_BYTES))
            return self._broken(what, log.read().decode(errors="replace"))

    def _broken(self, what: str, said: str) -> ForecourtError:
        if DISK_FULL in said:
            return self._disk_full()
        tail = "\n".join(said.strip().splitlines()[-LOG_TAIL_LINES:])
        return NotStartable(f"{what}; its last words ({self.log}):\n{tail}")

    def _disk_full(self) -> DiskFull:
        return DiskFull(
            f"the disk that holds {self.path} is full: free some space; nothing that was "
            "acknowledged is lost"
        )

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if DISK_FULL in str(error):
                raise self._disk_full() from error
            raise NotStartable(f"cannot use {self.path} as the data folder: {error}") from error


def _holder(lock: int) -> tuple[str, str]:
    """Who holds the lock, and as what."""
    pid, _, role = os.pread(lock, 100, 0).decode().partition(" ")
    return pid or "unknown", role


def _settings(sockets: str, *, fsync: bool) -> str:
    """PostgreSQL as the guest of a machine that has other work to do."""
    durable = "on" if fsync else "off"
    return f"""\
# Written by Forecourt at each start; put your own settings into postgresql.conf.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
port = {PORT}
max_connections = 60
shared_buffers = 256MB
effective_cache_size = 1GB
work_mem = 8MB
maintenance_work_mem = 64MB
# What was acknowledged is never lost; without fsync, by the loss of power alone.
synchronous_commit = on
fsync = {durable}
full_page_writes = {durable}
wal_compression = on
min_wal_size = 128MB
max_wal_size = 1GB
checkpoint_timeout = 10min
checkpoint_completion_target = 0.9
# Small statements, many of them: compiling costs more than it gains.
jit = off
# Append-only tables grow fast; analyze them before the planner is far off.
autovacuum_naptime = 30s
# It shares a core with the drivers' answers: a tenth of the core at a time, instead of a third.
autovacuum_vacuum_cost_limit = 60
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
log_checkpoints = off
log_min_duration_statement = 2s
"""
