"""Commands about the certificates that a station holds."""

from typing import Annotated, Literal

from msgspec import Meta

from forecourt.domain.stations.commands.base import Ask, DetailsPart, Part, Whole

Pem = Annotated[str, Meta(min_length=1, max_length=10_000)]
StationUse = Literal["station", "v2g", "v2g20"]
"""What a station's own certificate is for: to speak with us, or with cars (ISO 15118-2, -20)."""
RootUse = Literal["csms_root", "manufacturer_root", "v2g_root", "mo_root", "oem_root"]
"""Whom a station trusts by a root: us, its maker's firmware, V2G, contract issuers, car makers."""
InstalledUse = Literal[
    "csms_root", "manufacturer_root", "v2g_root", "mo_root", "oem_root", "v2g_chain"
]


class CertificateHash(Part, frozen=True, kw_only=True):
    """How a station names a certificate: RFC 6960's hashes, in hexadecimal digits."""

    algorithm: Literal["SHA256", "SHA384", "SHA512"]
    issuer_name_hash: Annotated[str, Meta(min_length=1, max_length=128)]
    issuer_key_hash: Annotated[str, Meta(min_length=1, max_length=128)]
    serial: Annotated[str, Meta(min_length=1, max_length=40)]


class CertificateSigned(Ask, frozen=True, kw_only=True, tag="certificate_signed"):
    """Hand a station the certificate that it asked to be signed."""

    chain: Pem
    """Its own first, then the sub-CAs; PEM."""
    use: StationUse = "station"
    request: Whole | None = None
    """The number of the station's request, where it gave one (2.1)."""


class InstallCertificate(Ask, frozen=True, kw_only=True, tag="install_certificate"):
    """Have a station trust a root."""

    use: RootUse
    certificate: Pem


class DeleteCertificate(Ask, frozen=True, kw_only=True, tag="delete_certificate"):
    """Have a station forget a certificate."""

    certificate: CertificateHash
    use: InstalledUse | None = None
    """What it is for. 1.6 needs to know when it is one of Plug & Charge."""


class GetInstalledCertificateIds(Ask, frozen=True, kw_only=True, tag="get_certificates"):
    """Ask which certificates a station has; none named means all."""

    uses: Annotated[tuple[InstalledUse, ...], Meta(max_length=6)] = ()


class Installed(Part, frozen=True, kw_only=True):
    """A certificate that a station has."""

    use: InstalledUse
    certificate: CertificateHash
    children: tuple[CertificateHash, ...] = ()
    """The sub-CAs below it, as far as the station has them."""


class InstalledCertificates(DetailsPart, frozen=True, kw_only=True, tag="certificates"):
    """Which certificates a station has."""

    certificates: tuple[Installed, ...]
