"""The whole house in one process, and stations of the test's own making before its door."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from forecourt.app.house import House, open_house
from forecourt.base.clock import Clock, SystemClock
from forecourt.base.context import Context
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.access import NewToken
from forecourt.domain.sessions import Session
from forecourt.domain.stations import Admission, NewStation
from forecourt.settings import load
from tests.edge.ocpp.wire import Wire

IN_THE_HOUSE: Final = pytest.mark.asyncio(loop_scope="session")
TENANT: Final = TenantId("default")
PATIENCE_S: Final = 20.0
BOOT_16: Final = {"chargePointVendor": "Acme", "chargePointModel": "One"}
BOOT_2X: Final = {"reason": "PowerUp", "chargingStation": {"vendorName": "Acme", "model": "Two"}}
SUBPROTOCOLS: Final = {"1.6": "ocpp1.6", "2.0.1": "ocpp2.0.1", "2.1": "ocpp2.1"}

_numbers = itertools.count(1)


def stamp(moment: datetime) -> str:
    """A moment as stations write it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Yard:
    """A running house, and what a test wants of it."""

    def __init__(self, house: House, clock: Clock, conn: asyncpg.Connection) -> None:
        self.house = house
        self.rooms = house.rooms
        self.gateway = house.gateway
        self.clock = clock
        self._conn = conn
        self._wires: list[Wire] = []

    @property
    def ctx(self) -> Context:
        return Context(actor="test", tenant=TENANT, now=self.clock.now())

    def at(self, seconds: float = 0) -> str:
        """A moment before or after now, as stations write it."""
        return stamp(self.clock.now() + timedelta(seconds=seconds))

    # ---- stations and tokens ------------------------------------------------------------------

    async def add(
        self,
        name: str | None = None,
        *,
        password: bytes | None = None,
        admission: Admission = Admission.ACCEPTED,
        lenient: bool = False,
        quirks: str = "auto",
        log_all: bool = True,
    ) -> StationId:
        """Make a station known, and wait until the door knows it."""
        station = StationId(name or f"CP{next(_numbers):04}")
        new = NewStation(
            id=station,
            password=password,
            admission=admission,
            lenient=lenient,
            quirks=quirks,
            log_all=log_all,
        )
        await self.rooms.stations.add(self.ctx, new)
        await until(lambda: station in self.gateway._doors)
        return station

    async def token(self, uid: str | None = None, **more: Any) -> str:
        """Make a token known."""
        uid = uid or f"CARD{next(_numbers):04}"
        await self.rooms.access.add(self.ctx, NewToken(uid=uid, **more))
        return uid

    async def open(
        self,
        path: str,
        *,
        offers: Sequence[str] = ("ocpp1.6",),
        headers: Mapping[str, str] | None = None,
        local: str | None = None,
    ) -> Wire:
        """Knock at the door, from an address."""
        wire = await Wire.open(
            self.house.ocpp_url, path, offers=offers, headers=headers, local=local
        )
        self._wires.append(wire)
        return wire

    async def connect(self, station: str, version: str = "1.6") -> Wire:
        """A station's socket, before it boots."""
        return await self.open(f"/{station}", offers=[SUBPROTOCOLS[version]])

    async def boot(self, wire: Wire, version: str = "1.6") -> dict[str, Any]:
        return await wire.call("BootNotification", BOOT_16 if version == "1.6" else BOOT_2X)

    async def station(
        self, version: str = "1.6", *, lenient: bool = False
    ) -> tuple[StationId, Wire]:
        """A known station that is connected and has booted."""
        name = await self.add(lenient=lenient)
        wire = await self.connect(name, version)
        assert (await self.boot(wire, version))["status"] == "Accepted"
        return name, wire

    async def hang_up(self) -> None:
        """Drop every line that the test opened."""
        for wire in self._wires:
            await wire.close(None)
        self._wires.clear()

    # ---- what was recorded --------------------------------------------------------------------

    async def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        return [dict(row) for row in await self._conn.fetch(sql, *values)]

    async def value(self, sql: str, *values: object) -> Any:
        return await self._conn.fetchval(sql, *values)

    async def sessions(self, station: StationId) -> list[Session]:
        """All sessions of a station, oldest first."""
        return list((await self.rooms.sessions.list(self.ctx, station=station)).items)[::-1]

    async def session(self, station: StationId) -> Session:
        """The only session of a station."""
        (found,) = await self.sessions(station)
        return found

    async def readings(self, station: StationId) -> list[dict[str, Any]]:
        """All readings of a station, by their moments."""
        return await self.rows(
            "SELECT * FROM meter_values WHERE station_id = $1 ORDER BY sampled_at, energy_wh",
            station,
        )

    async def events(self, subject: str, kind: str) -> list[dict[str, Any]]:
        return await self.rows(
            "SELECT * FROM events WHERE subject = $1 AND type = $2 ORDER BY seq", subject, kind
        )


async def until(true: Callable[[], object], *, within_s: float = PATIENCE_S) -> None:
    """Wait for something that happens soon."""
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110 (the house knows nothing of its visitors' events)
            await asyncio.sleep(0.002)


@asynccontextmanager
async def a_yard(
    database_url: str, data_dir: Path, clock: Clock | None = None, **settings: object
) -> AsyncGenerator[Yard]:
    """A house of one's own."""
    clock = clock or SystemClock()
    given = {
        "data_dir": data_dir,
        "database_url": database_url,
        "ocpp_port": 0,
        "http_port": 0,
        **settings,
    }
    failure: BaseException | None = None
    async with open_house(load(given), clock) as house:
        conn: asyncpg.Connection = await asyncpg.connect(database_url)
        yard = Yard(house, clock, conn)
        try:
            yield yard
        except BaseException as error:  # noqa: BLE001 (raised below)
            # The house is closed in good order though the test failed.
            failure = error
        await conn.close()
    await yard.hang_up()
    if failure is not None:
        raise failure
