"""OCPP 2.1: the table of its messages; what it adds to 2.0.1 is kept until a room acts on it."""

from collections.abc import Mapping
from typing import Final

from forecourt.edge.ocpp import certificates, v2x
from forecourt.edge.ocpp.routes import Routes, route
from forecourt.protocol.ocpp import v21
from forecourt.protocol.ocpp.values import Message

NOTED: Final[Mapping[str, tuple[str, Message]]] = {
    "BatterySwap": ("battery_swap", v21.BatterySwapResponse()),
    "ClosePeriodicEventStream": ("stream_closed", v21.ClosePeriodicEventStreamResponse()),
    "NotifyDERAlarm": ("der_alarm", v21.NotifyDERAlarmResponse()),
    "NotifyDERStartStop": ("der_start_stop", v21.NotifyDERStartStopResponse()),
    "NotifyPriorityCharging": ("priority_charging", v21.NotifyPriorityChargingResponse()),
    "NotifySettlement": ("settlement", v21.NotifySettlementResponse()),
    "OpenPeriodicEventStream": (
        "stream_opened",
        v21.OpenPeriodicEventStreamResponse(status="Rejected"),
    ),
    "PullDynamicScheduleUpdate": (
        "schedule_pulled",
        v21.PullDynamicScheduleUpdateResponse(status="Rejected"),
    ),
    "ReportDERControl": ("der_control", v21.ReportDERControlResponse()),
}

# A message that wants no answer (SEND): its handler's answer goes nowhere.
SENT: Final[Routes] = dict(
    [
        route(
            v21.NotifyPeriodicEventStream,
            v2x.noted("stream", v21.NotifyEventResponse()),
            periodic=True,
        )
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
        route(v21.Get15118EVCertificate, certificates.on_ev_certificate),
        route(v21.GetCertificateChainStatus, certificates.on_chain_status),
        route(v21.GetCertificateStatus, certificates.on_certificate_status),
        route(v21.Heartbeat, v2x.on_heartbeat, periodic=True),
        route(v21.MeterValues, v2x.on_meter_values, periodic=True),
        route(v21.NotifyReport, v2x.on_report),
        route(v21.SecurityEventNotification, v2x.on_security_event),
        route(v21.SignCertificate, certificates.on_sign_certificate),
        route(v21.StatusNotification, v2x.on_status),
        route(v21.TransactionEvent, v2x.on_transaction_event, periodic=True),
        *(
            route(v21.DIALECT.requests[action], v2x.noted(what, answer))
            for action, (what, answer) in {**v2x.NOTED, **NOTED}.items()
        ),
    ]
)
