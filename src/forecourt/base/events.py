"""Facts. A room records what happened; higher rooms may listen."""

from datetime import datetime

from msgspec import Struct

from forecourt.base.ids import TenantId


class Event(Struct, frozen=True, kw_only=True, tag_field="type"):
    """Something that happened, in the past tense, complete in itself. Its tag is ``room.fact``."""

    tenant: TenantId
    at: datetime

    @property
    def subject(self) -> str:
        """What it happened to; events of one subject are delivered in order."""
        raise TypeError(f"{type(self).__name__} does not say what it is about")
