"""The fuzz targets, for a few seconds each; `make fuzz` gives them longer."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.fuzz import conversation, decode, sessions
from tests.fuzz.talk import Talk

ROOT = Path(__file__).parents[2]
SECONDS = 5
SEED = 1
# Far fewer than a slow machine runs in that time: a target that stands still fails.
RUNS_LEAST = 500

TARGETS = {"decode": decode, "conversation": conversation, "sessions": sessions}


@pytest.mark.parametrize("name", TARGETS)
def test_every_seed_passes(name: str) -> None:
    target: ModuleType = TARGETS[name]
    seeds = list(target.seeds())
    assert len(seeds) > 5
    for seed in seeds:
        target.run(seed)


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="atheris is not to be had here: it comes for Linux and CPython below 3.14",
)
@pytest.mark.parametrize("name", TARGETS)
def test_nothing_new_is_found_soon(name: str) -> None:
    command = [sys.executable, "-m", "tests.fuzz", name]
    ran = subprocess.run(
        [*command, f"--seconds={SECONDS}", f"--seed={SEED}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    told = ran.stdout + ran.stderr
    assert ran.returncode == 0, told[-4_000:]
    counted = re.search(r"number_of_executed_units: (\d+)", told)
    assert counted is not None, told[-4_000:]
    assert int(counted[1]) > RUNS_LEAST


def test_a_fault_would_be_found() -> None:
    """The checks bite: a conversation in which an answer is told twice is caught."""
    talk = Talk("1.6", lenient=False, remembers=False)
    talk.call(0, 0)
    talk.deliver(1)
    talk.answer(1, 0)
    station = talk.ends[0]
    station.settled.add(next(iter(station.unsettled)))
    with pytest.raises(AssertionError, match="settled twice"):
        talk.deliver(0)
