"""OCPP 2.x: reservations, local lists, displays, and what is known of customers."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from forecourt.domain.stations import (
    Answer,
    CancelReservation,
    ClearDisplayMessage,
    CustomerInformation,
    GetDisplayMessages,
    GetLocalListVersion,
    ListEntry,
    LocalListVersion,
    Outcome,
    Reserve,
    SendLocalList,
    SetDisplayMessage,
)
from forecourt.edge.ocpp.asks import certificates, lists
from forecourt.edge.ocpp.asks.shape import reshaped
from forecourt.edge.ocpp.asks.table import Facts, Rows, Told, needs, outcome, row, unsupported, why
from forecourt.protocol.ocpp import v21, v201

STANDINGS: Final[Mapping[str, v21.AuthorizationStatusEnum]] = {
    "accepted": "Accepted",
    "blocked": "Blocked",
    "expired": "Expired",
    "invalid": "Invalid",
}
PRIORITIES: Final[Mapping[str, v21.MessagePriorityEnum]] = {
    "always_front": "AlwaysFront",
    "in_front": "InFront",
    "normal_cycle": "NormalCycle",
}
STATES: Final[Mapping[str, v21.MessageStateEnum]] = {
    "charging": "Charging",
    "faulted": "Faulted",
    "idle": "Idle",
    "unavailable": "Unavailable",
    "suspended": "Suspended",
    "discharging": "Discharging",
}


def reserve(command: Reserve, facts: Facts) -> v21.ReserveNow | Answer:
    any_evse = facts.value("NonEvseSpecific", "ReservationCtrlr") or ""
    if command.evse is None and any_evse.strip().casefold() == "false":
        return unsupported("the station says that ReservationCtrlr.NonEvseSpecific is false")
    return v21.ReserveNow(
        id=lists.reservation(command, facts),
        expiry_date_time=command.expires_at,
        id_token=v21.IdToken(id_token=command.token, type=command.token_type),
        connector_type=command.connector_type,
        evse_id=command.evse,
        group_id_token=_group(command.group),
    )


def reserved(
    _: Reserve,
    request: v201.ReserveNow | v21.ReserveNow,
    response: v201.ReserveNowResponse | v21.ReserveNowResponse,
) -> Told:
    """Whether it is kept free, and under which number."""
    word = response.status
    return Told(
        Answer(outcome=outcome(word), status=word, reason=why(response), request_id=request.id)
    )


def cancel(command: CancelReservation, _: Facts) -> v21.CancelReservation:
    return v21.CancelReservation(reservation_id=command.reservation)


def list_version(_: GetLocalListVersion, _facts: Facts) -> v21.GetLocalListVersion:
    return v21.GetLocalListVersion()


def versioned(
    _: GetLocalListVersion,
    _request: Any,
    response: v201.GetLocalListVersionResponse | v21.GetLocalListVersionResponse,
) -> Told:
    """The version; 0: there is no list."""
    found = LocalListVersion(version=response.version_number)
    return Told(Answer(outcome=Outcome.ACCEPTED, details=found))


def send_list(command: SendLocalList, facts: Facts) -> Sequence[v21.SendLocalList] | Answer:
    parts = lists.parts(command, facts.number("ItemsPerMessage", "LocalAuthListCtrlr"))
    if isinstance(parts, Answer):
        return parts
    return [
        v21.SendLocalList(
            version_number=part.version,
            update_type=part.update,
            local_authorization_list=tuple(map(_entry, part.entries)) or None,
        )
        for part in parts
    ]


def _entry(entry: ListEntry) -> v21.AuthorizationData:
    info = None
    if entry.standing != "remove":
        info = v21.IdTokenInfo(
            status=STANDINGS[entry.standing],
            cache_expiry_date_time=entry.expires_at,
            group_id_token=_group(entry.group),
        )
    token = v21.IdToken(id_token=entry.token, type=entry.token_type)
    return v21.AuthorizationData(id_token=token, id_token_info=info)


def _group(uid: str | None) -> v21.IdToken | None:
    return None if uid is None else v21.IdToken(id_token=uid, type="Central")


def show(command: SetDisplayMessage, _: Facts) -> v21.SetDisplayMessage:
    extra = tuple(reshaped(text, v21.MessageContent) for text in command.translations)
    return v21.SetDisplayMessage(
        message=v21.MessageInfo(
            id=command.id,
            priority=PRIORITIES[command.priority],
            message=reshaped(command.message, v21.MessageContent),
            display=None if command.display is None else v21.Component(name=command.display),
            state=None if command.state is None else STATES[command.state],
            start_date_time=command.start_at,
            end_date_time=command.end_at,
            transaction_id=command.transaction,
            message_extra=extra or None,
        )
    )


def shown(command: GetDisplayMessages, facts: Facts) -> v21.GetDisplayMessages:
    return v21.GetDisplayMessages(
        request_id=facts.request_id,
        id=command.ids or None,
        priority=None if command.priority is None else PRIORITIES[command.priority],
        state=None if command.state is None else STATES[command.state],
    )


def hide(command: ClearDisplayMessage, _: Facts) -> v21.ClearDisplayMessage:
    return v21.ClearDisplayMessage(id=command.id)


def customer(command: CustomerInformation, facts: Facts) -> v21.CustomerInformation | Answer:
    named = (command.customer, command.token, command.certificate)
    if sum(name is not None for name in named) != 1:
        return unsupported("name the customer by one of: customer, token, certificate")
    return v21.CustomerInformation(
        request_id=facts.request_id,
        report=command.report,
        clear=command.clear,
        customer_certificate=None
        if command.certificate is None
        else certificates.hashed(command.certificate, v21.CertificateHashData),
        id_token=None
        if command.token is None
        else v21.IdToken(id_token=command.token, type=command.token_type),
        customer_identifier=command.customer,
    )


_RESERVATION: Final = needs("Available", "ReservationCtrlr")
_LISTS: Final = needs("Available", "LocalAuthListCtrlr")
_DISPLAY: Final = needs("Available", "DisplayMessageCtrlr")
ROWS: Final[Rows] = dict(
    [
        row(Reserve, v21.ReserveNow, say=reserve, understand=reserved, refuse=_RESERVATION),
        row(CancelReservation, v21.CancelReservation, say=cancel, refuse=_RESERVATION),
        row(
            GetLocalListVersion,
            v21.GetLocalListVersion,
            say=list_version,
            understand=versioned,
            refuse=_LISTS,
        ),
        row(SendLocalList, v21.SendLocalList, say=send_list, refuse=_LISTS),
        row(SetDisplayMessage, v21.SetDisplayMessage, say=show, refuse=_DISPLAY),
        row(GetDisplayMessages, v21.GetDisplayMessages, say=shown, refuse=_DISPLAY),
        row(ClearDisplayMessage, v21.ClearDisplayMessage, say=hide, refuse=_DISPLAY),
        row(CustomerInformation, v21.CustomerInformation, say=customer),
    ]
)
