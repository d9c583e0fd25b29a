"""HTTP to addresses that somebody handed us: a station, a certificate, a partner, a webhook.

Guarded: https and http only, no redirects, no proxies, limited in size and time, and never to an
address of our own network (else a station could have us ask what only we can reach). The address
is looked up when it is dialled and that one is dialled, so that a name cannot change its mind in
between; this is done below the connections that are kept, so that each of them has passed it.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, ClassVar, Final

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
        self._client: httpx.AsyncClient | None = None

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
        try:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(asyncio.timeout(timeout_s))
                await stack.enter_async_context(self._open)
                client = self._client_made()
                request = client.build_request(
                    method,
                    whole,
                    content=body,
                    # Compressed, a small answer could become a large one in our memory.
                    headers={"Accept-Encoding": "identity", **(headers or {})},
                    timeout=timeout_s,
                )
                response = await client.send(request, stream=True)
                stack.push_async_callback(response.aclose)
                received = await _received(response, bytes_max, cut=cut)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            raise OutboundAway(
                f"{whole.host} does not answer", url=url, cause=repr(error)
            ) from error
        told = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, told, received)

    async def close(self) -> None:
        """Close the connections that were kept."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _client_made(self) -> httpx.AsyncClient:
        # Reading the authorities takes a while: once, and not before it is needed.
        if self._client is None:
            self._tls = self._tls or httpx.create_ssl_context(trust_env=False)
            self._client = httpx.AsyncClient(
                transport=_Transport(self._tls, _Dialler(self._resolved), self._kept_max),
                trust_env=False,
                follow_redirects=False,
            )
        return self._client

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


class _Transport(httpx.AsyncHTTPTransport):
    """The library's own, but for who dials."""

    def __init__(self, tls: ssl.SSLContext, dialler: _Dialler, kept_max: int) -> None:
        super().__init__(verify=tls, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            # How many are open at once is limited before it comes to this.
            max_connections=None,
            max_keepalive_connections=kept_max,
            keepalive_expiry=KEPT_S,
            network_backend=dialler,
        )


def is_public(address: str) -> bool:
    """Whether an IP address belongs to everybody's internet."""
    found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        elif any(found in network for network in CARRIERS):
            return False
    return found.is_global and not found.is_multicast


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


async def _received(response: httpx.Response, bytes_max: int, *, cut: bool) -> bytes:
    held = bytearray()
    async for part in response.aiter_raw():
        held += part
        if len(held) > bytes_max:
            if cut:
                break
            raise OutboundAway(f"the answer has more than {bytes_max} bytes")
    return bytes(held[:bytes_max])
