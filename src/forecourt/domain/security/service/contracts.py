"""Drivers' contracts (Plug & Charge): is this certificate good, and whose contract is it.

The car proves to the station that it holds the certificate; we are asked whether it still counts.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID
from msgspec import Struct

from forecourt.base.context import Context
from forecourt.base.pages import FIRST_PAGE, Page, Wanted
from forecourt.domain.security import rules, store
from forecourt.domain.security.model import (
    CertificateAuthority,
    CertificateName,
    Contract,
    HashAlgorithm,
    Role,
    Status,
    Verdict,
)
from forecourt.domain.security.service.status import Answered, Statuses
from forecourt.infra.database import Database

# Contracts may hang under a root of their own, or under that of V2G (ISO 15118-2, annex E).
ROOTS: Final = (Role.MO_ROOT, Role.V2G_ROOT, Role.CONTRACT)
WORST: Final = (Status.REVOKED, Status.UNKNOWN, Status.UNAVAILABLE, Status.GOOD)


class Checked(Struct, frozen=True, kw_only=True):
    """What a contract's certificate is worth, and why when that is not everything."""

    verdict: Verdict
    emaid: str | None
    """The contract's name in its short form; None when that is none."""
    reason: str = ""


class Contracts:
    """Everything about contracts."""

    def __init__(self, db: Database, statuses: Statuses) -> None:
        self._db = db
        self._statuses = statuses

    async def check_chain(self, ctx: Context, name: str, chain: str) -> Checked:
        """A chain (PEM, the leaf first, the root left out) that was shown for a contract's name."""
        emaid = rules.emaid(name)
        found = rules.read_chain(chain)
        if found is None or emaid is None:
            reason = "this is no contract's name" if emaid is None else "the chain is not readable"
            return Checked(verdict=Verdict.BROKEN, emaid=emaid, reason=reason)
        if rules.emaid(rules.common_name(found[0].subject)) != emaid:
            return _broken(emaid, "the certificate is another contract's")
        async with self._db.unit(ctx) as unit:
            known = await store.list_authorities(unit)
        anchors = [x509.load_der_x509_certificate(a.certificate) for a in known if a.role in ROOTS]
        path = rules.verify(found, anchors, ctx.now)
        if path.verdict is not Verdict.GOOD:
            return Checked(verdict=path.verdict, emaid=emaid, reason="the chain does not hold")
        # All at once: a station waits half a minute, and one responder may take its time.
        states = await asyncio.gather(
            *(
                self._statuses.of(ctx, *_asked(one, issuer), issuers=path.certificates)
                for one, issuer in zip(path.certificates, path.certificates[1:], strict=False)
            )
        )
        checked = _judged(emaid, states)
        if checked.verdict is not Verdict.GOOD:
            return checked
        return await self._seen(ctx, emaid, path.certificates)

    async def check_names(
        self, ctx: Context, name: str, asked: Sequence[tuple[CertificateName, str]]
    ) -> Checked:
        """Names of a chain's certificates, with their responders: the station has seen the chain.

        The first is the contract's own certificate.
        """
        emaid = rules.emaid(name)
        if emaid is None:
            return _broken(None, "this is no contract's name")
        async with self._db.unit(ctx) as unit:
            known = await store.list_authorities(unit)
            held = await store.find_contract(
                unit, emaid, fingerprint=None, serial=asked[0][0].serial
            )
        if held is not None and held.cancelled_at is not None:
            return Checked(verdict=Verdict.CANCELLED, emaid=emaid, reason="it was cancelled")
        if held is not None and held.expires_at <= ctx.now:
            return Checked(verdict=Verdict.EXPIRED, emaid=emaid, reason="it has expired")
        issuers = [] if held is None else [*map(x509.load_der_x509_certificate, held.chain)]
        states = await asyncio.gather(
            *(
                self._statuses.of(ctx, one, [url] if url else [], issuers=issuers)
                for one, url in asked
                if not _is_anchor(one, known)
            )
        )
        return _judged(emaid, states)

    async def list(self, ctx: Context, wanted: Wanted = FIRST_PAGE) -> Page[Contract]:
        """Contract certificates that were seen and held good, by their fingerprints if not else.

        Raises CursorInvalid, SortUnknown.
        """
        async with self._db.view(ctx) as unit:
            return await store.list_contracts(unit, wanted)

    async def cancel(self, ctx: Context, name: str) -> int:
        """End a contract here, whatever its issuer says; how many certificates that concerns."""
        emaid = rules.emaid(name)
        if emaid is None:
            return 0
        async with self._db.unit(ctx) as unit:
            return await store.cancel_contracts(unit, emaid, ctx.now)

    async def _seen(self, ctx: Context, emaid: str, path: Sequence[x509.Certificate]) -> Checked:
        leaf, *_ = path
        ders = tuple(one.public_bytes(Encoding.DER) for one in path)
        contract = Contract(
            tenant=ctx.tenant,
            emaid=emaid,
            fingerprint=rules.fingerprint(ders[0]),
            serial=rules.serial_hex(leaf.serial_number),
            chain=ders,
            starts_at=leaf.not_valid_before_utc,
            expires_at=leaf.not_valid_after_utc,
            seen_at=ctx.now,
        )
        async with self._db.unit(ctx) as unit:
            await store.see_contract(unit, contract)
            held = await store.find_contract(
                unit, emaid, fingerprint=contract.fingerprint, serial=None
            )
        if held is not None and held.cancelled_at is not None:
            return Checked(verdict=Verdict.CANCELLED, emaid=emaid, reason="it was cancelled")
        return Checked(verdict=Verdict.GOOD, emaid=emaid)


def _asked(
    certificate: x509.Certificate, issuer: x509.Certificate
) -> tuple[CertificateName, list[str]]:
    """A certificate's name, and the responders that it names itself."""
    name = rules.name_of(certificate, issuer, HashAlgorithm.SHA256)
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except x509.ExtensionNotFound:
        return name, []
    return name, [
        str(place.access_location.value)
        for place in access.value
        if place.access_method == AuthorityInformationAccessOID.OCSP
    ]


def _is_anchor(name: CertificateName, known: Iterable[CertificateAuthority]) -> bool:
    """Whether this names one of the roots that we trust: nobody is asked about those."""
    for authority in known:
        certificate = x509.load_der_x509_certificate(authority.certificate)
        if (
            authority.role in ROOTS
            and rules.name_of(certificate, certificate, name.algorithm) == name
        ):
            return True
    return False


def _judged(emaid: str, states: Iterable[Answered]) -> Checked:
    """The worst of what is known of a chain's certificates."""
    found = sorted(states, key=lambda one: WORST.index(one.status))
    match found[0].status if found else Status.UNAVAILABLE:
        case Status.GOOD:
            return Checked(verdict=Verdict.GOOD, emaid=emaid)
        case Status.REVOKED:
            return Checked(verdict=Verdict.REVOKED, emaid=emaid, reason="it was revoked")
        case Status.UNKNOWN:
            return _broken(emaid, "its issuer does not know it")
        case Status.UNAVAILABLE:
            return _broken(emaid, f"nobody tells its state: {found[0].reason if found else ''}")


def _broken(emaid: str | None, reason: str) -> Checked:
    return Checked(verdict=Verdict.BROKEN, emaid=emaid, reason=reason)
