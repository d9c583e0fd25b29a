"""Pages of rows in the order of time: none is shown twice, none is left out."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecourt.base.pages import CursorInvalid, cursor_at, moment, page_end

START = datetime(2026, 3, 1, tzinfo=UTC)
MOMENTS = st.lists(st.integers(0, 20), max_size=60).map(
    lambda seconds: [START + timedelta(seconds=s) for s in sorted(seconds)]
)


@given(MOMENTS, st.integers(1, 20))
def test_pages_put_together_are_the_whole(moments: list[datetime], limit: int) -> None:
    shown: list[datetime] = []
    rest = moments
    while rest:
        end = page_end(rest, limit)
        assert end >= min(limit, len(rest))
        shown += rest[:end]
        last = rest[end - 1]
        rest = [at for at in moments if at > last]
    assert shown == moments


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_cursor_is_read_as_it_was_written(at: datetime) -> None:
    assert moment(cursor_at(at)) == at


@pytest.mark.parametrize(
    "cursor", ["", "yesterday", "2026-03-01T00:00:00", "0", "2026-13-01T00:00Z"]
)
def test_a_cursor_that_nobody_gave_out(cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        moment(cursor)
