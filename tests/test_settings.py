"""Settings: from a file, the environment and the command line; wrong ones are told at start."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from forecourt.settings import SECRET_BYTES, SecretBroken, SettingsInvalid, load, secret_key


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No file here and nothing in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("FORECOURT_")]:  # noqa: TID251 (a test of what reads it)
        monkeypatch.delenv(name)


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def test_defaults() -> None:
    settings = load({})
    assert (settings.ocpp_port, settings.http_port, settings.database_url) == (9220, 8080, None)


def test_the_command_line_beats_the_environment_beats_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(tmp_path / "forecourt.toml", "ocpp_port = 1\nhttp_port = 1\nheartbeat_s = 11\n")
    monkeypatch.setenv("FORECOURT_OCPP_PORT", "2")
    monkeypatch.setenv("FORECOURT_HTTP_PORT", "2")
    settings = load({"ocpp_port": 3, "http_port": None})
    assert (settings.ocpp_port, settings.http_port, settings.heartbeat_s) == (3, 2, 11)


def test_a_file_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write(tmp_path / "other.toml", 'unknown_stations = "pending"\n')
    monkeypatch.setenv("FORECOURT_CONFIG", str(tmp_path / "other.toml"))
    assert load({}).unknown_stations == "pending"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ocp_port = 1\n", "ocp_port"),
        ("ocpp_port = 70000\n", "ocpp_port"),
        ('unknown_stations = "welcome"\n', "unknown_stations"),
        ("keep_meter_values_days = 1\n", "keep_meter_values_days"),
        ("ocpp_port = \n", "forecourt.toml"),
    ],
)
def test_a_wrong_file_is_an_error_that_names_the_key(tmp_path: Path, text: str, named: str) -> None:
    write(tmp_path / "forecourt.toml", text)
    with pytest.raises(SettingsInvalid, match=named):
        load({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FORECOURT_OCPP_PORT", "many"),
        ("FORECOURT_OCP_PORT", "9220"),
        ("FORECOURT_CONFIG", "missing.toml"),
    ],
)
def test_a_wrong_environment_is_an_error_that_names_the_key(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid, match=r"(?i)ocpp?_port|missing\.toml"):
        load({})


def test_an_unknown_name_on_the_command_line() -> None:
    with pytest.raises(SettingsInvalid, match="prot"):
        load({"prot": 1})


def test_a_secret_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORECOURT_DATABASE_URL", "postgresql://me:hunter2@db/forecourt")
    settings = load({})
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump_json()}"
    assert settings.database_url is not None
    assert "hunter2" in settings.database_url.get_secret_value()
    with pytest.raises(SettingsInvalid) as caught:
        load({"http_port": -1})
    assert "hunter2" not in str(caught.value)


def test_the_key_is_made_once_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "deep"
    key = secret_key(folder)
    assert len(key) == SECRET_BYTES
    assert secret_key(folder) == key
    assert (folder / "secret.key").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in folder.iterdir()] == ["secret.key"]
    assert secret_key(tmp_path / "other") != key


def test_starts_at_the_same_time_agree_on_the_key(tmp_path: Path) -> None:
    """Threads of one process: as with containers, whose processes all have the same number."""
    for round_no in range(20):
        folder = tmp_path / str(round_no)
        together = threading.Barrier(8)
        found: list[bytes] = []

        def start(folder: Path = folder, together: threading.Barrier = together) -> None:
            together.wait()
            found.append(secret_key(folder))  # noqa: B023 (the threads end within the round)

        threads = [threading.Thread(target=start) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 8
        assert len(set(found)) == 1
        assert [file.name for file in folder.iterdir()] == ["secret.key"]


def test_processes_that_start_at_the_same_time_agree_too(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from forecourt.settings import secret_key;"
        " print(secret_key(pathlib.Path(sys.argv[1])).hex())"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    assert len({process.communicate()[0] for process in started}) == 1
    assert all(process.returncode == 0 for process in started)


def test_a_start_that_was_killed_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    (tmp_path / f"secret.{os.getpid()}").write_bytes(b"half")
    assert len(secret_key(tmp_path)) == SECRET_BYTES


@pytest.mark.parametrize("content", [b"", b"short", bytes(33)])
def test_a_broken_key_is_not_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret.key").write_bytes(content)
    with pytest.raises(SecretBroken, match="backup"):
        secret_key(tmp_path)
    assert (tmp_path / "secret.key").read_bytes() == content


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
def test_a_secret_that_root_makes_is_its_folders(tmp_path: Path) -> None:
    nobody = 65_534
    folder = tmp_path / "data"
    folder.mkdir()
    os.chown(folder, nobody, nobody)
    assert len(secret_key(folder)) == SECRET_BYTES
    made = (folder / "secret.key").stat()
    assert (made.st_uid, made.st_gid, made.st_mode & 0o777) == (nobody, nobody, 0o600)
