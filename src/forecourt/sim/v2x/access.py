"""What a 2.x station does with local lists, its cache, reservations, and people's data."""

from functools import partial
from typing import Any, Final

from forecourt.sim.readings import moment
from forecourt.sim.reservations import RESERVATIONS_MAX, Reservation
from forecourt.sim.v2x.controllers import LIST_ITEMS_MAX
from forecourt.sim.v2x.core import known_of
from forecourt.sim.v2x.hardware import PLUGS
from forecourt.sim.v2x.table import Commands, Speaker, pages

_TEXT_MAX: Final = 512
_BY_WORD: Final = {word: plug for plug, word in PLUGS.items()}


def on_clear_cache(speaker: Speaker, _request: Any) -> Any:
    station = speaker.station
    station.cards.cache.clear()
    status = "Accepted" if station.knobs.cache else "Rejected"
    return speaker.words.ClearCacheResponse(status=status)


def on_list_version(speaker: Speaker, _request: Any) -> Any:
    station = speaker.station
    version = station.cards.list_version if station.knobs.local_list else 0
    return speaker.words.GetLocalListVersionResponse(version_number=version)


def on_local_list(speaker: Speaker, request: Any) -> Any:
    station, respond = speaker.station, speaker.words.SendLocalListResponse
    full = request.update_type == "Full"
    sent = request.local_authorization_list or ()
    if not station.knobs.local_list or len(sent) > LIST_ITEMS_MAX:
        return respond(status="Failed")
    if not full and request.version_number <= station.cards.list_version:
        return respond(status="VersionMismatch")
    names = [(entry.id_token.id_token, entry.id_token.type) for entry in sent]
    if len(set(names)) < len(names):
        return respond(status="Failed")  # D01.FR.18: the same token twice.
    entries = [
        (e.id_token.id_token, known_of(e.id_token_info) if e.id_token_info is not None else None)
        for e in sent
    ]
    taken = station.cards.rewrite(request.version_number, entries, full=full)
    return respond(status="Accepted" if taken else "Failed")


# --- Reservations ---------------------------------------------------------------------------------


def on_reserve(speaker: Speaker, request: Any) -> Any:
    station, respond = speaker.station, speaker.words.ReserveNowResponse
    until = request.expiry_date_time.timestamp()
    plug = _BY_WORD.get(request.connector_type) if request.connector_type is not None else None
    if not station.knobs.reservations or until <= station.world.now:
        return respond(status="Rejected")
    outlet = station.outlet(request.evse_id) if request.evse_id else None
    if request.evse_id and outlet is None:
        return respond(status="Rejected")
    wanted = [outlet] if outlet is not None else station.outlets
    if request.connector_type is not None:
        wanted = [o for o in wanted if any(c.plug == plug for c in o.connectors)]
    if not wanted or len(station.reservations) >= RESERVATIONS_MAX:
        return respond(status="Rejected")
    states = [_standing(speaker, one, request.id) for one in wanted]
    if "Accepted" not in states:
        return respond(status=states[0])
    token = request.id_token.id_token
    group = request.group_id_token.id_token if request.group_id_token is not None else None
    reservation = Reservation(
        id=request.id,
        token=token,
        group=group,
        until=until,
        evse=outlet.id if outlet is not None else None,
        plug=plug,
    )
    station.talk.after_answer(partial(station.reserve, reservation))
    if outlet is not None:
        station.hub.expect(station, outlet, token, until - station.world.now)
    return respond(status="Accepted")


def _standing(speaker: Speaker, outlet: Any, reservation_id: int) -> str:
    if outlet.fault is not None:
        return "Faulted"
    if not outlet.operative:
        return "Unavailable"
    own = speaker.station.reservations.of(outlet.id)
    renewed = own is not None and own.id == reservation_id
    return "Accepted" if outlet.idle and (renewed or not outlet.held) else "Occupied"


def on_cancel(speaker: Speaker, request: Any) -> Any:
    station = speaker.station
    held = any(r.id == request.reservation_id for r in station.reservations)
    if held:
        station.talk.after_answer(partial(station.cancel_reservation, request.reservation_id))
    return speaker.words.CancelReservationResponse(status="Accepted" if held else "Rejected")


# --- What the station knows of people -------------------------------------------------------------


def on_customer(speaker: Speaker, request: Any) -> Any:
    """N09, N10: tell, or forget, what is kept of a customer."""
    station, respond = speaker.station, speaker.words.CustomerInformationResponse
    token = request.id_token.id_token if request.id_token is not None else None
    names = (token, request.customer_identifier, request.customer_certificate)
    if sum(name is not None for name in names) != 1:
        return respond(status="Invalid")
    if not (request.report or request.clear):
        return respond(status="Rejected")
    text = ""
    if token is not None:
        text = _kept_of(speaker, token)
    if request.clear and token is not None:
        station.cards.cache.pop(token, None)
        station.cards.list.pop(token, None)
    told = text if request.report else ""
    station.talk.after_answer(partial(_tell_customer, speaker, request.request_id, told))
    return respond(status="Accepted")


def _kept_of(speaker: Speaker, token: str) -> str:
    station = speaker.station
    lines = []
    for name, kept in (("cache", station.cards.cache), ("list", station.cards.list)):
        known = kept.get(token)
        if known is not None:
            word = "accepted" if known.accepted else "refused"
            lines.append(f"{name}: {word}, group {known.group or 'none'}")
    lines.extend(
        f"transaction: {outlet.tx.ref}"
        for outlet in station.outlets
        if outlet.tx is not None and outlet.tx.token == token
    )
    return "\n".join(lines)


def _tell_customer(speaker: Speaker, request_id: int, text: str) -> None:
    pieces = [text[at : at + _TEXT_MAX] for at in range(0, len(text), _TEXT_MAX)]
    for number, page, more in pages(pieces or [""], 1):
        speaker.ask(
            speaker.words.NotifyCustomerInformation(
                data=page[0],
                seq_no=number,
                generated_at=moment(speaker.station.world.now),
                request_id=request_id,
                tbc=True if more else None,
            ),
            early=True,
        )


COMMANDS: Final[Commands] = {
    "ClearCache": on_clear_cache,
    "GetLocalListVersion": on_list_version,
    "SendLocalList": on_local_list,
    "ReserveNow": on_reserve,
    "CancelReservation": on_cancel,
    "CustomerInformation": on_customer,
}
