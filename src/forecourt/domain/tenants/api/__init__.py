"""The room's routes, by topic."""

from forecourt.domain.tenants.api.people import AuditRoutes, KeyRoutes, RoleRoutes, UserRoutes
from forecourt.domain.tenants.api.sso import ProviderRoutes
from forecourt.domain.tenants.api.tenants import TenantRoutes

__all__ = [
    "AuditRoutes",
    "KeyRoutes",
    "ProviderRoutes",
    "RoleRoutes",
    "TenantRoutes",
    "UserRoutes",
]
