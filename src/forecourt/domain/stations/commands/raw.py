"""Any message at all, for experts and test benches."""

from typing import Annotated, Any

from msgspec import Meta, field

from forecourt.domain.stations.commands.base import Ask, DetailsPart


class Raw(Ask, frozen=True, kw_only=True, tag="raw"):
    """Send a message as it stands, once it is valid in the station's version."""

    action: Annotated[str, Meta(pattern="^[A-Za-z0-9]{1,60}$")]
    payload: dict[str, Any] = field(default_factory=dict)


class RawResponse(DetailsPart, frozen=True, kw_only=True, tag="response"):
    """What the station answered, as it stands."""

    payload: dict[str, Any]
