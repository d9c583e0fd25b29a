"""OCPP 2.1: the table of its messages."""

from typing import Final

from forecourt.edge.ocpp import (
    certificates,
    energy_v2x,
    files,
    money_v21,
    reports_v2x,
    reservations,
    v2x,
    vendors,
)
from forecourt.edge.ocpp.routes import Routes, route
from forecourt.protocol.ocpp import v21

# A message that wants no answer (SEND): its handler's answer goes nowhere.
SENT: Final[Routes] = dict(
    [
        route(v21.NotifyPeriodicEventStream, reports_v2x.on_stream, periodic=True),
    ]
)

ROUTES: Final[Routes] = dict(
    [
        route(v21.Authorize, v2x.on_authorize),
        route(v21.BatterySwap, energy_v2x.on_swap),
        route(v21.BootNotification, v2x.on_boot),
        route(v21.ClearedChargingLimit, energy_v2x.on_limit_cleared),
        route(v21.ClosePeriodicEventStream, reports_v2x.on_stream_closed),
        route(v21.DataTransfer, vendors.on_data_transfer, periodic=True),
        route(v21.FirmwareStatusNotification, files.on_firmware),
        route(v21.Get15118EVCertificate, certificates.on_ev_certificate),
        route(v21.GetCertificateChainStatus, certificates.on_chain_status),
        route(v21.GetCertificateStatus, certificates.on_certificate_status),
        route(v21.Heartbeat, v2x.on_heartbeat, periodic=True),
        route(v21.LogStatusNotification, files.on_log),
        route(v21.MeterValues, v2x.on_meter_values, periodic=True),
        route(v21.NotifyChargingLimit, energy_v2x.on_limit),
        route(v21.NotifyCustomerInformation, reports_v2x.on_customer),
        route(v21.NotifyDERAlarm, energy_v2x.on_grid_alarm),
        route(v21.NotifyDERStartStop, energy_v2x.on_control_switched),
        route(v21.NotifyDisplayMessages, reports_v2x.on_displays),
        route(v21.NotifyEVChargingNeeds, energy_v2x.on_needs_21),
        route(v21.NotifyEVChargingSchedule, energy_v2x.on_schedule),
        route(v21.NotifyEvent, reports_v2x.on_event),
        route(v21.NotifyMonitoringReport, reports_v2x.on_monitors),
        route(v21.NotifyPriorityCharging, energy_v2x.on_priority),
        route(v21.NotifyReport, v2x.on_report),
        route(v21.NotifySettlement, money_v21.on_settlement),
        route(v21.OpenPeriodicEventStream, reports_v2x.on_stream_opened),
        route(v21.PublishFirmwareStatusNotification, files.on_publish),
        route(v21.PullDynamicScheduleUpdate, energy_v2x.on_schedule_pulled),
        route(v21.ReportChargingProfiles, energy_v2x.on_profiles),
        route(v21.ReportDERControl, energy_v2x.on_controls),
        route(v21.ReservationStatusUpdate, reservations.on_reservation),
        route(v21.SecurityEventNotification, reports_v2x.on_security_event),
        route(v21.SignCertificate, certificates.on_sign_certificate),
        route(v21.StatusNotification, v2x.on_status),
        route(v21.TransactionEvent, money_v21.on_transaction_event, periodic=True),
        route(v21.VatNumberValidation, money_v21.on_vat),
    ]
)
