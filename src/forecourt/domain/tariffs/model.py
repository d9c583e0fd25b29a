"""What exists in this room: what stations themselves make of a transaction's cost (2.1)."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

from forecourt.domain.stations import StationEvent

COSTS_KEPT_MAX: Final = 100_000
"""Of one station: some thirty years of busy days."""


COST_SORTS: Final = ("changed_at", "transaction")
"""What costs may be sorted by."""


class TransactionLimit(Struct, frozen=True, kw_only=True):
    """Where a transaction stops by itself: as much as the driver wanted, or could pay."""

    cost_max: Decimal | None = None
    energy_wh_max: int | None = None
    time_s_max: int | None = None
    soc_pct_max: int | None = None


class StationCost(Struct, frozen=True, kw_only=True):
    """What a station says of one transaction's tariff, limit and cost, as far as it is."""

    transaction: str
    tariff: str | None = None
    """The tariff's id, as we gave it to the station."""
    limit: TransactionLimit | None = None
    currency: str | None = None
    excl_tax: Decimal | None = None
    incl_tax: Decimal | None = None
    kind: str | None = None
    """NormalCost, MinCost, MaxCost."""
    energy_wh: int | None = None
    charging_s: int | None = None
    idle_s: int | None = None
    failure: str | None = None
    """Why the station cannot tell, if it cannot."""
    body: Any = None
    """All of it, as the station told."""
    changed_at: datetime


class StationCostTold(StationEvent, frozen=True, kw_only=True, tag="tariff.cost_told"):
    """A station told what a transaction costs so far, by its own reckoning."""

    transaction: str
    currency: str
    excl_tax: Decimal | None
    incl_tax: Decimal | None
