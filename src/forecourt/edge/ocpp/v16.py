"""OCPP 1.6 in the house's own words: one function for each message, one table for all.

1.6 knows no EVSE: its connector N is our EVSE N with connector 1, its connector 0 the station.
"""

from typing import Final

import msgspec

from forecourt.domain.access import Authorization, Standing
from forecourt.domain.sessions import StartReport, StopReport
from forecourt.domain.stations import Admission, BootReport, ConnectorState, StatusReport
from forecourt.edge.ocpp import certificates, files, reservations, vendors
from forecourt.edge.ocpp.metering import readings_16
from forecourt.edge.ocpp.plain import plain
from forecourt.edge.ocpp.routes import Call, Routes, route
from forecourt.protocol.ocpp import v16
from forecourt.protocol.ocpp.values import Message, in_utc

REGISTRATION: Final[dict[Admission, v16.RegistrationStatus]] = {
    Admission.ACCEPTED: "Accepted",
    Admission.PENDING: "Pending",
    Admission.BLOCKED: "Rejected",
}

STATUS: Final[dict[Standing, v16.AuthorizationStatus]] = {
    Standing.ACCEPTED: "Accepted",
    Standing.BLOCKED: "Blocked",
    Standing.EXPIRED: "Expired",
    Standing.UNKNOWN: "Invalid",
    Standing.CONCURRENT: "ConcurrentTx",
}

STATES: Final[dict[str, ConnectorState]] = {
    "Available": ConnectorState.AVAILABLE,
    "Preparing": ConnectorState.PREPARING,
    "Charging": ConnectorState.CHARGING,
    "SuspendedEV": ConnectorState.SUSPENDED_EV,
    "SuspendedEVSE": ConnectorState.SUSPENDED_EVSE,
    "Finishing": ConnectorState.FINISHING,
    "Reserved": ConnectorState.RESERVED,
    "Unavailable": ConnectorState.UNAVAILABLE,
    "Faulted": ConnectorState.FAULTED,
}

# What stations say when nothing is wrong; some send these for "no error" (field quirk 9).
NO_ERRORS: Final = frozenset({"NoError", "null", ""})
PARENT_LENGTH_MAX: Final = 20

NOTHING: Final = v16.MeterValuesResponse()


async def on_authorize(call: Call, msg: v16.Authorize) -> Message:
    """6.1. Whether it charges elsewhere is only asked when it starts."""
    authorization = await call.rooms.access.authorize(call.ctx, msg.id_tag)
    return v16.AuthorizeResponse(id_tag_info=id_tag_info(authorization))


def on_boot(call: Call, msg: v16.BootNotification) -> Message:
    """4.2."""
    report = BootReport(
        vendor=msg.charge_point_vendor,
        model=msg.charge_point_model,
        serial=msg.charge_point_serial_number or msg.charge_box_serial_number or "",
        firmware=msg.firmware_version or "",
        iccid=msg.iccid or "",
        imsi=msg.imsi or "",
    )
    admission = call.rooms.stations.boot(call.ctx, call.station, report, call.changes)
    call.rooms.devices.booted(call.ctx, call.station.station.id, call.changes)
    call.speaker.booted(admission)
    return v16.BootNotificationResponse(
        status=REGISTRATION[admission],
        current_time=call.ctx.now,
        interval=call.speaker.heartbeat_s,
    )


def on_heartbeat(call: Call, _msg: v16.Heartbeat) -> Message:
    """4.6."""
    return v16.HeartbeatResponse(current_time=call.ctx.now)


def on_status(call: Call, msg: v16.StatusNotification) -> Message:
    """4.9."""
    report = StatusReport(
        evse_no=msg.connector_id,
        connector_no=1 if msg.connector_id else 0,
        state=STATES.get(msg.status, ConnectorState.UNKNOWN),
        reported_at=None if msg.timestamp is None else in_utc(msg.timestamp),
        error="" if msg.error_code in NO_ERRORS else msg.error_code,
        vendor_id=msg.vendor_id or "",
        vendor_error=msg.vendor_error_code or "",
        info="" if msg.info in NO_ERRORS else msg.info or "",
    )
    call.rooms.stations.status(call.ctx, call.station, report, call.changes)
    return v16.StatusNotificationResponse()


def on_meter_values(call: Call, msg: v16.MeterValues) -> Message:
    """4.7. Stations send 0 or less where they mean "no transaction" (field quirk 12)."""
    number = msg.transaction_id
    call.rooms.sessions.meter(
        call,
        evse_no=msg.connector_id,
        transaction=str(number) if number is not None and number > 0 else None,
        readings=readings_16(msg.meter_value),
    )
    return NOTHING


async def on_start(call: Call, msg: v16.StartTransaction) -> Message:
    """4.8. A session is made whatever the card is worth: the station decides whether it goes on."""
    authorization = await call.rooms.access.authorize(call.ctx, msg.id_tag)
    authorization = await call.rooms.sessions.admit(
        call, msg.id_tag, authorization, evse_no=msg.connector_id
    )
    session = await call.rooms.sessions.start(
        call,
        StartReport(
            evse_no=msg.connector_id,
            token=msg.id_tag,
            reported_at=in_utc(msg.timestamp),
            meter_wh=msg.meter_start,
            reservation=msg.reservation_id or None,  # 0 means none (field quirk 12)
        ),
        authorization,
    )
    if msg.reservation_id and session.saved_at == call.ctx.now:  # Else it was told again.
        reservations.used(call, msg.reservation_id, session)
    if session.standing is not None:
        # Told again: what was said the first time, not that it is now charging "elsewhere".
        authorization = msgspec.structs.replace(authorization, standing=session.standing)
    return v16.StartTransactionResponse(
        transaction_id=int(session.transaction), id_tag_info=id_tag_info(authorization)
    )


async def on_stop(call: Call, msg: v16.StopTransaction) -> Message:
    """4.10. Confirmed whatever it says: a station repeats it until it is (field quirk 13)."""
    sessions = call.rooms.sessions
    session = None
    if msg.transaction_id > 0:
        session = await sessions.recall(call, str(msg.transaction_id))
    info = None
    if msg.id_tag:
        info = id_tag_info(await call.rooms.access.authorize(call.ctx, msg.id_tag))
    report = StopReport(
        transaction=msg.transaction_id,
        reported_at=in_utc(msg.timestamp),
        meter_wh=msg.meter_stop,
        reason=msg.reason or "",
        token=msg.id_tag or "",
        readings=readings_16(msg.transaction_data or ()),
        body=body(msg),
    )
    sessions.stop(call, report, session)
    return v16.StopTransactionResponse(id_tag_info=info)


async def on_security_event(call: Call, msg: v16.SecurityEventNotification) -> Message:
    """Security whitepaper, A04."""
    await call.rooms.monitoring.security_reported(
        call.ctx,
        call.station.station.id,
        kind=plain(msg.type),
        reported_at=in_utc(msg.timestamp),
        info=plain(msg.tech_info),
    )
    return v16.SecurityEventNotificationResponse()


def id_tag_info(authorization: Authorization) -> v16.IdTagInfo:
    """IdTagInfo of 7.27. A group's name is longer than 1.6 can say: then it says none."""
    group = authorization.group
    return v16.IdTagInfo(
        status=STATUS[authorization.standing],
        expiry_date=authorization.valid_until,
        parent_id_tag=group if group and len(group) <= PARENT_LENGTH_MAX else None,
    )


def body(msg: Message) -> str:
    """A message as JSON, to be kept."""
    return msgspec.json.encode(msg).decode()


ROUTES: Final[Routes] = dict(
    [
        route(v16.Authorize, on_authorize),
        route(v16.BootNotification, on_boot),
        route(v16.DataTransfer, vendors.on_data_transfer_16, periodic=True),
        route(v16.DiagnosticsStatusNotification, files.on_diagnostics),
        route(v16.FirmwareStatusNotification, files.on_firmware_16),
        route(v16.Heartbeat, on_heartbeat, periodic=True),
        route(v16.LogStatusNotification, files.on_log_16),
        route(v16.MeterValues, on_meter_values, periodic=True),
        route(v16.SecurityEventNotification, on_security_event),
        route(v16.SignCertificate, certificates.on_sign_certificate_16),
        route(v16.SignedFirmwareStatusNotification, files.on_signed_firmware),
        route(v16.StartTransaction, on_start),
        route(v16.StatusNotification, on_status),
        route(v16.StopTransaction, on_stop),
    ]
)
