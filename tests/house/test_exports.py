"""A package that passes names on says all of them, in order: its `__all__` is its front door."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "forecourt"


def in_order(name: str) -> tuple[int, list[tuple[int, str]]]:
    """Constants, classes, functions; numbers by value. Ruff (RUF022) writes this order."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    parts = re.findall(r"\d+|\D+", name)
    return kind, [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def complaints(text: str) -> Iterator[str]:
    """What a front door says, against what it holds."""
    tree = ast.parse(text)
    passed_on = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("forecourt")
        for alias in node.names
    }
    declared = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets)
    ]
    if not declared:
        if any(not name.startswith("_") for name in passed_on):
            yield "passes names on without __all__"
        return
    exported: list[str] = list(declared[0])
    own = {
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    }
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for name in sorted((passed_on - used | own) - set(exported)):
        if not name.startswith("_"):
            yield f"{name} is not in __all__"
    if exported != sorted(exported, key=in_order):
        yield "__all__ is not sorted"
    if len(exported) != len(set(exported)):
        yield "__all__ says a name twice"


@pytest.mark.parametrize(
    "package",
    sorted(SOURCE.rglob("__init__.py")),
    ids=lambda path: str(path.parent.relative_to(SOURCE)),
)
def test_front_door(package: Path) -> None:
    found = list(complaints(package.read_text(encoding="utf-8")))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ('"""Empty."""', True),
        ("from forecourt.base.ids import TenantId\n__all__ = ['TenantId']", True),
        ("from forecourt.base.ids import TenantId", False),
        ("from forecourt.base.ids import SessionId, TenantId\n__all__ = ['TenantId']", False),
        ("from forecourt.base import a, b\n__all__ = ['b', 'a']", False),
        ("from forecourt.base import a, B, C\n__all__ = ['B', 'C', 'a']", True),
        ("from forecourt.base import a\n__all__ = ['a', 'a']", False),
        ("def f(): ...\n__all__ = []", False),
        ("from json import loads", True),
        ("from forecourt.base import a, b\nX = b(1)\n__all__ = ['X', 'a']", True),
    ],
)
def test_the_rule(text: str, *, good: bool) -> None:
    assert (not list(complaints(text))) is good
