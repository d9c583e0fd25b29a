"""What stations in the field get wrong, and how it is mended: opt-in, and only after strict reading failed.

Knows no connection and no station.
"""

from msgspec import Struct

from forecourt.protocol.ocpp.values import Message


class Lenient(Struct, frozen=True):
    """Which faults are forgiven."""

    def ignores(self, data: bytes) -> bool:
        """An empty frame says nothing."""
        return not data.strip()

    def mend_text(self, data: bytes) -> tuple[bytes, tuple[str, ...]] | None:
        return None

    def read(self, kind: type[Message], payload: bytes) -> tuple[Message, tuple[str, ...]] | None:
        return None
