"""What a site may be, and when its days begin. Pure."""

from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from forecourt.base.text import is_printable
from forecourt.domain.sites.model import Day, Site, SiteInvalid

ID_LENGTH_MAX: Final = 200
UTC_NAME: Final = "UTC"
COUNTRY_LETTERS: Final = 2
# An id is one part of a path: these would be another path.
_NOT_IDS: Final = frozenset({".", ".."})


@cache
def zones() -> frozenset[str]:
    """All IANA zones that we know."""
    return frozenset(available_timezones())


def site_id(text: str) -> str:
    """A text as a site's id. Raises SiteInvalid."""
    if (
        not text.strip()
        or text in _NOT_IDS
        or len(text) > ID_LENGTH_MAX
        or "/" in text
        or not is_printable(text)
    ):
        raise SiteInvalid(f"{text!r} cannot be a site's id: one line, without a slash", field="id")
    return text


def checked(site: Site) -> Site:
    """The site, if it can be so. Raises SiteInvalid."""
    if site.zone and site.zone not in zones():
        raise SiteInvalid(f"there is no time zone {site.zone!r} (as in Europe/Oslo)", field="zone")
    if (site.latitude is None) != (site.longitude is None):
        raise SiteInvalid("a place has both a latitude and a longitude", field="latitude")
    known = site.country.isascii() and site.country.isalpha() and site.country.isupper()
    if site.country and not (known and len(site.country) == COUNTRY_LETTERS):
        raise SiteInvalid("a country is two capital letters (ISO 3166-1)", field="country")
    return site


def day(now: datetime, zone: str) -> Day:
    """The day that it is in a zone. Its clocks may be put forward or back in it.

    Where midnight itself is left out, the day begins when the clocks are put forward; where it
    comes twice, it begins the first time.
    """
    here = ZoneInfo(zone or UTC_NAME)
    today = now.astimezone(here).date()
    return Day(
        date=today,
        begins_at=_midnight(today, here),
        ends_at=_midnight(today + timedelta(days=1), here),
    )


def _midnight(of: date, zone: ZoneInfo) -> datetime:
    utc = ZoneInfo(UTC_NAME)
    return datetime.combine(of, time(), tzinfo=zone).astimezone(utc)
