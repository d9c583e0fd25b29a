"""What all commands are made of."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=50)]
Text = Annotated[str, Meta(max_length=2500)]
Number = Annotated[int, Meta(ge=0, le=10_000)]
Whole = Annotated[int, Meta(ge=0, le=2**31 - 1)]
"""A number that fits every version's integers."""
Transaction = Annotated[str, Meta(min_length=1, max_length=36)]
"""A running transaction, named as the station knows it."""
Moment = Annotated[datetime, Meta(tz=True)]
TokenUid = Annotated[str, Meta(min_length=1, max_length=255)]
Location = Annotated[str, Meta(min_length=1, max_length=2000)]
"""A URL, with its credentials if it needs some."""

TokenType = Literal["Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress"]


class Ask(Struct, frozen=True, kw_only=True, tag_field="command", forbid_unknown_fields=True):
    """Base of all commands."""


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what a command is made of."""


class DetailsPart(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Base of what a station says besides yes or no."""
