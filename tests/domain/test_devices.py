"""What is due and who has it; what a station may fill; what is kept of it: on a true database."""

import asyncio
import time
from datetime import datetime, timedelta
from typing import Final

import asyncpg
import pytest
from sqlalchemy import select

from forecourt.base import pages
from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.domain.catalogue import Catalogue
from forecourt.domain.devices import (
    Caretaker,
    Devices,
    ReportPart,
    State,
    Template,
    TemplateExists,
    Wanted,
    store,
)
from forecourt.domain.devices.service.devices import LOOKS_PER_SECOND
from forecourt.domain.devices.store import claim, find_upkeep, release
from forecourt.domain.stations import Variable
from forecourt.infra import listing
from forecourt.infra.database import DatabaseAway
from tests.domain.conftest import CP1, NOW, Site
from tests.fixtures.plans import explaining

HOUR: Final = timedelta(hours=1)


def variable(name: str, value: str | None = "1", **more: object) -> Variable:
    fields = {"component": "C", "variable": name, "value": value, **more}
    return Variable(**fields)  # type: ignore[arg-type]  # each case has its own fields


async def told(site: Site, *variables: Variable, part: ReportPart | None = None) -> None:
    """One message of the station's; committed."""
    async with site.turn() as turn:
        site.devices.reported(turn.ctx, CP1, variables, turn.changes, part)


async def claimed(site: Site, *, after: timedelta = timedelta()) -> list[StationId]:
    now = site.clock.now() + after
    async with site.db.house_unit() as unit:
        return [name for name, _ in await claim(unit, now=now, until=now + HOUR, most=10)]


async def values(site: Site) -> dict[str, str | None]:
    found = await site.devices.variables(site.ctx, CP1)
    return {kept.variable.variable: kept.variable.value for kept in found}


class TestWhatIsDue:
    async def test_nobody_else_gets_it_until_it_is_released(self, site: Site) -> None:
        await told(site, variable("V"))
        assert await claimed(site) == [CP1]
        assert await claimed(site) == []
        async with site.db.house_unit() as unit:
            await release(unit, CP1, due_at=site.clock.now() + HOUR)
        assert await claimed(site) == []
        assert await claimed(site, after=HOUR) == [CP1]

    async def test_what_happens_meanwhile_is_due_afterwards(self, site: Site) -> None:
        await told(site, variable("V"))
        assert await claimed(site) == [CP1]
        await told(site, variable("V", "2"))
        assert await claimed(site) == []
        async with site.db.house_unit() as unit:
            await release(unit, CP1, due_at=None)
        assert await claimed(site) == [CP1]

    async def test_a_claim_ends_with_whoever_had_it(self, site: Site) -> None:
        await told(site, variable("V"))
        assert await claimed(site) == [CP1]
        assert await claimed(site, after=2 * HOUR) == [CP1]

    async def test_a_boot_waits_and_a_part_of_a_report_is_not_due(self, site: Site) -> None:
        async with site.turn() as turn:
            site.devices.booted(turn.ctx, CP1, turn.changes)
        assert await claimed(site) == []
        part = ReportPart(request_id=1, seq_no=0, last=False, whole=True)
        await told(site, variable("V"), part=part)
        assert await claimed(site) == []
        assert await claimed(site, after=timedelta(seconds=41)) == [CP1]

    async def test_a_template_makes_all_stations_due_but_not_in_one_moment(
        self, site: Site
    ) -> None:
        async with site.db.unit(site.ctx) as unit:
            for number in range(200):
                station = StationId(f"S{number:03}")
                await store.make_due(unit, station, site.ctx.tenant, NOW + 24 * HOUR)
        template = Template(name="T", values=(Wanted(component="C", variable="V", value="1"),))
        await site.devices.add_template(site.ctx, template)
        with pytest.raises(TemplateExists):
            await site.devices.add_template(site.ctx, template)
        at_once = "upkeep WHERE due_at <= TIMESTAMPTZ '2026-03-01 12:00:00+00'"
        assert await site.count(at_once) == 25
        assert (
            await site.count("upkeep WHERE due_at <= TIMESTAMPTZ '2026-03-01 12:00:07+00'") == 200
        )


class Troubled(Devices):
    """Some stations bring out mistakes of ours, and for some the database is away."""

    def __init__(self, site: Site) -> None:
        super().__init__(site.db, stations=site.stations, links=site.links, catalogue=Catalogue())
        self.looked: list[StationId] = []

    async def tend(self, ctx: Context, station: StationId) -> datetime | None:
        self.looked.append(station)
        if station == "BUG":
            raise RuntimeError
        if station == "AWAY":
            raise DatabaseAway("away")
        return await super().tend(ctx, station)


async def test_one_stations_trouble_does_not_end_the_care_of_all(site: Site) -> None:
    devices = Troubled(site)
    names = [StationId(name) for name in ("AWAY", "BUG", "CP1", "GONE")]
    async with site.db.unit(site.ctx) as unit:
        for name in names:
            await store.make_due(unit, name, site.ctx.tenant, NOW)
    caretaker = Caretaker(site.db, devices, site.clock)
    busy = "upkeep WHERE claimed_until IS NOT NULL OR due_at = TIMESTAMPTZ '2026-03-01 12:00:00+00'"
    async with asyncio.TaskGroup() as tasks:
        run = tasks.create_task(caretaker.run())
        async with asyncio.timeout(8):
            while await site.count(busy):  # noqa: ASYNC110 (the caretaker tells nobody)
                await asyncio.sleep(0.05)
        run.cancel()
    assert sorted(devices.looked) == names
    later = "upkeep WHERE due_at = TIMESTAMPTZ '2026-03-01 12:05:00+00'"
    assert await site.count(later) == 2, "they are tried again"
    assert await site.count("upkeep WHERE station_id = 'GONE'") == 0
    assert await site.count("upkeep WHERE station_id = 'CP1' AND checked_at IS NOT NULL") == 1


@pytest.mark.parametrize(("busy", "stations"), [(False, 40), (True, 5)])
async def test_a_whole_network_that_is_due_does_not_get_the_core(
    site: Site,
    busy: bool,  # noqa: FBT001  # a column of the table above
    stations: int,
) -> None:
    """All stations that come back at once are due at once; who charges there goes first."""
    devices = Troubled(site)
    names = [StationId(f"S{number:02}") for number in range(stations)]
    async with site.db.unit(site.ctx) as unit:
        for name in names:
            await store.make_due(unit, name, site.ctx.tenant, NOW)
    caretaker = Caretaker(site.db, devices, site.clock, busy=lambda: busy)
    async with asyncio.TaskGroup() as tasks:
        began_s = time.monotonic()
        run = tasks.create_task(caretaker.run())
        async with asyncio.timeout(20):
            while len(devices.looked) < len(names):  # noqa: ASYNC110 (the caretaker tells nobody)
                await asyncio.sleep(0.02)
        took_s = time.monotonic() - began_s
        run.cancel()
    assert took_s >= (stations - 1) / LOOKS_PER_SECOND * (10 if busy else 1)


class TestWhatIsKept:
    async def test_a_secret_is_not(self, site: Site) -> None:
        await told(
            site,
            variable("Vendors", "hush", mutability="WriteOnly"),
            Variable(component="SecurityCtrlr", variable="BasicAuthPassword", value="hush"),
        )
        # Nor by the answer to a command, which does not say what it is.
        await told(site, variable("Vendors", "hush again"))
        assert await values(site) == {"Vendors": None, "BasicAuthPassword": None}
        assert await site.count("variables WHERE value LIKE 'hush%'") == 0

    async def test_an_answer_changes_a_value_and_nothing_else(self, site: Site) -> None:
        whole = variable(
            "V",
            mutability="ReadWrite",
            persistent=True,
            data_type="integer",
            unit="s",
            min_limit=0.5,
            max_limit=9.0,
            elements_max=3,
            values_list="1,2",
            supports_monitoring=True,
        )
        await told(site, whole)
        await told(site, variable("V", "2"))
        (kept,) = await site.devices.variables(site.ctx, CP1)
        assert kept.variable == variable(
            "V",
            "2",
            mutability="ReadWrite",
            persistent=True,
            data_type="integer",
            unit="s",
            min_limit=0.5,
            max_limit=9.0,
            elements_max=3,
            values_list="1,2",
            supports_monitoring=True,
        )

    async def test_a_report_that_is_not_whole_makes_nothing_go(self, site: Site) -> None:
        await told(site, variable("Old"))
        await told(
            site,
            variable("A"),
            part=ReportPart(request_id=1, seq_no=0, last=False, whole=True),
        )
        await told(
            site,
            variable("B"),
            part=ReportPart(request_id=1, seq_no=2, last=True, whole=True),
        )
        await site.devices.tend(site.ctx, CP1)
        assert set(await values(site)) == {"Old", "A", "B"}
        await told(
            site,
            variable("Between"),
            part=ReportPart(request_id=1, seq_no=1, last=False, whole=True),
        )
        await site.devices.tend(site.ctx, CP1)
        assert set(await values(site)) == {"A", "B", "Between"}
        assert await site.count("report_parts") == 0
        async with site.db.unit(site.ctx) as unit:
            held = await find_upkeep(unit, CP1)
        assert held is not None
        assert (held.state, held.model_of) == (State.UNMANAGED, "//")

    async def test_a_station_cannot_fill_the_disk(self, site: Site) -> None:
        part = ReportPart(request_id=9, seq_no=6_000, last=False, whole=True)
        for batch in range(6):
            names = [variable(f"V{batch}-{n}") for n in range(2_000)]
            await told(site, *names, part=part)
        assert await site.count("report_parts") == 0, "no report has so many parts"
        assert await claimed(site) == [CP1]
        await site.devices.tend(site.ctx, CP1)
        assert await site.count("variables") == 10_000
        assert "V5-0" in await values(site), "the newest stay"


@pytest.mark.parametrize("sort", ["checked_at", "-checked_at"])
async def test_an_index_has_the_order_in_which_stations_were_looked_at(
    site: Site, sort: str
) -> None:
    """Else each page would sort all stations."""
    asked = listing._Asked(store._LISTING, pages.Wanted(sort=sort))
    query = listing._narrowed(select(store.upkeep), store._LISTING, asked, [], [])
    conn = await asyncpg.connect(site.db.url)
    await conn.execute(
        "INSERT INTO upkeep (station_id, tenant_id, checked_at) SELECT 'S' || n, 'acme',"
        " CASE WHEN n % 50 > 0 THEN now() - (n * 7919 % 20000) * interval '1 minute' END"
        " FROM generate_series(1, 20000) AS n"
    )
    await conn.execute("ANALYZE upkeep")
    async with conn.transaction():
        await conn.execute("SELECT set_config('forecourt.tenant', 'acme', true)")
        await conn.execute("SET LOCAL ROLE forecourt_tenant")
        plan = "\n".join(row[0] for row in await conn.fetch(explaining(query)))
    await conn.close()
    assert "Index Scan using upkeep_checked" in plan
    assert "Sort" not in plan
