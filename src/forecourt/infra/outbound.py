"""HTTP to addresses that somebody handed us: a station, a certificate, a partner, a webhook.

Guarded: https and http only, no redirects, no proxies, limited in size and time, and never to an
address of our own network (else a station could have us ask what only we can reach). The address
is looked up when it is dialled and that one is dialled, so that a name cannot change its mind in
between; this is done below the connections that are kept, so that each of them has passed it.
"""

import asyncio
import socket
import ssl
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, ClassVar, Final, TypeAlias

import httpcore
import httpx
from msgspec import Struct

from forecourt.base.errors import ForecourtError, Kind

TIMEOUT_S: Final = 8.0
BYTES_MAX: Final = 65_536
URL_LENGTH_MAX: Final = 2_000
# A few questions at once are many: stations wait in line for theirs.
OPEN_MAX: Final = 32
KEPT_S: Final = 20.0
# Of these a request without a body says so (RFC 9110, 8.6).
BODIED: Final = frozenset({"POST", "PUT", "PATCH"})
# A name may have many addresses; the first few are tried, one after the other.
ADDRESSES_MAX: Final = 4
# IPv6 addresses that carry one of IPv4, which may be one of our own network.
CARRIERS: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("2002::/16"), IPv6Network("2001::/32"))
# Below these live other protocols (mail, SSH), which could be made to take our lines for theirs.
UNPRIVILEGED: Final = 1_024
WEB_PORTS: Final = frozenset({80, 443})
# Of those above: what browsers do not ask either (Fetch Standard, "port blocking").
BAD_PORTS: Final = frozenset(
    {*(1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566), *range(6665, 6670)}
    | {6679, 6697, 10080}
)


class OutboundRefused(ForecourtError):
    """An address that we do not ask."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "outbound.refused"


class OutboundAway(ForecourtError):
    """The other side does not answer, or not as it should."""

    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    code: ClassVar[str] = "outbound.away"


# What the library says when a conversation ends before its end.
BROKEN: Final = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ConnectionNotAvailable,
)


class Reply(Struct, frozen=True):
    """What the other side said."""

    status: int
    headers: Mapping[str, str]
    """Names in small letters."""
    body: bytes


Lookup = Callable[[str, int], Awaitable[list[str]]]
"""The IP addresses of a host, for a port. Raises OSError."""


async def look_up(host: str, port: int) -> list[str]:
    """What the system's resolver says. Raises OSError."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{host} is no name that can be looked up") from error
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


class Outbound:
    """Asks others. ``hosts`` are those in our own network that may be asked all the same."""

    def __init__(
        self,
        *,
        hosts: frozenset[str] = frozenset(),
        only_https: bool = False,
        open_max: int = OPEN_MAX,
        kept_max: int = 0,
        tls: ssl.SSLContext | None = None,
        lookup: Lookup = look_up,
    ) -> None:
        """``only_https``: but for ``hosts``. ``kept_max`` connections are kept for the next
        question; whoever keeps some closes this. ``tls``: by default the usual authorities.
        """
        self._hosts = frozenset(host.lower() for host in hosts)
        self._only_https = only_https
        self._open = asyncio.Semaphore(open_max)
        self._kept_max = kept_max
        self._tls = tls
        self._lookup = lookup
        self._lines: _Lines | None = None

    def check(self, url: str) -> None:
        """Raise OutboundRefused for what is refused before anybody is asked for its address."""
        self._checked(url)

    async def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        bytes_max: int = BYTES_MAX,
        cut: bool = False,
        timeout_s: float = TIMEOUT_S,
    ) -> Reply:
        """Ask, and return the answer whatever its status. Raises OutboundRefused, OutboundAway.

        Of an answer longer than ``bytes_max`` the beginning is returned with ``cut``; without, it
        is no answer.
        """
        whole = self._checked(url)
        request = _request(method, whole, body, headers or {})
        try:
            # One time for all: for each step of its own the library would start and stop a timer.
            async with (
                asyncio.timeout(timeout_s),
                self._open,
                self._lines_made().asked(request) as response,
            ):
                received = await _received(response, bytes_max, cut=cut)
        except (*BROKEN, TimeoutError, OSError) as error:
            raise OutboundAway(
                f"{whole.host} does not answer", url=url, cause=repr(error)
            ) from error
        return Reply(response.status, _told(response), received)

    async def close(self) -> None:
        """Close the connections that were kept."""
        lines, self._lines = self._lines, None
        if lines is not None:
            await lines.close()

    def _lines_made(self) -> "_Lines":
        # Reading the authorities takes a while: once, and not before it is needed.
        if self._lines is None:
            self._tls = self._tls or httpx.create_ssl_context(trust_env=False)
            self._lines = _Lines(self._tls, _Dialler(self._resolved), self._kept_max)
        return self._lines

    def _checked(self, url: str) -> httpx.URL:
        whole = _parsed(url)
        if whole.host.lower() in self._hosts:
            return whole
        if self._only_https and whole.scheme != "https":
            raise OutboundRefused("only https addresses are asked")
        if whole.port is not None and not _is_web(whole.port):
            raise OutboundRefused(f"port {whole.port} is not for the web")
        if _is_address(whole.host) and not is_public(whole.host):
            raise OutboundRefused(f"{whole.host} is an address inside of our own network")
        return whole

    async def _resolved(self, host: str, port: int) -> list[str]:
        """The addresses to dial; none of a name that has a single one that we must not."""
        found = await self._lookup(host, port)
        if host.lower() not in self._hosts and not all(map(is_public, found)):
            raise OutboundRefused(f"{host} is an address inside of our own network")
        return found[:ADDRESSES_MAX]


class _Dialler(httpcore.AsyncNetworkBackend):
    """Opens connections to addresses that were looked up and found good."""

    def __init__(self, resolved: Lookup) -> None:
        self._resolved = resolved
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the library's own)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first address that answers. Raises OutboundRefused."""
        failed: Exception = OSError(f"{host} has no address")
        for address in await self._resolved(host, port):
            try:
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed


_Line: TypeAlias = httpcore.AsyncHTTPConnection
_Far: TypeAlias = tuple[bytes, bytes, int]
"""Scheme, host and port."""


class _Lines:
    """Connections, each with one question at a time, and those of them that wait for their next.

    The library's own pool looks at all of its connections for each of them at every question: with
    a hundred that was nine tenths of what a question cost. Here a question looks at one.
    """

    def __init__(self, tls: ssl.SSLContext, dialler: _Dialler, kept_max: int) -> None:
        self._tls = tls
        self._dialler = dialler
        self._kept_max = kept_max
        self._waiting: dict[_Far, list[_Line]] = {}
        """By whom they lead to; within each, as in all, the oldest first."""
        self._all: OrderedDict[_Line, _Far] = OrderedDict()

    @asynccontextmanager
    async def asked(self, request: httpcore.Request) -> AsyncGenerator[httpcore.Response]:
        """The answer's head, whose body may be read within. Raises what is ``BROKEN``."""
        origin = request.url.origin
        far = (origin.scheme, origin.host, origin.port)
        line = await self._taken(far) or _Line(
            origin, ssl_context=self._tls, keepalive_expiry=KEPT_S, network_backend=self._dialler
        )
        try:
            response = await line.handle_async_request(request)
            try:
                yield response
            finally:
                await response.aclose()
        finally:
            # Idle it is if the answer was read to its end; anything else was not ours to hear.
            if line.is_idle() and not line.is_closed() and self._kept_max > 0:
                await self._keep(far, line)
            else:
                await line.aclose()

    async def close(self) -> None:
        """Close those that wait."""
        while self._all:
            await self._drop_oldest()

    async def _taken(self, far: _Far) -> _Line | None:
        """One that waited and is still good: the youngest, so that those too many grow old."""
        waiting = self._waiting.get(far, [])
        while waiting:
            line = waiting.pop()
            del self._all[line]
            if not waiting:
                del self._waiting[far]
            if not line.has_expired():
                return line
            await line.aclose()
        return None

    async def _keep(self, far: _Far, line: _Line) -> None:
        self._all[line] = far
        self._waiting.setdefault(far, []).append(line)
        while len(self._all) > self._kept_max or (
            self._all and next(iter(self._all)).has_expired()
        ):
            await self._drop_oldest()

    async def _drop_oldest(self) -> None:
        line, far = self._all.popitem(last=False)
        waiting = self._waiting[far]
        waiting.remove(line)
        if not waiting:
            del self._waiting[far]
        await line.aclose()


def is_public(address: str) -> bool:
    """Whether an IP address belongs to everybody's internet."""
    found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        elif any(found in network for network in CARRIERS):
            return False
    return found.is_global and not found.is_multicast


# The same few are asked again and again.
@lru_cache(maxsize=256)
def _parsed(url: str) -> httpx.URL:
    try:
        whole = httpx.URL(url if len(url) <= URL_LENGTH_MAX else "")
    except (httpx.InvalidURL, ValueError) as error:
        raise OutboundRefused("this is no address") from error
    if whole.scheme not in ("http", "https") or not whole.host or whole.userinfo:
        raise OutboundRefused("only plain http and https addresses are asked")
    return whole


def _is_address(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_web(port: int) -> bool:
    return port in WEB_PORTS or (port >= UNPRIVILEGED and port not in BAD_PORTS)


def _request(
    method: str, url: httpx.URL, body: bytes, headers: Mapping[str, str]
) -> httpcore.Request:
    said = {
        "host": url.netloc.decode("ascii"),
        "accept": "*/*",
        # Compressed, a small answer could become a large one in our memory.
        "accept-encoding": "identity",
        "user-agent": "Forecourt",
        **{name.lower(): value for name, value in headers.items()},
    }
    if body or method in BODIED:
        said["content-length"] = str(len(body))
    target = httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )
    return httpcore.Request(method, target, headers=[*said.items()], content=body)


def _told(response: httpcore.Response) -> dict[str, str]:
    told: dict[str, str] = {}
    for raw_name, raw_value in response.headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        told[name] = f"{told[name]}, {value}" if name in told else value
    return told


async def _received(response: httpcore.Response, bytes_max: int, *, cut: bool) -> bytes:
    held = bytearray()
    async for part in response.aiter_stream():
        held += part
        if len(held) > bytes_max:
            if cut:
                break
            raise OutboundAway(f"the answer has more than {bytes_max} bytes")
    return bytes(held[:bytes_max])
