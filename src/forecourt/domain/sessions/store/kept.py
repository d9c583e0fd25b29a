"""What stations said of sessions and is kept word for word: events, and stops that fit none."""

from typing import Any, Final

from sqlalchemy import select

from forecourt.base.ids import SessionId, StationId
from forecourt.base.pages import Page, Wanted
from forecourt.domain.sessions.model import (
    EVENT_SORTS,
    STOP_SORTS,
    EventKind,
    KeptEvent,
    StopFields,
    UnmatchedStop,
)
from forecourt.domain.sessions.store.sessions import session_events, unmatched_stops
from forecourt.infra.database import Unit
from forecourt.infra.listing import Listing, list_rows, only, sorts

_EVENTS: Final = Listing(
    sorts=sorts(session_events, EVENT_SORTS),
    key=(session_events.c.seq_no, session_events.c.at),
    default="seq_no",
)
_STOPS: Final = Listing(
    sorts=sorts(unmatched_stops, STOP_SORTS, station=unmatched_stops.c.station_id),
    key=(
        unmatched_stops.c.station_id,
        unmatched_stops.c.transaction,
        unmatched_stops.c.reported_at,
    ),
    default="-received_at",
    searched=(unmatched_stops.c.station_id, unmatched_stops.c.transaction),
)


async def events(unit: Unit, session: SessionId, wanted: Wanted) -> Page[KeptEvent]:
    """A session's events, in the order of their numbers if in no other one.

    Each partition's index begins with the session: no moments are needed. Raises CursorInvalid,
    SortUnknown.
    """
    query = select(session_events).where(session_events.c.session_id == session)
    found = await list_rows(unit, query, _EVENTS, wanted)
    return found.of([_event(row) for row in found.rows])


async def stops(unit: Unit, wanted: Wanted, fit: StopFields) -> Page[UnmatchedStop]:
    """Stops that fit no session, newest first if in no other order.

    Raises CursorInvalid, SortUnknown.
    """
    c = unmatched_stops.c
    query = only(select(unmatched_stops), unmatched_stops, {"station_id": fit.get("station")})
    if (since := fit.get("since")) is not None:
        query = query.where(c.received_at >= since)
    if (until := fit.get("until")) is not None:
        query = query.where(c.received_at < until)
    found = await list_rows(unit, query, _STOPS, wanted)
    return found.of([_stop(row) for row in found.rows])


def _event(row: Any) -> KeptEvent:
    return KeptEvent(
        seq_no=row.seq_no,
        at=row.at,
        kind=EventKind(row.kind),
        trigger=row.trigger,
        offline=row.offline,
        received_at=row.received_at,
        body=row.body,
    )


def _stop(row: Any) -> UnmatchedStop:
    return UnmatchedStop(
        station=StationId(row.station_id),
        transaction=row.transaction,
        reported_at=row.reported_at,
        received_at=row.received_at,
        meter_wh=row.meter_wh,
        body=row.body,
    )
