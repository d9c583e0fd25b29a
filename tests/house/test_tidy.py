"""The house rules over every file that git tracks, and each rule proved on good and bad cases."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

from tests.house import rules

ROOT = Path(__file__).parents[2]
MODULE = PurePosixPath("src/forecourt/domain/stations/service.py")
OUTSIDE = PurePosixPath("src/forecourt/edge/ocpp/v16.py")
HTTP = PurePosixPath("src/forecourt/edge/http/app.py")


@cache
def tracked() -> tuple[PurePosixPath, ...]:
    """What is in the repository, or would be with the next commit."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a working copy: nobody knows what is tracked")
    listed = subprocess.run(
        [git, "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (PurePosixPath(line) for line in listed.stdout.splitlines())
    return tuple(path for path in paths if (ROOT / path).is_file())


def modules(*folders: str) -> Iterator[tuple[PurePosixPath, str]]:
    for path in tracked():
        if path.suffix == ".py" and path.parts[0] in folders:
            yield path, (ROOT / path).read_text(encoding="utf-8")


def texts() -> Iterator[tuple[PurePosixPath, str]]:
    for path in tracked():
        try:
            yield path, (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # A picture or an archive says nothing that a line rule could read.


def complain(path: PurePosixPath, complaints: Iterator[str]) -> list[str]:
    return [f"{path}: {complaint}" for complaint in complaints]


def test_there_is_something_to_look_at() -> None:
    assert PurePosixPath("src/forecourt/base/clock.py") in tracked()


@pytest.mark.parametrize(
    "rule",
    [rules.purpose, rules.suppression],
    ids=lambda rule: rule.__name__,
)
def test_shipped_modules(rule: Callable[[str], Iterator[str]]) -> None:
    found = [c for path, text in modules("src", "tools") for c in complain(path, rule(text))]
    assert not found, "\n".join(found)


def test_names_say_what_a_thing_is() -> None:
    found = [
        complaint
        for path, text in modules("src", "tools")
        if "protocol" not in path.parts  # There the specifications choose the words.
        for complaint in complain(path, rules.names(text))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "rule",
    [rules.function_length, rules.module_length],
    ids=lambda rule: rule.__name__,
)
def test_lengths(rule: Callable[[str], Iterator[str]]) -> None:
    found = [
        complaint
        for path, text in modules("src", "tools", "tests", "bench")
        if rules.is_measured(path, text)
        for complaint in complain(path, rule(text))
    ]
    assert not found, "\n".join(found)


def test_rooms_are_entered_by_the_front_door() -> None:
    found = [
        complaint
        for path, text in modules("src")
        for complaint in complain(path, rules.front_door(path, text))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("rule", [rules.unfinished, rules.machine], ids=lambda rule: rule.__name__)
def test_every_tracked_file(rule: Callable[[str], Iterator[str]]) -> None:
    found = [complaint for path, text in texts() for complaint in complain(path, rule(text))]
    assert not found, "\n".join(found)


def test_only_listed_boundaries_catch_everything() -> None:
    catching = {
        str(path): complaints
        for path, text in modules("src")
        if (complaints := complain(path, rules.catches_all(text)))
    }
    unlisted = {path: found for path, found in catching.items() if path not in rules.BOUNDARIES}
    assert unlisted == {}, "catch what you expect, or be a boundary in rules.BOUNDARIES"
    assert set(rules.BOUNDARIES) == set(catching), "a boundary that catches nothing is no boundary"


# Each rule on a good and on a bad case: a rule that cannot fail holds nothing.

LONG_FUNCTION = "def f():\n" + "    a = 1\n" * rules.FUNCTION_LINES_MAX
SHORT_FUNCTION = "def f():\n" + "    a = 1\n" * (rules.FUNCTION_LINES_MAX - 1)
MARK = "TO" + "DO"
SLASH = "/"
NOQA = "# no" + "qa"
IGNORE = "# type: ig" + "nore"


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (rules.purpose, '"""Prices a session, and knows no protocol."""', "import os"),
        (rules.purpose, '"""Prices a session, and knows no protocol."""', '"""Rate."""'),
        (rules.function_length, SHORT_FUNCTION, LONG_FUNCTION),
        (
            rules.function_length,
            SHORT_FUNCTION,
            f"class C:\n  {LONG_FUNCTION.replace('    ', '      ')}",
        ),
        (rules.module_length, "a = 1\n" * rules.MODULE_LINES_MAX, "a = 1\n" * 601),
        (rules.names, "class Stations: ...", "class StationManager: ..."),
        (rules.names, "def read_station(): ...", "def get_station(): ..."),
        (rules.names, "async def list(): ...", "async def process_boot(): ..."),
        (rules.unfinished, "# To do this twice is harmless.", f"# {MARK}: tidy"),
        (rules.machine, "GET /roots and a/work/b", f"see {SLASH}work/main"),
        (rules.machine, "$(HOME)/work", f"cd {SLASH}root/x"),
        (rules.machine, "https://example.org/simple", "https://py" + "pi.org/simple"),
        (rules.suppression, f"a()  {NOQA}: S608 - the name is ours", f"a()  {NOQA}"),
        (
            rules.suppression,
            f"# The table's name is ours.\na()  {NOQA}: S608",
            f"a()  {NOQA}: S608",
        ),
        (
            rules.suppression,
            f"a()  {IGNORE}[arg-type]  # the stub is wrong",
            f"a()  {IGNORE}[arg-type]",
        ),
        (rules.suppression, "a = 'no noise'", f"a()  {IGNORE}"),
        (
            rules.catches_all,
            "try: a()\nexcept ValueError: b()",
            "try: a()\nexcept Exception: b()",
        ),
        (
            rules.catches_all,
            "try: a()\nexcept ValueError: b()",
            "try: a()\nexcept (OSError, BaseException): b()",
        ),
        (rules.catches_all, "try: a()\nexcept OSError: b()", "try: a()\nexcept: b()"),
    ],
)
def test_a_rule_tells_good_from_bad(
    rule: Callable[[str], Iterator[str]], good: str, bad: str
) -> None:
    assert list(rule(good)) == []
    assert list(rule(bad))


@pytest.mark.parametrize(
    ("path", "line", "allowed"),
    [
        (OUTSIDE, "from forecourt.domain.stations import Stations", True),
        (OUTSIDE, "from forecourt.domain.stations.store import find", False),
        (OUTSIDE, "from forecourt.domain.stations import store", False),
        (OUTSIDE, "import forecourt.domain.stations.model", False),
        (OUTSIDE, "from forecourt.domain.stations.api import routes", False),
        (OUTSIDE, "from forecourt.domain.rooms import Rooms", True),
        (HTTP, "from forecourt.domain.stations.api import routes", True),
        (HTTP, "from forecourt.domain.stations.store import find", False),
        (MODULE, "from forecourt.domain.stations.store import find", True),
        (MODULE, "from forecourt.domain.tenants.store import find", False),
    ],
)
def test_the_front_door_rule(path: PurePosixPath, line: str, *, allowed: bool) -> None:
    assert (not list(rules.front_door(path, line))) is allowed


@pytest.mark.parametrize(
    ("path", "text", "measured"),
    [
        (MODULE, '"""Stations."""', True),
        (MODULE, '"""Messages of OCPP 1.6, generated by tools/generate_ocpp.py."""', False),
        (MODULE, '"""Stations."""' + "\n" * 20 + "# generated", True),
        (PurePosixPath("src/forecourt/migrations/versions/0001.py"), "", False),
    ],
)
def test_what_is_measured(path: PurePosixPath, text: str, *, measured: bool) -> None:
    assert rules.is_measured(path, text) is measured
