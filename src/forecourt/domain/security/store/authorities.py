"""SQL of authorities, of the certificates that they sign, and of what they take back."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, delete, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upserting

from forecourt.base.ids import StationId, TenantId
from forecourt.base.pages import Page, Wanted
from forecourt.base.seal import Sealed
from forecourt.domain.security.model import (
    CERTIFICATE_SORTS,
    Certificate,
    CertificateAuthority,
    CertificateFields,
    Reason,
    Role,
    Use,
)
from forecourt.domain.security.store.tables import authorities, certificates, revocations
from forecourt.infra.database import Unit
from forecourt.infra.listing import Listing, list_rows, only, sorts

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


async def find_certificate(unit: Unit, name: str) -> Certificate | None:
    """By its id or its fingerprint."""
    c = certificates.c
    query = _held.where((c.certificate_id == name) | (c.fingerprint == name.lower()))
    row = (await unit.conn.execute(query)).first()
    return None if row is None else _certificate(row)


async def list_certificates(
    unit: Unit, wanted: Wanted, fit: CertificateFields
) -> Page[Certificate]:
    """Certificates that fit, oldest first if in no other order.

    Raises CursorInvalid, SortUnknown.
    """
    equal = {"use": fit.get("use"), "station_id": fit.get("station")}
    query = only(_held, certificates, equal)
    if (expires_before := fit.get("expires_before")) is not None:
        query = query.where(certificates.c.expires_at < expires_before)
    found = await list_rows(unit, query, _CERTIFICATES, wanted)
    return found.of([_certificate(row) for row in found.rows])


_CERTIFICATES: Final = Listing(
    sorts=sorts(
        certificates,
        CERTIFICATE_SORTS,
        id=certificates.c.certificate_id,
        station=certificates.c.station_id,
    ),
    key=(certificates.c.certificate_id,),
    default="id",
    searched=tuple(
        certificates.c[name] for name in ("subject", "station_id", "serial", "fingerprint")
    ),
)


async def is_known(unit: Unit, authority_id: str, serial: str) -> bool:
    """Whether this authority of ours signed something with this serial number."""
    c = certificates.c
    leaf = select(c.certificate_id).where(c.authority_id == authority_id, c.serial == serial)
    return (await unit.conn.execute(leaf.limit(1))).first() is not None


async def children_of(unit: Unit, authority_id: str) -> list[bytes]:
    """The certificates of authorities that this one signed."""
    query = select(authorities.c.certificate).where(authorities.c.parent_id == authority_id)
    return list((await unit.conn.execute(query)).scalars())


async def revocation_of(
    unit: Unit, authority_id: str, serial: str
) -> tuple[Reason, datetime] | None:
    """Why and when a serial number was taken back."""
    c = revocations.c
    query = select(c.reason, c.revoked_at).where(
        and_(c.authority_id == authority_id, c.serial == serial)
    )
    row = (await unit.conn.execute(query)).first()
    return None if row is None else (Reason(row.reason), row.revoked_at)


async def revoke(
    unit: Unit,
    *,
    tenant: TenantId,
    authority_id: str,
    serial: str,
    certificate_id: str | None,
    reason: Reason,
    at: datetime,
) -> bool:
    """Take a certificate back; whether it was good before."""
    query = (
        upserting(revocations)
        .values(
            tenant_id=tenant,
            authority_id=authority_id,
            serial=serial,
            certificate_id=certificate_id,
            reason=reason.value,
            revoked_at=at,
        )
        .on_conflict_do_nothing()
    )
    return (await unit.conn.execute(query)).rowcount == 1


async def authority_by_id(unit: Unit, authority_id: str) -> CertificateAuthority | None:
    query = select(authorities).where(authorities.c.authority_id == authority_id)
    row = (await unit.conn.execute(query)).first()
    return None if row is None else _authority(row)


async def remove_authority(unit: Unit, authority_id: str) -> None:
    await unit.conn.execute(delete(authorities).where(authorities.c.authority_id == authority_id))


_newest = text("""
    SELECT DISTINCT ON (c.station_id, c.use) c.certificate_id
    FROM certificates c
    LEFT JOIN revocations r ON r.certificate_id = c.certificate_id
    WHERE c.station_id = ANY(CAST(:stations AS text[])) AND r.certificate_id IS NULL
    ORDER BY c.station_id, c.use, c.starts_at DESC, c.certificate_id DESC""")


async def newest_of(unit: Unit, stations: Sequence[StationId]) -> list[Certificate]:
    """The newest certificate of each station and use that was not revoked."""
    found = await unit.conn.execute(_newest, {"stations": list(stations)})
    query = _held.where(certificates.c.certificate_id.in_(list(found.scalars())))
    return [_certificate(row) for row in await unit.conn.execute(query)]


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
