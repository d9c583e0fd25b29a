"""Who may charge: tokens and their groups.

Knows no station's state and no session; how often a token charges at once is for the sessions
room to count.
"""

from forecourt.domain.access.model import (
    Authorization,
    NewToken,
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

__all__ = [
    "Access",
    "Authorization",
    "NewToken",
    "Standing",
    "Token",
    "TokenAdded",
    "TokenChanged",
    "TokenExists",
    "TokenStatus",
    "TokenUnknown",
    "folded",
]
