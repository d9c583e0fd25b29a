"""Billing: what payment terminals settled, and VAT numbers.

Contracts, invoices and ledgers have their place here and are to come. Knows no OCPP version.
"""

from forecourt.domain.billing.model import (
    AmountImpossible,
    Company,
    PaymentSettled,
    Settlement,
    SettlementState,
    VatVerdict,
)
from forecourt.domain.billing.service import Billing

__all__ = [
    "AmountImpossible",
    "Billing",
    "Company",
    "PaymentSettled",
    "Settlement",
    "SettlementState",
    "VatVerdict",
]
