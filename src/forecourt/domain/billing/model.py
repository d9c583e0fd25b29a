"""What exists in this room: what payment terminals settled, and whom an invoice may name."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Final, TypedDict

from msgspec import Struct

from forecourt.base.errors import ForecourtError, Kind
from forecourt.domain.stations import StationEvent

AMOUNT_MAX: Final = Decimal(10) ** 12
"""No payment terminal settles more; what says so is broken."""


SETTLEMENT_SORTS: Final = ("settled_at", "reference")
"""What settlements may be sorted by."""


class SettlementFields(TypedDict, total=False):
    """What settlements can be chosen by; None is any."""

    state: "SettlementState | None"
    since: datetime | None
    until: datetime | None


class SettlementState(StrEnum):
    """How an attempt to get paid ended."""

    SETTLED = "settled"
    CANCELLED = "cancelled"
    """The driver or the terminal gave it up."""
    REJECTED = "rejected"
    FAILED = "failed"


class Company(Struct, frozen=True, kw_only=True):
    """Whom a receipt is for."""

    name: str
    address1: str
    city: str
    country: str
    address2: str = ""
    postal_code: str = ""


class Settlement(Struct, frozen=True, kw_only=True):
    """A payment terminal at a station got its money, or did not (2.1)."""

    reference: str
    """The payment service's own, which was the session's token."""
    state: SettlementState
    amount: Decimal
    """In the currency of the terminal; OCPP does not say which."""
    settled_at: datetime
    transaction: str = ""
    receipt: str = ""
    receipt_url: str = ""
    company: Company | None = None
    vat_number: str = ""
    info: str = ""
    received_at: datetime


class VatVerdict(Struct, frozen=True, kw_only=True):
    """What can be said of a VAT number without asking anybody."""

    valid: bool
    number: str
    """As it is written in the register: no blanks, capital letters."""
    country: str = ""
    checked: bool = False
    """Its check digits were verified, not its form alone."""
    reason: str


class PaymentSettled(StationEvent, frozen=True, kw_only=True, tag="payment.settled"):
    """A payment terminal got its money, or did not."""

    reference: str
    state: SettlementState
    amount: Decimal
    transaction: str


class AmountImpossible(ForecourtError):
    """An amount that no payment can have."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "settlement.amount_impossible"
