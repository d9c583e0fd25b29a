"""What the generated messages of every OCPP version are made of.

Must not know a version or a message.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, TypeVar

from msgspec import Meta, Struct

JSON: TypeAlias = Any
"""A value whose shape the specification leaves to the sender."""

Moment = Annotated[datetime, Meta(tz=True)]
"""RFC 3339 wants an offset; a time without one is refused (or repaired, where leniency is on)."""

INTEGER_END: Final = 2**63
Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""JSON's integers have no end; ours must fit the database. (The specification promises 32 bits.)"""

_FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
_VENDOR_ID_LENGTH_MAX: Final = 255

_T = TypeVar("_T")
if TYPE_CHECKING:
    Maybe: TypeAlias = _T | None
else:

    class Maybe:
        """``Maybe[T]``: absent on the wire is None here; an explicit null on the wire is an error.

        OCPP leaves an empty field out and allows no null, so the decoder sees plain ``T``.
        """

        def __class_getitem__(cls, item: object) -> object:
            return item


class DataType(
    Struct,
    frozen=True,
    kw_only=True,
    gc=False,  # frozen trees of values have no cycles, and a busy gateway makes millions of them
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename="camel",
):
    """A part of a message."""


class Message(
    Struct,
    frozen=True,
    kw_only=True,
    gc=False,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename="camel",
):
    """A request, a response or an unconfirmed message. A request's class is named as its action."""


class CustomData(dict[str, JSON]):
    """A vendor's own data: a vendor's id, and whatever the vendor adds, kept as it came."""

    def __init__(self, content: Mapping[str, JSON]) -> None:
        super().__init__(content)
        # The words are msgspec's own, so that one table tells which rule was broken; a TypeError
        # would lose them.
        if "vendorId" not in content:
            raise ValueError("Object missing required field `vendorId`")
        vendor_id = content["vendorId"]
        if not isinstance(vendor_id, str):
            raise ValueError(f"Expected `str`, got `{_json_type(vendor_id)}`")  # noqa: TRY004 - see above
        if len(vendor_id) > _VENDOR_ID_LENGTH_MAX:
            raise ValueError(f"Expected `str` of length <= {_VENDOR_ID_LENGTH_MAX}")

    @property
    def vendor_id(self) -> str:
        vendor_id: str = self["vendorId"]
        return vendor_id


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC. A peer may write one that UTC's calendar has no day for: the nearest.

    (Clocks that were never set send the year 1, some with their zone's offset.)
    """
    if moment.tzinfo is UTC:
        return moment
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return _FIRST if moment.year == 1 else _LAST


def decode_custom(kind: type, value: object) -> CustomData:
    """The decoder's hook for the one type here that msgspec does not know."""
    assert kind is CustomData, "the generated messages hold no other type of ours"
    if not isinstance(value, dict):
        raise ValueError(f"Expected `object`, got `{_json_type(value)}`")  # noqa: TRY004 - see above
    return CustomData(value)


def _json_type(value: object) -> str:
    return "null" if value is None else type(value).__name__
