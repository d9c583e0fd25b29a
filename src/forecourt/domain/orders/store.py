"""Tables and SQL of this room."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Table,
    Text,
    func,
    insert,
    select,
    text,
    update,
)

from forecourt.base.ids import StationId, TenantId
from forecourt.base.pages import Page, Wanted
from forecourt.domain.orders.model import LINE_SORTS, SORTS, Chosen, Line, LineState, Order, OrderId
from forecourt.domain.stations import Answer, ForMany
from forecourt.infra.database import Unit, metadata
from forecourt.infra.listing import Listing, list_rows, only, sorts

orders: Final = Table(
    "orders",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("command", JSON, nullable=False),
    Column("at_once_max", BigInteger, nullable=False),
    Column("queue", Boolean, nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("cancelled_at", DateTime(timezone=True)),
)

order_lines: Final = Table(
    "order_lines",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("station_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("outcome", Text, nullable=False, server_default=""),
    Column("answer", JSON),
    Column("gateway", Text, nullable=False, server_default=""),
    Column("sent_at", DateTime(timezone=True)),
    Column("settled_at", DateTime(timezone=True)),
)

# ---- placing ------------------------------------------------------------------------------------

_chosen = text("""
    SELECT station_id FROM stations
    WHERE (CAST(:site AS text) IS NULL OR site = :site)
      AND (CAST(:model AS text) IS NULL OR model = :model)
      AND (CAST(:connected AS boolean) IS NULL OR connected = :connected)
    ORDER BY station_id LIMIT :most""")
_known = text("SELECT station_id FROM stations WHERE station_id = ANY(CAST(:ids AS text[]))")
# A station for which too many wait already gets no line that waits as well.
_lines = text("""
    INSERT INTO order_lines (order_id, station_id, tenant_id, state, outcome, settled_at)
    SELECT :order_id, s.station_id, :tenant,
      CASE WHEN w.waiting >= :most THEN 'settled' ELSE 'waiting' END,
      CASE WHEN w.waiting >= :most THEN 'crowded' ELSE '' END,
      CASE WHEN w.waiting >= :most THEN CAST(:now AS timestamptz) END
    FROM unnest(CAST(:ids AS text[])) AS s (station_id)
    CROSS JOIN LATERAL (SELECT count(*) AS waiting FROM order_lines l
      WHERE l.station_id = s.station_id AND l.state = 'waiting') AS w
    RETURNING station_id, state""")


async def chosen(unit: Unit, wanted: Chosen, most: int) -> list[StationId]:
    """The stations that are meant, at most so many."""
    values = {"site": wanted.site, "model": wanted.model, "connected": wanted.connected}
    rows = await unit.conn.execute(_chosen, {**values, "most": most})
    return [StationId(row.station_id) for row in rows]


async def known(unit: Unit, ids: Sequence[StationId]) -> set[StationId]:
    """Those of these stations that there are."""
    rows = await unit.conn.execute(_known, {"ids": list(ids)})
    return {StationId(row.station_id) for row in rows}


async def add(
    unit: Unit, order: Order, ids: Sequence[StationId], waiting_max: int
) -> list[StationId]:
    """Keep an order; returns the stations for which too much waits already."""
    await unit.conn.execute(
        insert(orders).values(
            order_id=order.id,
            tenant_id=order.tenant,
            actor=order.actor,
            scopes=sorted(order.scopes),
            command=msgspec.to_builtins(order.command),
            at_once_max=order.at_once_max,
            queue=order.queue,
            expires_at=order.expires_at,
            asked_at=order.asked_at,
        )
    )
    values = {"order_id": order.id, "tenant": order.tenant, "now": order.asked_at}
    rows = await unit.conn.execute(_lines, {**values, "most": waiting_max, "ids": list(ids)})
    return [StationId(row.station_id) for row in rows if row.state == "settled"]


# ---- reading ------------------------------------------------------------------------------------


async def find(unit: Unit, order_id: OrderId) -> Order | None:
    row = (await unit.conn.execute(select(orders).where(orders.c.order_id == order_id))).first()
    return None if row is None else _order(row)


async def page(
    unit: Unit, wanted: Wanted, *, command: str | None, actor: str | None
) -> Page[Order]:
    """Orders that fit, newest first if not the other way round."""
    query = only(select(orders), orders, {"actor": actor})
    if command is not None:
        query = query.where(_word == command)
    found = await list_rows(unit, query, _ORDERS, wanted)
    return found.of([_order(row) for row in found.rows])


async def counts(unit: Unit, ids: Sequence[OrderId]) -> list[tuple[OrderId, str, str, int]]:
    """(Order, state, outcome, how many lines) of these orders."""
    c = order_lines.c
    query = (
        select(c.order_id, c.state, c.outcome, func.count().label("lines"))
        .where(c.order_id.in_(ids))
        .group_by(c.order_id, c.state, c.outcome)
    )
    rows = await unit.conn.execute(query)
    return [(OrderId(row.order_id), row.state, row.outcome, row.lines) for row in rows]


async def lines(
    unit: Unit, order_id: OrderId, wanted: Wanted, *, state: LineState | None, outcome: str | None
) -> Page[Line]:
    """The lines of an order that fit, by station if in no other order."""
    fit = {"order_id": order_id, "state": state, "outcome": outcome}
    query = only(select(order_lines), order_lines, fit)
    found = await list_rows(unit, query, _LINES, wanted)
    return found.of([_line(row) for row in found.rows])


_word = orders.c.command["command"].as_string()
_ORDERS: Final = Listing(
    sorts=sorts(orders, SORTS, id=orders.c.order_id),
    key=(orders.c.order_id,),
    default="-id",
    searched=(orders.c.order_id, orders.c.actor, _word),
)
_LINES: Final = Listing(
    sorts=sorts(order_lines, LINE_SORTS, station=order_lines.c.station_id),
    key=(order_lines.c.station_id,),
    default="station",
    searched=(order_lines.c.station_id, order_lines.c.outcome),
)


# ---- carrying out -------------------------------------------------------------------------------

# Of each order no more than it may have at once; one command at a time for each station, in the
# order in which they were given. The caller knows what of it is open already.
_ready = text("""
    SELECT order_id, station_id, at_once_max FROM (
      SELECT l.order_id, l.station_id, o.at_once_max,
        row_number() OVER (PARTITION BY l.order_id ORDER BY l.station_id) AS place,
        row_number() OVER (PARTITION BY l.station_id ORDER BY l.order_id) AS turn
      FROM order_lines l JOIN orders o USING (order_id)
        JOIN stations s ON s.station_id = l.station_id AND s.tenant_id = l.tenant_id
      WHERE l.state = 'waiting' AND s.connected AND s.gateway = :gateway
        AND s.booted_at IS NOT NULL AND NOT (l.station_id = ANY(CAST(:busy AS text[])))
    ) AS found
    WHERE turn = 1 AND place <= at_once_max ORDER BY order_id, station_id LIMIT :most""")
_send = text("""
    UPDATE order_lines l SET state = 'sent', sent_at = :now, gateway = :gateway
    FROM orders o, unnest(CAST(:orders AS text[]), CAST(:stations AS text[])) AS n (o, s)
    WHERE l.order_id = n.o AND l.station_id = n.s AND l.state = 'waiting'
      AND o.order_id = l.order_id AND o.cancelled_at IS NULL
    RETURNING l.station_id, o.*""")
_wait_again = text("""
    UPDATE order_lines SET state = 'waiting', sent_at = NULL, gateway = ''
    WHERE order_id = :order_id AND station_id = :station_id AND state = 'sent'""")
_SETTLE: Final = """
    UPDATE order_lines l SET state = 'settled', outcome = '{outcome}', settled_at = :now
    FROM orders o WHERE o.order_id = l.order_id AND {which}
    RETURNING l.order_id, l.station_id, l.tenant_id, o.command ->> 'command' AS word"""
_expired = text(
    _SETTLE.format(outcome="expired", which="l.state = 'waiting' AND o.expires_at <= :now")
)
_away = text(
    _SETTLE.format(
        outcome="away",
        which="l.state = 'waiting' AND NOT o.queue AND NOT EXISTS (SELECT FROM stations s"
        " WHERE s.station_id = l.station_id AND s.connected AND s.booted_at IS NOT NULL)",
    )
)
_lost = text(_SETTLE.format(outcome="lost", which="l.state = 'sent' AND l.gateway = :gateway"))
_cancelled = text(
    _SETTLE.format(outcome="cancelled", which="l.state = 'waiting' AND l.order_id = :order_id")
)
_old = text("""
    DELETE FROM orders WHERE asked_at < :before AND NOT EXISTS (
      SELECT FROM order_lines l WHERE l.order_id = orders.order_id AND l.state <> 'settled')""")

_some_wait = text("SELECT EXISTS (SELECT FROM order_lines WHERE state = 'waiting')")

Settled = tuple[OrderId, StationId, TenantId, str]
"""(Order, station, tenant, the command's word)."""


async def some_wait(unit: Unit) -> bool:
    """Whether there is anything to do: most of the time there is not."""
    return bool(await unit.conn.scalar(_some_wait))


async def ready(
    unit: Unit, *, gateway: str, busy: Sequence[StationId], most: int
) -> list[tuple[OrderId, StationId, int]]:
    """What can be put now to stations of this gateway, oldest orders first."""
    values = {"gateway": gateway, "busy": list(busy), "most": most}
    rows = await unit.conn.execute(_ready, values)
    return [(OrderId(row.order_id), StationId(row.station_id), row.at_once_max) for row in rows]


async def send(
    unit: Unit, picked: Sequence[tuple[OrderId, StationId]], *, gateway: str, now: datetime
) -> list[tuple[Order, StationId]]:
    """Mark these as sent, before they are; returns those that were still waiting."""
    names = {"orders": [order for order, _ in picked], "stations": [name for _, name in picked]}
    rows = await unit.conn.execute(_send, {**names, "gateway": gateway, "now": now})
    return [(_order(row), StationId(row.station_id)) for row in rows]


async def wait_again(unit: Unit, order_id: OrderId, station: StationId) -> None:
    """Nothing was sent after all."""
    await unit.conn.execute(_wait_again, {"order_id": order_id, "station_id": station})


async def settle(
    unit: Unit, order_id: OrderId, station: StationId, *, outcome: str, answer: Answer, at: datetime
) -> None:
    """The station answered, or it is known that it will not."""
    c = order_lines.c
    await unit.conn.execute(
        update(order_lines)
        .where(c.order_id == order_id, c.station_id == station)
        .values(
            state=LineState.SETTLED.value,
            outcome=outcome,
            answer=msgspec.to_builtins(answer),
            settled_at=at,
        )
    )


async def expire(unit: Unit, now: datetime) -> list[Settled]:
    return _settled(await unit.conn.execute(_expired, {"now": now}))


async def give_up_on_absent(unit: Unit, now: datetime) -> list[Settled]:
    """Orders that do not wait end where nobody is connected."""
    return _settled(await unit.conn.execute(_away, {"now": now}))


async def lose(unit: Unit, gateway: str, now: datetime) -> list[Settled]:
    """What was on the wire when this gateway died: nobody knows."""
    return _settled(await unit.conn.execute(_lost, {"gateway": gateway, "now": now}))


async def cancel(unit: Unit, order_id: OrderId, now: datetime) -> list[Settled]:
    """End what was not sent yet."""
    await unit.conn.execute(
        update(orders)
        .where(orders.c.order_id == order_id, orders.c.cancelled_at.is_(None))
        .values(cancelled_at=now)
    )
    return _settled(await unit.conn.execute(_cancelled, {"order_id": order_id, "now": now}))


async def forget_old(unit: Unit, before: datetime) -> None:
    await unit.conn.execute(_old, {"before": before})


def _settled(rows: Any) -> list[Settled]:
    return [
        (OrderId(row.order_id), StationId(row.station_id), TenantId(row.tenant_id), row.word)
        for row in rows
    ]


def _order(row: Any) -> Order:
    return Order(
        id=OrderId(row.order_id),
        tenant=TenantId(row.tenant_id),
        actor=row.actor,
        scopes=frozenset(row.scopes),
        command=msgspec.convert(row.command, ForMany),
        at_once_max=row.at_once_max,
        queue=row.queue,
        expires_at=row.expires_at,
        asked_at=row.asked_at,
        cancelled_at=row.cancelled_at,
    )


def _line(row: Any) -> Line:
    return Line(
        order=OrderId(row.order_id),
        station=StationId(row.station_id),
        tenant=TenantId(row.tenant_id),
        state=LineState(row.state),
        outcome=row.outcome,
        answer=None if row.answer is None else msgspec.convert(row.answer, Answer),
        sent_at=row.sent_at,
        settled_at=row.settled_at,
    )
