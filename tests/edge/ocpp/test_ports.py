"""The sockets behind a port for stations: how many there are, and that they are ours alone."""

import os
import resource
import socket
import sys
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import websockets

from forecourt.domain.stations import ClientCertificate
from forecourt.edge.ocpp.listener import SOCKETS, Listening, Server, listen
from forecourt.infra.listening import HostUnknown, sockets_at, sockets_of
from forecourt.infra.tls import KeyPair, TlsFiles, server_context
from tests.edge.ocpp.house import IN_THE_HOUSE, Yard, a_yard
from tests.fixtures.certificates import Ca

pytestmark = IN_THE_HOUSE
HOST = "127.0.0.1"
LISTENS = "0A"
TAKEN = "(?i)address already in use"
LACKING = r"(?i)\baddress\b"
ways = pytest.mark.parametrize("way", ["ws", "wss"])


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Ca:
    return Ca(tmp_path_factory.mktemp("ca"))


def unread(_: bytes) -> ClientCertificate:
    raise AssertionError("nobody shows one here")


async def opened(yard: Yard, ca: Ca, way: str, port: int = 0) -> Server:
    """A port of the house, beside those that it has."""
    tls = None
    if way == "wss":
        pair = ca.server()
        tls = server_context(TlsFiles(pairs=(KeyPair(pair.cert, pair.key),)))
    where = Listening(host=HOST, port=port, read=unread, tls=tls)
    return await listen(yard.gateway, where)


def a_free_port() -> int:
    with socket.create_server((HOST, 0)) as found:
        port: int = found.getsockname()[1]
        return port


def listening(port: int) -> int:
    """How many sockets listen there, by the kernel's word."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(line[1].endswith(f":{port:04X}") and line[3] == LISTENS for line in lines)


@contextmanager
def files_left(count: int) -> Generator[None]:
    """This process can open so many more files."""
    free = [os.open(os.devnull, os.O_RDONLY) for _ in range(count + 1)]
    for number in free:
        os.close(number)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(free), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@ways
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shares a port evenly")
async def test_several_sockets_wait_at_one_port(yard: Yard, ca: Ca, way: str) -> None:
    """One keeps no more than 4 096 waiting, and a whole network may come at once."""
    with closing(await opened(yard, ca, way)) as port:
        assert listening(port.port) == SOCKETS == 4
        tls = ca.client() if way == "wss" else None
        name = await yard.add()
        # The kernel deals them out: each of the four lets stations in.
        for _ in range(20):
            async with websockets.connect(
                f"{way}://{HOST}:{port.port}/{name}",
                ssl=tls,
                subprotocols=[websockets.Subprotocol("ocpp1.6")],
            ) as line:
                assert line.subprotocol == "ocpp1.6"
    assert listening(port.port) == 0


@ways
async def test_a_port_that_another_shares_with_us_is_taken(yard: Yard, ca: Ca, way: str) -> None:
    """Another program of the same user may share it, and would have half of our stations."""
    with socket.create_server((HOST, 0), reuse_port=True) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=TAKEN):
            await opened(yard, ca, way, port)
        assert listening(port) == 1
    with closing(await opened(yard, ca, way, port)):
        with pytest.raises(OSError, match=TAKEN):
            await opened(yard, ca, way, port)
        assert listening(port) == SOCKETS


@ways
async def test_where_only_some_can_be_opened_none_stays(yard: Yard, ca: Ca, way: str) -> None:
    port = a_free_port()
    with pytest.raises(OSError, match="Too many open files"), files_left(2):
        await opened(yard, ca, way, port)
    assert listening(port) == 0
    with closing(await opened(yard, ca, way, port)):
        assert listening(port) == SOCKETS


# For documentation (RFC 3849, RFC 5737): no machine has them.
NOWHERE_6 = (socket.AF_INET6, ("2001:db8::1", 0, 0, 0))
NOWHERE_4 = (socket.AF_INET, ("192.0.2.1", 0))


async def test_a_machine_without_ipv6_listens_at_what_it_has() -> None:
    here = (socket.AF_INET, (HOST, 0))
    for places in ([NOWHERE_6, here], [here, NOWHERE_6]):
        with ExitStack() as held:
            made = [held.enter_context(one) for one in sockets_at(places, 0, backlog=1, each=2)]
            assert [one.family for one in made] == [socket.AF_INET] * 2
    with pytest.raises(OSError, match=LACKING):
        sockets_at([NOWHERE_6], 0, backlog=1)
    with pytest.raises(OSError, match=LACKING):
        sockets_at([NOWHERE_4, here], 0, backlog=1)


@pytest.mark.parametrize("host", ["nobody.invalid", NOWHERE_4[1][0]])
async def test_an_address_that_the_machine_has_not_is_said_so(host: str) -> None:
    with pytest.raises(HostUnknown, match="FORECOURT_HOST"):
        await sockets_of(host, 0, backlog=1)


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.storage
@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("host", ["::1", ""])
async def test_stations_and_browsers_come_by_ipv6(
    database_url: str, tmp_path: Path, host: str
) -> None:
    """To all addresses where the host is said so, by the one port."""
    async with a_yard(database_url, tmp_path, host=host) as yard:
        http, ocpp = urlsplit(yard.house.http_url), urlsplit(yard.house.ocpp_url)
        assert (http.hostname, ocpp.hostname) == ((host or "localhost",) * 2)
        name = await yard.add()
        for address in ("[::1]",) if host else ("[::1]", "127.0.0.1"):
            async with httpx.AsyncClient() as client:
                answer = await client.get(f"http://{address}:{http.port}/healthz")
            assert answer.status_code == 200
            async with websockets.connect(
                f"ws://{address}:{ocpp.port}/{name}",
                subprotocols=[websockets.Subprotocol("ocpp1.6")],
            ) as line:
                assert line.subprotocol == "ocpp1.6"
