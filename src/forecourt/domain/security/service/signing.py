"""Stations' requests for certificates: taken in, signed without a hand, handed over, settled.

The message that brings a request is answered at once; what follows survives a restart, since the
request lies in the database with the moment at which somebody must look at it again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from forecourt.base.context import Context
from forecourt.base.ids import StationId, new_id
from forecourt.base.pages import FIRST_PAGE, Page, Wanted
from forecourt.domain.security import rules, store
from forecourt.domain.security.model import (
    AuthorityAway,
    AuthorityRefused,
    AuthorityUnknown,
    Certificate,
    CertificateDelivered,
    CertificateFailed,
    CertificateRequested,
    Profile,
    RequestState,
    SigningRequest,
    Task,
    Unfit,
    Use,
)
from forecourt.domain.security.service.issuing import Issuing
from forecourt.infra.database import Database

# A station that asks more often is broken, and each time costs a signature and a certificate.
REQUESTS_MAX: Final = 10
REQUESTS_WITHIN: Final = timedelta(hours=1)
# How long whoever took a task may need for it before somebody else tries.
CLAIMED_FOR: Final = timedelta(seconds=90)
# From one attempt to the next; the authority may be away for a day, a station for longer: what is
# signed is handed over when it comes back, whenever that is.
PAUSES: Final = tuple(timedelta(minutes=m) for m in (1, 2, 5, 15, 60, 120, 240, 480, 480))
# Coming back is heard of; this is for what was not.
AWAY_PAUSE: Final = timedelta(minutes=15)
ASKED_AGAIN_AFTER: Final = timedelta(days=1)
RENEWED: Final = (Use.STATION, Use.V2G, Use.V2G20)


class Signing:
    """Everything about requests."""

    def __init__(
        self,
        db: Database,
        issuing: Issuing,
        *,
        organization: str,
        demanded: str | None,
        days: Mapping[Use, int],
    ) -> None:
        self._db = db
        self._issuing = issuing
        self._organization = organization
        self._demanded = demanded
        self._days = days

    # ---- what a station asks --------------------------------------------------------------------

    async def ask(
        self,
        ctx: Context,
        station: StationId,
        csr: str,
        use: Use,
        *,
        names: frozenset[str],
        reference: int | None = None,
    ) -> SigningRequest | Unfit:
        """A station's request (PEM): taken, or refused with a reason.

        ``names`` are those that the station may go by. The same request said again is the same.
        """
        read = rules.read_csr(csr, use, names=names, organization=self._demanded)
        if isinstance(read, Unfit):
            return read
        request = SigningRequest(
            id=new_id("csr", ctx.now),
            tenant=ctx.tenant,
            station=station,
            use=use,
            subject=read.subject,
            organization=read.organization or self._organization,
            reference=reference,
            state=RequestState.REQUESTED,
            detail="",
            certificate=None,
            attempts=0,
            requested_at=ctx.now,
        )
        async with self._db.unit(ctx) as unit:
            await store.lock_requests(unit, station)
            waiting = await store.find_open(unit, station, use)
            if waiting is not None and waiting[1] == read.digest:
                return waiting[0]
            since = ctx.now - REQUESTS_WITHIN
            if await store.count_since(unit, station, since) >= REQUESTS_MAX:
                return Unfit(reason=f"more than {REQUESTS_MAX} requests in an hour")
            if waiting is not None:
                await store.settle_request(
                    unit, waiting[0].id, RequestState.SUPERSEDED, now=ctx.now
                )
            await store.add_request(unit, request, read)
            await unit.emit(
                CertificateRequested(
                    tenant=ctx.tenant, at=ctx.now, station=station, request=request.id, use=use
                )
            )
        return request

    async def list(
        self,
        ctx: Context,
        wanted: Wanted = FIRST_PAGE,
        *,
        station: StationId | None = None,
    ) -> Page[SigningRequest]:
        """Requests, newest first if in no other order. Raises CursorInvalid, SortUnknown."""
        async with self._db.view(ctx) as unit:
            return await store.list_requests(unit, wanted, station)

    async def certified(self, ctx: Context, station: StationId) -> Certificate | None:
        """The certificate of its own that a station took from us last, if it is good."""
        async with self._db.unit(ctx) as unit:
            asked = await store.taken(unit, station, Use.STATION)
            if asked is None or asked.certificate is None:
                return None
            found = await store.find_certificate(unit, asked.certificate)
        if found is None or found.revoked_at is not None or found.expires_at <= ctx.now:
            return None
        return found

    # ---- what becomes of it ---------------------------------------------------------------------

    async def hurry(self, stations: Sequence[StationId], now: datetime) -> None:
        """These stations are here now: hand over what waits for them."""
        async with self._db.house_unit() as unit:
            await store.hurry(unit, stations, now)

    async def claim(self, now: datetime, *, most: int) -> Sequence[Task]:
        """What is due, of all tenants; nobody else is given it for a while."""
        async with self._db.house_unit() as unit:
            return await store.claim(unit, now=now, until=now + CLAIMED_FOR, most=most)

    async def sign(self, ctx: Context, task: Task) -> Task | None:
        """Have a request signed; None when that failed, for now or for good."""
        asked = task.request
        profile = Profile(
            use=asked.use,
            subject=asked.subject,
            organization=asked.organization,
            days=self._days[asked.use],
        )
        try:
            certificate = await self._issuing.sign(ctx, task.csr, profile, asked.station)
        except (AuthorityRefused, AuthorityUnknown) as error:
            await self._fail(ctx, asked, error.message)
            return None
        except AuthorityAway as error:
            await self.put_off(ctx, asked, error.message)
            return None
        async with self._db.unit(ctx) as unit:
            await self._issuing.record(ctx, unit, certificate)
            still = await store.settle_request(
                unit,
                asked.id,
                RequestState.SIGNED,
                now=ctx.now,
                due_at=ctx.now + CLAIMED_FOR,
                certificate=certificate.id,
            )
        if not still:
            return None
        signed = replace(asked, state=RequestState.SIGNED, certificate=certificate.id, attempts=0)
        return replace(task, request=signed, chain=certificate.chain)

    async def delivered(
        self, ctx: Context, asked: SigningRequest, *, accepted: bool, reason: str
    ) -> None:
        """The station has answered to its certificate."""
        state = RequestState.ACCEPTED if accepted else RequestState.REJECTED
        assert asked.certificate is not None, "only what is signed can be handed over"
        async with self._db.unit(ctx) as unit:
            if await store.settle_request(unit, asked.id, state, detail=reason, now=ctx.now):
                await unit.emit(
                    CertificateDelivered(
                        tenant=ctx.tenant,
                        at=ctx.now,
                        station=asked.station,
                        request=asked.id,
                        certificate=asked.certificate,
                        use=asked.use,
                        accepted=accepted,
                        reason=reason,
                    )
                )

    async def put_off(self, ctx: Context, asked: SigningRequest, reason: str) -> None:
        """Not now: try again later, and give up after a day of trying."""
        if asked.attempts > len(PAUSES):
            await self._fail(ctx, asked, reason)
            return
        due_at = ctx.now + PAUSES[max(0, asked.attempts - 1)]
        async with self._db.unit(ctx) as unit:
            await store.settle_request(
                unit, asked.id, asked.state, detail=reason, now=ctx.now, due_at=due_at
            )

    async def await_station(self, ctx: Context, asked: SigningRequest) -> None:
        """The station is not here; when it comes, ``hurry`` wakes this again."""
        async with self._db.unit(ctx) as unit:
            await store.settle_request(
                unit,
                asked.id,
                asked.state,
                detail="the station is away",
                now=ctx.now,
                due_at=ctx.now + AWAY_PAUSE,
            )

    async def _fail(self, ctx: Context, asked: SigningRequest, reason: str) -> None:
        async with self._db.unit(ctx) as unit:
            if await store.settle_request(
                unit, asked.id, RequestState.FAILED, detail=reason, now=ctx.now
            ):
                await unit.emit(
                    CertificateFailed(
                        tenant=ctx.tenant,
                        at=ctx.now,
                        station=asked.station,
                        request=asked.id,
                        use=asked.use,
                        reason=reason,
                    )
                )

    # ---- renewal --------------------------------------------------------------------------------

    async def renewals(self, stations: Sequence[StationId], now: datetime) -> Sequence[Certificate]:
        """Of these stations, the certificates whose holders should ask for a new one now."""
        async with self._db.house_unit() as unit:
            newest = await store.newest_of(unit, stations)
        return [
            one
            for one in newest
            if one.use in RENEWED
            and rules.renew_at(one.starts_at, one.expires_at) <= now < one.expires_at
            and (one.renewal_asked_at is None or one.renewal_asked_at + ASKED_AGAIN_AFTER <= now)
        ]

    async def renewal_asked(self, ctx: Context, certificate: Certificate) -> None:
        """The station was told to ask; not again for a day."""
        async with self._db.unit(ctx) as unit:
            await store.note_renewal(unit, certificate.id, ctx.now)
