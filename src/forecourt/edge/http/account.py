"""What people do about their own log-in: who they are, where they are logged in, and with what."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Controller, Request, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from forecourt.base.context import Context
from forecourt.base.text import Line, Name
from forecourt.domain.tenants import Caller, Method, Passkey, Tenants, may_act_below
from forecourt.edge.http.auth import COOKIE, caller_of, context_of
from forecourt.edge.http.login import (
    ONCE_COOKIE,
    Desk,
    LoggedIn,
    PlaceView,
    Question,
    UserSelf,
    place_view,
    question,
    self_of,
)


class Choice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to act: the `id` of one of `/me/places`."""

    place: Line


class NewPasskey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `navigator.credentials.create` returned, by its `toJSON`, and what to call it."""

    name: Name
    credential: dict[str, Any]


class PasskeyView(Struct, frozen=True, kw_only=True):
    """A passkey of whoever is logged in."""

    id: str
    name: str
    synced: bool
    """It is kept by more than one device."""
    created_at: datetime
    used_at: datetime | None


class BrowserView(Struct, frozen=True, kw_only=True):
    """A browser where whoever is logged in is logged in."""

    id: str
    current: bool
    """It is the one that asks."""
    method: Method
    address: str
    agent: str
    created_at: datetime
    used_at: datetime
    """Within five minutes."""
    expires_at: datetime


class PasskeyPage(Struct, frozen=True, kw_only=True):
    """All passkeys of whoever is logged in, oldest first."""

    items: list[PasskeyView]
    next: str | None = None


class BrowserPage(Struct, frozen=True, kw_only=True):
    """All browsers where whoever is logged in is; the one that was used last first."""

    items: list[BrowserView]
    next: str | None = None


class PlacePage(Struct, frozen=True, kw_only=True):
    """All places where somebody may act: one's own tenant first."""

    items: list[PlaceView]
    next: str | None = None


def home_of(request: Request[Any, Context, Any]) -> Context:
    """Somebody's own business is in their own tenant, wherever they act meanwhile."""
    user = caller_of(request).user
    ctx = context_of(request)
    return msgspec.structs.replace(ctx, actor=f"user:{user.id}", tenant=user.tenant, sites=())


class MeRoutes(Controller):
    """For browsers: whoever is logged in."""

    tags = ("Log-in",)

    @get("/me", operation_id="read_me", summary="Who is logged in")
    async def me(
        self,
        request: Request[Any, Any, Any],
        desk: NamedDependency[Desk],
        caller: NamedDependency[Caller],
    ) -> LoggedIn:
        """Who is logged in at this browser."""
        csrf = desk.people.logins.csrf_of(request.cookies.get(COOKIE, ""))
        return LoggedIn(user=self_of(caller.user, await desk.standing(caller)), csrf=csrf)

    @get("/me/places", operation_id="list_places", summary="Where I may act")
    async def places(
        self,
        home: NamedDependency[Context],
        tenants: NamedDependency[Tenants],
        caller: NamedDependency[Caller],
    ) -> PlacePage:
        """One's own tenant first, then those below it, then sites that others share."""
        bound = msgspec.structs.replace(home, sites=caller.user.sites)
        found = await tenants.places(bound, below=may_act_below(caller.user))
        return PlacePage(items=[place_view(one) for one in found])

    @put("/me/place", operation_id="act_in", summary="Act elsewhere")
    async def act(
        self,
        home: NamedDependency[Context],
        desk: NamedDependency[Desk],
        caller: NamedDependency[Caller],
        data: JSONBody[Choice],
    ) -> UserSelf:
        """From now on, in this browser; for one request, the header `X-Forecourt-Tenant`."""
        return self_of(caller.user, await desk.act(home, caller, data.place))

    @post("/logout", operation_id="log_out", summary="Log out", status_code=204)
    async def log_out(
        self, request: Request[Any, Any, Any], desk: NamedDependency[Desk]
    ) -> Response[None]:
        """Log this browser out. `Location`: where to log out of the provider too, if it has one."""
        place = await desk.log_out(request)
        return Response(None, status_code=204, headers={} if place is None else {"Location": place})

    @get("/me/passkeys", operation_id="list_my_passkeys", summary="My passkeys")
    async def passkeys(
        self,
        home: NamedDependency[Context],
        desk: NamedDependency[Desk],
        caller: NamedDependency[Caller],
    ) -> PasskeyPage:
        """Oldest first."""
        found = await desk.people.passkeys.list(home, caller.user.id)
        return PasskeyPage(items=[_passkey(one) for one in found])

    @post(
        "/me/passkeys/question",
        operation_id="begin_passkey",
        summary="Begin a passkey",
        status_code=200,
    )
    async def ask(
        self,
        request: Request[Any, Any, Any],
        home: NamedDependency[Context],
        desk: NamedDependency[Desk],
        caller: NamedDependency[Caller],
    ) -> Response[Question]:
        """What the browser needs to make one; it is good once, for five minutes."""
        party = desk.party(request)
        asked = await desk.people.passkeys.ask_for_new(home, caller.user, party)
        return question(request, *asked)

    @post("/me/passkeys", operation_id="add_passkey", summary="Add a passkey")
    async def add(
        self,
        request: Request[Any, Any, Any],
        home: NamedDependency[Context],
        desk: NamedDependency[Desk],
        caller: NamedDependency[Caller],
        data: JSONBody[NewPasskey],
    ) -> PasskeyView:
        """Log in with it from now on, too."""
        secret = request.cookies.get(ONCE_COOKIE, "")
        party = desk.party(request)
        made = await desk.people.passkeys.add(
            home, caller.user, secret, data.credential, name=data.name, party=party
        )
        return _passkey(made)

    @delete("/me/passkeys/{passkey_id:str}", operation_id="remove_passkey", summary="Forget it")
    async def remove(
        self,
        home: NamedDependency[Context],
        desk: NamedDependency[Desk],
        caller: NamedDependency[Caller],
        passkey_id: FromPath[str],
    ) -> None:
        """From now on it opens nothing. Browsers that it logged in stay so: see `/me/logins`."""
        await desk.people.passkeys.remove(home, caller.user.id, passkey_id)

    @get("/me/logins", operation_id="list_my_logins", summary="Where I am logged in")
    async def logins(
        self,
        home: NamedDependency[Context],
        desk: NamedDependency[Desk],
        caller: NamedDependency[Caller],
    ) -> BrowserPage:
        """The browser that was used last first."""
        found = await desk.people.logins.list(home, caller.user.id)
        items = [
            BrowserView(
                id=one.id,
                current=one.id == caller.login_id,
                method=one.method,
                address=one.address,
                agent=one.agent,
                created_at=one.created_at,
                used_at=one.used_at,
                expires_at=one.expires_at,
            )
            for one in found
        ]
        return BrowserPage(items=items)

    @delete("/me/logins", operation_id="end_my_other_logins", summary="Log out elsewhere")
    async def end_others(
        self,
        home: NamedDependency[Context],
        desk: NamedDependency[Desk],
        caller: NamedDependency[Caller],
    ) -> None:
        """End all log-ins but this one."""
        await desk.end_others(home, caller)

    @delete("/me/logins/{login_id:str}", operation_id="end_my_login", summary="Log out there")
    async def end(
        self,
        home: NamedDependency[Context],
        desk: NamedDependency[Desk],
        caller: NamedDependency[Caller],
        login_id: FromPath[str],
    ) -> None:
        """End one log-in."""
        await desk.end_login(home, caller, login_id)


def _passkey(one: Passkey) -> PasskeyView:
    return PasskeyView(
        id=one.id,
        name=one.name,
        synced=one.synced,
        created_at=one.created_at,
        used_at=one.used_at,
    )
