"""A station that is there and frees its outlet, and never says that the session is over."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from forecourt.base.clock import ManualClock
from forecourt.base.ids import StationId
from forecourt.domain.sessions import Flag, SessionState
from tests.edge.ocpp.house import Yard, a_yard
from tests.edge.ocpp.says import meter, start, status, stop
from tests.edge.ocpp.wire import Wire

pytestmark = [pytest.mark.database, pytest.mark.storage]
BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUARTER_S = 15 * 60


async def begun(yard: Yard, clock: ManualClock) -> tuple[StationId, Wire, int]:
    """A session that told 500 Wh, and whose car has left."""
    name, wire = await yard.station()
    begun = await wire.call("StartTransaction", start(await yard.token(), yard.at(), 1_000))
    clock.advance(60)
    number = begun["transactionId"]
    await wire.call("MeterValues", meter(yard.at(), 1_500, number))
    clock.advance(60)
    await wire.call("StatusNotification", status(1, "Available", yard.at()))
    clock.advance(QUARTER_S + 1)
    return name, wire, number


async def test_the_next_word_of_its_station_ends_it(database_url: str, tmp_path: Path) -> None:
    clock = ManualClock(BEGAN)
    async with a_yard(database_url, tmp_path, clock, fetch_device_models=False) as yard:
        name, wire, _ = await begun(yard, clock)
        await wire.call("Heartbeat", {})
        found = await yard.session(name)
        assert (found.state, found.stop_reason) == (SessionState.ENDED, "Lost")
        assert found.ended_at == BEGAN + timedelta(minutes=2)
        assert (found.progress.energy_wh, found.progress.flags) == (500, (Flag.STOP_MISSING,))
        ends = "SELECT count(*) FROM events WHERE type = 'session.ended'"
        assert await yard.value(ends) == 1


async def test_its_stop_is_heard_first(database_url: str, tmp_path: Path) -> None:
    clock = ManualClock(BEGAN)
    async with a_yard(database_url, tmp_path, clock, fetch_device_models=False) as yard:
        name, wire, number = await begun(yard, clock)
        await wire.call("StopTransaction", stop(number, yard.at(-QUARTER_S), 1_700))
        found = await yard.session(name)
        assert (found.stop_reason, found.progress.flags) == ("Local", ())
        assert found.progress.energy_wh == 700
