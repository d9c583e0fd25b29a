"""OCPP 2.1: the table of its messages; what it adds to 2.0.1 is kept until a room acts on it."""

from collections.abc import Mapping
from typing import Final

from forecourt.edge.ocpp import certificates, files, reports_v2x, v2x, vendors
from forecourt.edge.ocpp.routes import Routes, route
from forecourt.protocol.ocpp import v21
from forecourt.protocol.ocpp.values import Message

NOTED: Final[Mapping[str, tuple[str, Message]]] = {
    "BatterySwap": ("battery_swap", v21.BatterySwapResponse()),
    "NotifyDERAlarm": ("der_alarm", v21.NotifyDERAlarmResponse()),
    "NotifyDERStartStop": ("der_start_stop", v21.NotifyDERStartStopResponse()),
    "NotifyPriorityCharging": ("priority_charging", v21.NotifyPriorityChargingResponse()),
    "NotifySettlement": ("settlement", v21.NotifySettlementResponse()),
    "PullDynamicScheduleUpdate": (
        "schedule_pulled",
        v21.PullDynamicScheduleUpdateResponse(status="Rejected"),
    ),
    "ReportDERControl": ("der_control", v21.ReportDERControlResponse()),
}

# A message that wants no answer (SEND): its handler's answer goes nowhere.
SENT: Final[Routes] = dict(
    [
        route(v21.NotifyPeriodicEventStream, reports_v2x.on_stream, periodic=True),
    ]
)

# What cannot be answered without a room that does not stand yet: refused with NotSupported.
LATER: Final[Mapping[str, str]] = {
    "VatNumberValidation": "there is no billing yet",
}

ROUTES: Final[Routes] = dict(
    [
        route(v21.Authorize, v2x.on_authorize),
        route(v21.BootNotification, v2x.on_boot),
        route(v21.ClosePeriodicEventStream, reports_v2x.on_stream_closed),
        route(v21.DataTransfer, vendors.on_data_transfer, periodic=True),
        route(v21.FirmwareStatusNotification, files.on_firmware),
        route(v21.Get15118EVCertificate, certificates.on_ev_certificate),
        route(v21.GetCertificateChainStatus, certificates.on_chain_status),
        route(v21.GetCertificateStatus, certificates.on_certificate_status),
        route(v21.Heartbeat, v2x.on_heartbeat, periodic=True),
        route(v21.LogStatusNotification, files.on_log),
        route(v21.MeterValues, v2x.on_meter_values, periodic=True),
        route(v21.NotifyCustomerInformation, reports_v2x.on_customer),
        route(v21.NotifyDisplayMessages, reports_v2x.on_displays),
        route(v21.NotifyEvent, reports_v2x.on_event),
        route(v21.NotifyMonitoringReport, reports_v2x.on_monitors),
        route(v21.NotifyReport, v2x.on_report),
        route(v21.OpenPeriodicEventStream, reports_v2x.on_stream_opened),
        route(v21.PublishFirmwareStatusNotification, files.on_publish),
        route(v21.SecurityEventNotification, reports_v2x.on_security_event),
        route(v21.SignCertificate, certificates.on_sign_certificate),
        route(v21.StatusNotification, v2x.on_status),
        route(v21.TransactionEvent, v2x.on_transaction_event, periodic=True),
        *(
            route(v21.DIALECT.requests[action], v2x.noted(what, answer))
            for action, (what, answer) in {**v2x.NOTED, **NOTED}.items()
        ),
    ]
)
