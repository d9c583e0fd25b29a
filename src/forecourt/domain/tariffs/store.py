"""Tables and SQL of this room."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import JSON, BigInteger, Column, DateTime, Integer, Numeric, Table, Text, select

from forecourt.base.ids import StationId, TenantId
from forecourt.base.pages import Page, Wanted
from forecourt.domain.tariffs.model import COST_SORTS, COSTS_KEPT_MAX, StationCost, TransactionLimit
from forecourt.infra.database import Unit, metadata
from forecourt.infra.listing import Listing, list_rows, sorts
from forecourt.infra.rows import put

costs: Final = Table(
    "station_costs",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("transaction", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("tariff", Text),
    Column("cost_max", Numeric),
    Column("energy_wh_max", BigInteger),
    Column("time_s_max", BigInteger),
    Column("soc_pct_max", Integer),
    Column("currency", Text),
    Column("excl_tax", Numeric),
    Column("incl_tax", Numeric),
    Column("kind", Text),
    Column("energy_wh", BigInteger),
    Column("charging_s", BigInteger),
    Column("idle_s", BigInteger),
    Column("failure", Text),
    Column("body", JSON(none_as_null=True)),
    Column("changed_at", DateTime(timezone=True), nullable=False),
)
_LIMITS: Final = TransactionLimit.__struct_fields__


async def put_cost(unit: Unit, station: StationId, tenant: TenantId, cost: StationCost) -> None:
    """What is new of a transaction's cost; what was not told now stays. Raises TooManyRows."""
    row: dict[str, Any] = {
        "station_id": station,
        "transaction": cost.transaction,
        "tenant_id": tenant,
    }
    told = msgspec.structs.asdict(cost)
    limit = told.pop("limit")
    row |= {name: value for name, value in told.items() if value is not None}
    if limit is not None:
        row |= msgspec.structs.asdict(limit)
    await put(unit, costs, [row], owner="station_id", most=COSTS_KEPT_MAX)


async def find_cost(unit: Unit, station: StationId, transaction: str) -> StationCost | None:
    c = costs.c
    query = select(costs).where(c.station_id == station, c.transaction == transaction)
    row = (await unit.conn.execute(query)).mappings().first()
    return None if row is None else _cost(row)


async def costs_page(unit: Unit, station: StationId, wanted: Wanted) -> Page[StationCost]:
    """Costs of a station's transactions, the last changed first if in no other order.

    Raises CursorInvalid, SortUnknown.
    """
    query = select(costs).where(costs.c.station_id == station)
    found = await list_rows(unit, query, _LISTING, wanted)
    return found.of([_cost(row._mapping) for row in found.rows])  # noqa: SLF001 (theirs, and public)


_LISTING: Final = Listing(
    sorts=sorts(costs, COST_SORTS),
    key=(costs.c.changed_at, costs.c.transaction),
    default="-changed_at",
    searched=(costs.c.transaction, costs.c.tariff),
)


def _cost(row: Mapping[Any, Any]) -> StationCost:
    limits = {name: row[name] for name in _LIMITS}
    told = {name: row[name] for name in StationCost.__struct_fields__ if name != "limit"}
    known = any(value is not None for value in limits.values())
    return StationCost(**told, limit=TransactionLimit(**limits) if known else None)
