"""The house stops and opens again: what was acknowledged is there, and stations go on."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from forecourt.base.clock import ManualClock
from forecourt.domain.sessions import SessionState
from tests.edge.ocpp.house import a_yard, stamp
from tests.edge.ocpp.says import event, meter, start, status, stop
from tests.edge.ocpp.wire import Closed, Wire


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 3, 2, 8, tzinfo=UTC))


def at(clock: ManualClock) -> str:
    return stamp(clock.now())


async def charge(clock: ManualClock, wire: Wire, number: int, until_wh: int) -> None:
    """A quarter of an hour of readings, each minute one."""
    for n in range(1, 16):
        clock.advance(60)
        wh = until_wh - 1_500 + 100 * n
        assert await wire.call("MeterValues", meter(at(clock), wh, number)) == {}


async def test_sessions_outlive_the_house(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with a_yard(database_url, tmp_path, clock) as yard:
        old, wire = await yard.station()
        new, wire_2x = await yard.station("2.0.1")
        card = await yard.token(sessions_max=2)
        begun = await wire.call("StartTransaction", start(card, at(clock), 0))
        number = begun["transactionId"]
        body = event("Started", "tx", 0, at(clock), 0, evse=1, token=card)
        assert (await wire_2x.call("TransactionEvent", body))["idTokenInfo"]["status"] == "Accepted"
        await charge(clock, wire, number, 1_500)
        await wire_2x.call("TransactionEvent", event("Updated", "tx", 1, at(clock), 900))
        left = at(clock)

    for socket in (wire, wire_2x):
        assert (await socket.closed()).code == 1001
    clock.advance(600)

    async with a_yard(database_url, tmp_path, clock) as yard:
        known, _ = await yard.rooms.stations.read(yard.ctx, old)
        assert not known.connected
        assert (await yard.session(old)).progress.energy_wh == 1_500
        wire = await yard.connect(old)
        # Its last message again, in case the answer was lost; then it goes on, without a boot.
        assert await wire.call("MeterValues", meter(left, 1_500, number)) == {}
        await charge(clock, wire, number, 3_000)
        end = stop(number, at(clock), 3_050, idTag=card)
        assert (await wire.call("StopTransaction", end))["idTagInfo"]["status"] == "Accepted"
        wire_2x = await yard.connect(new, "2.0.1")
        await wire_2x.call("TransactionEvent", event("Updated", "tx", 1, left, 900))
        await wire_2x.call("TransactionEvent", event("Ended", "tx", 2, at(clock), 2_000))
        first, second = await yard.session(old), await yard.session(new)
        assert (first.state, second.state) == (SessionState.ENDED, SessionState.ENDED)
        assert (first.progress.energy_wh, second.progress.energy_wh) == (3_050, 2_000)
        assert first.progress.flags == second.progress.flags == ()
        assert len(await yard.readings(old)) == 30
        assert len(await yard.readings(new)) == 3
        assert len(await yard.events(old, "session.ended")) == 1


async def test_what_is_in_hand_when_the_house_stops_is_answered_or_done_again(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with a_yard(database_url, tmp_path, clock) as yard:
        name, wire = await yard.station()
        asked = [wire.ask("StatusNotification", status(n, "Available")) for n in range(1, 31)]
        await wire.flushed()
        assert (await wire.message())[1] == asked[0]
    acknowledged = 1
    code = None
    while code is None:
        try:
            message = await wire.message()
        except Closed as told:
            code = told.code
        else:
            assert message[:2] == [3, asked[acknowledged]]
            acknowledged += 1
    assert code == 1001
    async with a_yard(database_url, tmp_path, clock) as yard:
        _, connectors = await yard.rooms.stations.read(yard.ctx, name)
        assert len(connectors) >= acknowledged
