"""The room's verbs: what tokens are worth, and what stations keep free for them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Unpack

import msgspec

from forecourt.base.context import Context
from forecourt.base.ids import SessionId, StationId
from forecourt.base.pages import FIRST_PAGE, Page, Wanted
from forecourt.domain.access import rules, store
from forecourt.domain.access.model import (
    Authorization,
    LocalList,
    NewToken,
    Reservation,
    ReservationFields,
    ReservationMade,
    ReservationSettled,
    ReservationState,
    StationReservation,
    Token,
    TokenAdded,
    TokenChanged,
    TokenExists,
    TokenFields,
    TokenStatus,
    TokenUnknown,
)
from forecourt.domain.stations import (
    Answer,
    Ask,
    CancelReservation,
    GetLocalListVersion,
    LocalListVersion,
    Reserve,
    SendLocalList,
)
from forecourt.infra.commit import Changes
from forecourt.infra.database import Database, emit


class Access:
    """Everything about who may charge."""

    HEARS: Final = (Reserve, CancelReservation, SendLocalList, GetLocalListVersion)
    """Commands whose answers matter here."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, ctx: Context, new: NewToken) -> Token:
        """Make a token known. Raises TokenExists."""
        token = Token(
            uid=new.uid,
            tenant=ctx.tenant,
            type=new.type,
            status=new.status,
            group=new.group,
            label=new.label,
            valid_until=new.valid_until,
            sessions_max=new.sessions_max,
            created_at=ctx.now,
        )
        async with self._db.unit(ctx) as unit:
            if not await store.add(unit, token):
                raise TokenExists(f"a token {new.uid!r} exists already", uid=new.uid)
            await unit.emit(
                TokenAdded(tenant=ctx.tenant, at=ctx.now, uid=new.uid, token_type=new.type)
            )
        return token

    async def change(
        self,
        ctx: Context,
        uid: str,
        *,
        status: TokenStatus | None = None,
        valid_until: datetime | None = None,
    ) -> Token:
        """Block, unblock or date a token; None leaves a thing as it is. Raises TokenUnknown."""
        values: dict[str, object] = {}
        if status is not None:
            values["status"] = status.value
        if valid_until is not None:
            values["valid_until"] = valid_until
        async with self._db.unit(ctx) as unit:
            if values and not await store.change(unit, uid, values):
                raise TokenUnknown(f"there is no token {uid!r}", uid=uid)
            found = await store.find(unit, ctx.tenant, uid)
            if found is None:
                raise TokenUnknown(f"there is no token {uid!r}", uid=uid)
            await unit.emit(TokenChanged(tenant=ctx.tenant, at=ctx.now, uid=found.uid))
        return found

    async def remove(self, ctx: Context, uid: str) -> None:
        """Forget a token. Raises TokenUnknown."""
        async with self._db.unit(ctx) as unit:
            if not await store.remove(unit, uid):
                raise TokenUnknown(f"there is no token {uid!r}", uid=uid)
            await unit.emit(TokenChanged(tenant=ctx.tenant, at=ctx.now, uid=uid))

    async def read(self, ctx: Context, uid: str) -> Token:
        """One token. Raises TokenUnknown."""
        async with self._db.unit(ctx) as unit:
            found = await store.find(unit, ctx.tenant, uid)
        if found is None:
            raise TokenUnknown(f"there is no token {uid!r}", uid=uid)
        return found

    async def list(
        self, ctx: Context, wanted: Wanted = FIRST_PAGE, **fit: Unpack[TokenFields]
    ) -> Page[Token]:
        """Tokens that fit, in the order of their uids if in no other.

        Raises CursorInvalid, SortUnknown.
        """
        async with self._db.view(ctx) as unit:
            return await store.page(unit, wanted, fit)

    async def authorize(self, ctx: Context, uid: str) -> Authorization:
        """What a token is worth by itself, now. Never raises for an unknown one."""
        async with self._db.glance() as glance:
            token = await store.glimpse(glance, ctx.tenant, uid)
        return rules.authorize(token, ctx)

    # ---- reservations and local lists ---------------------------------------------------------

    async def reserved(
        self,
        ctx: Context,
        station: StationId,
        number: int,
        *,
        evse_no: int,
        token: str,
        expires_at: datetime,
        group: str = "",
    ) -> None:
        """A station keeps an outlet free; an earlier reservation of that number is forgotten."""
        fresh = Reservation(
            number=number,
            state=ReservationState.MADE,
            evse_no=evse_no,
            token=token,
            group=group,
            expires_at=expires_at,
            made_at=ctx.now,
        )
        async with self._db.unit(ctx) as unit:
            before = await store.find_reservation(unit, station, number)
            made = rules.made(before, fresh)
            if made is before:
                return
            await store.save_reservation(unit, station, ctx.tenant, made)
            await unit.emit(
                ReservationMade(
                    tenant=ctx.tenant,
                    at=ctx.now,
                    station=station,
                    number=number,
                    evse_no=evse_no,
                    token=token,
                    expires_at=expires_at,
                )
            )

    async def reservation_over(
        self, ctx: Context, station: StationId, number: int, state: ReservationState
    ) -> None:
        """A reservation ended without a session; told again, it changes nothing."""
        async with self._db.unit(ctx) as unit:
            before = await store.find_reservation(unit, station, number)
            after = rules.settled(before, number, state, ctx.now)
            if after == before:
                return
            await store.save_reservation(unit, station, ctx.tenant, after)
            await unit.emit(
                ReservationSettled(
                    tenant=ctx.tenant, at=ctx.now, station=station, number=number, state=state
                )
            )

    def reservation_used(
        self,
        ctx: Context,
        station: StationId,
        number: int,
        changes: Changes,
        *,
        session: SessionId,
        evse_no: int,
        token: str,
    ) -> None:
        """The session that a reservation was for has begun: in one commit with its start."""
        changes.write(store.USED, (station, number, ctx.tenant, evse_no, token, ctx.now, session))
        emit(
            changes,
            ReservationSettled(
                tenant=ctx.tenant,
                at=ctx.now,
                station=station,
                number=number,
                state=ReservationState.USED,
                session=session,
            ),
        )

    async def answered(
        self, ctx: Context, station: StationId, command: Ask, answer: Answer
    ) -> None:
        """What a station made of one of our commands: what is kept free, which list it holds."""
        match command:
            case Reserve() if answer.request_id is not None:
                await self.reserved(
                    ctx,
                    station,
                    answer.request_id,
                    evse_no=command.evse or 0,
                    token=command.token,
                    group=command.group or "",
                    expires_at=command.expires_at,
                )
            case CancelReservation():
                await self.reservation_over(
                    ctx, station, command.reservation, ReservationState.CANCELLED
                )
            case SendLocalList():
                whole = command.mode == "full"
                await self.listed(
                    ctx, station, command.version, entries=len(command.entries) if whole else None
                )
            case GetLocalListVersion() if isinstance(answer.details, LocalListVersion):
                await self.listed(ctx, station, answer.details.version)
            case _:
                pass

    async def reservations(
        self, ctx: Context, station: StationId, *, limit: int = 100
    ) -> Sequence[Reservation]:
        """Reservations of a station as they are now, newest first."""
        async with self._db.unit(ctx) as unit:
            found = await store.reservations_of(unit, station, limit=limit)
        return [rules.aged(reservation, ctx.now) for reservation in found]

    async def list_reservations(
        self, ctx: Context, wanted: Wanted = FIRST_PAGE, **fit: Unpack[ReservationFields]
    ) -> Page[StationReservation]:
        """Reservations of all stations that fit. Raises CursorInvalid, SortUnknown."""
        async with self._db.view(ctx) as unit:
            found = await store.reservations_page(unit, wanted, fit, ctx.now)
        items = [
            msgspec.structs.replace(one, reservation=rules.aged(one.reservation, ctx.now))
            for one in found.items
        ]
        return Page(items=items, next=found.next)

    async def listed(
        self, ctx: Context, station: StationId, version: int, *, entries: int | None = None
    ) -> None:
        """Which local list a station holds: we gave it one, or it told."""
        async with self._db.unit(ctx) as unit:
            before = await store.find_local_list(unit, station)
            if entries is None and before is not None and before.version == version:
                return
            held = LocalList(version=version, entries=entries, changed_at=ctx.now)
            await store.save_local_list(unit, station, ctx.tenant, held)

    async def forget(self, ctx: Context, station: StationId) -> None:
        """A station was removed: the list that it held; reservations stay."""
        async with self._db.unit(ctx) as unit:
            await store.forget(unit, station)

    async def local_list(self, ctx: Context, station: StationId) -> LocalList | None:
        """The local list that a station is known to hold."""
        async with self._db.unit(ctx) as unit:
            return await store.find_local_list(unit, station)
