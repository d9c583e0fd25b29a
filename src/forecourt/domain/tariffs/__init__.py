"""Tariffs: so far, what stations themselves make of a transaction's cost.

Our own tariffs and the rating of sessions have their place here and are to come. Knows no session
and no OCPP version.
"""

from forecourt.domain.tariffs.model import StationCost, StationCostTold, TransactionLimit
from forecourt.domain.tariffs.service import Tariffs

__all__ = ["StationCost", "StationCostTold", "Tariffs", "TransactionLimit"]
