"""What the pages for people say of the code is true: paths, names, links, commands, alarms."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import typer.main

from forecourt.cli import app

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
PAGES: Final = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
OPERATE: Final = [ROOT / "README.md", *sorted((DOCS / "operate").glob("*.md"))]
ALARMS: Final = DOCS / "operate" / "alarms.md"

PATH: Final = re.compile(r"(?<![\w/.-])((?:src|tests|tools|docs|deploy|bench)/[\w./-]+\.\w+)")
LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
# A link to a module with a name right behind it: [rpc.py](src/…/rpc.py) `Connection.receive`.
NAMED: Final = re.compile(r"\]\((src/[\w/]+\.py)\) `([\w.]+)`")
HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
GROUP: Final[Any] = typer.main.get_command(app)


def test_files_that_pages_name_exist() -> None:
    named = {(page, path) for page in PAGES for path in PATH.findall(page.read_text("utf-8"))}
    assert len(named) > 10
    # NNNN stands for a number that is yet to be given.
    gone = [f"{page.name}: {p}" for page, p in named if "NNNN" not in p and not (ROOT / p).exists()]
    assert gone == []


def anchors(page: Path) -> set[str]:
    """The places in a page that a link can name."""
    heads = HEADING.findall(page.read_text("utf-8"))
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(page.read_text("utf-8")):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, place = link.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists() or (place and found.suffix == ".md" and place not in anchors(found)):
            broken.append(link)
    assert broken == []


def names_in(path: Path) -> set[str]:
    """What a module defines: functions, classes with their methods, constants."""

    def walk(body: list[ast.stmt], inside: str = "") -> Iterator[str]:
        for node in body:
            match node:
                case ast.ClassDef(name=name):
                    yield inside + name
                    yield from walk(node.body, f"{inside}{name}.")
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    yield inside + name
                case (
                    ast.Assign(targets=[ast.Name(id=name)])
                    | ast.AnnAssign(target=ast.Name(id=name))
                ):
                    yield inside + name
                case _:
                    pass

    return set(walk(ast.parse(path.read_text("utf-8")).body))


def test_functions_that_the_architecture_names_exist() -> None:
    named = NAMED.findall((ROOT / "ARCHITECTURE.md").read_text("utf-8"))
    assert len(named) > 20
    gone = [f"{path} {name}" for path, name in named if name not in names_in(ROOT / path)]
    assert gone == []


def command_of(words: list[str]) -> Any:
    """The command that these words call; a group, if they name none of its commands."""
    command: Any = GROUP
    while hasattr(command, "commands"):
        place = next((n for n, word in enumerate(words) if word in command.commands), None)
        if place is None:
            return command
        command, words = command.commands[words[place]], words[place + 1 :]
    return command


def commands_in(page: Path) -> Iterator[list[str]]:
    """The words behind our name, in lines of code and in code within lines."""
    text = page.read_text("utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        code = [line] if line.startswith("    ") else re.findall(r"`([^`]+)`", line)
        for part in code:
            words = re.split(r"\b(?:forecourt|fc) (?=\w)", re.split(r"#|[)']", part)[0], maxsplit=1)
            if len(words) > 1 and words[1].split()[0] in GROUP.commands:
                yield words[1].split()


@pytest.mark.parametrize("page", OPERATE, ids=lambda page: page.name)
def test_commands_that_pages_show_exist(page: Path) -> None:
    wrong = []
    for words in commands_in(page):
        command = command_of(words)
        known = {name for param in command.params for name in [*param.opts, *param.secondary_opts]}
        strange = {word for word in words if word.startswith("--")} - known - {"--help"}
        if strange or (hasattr(command, "commands") and "…" not in words):
            wrong.append(" ".join(words))
    assert wrong == []


def test_pages_show_commands() -> None:
    assert sum(len(list(commands_in(page))) for page in OPERATE) > 30


def test_alarms_are_those_of_the_code() -> None:
    said = ALARMS.read_text("utf-8")
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py"))
    logged = set(re.findall(r'log\.(?:\w+)\(\s*"([a-z_]+\.[a-z_]+)"', source))
    assert logged
    assert sorted(event for event in logged if f"`{event}`" not in said) == []
    rows = re.findall(r"^\| `([a-z_]+\.[a-z_]+)`(?:, `([a-z_]+\.[a-z_]+)`)* \|", said, re.MULTILINE)
    codes = {name for row in rows for name in row if name}
    assert sorted(code for code in codes if f'"{code}"' not in source) == []
    metrics = set(re.findall(r"`forecourt_(\w+?)(?:_total)?`", said))
    vitals = (ROOT / "src/forecourt/edge/http/vitals.py").read_text("utf-8")
    exported = set(re.findall(r'_(?:gauge|counter)\(\s*"(\w+)"', vitals))
    assert metrics == exported


def test_coverage_says_what_the_code_says() -> None:
    command = [sys.executable, str(ROOT / "tools" / "generate_coverage.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
