"""OCPP 1.6: reservations and local lists."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from forecourt.domain.stations import (
    Answer,
    CancelReservation,
    GetLocalListVersion,
    ListEntry,
    LocalListVersion,
    Outcome,
    Reserve,
    SendLocalList,
)
from forecourt.edge.ocpp.asks import lists
from forecourt.edge.ocpp.asks.table import Facts, Rows, Told, outcome, row, unsupported
from forecourt.edge.ocpp.asks.v16.parts import feature
from forecourt.protocol.ocpp import v16

STANDINGS: Final[Mapping[str, v16.AuthorizationStatus]] = {
    "accepted": "Accepted",
    "blocked": "Blocked",
    "expired": "Expired",
    "invalid": "Invalid",
}


def reserve(command: Reserve, facts: Facts) -> v16.ReserveNow | Answer:
    if command.connector_type is not None:
        return unsupported("1.6 reserves connectors by number, not by type")
    zero = (facts.value("ReserveConnectorZeroSupported") or "").strip().casefold()
    if not command.evse and zero == "false":
        return unsupported("the station says that ReserveConnectorZeroSupported is false")
    return v16.ReserveNow(
        connector_id=command.evse or 0,
        expiry_date=command.expires_at,
        id_tag=command.token,
        parent_id_tag=command.group,
        reservation_id=lists.reservation(command, facts),
    )


def reserved(command: Reserve, request: v16.ReserveNow, response: v16.ReserveNowResponse) -> Told:
    """Whether it is kept free, and under which number."""
    del command
    word = response.status
    return Told(Answer(outcome=outcome(word), status=word, request_id=request.reservation_id))


def cancel(command: CancelReservation, _: Facts) -> v16.CancelReservation:
    return v16.CancelReservation(reservation_id=command.reservation)


def list_version(_: GetLocalListVersion, _facts: Facts) -> v16.GetLocalListVersion:
    return v16.GetLocalListVersion()


def versioned(
    _: GetLocalListVersion, _request: Any, response: v16.GetLocalListVersionResponse
) -> Told:
    """The version; -1 says that the station keeps no list."""
    version = response.list_version
    return Told(
        Answer(
            outcome=Outcome.ACCEPTED if version >= 0 else Outcome.UNSUPPORTED,
            reason="" if version >= 0 else "the station keeps no local list",
            details=LocalListVersion(version=version),
        )
    )


def send_list(command: SendLocalList, facts: Facts) -> Sequence[v16.SendLocalList] | Answer:
    room = facts.number("LocalAuthListMaxLength")
    if room is not None and command.mode == "full" and len(command.entries) > room:
        return unsupported(f"the station's list holds at most {room} tokens")
    parts = lists.parts(command, facts.number("SendLocalListMaxLength"))
    if isinstance(parts, Answer):
        return parts
    return [
        v16.SendLocalList(
            list_version=part.version,
            update_type=part.update,
            local_authorization_list=tuple(map(_entry, part.entries)) or None,
        )
        for part in parts
    ]


def _entry(entry: ListEntry) -> v16.AuthorizationData:
    info = None
    if entry.standing != "remove":
        info = v16.IdTagInfo(
            status=STANDINGS[entry.standing],
            expiry_date=entry.expires_at,
            parent_id_tag=entry.group,
        )
    return v16.AuthorizationData(id_tag=entry.token, id_tag_info=info)


_RESERVATION: Final = feature("Reservation")
_LISTS: Final = feature("LocalAuthListManagement")
ROWS: Final[Rows] = dict(
    [
        row(Reserve, v16.ReserveNow, say=reserve, understand=reserved, refuse=_RESERVATION),
        row(CancelReservation, v16.CancelReservation, say=cancel, refuse=_RESERVATION),
        row(
            GetLocalListVersion,
            v16.GetLocalListVersion,
            say=list_version,
            understand=versioned,
            refuse=_LISTS,
        ),
        row(SendLocalList, v16.SendLocalList, say=send_list, refuse=_LISTS),
    ]
)
