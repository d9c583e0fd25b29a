"""The built-in authorities: ours lie in the database, their keys sealed; made when first needed."""

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from forecourt.base.context import Context
from forecourt.base.ids import TenantId
from forecourt.domain.security import rules, store
from forecourt.domain.security.model import (
    PARENTS,
    AuthorityAdded,
    AuthorityUnknown,
    CertificateAuthority,
    Issued,
    Profile,
    Reason,
    Role,
)
from forecourt.domain.security.service.making import Maker, PrivateKey
from forecourt.infra.database import Database, Unit


class Hierarchy:
    """All authorities of a tenant, as they are in the database; our own are made when missing."""

    def __init__(
        self, db: Database, maker: Maker, *, organization: str, days: tuple[int, int]
    ) -> None:
        self._db = db
        self._maker = maker
        self._organization = organization
        self._days = days
        """Of a root, and of those below it."""

    async def read(self, ctx: Context, role: Role) -> CertificateAuthority:
        """The newest of our own authorities with this role. Raises AuthorityUnknown."""
        async with self._db.unit(ctx) as unit:
            return await self._newest(unit, role)

    async def open(
        self, ctx: Context, role: Role
    ) -> tuple[CertificateAuthority, PrivateKey, tuple[bytes, ...]]:
        """An authority, its key, and its chain without the root. Raises AuthorityUnknown."""
        async with self._db.unit(ctx) as unit:
            authority = await self._newest(unit, role)
            key = await self.key(unit, authority)
            chain = await self.chain(unit, authority)
        return authority, key, chain[:-1]

    async def key(self, unit: Unit, authority: CertificateAuthority) -> PrivateKey:
        """Raises AuthorityUnknown when it is none of ours."""
        sealed = await store.authority_key(unit, authority.id)
        if sealed is None:
            raise AuthorityUnknown(f"we do not hold the key of {authority.name}")
        return self._maker.keys.unseal(sealed, authority.id)

    async def chain(self, unit: Unit, authority: CertificateAuthority) -> tuple[bytes, ...]:
        """Its certificate and those above, the root last."""
        known = {one.id: one for one in await store.list_authorities(unit)}
        found, at = [authority.certificate], authority.parent
        while at is not None:
            found.append(known[at].certificate)
            at = known[at].parent
        return tuple(found)

    async def crl(self, unit: Unit, authority: CertificateAuthority, now: datetime) -> bytes:
        """What this authority has revoked. Raises AuthorityUnknown when it is none of ours."""
        key = await self.key(unit, authority)
        revoked = await store.revocations_of(unit, authority.id)
        return self._maker.crl(authority, key, revoked, now)

    async def ensure(self, ctx: Context) -> list[CertificateAuthority]:
        """Make whichever of our own authorities are missing; returns those that were made."""
        made: dict[Role, tuple[CertificateAuthority, PrivateKey]] = {}
        async with self._db.unit(ctx) as unit:
            await store.lock_authorities(unit, ctx.tenant)
            known = await store.list_authorities(unit)
            held = {one.role: one for one in known if one.own and _lasts(one, ctx.now)}
            for role, above in PARENTS.items():
                if role in held:
                    continue
                parent = None
                if above is not None:
                    parent = made.get(above) or (held[above], await self.key(unit, held[above]))
                made[role] = self._maker.authority(
                    ctx,
                    role,
                    organization=self._organization,
                    days=self._days[0 if above is None else 1],
                    parent=parent,
                )
                authority, key = made[role]
                sealed = self._maker.keys.seal(key, authority.id)
                await store.add_authority(unit, authority, sealed)
            fresh = [authority for authority, _ in made.values()]
            await unit.emit(*(added(ctx, authority) for authority in fresh))
        return fresh

    async def _newest(self, unit: Unit, role: Role) -> CertificateAuthority:
        found = [one for one in await store.list_authorities(unit) if one.own and one.role is role]
        if not found:
            raise AuthorityUnknown(f"there is no {role.value} authority; 'forecourt pki init'")
        return found[-1]


class BuiltIn:
    """One of our own authorities behind the interface that any authority has."""

    def __init__(
        self, db: Database, hierarchy: Hierarchy, maker: Maker, tenant: TenantId, role: Role
    ) -> None:
        self._db = db
        self._hierarchy = hierarchy
        self._maker = maker
        self._tenant = tenant
        self._role = role

    async def sign(self, csr: bytes, profile: Profile, now: datetime) -> Issued:
        """Raises AuthorityUnknown."""
        authority, key, chain = await self._hierarchy.open(self._ctx(now), self._role)
        public_key = x509.load_der_x509_csr(csr).public_key()
        assert isinstance(public_key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey), "checked"
        leaf = self._maker.leaf(public_key, profile, authority, key, now)
        return Issued(chain=(leaf, *chain), authority=authority.id)

    async def revoke(self, serial: str, reason: Reason, now: datetime) -> bool:
        """The room's own table of revocations is all that this authority goes by."""
        return True

    async def chain(self, now: datetime) -> Sequence[bytes]:
        """Raises AuthorityUnknown."""
        authority = await self._hierarchy.read(self._ctx(now), self._role)
        async with self._db.unit(self._ctx(now)) as unit:
            return await self._hierarchy.chain(unit, authority)

    async def crl(self, now: datetime) -> bytes | None:
        """Raises AuthorityUnknown."""
        authority = await self._hierarchy.read(self._ctx(now), self._role)
        async with self._db.unit(self._ctx(now)) as unit:
            return await self._hierarchy.crl(unit, authority, now)

    def _ctx(self, now: datetime) -> Context:
        return Context(actor="system:authority", tenant=self._tenant, now=now)


def _lasts(authority: CertificateAuthority, now: datetime) -> bool:
    """Whether it is to sign still: what it signs must not end with it."""
    return now < rules.renew_at(authority.created_at, authority.expires_at)


def added(ctx: Context, authority: CertificateAuthority) -> AuthorityAdded:
    """The fact that there is one more authority."""
    return AuthorityAdded(
        tenant=ctx.tenant,
        at=ctx.now,
        authority=authority.id,
        role=authority.role,
        name=authority.name,
    )
