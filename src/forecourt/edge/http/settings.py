"""What an operator may see of how the platform runs, and change of it."""

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlsplit

from litestar import Controller, Request, get, patch
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta, Struct

from forecourt.base.context import Context
from forecourt.base.text import Line, Name
from forecourt.domain.tenants import Tenants, TenantSettings

Url = Annotated[str, Meta(max_length=400, pattern=r"^(wss?://[^\s]+)?(?![\s\S])")]


class Retention(Struct, frozen=True, kw_only=True):
    """How many days things are kept; the settings of the process say so."""

    messages_days: int
    events_days: int
    meter_values_days: int
    customer_information_days: int


class Facts(Struct, frozen=True, kw_only=True):
    """What the process knows of itself, for those who look at its settings."""

    ocpp_urls: Sequence[str] = ()
    """The addresses that it listens on: without TLS first, then with."""
    security_profile_min: int = 0
    retention: Retention = Retention(
        messages_days=14, events_days=400, meter_values_days=1_100, customer_information_days=7
    )


class OcppDoor(Struct, frozen=True, kw_only=True):
    """Where stations come in."""

    url: str
    """What to enter at a station, with its identity behind; empty where no port is open."""
    chosen: bool
    """Somebody set it; else it is the host that was asked for this, and the port listened on."""
    host: str
    port: int | None
    tls: bool
    ports: tuple[int, ...]
    """All that are listened on."""
    security_profile_min: int


class SettingsView(Struct, frozen=True, kw_only=True):
    """How the platform runs for this tenant."""

    tenant: str
    name: str
    time_zone: str
    """An IANA name."""
    ocpp_url: str
    """As somebody set it; empty: as `ocpp` finds it out."""
    ocpp: OcppDoor
    retention: Retention


class SettingsChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change; what is absent or null stays as it is."""

    name: Name | None = None
    time_zone: Line | None = None
    ocpp_url: Url | None = None
    """Up to and without the station's identity; empty: find it out again."""


class SettingsRoutes(Controller):
    """Settings."""

    path = "/settings"
    tags = ("Settings",)

    @get(operation_id="read_settings", summary="Settings")
    async def read(
        self,
        request: Request[Any, Any, Any],
        ctx: NamedDependency[Context],
        tenants: NamedDependency[Tenants],
        facts: NamedDependency[Facts],
    ) -> SettingsView:
        """How the platform runs for this tenant, and where stations shall dial."""
        return settings_view(await tenants.settings(ctx), facts, _host(request))

    @patch(operation_id="change_settings", summary="Change settings")
    async def change(
        self,
        request: Request[Any, Any, Any],
        ctx: NamedDependency[Context],
        *,
        tenants: NamedDependency[Tenants],
        facts: NamedDependency[Facts],
        data: JSONBody[SettingsChange],
    ) -> SettingsView:
        """Change what is given. How long things are kept is a setting of the process."""
        changed = await tenants.change_settings(
            ctx, name=data.name, time_zone=data.time_zone, ocpp_url=data.ocpp_url
        )
        return settings_view(changed, facts, _host(request))


def settings_view(settings: TenantSettings, facts: Facts, host: str) -> SettingsView:
    """Settings as the API shows them to who reached us at ``host``."""
    return SettingsView(
        tenant=settings.id,
        name=settings.name,
        time_zone=settings.time_zone,
        ocpp_url=settings.ocpp_url,
        ocpp=ocpp_door(settings.ocpp_url, facts, host),
        retention=facts.retention,
    )


def ocpp_door(chosen: str, facts: Facts, host: str) -> OcppDoor:
    """Where stations shall dial: as somebody set it, or with TLS where there is, at ``host``."""
    listening = [urlsplit(url) for url in facts.ocpp_urls]
    safest = next((one for one in listening if one.scheme == "wss"), None)
    one = urlsplit(chosen) if chosen else safest or next(iter(listening), None)
    named = host if one is None or not chosen else one.hostname or ""
    url = chosen
    if one is not None and not chosen:
        url = f"{one.scheme}://{f'[{host}]' if ':' in host else host}:{one.port}"
    return OcppDoor(
        url=url and f"{url.rstrip('/')}/",
        chosen=bool(chosen),
        host=named,
        port=None if one is None else one.port,
        tls=one is not None and one.scheme == "wss",
        ports=tuple(port for each in listening if (port := each.port) is not None),
        security_profile_min=facts.security_profile_min,
    )


def _host(request: Request[Any, Any, Any]) -> str:
    """The name by which we were reached; a wrong one is not worth an error."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or "localhost"
    except ValueError:
        return "localhost"
