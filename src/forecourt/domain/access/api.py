"""The room's routes: tokens, and what stations keep free for them."""

from datetime import datetime
from typing import Annotated

from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.base.pages import Wanted
from forecourt.base.text import PRINTABLE, Line, Word
from forecourt.domain.access.model import (
    RESERVATION_SORTS,
    TOKEN_SORTS,
    NewToken,
    Reservation,
    ReservationState,
    StationReservation,
    Token,
    TokenStatus,
)
from forecourt.domain.access.service import Access
from forecourt.domain.stations import Stations

# The framework keeps the name ``state`` of a parameter for itself.
InState = Annotated[
    ReservationState | None, QueryParameter(name="state", description="In this state.")
]
OfType = Annotated[str | None, QueryParameter(name="type", description="Of this type.")]
Uid = Annotated[str, Meta(min_length=1, max_length=255, pattern=PRINTABLE)]
Moment = Annotated[datetime, Meta(tz=True)]


class TokenView(Struct, frozen=True, kw_only=True):
    """A card, a key fob, an app account or a contract."""

    uid: str
    tenant: str
    type: str
    status: TokenStatus
    group: str
    label: str
    valid_until: datetime | None
    sessions_max: int | None
    """How many sessions at once; null: any number."""
    created_at: datetime


class TokenPage(Struct, frozen=True, kw_only=True):
    """Tokens."""

    items: list[TokenView]
    next: str | None


class TokenAddition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token to make known. Capital and small letters are the same in a uid."""

    uid: Uid
    type: Word = "ISO14443"
    status: TokenStatus = TokenStatus.ACCEPTED
    group: Line = ""
    label: Line = ""
    valid_until: Moment | None = None
    sessions_max: Annotated[int, Meta(ge=1, le=1_000_000)] | None = 1


class TokenChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change; what is absent or null stays as it is."""

    status: TokenStatus | None = None
    valid_until: Moment | None = None


class TokenRoutes(Controller):
    """Tokens: who may charge."""

    path = "/tokens"
    tags = ("Tokens",)

    @get(operation_id="list_tokens", summary="List tokens", sorts=TOKEN_SORTS)
    async def page(
        self,
        ctx: NamedDependency[Context],
        access: NamedDependency[Access],
        search: NamedDependency[Wanted],
        *,
        status: FromQuery[TokenStatus | None] = None,
        kind: OfType = None,
        group: FromQuery[str | None] = None,
    ) -> TokenPage:
        """Tokens. A search looks at uid, label and group."""
        found = await access.list(ctx, search, status=status, type=kind, group=group)
        return TokenPage(items=[token_view(token) for token in found.items], next=found.next)

    @post(operation_id="add_token", summary="Add a token")
    async def add(
        self,
        ctx: NamedDependency[Context],
        access: NamedDependency[Access],
        data: JSONBody[TokenAddition],
    ) -> TokenView:
        """Make a token known."""
        new = NewToken(
            uid=data.uid,
            type=data.type,
            status=data.status,
            group=data.group,
            label=data.label,
            valid_until=data.valid_until,
            sessions_max=data.sessions_max,
        )
        return token_view(await access.add(ctx, new))

    @get("/{uid:str}", operation_id="read_token", summary="Read a token")
    async def read(
        self, ctx: NamedDependency[Context], access: NamedDependency[Access], uid: FromPath[str]
    ) -> TokenView:
        """One token."""
        return token_view(await access.read(ctx, uid))

    @patch("/{uid:str}", operation_id="change_token", summary="Change a token")
    async def change(
        self,
        ctx: NamedDependency[Context],
        access: NamedDependency[Access],
        uid: FromPath[str],
        data: JSONBody[TokenChange],
    ) -> TokenView:
        """Block, unblock or date a token."""
        return token_view(
            await access.change(ctx, uid, status=data.status, valid_until=data.valid_until)
        )

    @delete("/{uid:str}", operation_id="remove_token", summary="Remove a token")
    async def remove(
        self, ctx: NamedDependency[Context], access: NamedDependency[Access], uid: FromPath[str]
    ) -> None:
        """Forget a token; its sessions stay."""
        await access.remove(ctx, uid)


class ReservationView(Struct, frozen=True, kw_only=True):
    """An outlet that the station keeps free for a token."""

    reservation: int
    state: ReservationState
    evse: int
    """0: any of the station's."""
    token: str
    group: str
    expires_at: datetime | None
    made_at: datetime
    settled_at: datetime | None
    session: str | None


class ReservationPage(Struct, frozen=True, kw_only=True):
    """Reservations of a station."""

    items: list[ReservationView]
    next: str | None


class NetworkReservationView(Struct, frozen=True, kw_only=True):
    """An outlet that some station keeps free for a token."""

    station: str
    reservation: int
    state: ReservationState
    evse: int
    """0: any of the station's."""
    token: str
    group: str
    expires_at: datetime | None
    made_at: datetime
    settled_at: datetime | None
    session: str | None


class NetworkReservationPage(Struct, frozen=True, kw_only=True):
    """Reservations."""

    items: list[NetworkReservationView]
    next: str | None


class ReservationRoutes(Controller):
    """Reservations of all stations."""

    path = "/reservations"
    tags = ("Tokens",)

    @get(
        operation_id="list_network_reservations",
        sorts=RESERVATION_SORTS,
        summary="Reservations of all stations",
    )
    async def page(
        self,
        ctx: NamedDependency[Context],
        access: NamedDependency[Access],
        search: NamedDependency[Wanted],
        *,
        state_: InState = None,
        station: FromQuery[str | None] = None,
        token: FromQuery[str | None] = None,
    ) -> NetworkReservationPage:
        """Reservations, newest first. A search looks at station, token and group.

        The commands `reserve` and `cancel_reservation` of a station make and end them.
        """
        found = await access.list_reservations(
            ctx,
            search,
            state=state_,
            station=None if station is None else StationId(station),
            token=token,
        )
        items = [network_reservation_view(one) for one in found.items]
        return NetworkReservationPage(items=items, next=found.next)


def network_reservation_view(one: StationReservation) -> NetworkReservationView:
    """A reservation as the API shows it among those of all stations."""
    view = reservation_view(one.reservation)
    known = {name: getattr(view, name) for name in ReservationView.__struct_fields__}
    return NetworkReservationView(station=one.station, **known)


class LocalListView(Struct, frozen=True, kw_only=True):
    """Which list of tokens the station holds; all is null while nobody knows."""

    version: int | None
    entries: int | None
    changed_at: datetime | None


class StationAccessRoutes(Controller):
    """Reservations and local lists of one station."""

    path = "/stations/{station_id:str}"
    tags = ("Tokens",)

    @get(
        "/reservations",
        operation_id="list_reservations",
        summary="Reservations",
        sorts=RESERVATION_SORTS,
    )
    async def reservations(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        access: NamedDependency[Access],
        search: NamedDependency[Wanted],
        station_id: FromPath[str],
        state_: InState = None,
    ) -> ReservationPage:
        """What the station keeps free, or kept, newest first if in no other order.

        A search looks at token and group.
        """
        station, _ = await stations.read(ctx, StationId(station_id))
        found = await access.list_reservations(ctx, search, station=station.id, state=state_)
        return ReservationPage(
            items=[reservation_view(one.reservation) for one in found.items], next=found.next
        )

    @get("/local-list", operation_id="read_local_list", summary="Local list")
    async def local_list(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        access: NamedDependency[Access],
        station_id: FromPath[str],
    ) -> LocalListView:
        """Which list of tokens the station holds for when it has no link."""
        station, _ = await stations.read(ctx, StationId(station_id))
        held = await access.local_list(ctx, station.id)
        if held is None:
            return LocalListView(version=None, entries=None, changed_at=None)
        return LocalListView(version=held.version, entries=held.entries, changed_at=held.changed_at)


def reservation_view(r: Reservation) -> ReservationView:
    """A reservation as the API shows it."""
    return ReservationView(
        reservation=r.number,
        state=r.state,
        evse=r.evse_no,
        token=r.token,
        group=r.group,
        expires_at=r.expires_at,
        made_at=r.made_at,
        settled_at=r.settled_at,
        session=r.session,
    )


def token_view(token: Token) -> TokenView:
    """A token as the API shows it."""
    return TokenView(**{name: getattr(token, name) for name in Token.__struct_fields__})
