"""The door for stations: a listener, one link for each station, one table for each OCPP version."""

from forecourt.edge.ocpp.courier import Courier
from forecourt.edge.ocpp.gateway import Gateway, GatewayOptions, UnknownStations
from forecourt.edge.ocpp.listener import listen

__all__ = ["Courier", "Gateway", "GatewayOptions", "UnknownStations", "listen"]
