"""Tenants and their API keys: who the rows belong to, and which machine may ask for them.

Knows no station and no session.
"""

from forecourt.domain.tenants.model import (
    ApiKey,
    ApiKeyAdded,
    ApiKeyExists,
    ApiKeyInvalid,
    ApiKeyRevoked,
    ApiKeyUnknown,
    NewApiKey,
    Scope,
    ScopeMissing,
    Tenant,
    permit,
)
from forecourt.domain.tenants.service import Tenants

__all__ = [
    "ApiKey",
    "ApiKeyAdded",
    "ApiKeyExists",
    "ApiKeyInvalid",
    "ApiKeyRevoked",
    "ApiKeyUnknown",
    "NewApiKey",
    "Scope",
    "ScopeMissing",
    "Tenant",
    "Tenants",
    "permit",
]
