"""What a site may be, and when its days begin."""

from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace

from forecourt.base.ids import TenantId
from forecourt.domain.sites import Site, SiteInvalid, day, site_id, zones
from forecourt.domain.sites.rules import checked

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
SITE = Site(id="Oslo", tenant=TenantId("acme"), name="Oslo", created_at=NOON)


@pytest.mark.parametrize(
    ("now", "zone", "of", "begins", "hours"),
    [
        ("2026-03-01T12:00Z", "", "2026-03-01", "2026-03-01T00:00Z", 24),
        ("2026-03-01T23:30Z", "Europe/Berlin", "2026-03-02", "2026-03-01T23:00Z", 24),
        # The clocks are put forward, and back.
        ("2026-03-29T12:00Z", "Europe/Berlin", "2026-03-29", "2026-03-28T23:00Z", 23),
        ("2026-10-25T12:00Z", "Europe/Berlin", "2026-10-25", "2026-10-24T22:00Z", 25),
        ("2026-03-08T12:00Z", "America/New_York", "2026-03-08", "2026-03-08T05:00Z", 23),
        ("2026-11-01T12:00Z", "America/New_York", "2026-11-01", "2026-11-01T04:00Z", 25),
        # Midnight itself is left out: in Beirut it is one o'clock at once.
        ("2026-03-29T12:00Z", "Asia/Beirut", "2026-03-29", "2026-03-28T22:00Z", 23),
        # Half hours, and the other side of the world.
        ("2026-03-01T18:29Z", "Asia/Kolkata", "2026-03-01", "2026-02-28T18:30Z", 24),
        ("2026-03-01T12:00Z", "Pacific/Auckland", "2026-03-02", "2026-03-01T11:00Z", 24),
    ],
)
def test_a_day_is_what_the_clocks_on_site_say(
    now: str, zone: str, of: str, begins: str, hours: int
) -> None:
    today = day(datetime.fromisoformat(now), zone)
    assert today.date == date.fromisoformat(of)
    assert today.begins_at == datetime.fromisoformat(begins)
    assert today.ends_at - today.begins_at == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", " ", ".", "..", "A/B", "line\nbreak", "x" * 201])
def test_what_is_no_id(text: str) -> None:
    with pytest.raises(SiteInvalid):
        site_id(text)


@pytest.mark.parametrize("text", ["Oslo", "Dépôt Gerland", "A&B #1?"])
def test_ids(text: str) -> None:
    assert site_id(text) == text


@pytest.mark.parametrize(
    "change",
    [
        {"zone": "Europe/Nowhere"},
        {"zone": "../../etc/passwd"},
        {"latitude": 59.9},
        {"longitude": 10.7},
        {"country": "no"},
        {"country": "NOR"},
    ],
)
def test_what_no_site_is(change: dict[str, object]) -> None:
    with pytest.raises(SiteInvalid):
        checked(replace(SITE, **change))


def test_a_whole_site() -> None:
    whole = replace(SITE, zone="Europe/Oslo", country="NO", latitude=59.9, longitude=10.7)
    assert checked(whole) == whole
    assert "Europe/Oslo" in zones()
