"""The composition root: settings in, a running house out."""

from forecourt.app.house import DEFAULT_TENANT, House, nervous_system, open_house, open_rooms
from forecourt.app.serving import PortTaken

__all__ = [
    "DEFAULT_TENANT",
    "House",
    "PortTaken",
    "nervous_system",
    "open_house",
    "open_rooms",
]
