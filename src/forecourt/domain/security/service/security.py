"""The room itself: its topics side by side, and what a listener needs of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec import Struct

from forecourt.base.context import Context
from forecourt.base.seal import Sealed
from forecourt.domain.security import rules, store
from forecourt.domain.security.model import (
    Authority,
    AuthorityExists,
    AuthorityUnknown,
    Certificate,
    CertificateAuthority,
    CertificateInvalid,
    Holder,
    Profile,
    Role,
    ServerCertificate,
    Unfit,
    Untrusted,
    Use,
)
from forecourt.domain.security.service.builtin import Hierarchy, added
from forecourt.domain.security.service.contracts import Contracts
from forecourt.domain.security.service.inventory import Inventory
from forecourt.domain.security.service.issuing import Issuing, request, trusted
from forecourt.domain.security.service.making import CURVE, Keys, Maker, Urls
from forecourt.domain.security.service.provider import ContractProvider
from forecourt.domain.security.service.signing import Signing
from forecourt.domain.security.service.status import Statuses
from forecourt.infra.database import Database
from forecourt.infra.outbound import Outbound

ROOT_DAYS: Final = 20 * 365
BELOW_DAYS: Final = 10 * 365
# The root, and those below it: many stations send their own certificate and nothing else.
VOUCHERS: Final = (Role.CSMS_ROOT, Role.STATION)
TRUSTED_MAX: Final = 500


class SecurityOptions(Struct, frozen=True, kw_only=True):
    """What an operator may choose."""

    organization: str = "Forecourt"
    """Who stands in the certificates as their owner."""
    demanded: str | None = None
    """The organization that a station's request must name, if it names one; None: any."""
    url: str = ""
    """Where stations and cars reach /pki; without it certificates do not say where to ask."""
    server_days: int = 90
    station_days: int = 365
    v2g_days: int = 90
    contract_days: int = 730


class Security:
    """Everything about certificates."""

    signing: Signing
    statuses: Statuses
    contracts: Contracts
    inventory: Inventory
    provider: ContractProvider

    def __init__(
        self,
        db: Database,
        *,
        secret_key: bytes,
        options: SecurityOptions | None = None,
        outbound: Outbound | None = None,
        outside: Mapping[Use, Authority] | None = None,
        provider: ContractProvider | None = None,
    ) -> None:
        self._db = db
        self._options = options = options or SecurityOptions()
        outbound = outbound or Outbound()
        self._keys = Keys(secret_key)
        maker = Maker(self._keys, Urls(options.url))
        self._hierarchy = Hierarchy(
            db, maker, organization=options.organization, days=(ROOT_DAYS, BELOW_DAYS)
        )
        self._issuing = Issuing(db, self._hierarchy, maker, outside or {})
        self._days = {
            Use.SERVER: options.server_days,
            Use.STATION: options.station_days,
            Use.V2G: options.v2g_days,
            Use.V2G20: options.v2g_days,
            Use.CONTRACT: options.contract_days,
        }
        self.signing = Signing(
            db,
            self._issuing,
            organization=options.organization,
            demanded=options.demanded,
            days=self._days,
        )
        self.statuses = Statuses(db, self._hierarchy, self._issuing, outbound)
        self.contracts = Contracts(db, self.statuses)
        self.inventory = Inventory(db)
        self.provider = provider or ContractProvider(outbound, "")
        self._trust = rules.Trust()

    # ---- authorities ----------------------------------------------------------------------------

    async def ensure(self, ctx: Context) -> Sequence[CertificateAuthority]:
        """Make our own authorities, those that are missing; returns those that were made."""
        return await self._hierarchy.ensure(ctx)

    async def authorities(self, ctx: Context) -> Sequence[CertificateAuthority]:
        """All authorities, ours and those that we trust, oldest first."""
        async with self._db.unit(ctx) as unit:
            return await store.list_authorities(unit)

    def authority(self, ctx: Context, use: Use) -> Authority:
        """Who signs certificates for this use."""
        return self._issuing.authority(ctx.tenant, use)

    async def trust(self, ctx: Context, pem: str, role: Role) -> Sequence[CertificateAuthority]:
        """Trust somebody else's authorities for what the role says.

        Raises CertificateInvalid, AuthorityExists.
        """
        found = rules.read_chain(pem)
        if not found:
            raise CertificateInvalid("these are no certificates in PEM")
        made = [trusted(ctx, one.public_bytes(Encoding.DER), role) for one in found]
        if not all(map(rules.may_sign, found)):
            raise CertificateInvalid("a certificate that may sign no others is no authority")
        async with self._db.unit(ctx) as unit:
            await store.lock_authorities(unit, ctx.tenant)
            known = await store.list_authorities(unit)
            if len(known) + len(made) > TRUSTED_MAX:
                raise AuthorityExists(f"more than {TRUSTED_MAX} authorities are not kept")
            held = {one.fingerprint for one in known}
            fresh = [one for one in made if one.fingerprint not in held]
            if not fresh:
                raise AuthorityExists("all of these are known already")
            for one in fresh:
                await store.add_authority(unit, one, None)
            await unit.emit(*(added(ctx, one) for one in fresh))
        return fresh

    async def read_authority(self, ctx: Context, authority: str) -> CertificateAuthority:
        """One authority, ours or somebody else's. Raises AuthorityUnknown."""
        async with self._db.unit(ctx) as unit:
            found = await store.authority_by_id(unit, authority)
        if found is None:
            raise AuthorityUnknown(f"no authority has the id {authority!r}")
        return found

    async def distrust(self, ctx: Context, authority: str) -> None:
        """Forget somebody else's authority. Raises AuthorityUnknown."""
        async with self._db.unit(ctx) as unit:
            found = await store.authority_by_id(unit, authority)
            if found is None or found.own:
                raise AuthorityUnknown(f"we trust no authority {authority!r} that is not our own")
            await store.remove_authority(unit, authority)
            await unit.emit(added(ctx, found))

    # ---- certificates ---------------------------------------------------------------------------

    async def sign(
        self, ctx: Context, csr: str, use: Use, *, days: int | None = None
    ) -> Certificate:
        """Have a request (PEM) signed that an operator vouches for, whatever name it bears.

        Raises CertificateInvalid, AuthorityAway, AuthorityRefused.
        """
        name = rules.name_in_csr(csr)
        read = rules.read_csr(csr, use, names=frozenset({name}), organization=None)
        if isinstance(read, Unfit):
            raise CertificateInvalid(read.reason)
        profile = Profile(
            use=use,
            subject=read.subject,
            organization=read.organization or self._options.organization,
            days=days or self._days[use],
            hosts=(read.subject,) if use is Use.SERVER else (),
        )
        _fit(profile)
        made = await self._issuing.sign(ctx, read.der, profile, None)
        async with self._db.unit(ctx) as unit:
            await self._issuing.record(ctx, unit, made)
        return made

    async def issue(
        self,
        ctx: Context,
        use: Use,
        subject: str,
        *,
        hosts: Sequence[str] = (),
        days: int | None = None,
    ) -> tuple[Certificate, str]:
        """A certificate with a new key (PEM), which is given out this once and not kept.

        Raises CertificateInvalid, AuthorityAway, AuthorityRefused.
        """
        profile = Profile(
            use=use,
            subject=subject,
            organization=self._options.organization,
            days=days or self._days[use],
            hosts=tuple(hosts) or ((subject,) if use is Use.SERVER else ()),
        )
        _fit(profile)
        key = ec.generate_private_key(CURVE())
        made = await self._issuing.sign(ctx, request(key, profile), profile, None)
        async with self._db.unit(ctx) as unit:
            await self._issuing.record(ctx, unit, made)
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return made, text.decode()

    # ---- for the listener -----------------------------------------------------------------------

    async def server_certificate(self, ctx: Context, hosts: Sequence[str]) -> ServerCertificate:
        """A certificate for our own listener, known by these names and addresses.

        The same as long as two thirds of its life are ahead, then a new one: ask again at
        ``renew_at``. Makes the authorities when there are none.
        """
        assert hosts, "a server has a name"
        names = list(dict.fromkeys(host.lower() for host in hosts))
        async with self._db.unit(ctx) as unit:
            found = await store.newest_server(unit, names, ctx.now)
        if found is None or rules.renew_at(found[0].starts_at, found[0].expires_at) <= ctx.now:
            found = await self._new_server(ctx, names)
        certificate, sealed = found
        key = self._keys.unseal(sealed, certificate.id)
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return ServerCertificate(
            id=certificate.id,
            chain_pem=rules.pem_chain(certificate.chain),
            key_pem=text.decode(),
            expires_at=certificate.expires_at,
            renew_at=rules.renew_at(certificate.starts_at, certificate.expires_at),
        )

    async def server_root(self, ctx: Context) -> str:
        """Our authority above the certificate of our own listener, PEM; empty before it is made."""
        async with self._db.unit(ctx) as unit:
            found = await store.list_authorities(unit)
        own = [one.certificate for one in found if one.own and one.role is Role.CSMS_ROOT]
        return rules.pem_chain(own[-1:])

    async def station_trust_pem(self, ctx: Context | None = None) -> str:
        """Those who may vouch for stations, as one PEM text: of one tenant, or of all.

        With this a listener sees that a certificate is genuine; ``station_of`` says whose it is.
        """
        async with self._db.house_unit() if ctx is None else self._db.unit(ctx) as unit:
            found = await store.list_authorities(unit)
        return rules.pem_chain(one.certificate for one in found if one.role in VOUCHERS)

    async def refresh(self) -> None:
        """Bring what ``station_of`` knows up to date: at the start, and when something changed."""
        async with self._db.house_unit() as unit:
            known = await store.list_authorities(unit)
            revoked = await store.revoked_for_stations(unit)
        self._trust = rules.Trust.of(known, revoked)

    def station_of(self, certificate: bytes, now: datetime) -> Holder | Untrusted:
        """Whom a station's certificate (DER) speaks for. Asks nobody: a listener must answer now.

        The listener compares the name with the station, and the tenant with the station's.
        """
        return self._trust.holder(certificate, now)

    async def _new_server(self, ctx: Context, hosts: list[str]) -> tuple[Certificate, Sealed]:
        key = ec.generate_private_key(CURVE())
        profile = Profile(
            use=Use.SERVER,
            subject=hosts[0][: rules.COMMON_NAME_MAX],
            organization=self._options.organization,
            days=self._options.server_days,
            hosts=tuple(hosts),
        )
        made = await self._issuing.sign(ctx, request(key, profile), profile, None)
        sealed = self._keys.seal(key, made.id)
        async with self._db.unit(ctx) as unit:
            await self._issuing.record(ctx, unit, made, key=sealed, hosts=hosts)
        return made, sealed


def _fit(profile: Profile) -> None:
    """Raises CertificateInvalid."""
    flaw = rules.profile_flaw(profile)
    if flaw:
        raise CertificateInvalid(flaw)
