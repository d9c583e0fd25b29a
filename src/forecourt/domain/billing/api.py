"""The room's routes: what payment terminals settled, and what a VAT number looks like."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from msgspec import Struct, convert

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.base.pages import Wanted
from forecourt.domain.billing.model import SETTLEMENT_SORTS, SettlementState
from forecourt.domain.billing.service import Billing
from forecourt.domain.stations import Stations

# The framework keeps the name ``state`` of a parameter for itself.
InState = Annotated[
    SettlementState | None, QueryParameter(name="state", description="In this state.")
]
Since = Annotated[datetime | None, QueryParameter(description="Settled then or later.")]
Until = Annotated[datetime | None, QueryParameter(description="Settled before then.")]


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
    """Settlements of a station."""

    items: list[SettlementView]
    next: str | None


class VatView(Struct, frozen=True, kw_only=True):
    """What can be said of a VAT number without asking anybody."""

    valid: bool
    number: str
    """As it is written in the register: no blanks, capital letters."""
    country: str
    """The two letters in front; empty when it is none of the European Union."""
    checked: bool
    """Its check digits were verified, not its form alone."""
    reason: str


class VatRoutes(Controller):
    """VAT numbers."""

    path = "/vat-numbers"
    tags = ("Billing",)

    @get(
        "/{vat_number:str}",
        operation_id="check_vat_number",
        summary="Look at a VAT number",
        sync_to_thread=False,
    )
    def check(self, billing: NamedDependency[Billing], vat_number: FromPath[str]) -> VatView:
        """Whether form and check digits of a VAT number of the European Union are right.

        No register is asked: a number that is well made need not be anybody's. Blanks, dots and
        dashes are passed over. Stations of OCPP 2.1 are answered by the same rule.
        """
        return convert(billing.vat(vat_number), VatView, from_attributes=True)


class BillingRoutes(Controller):
    """Payments at stations."""

    path = "/stations/{station_id:str}/settlements"
    tags = ("Billing",)

    @get(
        operation_id="list_settlements",
        summary="Settlements of payment terminals",
        sorts=SETTLEMENT_SORTS,
    )
    async def page(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        billing: NamedDependency[Billing],
        search: NamedDependency[Wanted],
        station_id: FromPath[str],
        state_: InState = None,
        since: Since = None,
        until: Until = None,
    ) -> SettlementPage:
        """What payment terminals at the station settled, or tried to; newest first if no other way.

        A search looks at reference, transaction, receipt, VAT number and what else was said.
        """
        station, _ = await stations.read(ctx, StationId(station_id))
        found = await billing.settlements(
            ctx, station.id, search, state=state_, since=since, until=until
        )
        return SettlementPage(
            items=[convert(held, SettlementView, from_attributes=True) for held in found.items],
            next=found.next,
        )
