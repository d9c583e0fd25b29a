"""How often somebody may ask: a budget for each caller, and for each address before log-in.

Token buckets in memory, for a bounded number of names: whoever was not heard of for longest is
forgotten, and begins anew. Each process counts by itself. Knows no route.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, ClassVar, Final

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard
from msgspec import Struct

from forecourt.base.errors import ForecourtError, Kind
from forecourt.edge.http.standing import is_within

Connection = ASGIConnection[Any, Any, Any, Any]

KEPT_MAX: Final = 20_000
LEFT: Final = "allowance"
# Who has an IPv6 address has this many of them.
IPV6_PREFIX: Final = 64


class RequestsLimited(ForecourtError):
    """Too many requests of this caller, or from this address without one."""

    kind: ClassVar[Kind] = Kind.LIMITED
    code: ClassVar[str] = "request.limited"


class Rate(Struct, frozen=True):
    """So many requests a second for long, and so many at once."""

    per_s: float
    burst: int


class Allowance(Struct, frozen=True):
    """What somebody may still ask."""

    policy: bytes
    left: bytes
    """Both as the header fields of draft-ietf-httpapi-ratelimit-headers say it."""
    wait_s: float = 0.0


CALLERS: Final = Rate(50.0, 1_000)
STRANGERS: Final = Rate(10.0, 300)


class Buckets:
    """Budgets by name. One owner, so it may change."""

    def __init__(self, policy: str, rate: Rate) -> None:
        self._rate = rate
        self._policy = policy
        window_s = math.ceil(rate.burst / rate.per_s)
        self._told = f'"{policy}";q={rate.burst};w={window_s}'.encode()
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """What is left, and when that was."""

    def take(self, name: str, now_s: float, *, cost: float = 1.0) -> Allowance:
        """One more request; ``wait_s`` is above zero where it is one too many."""
        left, at_s = self._held.pop(name, (float(self._rate.burst), now_s))
        left = min(self._rate.burst, left + (now_s - at_s) * self._rate.per_s)
        enough = left >= 1.0
        if enough:
            left -= cost
        self._held[name] = (left, now_s)
        if len(self._held) > KEPT_MAX:
            self._held.popitem(last=False)
        full_s = math.ceil((self._rate.burst - left) / self._rate.per_s)
        told = f'"{self._policy}";r={int(left)};t={full_s}'.encode()
        return Allowance(self._told, told, 0.0 if enough else (1.0 - left) / self._rate.per_s)

    def __len__(self) -> int:
        return len(self._held)


class Limits:
    """The budgets of this process."""

    def __init__(
        self,
        *,
        callers: Rate = CALLERS,
        strangers: Rate = STRANGERS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._callers = Buckets("caller", callers)
        self._strangers = Buckets("address", strangers)
        self._monotonic = monotonic

    def caller(self, connection: Connection, actor: str) -> None:
        """Somebody known asks. Raises RequestsLimited."""
        if not is_within(connection.scope):
            self._spend(connection, self._callers.take(actor, self._monotonic()))

    def stranger(self, connection: Connection) -> None:
        """Somebody asks whom we do not know. Raises RequestsLimited."""
        if not is_within(connection.scope):
            name = _neighbourhood(connection)
            self._spend(connection, self._strangers.take(name, self._monotonic()))

    def look(self, connection: Connection) -> None:
        """Whether that address has anything left, before we look up what it brought."""
        if not is_within(connection.scope):
            name = _neighbourhood(connection)
            allowance = self._strangers.take(name, self._monotonic(), cost=0.0)
            if allowance.wait_s > 0:
                self._spend(connection, allowance)

    def _spend(self, connection: Connection, allowance: Allowance) -> None:
        connection.scope["state"][LEFT] = allowance
        if allowance.wait_s > 0:
            wait_s = math.ceil(allowance.wait_s)
            raise RequestsLimited(
                f"too many requests: try again in {wait_s} s", retry_after_s=wait_s
            )


def for_strangers(limits: Limits) -> Guard:
    """Counts who comes to a route that wants nobody to be known."""

    # A function, since the framework copies its guards in depth; and one that can be awaited, since
    # it would run any other in a thread.
    async def at_the_door(connection: Connection, _: BaseRouteHandler) -> None:
        limits.stranger(connection)

    return at_the_door


async def tell(message: Any, scope: Any) -> None:
    """Every answer says what its caller may still ask."""
    if message["type"] != "http.response.start":
        return
    allowance: Allowance | None = scope["state"].get(LEFT)
    if allowance is not None:
        message["headers"] = [
            *message["headers"],
            (b"ratelimit-policy", allowance.policy),
            (b"ratelimit", allowance.left),
        ]


def _neighbourhood(connection: Connection) -> str:
    """The address that a request comes from, or for IPv6 the network of whoever has it."""
    address = "" if connection.client is None else connection.client.host
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        return str(ip_network((found, IPV6_PREFIX), strict=False))
    return address
