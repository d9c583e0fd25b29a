"""Ids: in the order of time, one of a kind, and nothing in them that a person misreads."""

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from forecourt.base.ids import new_id

LETTERS = re.compile(r"ses_[0-9A-HJKMNP-TV-Z]{26}")
# 48 bits of milliseconds reach beyond the calendar.
MOMENTS = st.integers(0, 253_402_300_799_999).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)


@given(MOMENTS)
def test_form(now: datetime) -> None:
    assert LETTERS.fullmatch(new_id("ses", now))


@given(MOMENTS, st.integers(min_value=1, max_value=10**9))
def test_later_ids_sort_later(now: datetime, more_ms: int) -> None:
    earlier = now - timedelta(milliseconds=more_ms)
    if earlier.year >= 1970:
        assert new_id("ses", earlier) < new_id("ses", now)


def test_no_two_are_the_same_in_one_moment() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    made = {new_id("ses", now) for _ in range(20_000)}
    assert len(made) == 20_000
    assert len({text[:14] for text in made}) == 1, "the moment is the first ten letters"
