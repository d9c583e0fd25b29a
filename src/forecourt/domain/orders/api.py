"""The room's routes: commands for many stations, or for later."""

from datetime import datetime
from typing import Annotated

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.base.pages import Wanted
from forecourt.base.text import PRINTABLE
from forecourt.base.text import Line as TextLine
from forecourt.domain.orders.model import (
    LINE_SORTS,
    SORTS,
    Chosen,
    Line,
    LineState,
    NewOrder,
    Order,
    OrderId,
    Progress,
)
from forecourt.domain.orders.service import Orders
from forecourt.domain.stations import Answer, ForMany, recorded

# The framework keeps the name ``state`` of a parameter for itself.
InState = Annotated[LineState | None, QueryParameter(name="state", description="In this state.")]


class StationFilter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All stations that fit; nothing means every one."""

    site: TextLine | None = None
    model: TextLine | None = None
    connected: bool | None = None


class OrderAddition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command for many stations, or for later. Name the stations, or give a filter."""

    command: ForMany
    stations: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=48, pattern=PRINTABLE)], ...],
        Meta(max_length=10_000),
    ] = ()
    filter: StationFilter | None = None
    at_once_max: Annotated[int, Meta(ge=1, le=200)] = 20
    """How many stations are asked at the same time."""
    queue: bool = False
    """Wait for stations that are away, until `expires_at`, also over a restart."""
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class OrderView(Struct, frozen=True, kw_only=True):
    """A command that was given, and how far it is."""

    id: str
    command: dict[str, object]
    actor: str
    at_once_max: int
    queue: bool
    expires_at: datetime | None
    asked_at: datetime
    cancelled_at: datetime | None
    progress: Progress


class OrderPage(Struct, frozen=True, kw_only=True):
    """Orders, newest first."""

    items: list[OrderView]
    next: str | None


class LineView(Struct, frozen=True, kw_only=True):
    """What became of the command at one station."""

    station: str
    state: LineState
    outcome: str
    """As in the answer; or away, expired, cancelled, lost, crowded."""
    answer: Answer | None
    sent_at: datetime | None
    settled_at: datetime | None


class OrderWithLines(OrderView, frozen=True, kw_only=True):
    """A command, how far it is, and a page of results by station."""

    items: list[LineView]
    next: str | None


class OrderRoutes(Controller):
    """Commands for many stations, or for later."""

    path = "/commands"
    tags = ("Commands",)

    @post(operation_id="place_command", summary="Command many stations", status_code=202)
    async def place(
        self,
        ctx: NamedDependency[Context],
        orders: NamedDependency[Orders],
        data: JSONBody[OrderAddition],
    ) -> OrderView:
        """Give a command to many stations; ask for its progress by its id.

        Starting and stopping sessions is asked of one station. A command with a password is not
        kept, so it is refused here as well.
        """
        wanted = data.filter
        new = NewOrder(
            command=data.command,
            stations=tuple(map(StationId, data.stations)),
            chosen=None
            if wanted is None
            else Chosen(site=wanted.site, model=wanted.model, connected=wanted.connected),
            at_once_max=data.at_once_max,
            queue=data.queue,
            expires_at=data.expires_at,
        )
        return order_view(*await orders.place(ctx, new))

    @get(operation_id="list_commands", sorts=SORTS, summary="List commands for many")
    async def page(
        self,
        ctx: NamedDependency[Context],
        orders: NamedDependency[Orders],
        search: NamedDependency[Wanted],
        *,
        command: FromQuery[str | None] = None,
        actor: FromQuery[str | None] = None,
    ) -> OrderPage:
        """Commands for many stations or for later, newest first.

        A search looks at id, actor and the command's name.
        """
        found = await orders.list(ctx, search, command=command, actor=actor)
        return OrderPage(items=[order_view(*each) for each in found.items], next=found.next)

    @get(
        "/{order_id:str}",
        operation_id="read_command",
        sorts=LINE_SORTS,
        summary="Progress of a command",
    )
    async def read(
        self,
        ctx: NamedDependency[Context],
        orders: NamedDependency[Orders],
        order_id: FromPath[str],
        search: NamedDependency[Wanted],
        *,
        state_: InState = None,
        outcome: FromQuery[str | None] = None,
    ) -> OrderWithLines:
        """How far a command is, and a page of its results. A search looks at station and outcome.

        `progress` counts all stations, whatever is searched for.
        """
        order, progress = await orders.read(ctx, OrderId(order_id))
        found = await orders.lines(ctx, order.id, search, state=state_, outcome=outcome)
        view = order_view(order, progress)
        known = {name: getattr(view, name) for name in OrderView.__struct_fields__}
        items = [line_view(line) for line in found.items]
        return OrderWithLines(**known, items=items, next=found.next)

    @delete(
        "/{order_id:str}",
        operation_id="cancel_command",
        summary="Cancel a command",
        status_code=200,
    )
    async def cancel(
        self,
        ctx: NamedDependency[Context],
        orders: NamedDependency[Orders],
        order_id: FromPath[str],
    ) -> OrderView:
        """End what was not sent yet; what was sent is not called back."""
        return order_view(*await orders.cancel(ctx, OrderId(order_id)))


def order_view(order: Order, progress: Progress) -> OrderView:
    """An order as the API shows it."""
    return OrderView(
        id=order.id,
        command=recorded(order.command),
        actor=order.actor,
        at_once_max=order.at_once_max,
        queue=order.queue,
        expires_at=order.expires_at,
        asked_at=order.asked_at,
        cancelled_at=order.cancelled_at,
        progress=progress,
    )


def line_view(line: Line) -> LineView:
    """A line as the API shows it."""
    return LineView(
        station=line.station,
        state=line.state,
        outcome=line.outcome,
        answer=line.answer,
        sent_at=line.sent_at,
        settled_at=line.settled_at,
    )
