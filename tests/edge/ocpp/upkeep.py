"""Stations that tell and take their device model, and what the house makes of them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from forecourt.base.ids import StationId
from forecourt.domain.devices import State, Template, Wanted, spelt
from tests.edge.ocpp.house import PATIENCE_S, Yard
from tests.edge.ocpp.pliant import Entry, Pliant

FETCH: Final = ("GetConfiguration", "GetBaseReport")
BEAT: Final = "OCPPCommCtrlr.HeartbeatInterval"
# A clock that is set by hand tells the caretaker nothing; it looks, more often than in earnest.
LOOKS_EVERY_S: Final = 0.05


def entries() -> list[Entry]:
    """What a station has. The first five have keys in 1.6."""
    return [
        Entry(BEAT, "300", "HeartbeatInterval", kind="integer", more=(("maxLimit", 900),)),
        Entry("TxCtrlr.StopTxOnInvalidId", "false", "StopTransactionOnInvalidId", kind="boolean"),
        Entry(
            "SampledDataCtrlr.TxUpdatedMeasurands",
            "Voltage",
            "MeterValuesSampledData",
            kind="MemberList",
        ),
        Entry(
            "SmartChargingCtrlr.ProfileStackLevel",
            "9",
            "ChargeProfileMaxStackLevel",
            readonly=True,
            kind="integer",
        ),
        Entry("OCPPCommCtrlr.ResetRetries", "1", "ResetRetries", kind="integer"),
        Entry("SecurityCtrlr.BasicAuthPassword", "hush", "AuthorizationKey"),
        Entry("Acme.Lamp", "on", "AcmeLamp"),
    ]


def wanted(name: str, value: str) -> Wanted:
    component, _, variable = name.rpartition(".")
    return Wanted(component=component, variable=variable, value=value)


def template(
    station: StationId, *values: tuple[str, str], name: str = "", auto: bool = False
) -> Template:
    return Template(
        name=name or f"t-{station}",
        station=station,
        auto=auto,
        values=tuple(wanted(*pair) for pair in values),
    )


async def eventually(true: Callable[[], Awaitable[Any]]) -> Any:
    """Wait for something that the house brings about by itself."""
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await true()):  # noqa: ASYNC110 (the house tells nobody of it)
            await asyncio.sleep(0.02)
    return found


@asynccontextmanager
async def a_station(
    yard: Yard, version: str, of: list[Entry] | None = None, name: StationId | None = None
) -> AsyncGenerator[tuple[StationId, Pliant]]:
    """A station that is connected and answers."""
    name = name or await yard.add()
    station = Pliant(await yard.connect(name, version), version, of or entries())
    async with asyncio.TaskGroup() as tasks:
        answers = tasks.create_task(station.run())
        yield name, station
        answers.cancel()


async def known(yard: Yard, name: StationId) -> bool:
    """Whether it told its whole device model."""
    return (await yard.rooms.devices.standing(yard.ctx, name)).model_at is not None


async def state(yard: Yard, name: StationId) -> State:
    """How it stood when the caretaker last looked."""
    kept = "SELECT state FROM upkeep WHERE station_id = $1"
    return State(await yard.value(kept, name) or "unknown")


async def stands(yard: Yard, name: StationId, wanted: State) -> None:
    async def is_so() -> bool:
        return await state(yard, name) is wanted

    await eventually(is_so)


async def values(yard: Yard, name: StationId, **of: Any) -> dict[str, str | None]:
    found = await yard.rooms.devices.variables(yard.ctx, name, **of)
    return {spelt(kept.variable): kept.variable.value for kept in found}
