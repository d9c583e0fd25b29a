"""The door for stations: a listener, one link for each station, one table for each OCPP version."""

from forecourt.edge.ocpp.courier import Courier
from forecourt.edge.ocpp.gateway import Gateway
from forecourt.edge.ocpp.options import GatewayOptions, UnknownStations
from forecourt.edge.ocpp.ports import PortOptions, Ports
from forecourt.edge.ocpp.watch import Passed, TooManyWatch, Watch

__all__ = [
    "Courier",
    "Gateway",
    "GatewayOptions",
    "Passed",
    "PortOptions",
    "Ports",
    "TooManyWatch",
    "UnknownStations",
    "Watch",
]
