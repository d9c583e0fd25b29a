"""Who may charge: tokens and their groups, what is kept free for them, local lists.

Knows no station's state and no session; how often a token charges at once is for the sessions
room to count.
"""

from forecourt.domain.access.model import (
    Authorization,
    LocalList,
    NewToken,
    Reservation,
    ReservationMade,
    ReservationSettled,
    ReservationState,
    Standing,
    Token,
    TokenAdded,
    TokenChanged,
    TokenExists,
    TokenStatus,
    TokenUnknown,
    folded,
)
from forecourt.domain.access.service import Access
from forecourt.domain.access.store import WRITES

__all__ = [
    "WRITES",
    "Access",
    "Authorization",
    "LocalList",
    "NewToken",
    "Reservation",
    "ReservationMade",
    "ReservationSettled",
    "ReservationState",
    "Standing",
    "Token",
    "TokenAdded",
    "TokenChanged",
    "TokenExists",
    "TokenStatus",
    "TokenUnknown",
    "folded",
]
