"""Who asks: an API key or a browser's cookie becomes a Context; and whether they may.

Knows no room but the tenants', and of routes only the table of their permissions.
"""

import base64
import binascii
import hmac
from collections import OrderedDict
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar, Final

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard
from msgspec import Struct

from forecourt.base.clock import Clock
from forecourt.base.context import Context
from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.text import is_printable
from forecourt.domain.tenants import (
    ROLES,
    ApiKey,
    ApiKeyInvalid,
    Caller,
    Forbidden,
    LoginRefused,
    People,
    Permission,
    Place,
    Role,
    Scope,
    Tenants,
    is_fresh,
    may_act_below,
)
from forecourt.edge.http.limits import Limits
from forecourt.edge.http.permissions import ANYBODY, FRESH, OF_KEYS, OF_SHARES, missing
from forecourt.infra.tracing import current, new_trace, parent_of

Connection = ASGIConnection[Any, Any, Any, Any]

KEPT_FOR: Final = timedelta(seconds=5)
"""How long a key that was revoked may still be taken for good."""
KEPT_MAX: Final = 1_000
KEY_LENGTH_MAX: Final = 200
COOKIE: Final = "forecourt_session"
CSRF_HEADER: Final = "x-csrf-token"
TENANT_HEADER: Final = "x-forecourt-tenant"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
ENTERED: Final = "entered"


class ApiKeyMissing(ForecourtError):
    """The request brought no API key."""

    kind: ClassVar[Kind] = Kind.UNAUTHENTICATED
    code: ClassVar[str] = "apikey.missing"


class CsrfMissing(ForecourtError):
    """A browser asks for a change without showing that a page of ours made it ask."""

    kind: ClassVar[Kind] = Kind.FORBIDDEN
    code: ClassVar[str] = "csrf.missing"


class FreshLoginWanted(ForecourtError):
    """Whoever sits there has not shown for a while who it is: `POST /api/v1/me/confirmation`."""

    kind: ClassVar[Kind] = Kind.FORBIDDEN
    code: ClassVar[str] = "login.fresh_wanted"


class AddressInvalid(ForecourtError):
    """The path or the query has characters that nothing here is named with."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "request.address_invalid"


class _Kept(Struct, frozen=True):
    key: ApiKey
    until: datetime


class Keys:
    """Finds out whose an API key is, and remembers it for a moment."""

    def __init__(self, tenants: Tenants, clock: Clock) -> None:
        self._tenants = tenants
        self._clock = clock
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()

    async def context(self, connection: Connection, secret: str | None) -> Context:
        """Who brings ``secret``. Raises ApiKeyMissing, ApiKeyInvalid."""
        now = self._clock.now()
        trace = trace_of(connection)
        if secret is None:
            raise ApiKeyMissing("send an API key: 'Authorization: Bearer fck_…'")
        key = await self._authenticate(secret, now)
        return Context(
            actor=f"apikey:{key.id}",
            tenant=key.tenant,
            now=now,
            trace=trace,
            scopes=frozenset(scope.value for scope in key.scopes),
        )

    def knows(self, secret: str) -> bool:
        """Whether it was good a moment ago."""
        kept = self._kept.get(sha256(secret.encode()).digest())
        return kept is not None and self._clock.now() < kept.until

    async def _authenticate(self, secret: str, now: datetime) -> ApiKey:
        if len(secret) > KEY_LENGTH_MAX:
            raise ApiKeyInvalid("this API key is not valid")
        name = sha256(secret.encode()).digest()
        kept = self._kept.get(name)
        if kept is not None and now < kept.until:
            return kept.key
        self._kept.pop(name, None)
        key = await self._tenants.authenticate(secret, now)
        until = now + KEPT_FOR
        self._kept[name] = _Kept(key, min(until, key.expires_at or until))
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return key


class Browsers:
    """Finds out who is logged in at a browser, and remembers it for a moment."""

    def __init__(self, people: People, clock: Clock) -> None:
        self.people = people
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[Caller, datetime]] = OrderedDict()

    async def caller(self, secret: str) -> Caller:
        """Who is logged in with ``secret``. Raises LoginRefused."""
        if len(secret) > KEY_LENGTH_MAX:
            raise LoginRefused("log in again")
        now, name = self._clock.now(), sha256(secret.encode()).digest()
        kept = self._kept.get(name)
        if kept is not None and now < kept[1]:
            return kept[0]
        self._kept.pop(name, None)
        caller = await self.people.logins.recognize(secret, now)
        self._kept[name] = (caller, min(now + KEPT_FOR, caller.expires_at))
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return caller

    def knows(self, secret: str) -> bool:
        """Whether it was good a moment ago."""
        kept = self._kept.get(sha256(secret.encode()).digest())
        return kept is not None and self._clock.now() < kept[1]

    def forget(self, secret: str) -> None:
        """Its log-in is over: nobody is to be taken for good any more, not even for a moment."""
        self._kept.pop(sha256(secret.encode()).digest(), None)

    def forget_all(self) -> None:
        """Somebody's rights changed: ask again for everybody."""
        self._kept.clear()


class Places:
    """Finds out where somebody may act, and remembers it for a moment."""

    def __init__(self, tenants: Tenants) -> None:
        self._tenants = tenants
        self._kept: OrderedDict[tuple[str, ...], tuple[Place, datetime]] = OrderedDict()

    async def find(self, home: Context, choice: str, *, below: bool) -> Place:
        """The place that was chosen. Raises TenantUnknown."""
        name = (home.tenant, choice, str(below), *home.sites)
        kept = self._kept.get(name)
        if kept is not None and home.now < kept[1]:
            return kept[0]
        self._kept.pop(name, None)
        place = await self._tenants.place(home, choice, below=below)
        self._kept[name] = (place, home.now + KEPT_FOR)
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return place


class Gate:
    """Who stands before a route, whether they may pass, and whether they come too often."""

    def __init__(
        self, keys: Keys, browsers: Browsers, places: Places, clock: Clock, limits: Limits
    ) -> None:
        self._keys = keys
        self._browsers = browsers
        self._places = places
        self._clock = clock
        self._limits = limits

    async def enter(self, scope: Any) -> Context:
        """Who asks; found out once for each request, whoever wants to know first.

        Raises what the caller lacks: a key or a log-in, the page's token, the permission; and
        RequestsLimited.
        """
        state = scope["state"]
        if ENTERED not in state:
            operation = str(getattr(scope.get("route_handler"), "operation_id", ""))
            state[ENTERED] = await self._enter(ASGIConnection(scope), operation)
        ctx: Context = state[ENTERED]
        return ctx

    async def _enter(self, connection: Connection, operation: str) -> Context:
        chosen = connection.headers.get(TENANT_HEADER, "")
        if operation in FRESH:
            # Another process may have heard a moment ago who it is.
            self._browsers.forget(connection.cookies.get(COOKIE, ""))
        try:
            ctx, held, below, acting = await self._recognize(connection)
        except ForecourtError as error:
            if error.kind is Kind.UNAUTHENTICATED:
                self._limits.stranger(connection)
            raise
        self._limits.caller(connection, ctx.actor)
        chosen = chosen or acting
        # About the caller alone: also for whom the place was taken away meanwhile.
        if chosen not in {"", ctx.tenant} and operation not in ANYBODY:
            ctx, held = await self._elsewhere(connection, ctx, held, chosen, below=below)
            if ctx.sites and operation not in OF_SHARES:
                raise Forbidden("shared sites are for looking at")
        # Which methods an address takes is in the document that everybody reads, too.
        asks_what = connection.scope.get("method") == "OPTIONS"
        lacking = None if asks_what else missing(operation, held)
        if lacking is not None:
            raise Forbidden(f"this wants the permission {lacking}", permission=lacking)
        caller = connection.scope["state"].get("caller")
        if operation in FRESH and isinstance(caller, Caller) and not is_fresh(caller, ctx.now):
            raise FreshLoginWanted("show once more who you are: that was a while ago")
        return ctx

    async def _recognize(
        self, connection: Connection
    ) -> tuple[Context, frozenset[Permission], bool, str]:
        """Who asks, what they may, whether also below their tenant, and where they last were."""
        key, cookie = presented(connection), connection.cookies.get(COOKIE)
        if key is not None or not cookie:
            if key is not None and not self._keys.knows(key):
                self._limits.look(connection)
            ctx = await self._keys.context(connection, key)
            return ctx, OF_KEYS, Scope.TENANTS.value in ctx.scopes, ""
        if not self._browsers.knows(cookie):
            self._limits.look(connection)
        caller = await self._at_browser(connection, cookie)
        below = may_act_below(caller.user)
        return self._context(connection, caller), ROLES[caller.user.role], below, caller.acting

    async def _at_browser(self, connection: Connection, secret: str) -> Caller:
        caller = await self._browsers.caller(secret)
        if str(connection.scope.get("method")) not in SAFE_METHODS:
            wanted = self._browsers.people.logins.csrf_of(secret)
            told = connection.headers.get(CSRF_HEADER, "")
            if not hmac.compare_digest(told.encode(), wanted.encode()):
                raise CsrfMissing(f"a change wants the header {CSRF_HEADER}: reload the page")
        connection.scope["state"]["caller"] = caller
        return caller

    def _context(self, connection: Connection, caller: Caller) -> Context:
        user, now = caller.user, self._clock.now()
        raw = Permission.COMMANDS_RAW in ROLES[user.role]
        return Context(
            actor=f"user:{user.id}",
            tenant=user.tenant,
            now=now,
            trace=trace_of(connection),
            sites=user.sites,
            scopes=frozenset({Scope.RAW.value} if raw else ()),
        )

    async def _elsewhere(
        self,
        connection: Connection,
        home: Context,
        held: frozenset[Permission],
        chosen: str,
        *,
        below: bool,
    ) -> tuple[Context, frozenset[Permission]]:
        """The same caller in another place, and what may be done there. Raises TenantUnknown."""
        place = await self._places.find(home, chosen, below=below)
        # Whoever is below learns that somebody above did it, and not who is above.
        there = msgspec.structs.replace(
            home, actor=f"above:{home.actor}", tenant=place.tenant, sites=place.sites
        )
        if place.shared:
            return there, held & ROLES[Role.SITE_HOST]
        connection.scope["state"]["home"] = home
        return there, held


def guard(gate: Gate) -> Guard:
    """Lets nobody pass who may not."""

    # A function, since the framework copies its guards in depth, and the gate is one and no other;
    # one and not two, since it copies the route for each.
    async def at_the_gate(connection: Connection, _: BaseRouteHandler) -> None:
        clean_address(connection)
        connection.scope["auth"] = await gate.enter(connection.scope)

    return at_the_gate


def presented(connection: Connection) -> str | None:
    """The key that a program sends along."""
    scheme, _, rest = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and rest.strip():
        return rest.strip()
    return connection.headers.get("x-api-key") or None


def presented_to_browser(connection: Connection) -> str | None:
    """The key that a person typed where the browser asks for a password."""
    scheme, _, rest = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return presented(connection)
    try:
        _, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return password or None


def clean_address(connection: Connection) -> None:
    """Refuse control characters, which a database would choke on. Raises AddressInvalid."""
    wrong = "the path or the query has control characters"
    if not is_printable(connection.scope["path"]):
        raise AddressInvalid(wrong, parameter="path")
    for name, values in connection.query_params.dict().items():
        if not all(map(is_printable, (name, *values))):
            raise AddressInvalid(wrong, parameter=name)


def context_of(request: Request[Any, Context, Any]) -> Context:
    """For the routes: who asks, as the guard found out."""
    return request.auth


def caller_of(request: Request[Any, Context, Any]) -> Caller:
    """For the routes: whose browser it is. Raises LoginRefused: a program is nobody."""
    found = request.scope["state"].get("caller")
    if not isinstance(found, Caller):
        raise LoginRefused("this is for people: log in")
    return found


def trace_of(connection: Connection) -> str:
    """What names this request in the log, the audit trail and its trace: 32 hexadecimal digits.

    Those that its caller sent (W3C Trace Context), if any; made when they are first asked for.
    """
    state = connection.scope["state"]
    if "trace" not in state:
        span, parent = current(), parent_of(connection.headers.get("traceparent"))
        place = parent if span is None else span.place
        state["trace"] = new_trace() if place is None else place.trace.hex()
    return str(state["trace"])
