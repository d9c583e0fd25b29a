"""Sites: the places where stations stand, and what time it is there.

Knows no station: stations, and whoever bills or limits by place, refer to a site by its id.
"""

from forecourt.domain.sites.model import (
    SORTS,
    Day,
    Hours,
    Site,
    SiteAdded,
    SiteChanged,
    SiteExists,
    SiteInUse,
    SiteInvalid,
    SiteRemoved,
    SiteUnknown,
)
from forecourt.domain.sites.rules import day, site_id, zones
from forecourt.domain.sites.service import Sites, ensure

__all__ = [
    "SORTS",
    "Day",
    "Hours",
    "Site",
    "SiteAdded",
    "SiteChanged",
    "SiteExists",
    "SiteInUse",
    "SiteInvalid",
    "SiteRemoved",
    "SiteUnknown",
    "Sites",
    "day",
    "ensure",
    "site_id",
    "zones",
]
