"""The room's routes: certificates, authorities, contracts; and what the world asks of a PKI."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import unquote_to_bytes

import msgspec
from litestar import Controller, Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, RawBody
from msgspec import Meta, Struct

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.base.pages import Wanted
from forecourt.base.text import PRINTABLE
from forecourt.domain.security.model import (
    CERTIFICATE_SORTS,
    CONTRACT_SORTS,
    REQUEST_SORTS,
    Certificate,
    CertificateAuthority,
    Contract,
    Held,
    Reason,
    RequestState,
    Role,
    SigningRequest,
    Use,
)
from forecourt.domain.security.rules import pem, pem_chain
from forecourt.domain.security.service import Security

Pem = Annotated[str, Meta(min_length=1, max_length=60_000)]
CommonName = Annotated[str, Meta(min_length=1, max_length=64, pattern=PRINTABLE)]
Days = Annotated[int, Meta(ge=1, le=3_650)]
Host = Annotated[str, Meta(min_length=1, max_length=253, pattern=PRINTABLE)]

OCSP_BYTES_MAX: Final = 4_096


class CertificateView(Struct, frozen=True, kw_only=True):
    """A certificate that was issued."""

    id: str
    use: Use
    subject: str
    """Its common name."""
    station: str | None
    authority: str | None
    serial: str
    fingerprint: str
    starts_at: datetime
    expires_at: datetime
    renewal_asked_at: datetime | None
    revoked_at: datetime | None
    created_at: datetime
    chain_pem: str
    """The certificate and its issuers; the root is left out."""


class CertificatePage(Struct, frozen=True, kw_only=True):
    """Certificates."""

    items: list[CertificateView]
    next: str | None


class CertificateAddition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request to have signed: whoever sends it vouches for the name in it."""

    csr: Annotated[str, Meta(min_length=1, max_length=5_500)]
    use: Use
    days: Days | None = None


class CertificateIssue(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A certificate to make, with a new key: whoever sends it vouches for the name."""

    name: CommonName
    """Host, station, SECC or eMAID."""
    use: Use
    hosts: Annotated[list[Host], Meta(max_length=100)] = msgspec.field(default_factory=list)
    """All names and addresses of a server; without any it is known by its name."""
    days: Days | None = None


class CertificateMade(CertificateView, frozen=True, kw_only=True):
    """A certificate just made, and its private key. The key is shown this once."""

    key_pem: str
    """PKCS #8, not encrypted. Kept nowhere but, for a day and sealed, for an Idempotency-Key."""


class TrustView(Struct, frozen=True, kw_only=True):
    """Those who may vouch for stations."""

    certificates_pem: str
    """One behind the other, for whoever ends TLS before us; empty before there is one."""


class Revocation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a certificate is taken back."""

    reason: Reason = Reason.UNSPECIFIED


class Revoked(Struct, frozen=True, kw_only=True):
    """A certificate was taken back."""

    authority_told: bool
    """False: the authority that signed it is outside and must be told by hand."""


class AuthorityView(Struct, frozen=True, kw_only=True):
    """An authority: ours, or one that we trust."""

    id: str
    role: Role
    name: str
    parent: str | None
    own: bool
    """Whether we hold its key."""
    fingerprint: str
    expires_at: datetime
    created_at: datetime
    certificate_pem: str


class Authorities(Struct, frozen=True, kw_only=True):
    """All authorities, oldest first."""

    items: list[AuthorityView]
    next: str | None = None


class AuthorityAddition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody else's authorities to trust for what the role says."""

    certificates: Pem
    role: Role


class RequestView(Struct, frozen=True, kw_only=True):
    """A station's request for a certificate, and how far it has come."""

    id: str
    station: str
    use: Use
    subject: str
    state: RequestState
    detail: str
    certificate: str | None
    requested_at: datetime
    settled_at: datetime | None


class RequestPage(Struct, frozen=True, kw_only=True):
    """Requests."""

    items: list[RequestView]
    next: str | None


class HeldView(Struct, frozen=True, kw_only=True):
    """A certificate that a station holds, as it last told."""

    kind: str
    hash_algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial: str
    leaf_serial: str
    subject: str
    """Empty when it is none that we know."""
    expires_at: datetime | None
    reported_at: datetime


class HeldList(Struct, frozen=True, kw_only=True):
    """What a station holds."""

    items: list[HeldView]
    next: str | None = None


class ContractView(Struct, frozen=True, kw_only=True):
    """A driver's contract certificate that one of our stations was shown."""

    emaid: str
    fingerprint: str
    serial: str
    starts_at: datetime
    expires_at: datetime
    cancelled_at: datetime | None
    seen_at: datetime


class ContractPage(Struct, frozen=True, kw_only=True):
    """Contract certificates."""

    items: list[ContractView]
    next: str | None


class Cancelled(Struct, frozen=True, kw_only=True):
    """A contract ended here."""

    certificates: int


class CertificateRoutes(Controller):
    """Certificates, those who sign them, and those who asked."""

    path = "/certificates"
    tags = ("Certificates",)

    @get(operation_id="list_certificates", summary="List certificates", sorts=CERTIFICATE_SORTS)
    async def page(
        self,
        *,
        ctx: NamedDependency[Context],
        security: NamedDependency[Security],
        search: NamedDependency[Wanted],
        use: FromQuery[Use | None] = None,
        station: FromQuery[str | None] = None,
        expires_before: FromQuery[datetime | None] = None,
    ) -> CertificatePage:
        """Certificates that were issued, oldest first if in no other order.

        A search looks at subject, station, serial number and fingerprint.
        """
        found = await security.inventory.certificates(
            ctx,
            search,
            use=use,
            station=None if station is None else StationId(station),
            expires_before=expires_before,
        )
        return CertificatePage(
            items=[certificate_view(one) for one in found.items], next=found.next
        )

    @post(operation_id="sign_certificate", summary="Have a request signed")
    async def sign(
        self,
        ctx: NamedDependency[Context],
        security: NamedDependency[Security],
        data: JSONBody[CertificateAddition],
    ) -> CertificateView:
        """Sign a request by hand; stations' own are signed by themselves."""
        made = await security.sign(ctx, data.csr, data.use, days=data.days)
        return certificate_view(made)

    @post("/issue", operation_id="issue_certificate", summary="Make a key and its certificate")
    async def issue(
        self,
        ctx: NamedDependency[Context],
        security: NamedDependency[Security],
        data: JSONBody[CertificateIssue],
    ) -> CertificateMade:
        """For whoever cannot make a key: it is made here, shown in this answer, and not kept.

        Where the key can be made by who uses it, send a request instead: it never travels then.
        """
        made, key = await security.issue(ctx, data.use, data.name, hosts=data.hosts, days=data.days)
        return CertificateMade(**msgspec.structs.asdict(certificate_view(made)), key_pem=key)

    @get("/trust", operation_id="read_station_trust", summary="Who vouches for stations")
    async def station_trust(
        self, ctx: NamedDependency[Context], security: NamedDependency[Security]
    ) -> TrustView:
        """The authorities that a station's certificate must lead to, as one PEM text."""
        return TrustView(certificates_pem=await security.station_trust_pem(ctx))

    @get(
        "/requests",
        operation_id="list_signing_requests",
        summary="List stations' requests",
        sorts=REQUEST_SORTS,
    )
    async def requests(
        self,
        ctx: NamedDependency[Context],
        security: NamedDependency[Security],
        search: NamedDependency[Wanted],
        station: FromQuery[str | None] = None,
    ) -> RequestPage:
        """What stations asked for and what became of it, newest first if in no other order.

        A search looks at station, subject, organization and detail.
        """
        found = await security.signing.list(
            ctx, search, station=None if station is None else StationId(station)
        )
        return RequestPage(items=[request_view(one) for one in found.items], next=found.next)

    @get("/authorities", operation_id="list_authorities", summary="List authorities")
    async def authorities(
        self, ctx: NamedDependency[Context], security: NamedDependency[Security]
    ) -> Authorities:
        """Our own authorities, and those that we trust."""
        return Authorities(items=[authority_view(a) for a in await security.authorities(ctx)])

    @post("/authorities", operation_id="trust_authority", summary="Trust an authority")
    async def trust(
        self,
        ctx: NamedDependency[Context],
        security: NamedDependency[Security],
        data: JSONBody[AuthorityAddition],
    ) -> Authorities:
        """Trust somebody else's authorities: a V2G root, a contract issuer, a maker of stations."""
        made = await security.trust(ctx, data.certificates, data.role)
        return Authorities(items=[authority_view(one) for one in made])

    @post("/authorities/own", operation_id="make_authorities", summary="Make our authorities")
    async def make_own(
        self, ctx: NamedDependency[Context], security: NamedDependency[Security]
    ) -> Authorities:
        """Make our own authorities, those that are missing, and answer those.

        They are made anyhow when they first sign; a station that must know the root before that
        can have it from now on.
        """
        return Authorities(items=[authority_view(one) for one in await security.ensure(ctx)])

    @get(
        "/authorities/{authority:str}",
        operation_id="read_authority",
        summary="Read an authority",
    )
    async def authority(
        self,
        ctx: NamedDependency[Context],
        security: NamedDependency[Security],
        authority: FromPath[str],
    ) -> AuthorityView:
        """One of our own authorities, or of those that we trust."""
        return authority_view(await security.read_authority(ctx, authority))

    @delete(
        "/authorities/{authority:str}",
        operation_id="distrust_authority",
        summary="Trust an authority no more",
    )
    async def distrust(
        self,
        ctx: NamedDependency[Context],
        security: NamedDependency[Security],
        authority: FromPath[str],
    ) -> None:
        """Forget somebody else's authority; our own stay."""
        await security.distrust(ctx, authority)

    @get(
        "/stations/{station:str}",
        operation_id="list_installed_certificates",
        summary="What a station holds",
    )
    async def held(
        self,
        ctx: NamedDependency[Context],
        security: NamedDependency[Security],
        station: FromPath[str],
    ) -> HeldList:
        """Certificates that a station holds, as it told when it was last asked."""
        found = await security.inventory.held(ctx, StationId(station))
        return HeldList(items=[held_view(one) for one in found])

    @get(
        "/contracts",
        operation_id="list_contracts",
        summary="List contract certificates",
        sorts=CONTRACT_SORTS,
    )
    async def contracts(
        self,
        ctx: NamedDependency[Context],
        security: NamedDependency[Security],
        search: NamedDependency[Wanted],
    ) -> ContractPage:
        """Contract certificates that were shown to stations and found good.

        A search looks at eMAID, serial number and fingerprint.
        """
        found = await security.contracts.list(ctx, search)
        return ContractPage(items=[contract_view(one) for one in found.items], next=found.next)

    @post(
        "/contracts/{emaid:str}/cancel",
        operation_id="cancel_contract",
        summary="End a contract here",
    )
    async def cancel(
        self,
        ctx: NamedDependency[Context],
        security: NamedDependency[Security],
        emaid: FromPath[str],
    ) -> Cancelled:
        """Refuse a contract's certificates from now on, whatever their issuer says."""
        return Cancelled(certificates=await security.contracts.cancel(ctx, emaid))

    @get("/{certificate:str}", operation_id="read_certificate", summary="Read a certificate")
    async def read(
        self,
        ctx: NamedDependency[Context],
        security: NamedDependency[Security],
        certificate: FromPath[str],
    ) -> CertificateView:
        """One certificate, by its id or its SHA-256 fingerprint."""
        return certificate_view(await security.inventory.read(ctx, certificate))

    @post(
        "/{certificate:str}/revoke",
        operation_id="revoke_certificate",
        summary="Revoke a certificate",
    )
    async def revoke(
        self,
        ctx: NamedDependency[Context],
        security: NamedDependency[Security],
        certificate: FromPath[str],
        data: JSONBody[Revocation],
    ) -> Revoked:
        """Take a certificate back; the station that shows it to us is hung up on."""
        told = await security.statuses.revoke(ctx, certificate, data.reason)
        return Revoked(authority_told=told)


class PkiRoutes(Controller):
    """What stations, cars and their libraries ask, as RFC 5280 and RFC 6960 have it: no key."""

    path = "/pki"
    include_in_schema = False

    @get("/crl/{file:str}")
    async def crl(
        self,
        security: NamedDependency[Security],
        now: NamedDependency[datetime],
        file: FromPath[str],
    ) -> Response[bytes]:
        """The list of what one of our authorities has revoked (DER)."""
        der = await security.statuses.crl(file.removesuffix(".crl"), now)
        return Response(der, media_type="application/pkix-crl")

    @post("/ocsp", status_code=200, request_max_body_size=OCSP_BYTES_MAX)
    async def ocsp(
        self,
        security: NamedDependency[Security],
        now: NamedDependency[datetime],
        body: RawBody,
    ) -> Response[bytes]:
        """The state of one certificate."""
        return await self._respond(security, now, body)

    @get("/ocsp/{asked:path}")
    async def ocsp_by_path(
        self,
        request: Request[Any, Any, Any],
        security: NamedDependency[Security],
        now: NamedDependency[datetime],
        asked: FromPath[str],
    ) -> Response[bytes]:
        """The same, with the question in the path (RFC 6960, appendix A)."""
        # As it was sent, where it may be had: routing makes one slash of two, and base64 has such.
        raw: bytes = request.scope.get("raw_path") or asked.encode()
        text = unquote_to_bytes(raw.partition(b"?")[0]).rpartition(b"/ocsp/")[2].removeprefix(b"/")
        try:
            body = base64.b64decode(text[:OCSP_BYTES_MAX], validate=True)
        except (binascii.Error, ValueError):
            body = b""
        return await self._respond(security, now, body)

    async def _respond(self, security: Security, now: datetime, body: bytes) -> Response[bytes]:
        answer = await security.statuses.respond(body, now)
        return Response(answer, media_type="application/ocsp-response")


def certificate_view(one: Certificate) -> CertificateView:
    """A certificate as the API shows it."""
    shown = {
        name: getattr(one, name)
        for name in CertificateView.__struct_fields__
        if name != "chain_pem"
    }
    return CertificateView(**shown, chain_pem=pem_chain(one.chain))


def authority_view(one: CertificateAuthority) -> AuthorityView:
    """An authority as the API shows it."""
    shown = {
        name: getattr(one, name)
        for name in AuthorityView.__struct_fields__
        if name != "certificate_pem"
    }
    return AuthorityView(**shown, certificate_pem=pem(one.certificate))


def request_view(one: SigningRequest) -> RequestView:
    """A request as the API shows it."""
    return RequestView(**{name: getattr(one, name) for name in RequestView.__struct_fields__})


def held_view(one: Held) -> HeldView:
    """What a station holds, as the API shows it."""
    return HeldView(
        kind=one.kind,
        hash_algorithm=one.name.algorithm.name,
        issuer_name_hash=one.name.issuer_name,
        issuer_key_hash=one.name.issuer_key,
        serial=one.name.serial,
        leaf_serial=one.leaf_serial,
        subject=one.subject,
        expires_at=one.expires_at,
        reported_at=one.reported_at,
    )


def contract_view(one: Contract) -> ContractView:
    """A contract's certificate as the API shows it."""
    return ContractView(**{name: getattr(one, name) for name in ContractView.__struct_fields__})
