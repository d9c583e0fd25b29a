"""OCPP 2.0.1: the table of its messages."""

from typing import Final

from forecourt.edge.ocpp import (
    certificates,
    energy_v2x,
    files,
    reports_v2x,
    reservations,
    v2x,
    vendors,
)
from forecourt.edge.ocpp.routes import Routes, route
from forecourt.protocol.ocpp import v201

ROUTES: Final[Routes] = dict(
    [
        route(v201.Authorize, v2x.on_authorize),
        route(v201.BootNotification, v2x.on_boot),
        route(v201.ClearedChargingLimit, energy_v2x.on_limit_cleared),
        route(v201.DataTransfer, vendors.on_data_transfer, periodic=True),
        route(v201.FirmwareStatusNotification, files.on_firmware),
        route(v201.Get15118EVCertificate, certificates.on_ev_certificate),
        route(v201.GetCertificateStatus, certificates.on_certificate_status),
        route(v201.Heartbeat, v2x.on_heartbeat, periodic=True),
        route(v201.LogStatusNotification, files.on_log),
        route(v201.MeterValues, v2x.on_meter_values, periodic=True),
        route(v201.NotifyChargingLimit, energy_v2x.on_limit),
        route(v201.NotifyCustomerInformation, reports_v2x.on_customer),
        route(v201.NotifyDisplayMessages, reports_v2x.on_displays),
        route(v201.NotifyEVChargingNeeds, energy_v2x.on_needs_201),
        route(v201.NotifyEVChargingSchedule, energy_v2x.on_schedule),
        route(v201.NotifyEvent, reports_v2x.on_event),
        route(v201.NotifyMonitoringReport, reports_v2x.on_monitors),
        route(v201.NotifyReport, v2x.on_report),
        route(v201.PublishFirmwareStatusNotification, files.on_publish),
        route(v201.ReportChargingProfiles, energy_v2x.on_profiles),
        route(v201.ReservationStatusUpdate, reservations.on_reservation),
        route(v201.SecurityEventNotification, reports_v2x.on_security_event),
        route(v201.SignCertificate, certificates.on_sign_certificate),
        route(v201.StatusNotification, v2x.on_status),
        route(v201.TransactionEvent, v2x.on_transaction_event, periodic=True),
    ]
)
