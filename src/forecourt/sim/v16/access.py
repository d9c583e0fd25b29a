"""What a 1.6 station does with local lists and reservations."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from forecourt.protocol.ocpp import v16
from forecourt.protocol.ocpp.values import Message
from forecourt.sim.cards import Known
from forecourt.sim.reservations import RESERVATIONS_MAX, Reservation
from forecourt.sim.station import Station
from forecourt.sim.v16.config import LIST_ITEMS_MAX
from forecourt.sim.v16.table import Command, Speaker, entry, outlet_of


def known_of(info: v16.IdTagInfo) -> Known:
    """What an answer or a list says of a card."""
    until = info.expiry_date.timestamp() if info.expiry_date is not None else None
    return Known(accepted=info.status == "Accepted", group=info.parent_id_tag, until=until)


def on_list_version(station: Station, _: Speaker, _request: v16.GetLocalListVersion) -> Message:
    version = station.cards.list_version if station.knobs.local_list else -1
    return v16.GetLocalListVersionResponse(list_version=version)


def on_local_list(station: Station, _: Speaker, request: v16.SendLocalList) -> Message:
    respond = v16.SendLocalListResponse
    if not station.knobs.local_list:
        return respond(status="NotSupported")
    sent = request.local_authorization_list or ()
    full = request.update_type == "Full"
    if not full and request.list_version <= station.cards.list_version:
        return respond(status="VersionMismatch")
    if len(sent) > LIST_ITEMS_MAX:
        return respond(status="Failed")
    # 9.5: a tag without info is to be removed.
    entries = [(e.id_tag, known_of(e.id_tag_info) if e.id_tag_info else None) for e in sent]
    taken = station.cards.rewrite(request.list_version, entries, full=full)
    return respond(status="Accepted" if taken else "Failed")


def on_reserve(station: Station, _: Speaker, request: v16.ReserveNow) -> Message:
    respond = v16.ReserveNowResponse
    outlet = outlet_of(station, request.connector_id) if request.connector_id else None
    until = request.expiry_date.timestamp()
    if request.connector_id and outlet is None:
        return respond(status="Rejected")
    if until <= station.world.now or len(station.reservations) >= RESERVATIONS_MAX:
        return respond(status="Rejected")
    wanted = [outlet] if outlet is not None else station.outlets
    refusal: v16.ReservationStatus | None = None
    for one in wanted:
        if one.fault is not None:
            refusal = "Faulted"
        elif not one.operative:
            refusal = "Unavailable"
        elif not one.idle or (one.held and not _own(station, one.id, request.reservation_id)):
            refusal = "Occupied"
        else:
            break
    else:
        return respond(status=refusal or "Rejected")
    reservation = Reservation(
        id=request.reservation_id,
        token=request.id_tag,
        group=request.parent_id_tag,
        until=until,
        evse=outlet.id if outlet is not None else None,
    )
    station.talk.after_answer(lambda: station.reserve(reservation))
    if outlet is not None:
        station.hub.expect(station, outlet, request.id_tag, until - station.world.now)
    return respond(status="Accepted")


def _own(station: Station, evse: int, reservation_id: int) -> bool:
    """Whether the outlet is kept for the same reservation, which is renewed."""
    reservation = station.reservations.of(evse)
    return reservation is not None and reservation.id == reservation_id


def on_cancel(station: Station, _: Speaker, request: v16.CancelReservation) -> Message:
    held = any(r.id == request.reservation_id for r in station.reservations)
    if held:
        station.talk.after_answer(partial(station.cancel_reservation, request.reservation_id))
    return v16.CancelReservationResponse(status="Accepted" if held else "Rejected")


COMMANDS: Final[Mapping[type[Message], Command[Message]]] = dict(
    [
        entry(v16.GetLocalListVersion, on_list_version),
        entry(v16.SendLocalList, on_local_list),
        entry(v16.ReserveNow, on_reserve),
        entry(v16.CancelReservation, on_cancel),
    ]
)
