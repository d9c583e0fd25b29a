"""DataTransfer by vendor: who in the house understands what a vendor's own message says.

A vendor that nobody here speaks for may still be one whose messages the operator wants to hear
(``data_transfer_vendors``); every other is unknown, as OCPP has it.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.json import encode

from forecourt.edge.ocpp import plug_and_charge
from forecourt.edge.ocpp.plain import plain
from forecourt.edge.ocpp.routes import Call, Reply, Speaks
from forecourt.protocol.ocpp import v16, v21, v201
from forecourt.protocol.ocpp.values import Message

# Vendor, in small letters -> message id -> who handles it.
VENDORS: Final[Mapping[str, Mapping[str, Speaks]]] = {
    plug_and_charge.VENDOR: plug_and_charge.MESSAGES,
}


async def on_data_transfer_16(call: Call, msg: v16.DataTransfer) -> Message:
    """4.3: to whom speaks for the vendor, or to the operator's own listeners."""
    reply = await _answered(call, msg.vendor_id, msg.message_id, msg.data)
    return v16.DataTransferResponse(status=reply.status, data=reply.data)


async def on_data_transfer(call: Call, msg: v201.DataTransfer | v21.DataTransfer) -> Message:
    """P02: to whom speaks for the vendor, or to the operator's own listeners."""
    reply = await _answered(call, msg.vendor_id, msg.message_id, msg.data)
    return v201.DataTransferResponse(status=reply.status, data=reply.data)


async def _answered(call: Call, vendor: str, message: str | None, data: Any) -> Reply:
    known = VENDORS.get(vendor.casefold())
    if known is not None:
        speaks = known.get(message or "")
        return Reply("UnknownMessageId") if speaks is None else await speaks(call, data)
    station = call.station.station.id
    said = {"vendor": plain(vendor), "message": plain(message), "data": encode(data).decode()}
    if call.rooms.monitoring.vendor_said(call.ctx, station, call.changes, **said):
        return Reply("Accepted")
    # Whoever runs the network learns from the timeline which vendors' words are lost on us.
    body = encode(said).decode()
    call.rooms.stations.notified(call.ctx, station, call.changes, what="data_transfer", body=body)
    return Reply("UnknownVendorId")
