"""Commands about what is fetched from a station or by it: firmware, logs, diagnostics."""

from typing import Annotated, Literal

from msgspec import Meta

from forecourt.domain.stations.commands.base import (
    Ask,
    DetailsPart,
    Location,
    Moment,
)

Retries = Annotated[int, Meta(ge=0, le=100)]
Seconds = Annotated[int, Meta(ge=0, le=86_400)]
Checksum = Annotated[str, Meta(min_length=32, max_length=32, pattern="^[0-9A-Fa-f]+$")]
"""MD5, in hexadecimal digits."""


class UpdateFirmware(Ask, frozen=True, kw_only=True, tag="update_firmware"):
    """Have a station fetch firmware and install it; signed, where certificate and signature are."""

    location: Location
    retrieve_at: Moment | None = None
    """Nothing means now."""
    install_at: Moment | None = None
    signing_certificate: Annotated[str, Meta(min_length=1, max_length=5_500)] | None = None
    signature: Annotated[str, Meta(min_length=1, max_length=800)] | None = None
    retries: Retries | None = None
    retry_interval_s: Seconds | None = None


class PublishFirmware(Ask, frozen=True, kw_only=True, tag="publish_firmware"):
    """Have a local controller fetch firmware for the stations behind it."""

    location: Location
    checksum: Checksum
    retries: Retries | None = None
    retry_interval_s: Seconds | None = None


class UnpublishFirmware(Ask, frozen=True, kw_only=True, tag="unpublish_firmware"):
    """Have a local controller offer that firmware no longer."""

    checksum: Checksum


class GetLog(Ask, frozen=True, kw_only=True, tag="get_log"):
    """Have a station upload its log; in 1.6, ``diagnostics`` is asked by GetDiagnostics."""

    location: Location
    kind: Literal["diagnostics", "security", "data_collector"] = "diagnostics"
    since: Moment | None = None
    until: Moment | None = None
    retries: Retries | None = None
    retry_interval_s: Seconds | None = None


class LogFile(DetailsPart, frozen=True, kw_only=True, tag="log_file"):
    """What the station will call the file."""

    name: str
