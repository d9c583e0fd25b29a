"""Commands for many stations, and for stations that are away."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from msgspec.structs import replace

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.domain.orders import (
    Chosen,
    Line,
    LineState,
    NewOrder,
    Order,
    OrderInvalid,
    OrderUnknown,
    Progress,
)
from forecourt.domain.orders.service.orders import WAITING_MAX
from forecourt.domain.stations import (
    ClearCache,
    Outcome,
    Raw,
    SetVariables,
    Unlock,
    VariableValue,
)
from forecourt.domain.tenants import ScopeMissing
from tests.edge.ocpp.asked import heard, quiet
from tests.edge.ocpp.house import IN_THE_HOUSE, PATIENCE_S, Yard, a_yard
from tests.edge.ocpp.wire import Wire
from tests.fixtures.database import database, on_database

pytestmark = [IN_THE_HOUSE, pytest.mark.storage]

SOON = timedelta(hours=1)


async def lines(yard: Yard, order: Order) -> dict[StationId, Line]:
    page = await yard.rooms.orders.lines(yard.ctx, order.id)
    return {line.station: line for line in page.items}


async def progress(yard: Yard, order: Order) -> Progress:
    return (await yard.rooms.orders.read(yard.ctx, order.id))[1]


async def ended(yard: Yard, order: Order) -> Progress:
    """Wait until nothing of an order is open."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await progress(yard, order)
            if found.settled == found.total:
                return found
            await asyncio.sleep(0.01)


async def sent(yard: Yard, order: Order, count: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (await progress(yard, order)).sent != count:  # noqa: ASYNC110 (it is in the database)
            await asyncio.sleep(0.01)


async def obey(wire: Wire, status: str = "Accepted") -> None:
    message_id, action, _ = await heard(wire)
    assert action == "ClearCache"
    wire.answer(message_id, {"status": status})


async def test_many_stations_good_slow_bad_and_absent(yard: Yard) -> None:
    stations = [await yard.station(version) for version in ("1.6", "2.0.1", "2.1", "1.6")]
    away = await yard.add()
    named = (*(name for name, _ in stations), away)
    new = NewOrder(command=ClearCache(), stations=named, at_once_max=2)
    order, first = await yard.rooms.orders.place(yard.ctx, new)
    assert (first.total, first.waiting) == (5, 5)
    await sent(yard, order, 2)
    asked = [(await heard(wire), wire) for _, wire in stations[:2]]
    assert all([await quiet(wire) for _, wire in stations[2:]]), "two at once, no more"
    (slow, _), (quick, quick_wire) = asked
    quick_wire.answer(quick[0], {"status": "Accepted"})
    await obey(stations[2][1])
    await stations[3][1].asked("ClearCache")
    await stations[3][1].close(None)
    asked[0][1].answer(slow[0], {"status": "Rejected"})
    found = await ended(yard, order)
    assert found.outcomes == {"accepted": 2, "rejected": 1, "disconnected": 1, "away": 1}
    told = await lines(yard, order)
    assert told[away].answer is None
    assert {told[name].outcome for name, _ in stations[1:3]} == {"accepted"}
    answer = told[stations[0][0]].answer
    assert answer is not None
    assert answer.outcome is Outcome.REJECTED
    facts = [await yard.events(name, "command.settled") for name in named]
    assert [len(each) for each in facts] == [1, 1, 1, 1, 1]


async def test_a_station_that_never_said_what_it_is_counts_as_away(yard: Yard) -> None:
    name = await yard.add()
    wire = await yard.connect(name)
    order, _ = await yard.rooms.orders.place(
        yard.ctx, NewOrder(command=ClearCache(), stations=(name,))
    )
    assert (await ended(yard, order)).outcomes == {"away": 1}
    assert await quiet(wire)


async def test_those_of_a_site(yard: Yard) -> None:
    inside, wire = await yard.station()
    _, outside = await yard.station()
    await yard.rooms.stations.change(yard.ctx, inside, site="depot-7")
    new = NewOrder(command=ClearCache(), chosen=Chosen(site="depot-7", connected=True))
    order, _ = await yard.rooms.orders.place(yard.ctx, new)
    await obey(wire)
    assert (await ended(yard, order)).outcomes == {"accepted": 1}
    assert await quiet(outside)


async def test_an_order_that_is_cancelled(yard: Yard) -> None:
    stations = [await yard.station() for _ in range(3)]
    named = tuple(name for name, _ in stations)
    new = NewOrder(command=ClearCache(), stations=named, at_once_max=1)
    order, _ = await yard.rooms.orders.place(yard.ctx, new)
    await sent(yard, order, 1)
    cancelled, now = await yard.rooms.orders.cancel(yard.ctx, order.id)
    assert cancelled.cancelled_at is not None
    assert (now.sent, now.outcomes) == (1, {"cancelled": 2})
    await obey(stations[0][1])
    assert (await ended(yard, order)).outcomes == {"accepted": 1, "cancelled": 2}
    assert await quiet(stations[1][1])


async def test_a_command_waits_until_its_station_has_booted(yard: Yard) -> None:
    name = await yard.add()
    new = NewOrder(
        command=ClearCache(), stations=(name,), queue=True, expires_at=yard.clock.now() + SOON
    )
    order, _ = await yard.rooms.orders.place(yard.ctx, new)
    wire = await yard.connect(name)
    assert await quiet(wire, 0.2), "it has not said yet what it is"
    assert (await progress(yard, order)).waiting == 1
    await yard.boot(wire)
    await obey(wire)
    assert (await ended(yard, order)).outcomes == {"accepted": 1}


async def test_a_command_that_waits_expires(yard: Yard) -> None:
    name = await yard.add()
    expires_at = yard.clock.now() + timedelta(milliseconds=100)
    new = NewOrder(command=ClearCache(), stations=(name,), queue=True, expires_at=expires_at)
    order, _ = await yard.rooms.orders.place(yard.ctx, new)
    await asyncio.sleep(0.2)
    _, wire = await yard.station()  # Something happens, and the orders are looked at.
    assert (await ended(yard, order)).outcomes == {"expired": 1}
    await wire.close()


async def test_commands_for_one_station_go_one_after_another(yard: Yard) -> None:
    name, wire = await yard.station()
    first = NewOrder(command=ClearCache(), stations=(name,))
    second = NewOrder(command=Unlock(evse=1), stations=(name,))
    orders = [(await yard.rooms.orders.place(yard.ctx, new))[0] for new in (first, second)]
    message_id, action, _ = await heard(wire)
    assert action == "ClearCache"
    assert await quiet(wire)
    assert [(await progress(yard, order)).sent for order in orders] == [1, 0]
    wire.answer(message_id, {"status": "Accepted"})
    message_id, action, _ = await heard(wire)
    assert action == "UnlockConnector"
    wire.answer(message_id, {"status": "NotSupported"})
    assert (await ended(yard, orders[1])).outcomes == {"unsupported": 1}


async def test_too_much_waits_for_one_station(yard: Yard) -> None:
    name = await yard.add()
    new = NewOrder(
        command=ClearCache(), stations=(name,), queue=True, expires_at=yard.clock.now() + SOON
    )
    orders = [(await yard.rooms.orders.place(yard.ctx, new))[0] for _ in range(WAITING_MAX + 1)]
    assert (await progress(yard, orders[-1])).outcomes == {"crowded": 1}
    assert (await progress(yard, orders[-2])).waiting == 1


async def test_orders_that_cannot_be(yard: Yard) -> None:
    name = await yard.add()
    good = NewOrder(command=ClearCache(), stations=(name,))
    password = SetVariables(variables=(VariableValue(variable="AuthorizationKey", value="x"),))
    for bad in (
        replace(good, stations=()),
        replace(good, chosen=Chosen()),
        replace(good, stations=(StationId("nobody-at-all"),)),
        replace(good, stations=(), chosen=Chosen(site="no such site")),
        replace(good, queue=True),
        replace(good, queue=True, expires_at=yard.clock.now() - SOON),
        replace(good, queue=True, expires_at=yard.clock.now() + timedelta(days=365)),
        replace(good, command=password),
    ):
        with pytest.raises(OrderInvalid):
            await yard.rooms.orders.place(yard.ctx, bad)
    with pytest.raises(ScopeMissing):
        await yard.rooms.orders.place(yard.ctx, replace(good, command=Raw(action="ClearCache")))
    order, _ = await yard.rooms.orders.place(yard.ctx, good)
    others = Context(actor="test", tenant=yard.ctx.tenant.__class__("other"), now=yard.ctx.now)
    with pytest.raises(OrderUnknown):
        await yard.rooms.orders.read(others, order.id)


@pytest_asyncio.fixture(loop_scope="session")
async def own_url(database_server_url: str, template: str) -> AsyncGenerator[str]:
    """A database that two houses use, one after another."""
    with database(database_server_url, f"TEMPLATE {template}") as name:
        yield on_database(database_server_url, name)


async def test_over_a_restart_what_waited_waits_and_what_was_sent_is_lost(
    own_url: str, tmp_path: Path
) -> None:
    async with a_yard(own_url, tmp_path) as yard:
        busy, _ = await yard.station()
        away = await yard.add()
        expires_at = yard.clock.now() + SOON
        new = NewOrder(
            command=ClearCache(), stations=(busy, away), queue=True, expires_at=expires_at
        )
        order, _ = await yard.rooms.orders.place(yard.ctx, new)
        await sent(yard, order, 1)
        assert (await lines(yard, order))[busy].state is LineState.SENT
    # What a house writes while it closes in good order is taken back: it died with its call open.
    conn: asyncpg.Connection = await asyncpg.connect(own_url)
    await conn.execute(
        "UPDATE order_lines SET state = 'sent', outcome = '', answer = NULL, settled_at = NULL"
        " WHERE station_id = $1",
        busy,
    )
    await conn.close()
    async with a_yard(own_url, tmp_path) as yard:
        found = await progress(yard, order)
        assert (found.waiting, found.sent) == (1, 0)
        wire = await yard.connect(away)
        await yard.boot(wire)
        await obey(wire)
        wire_again = await yard.connect(busy)
        await yard.boot(wire_again)
        assert await quiet(wire_again, 0.3), "at most once"
        assert (await ended(yard, order)).outcomes == {"accepted": 1, "lost": 1}
        facts = await yard.events(busy, "command.settled")
        assert '"outcome":"lost"' in facts[-1]["body"].replace(" ", "")
