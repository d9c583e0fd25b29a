"""The door for stations: a listener, one link for each station, one table for each OCPP version."""

from forecourt.edge.ocpp.gateway import Gateway
from forecourt.edge.ocpp.listener import Listening, listen
from forecourt.edge.ocpp.options import GatewayOptions, UnknownStations

__all__ = ["Gateway", "GatewayOptions", "Listening", "UnknownStations", "listen"]
