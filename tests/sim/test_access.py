"""Reservations, lists and groups: who may charge where, and who is told."""

from typing import Any

import pytest

from forecourt.protocol.ocpp import v16
from forecourt.sim.cards import Known
from forecourt.sim.world import Version
from tests.sim.csms import CARD, Bench
from tests.sim.tour import at

OTHER = "04F0EC00000002"
THIRD = "04F0EC00000003"
ALL: tuple[Version, ...] = ("1.6", "2.0.1", "2.1")
versions = pytest.mark.parametrize("version", ALL)


def reserve(bench: Bench, *, evse: int | None = 1, number: int = 5, token: str = CARD) -> str:
    words = bench.words
    request: Any
    if bench.version == "1.6":
        request = v16.ReserveNow(
            connector_id=evse or 0,
            expiry_date=at(bench, 600),
            id_tag=token,
            parent_id_tag="GROUP",
            reservation_id=number,
        )
    else:
        request = words.ReserveNow(
            id=number,
            expiry_date_time=at(bench, 600),
            id_token=words.IdToken(id_token=token, type="ISO14443"),
            group_id_token=words.IdToken(id_token="GROUP", type="Central"),
            evse_id=evse,
        )
    answer: Any = bench.command(request)
    return str(answer.status)


def status(bench: Bench, connector: int = 1) -> str:
    last = [
        m
        for m in bench.heard_of("StatusNotification")
        if (m.connector_id if bench.version == "1.6" else m.evse_id) == connector
    ][-1]
    return str(last.status if bench.version == "1.6" else last.connector_status)


@versions
def test_a_reserved_outlet_is_for_whom_it_was_reserved(version: Version) -> None:
    bench = Bench(version, "Duo 22")
    assert reserve(bench) == "Accepted"
    assert status(bench) == "Reserved"
    assert bench.expected[0][1] == CARD
    outlet = bench.plug()
    bench.station.swipe(outlet, OTHER)
    bench.settle()
    assert outlet.token is None, "somebody else's card"
    bench.station.swipe(outlet, CARD)
    bench.move(30)
    assert outlet.energised
    assert outlet.tx is not None
    if version == "1.6":
        assert bench.heard_of("StartTransaction")[0].reservation_id == 5
    else:
        told = [e.reservation_id for e in bench.heard_of("TransactionEvent")]
        assert told.count(5) == 1
    assert reserve(bench, number=6) == "Occupied"
    assert len(bench.station.reservations) == 0


@versions
def test_who_belongs_to_the_group_may_use_the_reservation(version: Version) -> None:
    bench = Bench(version, "Duo 22")
    reserve(bench)
    outlet = bench.plug()
    bench.station.remember(THIRD, Known(accepted=True, group="GROUP"))
    bench.station.knobs.local_pre_authorize = True
    bench.station.swipe(outlet, THIRD)
    bench.move(30)
    assert outlet.energised


@versions
def test_a_reservation_runs_out(version: Version) -> None:
    bench = Bench(version, "Duo 22")
    reserve(bench)
    bench.move(610, step_s=10)
    assert status(bench) == "Available"
    if version != "1.6":
        (update,) = bench.heard_of("ReservationStatusUpdate")
        assert (update.reservation_id, update.reservation_update_status) == (5, "Expired")


@versions
def test_a_fault_ends_a_reservation(version: Version) -> None:
    bench = Bench(version, "Duo 22")
    reserve(bench)
    bench.station.fault(bench.station.outlets[0], "GroundFailure", 60)
    bench.move(90)
    assert status(bench) == "Available"
    assert len(bench.station.reservations) == 0
    if version != "1.6":
        (update,) = bench.heard_of("ReservationStatusUpdate")
        assert update.reservation_update_status == "Removed"
    bench.station.fault(bench.station.outlets[0], "GroundFailure", 60)
    assert reserve(bench) == "Faulted"


@versions
def test_a_reservation_is_cancelled_once(version: Version) -> None:
    bench = Bench(version, "Duo 22")
    reserve(bench)
    answers: list[Any] = [
        bench.command(bench.words.CancelReservation(reservation_id=5)) for _ in range(2)
    ]
    assert [a.status for a in answers] == ["Accepted", "Rejected"]
    bench.settle()
    assert status(bench) == "Available"


@versions
def test_open_reservations_keep_as_many_outlets_as_they_need(version: Version) -> None:
    bench = Bench(version, "Duo 22")
    assert reserve(bench, evse=None, number=1) == "Accepted"
    assert status(bench, 1) == status(bench, 2) == "Available", "one of two is enough"
    assert reserve(bench, evse=None, number=2, token=OTHER) == "Accepted"
    assert status(bench, 1) == status(bench, 2) == "Reserved"
    outlet = bench.plug()
    bench.station.swipe(outlet, THIRD)
    bench.settle()
    assert outlet.token is None
    bench.station.swipe(outlet, OTHER)
    bench.move(20)
    assert outlet.energised


@versions
def test_remote_starts_respect_reservations(version: Version) -> None:
    bench = Bench(version, "Post 7")
    reserve(bench)

    def start(token: str) -> str:
        request: Any
        if version == "1.6":
            request = v16.RemoteStartTransaction(id_tag=token, connector_id=1)
        else:
            card = bench.words.IdToken(id_token=token, type="ISO14443")
            request = bench.words.RequestStartTransaction(
                id_token=card, remote_start_id=3, evse_id=1
            )
        answer: Any = bench.command(request)
        return str(answer.status)

    assert start(OTHER) == "Rejected"
    assert start(CARD) == "Accepted"


@versions
def test_a_card_of_the_same_group_or_the_masters_ends_a_session(version: Version) -> None:
    bench = Bench(version, "Duo 22")
    station = bench.station
    outlet = bench.session(seconds=60)
    station.remember(OTHER, Known(accepted=True, group="GROUP"))
    station.swipe(outlet, OTHER)
    bench.settle()
    assert outlet.token == CARD, "no group of theirs"
    station.remember(CARD, Known(accepted=True, group="GROUP"))
    station.swipe(outlet, OTHER)
    bench.settle()
    assert not outlet.energised
    station.unplug(outlet)
    bench.session(seconds=30)
    station.knobs.master_group = "BOSS"
    station.remember(THIRD, Known(accepted=True, group="BOSS"))
    station.swipe(outlet, THIRD)
    bench.settle()
    assert not outlet.energised


@versions
def test_what_has_expired_is_not_known(version: Version) -> None:
    bench = Bench(version, "Duo 22")
    bench.station.knobs.offline_unknown = False
    until = bench.world.now + 100
    bench.station.cards.list[CARD] = Known(accepted=True, until=until)
    bench.cut()
    outlet = bench.session(seconds=5)
    assert outlet.token == CARD
    bench.station.unplug(outlet)
    bench.station.cards.cache.clear()
    bench.move(200)
    bench.session(seconds=5)
    assert not outlet.energised


def test_2x_tells_and_forgets_what_it_knows_of_somebody() -> None:
    bench = Bench("2.0.1", "Duo 22")
    outlet = bench.session(seconds=30)
    words = bench.words
    assert outlet.tx is not None
    token = words.IdToken(id_token=CARD, type="ISO14443")
    ask = {"report": True, "clear": True, "id_token": token}
    answer: Any = bench.command(words.CustomerInformation(request_id=1, **ask))
    assert answer.status == "Accepted"
    (told,) = bench.heard_of("NotifyCustomerInformation")
    assert "cache: accepted" in told.data
    assert outlet.tx.ref in told.data
    assert CARD not in bench.station.cards.cache
    answer = bench.command(words.CustomerInformation(request_id=2, report=True, clear=False))
    assert answer.status == "Invalid", "whom?"
