"""The caretaker of stations, when the house ends or a station comes amid its work."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from forecourt.base.clock import ManualClock
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.devices import State, Upkeep, store
from forecourt.infra.database import Unit
from tests.edge.ocpp.house import IN_THE_HOUSE, Yard, a_yard, until
from tests.edge.ocpp.upkeep import (
    BEAT,
    FETCH,
    a_station,
    eventually,
    known,
    stands,
    template,
    values,
)

pytestmark = [IN_THE_HOUSE, pytest.mark.storage, pytest.mark.usefixtures("watchful")]
NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_the_house_falls_amid_a_report(
    database_url: str, tmp_path: Path, version: str
) -> None:
    """What was told stays; what was not is asked for again; and then it is set as it shall be."""
    clock = ManualClock(NOW)
    async with (
        a_yard(database_url, tmp_path, clock, upkeep_after_boot_s=0) as yard,
        a_station(yard, version) as (name, station),
    ):
        made = template(name, ("OCPPCommCtrlr.ResetRetries", "5"), auto=True)
        await yard.rooms.devices.add_template(yard.ctx, made)
        station.stop_after_part = 0
        station.boot()

        async def begun() -> bool:
            return BEAT in await values(yard, name)

        await eventually(begun)
        assert not await known(yard, name)
    async with a_yard(database_url, tmp_path, clock, upkeep_after_boot_s=0) as yard:
        clock.advance(121)
        # It does not boot again: its socket was cut, not its power.
        async with a_station(yard, version, name=name) as (_, station):
            await stands(yard, name, State.CONFORMS)
            assert station.count(*FETCH) == 1
            assert station.entries[4].value == "5"
            assert len(await values(yard, name)) == len(station.entries)


async def test_a_look_that_the_end_of_the_house_cut_off_is_made_up_for_at_once(
    database_url: str, tmp_path: Path
) -> None:
    """What a gateway claimed and did not finish is nobody's when it ended in good order."""
    clock = ManualClock(NOW)
    async with (
        a_yard(database_url, tmp_path, clock, upkeep_after_boot_s=0) as yard,
        a_station(yard, "2.1") as (name, station),
    ):
        station.silent = True
        station.boot()
        await until(lambda: station.count(*FETCH) == 1)
    async with a_yard(database_url, tmp_path, clock, upkeep_after_boot_s=0) as yard:
        # Nothing happens to it, and no time goes by.
        looked = "SELECT due_at > $2 FROM upkeep WHERE station_id = $1"
        await eventually(lambda: yard.value(looked, name, clock.now()))


async def test_a_station_that_comes_while_it_is_looked_at_is_due_at_once(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was away when the look began, and the news of its coming found nothing that waits."""
    name, wire = await yard.station("2.1")
    await wire.close(None)
    links = yard.rooms.devices._links
    await until(lambda: links.find(name) is None)
    hold = store.hold_upkeep

    async def slow(unit: Unit, station: StationId, tenant: TenantId) -> Upkeep:
        await yard.connect(name, "2.1")
        await until(lambda: links.find(name) is not None)
        return await hold(unit, station, tenant)

    monkeypatch.setattr(store, "hold_upkeep", slow)
    ctx = yard.ctx
    assert await yard.rooms.devices.tend(ctx, name) == ctx.now
