"""The few values that every version's messages share."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from forecourt.protocol.ocpp.values import CustomData, in_utc

EAST = timezone(timedelta(hours=14))
WEST = timezone(timedelta(hours=-12))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2025, 6, 1, 12, tzinfo=UTC), datetime(2025, 6, 1, 12, tzinfo=UTC)),
        (datetime(2025, 6, 1, 12, tzinfo=EAST), datetime(2025, 5, 31, 22, tzinfo=UTC)),
        (datetime(1, 1, 1, tzinfo=EAST), datetime(1, 1, 1, tzinfo=UTC)),
        (datetime(9999, 12, 31, 23, tzinfo=WEST), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_every_moment_has_a_day_in_utc(moment: datetime, expected: datetime) -> None:
    assert in_utc(moment) == expected
    assert in_utc(moment).tzinfo is UTC


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "missing required field"),
        ({"vendorId": 1}, "Expected `str`, got `int`"),
        ({"vendorId": None}, "got `null`"),
        ({"vendorId": "x" * 256}, "length <= 255"),
    ],
)
def test_custom_data_names_its_vendor(content: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        CustomData(content)
