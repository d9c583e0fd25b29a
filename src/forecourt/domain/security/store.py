"""Tables and SQL of this room."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    Table,
    Text,
    insert,
    select,
    text,
    update,
)

from forecourt.base.ids import StationId, TenantId
from forecourt.base.seal import Sealed
from forecourt.domain.security.model import (
    Certificate,
    CertificateAuthority,
    Reason,
    Role,
    Use,
)
from forecourt.infra.database import Unit, metadata

authorities: Final = Table(
    "authorities",
    metadata,
    Column("authority_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("parent_id", Text),
    Column("certificate", LargeBinary, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("key", LargeBinary),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

certificates: Final = Table(
    "certificates",
    metadata,
    Column("certificate_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("use", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("hosts", ARRAY(Text), nullable=False),
    Column("station_id", Text),
    Column("authority_id", Text),
    Column("serial", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("chain", ARRAY(LargeBinary), nullable=False),
    Column("key", LargeBinary),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("renewal_asked_at", DateTime(timezone=True)),
    Column("warned_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

revocations: Final = Table(
    "revocations",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("authority_id", Text, primary_key=True),
    Column("serial", Text, primary_key=True),
    Column("certificate_id", Text),
    Column("reason", Text, nullable=False),
    Column("revoked_at", DateTime(timezone=True), nullable=False),
)

signing_requests: Final = Table(
    "signing_requests",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("station_id", Text, nullable=False),
    Column("use", Text, nullable=False),
    Column("csr", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("subject", Text, nullable=False),
    Column("reference", Integer),
    Column("wrapped", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("certificate_id", Text),
    Column("attempts", Integer, nullable=False),
    Column("due_at", DateTime(timezone=True)),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("settled_at", DateTime(timezone=True)),
)

installed_certificates: Final = Table(
    "installed_certificates",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("hash_algorithm", Text, primary_key=True),
    Column("issuer_name_hash", Text, primary_key=True),
    Column("issuer_key_hash", Text, primary_key=True),
    Column("serial", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("leaf_serial", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("warned_at", DateTime(timezone=True)),
    Column("reported_at", DateTime(timezone=True), nullable=False),
)

contract_certificates: Final = Table(
    "contract_certificates",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("fingerprint", Text, primary_key=True),
    Column("emaid", Text, nullable=False),
    Column("serial", Text, nullable=False),
    Column("chain", ARRAY(LargeBinary), nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("cancelled_at", DateTime(timezone=True)),
    Column("seen_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

# Two that open the same hierarchy at once: the second waits, and finds what the first made.
_lock = text("SELECT pg_advisory_xact_lock(hashtext('forecourt.authorities.' || :tenant))")


# ---- authorities --------------------------------------------------------------------------------


async def lock_authorities(unit: Unit, tenant: TenantId) -> None:
    await unit.conn.execute(_lock, {"tenant": tenant})


async def add_authority(unit: Unit, authority: CertificateAuthority, key: Sealed | None) -> None:
    await unit.conn.execute(
        insert(authorities).values(
            authority_id=authority.id,
            tenant_id=authority.tenant,
            role=authority.role.value,
            name=authority.name,
            parent_id=authority.parent,
            certificate=authority.certificate,
            fingerprint=authority.fingerprint,
            key=key,
            expires_at=authority.expires_at,
            created_at=authority.created_at,
        )
    )


async def list_authorities(unit: Unit) -> list[CertificateAuthority]:
    """Of the unit's tenant, or in the house's unit of all tenants; oldest first."""
    rows = await unit.conn.execute(select(authorities).order_by(authorities.c.authority_id))
    return [_authority(row) for row in rows]


async def authority_key(unit: Unit, authority_id: str) -> Sealed | None:
    query = select(authorities.c.key).where(authorities.c.authority_id == authority_id)
    found = await unit.conn.scalar(query)
    return None if found is None else Sealed(found)


def _authority(row: Any) -> CertificateAuthority:
    return CertificateAuthority(
        id=row.authority_id,
        tenant=TenantId(row.tenant_id),
        role=Role(row.role),
        name=row.name,
        parent=row.parent_id,
        own=row.key is not None,
        certificate=row.certificate,
        fingerprint=row.fingerprint,
        expires_at=row.expires_at,
        created_at=row.created_at,
    )


# ---- certificates -------------------------------------------------------------------------------

_held = select(certificates, revocations.c.revoked_at).outerjoin(
    revocations, revocations.c.certificate_id == certificates.c.certificate_id
)


async def add_certificate(
    unit: Unit, certificate: Certificate, *, key: Sealed | None = None, hosts: Iterable[str] = ()
) -> None:
    await unit.conn.execute(
        insert(certificates).values(
            certificate_id=certificate.id,
            tenant_id=certificate.tenant,
            use=certificate.use.value,
            subject=certificate.subject,
            hosts=list(hosts),
            station_id=certificate.station,
            authority_id=certificate.authority,
            serial=certificate.serial,
            fingerprint=certificate.fingerprint,
            chain=list(certificate.chain),
            key=key,
            starts_at=certificate.starts_at,
            expires_at=certificate.expires_at,
            created_at=certificate.created_at,
        )
    )


async def newest_server(
    unit: Unit, hosts: list[str], now: datetime
) -> tuple[Certificate, Sealed] | None:
    """The newest good certificate of a listener with these names."""
    c = certificates.c
    query = (
        _held.add_columns(c.key)
        .where(c.use == Use.SERVER.value, c.hosts == hosts, c.expires_at > now)
        .where(c.key.is_not(None), revocations.c.revoked_at.is_(None))
        .order_by(c.starts_at.desc(), c.certificate_id.desc())
        .limit(1)
    )
    row = (await unit.conn.execute(query)).first()
    return None if row is None else (_certificate(row), Sealed(row.key))


async def revocations_of(unit: Unit, authority_id: str) -> list[tuple[str, Reason, datetime]]:
    """Serials that an authority has revoked, in their order."""
    c = revocations.c
    query = (
        select(c.serial, c.reason, c.revoked_at)
        .where(c.authority_id == authority_id)
        .order_by(c.revoked_at, c.serial)
    )
    rows = await unit.conn.execute(query)
    return [(row.serial, Reason(row.reason), row.revoked_at) for row in rows]


async def revoked_for_stations(unit: Unit) -> list[tuple[str, str]]:
    """(authority, serial) of all revoked certificates that stations show to listeners."""
    query = (
        select(revocations.c.authority_id, revocations.c.serial)
        .join(authorities, authorities.c.authority_id == revocations.c.authority_id)
        .where(authorities.c.role == Role.STATION.value)
    )
    return [(row.authority_id, row.serial) for row in await unit.conn.execute(query)]


async def note_renewal(unit: Unit, certificate_id: str, now: datetime) -> None:
    await unit.conn.execute(
        update(certificates)
        .where(certificates.c.certificate_id == certificate_id)
        .values(renewal_asked_at=now)
    )


def _certificate(row: Any) -> Certificate:
    return Certificate(
        id=row.certificate_id,
        tenant=TenantId(row.tenant_id),
        use=Use(row.use),
        subject=row.subject,
        station=None if row.station_id is None else StationId(row.station_id),
        authority=row.authority_id,
        serial=row.serial,
        fingerprint=row.fingerprint,
        chain=tuple(row.chain),
        starts_at=row.starts_at,
        expires_at=row.expires_at,
        renewal_asked_at=row.renewal_asked_at,
        revoked_at=row.revoked_at,
        created_at=row.created_at,
    )
