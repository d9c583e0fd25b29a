"""The verbs about what stations said of sessions, as it is kept word for word."""

from typing import Unpack

from forecourt.base.context import Context
from forecourt.base.pages import FIRST_PAGE, Page, Wanted
from forecourt.domain.sessions.model import KeptEvent, Session, StopFields, UnmatchedStop
from forecourt.domain.sessions.store import kept as store
from forecourt.infra.database import Database


class Kept:
    """Shows it."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def events(
        self, ctx: Context, session: Session, wanted: Wanted = FIRST_PAGE
    ) -> Page[KeptEvent]:
        """A session's events (2.x), in the order of their numbers if in no other one.

        An update that tells readings and nothing else is kept as its readings, not here.
        Raises CursorInvalid, SortUnknown.
        """
        async with self._db.view(ctx) as unit:
            return await store.events(unit, session.id, wanted)

    async def stops(
        self, ctx: Context, wanted: Wanted = FIRST_PAGE, **fit: Unpack[StopFields]
    ) -> Page[UnmatchedStop]:
        """Stops (1.6) that fit no session, newest first if in no other order.

        Raises CursorInvalid, SortUnknown.
        """
        async with self._db.view(ctx) as unit:
            return await store.stops(unit, wanted, fit)
