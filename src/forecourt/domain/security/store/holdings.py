"""SQL of what stations and drivers hold: installed certificates, contracts, and their ends."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace
from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert as upserting

from forecourt.base.ids import StationId, TenantId
from forecourt.base.pages import Page, Wanted
from forecourt.domain.security.model import (
    CONTRACT_SORTS,
    CertificateName,
    Contract,
    Expiry,
    HashAlgorithm,
    Held,
)
from forecourt.domain.security.store.tables import contract_certificates, installed_certificates
from forecourt.infra.database import Unit
from forecourt.infra.listing import Listing, list_rows, sorts


async def replace_held(
    unit: Unit, station: StationId, kinds: Iterable[str] | None, held: Sequence[Held]
) -> None:
    """A station told what it holds of these kinds, or of all: exactly this."""
    c = installed_certificates.c
    warned = {(one.kind, one.name): one.warned_at for one in await list_held(unit, station)}
    gone = delete(installed_certificates).where(c.station_id == station)
    if kinds is not None:
        gone = gone.where(c.kind.in_(list(kinds)))
    await unit.conn.execute(gone)
    fresh = [replace(one, warned_at=warned.get((one.kind, one.name))) for one in held]
    await add_held(unit, fresh)


async def remove_held(unit: Unit, station: StationId, serial: str) -> None:
    """A station holds this no more, by whichever hashes it named it."""
    c = installed_certificates.c
    query = delete(installed_certificates).where(c.station_id == station, c.serial == serial)
    await unit.conn.execute(query)


async def add_held(unit: Unit, held: Sequence[Held]) -> None:
    """A station holds these, too."""
    rows = [
        {
            "station_id": one.station,
            "kind": one.kind,
            "hash_algorithm": one.name.algorithm.value,
            "issuer_name_hash": one.name.issuer_name,
            "issuer_key_hash": one.name.issuer_key,
            "serial": one.name.serial,
            "tenant_id": one.tenant,
            "leaf_serial": one.leaf_serial,
            "subject": one.subject,
            "expires_at": one.expires_at,
            "warned_at": one.warned_at,
            "reported_at": one.reported_at,
        }
        for one in held
    ]
    if rows:
        await unit.conn.execute(upserting(installed_certificates).on_conflict_do_nothing(), rows)


async def list_held(unit: Unit, station: StationId) -> list[Held]:
    c = installed_certificates.c
    query = (
        select(installed_certificates)
        .where(c.station_id == station)
        .order_by(c.kind, c.leaf_serial, c.serial)
    )
    return [
        Held(
            tenant=TenantId(row.tenant_id),
            station=StationId(row.station_id),
            kind=row.kind,
            name=CertificateName(
                algorithm=HashAlgorithm(row.hash_algorithm),
                issuer_name=row.issuer_name_hash,
                issuer_key=row.issuer_key_hash,
                serial=row.serial,
            ),
            leaf_serial=row.leaf_serial,
            subject=row.subject,
            expires_at=row.expires_at,
            warned_at=row.warned_at,
            reported_at=row.reported_at,
        )
        for row in await unit.conn.execute(query)
    ]


# ---- contracts ----------------------------------------------------------------------------------


async def see_contract(unit: Unit, contract: Contract) -> None:
    """Remember a contract's certificate, and that it was seen now."""
    values = {
        "tenant_id": contract.tenant,
        "fingerprint": contract.fingerprint,
        "emaid": contract.emaid,
        "serial": contract.serial,
        "chain": list(contract.chain),
        "starts_at": contract.starts_at,
        "expires_at": contract.expires_at,
        "seen_at": contract.seen_at,
        "created_at": contract.seen_at,
    }
    query = upserting(contract_certificates).values(values)
    await unit.conn.execute(
        query.on_conflict_do_update(
            index_elements=["tenant_id", "fingerprint"], set_={"seen_at": contract.seen_at}
        )
    )


async def find_contract(
    unit: Unit, emaid: str, *, fingerprint: str | None, serial: str | None
) -> Contract | None:
    """A contract's certificate by its fingerprint or its serial number; the newest fits best."""
    c = contract_certificates.c
    query = select(contract_certificates).where(c.emaid == emaid)
    if fingerprint is not None:
        query = query.where(c.fingerprint == fingerprint)
    if serial is not None:
        query = query.where(c.serial == serial)
    row = (await unit.conn.execute(query.order_by(c.created_at.desc()).limit(1))).first()
    return None if row is None else _contract(row)


async def list_contracts(unit: Unit, wanted: Wanted) -> Page[Contract]:
    """Contracts, by their fingerprints if in no other order. Raises CursorInvalid, SortUnknown."""
    found = await list_rows(unit, select(contract_certificates), _CONTRACTS, wanted)
    return found.of([_contract(row) for row in found.rows])


_CONTRACTS: Final = Listing(
    sorts=sorts(contract_certificates, CONTRACT_SORTS),
    key=(contract_certificates.c.fingerprint,),
    default="fingerprint",
    searched=tuple(contract_certificates.c[name] for name in ("emaid", "serial", "fingerprint")),
)


async def cancel_contracts(unit: Unit, emaid: str, now: datetime) -> int:
    """End all of a contract's certificates; how many were good before."""
    c = contract_certificates.c
    query = (
        update(contract_certificates)
        .where(c.emaid == emaid, c.cancelled_at.is_(None))
        .values(cancelled_at=now)
    )
    return (await unit.conn.execute(query)).rowcount


def _contract(row: Any) -> Contract:
    return Contract(
        tenant=TenantId(row.tenant_id),
        emaid=row.emaid,
        fingerprint=row.fingerprint,
        serial=row.serial,
        chain=tuple(row.chain),
        starts_at=row.starts_at,
        expires_at=row.expires_at,
        cancelled_at=row.cancelled_at,
        seen_at=row.seen_at,
    )


# ---- what ends soon -----------------------------------------------------------------------------

# A certificate whose place another took is let go in peace; an authority is told of like any other.
_expiring: Final = text("""
    UPDATE certificates SET warned_at = :now WHERE certificate_id IN (
      SELECT c.certificate_id FROM certificates c
      WHERE c.expires_at BETWEEN :now AND :until AND c.warned_at IS NULL
        AND NOT EXISTS (SELECT FROM revocations r WHERE r.certificate_id = c.certificate_id)
        AND NOT EXISTS (
          SELECT FROM certificates n WHERE n.tenant_id = c.tenant_id AND n.use = c.use
            AND n.station_id IS NOT DISTINCT FROM c.station_id AND n.hosts = c.hosts
            AND n.subject = c.subject AND n.starts_at > c.starts_at)
      ORDER BY c.expires_at LIMIT :most)
    RETURNING tenant_id, station_id, certificate_id, use AS kind, serial, expires_at""")

_expiring_held: Final = text("""
    UPDATE installed_certificates SET warned_at = :now
    WHERE (station_id, kind, hash_algorithm, issuer_name_hash, issuer_key_hash, serial) IN (
      SELECT station_id, kind, hash_algorithm, issuer_name_hash, issuer_key_hash, serial
      FROM installed_certificates
      WHERE expires_at BETWEEN :now AND :until AND warned_at IS NULL
      ORDER BY expires_at LIMIT :most)
    RETURNING tenant_id, station_id, NULL AS certificate_id, kind, serial, expires_at""")


async def take_expiring(unit: Unit, *, now: datetime, until: datetime, most: int) -> list[Expiry]:
    """What ends before ``until`` and nobody was told of; it counts as told from now on."""
    found: list[Expiry] = []
    for query in (_expiring, _expiring_held):
        rows = await unit.conn.execute(query, {"now": now, "until": until, "most": most})
        found += [
            Expiry(
                tenant=TenantId(row.tenant_id),
                station=None if row.station_id is None else StationId(row.station_id),
                certificate=row.certificate_id,
                kind=row.kind,
                serial=row.serial,
                expires_at=row.expires_at,
            )
            for row in rows
        ]
    return found
