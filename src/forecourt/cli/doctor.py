"""``forecourt doctor``: whether this machine is fit to run the platform, and what is not.

Looks and changes nothing, but that it starts the data folder's PostgreSQL where none runs, and
stops it again. Decides nothing for the platform.
"""

import ctypes
import json
import os
import platform as machine
import pwd
import resource
import shutil
import socket
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psutil
import typer
import uvloop
from msgspec import Struct
from rich.markup import escape
from rich.table import Table

from forecourt.base.errors import ForecourtError
from forecourt.cli.options import AsJson, DatabaseUrl, DataDir, out, print_json, settings
from forecourt.cli.platform import RUN_FILE
from forecourt.infra import migrate, postgres, postgres_install
from forecourt.infra.database import Database
from forecourt.infra.roots import Seen, roots_of
from forecourt.settings import Settings

PYTHON_MIN: Final = (3, 11)
STATIONS: Final = 10_000
# A socket for each station, and some for the API, the database and logs.
FILES_WANTED: Final = STATIONS + 500
GIB: Final = 2**30
# A gibibyte is PostgreSQL's journal alone; ten are some weeks of a small network.
DISK_BYTES_MIN: Final = 1 * GIB
DISK_BYTES_WISE: Final = 10 * GIB
# What adjtimex(2) returns where nothing keeps the clock right, and more than its struct's size.
CLOCK_UNSYNCHRONIZED: Final = 5
TIMEX_BYTES: Final = 512


class Verdict(StrEnum):
    """What a finding means."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


class Finding(Struct, frozen=True):
    """What was looked at, and what was seen."""

    what: str
    verdict: Verdict
    seen: str


COLOURS: Final = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.BAD: "bold red"}


def doctor(
    *, as_json: AsJson = False, data_dir: DataDir = None, database_url: DatabaseUrl = None
) -> None:
    """See whether this machine is fit to run the platform; exit code 1 when something is bad."""
    chosen = settings(data_dir, database_url)
    found = list(examine(chosen))
    if as_json:
        print_json(found)
    else:
        table = Table(show_header=False, box=None, pad_edge=False)
        for finding in found:
            verdict = f"[{COLOURS[finding.verdict]}]{finding.verdict.value}[/]"
            table.add_row(verdict, finding.what, escape(finding.seen))
        out.print(table)
    if any(finding.verdict is Verdict.BAD for finding in found):
        raise typer.Exit(1)


def examine(chosen: Settings) -> Iterator[Finding]:
    """All that can be seen from here."""
    yield _python()
    yield _folder(chosen.data_dir)
    yield _disk(chosen.data_dir)
    yield from _database(chosen)
    ours = _ports_of_ours(chosen.data_dir)
    yield _port("OCPP port", chosen.host, chosen.ocpp_port, ours)
    yield _port("HTTP port", chosen.host, chosen.http_port, ours)
    yield from _roots(chosen)
    yield _files()
    yield _clock()


def _roots(chosen: Settings) -> Iterator[Finding]:
    """Whether the certificates lead to the roots that stations saw last (field quirk 33)."""
    chains = [file for file in (chosen.tls_cert, chosen.tls_second_cert) if file is not None]
    if not chains:
        return
    what = "certificate"
    try:
        roots = roots_of(chains)
    except (OSError, ValueError) as error:
        yield Finding(what, Verdict.BAD, f"cannot be read: {error}")
        return
    lost = Seen(chosen.data_dir / "tls" / "roots.json").lost(roots)
    if lost:
        said = (
            f"leads to {', '.join(roots)}; stations that trust only {', '.join(lost)}, which they"
            " saw until now, cannot come back: have them trust the new root before you restart"
        )
        yield Finding(what, Verdict.WARN, said)
    else:
        yield Finding(what, Verdict.OK, f"leads to {', '.join(roots)}")


def _python() -> Finding:
    verdict = Verdict.OK if sys.version_info >= PYTHON_MIN else Verdict.BAD
    return Finding("Python", verdict, f"{machine.python_version()} at {sys.executable}")


def _folder(data_dir: Path) -> Finding:
    what, folder = "data folder", data_dir.absolute()
    if not folder.exists():
        above = _nearest(folder)
        if os.access(above, os.W_OK | os.X_OK):
            return Finding(what, Verdict.OK, f"{folder}: not there yet, will be made")
        return Finding(what, Verdict.BAD, f"{folder}: may not be made in {above}")
    owner = folder.stat().st_uid
    if not os.access(folder, os.W_OK | os.X_OK):
        said = f"{folder} belongs to {_account(owner)}, and we may not write to it"
        return Finding(what, Verdict.BAD, said)
    if owner not in (os.geteuid(), 0) and os.geteuid() != 0:
        said = f"{folder} belongs to {_account(owner)}: run as that account"
        return Finding(what, Verdict.WARN, said)
    return Finding(what, Verdict.OK, f"{folder}, of {_account(owner)}")


def _account(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user number {uid}"


def _nearest(path: Path) -> Path:
    """The folder itself, or the first above it that is there."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _disk(data_dir: Path) -> Finding:
    free = shutil.disk_usage(_nearest(data_dir.absolute())).free
    verdict = Verdict.OK
    if free < DISK_BYTES_WISE:
        verdict = Verdict.WARN if free >= DISK_BYTES_MIN else Verdict.BAD
    return Finding("disk", verdict, f"{free / GIB:,.1f} GiB free")


def _database(chosen: Settings) -> Iterator[Finding]:
    """Whether there is a PostgreSQL and its tables fit."""
    if chosen.database_url is None and not (chosen.data_dir / "postgres").exists():
        yield _install()
        yield Finding("tables", Verdict.OK, "none yet: made at the first start")
        return
    try:
        version, revision = uvloop.run(_ask(chosen))
    except migrate.SchemaDrift as error:
        yield Finding("PostgreSQL", Verdict.OK, "answers")
        yield Finding("tables", Verdict.BAD, error.message)
    except ForecourtError as error:
        yield Finding("PostgreSQL", Verdict.BAD, f"{error.message} ({error.code})")
    else:
        yield Finding("PostgreSQL", Verdict.OK, version)
        yield Finding("tables", Verdict.OK, f"at revision {revision}, as they should be")


async def _ask(chosen: Settings) -> tuple[str, str]:
    if chosen.database_url is not None:
        return await _versions(chosen.database_url.get_secret_value())
    async with postgres.at(chosen.data_dir, log=lambda _line: None) as url:
        return await _versions(url)


async def _versions(url: str) -> tuple[str, str]:
    revision = await migrate.check(url)
    db = Database(url, pool_size=1)
    try:
        await db.ping()
        conn = await db.raw()
        found: str = await conn.fetchval("SELECT current_setting('server_version')")
        await conn.close()
    finally:
        await db.close()
    return f"{found} answers", revision


def _install() -> Finding:
    try:
        found = postgres_install.programs()
    except postgres_install.PostgresNotInstalled as error:
        return Finding("PostgreSQL", Verdict.BAD, error.message)
    if not os.access(found / "postgres", os.X_OK):
        return Finding("PostgreSQL", Verdict.BAD, f"{found}/postgres may not be run")
    return Finding("PostgreSQL", Verdict.OK, f"its programs are in {found}")


def _ports_of_ours(data_dir: Path) -> set[int | None]:
    """Where the platform of this data folder listens, if one runs."""
    try:
        run = json.loads((data_dir / RUN_FILE).read_text())
        if psutil.pid_exists(run["pid"]):
            return {urlsplit(run[door]).port for door in ("ocpp", "http")}
    except (OSError, ValueError, KeyError, TypeError):
        return set()  # None runs, or it is just starting.
    return set()


def _port(what: str, host: str, port: int, ours: set[int | None]) -> Finding:
    if port == 0:
        return Finding(what, Verdict.OK, "any that is free")
    if port in ours:
        return Finding(what, Verdict.OK, f"{port}: the platform of this folder listens there")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            return Finding(what, Verdict.BAD, f"{host} {port}: {error.strerror}")
    return Finding(what, Verdict.OK, f"{port} on {host} is free")


def _files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return Finding("open files", Verdict.OK, "no limit")
    if soft >= FILES_WANTED:
        return Finding("open files", Verdict.OK, f"limit {soft:,}")
    most = "any" if hard == resource.RLIM_INFINITY else f"{hard:,}"
    said = f"limit {soft:,} (may be {most}): {STATIONS:,} stations want {FILES_WANTED:,}"
    return Finding("open files", Verdict.WARN, f"{said}; ulimit -n, or LimitNOFILE= in the unit")


def _clock() -> Finding:
    """Whether the kernel knows of somebody who keeps its clock right."""
    if sys.platform != "linux":
        return Finding("clock", Verdict.OK, "not looked at on this system")
    asked = ctypes.create_string_buffer(TIMEX_BYTES)  # All zero: read, set nothing.
    if ctypes.CDLL(None).adjtimex(asked) == CLOCK_UNSYNCHRONIZED:
        said = "nobody keeps it right: stations take their time from us; run an NTP client"
        return Finding("clock", Verdict.WARN, said)
    return Finding("clock", Verdict.OK, "kept right")
