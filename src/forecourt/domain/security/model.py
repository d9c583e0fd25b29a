"""What exists in this room: authorities, certificates, and requests for them."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol

from msgspec import Struct

from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.events import Event
from forecourt.base.ids import StationId, TenantId


class Use(StrEnum):
    """What a certificate of an end entity is for."""

    SERVER = "server"
    """Our own listener, before the stations."""
    STATION = "station"
    """A station, before our listener."""
    V2G = "v2g"
    """A station, before cars (ISO 15118-2)."""
    V2G20 = "v2g20"
    """The same by the rules of ISO 15118-20."""
    CONTRACT = "contract"
    """A driver's contract, before stations."""


class Role(StrEnum):
    """What an authority stands for."""

    CSMS_ROOT = "csms_root"
    SERVER = "server"
    STATION = "station"
    V2G_ROOT = "v2g_root"
    V2G = "v2g"
    MO_ROOT = "mo_root"
    CONTRACT = "contract"
    MANUFACTURER_ROOT = "manufacturer_root"
    OEM_ROOT = "oem_root"


# Who signs what, and who signed them: three hierarchies, so that none vouches for another's names.
PARENTS: dict[Role, Role | None] = {
    Role.CSMS_ROOT: None,
    Role.SERVER: Role.CSMS_ROOT,
    Role.STATION: Role.CSMS_ROOT,
    Role.V2G_ROOT: None,
    Role.V2G: Role.V2G_ROOT,
    Role.MO_ROOT: None,
    Role.CONTRACT: Role.MO_ROOT,
}

SIGNERS: dict[Use, Role] = {
    Use.SERVER: Role.SERVER,
    Use.STATION: Role.STATION,
    Use.V2G: Role.V2G,
    Use.V2G20: Role.V2G,
    Use.CONTRACT: Role.CONTRACT,
}


class CertificateAuthority(Struct, frozen=True, kw_only=True):
    """An authority that we are (it has a key), or that we trust (it has none)."""

    id: str
    tenant: TenantId
    role: Role
    name: str
    parent: str | None
    own: bool
    """We hold its key."""
    certificate: bytes
    """DER."""
    fingerprint: str
    expires_at: datetime
    created_at: datetime


class Certificate(Struct, frozen=True, kw_only=True):
    """A certificate that one of our authorities, or one beside us, issued for somebody."""

    id: str
    tenant: TenantId
    use: Use
    subject: str
    """Its common name."""
    station: StationId | None
    authority: str | None
    """None: an authority outside of this house."""
    serial: str
    """Hexadecimal, as OCPP spells it."""
    fingerprint: str
    chain: tuple[bytes, ...]
    """DER, the certificate itself first, the root left out."""
    starts_at: datetime
    expires_at: datetime
    renewal_asked_at: datetime | None = None
    revoked_at: datetime | None = None
    created_at: datetime


class Profile(Struct, frozen=True, kw_only=True):
    """What a certificate is to be: everything but the key, which the request brings."""

    use: Use
    subject: str
    """The common name."""
    organization: str
    days: int
    hosts: tuple[str, ...] = ()
    """Names and addresses of a server."""


class Issued(Struct, frozen=True, kw_only=True):
    """What an authority answered: DER, the certificate first, the root left out."""

    chain: tuple[bytes, ...]
    authority: str | None = None


class Authority(Protocol):
    """Whoever signs: our own authority, or one outside that is spoken to.

    A signature may take a while, so it is asked for outside of any unit of work.
    """

    async def sign(self, csr: bytes, profile: Profile, now: datetime) -> Issued:
        """Have a request (DER) signed. Raises AuthorityAway, AuthorityRefused."""

    async def revoke(self, serial: str, reason: "Reason", now: datetime) -> bool:
        """Tell the authority that a certificate is good no more; whether it takes such news."""

    async def chain(self, now: datetime) -> Sequence[bytes]:
        """The authority's own certificates (DER), from the one that signs up to the root."""

    async def crl(self, now: datetime) -> bytes | None:
        """Its list of revoked certificates (DER), or None when it publishes that itself."""


class Reason(StrEnum):
    """Why a certificate was revoked (RFC 5280, 5.3.1)."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "keyCompromise"
    AFFILIATION_CHANGED = "affiliationChanged"
    SUPERSEDED = "superseded"
    CESSATION = "cessationOfOperation"


class ServerCertificate(Struct, frozen=True, kw_only=True):
    """What a TLS listener needs. Do not log it."""

    id: str
    chain_pem: str
    """The certificate and its issuers, the root left out."""
    key_pem: str
    expires_at: datetime
    renew_at: datetime
    """From then on ``server_certificate`` gives a new one."""

    def __repr__(self) -> str:
        return f"ServerCertificate({self.id})"


class Holder(Struct, frozen=True, kw_only=True):
    """Whom a client certificate speaks for, as the authority that signed it says."""

    tenant: TenantId
    name: str
    """Its common name: the station's identity, or its serial number."""
    serial: str
    fingerprint: str
    expires_at: datetime


class Untrusted(Struct, frozen=True, kw_only=True):
    """A certificate that opens no door, and why."""

    reason: str
    stranger: bool = False
    """No authority of ours signed it."""
    revoked: bool = False


class SecurityEvent(Event, frozen=True, kw_only=True):
    """Something about a certificate."""

    station: StationId | None = None

    @property
    def subject(self) -> str:
        return self.station or self.tenant


class AuthorityAdded(SecurityEvent, frozen=True, kw_only=True, tag="authority.added"):
    """An authority was made, or is trusted from now on."""

    authority: str
    role: Role
    name: str


class CertificateIssued(SecurityEvent, frozen=True, kw_only=True, tag="certificate.issued"):
    """A certificate was signed."""

    certificate: str
    use: Use
    common_name: str
    expires_at: datetime


class CertificateRevoked(SecurityEvent, frozen=True, kw_only=True, tag="certificate.revoked"):
    """A certificate is good no more, before its time."""

    certificate: str | None
    authority: str
    serial: str
    reason: Reason


class AuthorityUnknown(ForecourtError):
    """No such authority."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "authority.unknown"


class AuthorityAway(ForecourtError):
    """The authority outside does not answer, or is not ready; try again."""

    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    code: ClassVar[str] = "authority.away"


class AuthorityRefused(ForecourtError):
    """The authority will not sign this."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "authority.refused"
