"""What is told of the commands without loading them: help, version, a shell's completion."""

import os
import subprocess
import sys
from typing import Any

import pytest
import typer.main

from forecourt.cli import COMMANDS, app

# Python's own, those of Typer and Rich, and a handful of ours; with every command it is 2 000.
MODULES_MAX = 450
# What no help needs, and what loads slowly.
HEAVY = {"sqlalchemy", "litestar", "asyncpg", "cryptography", "httpx", "msgspec"}
LOADED = """
import sys
from forecourt.cli import main
sys.argv = ["forecourt", *sys.argv[1:]]
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""


def ran(*arguments: str, **environment: str) -> tuple[str, set[str]]:
    """What a shell reads, and the modules that were loaded for it."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "200", **environment},  # noqa: TID251 (a child's)
    )
    return done.stdout, set(done.stderr.split())


def test_help_shows_every_command_and_loads_none() -> None:
    said, modules = ran("--help")
    for name, words in COMMANDS.items():
        assert f"{name} " in said
        assert words in said
    assert len(modules) < MODULES_MAX
    assert not modules & HEAVY


def test_the_version_loads_even_less() -> None:
    said, modules = ran("--version")
    assert said.startswith("forecourt ")
    assert len(modules) < MODULES_MAX
    assert not modules & HEAVY


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_of_a_command_what_it_says_of_itself(name: str) -> None:
    group: Any = typer.main.get_command(app)
    itself = group.commands[name].help.partition("\n\n")[0]
    assert COMMANDS[name] == " ".join(itself.split())


def test_who_looks_at_a_room_waits_for_no_door() -> None:
    _, modules = ran("token", "--help")
    assert "forecourt.domain.rooms" in modules
    assert not modules & {"litestar", "picows", "uvicorn", "forecourt.edge"}


def test_a_shell_completes_commands_and_what_is_below_them() -> None:
    names, modules = ran(
        _FORECOURT_COMPLETE="complete_bash", COMP_WORDS="forecourt s", COMP_CWORD="1"
    )
    assert names.split() == [name for name in COMMANDS if name.startswith("s")]
    assert not modules & HEAVY
    below, _ = ran(
        _FORECOURT_COMPLETE="complete_bash", COMP_WORDS="forecourt token ", COMP_CWORD="2"
    )
    assert {"add", "list", "block"} <= set(below.split())
