"""The room's verbs: keep what stations make of a transaction's cost."""

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.base.pages import FIRST_PAGE, Page, Wanted
from forecourt.domain.tariffs import store
from forecourt.domain.tariffs.model import StationCost, StationCostTold
from forecourt.infra.database import Database


class Tariffs:
    """Everything about prices."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def cost_told(self, ctx: Context, station: StationId, cost: StationCost) -> None:
        """A station told of a transaction's tariff, limit or cost. Raises TooManyRows."""
        async with self._db.unit(ctx) as unit:
            await store.put_cost(unit, station, ctx.tenant, cost)
            if cost.currency is not None:
                await unit.emit(
                    StationCostTold(
                        tenant=ctx.tenant,
                        at=ctx.now,
                        station=station,
                        transaction=cost.transaction,
                        currency=cost.currency,
                        excl_tax=cost.excl_tax,
                        incl_tax=cost.incl_tax,
                    )
                )

    async def cost(self, ctx: Context, station: StationId, transaction: str) -> StationCost | None:
        """What a station said of one transaction, if it did."""
        async with self._db.unit(ctx) as unit:
            return await store.find_cost(unit, station, transaction)

    async def costs(
        self, ctx: Context, station: StationId, wanted: Wanted = FIRST_PAGE
    ) -> Page[StationCost]:
        """What a station said of its transactions, the last changed first if in no other order.

        Raises CursorInvalid, SortUnknown.
        """
        async with self._db.view(ctx) as unit:
            return await store.costs_page(unit, station, wanted)
