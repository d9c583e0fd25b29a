"""The three versions, each with its dialect, its routes, and its way to say commands."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from forecourt.edge.ocpp import v16, v21, v201
from forecourt.edge.ocpp.asks.table import Speech
from forecourt.edge.ocpp.asks.v2x import SPEECH_21, SPEECH_201
from forecourt.edge.ocpp.asks.v16 import SPEECH as SPEECH_16
from forecourt.edge.ocpp.routes import Routes
from forecourt.protocol.ocpp import v16 as messages_v16
from forecourt.protocol.ocpp import v21 as messages_v21
from forecourt.protocol.ocpp import v201 as messages_v201
from forecourt.protocol.ocpp.dialect import Dialect


class Version(Struct, frozen=True, kw_only=True):
    """Everything that depends on the version that a station speaks."""

    dialect: Dialect
    routes: Routes
    sent: Routes = {}
    speech: Speech

    @property
    def name(self) -> str:
        return self.dialect.subprotocol


VERSIONS: Final[Mapping[str, Version]] = {
    version.dialect.subprotocol: version
    for version in (
        Version(
            # What 2.0.1 and 2.1 share is answered by 2.0.1's Structs in both.
            dialect=replace(messages_v21.DIALECT, extends=messages_v201.DIALECT),
            routes=v21.ROUTES,
            sent=v21.SENT,
            speech=SPEECH_21,
        ),
        Version(
            dialect=messages_v201.DIALECT,
            routes=v201.ROUTES,
            speech=SPEECH_201,
        ),
        Version(
            dialect=messages_v16.DIALECT,
            routes=v16.ROUTES,
            speech=SPEECH_16,
        ),
    )
}
"""By sub-protocol, in the order in which we prefer them."""
