"""Verbs that tell what happened to a station: its raw messages, and the events about it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final, Unpack

from msgspec import Meta

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.base.pages import FIRST_PAGE, Page, Wanted, behind, cursor_of
from forecourt.domain.stations import store
from forecourt.domain.stations.commands import GivenCommand, GivenFields
from forecourt.domain.stations.model import Happened, MessageFields, RawMessage, TimelineFields
from forecourt.infra.database import Database

TIMELINE_DEFAULT: Final = timedelta(days=1)
BEGINNING: Final = ("0", 0)
# Numbers of the database's own, of 64 bits: of a transaction, and of an event.
_PLACE: Final = (
    Annotated[str, Meta(pattern=r"^\d{1,18}\Z")],
    Annotated[int, Meta(ge=0, le=2**63 - 1)],
)


class History:
    """What was said, and what came of it."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def messages(
        self,
        ctx: Context,
        station: StationId,
        wanted: Wanted = FIRST_PAGE,
        **fit: Unpack[MessageFields],
    ) -> Page[RawMessage]:
        """The raw messages kept of this station that fit, newest first if in no other order.

        Raises CursorInvalid, SortUnknown.
        """
        async with self._db.view(ctx) as unit:
            return await store.messages_page(unit, station, wanted, fit)

    async def timeline(
        self,
        ctx: Context,
        station: StationId,
        wanted: Wanted = FIRST_PAGE,
        **fit: Unpack[TimelineFields],
    ) -> Page[Happened]:
        """What happened to a station since a moment, or since a day ago.

        In no other order as it came to be: whoever asks for what is behind a page misses nothing.
        Raises CursorInvalid, SortUnknown.
        """
        fit["since"] = fit.get("since") or ctx.now - TIMELINE_DEFAULT
        if wanted.sort:
            async with self._db.view(ctx) as unit:
                return await store.timeline_page(unit, station, wanted, fit)
        place = BEGINNING
        if wanted.cursor:
            xid, seq = behind(wanted.cursor, "", _PLACE)
            place = (xid, seq)
        found = await self.happened(ctx, station, after=place, limit=wanted.limit, **fit)
        more = len(found) == wanted.limit
        return Page(items=found, next=cursor_of("", found[-1].place) if more else None)

    async def given(
        self,
        ctx: Context,
        station: StationId,
        wanted: Wanted = FIRST_PAGE,
        **fit: Unpack[GivenFields],
    ) -> Page[GivenCommand]:
        """Commands given to a station that fit, newest first if in no other order.

        Their secrets are not told. Raises CursorInvalid, SortUnknown.
        """
        async with self._db.view(ctx) as unit:
            return await store.given_page(unit, station, wanted, fit)

    async def everywhere(
        self,
        ctx: Context,
        wanted: Wanted = FIRST_PAGE,
        *,
        within: timedelta = TIMELINE_DEFAULT,
        types: Sequence[str] = (),
    ) -> Page[Happened]:
        """What happened lately to all that the caller may see, newest first if in no other order.

        ``types``: kinds, or beginnings of kinds; all if there are none. Raises CursorInvalid,
        SortUnknown.
        """
        since = ctx.now - within
        async with self._db.view(ctx) as unit:
            return await store.events_page(unit, wanted, since=since, types=types)

    async def happened(
        self,
        ctx: Context,
        station: StationId,
        *,
        after: tuple[str, int] = BEGINNING,
        limit: int = 500,
        since: datetime | None = None,
        type: str | None = None,  # noqa: A002 (events have a type, and no other word for it)
    ) -> Sequence[Happened]:
        """What happened to a station behind a place, in order: to follow it."""
        fit = TimelineFields(since=since or ctx.now - TIMELINE_DEFAULT, type=type)
        async with self._db.view(ctx) as unit:
            return await store.happened_since(unit, station, after=after, limit=limit, fit=fit)
