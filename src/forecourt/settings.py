"""Every knob that the house has, typed and documented. Read by app and cli, and nobody else.

From a TOML file, then ``FORECOURT_*`` in the environment, then the command line. A key that we do
not know is an error at start, not a surprise at night.
"""

import contextlib
import os
import secrets
import tempfile
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from forecourt.base.errors import ForecourtError, Kind

PREFIX: Final = "FORECOURT_"
CONFIG_NAME: Final = "FORECOURT_CONFIG"
SECRET_FILE: Final = "secret.key"  # noqa: S105 (a name of a file)
SECRET_BYTES: Final = 32


class SecretBroken(ForecourtError):
    """The installation's key cannot be used."""

    kind: ClassVar[Kind] = Kind.INTERNAL
    code: ClassVar[str] = "settings.secret_broken"


class SettingsInvalid(ForecourtError):
    """A setting has a value that it cannot have, or a name that we do not know."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "settings.invalid"


class Settings(BaseSettings):
    """How this process runs."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", use_attribute_docstrings=True
    )

    data_dir: Path = Path("forecourt-data")
    """Where everything lies that is not in a database of your own."""
    database_url: SecretStr | None = None
    """A PostgreSQL of your own (15 or newer); without it, one runs in the data folder."""
    database_pool_size: int = Field(default=10, ge=2, le=200)
    """Connections for everything but the hot path, which has its own."""
    database_idle_in_transaction_s: float = Field(default=60, ge=1, le=3_600)
    """PostgreSQL ends a connection of ours that leaves a transaction open for so long: a process
    that hangs would hold back the events of everybody on that server."""
    host: str = "127.0.0.1"
    """The address to listen on; 0.0.0.0 for all of IPv4, :: for all of IPv6, an empty one for both.
    Put TLS in front, or set the certificate."""
    ocpp_port: int = Field(default=9220, ge=0, le=65_535)
    """Where stations connect; 0 takes any free port. Without TLS, if ``ocpp_tls_port`` has it."""
    ocpp_tls_port: int | None = Field(default=None, ge=0, le=65_535)
    """Where stations connect by TLS, beside ``ocpp_port``; 0 takes any free port."""
    ocpp_old_tls_port: int | None = Field(default=None, ge=0, le=65_535)
    """One more, for stations of 1.6 that know no TLS 1.2; off unless it is set."""
    ocpp_old_tls_floor: Literal["1.0", "1.1"] = "1.1"
    """The oldest TLS that is taken there."""
    http_port: int = Field(default=8080, ge=0, le=65_535)
    """Where people and programs connect; 0 takes any free port."""
    public_url: str = Field(default="", max_length=200, pattern=r"^(https?://[^\s/?#]+)?$")
    """Where people reach the console, ``https://charging.example``: passkeys are bound to it, and
    single sign-on and one-time links lead back to it. Without it they work on localhost alone."""
    tls_cert: Path | None = None
    """Certificate chain (PEM) for both ports."""
    tls_key: Path | None = None
    """Its private key (PEM)."""
    tls_second_cert: Path | None = None
    """One more chain for stations, with the other kind of key: OCPP wants RSA and ECDSA."""
    tls_second_key: Path | None = None
    """Its private key (PEM)."""
    tls_hosts: tuple[str, ...] = ()
    """Names and addresses by which stations know us, for a certificate of our own authority."""
    tls_client_ca: Path | None = None
    """Who signs stations' certificates besides our own authority (PEM)."""
    tls_client_crl: Path | None = None
    """Which of those were revoked (PEM, one list or more); read again every minute."""
    operator_name: str = Field(default="", max_length=64)
    """The organization that stations' certificates must name, if any."""
    security_profile_min: int = Field(default=0, ge=0, le=3)
    """The least security profile for all stations; from 2 on ``ocpp_port`` stays closed."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of your proxies: their ``X-Forwarded-For`` says where a station or a
    browser connects from, their ``X-Forwarded-Proto`` whether by TLS."""
    requests_per_s: float = Field(default=50, gt=0)
    """How many requests an API key or a user may make in a second, for long."""
    requests_burst: int = Field(default=1_000, ge=1)
    """How many at once."""
    stranger_requests_per_s: float = Field(default=10, gt=0)
    """The same for an address (of IPv6 a /64) before anybody is logged in: log-ins, wrong keys."""
    stranger_requests_burst: int = Field(default=300, ge=1)
    """How many at once."""
    websocket_compression: bool = True
    """Agree on permessage-deflate with stations that offer it."""
    pki_organization: str = Field(default="Forecourt", min_length=1, max_length=40)
    """The organisation that certificates of our own authorities name as their owner."""
    pki_url: str = Field(default="", max_length=200, pattern=r"^(https?://[^\s]+)?$")
    """Where stations and cars reach this HTTP port, written into certificates as the place to ask
    whether they were revoked; without it they name none."""
    pki_demand_organization: bool = False
    """Refuse a station's request for a certificate that names another organisation."""
    pki_est_url: str = Field(default="", max_length=500, pattern=r"^(https?://[^\s]+)?$")
    """An authority outside that speaks EST (RFC 7030) and signs stations' certificates instead of
    our own: its address up to and without ``/simpleenroll``."""
    pki_est_credentials: SecretStr = SecretStr("")
    """``user:password`` for it."""
    pki_contract_url: str = Field(default="", max_length=500, pattern=r"^(https?://[^\s]+)?$")
    """The provider of contract certificates: what cars ask (Get15118EVCertificate) is posted there
    as JSON, and its answer goes back to them."""
    pki_contract_token: SecretStr = SecretStr("")
    """The bearer token for it."""
    outbound_hosts: tuple[str, ...] = ()
    """Hosts of your own network that may be asked where stations, cars, certificates or webhooks
    name them (an OCSP responder, say), by http too; all other private addresses are not."""
    pki_server_days: int = Field(default=90, ge=1, le=825)
    """How long a certificate of our own OCPP listener is good."""
    pki_station_days: int = Field(default=365, ge=1, le=3_650)
    """How long a certificate that a station shows to us is good."""
    pki_v2g_days: int = Field(default=90, ge=1, le=3_650)
    """How long a certificate that a station shows to cars (ISO 15118) is good."""
    gateway_name: str = "gateway-1"
    """Names this process among those that share a database; two of one name do not start."""
    unknown_stations: Literal["refuse", "pending"] = "refuse"
    """A station that nobody made known is refused, or may wait until somebody admits it."""
    assume_ocpp16: bool = False
    """Take a station that offers no sub-protocol for an OCPP 1.6 station."""
    quirks_file: Path | None = None
    """Quirk profiles of your own (TOML); they come before those that Forecourt has."""
    heartbeat_s: int = Field(default=300, ge=10, le=86_400)
    """How often a station shall say that it lives, when it has nothing else to say."""
    fetch_device_models: bool = True
    """Ask stations for their whole device model after a boot with firmware that is new to us."""
    upkeep_after_boot_s: float = Field(default=20, ge=0, le=3_600)
    """How long after a boot a station is first asked or set something; twice that at most."""
    station_messages_per_s: float = Field(default=250, gt=0)
    """A station that sends more for long is read more slowly."""
    station_messages_burst: float = Field(default=1_000, ge=1)
    """How many messages it may send at once: an offline queue that comes home."""
    frame_bytes_max: int = Field(default=1_048_576, ge=4_096)
    """A longer message closes the connection with code 1009."""
    map_tiles_url: str = Field(default="", pattern=r"^(https?://[^\s\"<>;,']+)?$")
    """Where browsers get pictures for the console's map, as https://host/{z}/{x}/{y}.png. Without
    it the map has the outlines of countries, and asks no other host for anything."""
    map_tiles_credit: str = Field(default="", max_length=200)
    """Whom the map's pictures are of: most of those who give them want to be named."""
    keep_messages_days: int = Field(default=14, ge=1)
    """How long raw OCPP messages are kept."""
    keep_events_days: int = Field(default=400, ge=1)
    """How long events (the timeline of stations and sessions) are kept."""
    keep_meter_values_days: int = Field(default=1_100, ge=30)
    """How long meter values are kept; accounts often need three years."""
    keep_records_days: int = Field(default=400, ge=7)
    """How long finished business with stations is kept: commands and orders with their answers,
    reports, firmware and log jobs, cleared alarms, and requests for certificates that failed."""
    end_sessions_after_h: int = Field(default=72, ge=0, le=8_760)
    """After how many hours without its station a session is given up, with the energy that is
    known; 0: never. A stop that comes later still counts."""
    keep_customer_information_days: int = Field(default=7, ge=1, le=90)
    """How long what stations told of a customer is kept; fetch it soon."""
    keep_webhook_deliveries_days: int = Field(default=30, ge=1, le=400)
    """How long deliveries to webhooks, and what came of them, are kept."""
    data_transfer_vendors: tuple[str, ...] = ()
    """Vendors whose DataTransfer messages are accepted and told on as `station.vendor_said`."""
    stop_timeout_s: float = Field(default=20, gt=0)
    """How long stopping may take before it is hurried."""
    otlp_endpoint: str = Field(default="", max_length=500, pattern=r"^(https?://[^\s]+)?$")
    """A collector that takes OTLP over HTTP, e.g. ``http://localhost:4318``; without one there are
    no traces. Wants the extra ``otel``: ``pip install 'forecourt[otel]'``."""
    otlp_headers: SecretStr = SecretStr("")
    """Headers that the collector wants: ``name=value,name=value``, values percent-encoded."""
    trace_sample_ratio: float = Field(default=0.01, ge=0, le=1)
    """The share of messages, commands and requests that are traced, where there is a collector."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """What is worth a line."""
    log_format: Literal["auto", "console", "json"] = "auto"
    """``auto``: for people on a terminal, JSON elsewhere."""

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, named: tuple[str, ...]) -> tuple[str, ...]:
        for one in named:
            ip_network(one, strict=False)  # Its complaint names what is wrong.
        return named

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (pydantic passes it)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (pydantic passes it)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line, then environment, then the file that FORECOURT_CONFIG names."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, _file())


def load(given: Mapping[str, object]) -> Settings:
    """The effective settings; ``given`` comes from the command line, None where it said nothing.

    Raises SettingsInvalid, which names each wrong key.
    """
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    known = {CONFIG_NAME, *(f"{PREFIX}{name}".upper() for name in Settings.model_fields)}
    # pydantic looks up what it knows, and does not notice a name that is spelt wrong.
    unknown = [name for name in _environment() if name.startswith(PREFIX) and name not in known]
    if unknown:
        raise SettingsInvalid(f"the environment has unknown settings: {', '.join(sorted(unknown))}")
    if CONFIG_NAME in _environment() and not _file().is_file():
        raise SettingsInvalid(f"{CONFIG_NAME} names {_file()}, which is no file")
    try:
        return Settings(**chosen)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"{_file()} is not TOML: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'settings'}: {fault['msg']}"
            for fault in error.errors()
        )
        raise SettingsInvalid(f"these settings are wrong: {wrong}") from error


def _environment() -> Mapping[str, str]:
    return os.environ  # noqa: TID251 (this is the one place)


def _file() -> Path:
    return Path(_environment().get(CONFIG_NAME, "forecourt.toml"))


def secret_key(data_dir: Path) -> bytes:
    """The installation's 32 secret bytes, made when they are first asked for.

    Station passwords and API keys are digested with it: whoever loses it sets them all anew.
    """
    file = data_dir / SECRET_FILE
    data_dir.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        # A name of its own: in containers every process has the same number.
        descriptor, fresh = tempfile.mkstemp(dir=data_dir, prefix=f"{SECRET_FILE}.")
        try:
            try:
                os.write(descriptor, secrets.token_bytes(SECRET_BYTES))
                os.fsync(descriptor)
                if os.geteuid() == 0:
                    # The account that runs the platform shall read what root made for it.
                    owner = data_dir.stat()
                    os.fchown(descriptor, owner.st_uid, owner.st_gid)
            finally:
                os.close(descriptor)
            # Whoever links first wins, and everybody reads the same.
            with contextlib.suppress(FileExistsError):
                os.link(fresh, file)
        finally:
            Path(fresh).unlink()
    key = file.read_bytes()
    if len(key) != SECRET_BYTES:
        raise SecretBroken(f"{file} should hold {SECRET_BYTES} bytes; restore it from a backup")
    return key
