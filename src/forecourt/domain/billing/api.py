"""The room's routes: what payment terminals settled."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from msgspec import Struct, convert

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.base.pages import SAME_MOMENT_MAX, cursor_at, moment, page_end
from forecourt.domain.billing.model import SettlementState
from forecourt.domain.billing.service import Billing
from forecourt.domain.stations import Stations

Limit = Annotated[int, QueryParameter(ge=1, le=1000, description="How many at most.")]
Cursor = Annotated[str, QueryParameter(description="`next` of the page before this one.")]


class CompanyView(Struct, frozen=True, kw_only=True):
    """Whom a receipt is for."""

    name: str
    address1: str
    address2: str
    postal_code: str
    city: str
    country: str


class SettlementView(Struct, frozen=True, kw_only=True):
    """A payment terminal got its money, or did not."""

    reference: str
    state: SettlementState
    amount: Decimal
    """In the currency of the terminal, exact."""
    settled_at: datetime
    transaction: str
    receipt: str
    receipt_url: str
    company: CompanyView | None
    vat_number: str
    info: str
    received_at: datetime


class SettlementPage(Struct, frozen=True, kw_only=True):
    """Settlements, newest first. A page may be a little longer than its limit."""

    items: list[SettlementView]
    next: str | None


class BillingRoutes(Controller):
    """Payments at stations."""

    path = "/stations/{station_id:str}/settlements"
    tags = ("Billing",)

    @get(operation_id="list_settlements", summary="Settlements of payment terminals")
    async def page(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        billing: NamedDependency[Billing],
        station_id: FromPath[str],
        limit: Limit = 100,
        cursor: Cursor = "",
    ) -> SettlementPage:
        """What the payment terminal at the station settled, or tried to, newest first."""
        station, _ = await stations.read(ctx, StationId(station_id))
        before = moment(cursor) if cursor else None
        found = await billing.settlements(
            ctx, station.id, before=before, limit=limit + SAME_MOMENT_MAX
        )
        end = page_end([held.settled_at for held in found], limit)
        return SettlementPage(
            items=[convert(held, SettlementView, from_attributes=True) for held in found[:end]],
            next=cursor_at(found[end - 1].settled_at) if end < len(found) else None,
        )
