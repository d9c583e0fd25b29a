"""The room's verbs: place an order, see how far it is, cancel it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from forecourt.base.context import Context
from forecourt.base.ids import StationId, new_id
from forecourt.base.pages import FIRST_PAGE, Page, Wanted
from forecourt.domain.orders import store
from forecourt.domain.orders.model import (
    CommandSettled,
    Ending,
    Line,
    LineState,
    NewOrder,
    Order,
    OrderId,
    OrderInvalid,
    OrderPlaced,
    OrderUnknown,
    Progress,
)
from forecourt.domain.stations import ForMany, Raw, holds_secret
from forecourt.domain.tenants import Scope, permit
from forecourt.infra.database import Database, Unit

# More than this is a fleet that wants several orders; each is one statement and one page of memory.
STATIONS_MAX: Final = 10_000
# A station for which so many wait has been away for long, or is not listening.
WAITING_MAX: Final = 20
WAITS_MAX: Final = timedelta(days=30)


class Orders:
    """Commands for many stations, and for stations that are away."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def place(self, ctx: Context, new: NewOrder) -> tuple[Order, Progress]:
        """Give a command to many stations, or for later. Raises OrderInvalid, ScopeMissing."""
        if isinstance(new.command, Raw):
            permit(ctx, Scope.RAW)
        _check(ctx, new)
        order = Order(
            id=OrderId(new_id("ord", ctx.now)),
            tenant=ctx.tenant,
            actor=ctx.actor,
            scopes=ctx.scopes,
            command=new.command,
            at_once_max=new.at_once_max,
            queue=new.queue,
            expires_at=new.expires_at,
            asked_at=ctx.now,
        )
        async with self._db.unit(ctx) as unit:
            ids = await self._stations(unit, new)
            crowded = await store.add(unit, order, ids, WAITING_MAX)
            word = word_of(new.command)
            await unit.emit(
                OrderPlaced(
                    tenant=ctx.tenant, at=ctx.now, order=order.id, command=word, stations=len(ids)
                ),
                *(
                    CommandSettled(
                        tenant=ctx.tenant,
                        at=ctx.now,
                        order=order.id,
                        command=word,
                        station=station,
                        outcome=Ending.CROWDED.value,
                    )
                    for station in crowded
                ),
            )
            progress = (await self._progress(unit, [order.id]))[order.id]
        return order, progress

    async def read(self, ctx: Context, order_id: OrderId) -> tuple[Order, Progress]:
        """An order, and how far it is. Raises OrderUnknown."""
        async with self._db.unit(ctx) as unit:
            order = await _read(unit, order_id)
            return order, (await self._progress(unit, [order.id]))[order.id]

    async def list(
        self,
        ctx: Context,
        wanted: Wanted = FIRST_PAGE,
        *,
        command: str | None = None,
        actor: str | None = None,
    ) -> Page[tuple[Order, Progress]]:
        """Orders, newest first. Raises CursorInvalid, SortUnknown."""
        async with self._db.view(ctx) as unit:
            found = await store.page(unit, wanted, command=command, actor=actor)
            progress = await self._progress(unit, [order.id for order in found.items])
        items = [(order, progress[order.id]) for order in found.items]
        return Page(items=items, next=found.next)

    async def lines(
        self,
        ctx: Context,
        order_id: OrderId,
        wanted: Wanted = FIRST_PAGE,
        *,
        state: LineState | None = None,
        outcome: str | None = None,
    ) -> Page[Line]:
        """What became of an order at each station, by station.

        Raises OrderUnknown, CursorInvalid, SortUnknown.
        """
        async with self._db.unit(ctx) as unit:
            await _read(unit, order_id)
            return await store.lines(unit, order_id, wanted, state=state, outcome=outcome)

    async def cancel(self, ctx: Context, order_id: OrderId) -> tuple[Order, Progress]:
        """End what was not sent yet; what was is not called back. Raises OrderUnknown."""
        async with self._db.unit(ctx) as unit:
            await _read(unit, order_id)
            ended = await store.cancel(unit, order_id, ctx.now)
            await unit.emit(*settled(ended, Ending.CANCELLED, ctx))
            order = await _read(unit, order_id)
            return order, (await self._progress(unit, [order.id]))[order.id]

    async def _stations(self, unit: Unit, new: NewOrder) -> Sequence[StationId]:
        if new.chosen is None:
            ids = list(dict.fromkeys(new.stations))
            unknown = sorted(set(ids) - await store.known(unit, ids))
            if unknown:
                raise OrderInvalid(f"there is no station {unknown[0]!r}", stations=unknown[:20])
        else:
            ids = await store.chosen(unit, new.chosen, STATIONS_MAX + 1)
        if not ids:
            raise OrderInvalid("no station is meant by this")
        if len(ids) > STATIONS_MAX:
            raise OrderInvalid(f"an order is for at most {STATIONS_MAX} stations")
        return ids

    async def _progress(self, unit: Unit, ids: Sequence[OrderId]) -> dict[OrderId, Progress]:
        counted: dict[OrderId, dict[str, int]] = {order: {} for order in ids}
        outcomes: dict[OrderId, dict[str, int]] = {order: {} for order in ids}
        for order, state, outcome, lines in await store.counts(unit, ids):
            counted[order][state] = counted[order].get(state, 0) + lines
            if outcome:
                outcomes[order][outcome] = lines
        return {
            order: Progress(
                total=sum(states.values()),
                waiting=states.get(LineState.WAITING, 0),
                sent=states.get(LineState.SENT, 0),
                settled=states.get(LineState.SETTLED, 0),
                outcomes=outcomes[order],
            )
            for order, states in counted.items()
        }


def _check(ctx: Context, new: NewOrder) -> None:
    """Raises OrderInvalid."""
    if (new.chosen is None) == (not new.stations):
        raise OrderInvalid("name the stations, or say how to choose them")
    if holds_secret(new.command):
        raise OrderInvalid("a command with a password is not kept: give it to one station, at once")
    if new.queue and new.expires_at is None:
        raise OrderInvalid("a command that waits has an end: give expires_at")
    if new.expires_at is not None and not ctx.now < new.expires_at <= ctx.now + WAITS_MAX:
        raise OrderInvalid(f"expires_at lies within the next {WAITS_MAX.days} days")


async def _read(unit: Unit, order_id: OrderId) -> Order:
    found = await store.find(unit, order_id)
    if found is None:
        raise OrderUnknown(f"there is no command {order_id!r}", order=order_id)
    return found


def word_of(command: ForMany) -> str:
    """The word that people use for a command."""
    return str(type(command).__struct_config__.tag)


def settled(ended: Sequence[store.Settled], how: Ending, ctx: Context) -> list[CommandSettled]:
    """The facts of lines that ended without an answer."""
    return [
        CommandSettled(
            tenant=tenant, at=ctx.now, order=order, command=word, station=station, outcome=how.value
        )
        for order, station, tenant, word in ended
    ]
