"""The room's verbs, and the caretaker who uses them without being asked."""

from forecourt.domain.devices.service.caretaker import Caretaker
from forecourt.domain.devices.service.devices import Devices, standards

__all__ = ["Caretaker", "Devices", "standards"]
