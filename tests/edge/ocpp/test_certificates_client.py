"""An independent client (PyPI ``ocpp``) gets its certificate and comes in by it."""

# The client has no types.
# mypy: disable-error-code="import-untyped,misc,untyped-decorator"

import asyncio
from typing import Any

import pytest
import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint as ChargePoint16
from ocpp.v16 import call as call16
from ocpp.v16 import call_result as result16
from ocpp.v201 import ChargePoint as ChargePoint201
from ocpp.v201 import call as call201
from ocpp.v201 import call_result as result201

from tests.edge.ocpp.house import SUBPROTOCOLS
from tests.edge.ocpp.test_certificates_at_the_door import PASSWORD, Door, door
from tests.edge.ocpp.wire import basic
from tests.fixtures.pki import csr_pem, new_key

__all__ = ["door"]


class Client16(ChargePoint16):
    """A charge point that takes what it is given."""

    chain: asyncio.Future[str]

    async def boot(self) -> str:
        asked = call16.BootNotification(charge_point_model="One", charge_point_vendor="Acme")
        return str((await self.call(asked)).status)

    async def sign(self, csr: str) -> str:
        return str((await self.call(call16.SignCertificate(csr=csr))).status)

    @on("CertificateSigned")
    async def signed(self, certificate_chain: str) -> Any:
        self.chain.set_result(certificate_chain)
        return result16.CertificateSigned(status="Accepted")


class Client201(ChargePoint201):
    """A charging station that takes what it is given."""

    chain: asyncio.Future[str]

    async def boot(self) -> str:
        asked = call201.BootNotification(
            charging_station={"model": "Two", "vendor_name": "Acme"}, reason="PowerUp"
        )
        return str((await self.call(asked)).status)

    async def sign(self, csr: str) -> str:
        asked = call201.SignCertificate(csr=csr, certificate_type="ChargingStationCertificate")
        return str((await self.call(asked)).status)

    @on("CertificateSigned")
    async def signed(self, certificate_chain: str, **_: Any) -> Any:
        self.chain.set_result(certificate_chain)
        return result201.CertificateSigned(status="Accepted")


@pytest.mark.parametrize(("version", "kind"), [("1.6", Client16), ("2.0.1", Client201)])
async def test_from_a_password_to_a_certificate(door: Door, version: str, kind: Any) -> None:
    name, key = await door.known("CP1"), new_key()
    url = f"{door.yard.house.ocpp_tls_url}/{name}"
    names = [websockets.Subprotocol(SUBPROTOCOLS[version])]
    async with websockets.connect(
        url, ssl=door.tls(), subprotocols=names, additional_headers=basic(name, PASSWORD)
    ) as line:
        client = kind(name, line)
        client.chain = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(client.start())
            assert await client.boot() == "Accepted"
            assert await client.sign(csr_pem(name, key=key)) == "Accepted"
            async with asyncio.timeout(8):
                chain = await client.chain
            reading.cancel()
    await door.yard.rooms.stations.change(door.yard.ctx, name, security_profile=3)
    async with websockets.connect(url, ssl=door.tls(chain, key), subprotocols=names) as line:
        client = kind(name, line)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(client.start())
            assert await client.boot() == "Accepted"
            reading.cancel()
    station, _ = await door.yard.rooms.stations.read(door.yard.ctx, name)
    assert station.profile_used == 3
