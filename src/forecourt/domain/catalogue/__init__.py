"""What exists on the market: connector types, and what each vocabulary calls them.

Knows no station, no tenant and no database: its facts come with the package.
"""

from forecourt.domain.catalogue.model import (
    AcLimits,
    ConnectorType,
    ConnectorTypeId,
    ConnectorTypeUnknown,
    DcLimits,
    Form,
    Vocabulary,
    Word,
)
from forecourt.domain.catalogue.service import Catalogue

__all__ = [
    "AcLimits",
    "Catalogue",
    "ConnectorType",
    "ConnectorTypeId",
    "ConnectorTypeUnknown",
    "DcLimits",
    "Form",
    "Vocabulary",
    "Word",
]
