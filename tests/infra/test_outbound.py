"""Addresses that somebody hands us: what is asked, and what is not."""

import asyncio
import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from forecourt.infra.outbound import (
    Outbound,
    OutboundAway,
    OutboundRefused,
    is_public,
)
from tests.fixtures.certificates import Ca
from tests.fixtures.web import Asked, Said, web

HERE = frozenset({"127.0.0.1"})


def hello(_: Asked) -> Said:
    return 200, {"Content-Type": "text/plain"}, b"hello"


async def test_a_host_that_was_chosen_is_asked() -> None:
    async with web(hello) as server:
        outbound = Outbound(hosts=frozenset({"127.0.0.1"}))
        reply = await outbound.send(
            "POST", f"{server.url}/a?b=c", body=b"q", headers={"X-One": "1"}
        )
        assert (reply.status, reply.body, reply.headers["content-type"]) == (
            200,
            b"hello",
            "text/plain",
        )
        (asked,) = server.asked
        assert (asked.method, asked.path, asked.body) == ("POST", "/a?b=c", b"q")
        assert asked.headers["host"] == server.url.removeprefix("http://")
        assert asked.headers["x-one"] == "1"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://0.0.0.0:{port}/",
        "http://2130706433:{port}/",
        "http://127.1:{port}/",
    ],
)
async def test_our_own_network_is_not(url: str) -> None:
    async with web(hello) as server:
        port = server.url.rpartition(":")[2]
        with pytest.raises((OutboundRefused, OutboundAway)):
            await Outbound().send("GET", url.format(port=port), timeout_s=2)
        assert server.asked == []


@pytest.mark.parametrize(
    "url",
    [
        *("", "file:///etc/passwd", "ftp://example.com", "gopher://example.com", "http://"),
        *("//example.com", "http://user:secret@example.com/", "javascript:1", "http://a\nb/"),
        *("http://" + "a" * 3_000, "http://[::1", "http://exa mple.com:99999/"),
    ],
)
async def test_what_is_no_address(url: str) -> None:
    with pytest.raises((OutboundRefused, OutboundAway)):
        await Outbound().send("GET", url, timeout_s=2)


async def test_a_redirect_leads_nowhere() -> None:
    async with web(lambda _: (302, {"Location": "http://127.0.0.1:1/"}, b"")) as server:
        outbound = Outbound(hosts=frozenset({"127.0.0.1"}))
        assert (await outbound.send("GET", server.url)).status == 302
        assert len(server.asked) == 1


async def test_an_endless_answer_ends() -> None:
    async with web(lambda _: (200, {}, bytes(100_000))) as server:
        outbound = Outbound(hosts=frozenset({"127.0.0.1"}))
        with pytest.raises(OutboundAway, match="more than"):
            await outbound.send("GET", server.url, bytes_max=10_000)


async def test_of_an_endless_answer_the_beginning() -> None:
    async with web(lambda _: (200, {}, bytes(5_000_000))) as server:
        outbound = Outbound(hosts=HERE)
        reply = await outbound.send("GET", server.url, bytes_max=10_000, cut=True)
        assert reply.body == bytes(10_000)


async def test_silence_ends() -> None:
    async with web(hello) as server:
        server.silent = True
        outbound = Outbound(hosts=frozenset({"127.0.0.1"}))
        with pytest.raises(OutboundAway):
            await outbound.send("GET", server.url, timeout_s=0.2)


async def test_nobody_there() -> None:
    outbound = Outbound(hosts=frozenset({"127.0.0.1"}))
    with pytest.raises(OutboundAway):
        await outbound.send("GET", "http://127.0.0.1:1/")


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://example.com/", True),
        ("https://example.com:8443/", True),
        ("https://example.com:443/", True),
        ("https://8.8.8.8/", True),
        ("http://127.0.0.1:25/", True),  # Named, so that it may be what it is.
        ("http://example.com/", False),
        *((f"https://example.com:{port}/", False) for port in (0, 22, 25, 53, 993, 6000, 6667)),
        *((f"https://{host}/", False) for host in ("10.0.0.1", "[::1]", "[::ffff:10.0.0.1]")),
        *((f"https://{host}/", False) for host in ("169.254.169.254", "0.0.0.0", "[fe80::1]")),
    ],
)
def test_what_is_refused_before_anybody_is_asked(url: str, asked: bool) -> None:  # noqa: FBT001 (a column)
    outbound = Outbound(hosts=HERE, only_https=True)
    if asked:
        outbound.check(url)
    else:
        with pytest.raises(OutboundRefused):
            outbound.check(url)


async def test_a_name_cannot_change_its_mind() -> None:
    """One look for one connection: what was found good is what is dialled."""

    async def once(_: str, __: int) -> list[str]:
        looks.append(1)
        return ["127.0.0.1"]

    looks: list[int] = []
    async with web(hello) as server:
        port = server.url.rpartition(":")[2]
        outbound = Outbound(hosts=frozenset({"name.example"}), lookup=once)
        reply = await outbound.send("GET", f"http://name.example:{port}/")
        assert (reply.status, len(looks)) == (200, 1)
        assert server.asked[0].headers["host"] == f"name.example:{port}"


async def test_one_bad_address_among_good_ones_refuses_all() -> None:
    async def mixed(_: str, __: int) -> list[str]:
        return ["8.8.8.8", "192.168.0.1"]

    with pytest.raises(OutboundRefused):
        await Outbound(lookup=mixed).send("GET", "http://mixed.example/")


async def test_the_second_address_is_tried_when_the_first_is_dead() -> None:
    async def two(_: str, __: int) -> list[str]:
        return ["::1", "127.0.0.1"]

    async with web(hello) as server:
        port = server.url.rpartition(":")[2]
        outbound = Outbound(hosts=frozenset({"two.example"}), lookup=two)
        assert (await outbound.send("GET", f"http://two.example:{port}/")).status == 200


async def test_a_certificate_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """The name that was asked for must be the certificate's, whatever address it led to."""

    async def here(_: str, __: int) -> list[str]:
        return ["127.0.0.1"]

    ca = Ca(tmp_path)
    pair = ca.server()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pair.cert, pair.key)
    trusting = ssl.create_default_context(cafile=str(ca.file))
    async with web(hello, tls=serving) as server:
        port = server.url.rpartition(":")[2]
        names = frozenset({"localhost", "else.example"})
        outbound = Outbound(hosts=names, only_https=True, tls=trusting, lookup=here)
        assert (await outbound.send("GET", f"https://localhost:{port}/")).status == 200
        with pytest.raises(OutboundAway):
            await outbound.send("GET", f"https://else.example:{port}/")
        assert len(server.asked) == 1


async def test_connections_are_kept_where_that_is_asked_for() -> None:
    dialled: list[str] = []

    async def here(host: str, _: int) -> list[str]:
        dialled.append(host)
        return ["127.0.0.1"]

    async with web(hello, keeps=True) as server:
        outbound = Outbound(hosts=HERE, kept_max=2, lookup=here)
        for _ in range(5):
            assert (await outbound.send("GET", server.url)).body == b"hello"
        await outbound.close()
        assert (len(server.asked), len(dialled)) == (5, 1)


class Dials:
    """A resolver that leads here, and remembers what was dialled."""

    def __init__(self) -> None:
        self.hosts: list[str] = []

    async def here(self, host: str, _: int) -> list[str]:
        self.hosts.append(host)
        return ["127.0.0.1"]


async def test_of_those_kept_the_oldest_goes_first() -> None:
    """And who is asked without a pause has one connection, however many wait."""
    dials, names = Dials(), [f"n{n}.example" for n in range(4)]
    async with web(hello, keeps=True) as server:
        port = server.url.rpartition(":")[2]
        outbound = Outbound(hosts=frozenset(names), kept_max=3, lookup=dials.here)
        for name in [*names, names[3], names[1], names[0]]:
            assert (await outbound.send("GET", f"http://{name}:{port}/")).body == b"hello"
        await outbound.close()
        assert dials.hosts == [*names, names[0]]


async def test_what_the_other_side_closed_is_not_asked_again() -> None:
    dials = Dials()
    async with web(hello) as server:  # Which closes each after its answer, and did not say so.
        server.keeps = False
        server.says = lambda _: (200, {"Connection": "keep-alive"}, b"hello")
        outbound = Outbound(hosts=HERE, kept_max=2, lookup=dials.here)
        for _ in range(3):
            assert (await outbound.send("GET", server.url)).body == b"hello"
            await asyncio.sleep(0.05)
        await outbound.close()
        assert len(dials.hosts) == 3


async def test_no_answer_is_taken_for_that_of_the_next_question() -> None:
    """A connection whose answer was cut off, or did not come in time, is not asked again."""
    dials, says = Dials(), [bytes(1_000_000), b"late", b"right"]
    async with web(lambda _: (200, {}, says.pop(0)), keeps=True) as server:
        outbound = Outbound(hosts=HERE, kept_max=2, lookup=dials.here)
        cut = await outbound.send("GET", server.url, bytes_max=1_000, cut=True)
        assert cut.body == bytes(1_000)
        server.silent = True
        with pytest.raises(OutboundAway):
            await outbound.send("GET", server.url, timeout_s=0.2)
        server.silent = False
        assert (await outbound.send("GET", server.url)).body == b"late"
        assert (await outbound.send("GET", server.url)).body == b"right"
        await outbound.close()
        assert len(dials.hosts) == 3


async def test_many_at_once_each_have_their_own_answer() -> None:
    async with web(lambda asked: (200, {}, asked.body), keeps=True) as server:
        outbound = Outbound(hosts=HERE, kept_max=4)
        bodies = [str(n).encode() for n in range(200)]
        replies = await asyncio.gather(
            *(outbound.send("POST", server.url, body=body) for body in bodies)
        )
        assert [reply.body for reply in replies] == bodies
        await outbound.close()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        *((private, False) for private in ("10.0.0.1", "172.16.0.1", "192.168.0.1", "127.0.0.1")),
        *(
            (special, False)
            for special in ("169.254.169.254", "100.64.0.1", "224.0.0.1", "0.0.0.0")
        ),
        *((six, False) for six in ("::1", "fe80::1", "fd00::1", "ff02::1", "::", "fe80::1%eth0")),
        # Addresses of IPv4 in those of IPv6.
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
    ],
)
def test_which_addresses_are_everybodys(address: str, public: bool) -> None:  # noqa: FBT001 (a column)
    assert is_public(address) is public


@given(some.ip_addresses(v=4, network="10.0.0.0/8"))
def test_no_private_address_is_public(address: object) -> None:
    assert not is_public(str(address))
    assert not is_public(f"::ffff:{address}")
