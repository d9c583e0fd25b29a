"""Every setting, error, event and command is documented: the reference says what the code says."""

import importlib
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from forecourt.base.errors import ForecourtError
from forecourt.base.events import Event
from tools import generate_reference

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
TOOL = ROOT / "tools" / "generate_reference.py"


def run_tool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TOOL, *arguments], capture_output=True, text=True, check=False
    )


def test_the_reference_says_what_the_code_says() -> None:
    done = run_tool("--check")
    assert done.returncode == 0, done.stderr


def test_every_setting_says_what_it_does() -> None:
    settings = importlib.import_module("forecourt.settings").Settings
    silent = [name for name, field in settings.model_fields.items() if not field.description]
    assert not silent
    page = (REFERENCE / "settings.md").read_text(encoding="utf-8")
    assert [name for name in settings.model_fields if f"`{name}" not in page] == []


def test_codes_and_tags_name_one_thing_each() -> None:
    generate_reference.load_all()
    errors = generate_reference.descendants(ForecourtError)
    events = generate_reference.descendants(Event)
    names = Counter(error.code for error in set(errors) if "code" in vars(error))
    names += Counter(str(e.__struct_config__.tag) for e in set(events) if not e.__subclasses__())
    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize("page", ["cli.md", "errors.md", "events.md", "settings.md"])
def test_no_row_is_empty(page: str) -> None:
    lines = (REFERENCE / page).read_text(encoding="utf-8").splitlines()
    silent = [line for line in lines if line.startswith("|") and line.endswith("|  |")]
    assert not silent, "\n".join(silent)


def test_a_stale_page_is_noticed(tmp_path: Path) -> None:
    assert run_tool("--folder", tmp_path).returncode == 0
    assert run_tool("--folder", tmp_path, "--check").returncode == 0
    page = tmp_path / "errors.md"
    page.write_text(page.read_text(encoding="utf-8") + "and more\n", encoding="utf-8")
    done = run_tool("--folder", tmp_path, "--check")
    assert (done.returncode, "errors.md" in done.stderr) == (1, True)


def test_every_quirk_that_is_named_has_its_row() -> None:
    page = (ROOT / "docs" / "protocols" / "field-quirks.md").read_text(encoding="utf-8")
    rows = [int(number) for number in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)]
    assert rows == list(range(1, len(rows) + 1))
    tested = {
        int(number)
        for file in (ROOT / "tests" / "edge").rglob("test_*.py")
        for number in re.findall(r"def test_quirk_(\d+)", file.read_text(encoding="utf-8"))
    }
    named = {
        int(number)
        for file in (ROOT / "src" / "forecourt").rglob("*.py")
        for number in re.findall(r"field quirk (\d+)", file.read_text(encoding="utf-8"))
    }
    assert named <= set(rows)
    assert tested == set(rows), "each row has a test on the wire, and none is without a row"
