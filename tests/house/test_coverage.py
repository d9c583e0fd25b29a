"""Every message of every version is tried over a websocket, and means something to a room."""

import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
TOOL: Final = runpy.run_path(str(ROOT / "tools" / "generate_coverage.py"))
DOORS: Final = {door.name: door for door in TOOL["DOORS_BY_VERSION"]}
TESTED: Final = TOOL["tested"]()

# What no test sends or receives over a websocket as yet: reason -> (version, message).
UNTRIED: Final[Mapping[str, frozenset[tuple[str, str]]]] = {}
# What a station says and no room acts on: reason -> (version, message).
MEANINGLESS: Final[Mapping[str, frozenset[tuple[str, str]]]] = {}


def excused(held: Mapping[str, frozenset[tuple[str, str]]], version: str) -> set[str]:
    return {action for pairs in held.values() for name, action in pairs if name == version}


def idle(door: Any) -> set[str]:
    """What a station says in this version that is only kept, or refused."""
    return {action for action, fate, *_ in TOOL["incoming"](door) if fate != "handled"}


@pytest.mark.parametrize("version", DOORS)
def test_every_message_is_tried_over_a_websocket(version: str) -> None:
    dialect = DOORS[version].dialect
    untried = {
        action
        for action in dialect.from_station | dialect.from_csms
        if not TESTED.get((version, action))
    }
    assert untried == excused(UNTRIED, version), "try it, or say why not"


@pytest.mark.parametrize("version", DOORS)
def test_every_message_means_something(version: str) -> None:
    assert idle(DOORS[version]) == excused(MEANINGLESS, version)


def test_who_looks_finds() -> None:
    """The search itself: a message that is tried, one that is not, and one of another version."""
    assert "test_files.py" in TESTED["1.6", "DiagnosticsStatusNotification"]
    assert "test_asks_service.py" in TESTED["2.1", "ReserveNow"]
    assert ("1.6", "NotifyEvent") not in TESTED
    assert ("2.0.1", "BatterySwap") not in TESTED
