"""Logging in and out, the first owner, and what a browser may know of whoever is logged in."""

import time
from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta, Struct

from forecourt.base.clock import Clock
from forecourt.base.context import Context
from forecourt.base.ids import TenantId
from forecourt.base.text import Name
from forecourt.domain.tenants import (
    ROLES,
    Login,
    LoginRefused,
    NewUser,
    People,
    Role,
    TotpWanted,
    User,
)
from forecourt.edge.http.auth import COOKIE, Browsers
from forecourt.edge.http.throttle import Throttle

Email = Annotated[
    str, Meta(min_length=3, max_length=200, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$")
]
Password = Annotated[str, Meta(min_length=1, max_length=200)]
Code = Annotated[str, Meta(max_length=40)]


class UserSelf(Struct, frozen=True, kw_only=True):
    """Whoever is logged in."""

    id: str
    email: str
    name: str
    role: Role
    permissions: tuple[str, ...]
    sites: tuple[str, ...]
    tenant: str
    totp: bool


class LoggedIn(Struct, frozen=True, kw_only=True):
    """Who is logged in, and what the page must send along with each change (X-CSRF-Token)."""

    user: UserSelf
    csrf: str


class Credentials(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody logs in with."""

    email: Email
    password: Password
    totp: Code = ""


class SetUp(Struct, frozen=True, kw_only=True):
    """Whether nobody can log in yet."""

    needed: bool


class FirstOwner(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first owner; the code is the one that the platform printed when it started."""

    email: Email
    name: Name
    password: Password
    code: Code


class TotpSecret(Struct, frozen=True, kw_only=True):
    """What an authenticator program wants to know."""

    secret: str
    uri: str


class TotpProof(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That the authenticator program knows it."""

    secret: Annotated[str, Meta(min_length=32, max_length=32, pattern="^[A-Z2-7]{32}$")]
    code: Code


class Desk:
    """Where people log in: slows down who guesses, and hands out the cookie."""

    def __init__(
        self, people: People, browsers: Browsers, clock: Clock, *, tenant: TenantId
    ) -> None:
        self.people = people
        self._browsers = browsers
        self._clock = clock
        self._tenant = tenant
        self._throttle = Throttle()

    async def log_in(
        self, request: Request[Any, Any, Any], given: Credentials
    ) -> Response[LoggedIn]:
        """Raises LoginThrottled, LoginRefused, TotpWanted."""
        address = address_of(request)
        names = (f"from {address}", f"as {given.email.casefold()}")
        self._throttle.check(names, time.monotonic())
        agent = request.headers.get("user-agent", "")
        try:
            login = await self.people.log_in(
                given.email, given.password, given.totp, self._clock.now(), address, agent
            )
        except LoginRefused:
            self._throttle.failed(names, time.monotonic())
            raise
        except TotpWanted:
            # The password was right; a wrong code is a guess all the same.
            if given.totp:
                self._throttle.failed(names, time.monotonic())
            raise
        self._throttle.passed(names)
        return self._welcome(request, login)

    async def set_up(
        self, request: Request[Any, Any, Any], first: FirstOwner
    ) -> Response[LoggedIn]:
        """Raises LoginThrottled, SetUpDone, PasswordWeak."""
        names = (f"from {address_of(request)}", "set-up")
        self._throttle.check(names, time.monotonic())
        self._throttle.failed(names, time.monotonic())
        ctx = Context(actor="setup", tenant=self._tenant, now=self._clock.now())
        owner = NewUser(
            email=first.email, name=first.name, role=Role.OWNER, password=first.password
        )
        await self.people.set_up(ctx, first.code, owner)
        self._throttle.passed(names)
        given = Credentials(email=first.email, password=first.password)
        return await self.log_in(request, given)

    async def log_out(self, request: Request[Any, Any, Any]) -> None:
        """Nothing happens when nobody was logged in."""
        secret = request.cookies.get(COOKIE)
        if secret:
            await self.people.log_out(secret)
            self._browsers.forget(secret)

    async def me(self, request: Request[Any, Any, Any]) -> LoggedIn:
        """Raises LoginRefused."""
        secret = request.cookies.get(COOKIE, "")
        caller = await self._browsers.caller(secret)
        return LoggedIn(user=_self(caller.user), csrf=self.people.csrf_of(secret))

    async def user(self, request: Request[Any, Any, Any]) -> User:
        """Who is logged in. Raises LoginRefused: a program has no second factor."""
        return (await self._browsers.caller(request.cookies.get(COOKIE, ""))).user

    def _welcome(self, request: Request[Any, Any, Any], login: Login) -> Response[LoggedIn]:
        cookie = Cookie(
            key=COOKIE,
            value=login.secret,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
            path="/",
            max_age=int((login.expires_at - self._clock.now()).total_seconds()),
        )
        told = LoggedIn(user=_self(login.user), csrf=self.people.csrf_of(login.secret))
        return Response(told, cookies=[cookie], status_code=200)


class LoginRoutes(Controller):
    """For browsers: before anybody is logged in."""

    path = "/api/v1"
    tags = ("Log-in",)
    security = ({},)

    @get("/setup", operation_id="read_setup", summary="Whether nobody can log in yet")
    async def needed(self, desk: NamedDependency[Desk]) -> SetUp:
        """True until the first owner is made."""
        return SetUp(needed=await desk.people.set_up_wanted())

    @post("/setup", operation_id="set_up", summary="Make the first owner", status_code=200)
    async def set_up(
        self,
        request: Request[Any, Any, Any],
        desk: NamedDependency[Desk],
        data: JSONBody[FirstOwner],
    ) -> Response[LoggedIn]:
        """Make the first owner, with the code that the platform printed, and log in."""
        return await desk.set_up(request, data)

    @post("/login", operation_id="log_in", summary="Log in", status_code=200)
    async def log_in(
        self,
        request: Request[Any, Any, Any],
        desk: NamedDependency[Desk],
        data: JSONBody[Credentials],
    ) -> Response[LoggedIn]:
        """Log a browser in by a cookie. `login.totp_wanted` asks for the second factor."""
        return await desk.log_in(request, data)


class MeRoutes(Controller):
    """For browsers: whoever is logged in."""

    tags = ("Log-in",)

    @get("/me", operation_id="read_me", summary="Who is logged in")
    async def me(self, request: Request[Any, Any, Any], desk: NamedDependency[Desk]) -> LoggedIn:
        """Who is logged in at this browser."""
        return await desk.me(request)

    @post("/logout", operation_id="log_out", summary="Log out", status_code=204)
    async def log_out(self, request: Request[Any, Any, Any], desk: NamedDependency[Desk]) -> None:
        """Log this browser out."""
        await desk.log_out(request)

    @post("/me/totp", operation_id="begin_totp", summary="Begin a second factor", status_code=200)
    async def begin(
        self, request: Request[Any, Any, Any], desk: NamedDependency[Desk]
    ) -> TotpSecret:
        """A secret for an authenticator program. Nothing is kept before it is shown to work."""
        secret, uri = desk.people.new_totp(await desk.user(request))
        return TotpSecret(secret=secret, uri=uri)

    @post("/me/totp/proof", operation_id="set_totp", summary="Use the factor", status_code=204)
    async def prove(
        self,
        request: Request[Any, Any, Any],
        ctx: NamedDependency[Context],
        desk: NamedDependency[Desk],
        data: JSONBody[TotpProof],
    ) -> None:
        """Want this second factor at each log-in from now on."""
        await desk.people.set_totp(ctx, await desk.user(request), data.secret, data.code)


def address_of(request: Request[Any, Any, Any]) -> str:
    """Where a request comes from."""
    return "" if request.client is None else request.client.host


def _self(user: User) -> UserSelf:
    return UserSelf(
        id=user.id,
        email=user.email,
        name=user.name,
        role=user.role,
        permissions=tuple(sorted(permission.value for permission in ROLES[user.role])),
        sites=user.sites,
        tenant=user.tenant,
        totp=user.totp,
    )
