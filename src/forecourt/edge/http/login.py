"""Logging in and out, by password or passkey, a forgotten password, and the first owner."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Annotated, Any, ClassVar, Final
from urllib.parse import urlsplit

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta, Struct

from forecourt.base.clock import Clock
from forecourt.base.context import Context
from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.ids import TenantId
from forecourt.base.text import Line, Name
from forecourt.domain.tenants import (
    ROLES,
    Caller,
    Login,
    LoginRefused,
    NewUser,
    Party,
    PasswordWrong,
    People,
    Place,
    ResetRefused,
    Role,
    Seen,
    TenantKind,
    TenantUnknown,
    TotpWanted,
    User,
    may_act_below,
)
from forecourt.edge.http.auth import COOKIE, Browsers, Places, caller_of, trace_of
from forecourt.edge.http.throttle import Throttle

Email = Annotated[
    str, Meta(min_length=3, max_length=200, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$")
]
Password = Annotated[str, Meta(min_length=1, max_length=200)]
Code = Annotated[str, Meta(max_length=40)]


ONCE_COOKIE: Final = "forecourt_once"
ONCE_LASTS_S: Final = 300
TRIP_COOKIE: Final = "forecourt_sso"
TRIP_LASTS_S: Final = 600
RESET_PAGE: Final = "/reset"
CALLBACK: Final = "/api/v1/login/sso/callback"


class PasskeysNowhere(ForecourtError):
    """The platform has no name that passkeys could be bound to."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "passkey.nowhere"


class SsoNowhere(ForecourtError):
    """The platform has no name that a provider could send people back to."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "sso.nowhere"


class Vouching(Struct, frozen=True, kw_only=True):
    """An OpenID provider to log in with."""

    id: str
    name: str


class LoginOptions(Struct, frozen=True, kw_only=True):
    """With what one may log in besides a password and a passkey."""

    providers: list[Vouching]


class PlaceView(Struct, frozen=True, kw_only=True):
    """Somewhere to act."""

    id: str
    name: str
    kind: TenantKind
    shared: bool
    """Sites of another tenant, to look at."""


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
    recovery_left: int
    """How many codes are left for when the authenticator is lost."""
    has_password: bool
    """Not so for whom a provider of single sign-on brought."""
    place: PlaceView
    """Where the user acts: the own tenant, one below it, or sites that another one shares."""


class LoggedIn(Struct, frozen=True, kw_only=True):
    """Who is logged in, and what the page must send along with each change (X-CSRF-Token)."""

    user: UserSelf
    csrf: str


class Credentials(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody logs in with."""

    email: Email
    password: Password
    totp: Code = ""
    """The authenticator's code, or one of those for who lost it."""


class SetUp(Struct, frozen=True, kw_only=True):
    """Whether nobody can log in yet."""

    needed: bool


class FirstOwner(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first owner; the code is the one that the platform printed when it started."""

    email: Email
    name: Name
    password: Password
    code: Code


class Question(Struct, frozen=True, kw_only=True):
    """What a page hands to `navigator.credentials`, as WebAuthn's JSON spells it."""

    options: dict[str, Any]


class PasskeyAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `navigator.credentials.get` returned, by its `toJSON`."""

    credential: dict[str, Any]


class Confirmation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """With what whoever is logged in shows to be that once more."""

    password: Password
    totp: Code = ""


class NewPassword(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One's own password, and the one to have from now on."""

    old_password: Password
    new_password: Password


class Reset(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands behind the hash of a link, and the password to have from now on."""

    secret: Line
    password: Password


class Desk:
    """Where people log in: slows down who guesses, and hands out the cookie."""

    def __init__(
        self,
        people: People,
        browsers: Browsers,
        places: Places,
        clock: Clock,
        *,
        tenant: TenantId,
    ) -> None:
        self.people = people
        self._browsers = browsers
        self._places = places
        self._clock = clock
        self._tenant = tenant
        self._throttle = Throttle()

    async def log_in(
        self, request: Request[Any, Any, Any], given: Credentials
    ) -> Response[LoggedIn]:
        """Raises LoginThrottled, LoginRefused, TotpWanted."""
        with self._guessing(request, f"as {given.email.casefold()}", code=given.totp):
            login = await self.people.log_in(
                given.email, given.password, given.totp, self._clock.now(), seen(request)
            )
        return await self._welcome(request, login)

    async def confirm(
        self, request: Request[Any, Any, Any], ctx: Context, given: Confirmation
    ) -> None:
        """Raises LoginThrottled, PasswordWrong, TotpWanted."""
        caller, address = caller_of(request), address_of(request)
        with self._guessing(request, f"as {caller.user.email.casefold()}", code=given.totp):
            await self.people.confirm(ctx, caller, given.password, given.totp, address=address)
        self.rights_changed()

    async def confirm_by_passkey(
        self, request: Request[Any, Any, Any], ctx: Context, given: PasskeyAnswer
    ) -> None:
        """Raises PasskeyRefused, PasskeysNowhere."""
        secret = request.cookies.get(ONCE_COOKIE, "")
        await self.people.passkeys.confirm(
            ctx, caller_of(request), secret, given.credential, self.party(request)
        )
        self._throttle.passed((f"passkey from {address_of(request)}",))
        self.rights_changed()

    async def change_password(
        self, request: Request[Any, Any, Any], ctx: Context, given: NewPassword
    ) -> None:
        """Raises LoginThrottled, PasswordWrong, PasswordWeak."""
        caller = caller_of(request)
        with self._guessing(request, f"as {caller.user.email.casefold()}"):
            await self.people.change_password(ctx, caller, given.old_password, given.new_password)
        self.rights_changed()

    async def reset(self, request: Request[Any, Any, Any], given: Reset) -> None:
        """Raises LoginThrottled, ResetRefused, PasswordWeak."""
        address = address_of(request)
        with self._guessing(request, f"reset from {address}"):
            await self.people.reset_password(
                given.secret,
                given.password,
                self._clock.now(),
                address=address,
                trace=trace_of(request),
            )
        self.rights_changed()

    def rights_changed(self) -> None:
        """What is remembered of browsers for a moment may be wrong."""
        self._browsers.forget_all()

    def reset_link(self, request: Request[Any, Any, Any], secret: str) -> str:
        """Where a link leads: its secret is behind the hash, which browsers tell nobody."""
        return f"{self.people.public_url or here(request)}{RESET_PAGE}#{secret}"

    @contextmanager
    def _guessing(
        self, request: Request[Any, Any, Any], name: str, *, code: str = ""
    ) -> Iterator[None]:
        """Whoever guesses within waits longer each time. Raises LoginThrottled."""
        names = (f"from {address_of(request)}", name)
        self._throttle.check(names, time.monotonic())
        try:
            yield
        except TotpWanted:
            # The password was right; a wrong code is a guess all the same.
            if code:
                self._throttle.failed(names, time.monotonic())
            raise
        except (LoginRefused, PasswordWrong, ResetRefused):
            self._throttle.failed(names, time.monotonic())
            raise
        self._throttle.passed(names)

    async def set_up(
        self, request: Request[Any, Any, Any], first: FirstOwner
    ) -> Response[LoggedIn]:
        """Raises LoginThrottled, SetUpDone, PasswordWeak."""
        names = (f"from {address_of(request)}", "set-up")
        self._throttle.check(names, time.monotonic())
        self._throttle.failed(names, time.monotonic())
        trace = trace_of(request)
        ctx = Context(actor="setup", tenant=self._tenant, now=self._clock.now(), trace=trace)
        owner = NewUser(
            email=first.email, name=first.name, role=Role.OWNER, password=first.password
        )
        await self.people.set_up(ctx, first.code, owner, address=address_of(request))
        self._throttle.passed(names)
        given = Credentials(email=first.email, password=first.password)
        return await self.log_in(request, given)

    async def log_out(self, request: Request[Any, Any, Any]) -> str | None:
        """Where to log out next, of who vouched for the user. Nothing when nobody was logged in."""
        secret = request.cookies.get(COOKIE)
        if not secret:
            return None
        try:
            caller = await self._browsers.caller(secret)
        except LoginRefused:
            return None
        await self.people.logins.log_out(secret)
        self._browsers.forget(secret)
        back = self.people.public_url or here(request)
        if caller.provider_id is None or not back:
            return None
        return await self.people.sso.way_out(
            self._home(caller.user), caller.provider_id, back + "/"
        )

    async def begin_sso(
        self, request: Request[Any, Any, Any], provider_id: str, email: str, *, anew: bool
    ) -> tuple[str, str]:
        """Raises LoginThrottled, SsoNowhere, SsoUnknown."""
        names = self._slowed(request, "sso")
        self._throttle.failed(names, time.monotonic())  # Until somebody comes back.
        base = self.people.public_url or here(request)
        if not base:
            raise SsoNowhere("single sign-on leads back here: set public_url")
        if not provider_id:
            provider_id = (await self.people.sso.of_email(email)).id
        return await self.people.sso.begin(
            provider_id, base + CALLBACK, self._clock.now(), anew=anew
        )

    async def finish_sso(
        self, request: Request[Any, Any, Any], state: str, code: str
    ) -> Response[LoggedIn]:
        """Raises SsoRefused, LoginRefused."""
        login = await self.people.sso.finish(
            request.cookies.get(TRIP_COOKIE, ""),
            state,
            code,
            now=self._clock.now(),
            seen=seen(request),
        )
        self._throttle.passed((f"sso from {address_of(request)}",))
        return await self._welcome(request, login)

    async def offered(self) -> LoginOptions:
        """What the page before the door can offer to strangers: the installation's own tenant."""
        found = await self.people.sso.offered(self._tenant)
        return LoginOptions(providers=[Vouching(id=one.id, name=one.name) for one in found])

    async def ask_for_passkey(self, request: Request[Any, Any, Any]) -> Response[Question]:
        """Raises LoginThrottled, PasskeysNowhere."""
        names = self._slowed(request, "passkey")
        self._throttle.failed(names, time.monotonic())  # Until one answers.
        party = self.party(request)
        asked = await self.people.passkeys.ask(self._tenant, self._clock.now(), party)
        return question(request, *asked)

    async def log_in_with_passkey(
        self, request: Request[Any, Any, Any], given: PasskeyAnswer
    ) -> Response[LoggedIn]:
        """Raises PasskeyRefused, PasskeysNowhere, LoginRefused."""
        login = await self.people.passkeys.log_in(
            request.cookies.get(ONCE_COOKIE, ""),
            given.credential,
            self.party(request),
            now=self._clock.now(),
            seen=seen(request),
        )
        self._throttle.passed((f"passkey from {address_of(request)}",))
        return await self._welcome(request, login)

    async def place(self, caller: Caller, choice: str) -> Place:
        """Where somebody acts, or would. Raises TenantUnknown."""
        home = self._home(caller.user)
        chosen = choice or home.tenant
        return await self._places.find(home, chosen, below=may_act_below(caller.user))

    async def standing(self, caller: Caller) -> Place:
        """Where somebody acts; at home, where the place was taken away meanwhile."""
        try:
            return await self.place(caller, caller.acting)
        except TenantUnknown:
            return await self.act(self._home(caller.user), caller, "")

    async def act(self, ctx: Context, caller: Caller, choice: str) -> Place:
        """Act there from now on, in this browser. Raises TenantUnknown."""
        place = await self.place(caller, choice)
        acting = "" if place.id == caller.user.tenant else place.id
        await self.people.logins.act(ctx, caller, acting)
        self._browsers.forget_all()
        return place

    def _home(self, user: User) -> Context:
        return Context(
            actor=f"user:{user.id}", tenant=user.tenant, now=self._clock.now(), sites=user.sites
        )

    async def end_login(self, ctx: Context, caller: Caller, login_id: str) -> None:
        """Log one browser out, at once. Raises LoginUnknown."""
        await self.people.logins.end(ctx, caller.user.id, login_id)
        self._browsers.forget_all()

    async def end_others(self, ctx: Context, caller: Caller) -> None:
        """Log all other browsers of whoever asks out, at once."""
        await self.people.logins.end_others(ctx, caller.user.id, but=caller.login_id)
        self._browsers.forget_all()

    def party(self, request: Request[Any, Any, Any]) -> Party:
        """Who asks for passkeys. Raises PasskeysNowhere."""
        return party_of(self.people.public_url or here(request))

    def _slowed(self, request: Request[Any, Any, Any], what: str) -> tuple[str, ...]:
        names = (f"{what} from {address_of(request)}",)
        self._throttle.check(names, time.monotonic())
        return names

    async def _welcome(self, request: Request[Any, Any, Any], login: Login) -> Response[LoggedIn]:
        cookie = Cookie(
            key=COOKIE,
            value=login.secret,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
            path="/",
            max_age=int((login.expires_at - self._clock.now()).total_seconds()),
        )
        home = self._home(login.user)
        place = await self._places.find(home, home.tenant, below=False)
        csrf = self.people.logins.csrf_of(login.secret)
        told = LoggedIn(user=self_of(login.user, place), csrf=csrf)
        return Response(told, cookies=[cookie], status_code=200)


def here(request: Request[Any, Any, Any]) -> str:
    """Where this platform is, without a setting that says so: only as this machine sees itself."""
    return f"{request.url.scheme}://{request.url.netloc}" if is_loopback(request) else ""


def is_loopback(request: Request[Any, Any, Any]) -> bool:
    """Whether somebody asked for this machine by its own name.

    Any other name comes from whoever asks, and nothing that lasts may be built on it.
    """
    return request.url.hostname in {"localhost", "127.0.0.1", "::1"}


def party_of(url: str) -> Party:
    """Who asks for passkeys: the host that they are bound to. Raises PasskeysNowhere."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or is_address(host):
        raise PasskeysNowhere(
            "passkeys want a name: set public_url, or open http://localhost on the machine itself"
        )
    return Party(host=host, origin=f"{parts.scheme}://{parts.netloc}")


def is_address(host: str) -> bool:
    """Whether a host is an IP address, which passkeys cannot be bound to."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def question(
    request: Request[Any, Any, Any], secret: str, options: Mapping[str, Any]
) -> Response[Question]:
    """What to ask a passkey, and the cookie that binds the answer to this browser."""
    cookie = Cookie(
        key=ONCE_COOKIE,
        value=secret,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/api/v1",
        max_age=ONCE_LASTS_S,
    )
    return Response(Question(options=dict(options)), cookies=[cookie], status_code=200)


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

    @post("/login/passkey", operation_id="ask_passkey", summary="Ask a passkey", status_code=200)
    async def ask(
        self, request: Request[Any, Any, Any], desk: NamedDependency[Desk]
    ) -> Response[Question]:
        """A question for any passkey that this browser has; it is good once, for five minutes."""
        return await desk.ask_for_passkey(request)

    @post(
        "/login/passkey/answer",
        operation_id="log_in_with_passkey",
        summary="Log in with a passkey",
        status_code=200,
    )
    async def answer(
        self,
        request: Request[Any, Any, Any],
        desk: NamedDependency[Desk],
        data: JSONBody[PasskeyAnswer],
    ) -> Response[LoggedIn]:
        """Log in by the answer. No password and no second factor: the device verified the user."""
        return await desk.log_in_with_passkey(request, data)

    @post("/login/reset", operation_id="reset_password", summary="By a link", status_code=204)
    async def reset(
        self,
        request: Request[Any, Any, Any],
        desk: NamedDependency[Desk],
        data: JSONBody[Reset],
    ) -> None:
        """Set a password by a link that an owner made; it is good once. A second factor stays."""
        await desk.reset(request, data)


def seen(request: Request[Any, Any, Any]) -> Seen:
    """What a log-in looks like from outside."""
    return Seen(address=address_of(request), agent=request.headers.get("user-agent", ""))


def address_of(request: Request[Any, Any, Any]) -> str:
    """Where a request comes from."""
    return "" if request.client is None else request.client.host


def self_of(user: User, place: Place) -> UserSelf:
    """A user as the user's own pages show one, with what may be done at ``place``."""
    held = ROLES[user.role] & (ROLES[Role.SITE_HOST] if place.shared else ROLES[user.role])
    return UserSelf(
        id=user.id,
        email=user.email,
        name=user.name,
        role=user.role,
        permissions=tuple(sorted(permission.value for permission in held)),
        sites=place.sites if place.shared else user.sites,
        tenant=user.tenant,
        totp=user.totp,
        recovery_left=user.recovery_left,
        has_password=user.has_password,
        place=place_view(place),
    )


def place_view(place: Place) -> PlaceView:
    """Somewhere to act, as those see it who may; not whose shared sites are."""
    return PlaceView(id=place.id, name=place.name, kind=place.kind, shared=place.shared)
