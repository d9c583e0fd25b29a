"""Who asks: an API key becomes a Context. Knows no route and no room but the tenants'."""

import base64
import binascii
from collections import OrderedDict
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar, Final

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard
from msgspec import Struct

from forecourt.base.clock import Clock
from forecourt.base.context import Context
from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.ids import new_id
from forecourt.base.text import is_printable
from forecourt.domain.tenants import ApiKey, ApiKeyInvalid, Tenants

Connection = ASGIConnection[Any, Any, Any, Any]

KEPT_FOR: Final = timedelta(seconds=5)
"""How long a key that was revoked may still be taken for good."""
KEPT_MAX: Final = 1_000
KEY_LENGTH_MAX: Final = 200


class ApiKeyMissing(ForecourtError):
    """The request brought no API key."""

    kind: ClassVar[Kind] = Kind.UNAUTHENTICATED
    code: ClassVar[str] = "apikey.missing"


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
        trace = trace_of(connection, now)
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


def guard(keys: Keys) -> Guard:
    """Lets nobody pass without a good key."""

    # A function, since the framework copies its guards in depth, and Keys is one and no other.
    async def with_a_key(connection: Connection, _: BaseRouteHandler) -> None:
        connection.scope["auth"] = await keys.context(connection, presented(connection))

    return with_a_key


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


def clean_address(connection: Connection, _: BaseRouteHandler) -> None:
    """Refuse control characters, which a database would choke on. Raises AddressInvalid."""
    texts = [connection.scope["path"]]
    for name, values in connection.query_params.dict().items():
        texts += [name, *values]
    if not all(map(is_printable, texts)):
        raise AddressInvalid("the path or the query has control characters")


def context_of(request: Request[Any, Context, Any]) -> Context:
    """For the routes: who asks, as the guard found out."""
    return request.auth


def trace_of(connection: Connection, now: datetime | None = None) -> str:
    """What names this request in the log; made when it is first asked for."""
    state = connection.scope["state"]
    if "trace" not in state and now is not None:
        state["trace"] = new_id("req", now)
    return str(state.get("trace", ""))
