"""What a 1.6 station's commands are made of: the table's types, and how connectors are counted."""

from collections.abc import Callable
from typing import Protocol, TypeAlias, TypeVar

from forecourt.protocol.ocpp.values import Message
from forecourt.sim.outlet import Outlet
from forecourt.sim.station import Station
from forecourt.sim.upkeep import Upkeep


class Speaker(Protocol):
    """What a command needs of the voice."""

    @property
    def upkeep(self) -> Upkeep: ...

    def say(
        self, what: str, outlet: Outlet | None, *, extended: bool
    ) -> Callable[[], None] | None: ...

    def security_event(self, kind: str, info: str | None = None) -> None: ...


_M = TypeVar("_M", bound=Message)
Command: TypeAlias = Callable[[Station, Speaker, _M], Message]


def entry(kind: type[_M], command: Command[_M]) -> tuple[type[Message], Command[Message]]:
    """A line of a table: the key is the type that the command takes."""
    return kind, command  # type: ignore[return-value]  # the key is the type that it takes


def outlet_of(station: Station, connector_id: int) -> Outlet | None:
    """1.6 counts connectors through the whole station."""
    for outlet in station.outlets:
        if any(connector.number == connector_id for connector in outlet.connectors):
            return outlet
    return None
