"""What exists in this room: authorities, certificates, and requests for them."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, Protocol, TypedDict

from msgspec import Struct, field

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


CERTIFICATE_SORTS: Final = ("id", "station", "expires_at")
"""What certificates that were issued may be sorted by."""

REQUEST_SORTS: Final = ("id", "station")
"""What requests for certificates may be sorted by; ids are in the order of time."""

CONTRACT_SORTS: Final = ("fingerprint", "emaid")
"""What contract certificates may be sorted by."""


class CertificateFields(TypedDict, total=False):
    """What certificates can be chosen by; None is any."""

    use: "Use | None"
    station: StationId | None
    expires_before: datetime | None


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
    """Which of ours signed it."""
    issuers: tuple[bytes, ...] = ()
    """Who signed it, up to the root, when that was somebody outside."""


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


class ExiRequest(Struct, frozen=True, kw_only=True, rename="camel"):
    """A car's wish for a contract certificate (ISO 15118), which the car has encoded and signed."""

    iso15118_schema_version: str
    action: str
    """``Install`` or ``Update``."""
    exi_request: str
    maximum_contract_certificate_chains: int | None = None
    prioritized_emaids: tuple[str, ...] = field(default=(), name="prioritizedEMAIDs")


class ExiAnswer(Struct, frozen=True, kw_only=True, rename="camel"):
    """What the issuer of contracts answers the car, encoded and signed for it alone."""

    status: str
    """``Accepted`` or ``Failed``."""
    exi_response: str = ""
    remaining_contracts: int | None = None
    reason: str = ""


class Reason(StrEnum):
    """Why a certificate was revoked (RFC 5280, 5.3.1)."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "keyCompromise"
    AFFILIATION_CHANGED = "affiliationChanged"
    SUPERSEDED = "superseded"
    CESSATION = "cessationOfOperation"


class RequestState(StrEnum):
    """How far a station's request has come."""

    REQUESTED = "requested"
    SIGNED = "signed"
    """Signed, and not handed over yet."""
    ACCEPTED = "accepted"
    """The station has its certificate."""
    REJECTED = "rejected"
    """The station did not like it."""
    FAILED = "failed"
    """The authority will not sign it, or the station cannot be reached for too long."""
    SUPERSEDED = "superseded"
    """The station asked anew before it was served."""


OPEN = frozenset({RequestState.REQUESTED, RequestState.SIGNED})


class SigningRequest(Struct, frozen=True, kw_only=True):
    """A station's request for a certificate."""

    id: str
    tenant: TenantId
    station: StationId
    use: Use
    subject: str
    organization: str
    reference: int | None
    """The station's own number for it (2.1)."""
    state: RequestState
    detail: str
    certificate: str | None
    attempts: int
    requested_at: datetime
    settled_at: datetime | None = None


class Task(Struct, frozen=True, kw_only=True):
    """A request that somebody is to serve now."""

    request: SigningRequest
    csr: bytes
    chain: tuple[bytes, ...] = ()
    """What was signed, when it was."""


class Sound(Struct, frozen=True, kw_only=True):
    """A signing request that may be signed."""

    der: bytes
    digest: bytes
    subject: str
    """Its common name."""
    organization: str


class Unfit(Struct, frozen=True, kw_only=True):
    """A request or a certificate that will not do, and why: an ordinary refusal."""

    reason: str


class HashAlgorithm(StrEnum):
    """By which names of certificates are made; the values are Python's words."""

    SHA1 = "sha1"
    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"


class CertificateName(Struct, frozen=True, kw_only=True):
    """What names a certificate to whoever does not have it: its issuer's hashes, and its serial."""

    algorithm: HashAlgorithm
    issuer_name: str
    issuer_key: str
    serial: str
    """All three hexadecimal."""


# Leaf, two authorities below the root, the root: what OCPP and ISO 15118 allow, and a little more.
CHAIN_MAX = 6


class Verdict(StrEnum):
    """What a chain of certificates is worth."""

    GOOD = "good"
    EXPIRED = "expired"
    """Or not good yet."""
    REVOKED = "revoked"
    BROKEN = "broken"
    """It leads to nobody whom we trust, or its state cannot be found out."""
    CANCELLED = "cancelled"
    """The certificate is good, the contract is not."""


class Status(StrEnum):
    """What is known of a certificate's revocation."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"
    """Whoever should know it never heard of it."""
    UNAVAILABLE = "unavailable"
    """Nobody answered who could be believed."""


class Held(Struct, frozen=True, kw_only=True):
    """A certificate that a station told us it holds."""

    tenant: TenantId
    station: StationId
    kind: str
    """What for: ``csms_root``, ``v2g_root``, ``v2g_chain``, …"""
    name: CertificateName
    leaf_serial: str
    """Of the certificate whose chain it belongs to; its own when it is the leaf or a root."""
    subject: str = ""
    """Known when it is one of ours, or one that we trust."""
    expires_at: datetime | None = None
    warned_at: datetime | None = None
    reported_at: datetime


class Contract(Struct, frozen=True, kw_only=True):
    """A driver's contract certificate that was shown to one of our stations."""

    tenant: TenantId
    emaid: str
    fingerprint: str
    serial: str
    chain: tuple[bytes, ...]
    starts_at: datetime
    expires_at: datetime
    cancelled_at: datetime | None = None
    seen_at: datetime


class Expiry(Struct, frozen=True, kw_only=True):
    """A certificate that ends soon."""

    tenant: TenantId
    station: StationId | None
    certificate: str | None
    kind: str
    serial: str
    expires_at: datetime


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


class CertificateRequested(SecurityEvent, frozen=True, kw_only=True, tag="certificate.requested"):
    """A station asked for a certificate, and shall have one."""

    request: str
    use: Use


class CertificateFailed(SecurityEvent, frozen=True, kw_only=True, tag="certificate.failed"):
    """A station asked for a certificate and gets none; somebody should look."""

    request: str
    use: Use
    reason: str


class CertificateDelivered(SecurityEvent, frozen=True, kw_only=True, tag="certificate.delivered"):
    """A station was handed the certificate that it asked for; whether it took it."""

    request: str
    certificate: str
    use: Use
    accepted: bool
    reason: str


class CertificateExpiring(SecurityEvent, frozen=True, kw_only=True, tag="certificate.expiring"):
    """A certificate ends within a month, and nothing has taken its place."""

    certificate: str | None
    """None: a certificate that a station reported and that is none of ours."""
    kind: str
    serial: str
    expires_at: datetime


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


class CertificateUnknown(ForecourtError):
    """No such certificate."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "certificate.unknown"


class CertificateInvalid(ForecourtError):
    """No certificate, or no request for one, that can be used."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "certificate.invalid"


class AuthorityExists(ForecourtError):
    """The authority is known already."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "authority.exists"


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
