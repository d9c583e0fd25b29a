"""The committed messages are what the generator writes; it stops where it does not understand."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "generate_ocpp.py"


def run(tool: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(tool), *arguments], capture_output=True, text=True, check=False
    )


def test_the_committed_files_are_generated_ones() -> None:
    done = run(TOOL, "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_drift_is_noticed(tmp_path: Path) -> None:
    """A copy of the tool beside an empty tree: everything differs, and nothing is written."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("generate_ocpp.py", "ocpp_schemas.toml"):
        (tools / name).write_text((TOOL.parent / name).read_text("utf-8"), "utf-8")
    done = run(tools / "generate_ocpp.py", "--check")
    assert done.returncode == 1
    assert "differs: messages.py of v201" in done.stdout
    assert not (tmp_path / "src").exists()


def test_an_unknown_exception_to_the_schemas_stops_it(tmp_path: Path) -> None:
    """Without the row that unites the units, two kinds of one enumeration are no guess of ours."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / TOOL.name).write_text(TOOL.read_text("utf-8"), "utf-8")
    tables = (TOOL.parent / "ocpp_schemas.toml").read_text("utf-8")
    changed = tables.replace("v16.UnitOfMeasure", "v16.SomethingElse")
    (tools / "ocpp_schemas.toml").write_text(changed, "utf-8")
    done = run(tools / "generate_ocpp.py", "--check")
    assert done.returncode != 0
    assert "two kinds of UnitOfMeasure" in done.stderr
