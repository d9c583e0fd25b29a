"""From a password to a certificate of our own authority, by TLS; and out, when that is revoked."""

import ssl
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from forecourt.base.ids import StationId
from forecourt.domain.security import Reason, Use
from forecourt.domain.stations import NewStation
from tests.edge.ocpp.house import SUBPROTOCOLS, Yard, a_yard, until
from tests.edge.ocpp.wire import Closed, Refused, Wire, basic
from tests.fixtures.pki import csr_pem, new_key

PASSWORD = b"a password that is long and random"
VERSIONS = ("1.6", "2.0.1", "2.1")


@dataclass
class Door:
    """A house with TLS by its own authority, and what a station keeps in its pocket."""

    yard: Yard
    folder: Path
    roots: str

    async def known(self, name: str) -> StationId:
        new = NewStation(id=StationId(name), password=PASSWORD, security_profile=2)
        await self.yard.rooms.stations.add(self.yard.ctx, new)
        await until(lambda: new.id in self.yard.gateway._doors)
        return new.id

    def tls(
        self, chain: str | None = None, key: ec.EllipticCurvePrivateKey | None = None
    ) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.roots)
        if chain is not None and key is not None:
            (self.folder / "chain.pem").write_text(chain)
            (self.folder / "key.pem").write_bytes(
                key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            )
            context.load_cert_chain(self.folder / "chain.pem", self.folder / "key.pem")
        return context

    async def knock(self, name: str, version: str, tls: ssl.SSLContext, *, secret: bool) -> Wire:
        url = self.yard.house.ocpp_tls_url
        assert url is not None
        wire = await Wire.open(
            url,
            f"/{name}",
            offers=[SUBPROTOCOLS[version]],
            headers=basic(name, PASSWORD) if secret else None,
            tls=tls,
        )
        await self.yard.boot(wire, version)
        return wire


@pytest_asyncio.fixture(loop_scope="function")
async def door(database_url: str, tmp_path: Path) -> AsyncGenerator[Door]:
    async with a_yard(database_url, tmp_path / "house", ocpp_tls_port=0) as yard:
        yield Door(yard, tmp_path, await yard.rooms.security.station_trust_pem())


@pytest.mark.parametrize("version", VERSIONS)
async def test_in_by_a_certificate_and_out_when_it_is_revoked(door: Door, version: str) -> None:
    name, key = await door.known("CP1"), new_key()
    wire = await door.knock(name, version, door.tls(), secret=True)
    assert (await wire.call("SignCertificate", {"csr": csr_pem(name, key=key)}))[
        "status"
    ] == "Accepted"
    call, said = await wire.asked("CertificateSigned")
    wire.answer(call, {"status": "Accepted"})
    chain = said.get("certificateChain", "")
    await door.yard.rooms.stations.change(door.yard.ctx, name, security_profile=3)
    await wire.closed()
    wire = await door.knock(name, version, door.tls(chain, key), secret=False)
    (made,) = (
        await door.yard.rooms.security.inventory.certificates(door.yard.ctx, use=Use.STATION)
    ).items
    await door.yard.rooms.security.statuses.revoke(door.yard.ctx, made.id, Reason.KEY_COMPROMISE)
    told = await wire.closed()
    assert (told.code, told.reason) == (1008, "its certificate was revoked")
    with pytest.raises((Refused, Closed)):
        await door.knock(name, version, door.tls(chain, key), secret=False)


async def test_another_stations_certificate_opens_nothing(door: Door) -> None:
    await door.known("CP1")
    await door.yard.rooms.stations.change(door.yard.ctx, StationId("CP1"), security_profile=3)
    key = new_key()
    csr = csr_pem("CP2", key=key)
    signed = await door.yard.rooms.security.sign(door.yard.ctx, csr, Use.STATION)
    chain = "".join(map(ssl.DER_cert_to_PEM_cert, signed.chain))
    with pytest.raises((Refused, Closed)):
        await door.knock("CP1", "1.6", door.tls(chain, key), secret=False)
