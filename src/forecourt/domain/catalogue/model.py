"""What exists in this room: connector types, their limits and their names elsewhere."""

from enum import StrEnum
from typing import ClassVar, NewType

from msgspec import Struct

from forecourt.base.errors import ForecourtError, Kind

ConnectorTypeId = NewType("ConnectorTypeId", str)
"""Our own name of a connector type: ``CCS2``, ``J3400``, ``TYPE2_SOCKET``."""


class Form(StrEnum):
    """How a vehicle meets it."""

    CABLE = "cable"
    SOCKET = "socket"
    PANTOGRAPH = "pantograph"
    WIRELESS = "wireless"


class Vocabulary(StrEnum):
    """Who has words for connector types. OCPP 1.6 has none."""

    OCPP_201 = "ocpp201"
    OCPP_21 = "ocpp21"
    OCPI_221 = "ocpi221"
    OCPI_230 = "ocpi230"


class AcLimits(Struct, frozen=True, kw_only=True):
    """What it usually carries as alternating current; the station's own rating may be lower."""

    phases_max: int
    voltage_v_max: int
    """Of one phase, against neutral where there is one."""
    current_a_max: int


class DcLimits(Struct, frozen=True, kw_only=True):
    """What it usually carries as direct current."""

    voltage_v_max: int
    current_a_max: int | None = None
    """None: the standard names no limit but heat."""


class ConnectorType(Struct, frozen=True, kw_only=True):
    """One shape of connector with one way of talking to the vehicle."""

    id: ConnectorTypeId
    name: str
    """For people."""
    form: Form
    ac: AcLimits | None = None
    dc: DcLimits | None = None
    ocpp201: str | None = None
    ocpp21: str | None = None
    ocpi221: str | None = None
    ocpi230: str | None = None
    borrowed: frozenset[Vocabulary] = frozenset()
    """Where its word truly means another type, and is the nearest there is."""


class Word(Struct, frozen=True):
    """What a vocabulary calls a connector type."""

    text: str
    exact: bool
    """False: somebody who reads it back may take it for another type; keep what was said first."""


class ConnectorTypeUnknown(ForecourtError):
    """The catalogue has no connector type of this name."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "connector_type.unknown"
