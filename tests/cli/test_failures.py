"""Failures that a user meets are one line that says what to do, and exit code 1: no traceback."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.database


def serve(data_dir: Path, database_url: str, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "forecourt.cli", "serve", "--ocpp-port=0"]
    command += ["--data-dir", str(data_dir), "--database-url", database_url, *more]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_port_that_is_taken(tmp_path: Path, database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = serve(tmp_path, database_url, f"--http-port={port}")
    assert ran.returncode == 1
    assert f"port {port} is taken" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("option", ["--ocpp-port", "--ocpp-tls-port"])
def test_a_port_that_another_forecourt_has(tmp_path: Path, database_url: str, option: str) -> None:
    """It listens there by several sockets, which another program of its user could join."""
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = taken.getsockname()[1]
        ran = serve(tmp_path, database_url, "--http-port=0", f"{option}={port}")
    assert ran.returncode == 1
    assert f"port {port} is taken" in ran.stderr


def test_a_certificate_that_is_not_there(tmp_path: Path, database_url: str) -> None:
    ran = serve(tmp_path, database_url, "--http-port=0", f"--tls-cert={tmp_path}/none.pem")
    assert ran.returncode == 1
    assert "cannot use the certificate" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_key_that_root_made_belongs_to_the_folders_owner(
    tmp_path: Path, database_url: str
) -> None:
    nobody = 65_534
    os.chown(tmp_path, nobody, nobody)
    (tmp_path / "run.json").write_text('{"http": "http://127.0.0.1:1"}')
    command = [sys.executable, "-m", "forecourt.cli", "command", "CP1", "reset"]
    command += ["--data-dir", str(tmp_path), "--database-url", database_url]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, "does not answer" in ran.stderr) == (1, True), ran.stderr
    key = (tmp_path / "cli.key").stat()
    assert (key.st_uid, key.st_mode & 0o777) == (nobody, 0o600)
