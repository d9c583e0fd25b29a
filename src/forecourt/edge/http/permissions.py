"""Which permission each route wants: one table, so that one look shows who may do what.

A route that is not in it is for owners alone; tests/edge/http/test_permissions.py finds it.
"""

from collections.abc import Mapping
from typing import Final

from forecourt.domain.tenants import ROLES, Permission, Role

P = Permission

_BY_PERMISSION: Final[Mapping[Permission, tuple[str, ...]]] = {
    P.STATIONS_READ: (
        *("list_stations", "read_station", "list_messages", "list_variables", "list_drift"),
        *("read_drift", "list_templates", "read_template", "list_quirk_profiles"),
        *("list_connector_types", "read_connector_type"),
        *("read_quirk_profile", "read_station_quirks", "list_alarms", "list_charging_profiles"),
        *("list_display_messages", "list_external_limits", "list_file_jobs", "list_grid_controls"),
        "list_dynamic_schedules",
        *("list_monitors", "list_reports", "list_stream_values", "list_streams"),
        *("list_transaction_modes", "list_variable_events", "list_vehicle_plans"),
        *(
            "overview",
            "live",
            "list_events",
            "list_roles",
            "list_timeline",
            "list_networks",
            "read_settings",
            "list_network_alarms",
            "list_connectors",
            "read_power",
        ),
        *("list_sites", "read_site", "list_site_summaries", "read_site_summary"),
        *("watch_messages", "list_codes", "read_driver_page"),
    ),
    P.STATIONS_WRITE: (
        *("add_station", "import_stations", "change_station", "remove_station"),
        *("add_template", "save_template"),
        *(
            "remove_template",
            "acknowledge_alarm",
            "acknowledge_alarms",
            "clear_alarms",
            "rotate_password",
            "upgrade_security",
        ),
        *("add_site", "change_site", "remove_site"),
        *("make_codes", "change_code", "change_driver_page"),
    ),
    P.COMMANDS: (
        *("command_station", "apply_templates", "place_command", "list_commands"),
        *("read_command", "cancel_command", "end_session", "list_station_commands"),
    ),
    P.CERTIFICATES_READ: (
        *("list_certificates", "read_certificate", "list_signing_requests", "list_authorities"),
        *("read_authority", "read_station_trust"),
        *("list_installed_certificates", "list_contracts"),
    ),
    P.CERTIFICATES_WRITE: (
        *("sign_certificate", "revoke_certificate", "trust_authority", "distrust_authority"),
        *("cancel_contract", "issue_certificate", "make_authorities"),
    ),
    P.SESSIONS_READ: (
        *("list_sessions", "read_session", "list_readings", "list_battery_swaps"),
        *("list_settlements", "list_station_costs", "check_vat_number"),
        *("list_session_events", "list_unmatched_stops"),
    ),
    P.TOKENS_READ: (
        *(
            "list_tokens",
            "read_token",
            "list_reservations",
            "list_network_reservations",
            "read_local_list",
        ),
        "read_customer_information",
    ),
    P.TOKENS_WRITE: ("add_token", "change_token", "remove_token"),
    P.PEOPLE_READ: (
        *("list_users", "read_user", "list_api_keys", "read_api_key"),
        *("list_sso_providers", "read_sso_provider"),
    ),
    P.PEOPLE_WRITE: (
        *("add_user", "change_user", "remove_user", "add_api_key", "revoke_api_key"),
        "make_reset_link",
        "change_settings",
        *("add_sso_provider", "set_sso_provider", "remove_sso_provider"),
    ),
    P.TENANTS_READ: ("list_tenants", "read_tenant", "list_shares"),
    P.TENANTS_WRITE: ("add_tenant", "change_tenant", "share_sites", "unshare_sites"),
    P.AUDIT_READ: ("list_audit", "verify_audit"),
    P.WEBHOOKS_READ: (
        *("list_webhooks", "read_webhook", "list_deliveries", "read_delivery"),
        "list_event_types",
    ),
    P.WEBHOOKS_WRITE: (
        *("add_webhook", "change_webhook", "remove_webhook", "rotate_webhook_secret"),
        *("ping_webhook", "replay_webhook", "replay_delivery"),
    ),
}

PERMISSIONS: Final[Mapping[str, Permission]] = {
    operation: permission for permission, named in _BY_PERMISSION.items() for operation in named
}
"""By a route's operation id."""

ANYBODY: Final = frozenset(
    {
        *("read_me", "log_out", "begin_totp", "set_totp", "list_my_passkeys", "begin_passkey"),
        *("change_my_password", "make_recovery_codes", "remove_totp", "confirm_login"),
        "confirm_login_by_passkey",
        *("add_passkey", "remove_passkey", "list_my_logins", "end_my_login", "end_my_other_logins"),
        *("list_places", "act_in"),
    }
)
"""Routes about the caller alone."""

FRESH: Final = frozenset(
    {
        *("change_my_password", "begin_totp", "set_totp", "remove_totp", "make_recovery_codes"),
        *("begin_passkey", "add_passkey", "add_api_key", "add_user", "change_user"),
        *("make_reset_link", "add_sso_provider", "set_sso_provider"),
    }
)
"""What lets somebody in later, or shuts somebody out: whoever finds a browser open may not do it.

The user must have shown a moment ago who it is.
"""

OF_SHARES: Final = frozenset(
    {
        *("list_stations", "read_station", "list_timeline", "list_alarms", "overview", "live"),
        "list_events",
        *("list_sessions", "read_session", "list_readings", "list_sites", "read_site"),
        *("list_site_summaries", "read_site_summary", "list_roles"),
    }
)
"""What may be read where sites are shared; all that is not named here may not."""

OF_KEYS: Final = frozenset(Permission) - {
    *(P.PEOPLE_READ, P.PEOPLE_WRITE, P.TENANTS_WRITE, P.COMMANDS_RAW)
}
"""What a program with an API key may do; people let people in."""


def missing(operation: str, held: frozenset[Permission]) -> str | None:
    """The permission that ``operation`` wants and the caller has not, or None."""
    if operation in ANYBODY:
        return None
    wanted = PERMISSIONS.get(operation)
    if wanted is None:
        return None if held == ROLES[Role.OWNER] else "owner"
    return None if wanted in held else wanted.value
