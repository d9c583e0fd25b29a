"""The platform and simulated stations that have everything: they understand each other, and the
platform bears those that misbehave."""

from datetime import timedelta
from pathlib import Path

import msgspec

from forecourt.app.house import open_house
from forecourt.app.rooms import DEFAULT_TENANT
from forecourt.base.clock import SystemClock
from forecourt.base.context import Context
from forecourt.domain.access import NewToken
from forecourt.domain.stations import NewStation
from forecourt.settings import load
from forecourt.sim.fleet import FleetOptions, plans, run
from forecourt.sim.stats import Stats
from forecourt.sim.troubles import Rates
from forecourt.sim.world import FEATURES

PASSWORD = "a-password-of-enough-letters"
FLEET = FleetOptions(
    url="",
    stations=18,
    seed=3,
    speed=300.0,
    duration_s=12.0,
    warm=1.0,
    busy=4.0,
    password=PASSWORD,
    features=FEATURES,
    contracts=("DEFCR000000001",),
    rates=Rates(faults_per_day=3.0),
    deflate=True,
)


async def live(database_url: str, folder: Path, fleet: FleetOptions) -> tuple[Stats, int]:
    """Run the fleet against a house of its own; what it counted, and who was connected at last."""
    settings = load(
        {
            "data_dir": folder,
            "database_url": database_url,
            "ocpp_port": 0,
            "http_port": 0,
            "log_level": "error",
        }
    )
    connected: list[int] = []
    async with open_house(settings, SystemClock()) as house:
        now = SystemClock().now() - timedelta(days=2)
        ctx = Context(actor="test", tenant=DEFAULT_TENANT, now=now)
        await house.rooms.stations.add_many(
            ctx, [NewStation(id=p.identity, password=PASSWORD.encode()) for p in plans(fleet)]
        )
        for uid in fleet.tokens:
            await house.rooms.access.add(ctx, NewToken(uid=uid, label="driver", sessions_max=None))
        stats = await run(
            msgspec.structs.replace(fleet, url=house.ocpp_url),
            on_stats=lambda _: connected.append(len(house.gateway)),
        )
    return stats, connected[-1]


async def test_nothing_that_a_station_says_is_refused(database_url: str, tmp_path: Path) -> None:
    stats, connected = await live(database_url, tmp_path, FLEET)
    assert connected == FLEET.stations
    assert stats.boots >= FLEET.stations
    assert stats.ended > 10
    assert (stats.call_errors, stats.malformed, stats.given_up, stats.timeouts) == (0, 0, 0, 0)


async def test_bad_stations_cost_nobody_but_themselves(database_url: str, tmp_path: Path) -> None:
    fleet = msgspec.structs.replace(FLEET, mischief=0.9, naughty=0.5, knobs={"fail_share": "0.3"})
    stats, connected = await live(database_url, tmp_path, fleet)
    assert connected >= FLEET.stations - 2, "one may be rebooting"
    assert stats.mischief > 5
    assert stats.call_errors > 2, "what is broken is refused in the protocol's own way"
    assert stats.malformed == 0, "the platform breaks nothing itself"
    assert stats.ended > 10
