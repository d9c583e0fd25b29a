"""OCPP 2.0.1: the table of its messages."""

from typing import Final

from forecourt.edge.ocpp import certificates, v2x
from forecourt.edge.ocpp.routes import Routes, route
from forecourt.protocol.ocpp import v201

ROUTES: Final[Routes] = dict(
    [
        route(v201.Authorize, v2x.on_authorize),
        route(v201.BootNotification, v2x.on_boot),
        route(v201.Get15118EVCertificate, certificates.on_ev_certificate),
        route(v201.GetCertificateStatus, certificates.on_certificate_status),
        route(v201.Heartbeat, v2x.on_heartbeat, periodic=True),
        route(v201.MeterValues, v2x.on_meter_values, periodic=True),
        route(v201.NotifyReport, v2x.on_report),
        route(v201.SecurityEventNotification, v2x.on_security_event),
        route(v201.SignCertificate, certificates.on_sign_certificate),
        route(v201.StatusNotification, v2x.on_status),
        route(v201.TransactionEvent, v2x.on_transaction_event, periodic=True),
        *(
            route(v201.DIALECT.requests[action], v2x.noted(what, answer))
            for action, (what, answer) in v2x.NOTED.items()
        ),
    ]
)
