"""Tables and SQL of this room."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Integer,
    Table,
    Text,
    and_,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upserting

from forecourt.base.ids import SessionId, StationId, TenantId
from forecourt.base.pages import Page, Wanted
from forecourt.domain.access.model import (
    RESERVATION_SORTS,
    TOKEN_SORTS,
    LocalList,
    Reservation,
    ReservationFields,
    ReservationState,
    StationReservation,
    Token,
    TokenFields,
    TokenStatus,
    folded,
)
from forecourt.infra.commit import Write
from forecourt.infra.database import Glance, Unit, metadata
from forecourt.infra.listing import Listing, list_rows, only, sorts
from forecourt.infra.rows import put

RESERVATIONS_KEPT_MAX: Final = 1_000
"""Of one station; the oldest make room."""

tokens: Final = Table(
    "tokens",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("uid_folded", Text, primary_key=True),
    Column("uid", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("group_id", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("valid_until", DateTime(timezone=True)),
    Column("sessions_max", Integer),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

reservations: Final = Table(
    "reservations",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("evse_no", BigInteger, nullable=False),
    Column("token", Text, nullable=False),
    Column("group_id", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("settled_at", DateTime(timezone=True)),
    Column("session_id", Text),
)

local_lists: Final = Table(
    "local_lists",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("entries", Integer),
    Column("changed_at", DateTime(timezone=True), nullable=False),
)

# In one commit with the session that used it. One that we never made is known from now on.
USED: Final = Write(
    table="reservations",
    columns=("station_id", "number", "tenant_id", "evse_no", "token", "at", "session_id"),
    sql="""
    INSERT INTO reservations AS r (station_id, number, tenant_id, state, evse_no, token, group_id,
      made_at, settled_at, session_id)
    SELECT n.station_id, n.number, n.tenant_id, 'used', n.evse_no, n.token, '', n.at, n.at,
      n.session_id
    FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::timestamptz[],
      $7::text[]) AS n (station_id, number, tenant_id, evse_no, token, at, session_id)
    ON CONFLICT (station_id, number) DO UPDATE SET state = 'used',
      settled_at = excluded.settled_at, session_id = excluded.session_id
    WHERE r.session_id IS DISTINCT FROM excluded.session_id""",
    key=(0, 1),
)

WRITES: Final = (USED,)


async def add(unit: Unit, token: Token) -> bool:
    """Insert a token; whether it was not there before."""
    query = (
        upserting(tokens)
        .values(
            tenant_id=token.tenant,
            uid_folded=folded(token.uid),
            uid=token.uid,
            type=token.type,
            status=token.status.value,
            group_id=token.group,
            label=token.label,
            valid_until=token.valid_until,
            sessions_max=token.sessions_max,
            created_at=token.created_at,
        )
        .on_conflict_do_nothing()
    )
    return (await unit.conn.execute(query)).rowcount == 1


async def find(unit: Unit, tenant: TenantId, uid: str) -> Token | None:
    query = select(tokens).where(tokens.c.tenant_id == tenant, tokens.c.uid_folded == folded(uid))
    row = (await unit.conn.execute(query)).first()
    return None if row is None else _token(row)


async def glimpse(glance: Glance, tenant: TenantId, uid: str) -> Token | None:
    """The same for the gateway, which has the tenant from the station's own record."""
    row = await glance.fetchrow(
        "SELECT * FROM tokens WHERE tenant_id = $1 AND uid_folded = $2", tenant, folded(uid)
    )
    return None if row is None else _token(row)


async def page(unit: Unit, wanted: Wanted, fit: TokenFields) -> Page[Token]:
    """Tokens that fit, in the order of their uids if in no other."""
    equal = {"status": fit.get("status"), "type": fit.get("type"), "group_id": fit.get("group")}
    found = await list_rows(unit, only(select(tokens), tokens, equal), _TOKENS, wanted)
    return found.of([_token(row) for row in found.rows])


async def change(unit: Unit, uid: str, values: dict[str, object]) -> bool:
    query = update(tokens).where(tokens.c.uid_folded == folded(uid)).values(values)
    return (await unit.conn.execute(query)).rowcount == 1


async def remove(unit: Unit, uid: str) -> bool:
    query = delete(tokens).where(tokens.c.uid_folded == folded(uid))
    return (await unit.conn.execute(query)).rowcount == 1


_TOKENS: Final = Listing(
    sorts=sorts(tokens, TOKEN_SORTS, uid=tokens.c.uid_folded, group=tokens.c.group_id),
    key=(tokens.c.uid_folded,),
    default="uid",
    searched=(tokens.c.uid, tokens.c.label, tokens.c.group_id),
)


def _token(row: Any) -> Token:
    return Token(
        uid=row.uid,
        tenant=TenantId(row.tenant_id),
        type=row.type,
        status=TokenStatus(row.status),
        group=row.group_id,
        label=row.label,
        valid_until=row.valid_until,
        sessions_max=row.sessions_max,
        created_at=row.created_at,
    )


# ---- reservations and local lists ---------------------------------------------------------------


async def find_reservation(unit: Unit, station: StationId, number: int) -> Reservation | None:
    """A reservation, until the unit ends for us alone."""
    c = reservations.c
    query = select(reservations).where(c.station_id == station, c.number == number)
    row = (await unit.conn.execute(query.with_for_update())).first()
    return None if row is None else _reservation(row)


async def save_reservation(
    unit: Unit, station: StationId, tenant: TenantId, reservation: Reservation
) -> None:
    """A reservation as it is now; the station's oldest make room for it."""
    c = reservations.c
    oldest = (
        select(c.made_at)
        .where(c.station_id == station)
        .order_by(c.made_at.desc())
        .offset(RESERVATIONS_KEPT_MAX - 1)
        .limit(1)
        .scalar_subquery()
    )
    await unit.conn.execute(delete(reservations).where(c.station_id == station, c.made_at < oldest))
    row = {
        "station_id": station,
        "number": reservation.number,
        "tenant_id": tenant,
        "state": reservation.state.value,
        "evse_no": reservation.evse_no,
        "token": reservation.token,
        "group_id": reservation.group,
        "expires_at": reservation.expires_at,
        "made_at": reservation.made_at,
        "settled_at": reservation.settled_at,
        "session_id": reservation.session,
    }
    await put(unit, reservations, [row], owner="station_id", most=2 * RESERVATIONS_KEPT_MAX)


async def reservations_of(unit: Unit, station: StationId, *, limit: int) -> list[Reservation]:
    """Reservations of a station, newest first."""
    query = (
        select(reservations)
        .where(reservations.c.station_id == station)
        .order_by(reservations.c.made_at.desc(), reservations.c.number.desc())
        .limit(limit)
    )
    return [_reservation(row) for row in await unit.conn.execute(query)]


async def reservations_page(
    unit: Unit, wanted: Wanted, fit: ReservationFields, now: datetime
) -> Page[StationReservation]:
    """Reservations of all stations that fit, newest first if in no other order."""
    c = reservations.c
    equal = {"station_id": fit.get("station"), "token": fit.get("token")}
    query = only(select(reservations), reservations, equal)
    # Some stations do not tell that time has run out, so the clock says what is over.
    over = and_(c.state == ReservationState.MADE.value, c.expires_at <= now)
    match fit.get("state"):
        case None:
            pass
        case ReservationState.MADE:
            query = query.where(c.state == ReservationState.MADE.value)
            query = query.where(or_(c.expires_at.is_(None), c.expires_at > now))
        case ReservationState.EXPIRED:
            query = query.where(or_(c.state == ReservationState.EXPIRED.value, over))
        case state:
            query = query.where(c.state == state.value)
    found = await list_rows(unit, query, _RESERVATIONS, wanted)
    return found.of(
        [
            StationReservation(station=StationId(row.station_id), reservation=_reservation(row))
            for row in found.rows
        ]
    )


_RESERVATIONS: Final = Listing(
    sorts=sorts(reservations, RESERVATION_SORTS, station=reservations.c.station_id),
    key=(reservations.c.station_id, reservations.c.number),
    default="-made_at",
    searched=(reservations.c.station_id, reservations.c.token, reservations.c.group_id),
)


async def save_local_list(
    unit: Unit, station: StationId, tenant: TenantId, held: LocalList
) -> None:
    """Which list a station holds now."""
    row = {
        "station_id": station,
        "tenant_id": tenant,
        "version": held.version,
        "entries": held.entries,
        "changed_at": held.changed_at,
    }
    await put(unit, local_lists, [row], owner="station_id", most=1)


async def find_local_list(unit: Unit, station: StationId) -> LocalList | None:
    query = select(local_lists).where(local_lists.c.station_id == station)
    row = (await unit.conn.execute(query)).first()
    if row is None:
        return None
    return LocalList(version=row.version, entries=row.entries, changed_at=row.changed_at)


async def forget(unit: Unit, station: StationId) -> None:
    """A station that was removed."""
    await unit.conn.execute(delete(local_lists).where(local_lists.c.station_id == station))


def _reservation(row: Any) -> Reservation:
    return Reservation(
        number=row.number,
        state=ReservationState(row.state),
        evse_no=row.evse_no,
        token=row.token,
        group=row.group_id,
        expires_at=row.expires_at,
        made_at=row.made_at,
        settled_at=row.settled_at,
        session=None if row.session_id is None else SessionId(row.session_id),
    )
