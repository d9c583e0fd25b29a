"""Security profiles 0 to 3 at the door, by real sockets, TLS and certificates."""

import json
import ssl
import warnings
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import websockets

from forecourt.base.ids import StationId
from forecourt.cli import doctor
from forecourt.domain.stations import NewStation
from forecourt.settings import load
from tests.edge.ocpp.house import BOOT_2X, BOOT_16, SUBPROTOCOLS, Yard, a_yard, until
from tests.edge.ocpp.wire import basic
from tests.fixtures.certificates import Ca, Pair
from tests.fixtures.database import database, on_database

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSWORD = b"a password that is long and random"
OWNER = "Acme Charging"
versions = pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Ca:
    return Ca(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def url(database_server_url: str, template: str) -> Generator[str]:
    with database(database_server_url, f"TEMPLATE {template}") as name:
        yield on_database(database_server_url, name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def yard(url: str, ca: Ca, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Yard]:
    ecdsa, rsa = ca.server(), ca.server(kind="rsa")
    async with a_yard(
        url,
        tmp_path_factory.mktemp("house"),
        ocpp_tls_port=0,
        ocpp_old_tls_port=0,
        tls_cert=ecdsa.cert,
        tls_key=ecdsa.key,
        tls_second_cert=rsa.cert,
        tls_second_key=rsa.key,
        tls_client_ca=ca.file,
        tls_client_crl=ca.crl(),
        operator_name=OWNER,
    ) as yard:
        yield yard


async def known(yard: Yard, name: str, **more: Any) -> StationId:
    """A station that the door has heard of."""
    station = StationId(name)
    await yard.rooms.stations.add(yard.ctx, NewStation(id=station, **more))
    await until(lambda: station in yard.gateway._doors)
    return station


@asynccontextmanager
async def connected(
    yard: Yard,
    name: str,
    *,
    tls: ssl.SSLContext | None = None,
    password: bytes | None = None,
    version: str = "1.6",
    url: str | None = None,
) -> AsyncGenerator[websockets.ClientConnection]:
    """A station's line by an independent client."""
    base = url or (yard.house.ocpp_url if tls is None else yard.house.ocpp_tls_url)
    assert base is not None
    async with websockets.connect(
        f"{base}/{name}",
        ssl=tls,
        subprotocols=[websockets.Subprotocol(SUBPROTOCOLS[version])],
        additional_headers=basic(name, password) if password is not None else {},
        open_timeout=8,
    ) as line:
        yield line


async def boots(line: websockets.ClientConnection, version: str = "1.6") -> str:
    """Boot, and return what the platform said to it."""
    body = BOOT_16 if version == "1.6" else BOOT_2X
    await line.send(json.dumps([2, "boot", "BootNotification", body]))
    return str(json.loads(await line.recv())[2]["status"])


async def refused(yard: Yard, name: str, **more: Any) -> int:
    """By which status the door stays shut."""
    with pytest.raises(websockets.InvalidStatus) as told:
        async with connected(yard, name, **more):
            pass
    return told.value.response.status_code


async def no_handshake(yard: Yard, name: str, tls: ssl.SSLContext, **more: Any) -> None:
    """The TLS handshake itself fails."""
    before = yard.gateway.counts.tls_failed
    with pytest.raises((OSError, websockets.InvalidMessage)):
        async with connected(yard, name, tls=tls, **more):
            pass
    await until(lambda: yard.gateway.counts.tls_failed > before)


async def why(yard: Yard, name: str) -> list[str]:
    """The reasons that the station's failed log-ins were told by."""
    await yard.house.committer.drained()
    events = await yard.events(name, "station.login_failed")
    return [json.loads(event["body"])["reason"] for event in events]


@versions
@pytest.mark.parametrize("profile", [0, 1, 2, 3])
async def test_a_station_comes_in_by_its_profile(
    yard: Yard, ca: Ca, version: str, profile: int
) -> None:
    name = f"Good-{profile}-{version}"
    password = PASSWORD if profile in (1, 2) else None
    await known(yard, name, password=password, security_profile=profile)
    pair = ca.station(name, organization=OWNER) if profile == 3 else None
    tls = ca.client(pair) if profile >= 2 else None
    async with connected(yard, name, tls=tls, password=password, version=version) as line:
        assert await boots(line, version) == "Accepted"
    station, _ = await yard.rooms.stations.read(yard.ctx, StationId(name))
    assert (station.security_profile, station.profile_used) == (profile, profile)
    assert station.protocol == SUBPROTOCOLS[version]


@pytest.mark.parametrize(("least", "by"), [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)])
async def test_a_lower_profile_is_refused(yard: Yard, ca: Ca, least: int, by: int) -> None:
    name = f"Low-{least}-{by}"
    await known(yard, name, password=PASSWORD, security_profile=least)
    tls = ca.client() if by == 2 else None
    status = await refused(yard, name, tls=tls, password=PASSWORD if by else None)
    assert status == (401 if by == 0 and least < 3 else 403)


async def test_a_higher_profile_is_good(yard: Yard, ca: Ca) -> None:
    name = "Higher"
    await known(yard, name, password=PASSWORD)
    async with connected(yard, name, tls=ca.client(), password=PASSWORD) as line:
        assert await boots(line) == "Accepted"
    tls = ca.client(ca.station(name, organization=OWNER))
    async with connected(yard, name, tls=tls) as line:
        assert await boots(line) == "Accepted"


@pytest.mark.parametrize(
    ("common_name", "organization", "reason"),
    [
        ("Another", OWNER, "certificate_foreign"),
        ("CERT-X", OWNER, "certificate_foreign"),
        ("", OWNER, "certificate_foreign"),
        ("cert-x", "Somebody Else", "certificate_owner"),
        ("cert-x", None, "certificate_owner"),
    ],
)
async def test_a_certificate_of_somebody_else_is_refused(
    yard: Yard, ca: Ca, common_name: str, organization: str | None, reason: str
) -> None:
    name = "cert-x"
    if name not in yard.gateway._doors:
        await known(yard, name, password=PASSWORD, security_profile=2)
    yard.gateway._door._attempts.__init__()  # type: ignore[misc]  # each failure is told of anew
    tls = ca.client(ca.station(common_name or "x", organization=organization))
    # Not by the right password either: who shows a certificate is judged by it.
    assert await refused(yard, name, tls=tls, password=PASSWORD) == 403
    assert (await why(yard, name))[-1] == reason


async def test_the_name_in_the_certificate_may_be_its_serial_number(yard: Yard, ca: Ca) -> None:
    name = "By-Serial"
    await known(yard, name, security_profile=3, certificate_name="SN-0815")
    tls = ca.client(ca.station("SN-0815", organization=OWNER))
    async with connected(yard, name, tls=tls) as line:
        assert await boots(line) == "Accepted"
    assert await refused(yard, name, tls=ca.client(ca.station(name, organization=OWNER))) == 403


async def test_a_revoked_certificate_is_refused(yard: Yard, ca: Ca) -> None:
    name = "Revoked"
    await known(yard, name, security_profile=3)
    pair = ca.station(name, organization=OWNER)
    tls = ca.client(pair)
    async with connected(yard, name, tls=tls) as line:
        assert await boots(line) == "Accepted"
    file = ca.crl(pair.serial)
    keeper = yard.house.ports._keeper
    assert keeper is not None
    keeper._stamp = ()  # The file may be as old as a moment ago.
    await yard.house.ports.look()
    assert await refused(yard, name, tls=tls) == 403
    assert await why(yard, name) == ["certificate_revoked"]
    # A list that is broken changes nothing.
    file.write_text("-----BEGIN X509 CRL-----\nno\n-----END X509 CRL-----\n")
    keeper._stamp = ()
    await yard.house.ports.look()
    assert await refused(yard, name, tls=tls) == 403


async def test_a_certificate_that_is_not_good_ends_the_handshake(
    yard: Yard, ca: Ca, tmp_path: Path
) -> None:
    name = "Bad-Certificate"
    await known(yard, name, security_profile=3)
    strange = Ca(tmp_path, name="Test root")
    for pair in (
        strange.station(name, organization=OWNER),
        ca.station(name, organization=OWNER, ends_in=timedelta(days=-1)),
        ca.station(name, organization=OWNER, server=True),
    ):
        await no_handshake(yard, name, ca.client(pair))
    assert await refused(yard, name, tls=ca.client()) == 403


@pytest.mark.parametrize(
    "cipher",
    [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",
    ],
)
async def test_the_ciphers_that_ocpp_names_are_there(yard: Yard, ca: Ca, cipher: str) -> None:
    """2.0.1 A00.FR.318, 1.6 security A00.FR.317; both kinds of certificate on one port."""
    name = f"C-{cipher}"
    await known(yard, name, password=PASSWORD, security_profile=2)
    tls = ca.client(only=cipher)
    async with connected(yard, name, tls=tls, password=PASSWORD) as line:
        assert await boots(line) == "Accepted"
        found = line.transport.get_extra_info("cipher")
        assert found[:2] == (cipher, "TLSv1.2")
        assert line.transport.get_extra_info("compression") is None


@pytest.mark.parametrize(
    "cipher", ["AES128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-CHACHA20-POLY1305"]
)
async def test_others_are_not(yard: Yard, ca: Ca, cipher: str) -> None:
    await no_handshake(yard, "nobody", ca.client(only=f"{cipher}:@SECLEVEL=0"))


def old(ca: Ca, pair: Pair | None = None) -> ssl.SSLContext:
    """A station that knows TLS 1.1 and nothing newer (field quirk 33)."""
    context = ca.client(pair)
    context.set_ciphers("AES128-SHA:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of it, and is right.
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


async def test_quirk_33_an_old_tls_has_a_port_of_its_own(yard: Yard, ca: Ca) -> None:
    name = "Old-TLS"
    await known(yard, name, password=PASSWORD, security_profile=2)
    await no_handshake(yard, name, old(ca), password=PASSWORD)
    url = yard.house.ocpp_urls[2]
    async with connected(yard, name, tls=old(ca), password=PASSWORD, url=url) as line:
        assert await boots(line) == "Accepted"
        assert line.transport.get_extra_info("ssl_object").version() == "TLSv1.1"
    # Only 1.6 may (2.0.1 A00.FR.313): the handshake is completed, the line closed.
    tls = old(ca)
    async with connected(yard, name, tls=tls, password=PASSWORD, url=url, version="2.0.1") as line:
        assert line.subprotocol is None
        await line.wait_closed()
        assert line.close_code == 1002


async def test_who_speaks_without_tls_on_the_tls_port_is_told_of(yard: Yard) -> None:
    url = yard.house.ocpp_tls_url
    assert url is not None
    before = yard.gateway.counts.tls_failed
    with pytest.raises((OSError, websockets.InvalidMessage)):
        async with websockets.connect(url.replace("wss:", "ws:") + "/x"):
            pass
    await until(lambda: yard.gateway.counts.tls_failed > before)


@pytest.mark.parametrize("typed", ["digits", "DIGITS", "bytes"])
async def test_quirk_32_a_key_and_its_digits_are_one_password(yard: Yard, typed: str) -> None:
    key = bytes.fromhex("00ff10c3a9fe8081828384858687880d0a20aabb")
    name = f"Key-{typed}"
    digits = key.hex()
    kept = {"digits": digits.encode(), "DIGITS": digits.upper().encode(), "bytes": key}[typed]
    await known(yard, name, password=kept)
    for sent in (key, digits.encode(), digits.upper().encode()):
        async with connected(yard, name, password=sent) as line:
            assert await boots(line) == "Accepted"
    for wrong in (key[:-1], digits[:-2].encode(), b"0x" + digits.encode()):
        assert await refused(yard, name, password=wrong) == 401


async def test_quirk_33_another_root_is_warned_of_before_it_shuts_stations_out(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A certificate of the same root is taken up; one of another is not, until a restart."""
    ours, other = Ca(tmp_path / "ours", name="Ours"), Ca(tmp_path / "other", name="Another")
    first, second, third = ours.server(), ours.server(kind="rsa"), other.server()
    cert, key = tmp_path / "chain.pem", tmp_path / "key.pem"

    def place(pair: Pair) -> None:
        cert.write_bytes(pair.cert.read_bytes())
        key.write_bytes(pair.key.read_bytes())

    place(first)
    settings: dict[str, Any] = {"tls_cert": cert, "tls_key": key}
    async with a_yard(database_url, tmp_path, **settings) as yard:
        keeper = yard.house.ports._keeper
        assert keeper is not None
        for pair, taken in ((second, True), (third, False), (first, True)):
            place(pair)
            keeper._stamp = ()
            assert keeper.look() is taken
            if not taken:
                [said] = doctor._roots(load({"data_dir": tmp_path, **settings}))
                assert said.verdict is doctor.Verdict.WARN
                assert "CN=Another" in said.seen
        # Half a pair changes nothing that is in use.
        cert.write_bytes(third.cert.read_bytes())
        keeper._stamp = ()
        assert not keeper.look()
        name = await yard.add(password=PASSWORD)
        async with connected(
            yard, name, tls=ours.client(), password=PASSWORD, url=yard.house.ocpp_url
        ) as line:
            assert await boots(line) == "Accepted"
    place(third)
    capsys.readouterr()
    async with a_yard(database_url, tmp_path, **settings):
        out = capsys.readouterr()
        assert "tls.root_changed" in out.out + out.err
    async with a_yard(database_url, tmp_path, **settings):
        out = capsys.readouterr()
        assert "tls.root_changed" not in out.out + out.err
