"""What stands in a certificate: names, days and extensions, each use its own."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from forecourt.base.text import is_printable
from forecourt.domain.security.model import Profile, Role, Use

# Stations' clocks are late, and a certificate of the future is refused.
BACKDATED: Final = timedelta(minutes=10)
RENEW_AFTER: Final = 2 / 3
COMMON_NAME_MAX: Final = 64
"""Bytes: RFC 5280 counts characters (ub-common-name), the library what they are written in."""
HOST_MAX: Final = 253
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
HOST: Final = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")

Placed = tuple[x509.ExtensionType, bool]
"""An extension, and whether who does not understand it must refuse the certificate."""

# ISO 15118-2 tells authorities and leaves apart by the domain component.
DOMAINS: Final[dict[Use, str]] = {Use.V2G: "CPO", Use.V2G20: "CPO", Use.CONTRACT: "MO"}
AUTHORITY_DOMAINS: Final[dict[Role, str]] = {
    Role.V2G_ROOT: "V2G",
    Role.V2G: "V2G",
    Role.MO_ROOT: "MO",
    Role.CONTRACT: "MO",
}

CLIENT: Final = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER: Final = ExtendedKeyUsageOID.SERVER_AUTH
PURPOSES: Final[dict[Use, Sequence[x509.ObjectIdentifier]]] = {
    Use.SERVER: (SERVER,),
    Use.STATION: (CLIENT,),
    # In ISO 15118-20 both ends prove who they are.
    Use.V2G: (SERVER,),
    Use.V2G20: (SERVER, CLIENT),
    Use.CONTRACT: (),
}


def profile_flaw(profile: Profile) -> str:
    """Why nobody can have such a certificate; '' when somebody can."""
    if not 0 < len(profile.subject.encode()) <= COMMON_NAME_MAX:
        return f"a name has 1 to {COMMON_NAME_MAX} bytes"
    if not is_printable(profile.subject):
        return "a name has no control characters"
    if profile.use is not Use.SERVER:
        return "only a server has further names" if profile.hosts else ""
    wrong = [host for host in profile.hosts if not _is_host(host)]
    return f"{wrong[0]!r} is no name or address of a server" if wrong else ""


def _is_host(text: str) -> bool:
    """An address, or a name of DNS (RFC 1123), its first part perhaps a star (RFC 6125)."""
    try:
        ip_address(text)
    except ValueError:
        return len(text) <= HOST_MAX and HOST.fullmatch(text) is not None
    return "%" not in text  # A zone means something on one machine alone.


def name(common_name: str, organization: str, use: Use) -> x509.Name:
    """A subject: O and CN, which OCPP asks for (A00.FR.509 to 511), and ISO 15118's DC."""
    return _name(common_name, organization, DOMAINS.get(use, ""))


def authority_name(common_name: str, organization: str, role: Role) -> x509.Name:
    """The subject of an authority."""
    return _name(common_name, organization, AUTHORITY_DOMAINS.get(role, ""))


def _name(common_name: str, organization: str, domain: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    if domain:
        parts.append(x509.NameAttribute(NameOID.DOMAIN_COMPONENT, domain))
    return x509.Name(parts)


def span(now: datetime, days: int, issuer_expires_at: datetime) -> tuple[datetime, datetime]:
    """From when to when; never beyond the issuer's own end."""
    whole = now.replace(microsecond=0)
    return whole - BACKDATED, min(whole + timedelta(days=days), issuer_expires_at)


def renew_at(starts_at: datetime, expires_at: datetime) -> datetime:
    """When two thirds of a lifetime are over: early enough for a station that is often away."""
    return starts_at + (expires_at - starts_at) * RENEW_AFTER


def authority_extensions(
    own: CertificateIssuerPublicKeyTypes,
    issuer: CertificateIssuerPublicKeyTypes,
    *,
    path_length: int | None,
    crl_url: str,
    ocsp_url: str,
) -> list[Placed]:
    """Those of an authority's own certificate; a root has nobody to ask about it."""
    placed: list[Placed] = [
        (x509.BasicConstraints(ca=True, path_length=path_length), True),
        (_key_usage(signs_others=True), True),
        (x509.SubjectKeyIdentifier.from_public_key(own), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), False),
    ]
    return placed + ([] if own == issuer else _places(crl_url, ocsp_url))


def leaf_extensions(
    profile: Profile,
    own: CertificateIssuerPublicKeyTypes,
    issuer: CertificateIssuerPublicKeyTypes,
    *,
    rsa: bool,
    crl_url: str,
    ocsp_url: str,
) -> list[Placed]:
    """Those of an end entity."""
    agrees = profile.use in (Use.V2G, Use.V2G20, Use.CONTRACT) and not rsa
    placed: list[Placed] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_key_usage(enciphers=rsa, agrees=agrees), True),
        (x509.SubjectKeyIdentifier.from_public_key(own), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), False),
    ]
    if PURPOSES[profile.use]:
        placed.append((x509.ExtendedKeyUsage(PURPOSES[profile.use]), False))
    if profile.hosts:
        placed.append((x509.SubjectAlternativeName(alternatives(profile.hosts)), False))
    return placed + _places(crl_url, ocsp_url)


def alternatives(hosts: Iterable[str]) -> list[x509.GeneralName]:
    """A server's names and addresses."""
    found: list[x509.GeneralName] = []
    for host in hosts:
        try:
            found.append(x509.IPAddress(ip_address(host)))
        except ValueError:
            found.append(x509.DNSName(host))
    return found


def _key_usage(
    *, signs_others: bool = False, enciphers: bool = False, agrees: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=enciphers,
        data_encipherment=False,
        key_agreement=agrees,
        key_cert_sign=signs_others,
        crl_sign=signs_others,
        encipher_only=False,
        decipher_only=False,
    )


def _places(crl_url: str, ocsp_url: str) -> list[Placed]:
    """Where the issuer says which of its certificates are good no more."""
    placed: list[Placed] = []
    if crl_url:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl_url)], None, None, None)
        placed.append((x509.CRLDistributionPoints([point]), False))
    if ocsp_url:
        described = x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(ocsp_url)
        )
        placed.append((x509.AuthorityInformationAccess([described]), False))
    return placed
