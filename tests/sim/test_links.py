"""Passwords, certificates and compression over true sockets, against another library's server."""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import websockets
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve

from forecourt.protocol.ocpp import v16, v201
from forecourt.protocol.ocpp.events import Answered, Received
from forecourt.protocol.ocpp.rpc import Connection
from forecourt.sim.deflate import OFFER, agreed
from forecourt.sim.fleet import FleetOptions, run
from forecourt.sim.stats import Stats
from tests.sim.answers import usual
from tests.sim.pki import Authority

WORDS: Any = {"ocpp1.6": v16, "ocpp2.0.1": v201}


class Office:
    """A central system for one station: notes how it came, and asks it things.

    ``asks``: what to ask next, or None as long as it is too early.
    """

    def __init__(
        self, *asks: Callable[[Any], Any], enough: int = 2, done: asyncio.Event | None = None
    ) -> None:
        self.asks = list(asks)
        self.came: list[tuple[str, dict[str, Any] | None, bool]] = []
        """(Authorization, the certificate it showed, whether compressed)."""
        self.answers: list[Any] = []
        self.heard: list[Any] = []
        self.enough = enough
        self.done = done or asyncio.Event()
        """The station has come as often as it should."""

    async def serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        tls = socket.transport.get_extra_info("ssl_object")
        shown = tls.getpeercert() if tls is not None else None
        authorization = socket.request.headers.get("Authorization", "")
        self.came.append((authorization, shown, bool(socket.protocol.extensions)))
        words = WORDS[str(socket.subprotocol)]
        connection = Connection(words.DIALECT, accepts=words.DIALECT.from_station)
        if len(self.came) >= self.enough:
            self.done.set()
        try:
            async for frame in socket:
                assert isinstance(frame, str)
                self._read(connection, words, frame)
                for data in connection.data_to_send():
                    await socket.send(data.decode())
        except websockets.ConnectionClosed:
            return  # The station hung up: what these tests make it do.

    def _read(self, connection: Connection, words: Any, frame: str) -> None:
        match connection.receive(frame.encode(), 0.0):
            case Received(message_id=message_id, action=action, request=request):
                self.heard.append(request)
                now = datetime.now(UTC)  # noqa: TID251 - a true central system has a clock
                connection.reply(message_id, usual(words.DIALECT.responses[action], now))
                if self.asks and action != "BootNotification" and not connection.waiting:
                    asked = self.asks[0](self)
                    if asked is not None:
                        del self.asks[0]
                        connection.call(asked, 0.0)
            case Answered(response=response):
                self.answers.append(response)
            case other:
                raise AssertionError(other)


async def one_station(office: Office, *, tls: ssl.SSLContext | None = None, **more: Any) -> Stats:
    """Run one station until it has come as often as it should."""
    stop = asyncio.Event()
    protocols = [websockets.Subprotocol(name) for name in WORDS]
    async with serve(office.serve, "127.0.0.1", 0, subprotocols=protocols, ssl=tls) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        scheme = "wss" if tls is not None else "ws"
        options = FleetOptions(
            url=f"{scheme}://127.0.0.1:{port}",
            stations=1,
            warm=0.0,
            knobs={"backoff_wait_s": "1", "backoff_random_s": "0", **more.pop("knobs", {})},
            **more,
        )
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(run(options, stop=stop))
            await asyncio.wait_for(office.done.wait(), 60.0)  # a busy machine is slow
            await asyncio.sleep(0.3)
            stop.set()
    return running.result()


def basic(identity: str, password: str) -> str:
    return f"Basic {b64encode(f'{identity}:{password}'.encode()).decode()}"


async def test_a_new_password_opens_the_next_connection() -> None:
    key = "a-new-password-of-thirty-letters"
    change = v16.ChangeConfiguration(key="AuthorizationKey", value=key)
    office = Office(lambda _: change)
    stats = await one_station(office, version="1.6", password="the-old-password")
    assert [came[0] for came in office.came] == [
        basic("SIM-0001", "the-old-password"), basic("SIM-0001", key),
    ]  # fmt: skip
    assert office.answers[0].status == "Accepted"
    assert stats.boots == 1, "a new password is no reason to boot"


async def test_a_network_profile_is_dialled_after_a_boot() -> None:
    done = asyncio.Event()
    second = Office(enough=1, done=done)
    async with serve(
        second.serve, "127.0.0.1", 0, subprotocols=[websockets.Subprotocol("ocpp2.0.1")]
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        profile = v201.NetworkConnectionProfile(
            ocpp_version="OCPP20",
            ocpp_transport="JSON",
            ocpp_csms_url=f"ws://127.0.0.1:{port}/second",
            message_timeout=30,
            security_profile=1,
            ocpp_interface="Wired0",
        )
        put = v201.SetNetworkProfile(configuration_slot=1, connection_data=profile)
        prefer = v201.SetVariables(
            set_variable_data=(
                v201.SetVariableData(
                    component=v201.Component(name="OCPPCommCtrlr"),
                    variable=v201.Variable(name="NetworkConfigurationPriority"),
                    attribute_value="1,0",
                ),
            )
        )
        reset = v201.Reset(type="Immediate")
        first = Office(lambda _: put, lambda _: prefer, lambda _: reset, enough=9, done=done)
        # Booting takes as long as the product takes, in the world's time.
        stats = await one_station(first, version="2.0.1", speed=60.0)
    assert stats.boots >= 1
    assert len(first.came) == 1
    assert len(second.came) == 1


async def test_a_signed_certificate_is_shown_to_the_next_server(tmp_path: Path) -> None:
    authority = Authority()
    root = tmp_path / "root.pem"
    root.write_text(authority.pem)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=root)
    tls.load_cert_chain(authority.server(tmp_path))
    tls.verify_mode = ssl.CERT_OPTIONAL

    def signed(office: Office) -> Any:
        for request in office.heard:
            if isinstance(request, v201.SignCertificate):
                return v201.CertificateSigned(certificate_chain=authority.sign(request.csr))
        return None

    trigger = v201.TriggerMessage(requested_message="SignChargingStationCertificate")
    office = Office(lambda _: trigger, signed)
    await one_station(
        office,
        tls=tls,
        version="2.0.1",
        tls_ca=root,
        password="unused",
        knobs={"security_profile": "3"},
    )
    first, second = office.came[:2]
    assert not first[1], "it had none yet"
    assert second[1] is not None
    names = dict(pair for part in second[1]["subject"] for pair in part)
    assert names["organizationName"] == "Forecourt"
    assert first[0] == second[0] == "", "profile 3 needs no password"


async def test_a_station_trusts_no_stranger(tmp_path: Path) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(Authority("Stranger").server(tmp_path))
    root = tmp_path / "root.pem"
    root.write_text(Authority().pem)
    async with serve(Office().serve, "127.0.0.1", 0, ssl=tls) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        options = FleetOptions(
            url=f"wss://127.0.0.1:{port}", stations=1, tls_ca=root, duration_s=1.0
        )
        stats = await run(options)
    assert stats.boots == 0
    assert "certificate" in stats.last_failure.lower()


async def test_compression_is_offered_and_used() -> None:
    change = v16.ChangeConfiguration(key="AuthorizationKey", value="a-password-of-enough-letters")
    office = Office(lambda _: v16.GetConfiguration(), lambda _: change)
    await one_station(office, version="1.6", deflate=True)
    assert all(came[2] for came in office.came)
    assert len(office.answers[0].configuration_key) > 40, "the largest answer, compressed"
    plain = Office(lambda _: change)
    await one_station(plain, version="1.6")
    assert not any(came[2] for came in plain.came)


@given(messages=st.lists(st.binary(max_size=5_000), max_size=10), follows=st.booleans())
def test_what_is_packed_comes_out_again(messages: list[bytes], *, follows: bool) -> None:
    header = "permessage-deflate" if follows else OFFER
    sender = agreed(OFFER, message_max=1 << 20)
    reader = agreed(header, message_max=1 << 20)
    assert sender is not None
    assert reader is not None
    for message in messages:
        packed, compressed = sender.pack(message)
        assert (reader.unpack(packed) if compressed else packed) == message


def test_what_is_broken_or_a_bomb_is_no_message() -> None:
    reader = agreed(OFFER, message_max=10_000)
    sender = agreed(OFFER, message_max=10_000)
    assert reader is not None
    assert sender is not None
    assert reader.unpack(b"\xff\xff\xff") is None
    bomb, _ = sender.pack(b"0" * 1_000_000)
    assert reader.unpack(bomb) is None
    assert agreed(None, message_max=1) is None
    assert agreed("x-other", message_max=1) is None
