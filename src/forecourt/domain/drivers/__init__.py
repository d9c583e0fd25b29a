"""Drivers: what somebody may see and do who stands before a connector and has no log-in.

A code on each connector leads to its page; a secret link leads to one session. Neither tells of
anybody else. Knows no page and no OCPP version; starts and stops by the rooms below.
"""

from forecourt.domain.drivers.model import (
    CardRefused,
    Charge,
    Code,
    CodeUnknown,
    Freedom,
    Label,
    Outlet,
    OutletBusy,
    PageSettings,
    Stage,
    StartNotAllowed,
    StationRefused,
    Visit,
    VisitUnknown,
)
from forecourt.domain.drivers.rules import spelled
from forecourt.domain.drivers.service import Below, Drivers

__all__ = [
    "Below",
    "CardRefused",
    "Charge",
    "Code",
    "CodeUnknown",
    "Drivers",
    "Freedom",
    "Label",
    "Outlet",
    "OutletBusy",
    "PageSettings",
    "Stage",
    "StartNotAllowed",
    "StationRefused",
    "Visit",
    "VisitUnknown",
    "spelled",
]
