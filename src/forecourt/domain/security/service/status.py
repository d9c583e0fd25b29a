"""What is known of a certificate's revocation: by us of ours, by its issuer's responder of others.

Our answers are signed by the authority itself; lists and answers are made when they are asked for.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from msgspec import Struct

from forecourt.base.context import Context
from forecourt.domain.security import rules, store
from forecourt.domain.security.model import (
    AuthorityUnknown,
    CertificateAuthority,
    CertificateName,
    CertificateRevoked,
    CertificateUnknown,
    Reason,
    Status,
)
from forecourt.domain.security.service.builtin import Hierarchy
from forecourt.domain.security.service.issuing import Issuing
from forecourt.infra.database import Database, Unit
from forecourt.infra.outbound import Outbound, OutboundAway, OutboundRefused

# How long an answer of ours may be kept. A station asks again once a day or so.
ANSWER_GOOD_FOR: Final = timedelta(hours=12)
KEPT_MAX: Final = 1_000
# Whoever can reach /pki can ask, and each answer is a query and a signature: others have work, too.
PUBLIC_SIDE_BY_SIDE: Final = 4
OCSP_BYTES_MAX: Final = 20_000
CRL_BYTES_MAX: Final = 2_000_000
OK: Final = 200


class Answered(Struct, frozen=True, kw_only=True):
    """What is known of a certificate, and the proof (an OCSP response, DER) where there is one."""

    status: Status
    until: datetime
    proof: bytes | None = None
    reason: str = ""


class Statuses:
    """Everything about revocation."""

    def __init__(
        self, db: Database, hierarchy: Hierarchy, issuing: Issuing, outbound: Outbound
    ) -> None:
        self._db = db
        self._hierarchy = hierarchy
        self._issuing = issuing
        self._outbound = outbound
        self._public = asyncio.Semaphore(PUBLIC_SIDE_BY_SIDE)
        self._kept: OrderedDict[tuple[str, bool, CertificateName], Answered] = OrderedDict()

    async def of(
        self,
        ctx: Context,
        name: CertificateName,
        urls: Sequence[str],
        *,
        issuers: Sequence[x509.Certificate] = (),
        lists: bool = False,
    ) -> Answered:
        """The state of a certificate; ``issuers`` came with it.

        ``urls`` are its responders, or with ``lists`` its lists of revoked certificates.

        Never raises for what others answer.
        """
        async with self._db.unit(ctx) as unit:
            known = await store.list_authorities(unit)
            ours = rules.issuer_of(name, [one for one in known if one.own])
            if ours is not None:
                return await self._own(unit, ours, name, ctx.now, nonce=None)
        trusted = [x509.load_der_x509_certificate(one.certificate) for one in known]
        place = (ctx.tenant, lists, name)
        kept = self._kept.get(place)
        if kept is not None and ctx.now < kept.until:
            return kept
        found = Answered(status=Status.UNAVAILABLE, until=ctx.now, reason="nobody can be asked")
        ask = self._fetch if lists else self._ask
        for url in urls:
            found = await ask(name, url, [*trusted, *issuers], ctx.now)
            if found.status is not Status.UNAVAILABLE:
                self._keep(place, found)
                break
        return found

    async def respond(self, request: bytes, now: datetime) -> bytes:
        """The answer (DER) to an OCSP request (DER) about a certificate of ours, of any tenant."""
        asked = rules.asked(request)
        if asked is None:
            return refusal(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
        name, nonce = asked
        async with self._public, self._db.house_unit() as unit:
            known = await store.list_authorities(unit)
            issuer = rules.issuer_of(name, [one for one in known if one.own])
            if issuer is None:
                return refusal(ocsp.OCSPResponseStatus.UNAUTHORIZED)
            answered = await self._own(unit, issuer, name, now, nonce=nonce)
        assert answered.proof is not None
        return answered.proof

    async def crl(self, authority_id: str, now: datetime) -> bytes:
        """What one of our authorities has revoked (DER). Raises AuthorityUnknown."""
        async with self._public, self._db.house_unit() as unit:
            authority = await store.authority_by_id(unit, authority_id)
            if authority is None or not authority.own:
                raise AuthorityUnknown("there is no such authority of ours")
            return await self._hierarchy.crl(unit, authority, now)

    async def revoke(self, ctx: Context, certificate: str, reason: Reason) -> bool:
        """Take a certificate back, by its id or fingerprint; whether its authority was told.

        Told again, nothing changes. Raises CertificateUnknown.
        """
        async with self._db.unit(ctx) as unit:
            found = await store.find_certificate(unit, certificate)
            if found is None:
                raise CertificateUnknown(f"there is no certificate {certificate!r}")
            fresh = await store.revoke(
                unit,
                tenant=ctx.tenant,
                authority_id=found.authority or "",
                serial=found.serial,
                certificate_id=found.id,
                reason=reason,
                at=ctx.now,
            )
            if fresh:
                await unit.emit(
                    CertificateRevoked(
                        tenant=ctx.tenant,
                        at=ctx.now,
                        station=found.station,
                        certificate=found.id,
                        authority=found.authority or "",
                        serial=found.serial,
                        reason=reason,
                    )
                )
        authority = self._issuing.authority(ctx.tenant, found.use)
        return await authority.revoke(found.serial, reason, ctx.now)

    # ---- inside ---------------------------------------------------------------------------------

    async def _own(
        self,
        unit: Unit,
        issuer: CertificateAuthority,
        name: CertificateName,
        now: datetime,
        *,
        nonce: bytes | None,
    ) -> Answered:
        serial = name.serial
        revoked = await store.revocation_of(unit, issuer.id, serial)
        if revoked is not None:
            status = Status.REVOKED
        elif await self._is_ours(unit, issuer, serial):
            status = Status.GOOD
        else:
            status = Status.UNKNOWN
        key = await self._hierarchy.key(unit, issuer)
        above = x509.load_der_x509_certificate(issuer.certificate)
        why = None if revoked is None else x509.ReasonFlags(revoked[0].value)
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            issuer_name_hash=bytes.fromhex(name.issuer_name),
            issuer_key_hash=bytes.fromhex(name.issuer_key),
            serial_number=int(serial, 16),
            algorithm=rules.ALGORITHMS[name.algorithm],
            cert_status=rules.OCSP_WORDS[status],
            this_update=now,
            next_update=now + ANSWER_GOOD_FOR,
            revocation_time=None if revoked is None else revoked[1],
            revocation_reason=None if why is x509.ReasonFlags.unspecified else why,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, above)
        if nonce is not None:
            builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
        proof = builder.sign(key, SHA256()).public_bytes(Encoding.DER)
        return Answered(status=status, until=now + ANSWER_GOOD_FOR, proof=proof)

    async def _is_ours(self, unit: Unit, issuer: CertificateAuthority, serial: str) -> bool:
        if await store.is_known(unit, issuer.id, serial):
            return True
        below = await store.children_of(unit, issuer.id)
        return any(
            rules.serial_hex(x509.load_der_x509_certificate(one).serial_number) == serial
            for one in below
        )

    async def _ask(
        self, name: CertificateName, url: str, issuers: Sequence[x509.Certificate], now: datetime
    ) -> Answered:
        question = rules.question(name)
        try:
            reply = await self._outbound.send(
                "POST",
                url,
                body=question,
                headers={"Content-Type": "application/ocsp-request"},
                bytes_max=OCSP_BYTES_MAX,
            )
        except (OutboundAway, OutboundRefused) as error:
            return Answered(status=Status.UNAVAILABLE, until=now, reason=error.message)
        if reply.status != OK or not rules.is_answer(reply.body):
            return Answered(
                status=Status.UNAVAILABLE,
                until=now,
                reason=f"the responder has no answer (HTTP {reply.status})",
            )
        status, until = rules.believed(reply.body, name, issuers, now)
        reason = "the answer cannot be believed" if status is Status.UNAVAILABLE else ""
        return Answered(status=status, until=until, proof=reply.body, reason=reason)

    async def _fetch(
        self, name: CertificateName, url: str, issuers: Sequence[x509.Certificate], now: datetime
    ) -> Answered:
        try:
            reply = await self._outbound.send("GET", url, bytes_max=CRL_BYTES_MAX)
        except (OutboundAway, OutboundRefused) as error:
            return Answered(status=Status.UNAVAILABLE, until=now, reason=error.message)
        status, until = rules.listed(reply.body, name, issuers, now)
        reason = "the list cannot be believed" if status is Status.UNAVAILABLE else ""
        return Answered(status=status, until=until, reason=reason)

    def _keep(self, key: tuple[str, bool, CertificateName], found: Answered) -> None:
        self._kept[key] = found
        self._kept.move_to_end(key)
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)


def refusal(status: ocsp.OCSPResponseStatus) -> bytes:
    """An answer without a certificate in it (DER)."""
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
