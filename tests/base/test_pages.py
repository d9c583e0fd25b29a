"""Where one page ends and the next begins: a cursor is read as it was written, and no other."""

from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecourt.base.pages import CursorInvalid, behind, cursor_of

AT: Final = datetime(2026, 3, 1, tzinfo=UTC)


@given(st.datetimes(timezones=st.just(UTC)), st.text(), st.integers(-(2**63), 2**63 - 1))
def test_a_cursor_is_read_as_it_was_written(at: datetime, name: str, number: int) -> None:
    values: list[Any] = [at, name, number]
    assert behind(cursor_of("-at", values), "-at", [datetime, str, int]) == values


@pytest.mark.parametrize("cursor", ["yesterday", "0", "é", "W10", cursor_of("-at", ["1", 2])])
def test_a_cursor_that_nobody_gave_out(cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        behind(cursor, "-at", [datetime, int])


def test_a_cursor_of_another_order() -> None:
    with pytest.raises(CursorInvalid):
        behind(cursor_of("at", [AT]), "-at", [datetime])
