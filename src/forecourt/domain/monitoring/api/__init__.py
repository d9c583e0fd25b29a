"""The room's routes: of one station, and of all."""

from forecourt.domain.monitoring.api.alarms import AlarmRoutes
from forecourt.domain.monitoring.api.stations import MonitoringRoutes, report_view

__all__ = ["AlarmRoutes", "MonitoringRoutes", "report_view"]
