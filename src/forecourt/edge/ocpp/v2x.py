"""What OCPP 2.0.1 and 2.1 share, in the house's own words: nearly everything of the core.

2.1 only adds to what 2.0.1 has, so one function serves both, and the answers have one shape.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from forecourt.domain.access import Authorization, Standing, folded
from forecourt.domain.devices import ReportPart
from forecourt.domain.monitoring import Page, ReportKind
from forecourt.domain.sessions import EventKind, EventReport, Session
from forecourt.domain.stations import (
    Admission,
    BootReport,
    ConnectorState,
    StatusReport,
    Variable,
)
from forecourt.edge.ocpp import certificates, reservations
from forecourt.edge.ocpp.metering import readings_2x
from forecourt.edge.ocpp.routes import Call
from forecourt.protocol.ocpp import v21, v201
from forecourt.protocol.ocpp.values import Message, in_utc

REGISTRATION: Final[Mapping[Admission, v201.RegistrationStatusEnum]] = {
    Admission.ACCEPTED: "Accepted",
    Admission.PENDING: "Pending",
    Admission.BLOCKED: "Rejected",
}

STATUS: Final[Mapping[Standing, v201.AuthorizationStatusEnum]] = {
    Standing.ACCEPTED: "Accepted",
    Standing.BLOCKED: "Blocked",
    Standing.EXPIRED: "Expired",
    Standing.UNKNOWN: "Unknown",
    Standing.CONCURRENT: "ConcurrentTx",
}

STATES: Final[Mapping[str, ConnectorState]] = {
    "Available": ConnectorState.AVAILABLE,
    "Occupied": ConnectorState.OCCUPIED,
    "Reserved": ConnectorState.RESERVED,
    "Unavailable": ConnectorState.UNAVAILABLE,
    "Faulted": ConnectorState.FAULTED,
}

KINDS: Final[Mapping[str, EventKind]] = {
    "Started": EventKind.STARTED,
    "Updated": EventKind.UPDATED,
    "Ended": EventKind.ENDED,
}

# The station lets somebody charge without asking us (a button, free charging).
NO_AUTHORIZATION: Final = "NoAuthorization"
# 2.x wants a type beside a group's name; ours are names that the central system gives.
GROUP_TYPE: Final = "Central"
GROUP_LENGTH_MAX: Final = 36

NOTHING: Final = v201.TransactionEventResponse()


def on_boot(call: Call, msg: v201.BootNotification | v21.BootNotification) -> Message:
    """B01 to B03."""
    station = msg.charging_station
    modem = station.modem
    report = BootReport(
        vendor=station.vendor_name,
        model=station.model,
        serial=station.serial_number or "",
        firmware=station.firmware_version or "",
        iccid=(modem.iccid if modem else None) or "",
        imsi=(modem.imsi if modem else None) or "",
        reason=msg.reason,
    )
    admission = call.rooms.stations.boot(call.ctx, call.station, report, call.changes)
    call.rooms.devices.booted(call.ctx, call.station.station.id, call.changes)
    call.speaker.booted(admission)
    return v201.BootNotificationResponse(
        status=REGISTRATION[admission],
        current_time=call.ctx.now,
        interval=call.speaker.heartbeat_s,
    )


def on_heartbeat(call: Call, _msg: v201.Heartbeat | v21.Heartbeat) -> Message:
    """G02."""
    return v201.HeartbeatResponse(current_time=call.ctx.now)


def on_status(call: Call, msg: v201.StatusNotification | v21.StatusNotification) -> Message:
    """G01."""
    report = StatusReport(
        evse_no=msg.evse_id,
        connector_no=msg.connector_id,
        state=STATES.get(msg.connector_status, ConnectorState.UNKNOWN),
        reported_at=in_utc(msg.timestamp),
    )
    call.rooms.stations.status(call.ctx, call.station, report, call.changes)
    return v201.StatusNotificationResponse()


async def on_authorize(call: Call, msg: v201.Authorize | v21.Authorize) -> Message:
    """C01 and on. Whether it charges elsewhere is only asked when it starts."""
    checked = await certificates.check_contract(call, msg)
    authorization = await _authorize(call, msg.id_token)
    info = id_token_info(authorization)
    if checked is not None:
        return certificates.contract_answer(checked, info, authorization.standing)
    return v201.AuthorizeResponse(id_token_info=info)


def on_meter_values(call: Call, msg: v201.MeterValues | v21.MeterValues) -> Message:
    """J01: readings outside of transactions."""
    call.rooms.sessions.meter(
        call, evse_no=msg.evse_id, transaction=None, readings=readings_2x(msg.meter_value)
    )
    return v201.MeterValuesResponse()


def on_transaction_event(
    call: Call, msg: v201.TransactionEvent | v21.TransactionEvent
) -> Any:  # Message, or a coroutine of one
    """E01 to E16, J02. What updates a session in memory is decided at once."""
    session = call.sessions.known.get(msg.transaction_info.transaction_id)
    if (
        session is not None
        and session.evse_no  # Else this may be the event that tells it.
        and msg.event_type == "Updated"
        and msg.id_token is None
        and msg.reservation_id is None
    ):
        _update(call, session, msg)
        return NOTHING
    return transaction_event(call, msg)


def _update(
    call: Call, session: Session, msg: v201.TransactionEvent | v21.TransactionEvent
) -> None:
    sessions = call.rooms.sessions
    only_readings = sessions.sampled(
        call,
        session,
        seq_no=msg.seq_no,
        charging_state=msg.transaction_info.charging_state or "",
        offline=bool(msg.offline),
        readings=readings_2x(msg.meter_value) if msg.meter_value else (),
    )
    if not only_readings:
        whole = call.sessions.find(session.transaction)
        assert whole is not None
        sessions.updated(call, whole, event_report(msg))


async def transaction_event(
    call: Call, msg: v201.TransactionEvent | v21.TransactionEvent
) -> Message:
    """An event that tells more than readings."""
    transaction = msg.transaction_info.transaction_id
    sessions = call.rooms.sessions
    session = await sessions.recall(call, transaction)
    authorization = None
    if msg.id_token is not None:
        authorization = await _authorize(call, msg.id_token)
        if msg.event_type != "Ended" and msg.trigger_reason != "StopAuthorized":
            known = 0 if session is None else session.evse_no
            authorization = await sessions.admit(
                call,
                msg.id_token.id_token,
                authorization,
                evse_no=known if msg.evse is None else msg.evse.id,
                transaction=transaction,
            )
    # A stop by another card of the group says nothing of the session's own.
    own = authorization if _is_own(session, msg) else None
    after = sessions.event(call, session, event_report(msg), own)
    if msg.reservation_id is not None and after is not session:  # Else it was told again.
        reservations.used(call, msg.reservation_id, after)
    if authorization is None:
        return NOTHING
    return v201.TransactionEventResponse(id_token_info=id_token_info(authorization))


def _is_own(session: Session | None, msg: v201.TransactionEvent | v21.TransactionEvent) -> bool:
    token = msg.id_token
    return token is not None and (
        session is None or not session.token or folded(session.token) == folded(token.id_token)
    )


def event_report(msg: v201.TransactionEvent | v21.TransactionEvent) -> EventReport:
    """A transaction event in the domain's words."""
    info, evse, token = msg.transaction_info, msg.evse, msg.id_token
    return EventReport(
        kind=KINDS[msg.event_type],
        transaction=info.transaction_id,
        seq_no=msg.seq_no,
        reported_at=in_utc(msg.timestamp),
        trigger=msg.trigger_reason,
        offline=bool(msg.offline),
        evse_no=None if evse is None else evse.id,
        connector_no=None if evse is None else evse.connector_id,
        token="" if token is None else token.id_token,
        token_type="" if token is None else token.type,
        charging_state=info.charging_state or "",
        stop_reason=info.stopped_reason or "",
        remote_start_id=info.remote_start_id,
        readings=readings_2x(msg.meter_value) if msg.meter_value else (),
        body=msg,
    )


async def on_report(call: Call, msg: v201.NotifyReport | v21.NotifyReport) -> Message:
    """B07, B08: a page of the device model."""
    found = [variable for data in msg.report_data or () for variable in _variables(data)]
    page = Page(
        kind=ReportKind.VARIABLES,
        request_id=msg.request_id,
        number=msg.seq_no,
        last=not msg.tbc,
        rows=len(found),
        generated_at=in_utc(msg.generated_at),
    )
    part = ReportPart(
        request_id=msg.request_id,
        seq_no=msg.seq_no,
        last=not msg.tbc,
        whole=call.speaker.inventory(msg.request_id),
    )
    station = call.station.station.id
    await call.rooms.monitoring.page_reported(call.ctx, station, page)
    call.rooms.devices.reported(call.ctx, station, found, call.changes, part)
    return v201.NotifyReportResponse()


def _variables(data: v201.ReportData | v21.ReportData) -> list[Variable]:
    component, variable = data.component, data.variable
    evse = component.evse
    named = Variable(
        component=component.name,
        component_instance=component.instance or "",
        evse_no=evse.id if evse else 0,
        connector_no=(evse.connector_id or 0) if evse else 0,
        variable=variable.name,
        variable_instance=variable.instance or "",
        value=None,
    )
    if data.variable_characteristics is not None:
        named = _characterised(named, data.variable_characteristics)
    return [
        replace(
            named,
            attribute=attribute.type or "Actual",
            value=attribute.value,
            mutability=attribute.mutability or "ReadWrite",
            persistent=bool(attribute.persistent),
            constant=bool(attribute.constant),
        )
        for attribute in data.variable_attribute
    ]


def _characterised(
    variable: Variable, told: v201.VariableCharacteristics | v21.VariableCharacteristics
) -> Variable:
    elements_max = getattr(told, "max_elements", None)  # New in 2.1.
    return replace(
        variable,
        data_type=told.data_type,
        unit=told.unit or "",
        min_limit=None if told.min_limit is None else float(told.min_limit),
        max_limit=None if told.max_limit is None else float(told.max_limit),
        elements_max=elements_max,
        values_list=told.values_list or "",
        supports_monitoring=told.supports_monitoring,
    )


def id_token_info(authorization: Authorization) -> v201.IdTokenInfo:
    """IdTokenInfoType. A group's name longer than 2.0.1 can say is not said."""
    group = authorization.group
    return v201.IdTokenInfo(
        status=STATUS[authorization.standing],
        cache_expiry_date_time=authorization.valid_until,
        group_id_token=v201.IdToken(id_token=group, type=GROUP_TYPE)
        if group and len(group) <= GROUP_LENGTH_MAX
        else None,
    )


async def _authorize(call: Call, token: v201.IdToken | v21.IdToken) -> Authorization:
    if token.type == NO_AUTHORIZATION:
        return Authorization(standing=Standing.ACCEPTED, sessions_max=None)
    if token.type == certificates.EMAID:
        return await certificates.authorize_contract(call, token.id_token)
    return await call.rooms.access.authorize(call.ctx, token.id_token)
