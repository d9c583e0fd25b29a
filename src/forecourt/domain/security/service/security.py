"""The room itself: authorities of a tenant, what they sign, and what that is worth."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from msgspec import Struct

from forecourt.base.context import Context
from forecourt.base.ids import StationId, new_id
from forecourt.base.seal import Sealed
from forecourt.domain.security import rules, store
from forecourt.domain.security.model import (
    SIGNERS,
    Authority,
    Certificate,
    CertificateAuthority,
    CertificateIssued,
    Holder,
    Issued,
    Profile,
    Role,
    ServerCertificate,
    Untrusted,
    Use,
)
from forecourt.domain.security.service.builtin import BuiltIn, Hierarchy
from forecourt.domain.security.service.making import CURVE, Keys, Maker, PrivateKey, Urls
from forecourt.infra.database import Database

ROOT_DAYS: Final = 20 * 365
BELOW_DAYS: Final = 10 * 365
# The root, and those below it: many stations send their own certificate and nothing else.
VOUCHERS: Final = (Role.CSMS_ROOT, Role.STATION)


class SecurityOptions(Struct, frozen=True, kw_only=True):
    """What an operator may choose."""

    organization: str = "Forecourt"
    """Who stands in the certificates as their owner."""
    url: str = ""
    """Where stations and cars reach /pki; without it certificates do not say where to ask."""
    server_days: int = 90
    station_days: int = 365
    v2g_days: int = 90


class Security:
    """Everything about certificates."""

    def __init__(
        self, db: Database, *, secret_key: bytes, options: SecurityOptions | None = None
    ) -> None:
        self._db = db
        self._options = options = options or SecurityOptions()
        self._keys = Keys(secret_key)
        self._maker = Maker(self._keys, Urls(options.url))
        self._hierarchy = Hierarchy(
            db, self._maker, organization=options.organization, days=(ROOT_DAYS, BELOW_DAYS)
        )
        self._trust = rules.Trust()

    # ---- authorities ------------------------------------------------------------------------

    async def ensure(self, ctx: Context) -> Sequence[CertificateAuthority]:
        """Make our own authorities, those that are missing; returns those that were made."""
        return await self._hierarchy.ensure(ctx)

    async def authorities(self, ctx: Context) -> Sequence[CertificateAuthority]:
        """All authorities, ours and those that we trust, oldest first."""
        async with self._db.unit(ctx) as unit:
            return await store.list_authorities(unit)

    def authority(self, ctx: Context, use: Use) -> Authority:
        """Who signs certificates for this use."""
        return BuiltIn(self._db, self._hierarchy, self._maker, ctx.tenant, SIGNERS[use])

    # ---- for the listener ---------------------------------------------------------------------

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
        return ServerCertificate(
            id=certificate.id,
            chain_pem=rules.pem_chain(certificate.chain),
            key_pem=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            expires_at=certificate.expires_at,
            renew_at=rules.renew_at(certificate.starts_at, certificate.expires_at),
        )

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
        await self._hierarchy.ensure(ctx)
        key = ec.generate_private_key(CURVE())
        profile = Profile(
            use=Use.SERVER,
            subject=hosts[0][: rules.COMMON_NAME_MAX],
            organization=self._options.organization,
            days=self._options.server_days,
            hosts=tuple(hosts),
        )
        issued = await self.authority(ctx, Use.SERVER).sign(request(key, profile), profile, ctx.now)
        certificate = certificate_of(ctx, Use.SERVER, issued, None)
        sealed = self._keys.seal(key, certificate.id)
        async with self._db.unit(ctx) as unit:
            await store.add_certificate(unit, certificate, key=sealed, hosts=hosts)
            await unit.emit(was_issued(ctx, certificate))
        return certificate, sealed


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
