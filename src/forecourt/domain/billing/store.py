"""Tables and SQL of this room."""

from typing import Any, Final

import msgspec
from sqlalchemy import JSON, Column, DateTime, Numeric, Table, Text, select
from sqlalchemy.dialects.postgresql import insert as upserting

from forecourt.base.ids import StationId, TenantId
from forecourt.base.pages import Page, Wanted
from forecourt.domain.billing.model import (
    SETTLEMENT_SORTS,
    Company,
    Settlement,
    SettlementFields,
    SettlementState,
)
from forecourt.infra.database import Unit, metadata
from forecourt.infra.listing import Listing, list_rows, only, sorts

settlements: Final = Table(
    "settlements",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("reference", Text, primary_key=True),
    Column("settled_at", DateTime(timezone=True), primary_key=True),
    Column("state", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("amount", Numeric, nullable=False),
    Column("transaction", Text, nullable=False),
    Column("receipt", Text, nullable=False),
    Column("receipt_url", Text, nullable=False),
    Column("company", JSON(none_as_null=True)),
    Column("vat_number", Text, nullable=False),
    Column("info", Text, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
)


async def add(unit: Unit, station: StationId, tenant: TenantId, s: Settlement) -> bool:
    """Note a settlement; whether it was not noted before."""
    query = (
        upserting(settlements)
        .values(
            station_id=station,
            reference=s.reference,
            settled_at=s.settled_at,
            state=s.state.value,
            tenant_id=tenant,
            amount=s.amount,
            transaction=s.transaction,
            receipt=s.receipt,
            receipt_url=s.receipt_url,
            company=None if s.company is None else msgspec.to_builtins(s.company),
            vat_number=s.vat_number,
            info=s.info,
            received_at=s.received_at,
        )
        .on_conflict_do_nothing()
    )
    return (await unit.conn.execute(query)).rowcount == 1


async def settlements_page(
    unit: Unit, station: StationId, wanted: Wanted, fit: SettlementFields
) -> Page[Settlement]:
    """Settlements of a station that fit, newest first if in no other order.

    Raises CursorInvalid, SortUnknown.
    """
    c = settlements.c
    query = select(settlements).where(c.station_id == station)
    query = only(query, settlements, {"state": fit.get("state")})
    if (since := fit.get("since")) is not None:
        query = query.where(c.settled_at >= since)
    if (until := fit.get("until")) is not None:
        query = query.where(c.settled_at < until)
    found = await list_rows(unit, query, _LISTING, wanted)
    return found.of([_settlement(row) for row in found.rows])


_LISTING: Final = Listing(
    sorts=sorts(settlements, SETTLEMENT_SORTS),
    key=(settlements.c.settled_at, settlements.c.reference, settlements.c.state),
    default="-settled_at",
    searched=tuple(
        settlements.c[name]
        for name in ("reference", "transaction", "receipt", "vat_number", "info")
    ),
)


def _settlement(row: Any) -> Settlement:
    return Settlement(
        reference=row.reference,
        state=SettlementState(row.state),
        amount=row.amount,
        settled_at=row.settled_at,
        transaction=row.transaction,
        receipt=row.receipt,
        receipt_url=row.receipt_url,
        company=None if row.company is None else msgspec.convert(row.company, Company),
        vat_number=row.vat_number,
        info=row.info,
        received_at=row.received_at,
    )
