"""The room's routes: what stations make of their transactions' costs."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct, convert

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.base.pages import Wanted
from forecourt.domain.stations import Stations
from forecourt.domain.tariffs.model import COST_SORTS
from forecourt.domain.tariffs.service import Tariffs


class TransactionLimitView(Struct, frozen=True, kw_only=True):
    """Where the transaction stops by itself."""

    cost_max: Decimal | None
    energy_wh_max: int | None
    time_s_max: int | None
    soc_pct_max: int | None


class StationCostView(Struct, frozen=True, kw_only=True):
    """What the station says of one transaction, by its own reckoning."""

    transaction: str
    tariff: str | None
    limit: TransactionLimitView | None
    currency: str | None
    excl_tax: Decimal | None
    incl_tax: Decimal | None
    kind: str | None
    energy_wh: int | None
    charging_s: int | None
    idle_s: int | None
    failure: str | None
    body: Any
    changed_at: datetime


class StationCostPage(Struct, frozen=True, kw_only=True):
    """Costs of a station's transactions."""

    items: list[StationCostView]
    next: str | None


class TariffRoutes(Controller):
    """What transactions cost."""

    path = "/stations/{station_id:str}/costs"
    tags = ("Tariffs",)

    @get(
        operation_id="list_station_costs",
        summary="Costs as the station reckons them",
        sorts=COST_SORTS,
    )
    async def page(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        tariffs: NamedDependency[Tariffs],
        search: NamedDependency[Wanted],
        station_id: FromPath[str],
    ) -> StationCostPage:
        """Tariff, limit and cost of the station's transactions, as it told them.

        The last changed first if in no other order. A search looks at transaction and tariff.
        """
        station, _ = await stations.read(ctx, StationId(station_id))
        found = await tariffs.costs(ctx, station.id, search)
        return StationCostPage(
            items=[convert(held, StationCostView, from_attributes=True) for held in found.items],
            next=found.next,
        )
