"""The three versions, each with its dialect, its routes, and its way to say commands."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from forecourt.domain.stations import Answer, Command
from forecourt.edge.ocpp import commands_v2x, commands_v16, v16, v21, v201
from forecourt.edge.ocpp.commands import Asked, Told
from forecourt.edge.ocpp.routes import Routes
from forecourt.protocol.ocpp import v16 as messages_v16
from forecourt.protocol.ocpp import v21 as messages_v21
from forecourt.protocol.ocpp import v201 as messages_v201
from forecourt.protocol.ocpp.dialect import Dialect
from forecourt.protocol.ocpp.values import Message


class Version(Struct, frozen=True, kw_only=True):
    """Everything that depends on the version that a station speaks."""

    dialect: Dialect
    routes: Routes
    sent: Routes = {}
    ask: Callable[[Command, int], Asked | Answer]
    understand: Callable[[Command, Asked, Message], Told]

    @property
    def name(self) -> str:
        return self.dialect.subprotocol


VERSIONS: Final[Mapping[str, Version]] = {
    version.dialect.subprotocol: version
    for version in (
        Version(
            # What 2.0.1 and 2.1 share is said by 2.0.1's Structs in both.
            dialect=replace(messages_v21.DIALECT, extends=messages_v201.DIALECT),
            routes=v21.ROUTES,
            sent=v21.SENT,
            ask=commands_v2x.ask,
            understand=commands_v2x.understand,
        ),
        Version(
            dialect=messages_v201.DIALECT,
            routes=v201.ROUTES,
            ask=commands_v2x.ask,
            understand=commands_v2x.understand,
        ),
        Version(
            dialect=messages_v16.DIALECT,
            routes=v16.ROUTES,
            ask=commands_v16.ask,
            understand=commands_v16.understand,
        ),
    )
}
"""By sub-protocol, in the order in which we prefer them."""
