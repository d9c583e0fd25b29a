"""The device model of a 2.x station. Stations of one product share it; what is turned is theirs.

Finding and reading entries; the messages about it are ``variables`` and ``monitors``.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final, Literal

from forecourt.sim.models import StationModel
from forecourt.sim.station import Station
from forecourt.sim.v2x import live
from forecourt.sim.v2x.controllers import CONTROLLERS
from forecourt.sim.v2x.entry import Entry, Place
from forecourt.sim.v2x.hardware import hardware

_SUMMARY: Final = frozenset({"AvailabilityState", "Available", "Problem", "Enabled"})
Missing = Literal["UnknownComponent", "UnknownVariable"]


class Model:
    """Every entry of one product, and where each is."""

    __slots__ = ("_by_place", "entries")

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self.entries = entries
        self._by_place: dict[Place, dict[tuple[str, str | None], Entry]] = {}
        for entry in entries:
            there = self._by_place.setdefault(entry.place, {})
            there[entry.variable.lower(), entry.instance] = entry

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def find(self, place: Place, variable: str, instance: str | None) -> Entry | Missing:
        there = self._by_place.get(place)
        if there is None:
            return "UnknownComponent"
        return there.get((variable.lower(), instance), "UnknownVariable")

    def summary(self) -> list[Entry]:
        """What tells whether the station can be used."""
        parts = {"ChargingStation", "EVSE", "Connector"}
        return [e for e in self.entries if e.variable in _SUMMARY and e.component in parts]


@cache
def model_of(product: StationModel, features: frozenset[str], *, newest: bool) -> Model:
    """One for all stations of a product: a thousand of them cost what one costs."""
    entries = (*CONTROLLERS, *hardware(product, features))
    return Model(tuple(e for e in entries if newest or not e.newest))


def value(station: Station, entry: Entry, kept: Mapping[str, Callable[[], str]]) -> str:
    """What a variable says now."""
    text = live.read(station, entry, kept)
    if not text and entry.key.knob == "starts_at":
        return ",".join(station.voice.starts_at)
    if not text and entry.key.knob == "stops_at":
        return ",".join(station.voice.stops_at)
    return text
