"""HTTP to addresses that somebody handed us: a station, a certificate, a partner.

Guarded: https and http only, no redirects, no proxies, limited in size and time, and never to an
address of our own network (else a station could have us ask what only we can reach). The address
is looked up once and that one is dialled, so that a name cannot change its mind in between.
"""

import asyncio
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import ClassVar, Final

import httpx
from msgspec import Struct

from forecourt.base.errors import ForecourtError, Kind

TIMEOUT_S: Final = 8.0
BYTES_MAX: Final = 65_536
URL_LENGTH_MAX: Final = 2_000
# A few questions at once are many: stations wait in line for theirs.
OPEN_MAX: Final = 32
# IPv6 addresses that carry one of IPv4, which may be one of our own network.
CARRIERS: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("2002::/16"), IPv6Network("2001::/32"))


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


class Outbound:
    """Asks others. ``hosts`` are those in our own network that may be asked all the same."""

    def __init__(self, *, hosts: frozenset[str] = frozenset()) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._open = asyncio.Semaphore(OPEN_MAX)

    async def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        bytes_max: int = BYTES_MAX,
        timeout_s: float = TIMEOUT_S,
    ) -> Reply:
        """Ask, and return the answer whatever its status. Raises OutboundRefused, OutboundAway."""
        whole = _parsed(url)
        try:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(asyncio.timeout(timeout_s))
                await stack.enter_async_context(self._open)
                address = await self._resolved(whole)
                client = await stack.enter_async_context(
                    httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=timeout_s)
                )
                request = client.build_request(
                    method,
                    whole.copy_with(host=address),
                    content=body,
                    headers={**(headers or {}), "Host": whole.netloc.decode()},
                    extensions={"sni_hostname": whole.host},
                )
                response = await client.send(request, stream=True)
                stack.push_async_callback(response.aclose)
                received = await _received(response, bytes_max)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            raise OutboundAway(
                f"{whole.host} does not answer", url=url, cause=repr(error)
            ) from error
        told = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, told, received)

    async def _resolved(self, url: httpx.URL) -> str:
        port = url.port or (443 if url.scheme == "https" else 80)
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
        addresses = [str(place[0]) for *_, place in found]
        if url.host.lower() not in self._hosts and not all(map(is_public, addresses)):
            raise OutboundRefused(f"{url.host} is an address inside of our own network")
        return addresses[0]


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


async def _received(response: httpx.Response, bytes_max: int) -> bytes:
    held = bytearray()
    async for part in response.aiter_bytes():
        held += part
        if len(held) > bytes_max:
            raise OutboundAway(f"the answer has more than {bytes_max} bytes")
    return bytes(held)
