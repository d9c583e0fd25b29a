"""SQL of stations' requests for certificates."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, insert, select, text, update

from forecourt.base.ids import StationId, TenantId
from forecourt.base.pages import Page, Wanted
from forecourt.domain.security.model import (
    OPEN,
    REQUEST_SORTS,
    RequestState,
    SigningRequest,
    Sound,
    Task,
    Use,
)
from forecourt.domain.security.store.tables import certificates, signing_requests
from forecourt.infra.database import Unit
from forecourt.infra.listing import Listing, list_rows, only, sorts

_open = signing_requests.c.state.in_([state.value for state in OPEN])
# Two requests of one station at once (two sockets, for a moment): one after the other.
_lock = text("SELECT pg_advisory_xact_lock(hashtext('forecourt.signing.' || :station))")


async def lock_requests(unit: Unit, station: StationId) -> None:
    await unit.conn.execute(_lock, {"station": station})


async def count_since(unit: Unit, station: StationId, since: datetime) -> int:
    """How many requests a station made since a moment."""
    c = signing_requests.c
    query = (
        select(func.count())
        .select_from(signing_requests)
        .where(c.station_id == station, c.requested_at > since)
    )
    return int(await unit.conn.scalar(query) or 0)


async def find_open(
    unit: Unit, station: StationId, use: Use
) -> tuple[SigningRequest, bytes] | None:
    """The request of this station that waits, and the digest of its content."""
    c = signing_requests.c
    query = select(signing_requests).where(c.station_id == station, c.use == use.value, _open)
    row = (await unit.conn.execute(query)).first()
    return None if row is None else (_request(row), row.digest)


async def add_request(unit: Unit, request: SigningRequest, sound: Sound) -> None:
    await unit.conn.execute(
        insert(signing_requests).values(
            request_id=request.id,
            tenant_id=request.tenant,
            station_id=request.station,
            use=request.use.value,
            csr=sound.der,
            digest=sound.digest,
            subject=request.subject,
            organization=request.organization,
            reference=request.reference,
            state=request.state.value,
            detail=request.detail,
            attempts=0,
            due_at=request.requested_at,
            requested_at=request.requested_at,
        )
    )


async def settle_request(
    unit: Unit,
    request_id: str,
    state: RequestState,
    *,
    detail: str = "",
    now: datetime,
    due_at: datetime | None = None,
    certificate: str | None = None,
) -> bool:
    """Move an open request on; whether it still was open."""
    values: dict[str, object] = {
        "state": state.value,
        "detail": detail,
        "due_at": due_at,
        "settled_at": None if state in OPEN else now,
    }
    if certificate is not None:
        values |= {"certificate_id": certificate, "attempts": 0}
    query = (
        update(signing_requests)
        .where(signing_requests.c.request_id == request_id, _open)
        .values(values)
    )
    return (await unit.conn.execute(query)).rowcount == 1


async def hurry(unit: Unit, stations: Sequence[StationId], now: datetime) -> None:
    """These stations are here now: what waits for them waits no more."""
    c = signing_requests.c
    await unit.conn.execute(
        update(signing_requests)
        .where(c.station_id.in_(stations), c.state == RequestState.SIGNED.value)
        .values(due_at=now)
    )


_claim: Final = text("""
    UPDATE signing_requests SET due_at = :until, attempts = attempts + 1
    WHERE request_id IN (
      SELECT request_id FROM signing_requests
      WHERE state IN ('requested', 'signed') AND due_at <= :now
      ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED)
    RETURNING request_id""")


async def claim(unit: Unit, *, now: datetime, until: datetime, most: int) -> list[Task]:
    """Take what is due, so that nobody else takes it before ``until``."""
    taken = await unit.conn.execute(_claim, {"now": now, "until": until, "most": most})
    ids = list(taken.scalars())
    query = (
        select(signing_requests, certificates.c.chain)
        .outerjoin(certificates, certificates.c.certificate_id == signing_requests.c.certificate_id)
        .where(signing_requests.c.request_id.in_(ids))
    )
    return [
        Task(request=_request(row), csr=row.csr, chain=tuple(row.chain or ()))
        for row in await unit.conn.execute(query)
    ]


async def list_requests(
    unit: Unit, wanted: Wanted, station: StationId | None
) -> Page[SigningRequest]:
    """Requests, newest first if in no other order. Raises CursorInvalid, SortUnknown."""
    query = only(select(signing_requests), signing_requests, {"station_id": station})
    found = await list_rows(unit, query, _LISTING, wanted)
    return found.of([_request(row) for row in found.rows])


_LISTING: Final = Listing(
    sorts=sorts(
        signing_requests,
        REQUEST_SORTS,
        id=signing_requests.c.request_id,
        station=signing_requests.c.station_id,
    ),
    key=(signing_requests.c.request_id,),
    default="-id",
    searched=tuple(
        signing_requests.c[name] for name in ("station_id", "subject", "organization", "detail")
    ),
)


async def taken(unit: Unit, station: StationId, use: Use) -> SigningRequest | None:
    """The newest request that ended with the station taking its certificate."""
    c = signing_requests.c
    query = (
        select(signing_requests)
        .where(c.station_id == station, c.use == use, c.state == RequestState.ACCEPTED)
        .order_by(c.request_id.desc())
        .limit(1)
    )
    row = (await unit.conn.execute(query)).first()
    return None if row is None else _request(row)


def _request(row: Any) -> SigningRequest:
    return SigningRequest(
        id=row.request_id,
        tenant=TenantId(row.tenant_id),
        station=StationId(row.station_id),
        use=Use(row.use),
        subject=row.subject,
        organization=row.organization,
        reference=row.reference,
        state=RequestState(row.state),
        detail=row.detail,
        certificate=row.certificate_id,
        attempts=row.attempts,
        requested_at=row.requested_at,
        settled_at=row.settled_at,
    )
