"""Reservations as stations tell of them: used by a session, run out, given up."""

import asyncio
from datetime import timedelta
from typing import Any, Final

import pytest

from forecourt.base.ids import StationId
from forecourt.domain.access import Reservation
from forecourt.domain.stations import (
    Ask,
    CancelReservation,
    GetLocalListVersion,
    ListEntry,
    Reserve,
    SendLocalList,
)
from tests.edge.ocpp.house import IN_THE_HOUSE, PATIENCE_S, Yard
from tests.edge.ocpp.says import event, start
from tests.edge.ocpp.wire import Wire

pytestmark = [IN_THE_HOUSE, pytest.mark.storage]

CALL: Final = 2
V2X: Final = pytest.mark.parametrize("version", ["2.0.1", "2.1"])


async def reserve(yard: Yard, station: StationId, number: int, token: str) -> None:
    await yard.rooms.access.reserved(
        yard.ctx,
        station,
        number,
        evse_no=1,
        token=token,
        expires_at=yard.clock.now() + timedelta(minutes=15),
    )


async def only(yard: Yard, station: StationId) -> Reservation:
    (found,) = await yard.rooms.access.reservations(yard.ctx, station)
    return found


async def test_a_1_6_session_uses_its_reservation(yard: Yard) -> None:
    station, wire = await yard.station("1.6")
    token = await yard.token()
    await reserve(yard, station, 7, token)
    assert (await only(yard, station)).state == "made"
    body = start(token, yard.at(), 100, reservationId=7)
    await wire.call("StartTransaction", body)
    await wire.call("StartTransaction", body)
    used = await only(yard, station)
    assert (used.state, used.session) == ("used", (await yard.session(station)).id)
    assert len(await yard.events(station, "reservation.settled")) == 1
    # 0 is what some stations write for none.
    await wire.call("StartTransaction", start(token, yard.at(1), 100, 2, reservationId=0))
    assert (await only(yard, station)).number == 7


@V2X
async def test_a_2_x_session_uses_its_reservation(yard: Yard, version: str) -> None:
    station, wire = await yard.station(version)
    token = await yard.token()
    await reserve(yard, station, 8, token)
    begun = event("Started", "tx-res", 0, yard.at(), evse=1)
    await wire.call("TransactionEvent", begun)
    shown = event("Updated", "tx-res", 1, yard.at(), token=token, reservationId=8)
    await wire.call("TransactionEvent", shown)
    await wire.call("TransactionEvent", shown)
    used = await only(yard, station)
    assert (used.state, used.session) == ("used", (await yard.session(station)).id)
    assert len(await yard.events(station, "reservation.settled")) == 1


@V2X
@pytest.mark.parametrize("word", ["Expired", "Removed"])
async def test_a_reservation_that_nobody_used(yard: Yard, version: str, word: str) -> None:
    station, wire = await yard.station(version)
    await reserve(yard, station, 9, "CARD")
    told = {"reservationId": 9, "reservationUpdateStatus": word}
    assert await wire.call("ReservationStatusUpdate", told) == {}
    assert await wire.call("ReservationStatusUpdate", told) == {}
    over = await only(yard, station)
    assert over.state == word.lower()
    assert over.settled_at is not None
    assert len(await yard.events(station, "reservation.settled")) == 1


async def test_a_driver_who_came_and_did_not_charge(yard: Yard) -> None:
    station, wire = await yard.station("2.1")
    await reserve(yard, station, 10, "CARD")
    told = {"reservationId": 10, "reservationUpdateStatus": "NoTransaction"}
    await wire.call("ReservationStatusUpdate", told)
    assert (await only(yard, station)).state == "abandoned"


async def test_a_station_that_tells_first(yard: Yard) -> None:
    """It used what we have not heard yet that it kept: that stays so, and is filled in."""
    station, wire = await yard.station("2.1")
    token = await yard.token()
    begun = event("Started", "tx-fast", 0, yard.at(), evse=1, token=token, reservationId=3)
    await wire.call("TransactionEvent", begun)
    early = await only(yard, station)
    assert (early.state, early.expires_at) == ("used", None)
    await reserve(yard, station, 3, token)
    late = await only(yard, station)
    assert (late.state, late.session) == ("used", early.session)
    assert late.expires_at is not None


async def test_1_6_does_not_say_that_time_has_run_out(yard: Yard) -> None:
    station, _ = await yard.station("1.6")
    await yard.rooms.access.reserved(
        yard.ctx, station, 1, evse_no=1, token="CARD", expires_at=yard.clock.now()
    )
    assert (await only(yard, station)).state == "expired"


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
class TestOurCommands:
    """What a station made of our commands is known to the room by itself."""

    async def ask(
        self, yard: Yard, station: StationId, wire: Wire, command: Ask, **answer: Any
    ) -> dict[str, Any]:
        """Put a command; what the station heard."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(yard.rooms.stations.command(yard.ctx, station, command))
            message_id, _, payload = await heard(wire)
            wire.answer(message_id, answer or {"status": "Accepted"})
        return payload

    async def become(self, yard: Yard, station: StationId, state: str) -> Reservation:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = await yard.rooms.access.reservations(yard.ctx, station)
                if found and found[0].state == state:
                    return found[0]
                await asyncio.sleep(0.01)

    async def test_a_reservation_is_made_and_given_up(self, yard: Yard, version: str) -> None:
        station, wire = await yard.station(version)
        expires_at = yard.clock.now() + timedelta(minutes=15)
        asked = Reserve(token="CARD", evse=1, expires_at=expires_at)
        payload = await self.ask(yard, station, wire, asked)
        number = payload["reservationId" if version == "1.6" else "id"]
        made = await self.become(yard, station, "made")
        assert (made.number, made.evse_no, made.token) == (number, 1, "CARD")
        assert made.expires_at == expires_at
        await self.ask(yard, station, wire, CancelReservation(reservation=number))
        await self.become(yard, station, "cancelled")
        assert len(await yard.events(station, "reservation.made")) == 1
        assert len(await yard.events(station, "command.answered")) == 2

    async def test_a_reservation_that_the_station_refuses(self, yard: Yard, version: str) -> None:
        station, wire = await yard.station(version)
        expires_at = yard.clock.now() + timedelta(minutes=15)
        asked = Reserve(token="CARD", evse=1, expires_at=expires_at)
        await self.ask(yard, station, wire, asked, status="Occupied")
        await self.ask(yard, station, wire, SendLocalList(version=4))
        await self.version_of(yard, station, 4)
        assert await yard.rooms.access.reservations(yard.ctx, station) == []

    async def test_which_list_a_station_holds(self, yard: Yard, version: str) -> None:
        station, wire = await yard.station(version)
        entries = (ListEntry(token="CARD"), ListEntry(token="OTHER"))
        await self.ask(yard, station, wire, SendLocalList(version=7, entries=entries))
        await self.version_of(yard, station, 7)
        held = await yard.rooms.access.local_list(yard.ctx, station)
        assert held is not None
        assert held.entries == 2
        told = {"listVersion" if version == "1.6" else "versionNumber": 3}
        await self.ask(yard, station, wire, GetLocalListVersion(), **told)
        await self.version_of(yard, station, 3)

    async def version_of(self, yard: Yard, station: StationId, version: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                held = await yard.rooms.access.local_list(yard.ctx, station)
                if held is not None and held.version == version:
                    return
                await asyncio.sleep(0.01)


async def heard(wire: Wire) -> tuple[str, str, dict[str, Any]]:
    """The next call of the house, whatever it asks."""
    while True:
        kind, message_id, action, payload = await wire.message()
        assert kind == CALL
        if action not in {"GetBaseReport", "GetConfiguration"}:
            return message_id, action, payload
