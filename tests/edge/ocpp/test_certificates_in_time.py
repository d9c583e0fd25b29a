"""Certificates as time goes by, in a house of their own: renewed, listed, told of, relayed."""

import asyncio
import json
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from forecourt.base.clock import ManualClock
from forecourt.base.ids import StationId
from forecourt.domain.security import HashAlgorithm, Held, Role, Use
from forecourt.domain.security.rules import name_of
from forecourt.domain.stations import (
    Answer,
    Ask,
    CertificateHash,
    DeleteCertificate,
    GetInstalledCertificateIds,
    InstallCertificate,
)
from tests.edge.ocpp.house import Yard, a_yard, until
from tests.edge.ocpp.test_certificates import PNC, VERSIONS, WORDS, hash_data
from tests.edge.ocpp.wire import Wire
from tests.fixtures.database import database, on_database
from tests.fixtures.pki import EMAID, Foreign, csr_pem, pem
from tests.fixtures.web import Asked, Said, Web, web

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.storage]

START: Final = datetime(2026, 4, 1, 8, tzinfo=UTC)
TRIGGERS: Final = {
    ("1.6", Use.STATION): ("ExtendedTriggerMessage", "SignChargePointCertificate"),
    ("2.0.1", Use.STATION): ("TriggerMessage", "SignChargingStationCertificate"),
    ("2.1", Use.STATION): ("TriggerMessage", "SignChargingStationCertificate"),
    ("1.6", Use.V2G): ("DataTransfer", "SignV2GCertificate"),
    ("2.0.1", Use.V2G): ("TriggerMessage", "SignV2GCertificate"),
    ("2.1", Use.V2G20): ("TriggerMessage", "SignV2G20Certificate"),
}


class World:
    """A responder, a list of revoked certificates and a provider, as one web server."""

    def __init__(self) -> None:
        self.root = Foreign("Somebody's MO Root", START)
        self.leaf = self.root.leaf()
        self.word = ocsp.OCSPCertStatus.GOOD
        self.revoked: list[x509.Certificate] = []
        self.exi: Said = (200, {}, b"")
        self.at = START

    def says(self, asked: Asked) -> Said:
        match asked.path:
            case "/ocsp":
                assert asked.headers["content-type"] == "application/ocsp-request"
                assert ocsp.load_der_ocsp_request(asked.body).serial_number
                return 200, {}, self.root.answer(self.leaf, self.word, at=self.at)
            case "/crl":
                return 200, {}, self.root.crl(*self.revoked, at=self.at)
            case "/exi":
                return self.exi
            case _:
                return 404, {}, b""


@dataclass
class Place:
    """A house, a clock that waits, and the world outside."""

    yard: Yard
    clock: ManualClock
    world: World
    server: Web

    async def served(self, version: str, use: Use = Use.STATION) -> tuple[StationId, Wire]:
        """A station that has its certificate."""
        name, wire = await self.yard.station(version)
        await self.has_one(name, wire, version, use)
        return name, wire

    async def has_one(self, name: StationId, wire: Wire, version: str, use: Use) -> None:
        asked: dict[str, str] = {"csr": csr_pem(name)}
        if version == "1.6" and use is Use.V2G:
            said = {"vendorId": PNC, "messageId": "SignCertificate", "data": json.dumps(asked)}
            assert (await wire.call("DataTransfer", said))["status"] == "Accepted"
            call, _ = await wire.asked("DataTransfer")
            wire.answer(call, {"status": "Accepted", "data": '{"status": "Accepted"}'})
        else:
            if version != "1.6":
                asked["certificateType"] = WORDS[use]
            assert (await wire.call("SignCertificate", asked))["status"] == "Accepted"
            call, _ = await wire.asked("CertificateSigned")
            wire.answer(call, {"status": "Accepted"})
        count = "SELECT count(*) FROM signing_requests WHERE station_id = $1 AND settled_at IS NULL"
        while await self.yard.value(count, name):
            pass

    async def back(self, name: StationId, version: str) -> Wire:
        """The station dials again and boots: whoever looks after it hears of that."""
        wire = await self.yard.connect(name, version)
        await self.yard.boot(wire, version)
        return wire


@pytest.fixture(scope="module")
def url(database_server_url: str, template: str) -> Generator[str]:
    with database(database_server_url, f"TEMPLATE {template}") as name:
        yield on_database(database_server_url, name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Place]:
    clock, world = ManualClock(START), World()
    async with (
        web(world.says) as server,
        a_yard(
            url,
            tmp_path_factory.mktemp("house"),
            clock,
            fetch_device_models=False,
            pki_station_days=90,
            pki_v2g_days=90,
            pki_contract_url=f"{server.url}/exi",
            pki_contract_token="the provider's",
            outbound_hosts=("127.0.0.1",),
        ) as yard,
    ):
        yield Place(yard, clock, world, server)


@pytest_asyncio.fixture(loop_scope="module")
async def place(house: Place) -> AsyncGenerator[Place]:
    house.world.at = house.world.root.now = house.clock.now()
    yield house
    await house.yard.hang_up()


NOTED = "SELECT renewal_asked_at FROM certificates WHERE station_id = $1"


class TestRenewal:
    @pytest.mark.parametrize(("version", "use"), TRIGGERS)
    async def test_at_two_thirds_of_its_life(self, place: Place, version: str, use: Use) -> None:
        name, wire = await place.served(version, use)
        place.clock.advance(59 * 86_400)
        wire = await place.back(name, version)
        assert await wire.silent(0.3), "not before its time"
        place.clock.advance(86_400)
        wire = await place.back(name, version)
        action, message = TRIGGERS[version, use]
        call, said = await wire.asked(action)
        if action == "DataTransfer":
            said = json.loads(said["data"])
        assert said == {"requestedMessage": message}
        wire.answer(call, {"status": "Accepted"})
        while await place.yard.value(NOTED, name) is None:
            pass
        place.clock.advance(3_600)
        wire = await place.back(name, version)
        assert await wire.silent(0.3), "once a day is enough"
        # It does as it was told, and then nobody asks any more.
        await place.has_one(name, wire, version, use)
        place.clock.advance(2 * 86_400)
        wire = await place.back(name, version)
        assert await wire.silent(0.3)
        fresh = (
            await place.yard.rooms.security.inventory.certificates(place.yard.ctx, station=name)
        ).items
        assert len(fresh) == 2
        assert fresh[0].serial != fresh[1].serial

    async def test_who_hung_up_when_asked_is_asked_when_it_is_back(self, place: Place) -> None:
        """It heard nothing of it: that is no answer for a day."""
        name, _ = await place.served("2.0.1")
        place.clock.advance(60 * 86_400)
        for _ in range(3):
            wire = await place.back(name, "2.0.1")
            call, said = await wire.asked("TriggerMessage")
            assert said == {"requestedMessage": "SignChargingStationCertificate"}
            await place.yard.hang_up()
        wire = await place.back(name, "2.0.1")
        call, _ = await wire.asked("TriggerMessage")
        wire.answer(call, {"status": "Rejected"})
        while await place.yard.value(NOTED, name) is None:
            pass
        wire = await place.back(name, "2.0.1")
        assert await wire.silent(0.3), "it said no: not again before tomorrow"

    async def test_what_ends_soon_is_told_once(self, place: Place) -> None:
        name, _ = await place.served("2.0.1")
        inventory = place.yard.rooms.security.inventory
        await inventory.warn(place.clock.now())
        assert await place.yard.events(name, "certificate.expiring") == []
        place.clock.advance(61 * 86_400)
        for _ in range(2):
            await inventory.warn(place.clock.now())
        (event,) = await place.yard.events(name, "certificate.expiring")
        body = json.loads(event["body"])
        assert (body["kind"], body["station"]) == ("station", name)
        wire = await place.back(name, "2.0.1")
        await wire.asked("TriggerMessage")


def hashed(root: x509.Certificate, algorithm: HashAlgorithm) -> dict[str, str]:
    name = name_of(root, root, algorithm)
    return {
        "hashAlgorithm": algorithm.name,
        "issuerNameHash": name.issuer_name,
        "issuerKeyHash": name.issuer_key,
        "serialNumber": name.serial,
    }


async def ask(
    place: Place, name: StationId, wire: Wire, command: Ask, answers: list[tuple[str, Any]]
) -> Answer:
    """Put a command to a station that answers so."""
    async with asyncio.TaskGroup() as tasks:
        told = tasks.create_task(place.yard.rooms.stations.command(place.yard.ctx, name, command))
        for action, payload in answers:
            call, _ = await wire.asked(action)
            wire.answer(call, payload)
    return told.result()


class TestWhatAStationHolds:
    async def held(self, place: Place, name: StationId) -> list[Held]:
        return list(await place.yard.rooms.security.inventory.held(place.yard.ctx, name))

    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("algorithm", ["SHA256", "SHA384", "SHA512"])
    async def test_get_installed_certificate_ids(
        self, place: Place, version: str, algorithm: str
    ) -> None:
        name, wire = await place.yard.station(version)
        await place.yard.rooms.security.ensure(place.yard.ctx)
        known = await place.yard.rooms.security.authorities(place.yard.ctx)
        ours = next(one for one in known if one.role is Role.CSMS_ROOT)
        root = x509.load_der_x509_certificate(ours.certificate)
        stranger = Foreign("Maker", place.clock.now()).certificate
        kind = HashAlgorithm[algorithm]
        if version == "1.6":
            answers = [
                ("GetInstalledCertificateIds", {"status": "Accepted", "certificateHashData": [one]})
                for one in (hashed(root, kind), hashed(stranger, kind))
            ]
        else:
            chains = [
                {"certificateType": what, "certificateHashData": hashed(one, kind)}
                for what, one in (
                    ("CSMSRootCertificate", root),
                    ("ManufacturerRootCertificate", stranger),
                )
            ]
            told = {"status": "Accepted", "certificateHashDataChain": chains}
            answers = [("GetInstalledCertificateIds", told)]
        await ask(place, name, wire, GetInstalledCertificateIds(), answers)
        first, second = await self.held(place, name)
        assert (first.kind, first.subject) == ("csms_root", "Forecourt Root CA")
        assert first.expires_at == ours.expires_at
        assert (second.kind, second.subject, second.expires_at) == ("manufacturer_root", "", None)
        # One of them goes; by the name that the station gave it.
        gone = CertificateHash(
            algorithm="SHA256",
            issuer_name_hash=name_of(root, root, HashAlgorithm.SHA256).issuer_name,
            issuer_key_hash=name_of(root, root, HashAlgorithm.SHA256).issuer_key,
            serial=first.name.serial,
        )
        for status, left in (("Failed", 2), ("Accepted", 1)):
            answer = [("DeleteCertificate", {"status": status})]
            await ask(place, name, wire, DeleteCertificate(certificate=gone), answer)
            assert len(await self.held(place, name)) == left
        # Asked again, it has nothing of that kind.
        nothing = [("GetInstalledCertificateIds", {"status": "NotFound"})]
        only = GetInstalledCertificateIds(uses=("manufacturer_root",))
        await ask(place, name, wire, only, nothing)
        assert await self.held(place, name) == []

    @pytest.mark.parametrize("version", VERSIONS)
    async def test_install_certificate(self, place: Place, version: str) -> None:
        name, wire = await place.yard.station(version)
        root = Foreign("Next Root", place.clock.now(), days=20)
        command = InstallCertificate(use="csms_root", certificate=pem(root.certificate))
        for status, held in (("Rejected", 0), ("Accepted", 1), ("Accepted", 1)):
            await ask(place, name, wire, command, [("InstallCertificate", {"status": status})])
            assert len(await self.held(place, name)) == held
        (one,) = await self.held(place, name)
        assert (one.subject, one.expires_at) == ("Next Root", root.certificate.not_valid_after_utc)
        # A root that ends within a month is told of as well.
        await place.yard.rooms.security.inventory.warn(place.clock.now())
        (event,) = await place.yard.events(name, "certificate.expiring")
        assert json.loads(event["body"])["kind"] == "csms_root"

    async def test_a_chain_before_cars(self, place: Place) -> None:
        name, wire = await place.yard.station("2.1")
        root = Foreign("V2G", place.clock.now())
        sub = Foreign("Sub", place.clock.now(), above=root)
        leaf = sub.leaf("SECC")
        chain = {
            "certificateType": "V2GCertificateChain",
            "certificateHashData": hash_data(leaf, sub.certificate),
            "childCertificateHashData": [hash_data(sub.certificate, root.certificate)],
        }
        told = {"status": "Accepted", "certificateHashDataChain": [chain]}
        await ask(
            place,
            name,
            wire,
            GetInstalledCertificateIds(),
            [("GetInstalledCertificateIds", told)],
        )
        held = await self.held(place, name)
        assert len(held) == 2
        assert {one.leaf_serial for one in held} == {f"{leaf.serial_number:x}"}


class TestForeignContracts:
    """A contract of somebody else's authority: its own responder is asked, and believed."""

    async def trusted(self, place: Place) -> None:
        ctx = place.yard.ctx
        known = await place.yard.rooms.security.authorities(ctx)
        if all(one.own for one in known if one.name == "Somebody's MO Root"):
            await place.yard.rooms.security.trust(
                ctx, pem(place.world.root.certificate), Role.MO_ROOT
            )
        if not await place.yard.rows("SELECT FROM tokens WHERE uid = $1", EMAID):
            await place.yard.token(EMAID, type="eMAID")

    @pytest.mark.parametrize(
        ("word", "found"),
        [
            (ocsp.OCSPCertStatus.GOOD, ("Accepted", "Accepted")),
            (ocsp.OCSPCertStatus.REVOKED, ("Invalid", "CertificateRevoked")),
            (ocsp.OCSPCertStatus.UNKNOWN, ("Invalid", "CertChainError")),
        ],
    )
    async def test_by_its_responder(
        self, place: Place, word: ocsp.OCSPCertStatus, found: tuple[str, str]
    ) -> None:
        await self.trusted(place)
        world = place.world
        world.word, world.leaf = word, world.root.leaf(ocsp_url=f"{place.server.url}/ocsp")
        _, wire = await place.yard.station("2.0.1")
        token = {"idToken": EMAID, "type": "eMAID"}
        data = hash_data(world.leaf, world.root.certificate, url=f"{place.server.url}/ocsp")
        before = len(place.server.asked)
        for more in (
            {"certificate": pem(world.leaf)},
            {"iso15118CertificateHashData": [data]},
        ):
            answer = await wire.call("Authorize", {"idToken": token, **more})
            assert (answer["idTokenInfo"]["status"], answer["certificateStatus"]) == found
        asked = [one.path for one in place.server.asked[before:]]
        assert asked == ["/ocsp"], "what was answered is good for its time"

    async def test_expired(self, place: Place) -> None:
        await self.trusted(place)
        old = place.world.root.leaf(days=-2)
        _, wire = await place.yard.station("2.1")
        token = {"idToken": EMAID, "type": "eMAID"}
        answer = await wire.call("Authorize", {"idToken": token, "certificate": pem(old)})
        assert answer["idTokenInfo"]["status"] == "Expired"
        assert answer["certificateStatus"] == "CertificateExpired"

    async def test_a_responder_that_nobody_authorised(self, place: Place) -> None:
        await self.trusted(place)
        world = place.world
        world.leaf = world.root.leaf()
        data = hash_data(world.leaf, world.root.certificate, url=f"{place.server.url}/crl")
        _, wire = await place.yard.station("2.0.1")
        token = {"idToken": EMAID, "type": "eMAID"}
        payload = {"idToken": token, "iso15118CertificateHashData": [data]}
        answer = await wire.call("Authorize", payload)
        assert answer["certificateStatus"] == "CertChainError"

    async def test_the_proof_is_passed_on(self, place: Place) -> None:
        world = place.world
        world.word, world.leaf = ocsp.OCSPCertStatus.GOOD, world.root.leaf()
        data = hash_data(world.leaf, world.root.certificate, url=f"{place.server.url}/ocsp")
        _, wire = await place.yard.station("2.0.1")
        answer = await wire.call("GetCertificateStatus", {"ocspRequestData": data})
        assert answer["status"] == "Accepted"
        assert answer["ocspResult"]

    @pytest.mark.parametrize(("revoked", "status"), [(False, "Good"), (True, "Revoked")])
    async def test_by_its_list(self, place: Place, revoked: bool, status: str) -> None:  # noqa: FBT001 (a column)
        await self.trusted(place)
        world = place.world
        leaf = world.root.leaf()
        world.revoked = [leaf] if revoked else []
        asked = {
            "certificateHashData": hash_data(leaf, world.root.certificate),
            "source": "CRL",
            "urls": [f"{place.server.url}/gone", f"{place.server.url}/crl"],
        }
        _, wire = await place.yard.station("2.1")
        answer = await wire.call(
            "GetCertificateChainStatus", {"certificateStatusRequests": [asked]}
        )
        (state,) = answer["certificateStatus"]
        assert state["status"] == status
        until_ = datetime.fromisoformat(state["nextUpdate"])
        assert until_ == place.clock.now() + timedelta(days=1)


class TestTheProvider:
    ASKED: Final = {
        "iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef",
        "action": "Install",
        "exiRequest": "gJgC",
    }

    async def relay(self, wire: Wire, version: str) -> dict[str, Any]:
        if version != "1.6":
            return await wire.call("Get15118EVCertificate", self.ASKED)
        said = {
            "vendorId": PNC,
            "messageId": "Get15118EVCertificate",
            "data": json.dumps(self.ASKED),
        }
        answer: dict[str, Any] = json.loads((await wire.call("DataTransfer", said))["data"])
        return answer

    @pytest.mark.parametrize("version", VERSIONS)
    async def test_what_cars_ask_and_get(self, place: Place, version: str) -> None:
        _, wire = await place.yard.station(version)
        told = {"status": "Accepted", "exiResponse": "gKIB", "remainingContracts": 2}
        place.world.exi = (200, {}, json.dumps(told).encode())
        answer = await self.relay(wire, version)
        assert (answer["status"], answer["exiResponse"]) == ("Accepted", "gKIB")
        assert answer.get("remainingContracts") == (2 if version == "2.1" else None)
        asked = place.server.asked[-1]
        assert asked.headers["authorization"] == "Bearer the provider's"
        assert json.loads(asked.body) | {"prioritizedEMAIDs": []} == {
            **self.ASKED,
            "maximumContractCertificateChains": None,
            "prioritizedEMAIDs": [],
        }

    async def test_several_contracts(self, place: Place) -> None:
        _, wire = await place.yard.station("2.1")
        more = {"maximumContractCertificateChains": 3, "prioritizedEMAIDs": [EMAID]}
        place.world.exi = (200, {}, b'{"status": "Accepted", "exiResponse": "x"}')
        await wire.call("Get15118EVCertificate", self.ASKED | more)
        assert json.loads(place.server.asked[-1].body) == self.ASKED | more

    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize(
        "said",
        [
            (200, {}, b'{"status": "Failed", "exiResponse": ""}'),
            (200, {}, b'{"status": "Accepted", "exiResponse": "%s"}' % (b"x" * 20_000)),
            (200, {}, b"junk"),
            (200, {}, b"[" * 10_000),
            (503, {}, b""),
        ],
        ids=["no", "too long", "junk", "deep", "away"],
    )
    async def test_no_contract(self, place: Place, version: str, said: Said) -> None:
        _, wire = await place.yard.station(version)
        place.world.exi = said
        answer = await self.relay(wire, version)
        assert (answer["status"], answer["exiResponse"]) == ("Failed", "")
        assert answer["statusInfo"]["additionalInfo"]


async def test_the_courier_looks_after_all(place: Place) -> None:
    """Many at once: each is served, and nobody waits for another."""
    stations = [await place.yard.station("2.0.1") for _ in range(40)]
    for name, wire in stations:
        await wire.call("SignCertificate", {"csr": csr_pem(name)})
    for _, wire in stations:
        call, said = await wire.asked("CertificateSigned")
        leaf = x509.load_pem_x509_certificates(said["certificateChain"].encode())[0]
        assert leaf.public_bytes(Encoding.PEM)
        wire.answer(call, {"status": "Accepted"})
    await until(lambda: place.yard.gateway is not None)
