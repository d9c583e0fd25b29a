"""Reservations as stations tell of them: used by a session, run out, given up."""

from datetime import timedelta
from typing import Final

import pytest

from forecourt.base.ids import StationId
from forecourt.domain.access import Reservation
from tests.edge.ocpp.house import IN_THE_HOUSE, Yard
from tests.edge.ocpp.says import event, start

pytestmark = IN_THE_HOUSE

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
