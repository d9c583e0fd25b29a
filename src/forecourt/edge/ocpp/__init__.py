"""The door for stations: a listener, one link for each station, one table for each OCPP version."""

from forecourt.edge.ocpp.gateway import Gateway, GatewayOptions, UnknownStations
from forecourt.edge.ocpp.listener import listen

__all__ = ["Gateway", "GatewayOptions", "UnknownStations", "listen"]
