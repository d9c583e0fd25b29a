"""Which certificates stations hold, as they told, and what of all that ends soon."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Unpack

from cryptography import x509
from msgspec.structs import replace

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.base.pages import FIRST_PAGE, PAGE_MAX, Page, Wanted
from forecourt.domain.security import rules, store
from forecourt.domain.security.model import (
    Certificate,
    CertificateAuthority,
    CertificateExpiring,
    CertificateFields,
    CertificateName,
    CertificateUnknown,
    HashAlgorithm,
    Held,
)
from forecourt.infra.database import Database

# A month: what 1.6 and 2.x give a station to ask for a new one (A03).
WARNED_BEFORE: Final = timedelta(days=30)
EXPIRING_MAX: Final = 500
CSMS_ROOT: Final = "csms_root"


class Inventory:
    """Everything about what others hold."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def told(
        self,
        ctx: Context,
        station: StationId,
        kinds: Sequence[str] | None,
        found: Sequence[tuple[str, CertificateName, str]],
    ) -> Sequence[Held]:
        """A station told what it holds: (kind, name, serial of the leaf above it).

        ``kinds`` are those that it was asked for, None for all; what it held of them is forgotten.
        """
        async with self._db.unit(ctx) as unit:
            known = await store.list_authorities(unit)
            issued = await store.list_certificates(
                unit, Wanted(limit=PAGE_MAX), {"station": station}
            )
            ours = issued.items
            held = [
                _recognised(
                    Held(
                        tenant=ctx.tenant,
                        station=station,
                        kind=kind,
                        name=name,
                        leaf_serial=leaf,
                        reported_at=ctx.now,
                    ),
                    known,
                    ours,
                )
                for kind, name, leaf in found
            ]
            await store.replace_held(unit, station, kinds, held)
        return held

    async def installed(
        self, ctx: Context, station: StationId, kind: str, certificate: str
    ) -> None:
        """A station took a root (PEM)."""
        found = rules.read_chain(certificate)
        if not found:
            return
        root = found[0]
        held = Held(
            tenant=ctx.tenant,
            station=station,
            kind=kind,
            name=rules.name_of(root, root, HashAlgorithm.SHA256),
            leaf_serial=rules.serial_hex(root.serial_number),
            subject=rules.common_name(root.subject),
            expires_at=root.not_valid_after_utc,
            reported_at=ctx.now,
        )
        async with self._db.unit(ctx) as unit:
            await store.add_held(unit, [held])

    async def deleted(self, ctx: Context, station: StationId, name: CertificateName) -> None:
        """A station forgot a certificate, or never had it."""
        async with self._db.unit(ctx) as unit:
            await store.remove_held(unit, station, name.serial)

    async def held(self, ctx: Context, station: StationId) -> Sequence[Held]:
        """What a station holds, as it last told."""
        async with self._db.unit(ctx) as unit:
            return await store.list_held(unit, station)

    async def trusts(self, ctx: Context, station: StationId, root: str) -> bool:
        """Whether a station told, or was seen, to hold this root (PEM) for our certificate."""
        found = rules.read_chain(root) or ()
        names = {rules.name_of(one, one, hashed) for one in found for hashed in HashAlgorithm}
        held = await self.held(ctx, station)
        return any(one.kind == CSMS_ROOT and one.name in names for one in held)

    async def certificates(
        self,
        ctx: Context,
        wanted: Wanted = FIRST_PAGE,
        **fit: Unpack[CertificateFields],
    ) -> Page[Certificate]:
        """Certificates that were issued and fit, oldest first if in no other order.

        Raises CursorInvalid, SortUnknown.
        """
        async with self._db.view(ctx) as unit:
            return await store.list_certificates(unit, wanted, fit)

    async def read(self, ctx: Context, certificate: str) -> Certificate:
        """One certificate, by its id or its fingerprint. Raises CertificateUnknown."""
        async with self._db.unit(ctx) as unit:
            found = await store.find_certificate(unit, certificate)
        if found is None:
            raise CertificateUnknown(f"there is no certificate {certificate!r}")
        return found

    async def warn(self, now: datetime) -> int:
        """Tell of what ends within a month, each once; of how many."""
        async with self._db.house_unit() as unit:
            ending = await store.take_expiring(
                unit, now=now, until=now + WARNED_BEFORE, most=EXPIRING_MAX
            )
            await unit.emit(
                *(
                    CertificateExpiring(
                        tenant=one.tenant,
                        at=now,
                        station=one.station,
                        certificate=one.certificate,
                        kind=one.kind,
                        serial=one.serial,
                        expires_at=one.expires_at,
                    )
                    for one in ending
                )
            )
        return len(ending)


def _recognised(
    held: Held, authorities: Sequence[CertificateAuthority], ours: Sequence[Certificate]
) -> Held:
    """The same, with name and end where it is a certificate that we know."""
    issuer = rules.issuer_of(held.name, authorities)
    for der in [*(one.certificate for one in authorities), *(one.chain[0] for one in ours)]:
        certificate = x509.load_der_x509_certificate(der)
        if rules.serial_hex(certificate.serial_number) != held.name.serial:
            continue
        above = None if issuer is None else x509.load_der_x509_certificate(issuer.certificate)
        if above is None or above.subject != certificate.issuer:
            continue
        return replace(
            held,
            subject=rules.common_name(certificate.subject),
            expires_at=certificate.not_valid_after_utc,
        )
    return held
