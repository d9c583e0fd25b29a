"""A local list in parts that a station takes, and the numbers of reservations. Knows no version."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from forecourt.domain.stations import Answer, ListEntry, Reserve, SendLocalList
from forecourt.edge.ocpp.asks.table import Facts, chunks, unsupported


class ListPart(Struct, frozen=True):
    """One message's worth of a list."""

    version: int
    update: Literal["Full", "Differential"]
    entries: Sequence[ListEntry]


def parts(command: SendLocalList, size: int | None) -> list[ListPart] | Answer:
    """The list in messages: the first as asked, those after it add to it.

    Each has a version of its own, and the last the one that was asked for: a station refuses a
    change whose version is not above what it has.
    """
    if command.mode == "full" and any(entry.standing == "remove" for entry in command.entries):
        return unsupported("a full list names who is on it, not who is to be removed")
    pieces = chunks(command.entries, size) or [()]
    first = command.version - len(pieces) + 1
    if first < 1:
        return unsupported(
            f"the station takes the list in {len(pieces)} parts, each with a version of its own: "
            f"send it as version {len(pieces)} or above"
        )
    return [
        ListPart(
            first + n,
            "Full" if command.mode == "full" and n == 0 else "Differential",
            piece,
        )
        for n, piece in enumerate(pieces)
    ]


def reservation(command: Reserve, facts: Facts) -> int:
    """The number of a reservation."""
    return facts.request_id if command.reservation is None else command.reservation
