"""What stations tell of firmware and logs, in all versions: one room, three vocabularies.

1.6 names no request but in its security extension; then it is the station's only job of the kind.
"""

from forecourt.domain.firmware import JobKind
from forecourt.edge.ocpp.plain import plain
from forecourt.edge.ocpp.routes import Call
from forecourt.protocol.ocpp import v16, v21, v201
from forecourt.protocol.ocpp.values import Message


async def on_firmware_16(call: Call, msg: v16.FirmwareStatusNotification) -> Message:
    """4.5."""
    await _told(call, JobKind.UPDATE, msg.status)
    return v16.FirmwareStatusNotificationResponse()


async def on_signed_firmware(call: Call, msg: v16.SignedFirmwareStatusNotification) -> Message:
    """Security whitepaper, L01."""
    await _told(call, JobKind.UPDATE, msg.status, msg.request_id)
    return v16.SignedFirmwareStatusNotificationResponse()


async def on_diagnostics(call: Call, msg: v16.DiagnosticsStatusNotification) -> Message:
    """4.4."""
    await _told(call, JobKind.DIAGNOSTICS, msg.status)
    return v16.DiagnosticsStatusNotificationResponse()


async def on_log_16(call: Call, msg: v16.LogStatusNotification) -> Message:
    """Security whitepaper, N01."""
    await _told(call, JobKind.LOG, msg.status, msg.request_id)
    return v16.LogStatusNotificationResponse()


async def on_firmware(
    call: Call, msg: v201.FirmwareStatusNotification | v21.FirmwareStatusNotification
) -> Message:
    """L01, L02: a step of an update."""
    await _told(call, JobKind.UPDATE, msg.status, msg.request_id, info=_info(msg))
    return v201.FirmwareStatusNotificationResponse()


async def on_publish(
    call: Call,
    msg: v201.PublishFirmwareStatusNotification | v21.PublishFirmwareStatusNotification,
) -> Message:
    """L03: a local controller offers firmware to its neighbours."""
    places = tuple(map(plain, msg.location or ()))
    await _told(call, JobKind.PUBLISH, msg.status, msg.request_id, info=_info(msg), places=places)
    return v201.PublishFirmwareStatusNotificationResponse()


async def on_log(
    call: Call, msg: v201.LogStatusNotification | v21.LogStatusNotification
) -> Message:
    """N01: a step of an upload."""
    await _told(call, JobKind.LOG, msg.status, msg.request_id, info=_info(msg))
    return v201.LogStatusNotificationResponse()


def _info(
    msg: v201.FirmwareStatusNotification
    | v21.FirmwareStatusNotification
    | v201.PublishFirmwareStatusNotification
    | v21.PublishFirmwareStatusNotification
    | v201.LogStatusNotification
    | v21.LogStatusNotification,
) -> str:
    """2.1 may say why."""
    info = getattr(msg, "status_info", None)
    if info is None:
        return ""
    return plain(f"{info.reason_code} {info.additional_info or ''}".strip())


async def _told(
    call: Call,
    kind: JobKind,
    status: str,
    request_id: int | None = None,
    *,
    info: str = "",
    places: tuple[str, ...] = (),
) -> None:
    await call.rooms.firmware.reported(
        call.ctx,
        call.station.station.id,
        kind=kind,
        request_id=request_id,
        status=status,
        info=info,
        places=places,
    )
