"""Stations as somebody shows them: made once for each state that a station is in."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, Unpack

from forecourt.base.context import Context
from forecourt.base.pages import Page, Wanted
from forecourt.domain.stations import store
from forecourt.domain.stations.model import Connector, Station, StationFields
from forecourt.infra.database import Database
from forecourt.infra.listing import Shelf

# Of some 1.5 kB each, as the API has them and with what finds them: 150 MB where so many are shown.
# Fewer than are leafed through in turn would be as good as none.
SHOWN_MAX: Final = 100_000

Shown = TypeVar("Shown")


class Showcase:
    """Keeps what was made of stations, by the version of their rows."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._shelves: dict[Callable[..., Any], Shelf[Any]] = {}

    async def page(
        self,
        ctx: Context,
        wanted: Wanted,
        show: Callable[[Station, Sequence[Connector]], Shown],
        **fit: Unpack[StationFields],
    ) -> Page[Shown]:
        """The page that ``Stations.list`` has, of what ``show`` makes of each station.

        Which stations, and in which version, the database says each time; so nothing is ever old,
        and whoever asks again pays for what changed. ``show`` depends on nothing else, and is one
        of a few: what it made is kept for it. Raises CursorInvalid, SortUnknown.
        """
        shelf: Shelf[Shown] = self._shelves.setdefault(show, Shelf(SHOWN_MAX))
        async with self._db.view(ctx) as view:
            found = await store.versions(view, wanted, {**fit})
            made = {id_: shelf.get(id_, version) for id_, version in found.items}
            missing = [id_ for id_, one in made.items() if one is None]
            for station, version, connectors in await store.some(view, missing) if missing else ():
                made[station.id] = one = show(station, connectors)
                shelf.put(station.id, version, one)
        # One that was removed between the two is in neither.
        return Page(items=[one for one in made.values() if one is not None], next=found.next)
