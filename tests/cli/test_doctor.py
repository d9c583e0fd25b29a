"""The doctor: what is well is said to be well, what is not is named, and the exit code tells."""

import json
import os
import resource
import socket
from pathlib import Path

import pytest

from forecourt.cli.doctor import FILES_WANTED, Finding, Verdict, examine
from forecourt.settings import load
from tests.fixtures.database import execute, wait_for


def looked(**given: object) -> dict[str, Finding]:
    defaults: dict[str, object] = {"ocpp_port": 0, "http_port": 0}
    return {finding.what: finding for finding in examine(load(defaults | given))}


@pytest.fixture(autouse=True)
def no_file_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    found = looked(data_dir=tmp_path / "a" / "b")
    assert {found[what].verdict for what in ("Python", "data folder", "PostgreSQL", "tables")} == {
        Verdict.OK
    }
    assert not (tmp_path / "a").exists()


def test_tables_that_fit_and_those_that_do_not(tmp_path: Path, database_url: str) -> None:
    found = looked(data_dir=tmp_path, database_url=database_url)
    assert found["tables"].verdict is Verdict.OK
    wait_for(execute(database_url, "ALTER TABLE stations ADD COLUMN colour text"))
    found = looked(data_dir=tmp_path, database_url=database_url)
    assert (found["PostgreSQL"].verdict, found["tables"].verdict) == (Verdict.OK, Verdict.BAD)


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    found = looked(data_dir=tmp_path, database_url="postgresql://me@127.0.0.1:1/none")
    assert found["PostgreSQL"].verdict is Verdict.BAD
    assert "database.unreachable" in found["PostgreSQL"].seen


def test_a_port_is_free_or_ours_or_somebody_elses(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert looked(data_dir=tmp_path, http_port=port)["HTTP port"].verdict is Verdict.BAD
        run = {"pid": os.getpid(), "ocpp": "ws://h:1", "http": f"http://127.0.0.1:{port}"}
        (tmp_path / "run.json").write_text(json.dumps(run))
        found = looked(data_dir=tmp_path, http_port=port)["HTTP port"]
        assert (found.verdict, "of this folder" in found.seen) == (Verdict.OK, True)
    (tmp_path / "run.json").unlink()
    assert looked(data_dir=tmp_path, http_port=port)["HTTP port"].verdict is Verdict.OK


def test_too_few_files_for_ten_thousand_stations(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, hard), hard))
        found = looked(data_dir=tmp_path)["open files"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (found.verdict, f"{FILES_WANTED:,}" in found.seen) == (Verdict.WARN, True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_somebody_elses() -> None:
    assert looked(data_dir="/forecourt-data")["data folder"].verdict is Verdict.BAD
