"""Tables and SQL of this room, by topic."""

from forecourt.domain.tenants.store import audit, keys, logins, once, passkeys, people, sso, tenants

__all__ = ["audit", "keys", "logins", "once", "passkeys", "people", "sso", "tenants"]
