"""The room's verbs: note what was settled, look at VAT numbers."""

from typing import Unpack

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.base.pages import FIRST_PAGE, Page, Wanted
from forecourt.domain.billing import rules, store
from forecourt.domain.billing.model import (
    AMOUNT_MAX,
    AmountImpossible,
    PaymentSettled,
    Settlement,
    SettlementFields,
    VatVerdict,
)
from forecourt.infra.database import Database


class Billing:
    """Everything about getting paid."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def vat(self, number: str) -> VatVerdict:
        """What can be said of a VAT number by itself; no register is asked."""
        return rules.vat(number)

    async def settled(self, ctx: Context, station: StationId, settlement: Settlement) -> None:
        """A payment terminal got its money, or did not. Told again, it changes nothing.

        Raises AmountImpossible.
        """
        if not 0 <= settlement.amount <= AMOUNT_MAX:
            raise AmountImpossible(f"nobody settles {settlement.amount}")
        async with self._db.unit(ctx) as unit:
            if await store.add(unit, station, ctx.tenant, settlement):
                await unit.emit(
                    PaymentSettled(
                        tenant=ctx.tenant,
                        at=ctx.now,
                        station=station,
                        reference=settlement.reference,
                        state=settlement.state,
                        amount=settlement.amount,
                        transaction=settlement.transaction,
                    )
                )

    async def settlements(
        self,
        ctx: Context,
        station: StationId,
        wanted: Wanted = FIRST_PAGE,
        **fit: Unpack[SettlementFields],
    ) -> Page[Settlement]:
        """Settlements of a station that fit, newest first if in no other order.

        Raises CursorInvalid, SortUnknown.
        """
        async with self._db.view(ctx) as unit:
            return await store.settlements_page(unit, station, wanted, fit)
