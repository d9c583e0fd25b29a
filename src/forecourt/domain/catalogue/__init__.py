"""What exists on the market: connector types, their names elsewhere, and stations' quirks.

Knows no station, no tenant and no database: its facts come with the package.
"""

from forecourt.domain.catalogue.model import (
    ADVISED,
    AUTO,
    NONE,
    STRICT,
    AcLimits,
    ConnectorType,
    ConnectorTypeId,
    ConnectorTypeUnknown,
    DcLimits,
    Form,
    Match,
    ParserFix,
    QuirkChoiceInvalid,
    QuirkProfile,
    QuirkProfileUnknown,
    QuirksInvalid,
    Vocabulary,
    Word,
)
from forecourt.domain.catalogue.rules import CHOICES, KEYS, advice_of, keys_of
from forecourt.domain.catalogue.service import Catalogue

__all__ = [
    "ADVISED",
    "AUTO",
    "CHOICES",
    "KEYS",
    "NONE",
    "STRICT",
    "AcLimits",
    "Catalogue",
    "ConnectorType",
    "ConnectorTypeId",
    "ConnectorTypeUnknown",
    "DcLimits",
    "Form",
    "Match",
    "ParserFix",
    "QuirkChoiceInvalid",
    "QuirkProfile",
    "QuirkProfileUnknown",
    "QuirksInvalid",
    "Vocabulary",
    "Word",
    "advice_of",
    "keys_of",
]
