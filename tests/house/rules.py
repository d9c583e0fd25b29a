"""The house rules that are about text: each takes one module and says what is wrong with it.

Plain functions of text, so that test_tidy.py can prove each on a good and on a bad case.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

FUNCTION_LINES_MAX: Final = 70
"""A function fits on a screen."""
MODULE_LINES_MAX: Final = 600
"""A module is read in one sitting."""
PURPOSE_WORDS_MIN: Final = 4
"""Fewer words than this cannot say what a module is for."""
GENERATED_HEADER_LINES: Final = 8
"""A generated module says so this near to its top."""

# A door mounts the routes that a room ships for it; the schema is read where it is made.
FRONT_DOOR_EXCEPTIONS: Final = {
    "api": ("src/forecourt/edge/http/",),
    "store": ("src/forecourt/migrations/",),
}

# One boundary per connection, request and job may catch everything: it logs and answers.
BOUNDARIES: Final[dict[str, str]] = {
    "src/forecourt/domain/devices/service/caretaker.py": "one station; it must not end all care",
    "src/forecourt/domain/webhooks/service/sender.py": "one delivery; it must not end all sending",
    "src/forecourt/edge/http/outermost.py": "one request; the server would answer in plain text",
    "src/forecourt/edge/ocpp/session.py": "one message of a station; it must not cost the link",
    "src/forecourt/infra/commit.py": "one message's answer; its fault must not end all commits",
    "src/forecourt/infra/outbox.py": "one event; it must not end the platform at each start",
    "src/forecourt/infra/tls.py": "one handshake; a stranger's must not end the house",
    "src/forecourt/sim/fleet.py": "one frame in picows' callback, which is silent; run() raises it",
}
"""Module -> what ends there."""

_EMPTY_NAMES: Final = re.compile(r"(Manager|Helper|Helpers|Util|Utils|Base|Impl|Handler)$")
_EMPTY_VERBS: Final = re.compile(r"_?(get|do|process)_")
# Written so that this file does not match itself.
_UNFINISHED: Final = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")
_MACHINE: Final = re.compile(
    r"(?<![\w.$}])/(?:w" + r"ork|ro" + r"ot|ho" + r"me|Us" + r"ers)/\w"
    r"|\.\./sha" + r"red\b"
    r"|(?:py" + r"pi\.org|python" + r"hosted\.org|npm" + r"js\.(?:org|com)|deb\.deb" + r"ian\.org)"
)
_SUPPRESSION: Final = re.compile(r"#\s*(?:noqa|type:\s*ignore|pyright:\s*ignore)(?P<rest>.*)")
_CODE_AND_REASON: Final = re.compile(
    r"^(?::\s*[A-Z]+\d+(?:\s*,\s*[A-Z]+\d+)*|\[[\w-]+(?:\s*,\s*[\w-]+)*\])"
    r"(?P<reason>.*)"
)
_REASON_LETTERS_MIN: Final = 4


def is_generated(text: str) -> bool:
    """Whether the first lines say that a tool wrote this module."""
    head = "\n".join(text.splitlines()[:GENERATED_HEADER_LINES])
    return re.search(r"\bgenerated\b", head, re.IGNORECASE) is not None


def is_measured(path: PurePosixPath, text: str) -> bool:
    """Whether the limits on length apply: a tool's output and a migration, a record, go free."""
    return "migrations" not in path.parts and not is_generated(text)


def purpose(text: str) -> Iterator[str]:
    """A module opens with its purpose."""
    said = ast.get_docstring(ast.parse(text)) or ""
    if len(said.split()) < PURPOSE_WORDS_MIN:
        yield "opens without saying its purpose"


def front_door(path: PurePosixPath, text: str) -> Iterator[str]:
    """Another room is entered by its package, never by its files."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.ImportFrom(module=str(module), names=names):
                targets = [module, *(f"{module}.{alias.name}" for alias in names)]
            case ast.Import(names=names):
                targets = [alias.name for alias in names]
            case _:
                continue
        for target in targets:
            complaint = _through_a_window(path, target)
            if complaint:
                yield f"line {node.lineno}: {complaint}"
                break


def _through_a_window(path: PurePosixPath, target: str) -> str | None:
    match target.split("."):
        case ["forecourt", "domain", room, file, *_] if file in _ROOM_FILES:
            if str(path).startswith(f"src/forecourt/domain/{room}/"):
                return None
            if str(path).startswith(FRONT_DOOR_EXCEPTIONS.get(file, ("\0",))):
                return None
            return f"enters {room} by {file}.py; use its front door"
        case _:
            return None


_ROOM_FILES: Final = frozenset(
    {"api", "commands", "forecast", "model", "plan", "rate", "rules", "service", "store"}
)


def function_length(text: str) -> Iterator[str]:
    """A function fits on a screen."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield f"line {node.lineno}: {node.name} has {lines} lines"


def module_length(text: str) -> Iterator[str]:
    """A module is read in one sitting."""
    lines = len(text.splitlines())
    if lines > MODULE_LINES_MAX:
        yield f"has {lines} lines; split it by topic"


def names(text: str) -> Iterator[str]:
    """A class is a thing, a function is the business's own verb."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.ClassDef(name=name) if _EMPTY_NAMES.search(name):
                yield f"line {node.lineno}: the name {name} does not say what it is"
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if _EMPTY_VERBS.match(name):
                    yield f"line {node.lineno}: {name}: use read, find, list or the business's verb"
            case _:
                pass


def unfinished(text: str) -> Iterator[str]:
    """What is left to do is an issue, not a comment."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := _UNFINISHED.search(line):
            yield f"line {number}: {found.group()}"


def machine(text: str) -> Iterator[str]:
    """No file knows the machine it was written on, or the hosts it was set up from."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := _MACHINE.search(line):
            yield f"line {number}: {found.group()}"


def suppression(text: str) -> Iterator[str]:
    """A suppressed warning names its code and its reason, on the line or on the comment above."""
    above = ""
    for number, line in enumerate(text.splitlines(), 1):
        if found := _SUPPRESSION.search(line):
            code = _CODE_AND_REASON.match(found.group("rest"))
            if not code:
                yield f"line {number}: suppresses without a code"
            elif not _is_reason(code.group("reason")) and not above.lstrip().startswith("#"):
                yield f"line {number}: suppresses without a reason"
        above = line


def _is_reason(text: str) -> bool:
    return len(re.findall(r"\w", text)) >= _REASON_LETTERS_MIN


def catches_all(text: str) -> Iterator[str]:
    """Whoever catches everything is a boundary, and boundaries are listed."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        if node.type is None:
            yield f"line {node.lineno}: a bare except"
            continue
        caught = {name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)}
        if caught & {"Exception", "BaseException"}:
            yield f"line {node.lineno}: catches everything"
