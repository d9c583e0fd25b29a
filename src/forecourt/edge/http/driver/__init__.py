"""The driver's page: no log-in, a phone with bad reception, and nothing of anybody else."""

from forecourt.edge.http.driver.routes import DriverDesk, DriverRoutes

__all__ = ["DriverDesk", "DriverRoutes"]
