"""Certificates from whoever signs for a use, and the record of them."""

from collections.abc import Iterable, Mapping, Sequence

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace

from forecourt.base.context import Context
from forecourt.base.ids import StationId, TenantId, new_id
from forecourt.base.seal import Sealed
from forecourt.domain.security import rules, store
from forecourt.domain.security.model import (
    SIGNERS,
    Authority,
    Certificate,
    CertificateAuthority,
    CertificateIssued,
    Issued,
    Profile,
    Role,
    Use,
)
from forecourt.domain.security.service.builtin import BuiltIn, Hierarchy, added
from forecourt.domain.security.service.making import Maker, PrivateKey
from forecourt.infra.database import Database, Unit


class Issuing:
    """Has certificates signed: by our own authorities, or by the one outside that a use has."""

    def __init__(
        self, db: Database, hierarchy: Hierarchy, maker: Maker, outside: Mapping[Use, Authority]
    ) -> None:
        self._db = db
        self._hierarchy = hierarchy
        self._maker = maker
        self._outside = outside

    def authority(self, tenant: TenantId, use: Use) -> Authority:
        """Who signs certificates for this use."""
        outside = self._outside.get(use)
        if outside is not None:
            return outside
        return BuiltIn(self._db, self._hierarchy, self._maker, tenant, SIGNERS[use])

    async def sign(
        self, ctx: Context, csr: bytes, profile: Profile, station: StationId | None
    ) -> Certificate:
        """Have a request signed. Not recorded yet: see ``record``.

        Raises AuthorityAway, AuthorityRefused.
        """
        if profile.use not in self._outside:
            await self._hierarchy.ensure(ctx)
        issued = await self.authority(ctx.tenant, profile.use).sign(csr, profile, ctx.now)
        if issued.issuers:
            role = SIGNERS[profile.use]
            issued = replace(issued, authority=await self._outsiders(ctx, issued.issuers, role))
        return certificate_of(ctx, profile.use, issued, station)

    async def record(
        self,
        ctx: Context,
        unit: Unit,
        certificate: Certificate,
        *,
        key: Sealed | None = None,
        hosts: Iterable[str] = (),
    ) -> None:
        """Remember a certificate, and its key when that is ours."""
        await store.add_certificate(unit, certificate, key=key, hosts=hosts)
        await unit.emit(was_issued(ctx, certificate))

    async def _outsiders(self, ctx: Context, issuers: Sequence[bytes], role: Role) -> str:
        """Those outside who signed this: known from now on, and trusted for what they sign."""
        async with self._db.unit(ctx) as unit:
            await store.lock_authorities(unit, ctx.tenant)
            known = {one.fingerprint: one.id for one in await store.list_authorities(unit)}
            for der in issuers:
                if rules.fingerprint(der) not in known:
                    authority = trusted(ctx, der, role)
                    await store.add_authority(unit, authority, None)
                    await unit.emit(added(ctx, authority))
                    known[authority.fingerprint] = authority.id
        return known[rules.fingerprint(issuers[0])]


def trusted(ctx: Context, der: bytes, role: Role) -> CertificateAuthority:
    """Somebody else's authority, as we remember it."""
    certificate = x509.load_der_x509_certificate(der)
    return CertificateAuthority(
        id=new_id("aut", ctx.now),
        tenant=ctx.tenant,
        role=role,
        name=rules.common_name(certificate.subject) or certificate.subject.rfc4514_string(),
        parent=None,
        own=False,
        certificate=der,
        fingerprint=rules.fingerprint(der),
        expires_at=certificate.not_valid_after_utc,
        created_at=ctx.now,
    )


def request(key: PrivateKey, profile: Profile) -> bytes:
    """A signing request for a key of our own (DER)."""
    subject = rules.name(profile.subject, profile.organization, profile.use)
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


def certificate_of(
    ctx: Context, use: Use, issued: Issued, station: StationId | None
) -> Certificate:
    """What an authority issued, as we remember it."""
    leaf = x509.load_der_x509_certificate(issued.chain[0])
    return Certificate(
        id=new_id("crt", ctx.now),
        tenant=ctx.tenant,
        use=use,
        subject=rules.common_name(leaf.subject),
        station=station,
        authority=issued.authority,
        serial=rules.serial_hex(leaf.serial_number),
        fingerprint=rules.fingerprint(issued.chain[0]),
        chain=issued.chain,
        starts_at=leaf.not_valid_before_utc,
        expires_at=leaf.not_valid_after_utc,
        created_at=ctx.now,
    )


def was_issued(ctx: Context, certificate: Certificate) -> CertificateIssued:
    """The fact that there is one more certificate."""
    return CertificateIssued(
        tenant=ctx.tenant,
        at=ctx.now,
        station=certificate.station,
        certificate=certificate.id,
        use=certificate.use,
        common_name=certificate.subject,
        expires_at=certificate.expires_at,
    )
