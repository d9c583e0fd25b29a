"""The embedded server under everything that may befall it."""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from forecourt.base.errors import ForecourtError, Kind
from forecourt.infra import postgres_install
from forecourt.infra.postgres import (
    DiskFull,
    EmbeddedPostgres,
    FolderInUse,
    NotStartable,
    WrongVersion,
    at,
    find_running,
    running,
)
from forecourt.infra.postgres_folder import LOG_BYTES_MAX

pytestmark = pytest.mark.database
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users and mounts")

# Holds a server until it is killed; says where it is.
HOLDER = """
import asyncio, os, sys
sys.path += sys.argv[1].split(os.pathsep)
from pathlib import Path
from forecourt.infra.postgres import running

async def main():
    server = running(Path(sys.argv[2]), log=print, fsync=False, orphan_grace_s=float(sys.argv[3]))
    async with server as postgres:
        print("up", postgres.pid, postgres.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


@pytest.fixture
def said() -> list[str]:
    return []


@asynccontextmanager
async def opened(
    folder: Path, said: list[str], *, fsync: bool = False
) -> AsyncGenerator[EmbeddedPostgres]:
    async with running(folder, log=said.append, fsync=fsync, orphan_grace_s=0) as server:
        yield server


async def query(url: str, sql: str) -> object:
    conn = await asyncpg.connect(url)
    try:
        return await conn.fetchval(sql)
    finally:
        await conn.close()


def sockets_of(url: str) -> str:
    return url.partition("host=")[2].partition("&")[0]


def mode_of(path: str) -> int:
    return Path(path).stat().st_mode & 0o777


async def until_gone(pid: int) -> None:
    for _ in range(200):
        if not psutil.pid_exists(pid):
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"process {pid} is still there")


def hold(
    folder: Path, *, grace_s: float, user: int | None = None, python: str = sys.executable
) -> tuple[subprocess.Popen[str], int, str]:
    """Another process that has the folder: it, its server's pid and its URL."""
    holder = subprocess.Popen(
        [python, "-I", "-c", HOLDER, os.pathsep.join(sys.path), str(folder), str(grace_s)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    assert holder.stdout is not None
    lines = []
    for line in holder.stdout:
        lines.append(line)
        if line.startswith("up "):
            _, pid, url = line.split()
            return holder, int(pid), url
    raise AssertionError("".join(lines))


def bury(holder: subprocess.Popen[str]) -> None:
    holder.kill()
    with contextlib.suppress(BrokenPipeError):
        holder.communicate()


async def test_data_outlives_the_server(tmp_path: Path, said: list[str]) -> None:
    async with opened(tmp_path, said, fsync=True) as server:
        await query(server.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        assert await query(server.url, "SHOW fsync") == "on"
        assert await query(server.url, "SHOW data_checksums") == "on"
        assert await query(server.url, "SHOW server_encoding") == "UTF8"
        assert await query(server.url, "SHOW timezone") == "UTC"
        assert await query(server.url, "SELECT usesuper FROM pg_user WHERE usename = user") is False
        first = server.pid
    assert not psutil.pid_exists(first)
    assert find_running(tmp_path) is None
    async with opened(tmp_path, said, fsync=True) as server:
        assert await query(server.url, "SELECT answer FROM kept") == 42


async def test_nothing_listens_on_the_network_and_strangers_are_kept_out(
    tmp_path: Path, said: list[str]
) -> None:
    async with opened(tmp_path, said) as server:
        assert psutil.Process(server.pid).net_connections(kind="inet") == []
        data = (tmp_path / "postgres").stat()
        assert data.st_mode & 0o077 == 0
        assert data.st_uid != 0


async def test_an_operators_own_settings_win(tmp_path: Path, said: list[str]) -> None:
    async with opened(tmp_path, said) as server:
        with (tmp_path / "postgres" / "postgresql.conf").open("a") as conf:
            conf.write("work_mem = '11MB'\n")
        await server.restart(timeout_s=20)
        assert await query(server.url, "SHOW work_mem") == "11MB"


async def test_a_folder_serves_one_forecourt(tmp_path: Path, said: list[str]) -> None:
    async with opened(tmp_path, said) as server:
        with pytest.raises(FolderInUse) as refused:
            async with opened(tmp_path, said):
                pass
        assert refused.value.kind is Kind.CONFLICT
        assert str(os.getpid()) in refused.value.message
        assert await query(server.url, "SELECT 1") == 1


async def test_a_killed_server_comes_back_with_all_that_was_committed(
    tmp_path: Path, said: list[str]
) -> None:
    async with opened(tmp_path, said, fsync=True) as server:
        await query(server.url, "CREATE TABLE counted (n int)")
        for n in range(3):
            await query(server.url, f"INSERT INTO counted VALUES ({n})")
            killed = server.pid
            os.kill(killed, signal.SIGKILL)
            await until_gone(killed)
            await server.wait_ready(timeout_s=20)
            assert server.pid != killed
            assert await query(server.url, "SELECT count(*) FROM counted") == n + 1
    assert any("is gone" in line for line in said)
    assert any("is back" in line for line in said)


async def test_a_busy_backend_does_not_keep_a_new_server_away(
    tmp_path: Path, said: list[str]
) -> None:
    async with opened(tmp_path, said) as server:
        conn = await asyncpg.connect(server.url)
        backend = conn.get_server_pid()
        # Such a loop never looks whether its postmaster lives.
        loop = asyncio.ensure_future(conn.execute("DO $$ BEGIN LOOP END LOOP; END $$"))
        await asyncio.sleep(0.2)
        os.kill(server.pid, signal.SIGKILL)
        await asyncio.sleep(0.2)
        await server.wait_ready(timeout_s=20)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await loop
        assert not psutil.pid_exists(backend)
        assert await query(server.url, "SELECT 1") == 1
    assert any(f"killing PostgreSQL process {backend}" in line for line in said)


async def test_the_next_forecourt_takes_over_the_server_of_a_killed_one(
    tmp_path: Path, said: list[str]
) -> None:
    holder, pid, url = hold(tmp_path, grace_s=30)
    try:
        await query(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    finally:
        bury(holder)
    assert await query(url, "SELECT answer FROM kept") == 42
    async with opened(tmp_path, said) as server:
        assert server.pid == pid
        assert server.url == url
        assert await query(server.url, "SELECT answer FROM kept") == 42
        os.kill(pid, signal.SIGKILL)  # Not our child, and watched over all the same.
        await until_gone(pid)
        await server.wait_ready(timeout_s=20)
        last = server.pid
        assert await query(server.url, "SELECT answer FROM kept") == 42
    assert not psutil.pid_exists(last)


async def test_a_server_with_other_settings_is_not_taken_over(
    tmp_path: Path, said: list[str]
) -> None:
    holder, pid, _ = hold(tmp_path, grace_s=30)
    bury(holder)
    async with opened(tmp_path, said, fsync=True) as server:
        assert server.pid != pid
        assert await query(server.url, "SHOW fsync") == "on"


async def test_a_server_that_nobody_takes_over_stops_cleanly(tmp_path: Path) -> None:
    holder, pid, _ = hold(tmp_path, grace_s=0.2)
    assert find_running(tmp_path) is not None
    bury(holder)
    await until_gone(pid)
    assert find_running(tmp_path) is None
    assert "database system is shut down" in (tmp_path / "log" / "postgres.log").read_text()


async def test_a_command_works_beside_a_server_and_without_one(
    tmp_path: Path, said: list[str]
) -> None:
    async with at(tmp_path, log=said.append) as url:
        await query(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert find_running(tmp_path) is None
    async with opened(tmp_path, said) as server, at(tmp_path, log=said.append) as url:
        assert url == server.url == find_running(tmp_path)
        assert await query(url, "SELECT answer FROM kept") == 42


async def test_commands_at_the_same_time_wait_for_each_other(
    tmp_path: Path, said: list[str]
) -> None:
    async def command() -> object:
        async with at(tmp_path, log=said.append) as url:
            return await query(url, "SELECT 1")

    async with asyncio.TaskGroup() as group:
        answers = [group.create_task(command()) for _ in range(3)]
    assert [answer.result() for answer in answers] == [1, 1, 1]


async def test_another_version_is_refused(tmp_path: Path, said: list[str]) -> None:
    async with opened(tmp_path, said):
        pass
    (tmp_path / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(WrongVersion, match=r"written by PostgreSQL 17.*pg_dump"):
        async with opened(tmp_path, said):
            pass


async def test_a_stale_pid_file_is_no_hindrance(tmp_path: Path, said: list[str]) -> None:
    async with opened(tmp_path, said):
        pass
    # The pid is alive, as happens after a reboot, and it is no PostgreSQL.
    stale = tmp_path / "postgres" / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{tmp_path}\n1\n5432\n.\n\n1 1\nready\n")
    assert find_running(tmp_path) is None
    async with opened(tmp_path, said) as server:
        assert await query(server.url, "SELECT 1") == 1


async def test_a_server_that_cannot_start_says_why(tmp_path: Path, said: list[str]) -> None:
    async with opened(tmp_path, said):
        pass
    with (tmp_path / "postgres" / "postgresql.conf").open("a") as conf:
        conf.write("no_such_setting = 1\n")
    with pytest.raises(NotStartable, match="no_such_setting") as refused:
        async with opened(tmp_path, said):
            pass
    assert refused.value.kind is Kind.UNAVAILABLE
    # And the folder is free again.
    (tmp_path / "postgres" / "postgresql.conf").write_text("include 'forecourt.conf'\n")
    async with opened(tmp_path, said):
        pass


async def test_an_initdb_that_was_cut_short_is_begun_anew(tmp_path: Path, said: list[str]) -> None:
    half_made = tmp_path / "postgres.new"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    async with opened(tmp_path, said) as server:
        assert await query(server.url, "SELECT 1") == 1
    assert not half_made.exists()


async def test_a_path_too_long_for_a_socket(tmp_path: Path, said: list[str]) -> None:
    folder = tmp_path / ("x" * 60) / ("y" * 60)
    async with opened(folder, said) as server:
        assert await query(server.url, "SELECT 1") == 1
        assert find_running(folder) == server.url
        assert mode_of(sockets_of(server.url)) == 0o700
    shutil.rmtree(sockets_of(server.url))


async def test_the_log_is_bounded(tmp_path: Path, said: list[str]) -> None:
    async with opened(tmp_path, said):
        pass
    log = tmp_path / "log" / "postgres.log"
    with log.open("ab") as grown:
        grown.write(b"x" * (LOG_BYTES_MAX + 1))
    async with opened(tmp_path, said):
        assert log.stat().st_size < LOG_BYTES_MAX
    assert log.with_suffix(".log.1").stat().st_size > LOG_BYTES_MAX


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", str(disk)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Take all the space that is left."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    return ballast


async def insert_until_refused(url: str) -> int:
    """How many rows were acknowledged before the disk was full."""
    for acknowledged in range(1000):
        try:
            await query(url, "INSERT INTO counted SELECT 1, repeat(md5(random()::text), 5000)")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return acknowledged
    raise AssertionError("the disk was never full")


@needs_root
async def test_a_full_disk_is_named_and_freeing_it_is_enough(
    small_disk: Path, said: list[str]
) -> None:
    ballast = fill(small_disk)
    with pytest.raises(DiskFull) as refused:
        async with opened(small_disk, said):
            pass
    assert "free some space" in refused.value.message
    ballast.unlink()
    async with opened(small_disk, said, fsync=True) as server:
        await query(server.url, "CREATE TABLE counted (n int, filler text)")
        await query(server.url, "INSERT INTO counted VALUES (0, '')")
        ballast = fill(small_disk)
        acknowledged = await insert_until_refused(server.url)
        ballast.unlink()
        await asyncio.sleep(0.5)
        await server.wait_ready(timeout_s=40)
        assert await query(server.url, "SELECT count(*) FROM counted") == acknowledged + 1
    fill(small_disk)
    with pytest.raises(DiskFull):
        async with opened(small_disk, said):
            pass


def python_for(user: int) -> str:
    """An interpreter like this one that the user can run; this one may lie below /root."""
    code = f"import sys; sys.path += {sys.path!r}; import psutil, forecourt.infra.postgres"
    for python in filter(None, [sys.executable, shutil.which("python3", path=os.defpath)]):
        command = [python, "-I", "-c", code]
        with contextlib.suppress(PermissionError):
            if not subprocess.run(command, user=user, capture_output=True, check=False).returncode:
                return python
    pytest.skip("an ordinary user can run no Python of this version, or not read this checkout")


@needs_root
async def test_as_an_ordinary_user(said: list[str]) -> None:
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(prefix="forecourt-nobody-") as name:
        folder = Path(name)
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        python = python_for(nobody.pw_uid)
        holder, pid, url = hold(folder, grace_s=0, user=nobody.pw_uid, python=python)
        assert psutil.Process(pid).uids().real == nobody.pw_uid
        assert await query(url, "SELECT 1") == 1
        holder.communicate("")
        await until_gone(pid)
        # Root may serve the same folder: as its owner.
        async with opened(folder, said) as server:
            assert psutil.Process(server.pid).uids().real == nobody.pw_uid
            assert await query(server.url, "SELECT 1") == 1


@needs_root
async def test_root_with_everything_below_a_closed_folder(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a checkout below /root: neither data nor programs can be walked to by others."""
    closed = tmp_path / "root"
    closed.mkdir(mode=0o700)
    installed = postgres_install.find(owner=None, log=said.append).programs.parents[1]
    for package in (installed, installed.with_name(f"{installed.name}.libs")):
        if package.exists():
            shutil.copytree(package, closed / package.name)
    monkeypatch.syspath_prepend(closed)
    with tempfile.TemporaryDirectory(prefix="forecourt-cache-") as cache:
        monkeypatch.setattr(postgres_install, "COPIES", Path(cache))
        async with opened(closed / "data", said) as server:
            assert Path(psutil.Process(server.pid).exe()).is_relative_to(cache)
            assert await query(server.url, "SELECT 1") == 1
    assert closed.stat().st_mode & 0o077 == 0


async def test_errors_have_codes_of_their_own() -> None:
    errors: list[type[ForecourtError]] = [FolderInUse, WrongVersion, DiskFull, NotStartable]
    assert len({error.code for error in errors}) == len(errors)
    assert all(error.code.startswith("postgres.") for error in errors)


async def test_a_killed_server_that_nobody_buried_is_not_taken_for_alive(
    tmp_path: Path, said: list[str]
) -> None:
    """In a container without an init, a dead postmaster keeps its pid for ever."""
    async with opened(tmp_path, said) as server:
        data, pid = server._folder.data, str(server.pid)
        held = {
            file: file.read_text() for file in (data / "postmaster.pid", *data.glob(".s.*lock"))
        }
    assert len(held) == 2
    owner = data.stat().st_uid if os.geteuid() == 0 else None
    undead = await asyncio.create_subprocess_exec("sleep", "60", user=owner)
    try:
        for file, text in held.items():
            file.write_text(text.replace(pid, str(undead.pid), 1))
        async with opened(tmp_path, said) as server:
            assert await query(server.url, "SELECT 1") == 1
    finally:
        undead.kill()
        await undead.wait()
