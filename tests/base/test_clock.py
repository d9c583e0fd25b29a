"""Clocks: the machine's says UTC, the manual one moves when it is moved."""

from datetime import UTC, datetime, timedelta

import pytest

from forecourt.base.clock import Clock, ManualClock, SystemClock

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("clock", [SystemClock(), ManualClock(START)])
def test_every_clock_says_utc_and_does_not_go_back(clock: Clock) -> None:
    before = clock.now()
    assert before.tzinfo is UTC
    assert clock.now() >= before


def test_a_manual_clock_moves_only_when_moved() -> None:
    clock = ManualClock(START)
    assert clock.now() == START
    clock.advance(1.5)
    assert clock.now() == START + timedelta(seconds=1.5)


def test_time_is_never_naive_and_does_not_go_back() -> None:
    with pytest.raises(AssertionError, match="naive"):
        ManualClock(START.replace(tzinfo=None))
    with pytest.raises(AssertionError, match="back"):
        ManualClock(START).advance(-1)
