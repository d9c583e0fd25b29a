"""What happened to a station: the raw messages that were kept, and the events about it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    DateTime,
    Select,
    Text,
    column,
    func,
    literal,
    or_,
    select,
    table,
    text,
)

from forecourt.base.ids import StationId
from forecourt.base.pages import Page, Wanted
from forecourt.domain.stations.commands import (
    GivenCommand,
    GivenFields,
    Outcome,
    without_secrets,
)
from forecourt.domain.stations.model import Happened, MessageFields, RawMessage, TimelineFields
from forecourt.domain.stations.store.stations import commands, messages
from forecourt.infra.database import Unit
from forecourt.infra.listing import WORDS_MAX, Listing, list_rows, only

# A frame has no number: what tells two of a moment apart is what they say. Of those that are alike
# in all, one is as good as another. MD5 is leakproof to PostgreSQL: the index on time still serves.
_digest: Final[ColumnElement[str]] = func.md5(messages.c.frame, type_=Text)
_MESSAGES: Final = Listing(
    sorts={"at": messages.c.at}, key=(messages.c.at, messages.c.direction, _digest), default="-at"
)

_GIVEN: Final = Listing(
    sorts={"id": commands.c.command_id}, key=(commands.c.command_id,), default="-id"
)

_events: Final = table(
    "events",
    column("at", DateTime(timezone=True)),
    column("seq", BigInteger),
    column("type", Text),
    column("subject", Text),
    column("body", JSON),
)
_xid: Final = text("CAST(xid AS text) AS xid")
_EVENTS: Final = Listing(
    sorts={"at": _events.c.at}, key=(_events.c.at, _events.c.seq), default="at"
)
# By their numbers, which are given in the order of time and have an index.
_ALL_EVENTS: Final = Listing(sorts={"at": _events.c.seq}, key=(_events.c.seq,), default="-at")
_IS_ABOUT: Final = "body ->> 'station' = :station"

# Behind a place, and before whatever a transaction that is still open may add.
_happened: Final = text(f"""
    SELECT CAST(e.xid AS text) AS xid, e.seq, e.at, e.type, e.subject, e.body FROM events e
    WHERE subject = :station AND {_IS_ABOUT} AND at >= :since
      AND (CAST(:type AS text) IS NULL OR e.type = :type)
      AND (e.xid, e.seq) > (CAST(CAST(:xid AS text) AS xid8), CAST(:seq AS bigint))
      AND e.xid < (SELECT settled_before())
    ORDER BY e.xid, e.seq LIMIT :limit""")  # noqa: S608 (no word of it is from outside)


async def messages_page(
    unit: Unit, station: StationId, wanted: Wanted, fit: MessageFields
) -> Page[RawMessage]:
    """Raw messages of a station that fit, newest first if in no other order.

    A search looks at the whole frame. Raises CursorInvalid, SortUnknown.
    """
    c = messages.c
    query = only(
        select(c.at, c.direction, c.action, c.note, c.frame).where(c.station_id == station),
        messages,
        {"direction": fit.get("direction"), "action": fit.get("action")},
    )
    if (since := fit.get("since")) is not None:
        query = query.where(c.at >= since)
    if (until := fit.get("until")) is not None:
        query = query.where(c.at < until)
    for word in wanted.q.split()[:WORDS_MAX]:
        query = query.where(func.strpos(_text(c.frame), _text(func.convert_to(word, "UTF8"))) > 0)
    found = await list_rows(unit, query, _MESSAGES, wanted)
    return found.of([_message(row) for row in found.rows])


def _text(frame: Any) -> Any:
    """Bytes as a text that can be searched, whatever they are: not all frames are UTF-8."""
    return func.lower(func.encode(frame, literal("escape")))


def _message(row: Any) -> RawMessage:
    return RawMessage(
        at=row.at,
        direction=row.direction,
        action=row.action,
        note=row.note,
        frame=row.frame.decode("utf-8", "backslashreplace"),
    )


async def given_page(
    unit: Unit, station: StationId, wanted: Wanted, fit: GivenFields
) -> Page[GivenCommand]:
    """Commands given to a station that fit, newest first if in no other order.

    Raises CursorInvalid, SortUnknown.
    """
    c = commands.c
    query = only(
        select(commands).where(c.station_id == station), commands, {"outcome": fit.get("outcome")}
    )
    if (since := fit.get("since")) is not None:
        query = query.where(c.asked_at >= since)
    if (until := fit.get("until")) is not None:
        query = query.where(c.asked_at < until)
    found = await list_rows(unit, query, _GIVEN, wanted)
    return found.of([_given(row) for row in found.rows])


def _given(row: Any) -> GivenCommand:
    return GivenCommand(
        id=row.command_id,
        actor=row.actor,
        command=row.command,
        asked_at=row.asked_at,
        outcome=None if row.outcome is None else Outcome(row.outcome),
        answer=without_secrets(row.answer),
        answered_at=row.answered_at,
    )


async def happened_since(
    unit: Unit, station: StationId, *, after: tuple[str, int], limit: int, fit: TimelineFields
) -> Sequence[Happened]:
    """What happened to a station since a moment and behind a place, in the order of places."""
    xid, seq = after
    names = {"station": station, "since": fit.get("since"), "type": fit.get("type")}
    rows = await unit.conn.execute(_happened, {**names, "xid": xid, "seq": seq, "limit": limit})
    return list(map(_event, rows))


async def timeline_page(
    unit: Unit, station: StationId, wanted: Wanted, fit: TimelineFields
) -> Page[Happened]:
    """What happened to a station, in the order of its moments. Raises CursorInvalid, SortUnknown.

    Not for who follows: an event whose transaction ends late comes before what was shown.
    """
    c = _events.c
    query: Select[Any] = select(_xid, *c).select_from(_events)
    # Nearly all of the subject are: as a comparison it would be taken for rare, and all be sorted.
    about = text(f"CASE WHEN {_IS_ABOUT} THEN true END").bindparams(station=station)
    query = query.where(c.subject == station, about)
    if (since := fit.get("since")) is not None:
        query = query.where(c.at >= since)
    if (kind := fit.get("type")) is not None:
        query = query.where(c.type == kind)
    found = await list_rows(unit, query, _EVENTS, wanted)
    return found.of(list(map(_event, found.rows)))


async def events_page(
    unit: Unit, wanted: Wanted, *, since: datetime, types: Sequence[str]
) -> Page[Happened]:
    """What happened anywhere; ``types`` are kinds or beginnings of kinds.

    Raises CursorInvalid, SortUnknown.
    """
    c = _events.c
    query: Select[Any] = select(_xid, *c).select_from(_events).where(c.at >= since)
    if types:
        query = query.where(or_(*(c.type.startswith(one, autoescape=True) for one in types)))
    found = await list_rows(unit, query, _ALL_EVENTS, wanted)
    return found.of(list(map(_event, found.rows)))


def _event(row: Any) -> Happened:
    return Happened(
        place=(row.xid, row.seq), at=row.at, type=row.type, subject=row.subject, body=row.body
    )
