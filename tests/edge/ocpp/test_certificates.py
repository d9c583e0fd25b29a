"""Certificates over a real websocket: asked for, signed without a hand, handed over, judged."""

import base64
import json
from collections.abc import AsyncGenerator
from typing import Any, Final

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from forecourt.base.ids import StationId
from forecourt.domain.access import TokenStatus
from forecourt.domain.security import (
    CertificateAuthority,
    HashAlgorithm,
    Reason,
    Role,
    SigningRequest,
    Use,
)
from forecourt.domain.security.rules import name_of, serial_hex
from tests.edge.ocpp.house import IN_THE_HOUSE, Yard, until
from tests.edge.ocpp.wire import Wire
from tests.fixtures.pki import EMAID, Foreign, csr_pem, new_key

pytestmark = IN_THE_HOUSE

VERSIONS: Final = ("1.6", "2.0.1", "2.1")
TWOS: Final = ("2.0.1", "2.1")
WORDS: Final = {
    Use.STATION: "ChargingStationCertificate",
    Use.V2G: "V2GCertificate",
    Use.V2G20: "V2G20Certificate",
}
PNC: Final = "org.openchargealliance.iso15118pnc"


async def requests_of(yard: Yard, station: StationId) -> list[SigningRequest]:
    return list((await yard.rooms.security.signing.list(yard.ctx, station=station)).items)


async def settled(yard: Yard, station: StationId) -> SigningRequest:
    """The station's only request, once the station's answer is recorded."""
    while True:
        (found,) = await requests_of(yard, station)
        if found.settled_at is not None:
            return found


async def authority(yard: Yard, role: Role) -> CertificateAuthority:
    await yard.rooms.security.ensure(yard.ctx)
    known = await yard.rooms.security.authorities(yard.ctx)
    return next(one for one in known if one.own and one.role is role)


def loaded(pem: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(pem.encode())


class TestAStationAsks:
    @pytest.mark.parametrize("version", VERSIONS)
    async def test_sign_certificate(self, yard: Yard, version: str) -> None:
        name, wire = await yard.station(version)
        key = new_key()
        asked = {"csr": csr_pem(name, key=key)}
        if version != "1.6":
            asked["certificateType"] = "ChargingStationCertificate"
        assert (await wire.call("SignCertificate", asked))["status"] == "Accepted"
        call, said = await wire.asked("CertificateSigned")
        leaf, sub = loaded(said["certificateChain"])
        assert leaf.public_key() == key.public_key()
        assert leaf.subject.rfc4514_string() == f"CN={name},O=Forecourt"
        leaf.verify_directly_issued_by(sub)
        root = await authority(yard, Role.CSMS_ROOT)
        sub.verify_directly_issued_by(x509.load_der_x509_certificate(root.certificate))
        assert said.get("certificateType") == (None if version == "1.6" else WORDS[Use.STATION])
        wire.answer(call, {"status": "Accepted"})
        request = await settled(yard, name)
        assert (request.state.value, request.use) == ("accepted", Use.STATION)
        for kind in ("certificate.requested", "certificate.issued", "certificate.delivered"):
            assert len(await yard.events(name, kind)) == 1
        found = yard.rooms.security.station_of(leaf.public_bytes(Encoding.DER), yard.ctx.now)
        assert getattr(found, "name", None) == name

    @pytest.mark.parametrize("use", [Use.V2G, Use.V2G20])
    async def test_before_cars(self, yard: Yard, use: Use) -> None:
        name, wire = await yard.station("2.1")
        asked = {"csr": csr_pem("DEICES1"), "certificateType": WORDS[use], "requestId": 77}
        assert (await wire.call("SignCertificate", asked))["status"] == "Accepted"
        call, said = await wire.asked("CertificateSigned")
        assert (said["certificateType"], said["requestId"]) == (WORDS[use], 77)
        leaf, sub = loaded(said["certificateChain"])
        assert "DC=CPO" in leaf.subject.rfc4514_string()
        root = await authority(yard, Role.V2G_ROOT)
        sub.verify_directly_issued_by(x509.load_der_x509_certificate(root.certificate))
        wire.answer(call, {"status": "Accepted"})
        assert (await settled(yard, name)).state.value == "accepted"

    async def test_before_cars_in_16(self, yard: Yard) -> None:
        name, wire = await yard.station("1.6")
        inside = {"csr": csr_pem("DEICES1")}
        answer = await wire.call(
            "DataTransfer",
            {"vendorId": PNC, "messageId": "SignCertificate", "data": json.dumps(inside)},
        )
        assert (answer["status"], json.loads(answer["data"])) == (
            "Accepted",
            {"status": "Accepted"},
        )
        call, said = await wire.asked("DataTransfer")
        assert (said["vendorId"], said["messageId"]) == (PNC, "CertificateSigned")
        wrapped = json.loads(said["data"])
        assert wrapped["certificateType"] == "V2GCertificate"
        assert len(loaded(wrapped["certificateChain"])) == 2
        wire.answer(call, {"status": "Accepted", "data": json.dumps({"status": "Accepted"})})
        assert (await settled(yard, name)).state.value == "accepted"

    @pytest.mark.parametrize("version", VERSIONS)
    async def test_the_station_does_not_like_it(self, yard: Yard, version: str) -> None:
        name, wire = await yard.station(version)
        await wire.call("SignCertificate", {"csr": csr_pem(name)})
        call, _ = await wire.asked("CertificateSigned")
        wire.answer(call, {"status": "Rejected"})
        request = await settled(yard, name)
        assert (request.state.value, request.detail) == ("rejected", "Rejected")
        (event,) = await yard.events(name, "certificate.delivered")
        assert json.loads(event["body"])["accepted"] is False

    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("bad", ["junk", "of another", "authority"])
    async def test_what_is_not_signed(self, yard: Yard, version: str, bad: str) -> None:
        name, wire = await yard.station(version)
        csr = {
            "junk": "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----",
            "of another": csr_pem("another"),
            "authority": csr_pem(name, ca=True),
        }[bad]
        answer = await wire.call("SignCertificate", {"csr": csr})
        assert answer["status"] == "Rejected"
        if version != "1.6":
            assert answer["statusInfo"]["reasonCode"] == "InvalidCSR"
        assert await wire.silent()
        assert await requests_of(yard, name) == []

    async def test_told_twice_it_is_signed_once(self, yard: Yard) -> None:
        name, wire = await yard.station("2.0.1")
        asked = {"csr": csr_pem(name)}
        for _ in range(3):
            assert (await wire.call("SignCertificate", asked))["status"] == "Accepted"
        call, _ = await wire.asked("CertificateSigned")
        wire.answer(call, {"status": "Accepted"})
        await settled(yard, name)
        assert await wire.silent()
        assert (
            await yard.value("SELECT count(*) FROM certificates WHERE station_id = $1", name) == 1
        )

    async def test_a_flood_of_requests(self, yard: Yard) -> None:
        name, wire = await yard.station("2.0.1")
        said = [
            (await wire.call("SignCertificate", {"csr": csr_pem(name)}))["status"]
            for _ in range(12)
        ]
        assert said == ["Accepted"] * 10 + ["Rejected"] * 2
        states = [one.state.value for one in await requests_of(yard, name)]
        assert states.count("superseded") >= 8

    async def test_a_station_that_went_away_gets_it_when_it_is_back(self, yard: Yard) -> None:
        name, wire = await yard.station("2.0.1")
        await wire.call("SignCertificate", {"csr": csr_pem(name)})
        await wire.asked("CertificateSigned")
        await wire.close(None)
        again = await yard.connect(name, "2.0.1")
        await yard.boot(again, "2.0.1")
        call, said = await again.asked("CertificateSigned")
        again.answer(call, {"status": "Accepted"})
        assert (await settled(yard, name)).state.value == "accepted"
        assert (
            await yard.value("SELECT count(*) FROM certificates WHERE station_id = $1", name) == 1
        )
        assert len(loaded(said["certificateChain"])) == 2


# ---- what certificates are worth ----------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="session")
async def contract(yard: Yard) -> AsyncGenerator[tuple[str, list[x509.Certificate]]]:
    """A contract of our own authority, and a token for it: (name, chain with the root)."""
    await yard.rooms.security.ensure(yard.ctx)
    made, _ = await yard.rooms.security.issue(yard.ctx, Use.CONTRACT, EMAID)
    root = await authority(yard, Role.MO_ROOT)
    chain = [x509.load_der_x509_certificate(der) for der in (*made.chain, root.certificate)]
    if not await yard.rows("SELECT FROM tokens WHERE uid = $1", EMAID):
        await yard.token(EMAID, type="eMAID")
    yield made.id, chain
    await yard.rooms.access.change(yard.ctx, EMAID, status=TokenStatus.ACCEPTED)


def hash_data(
    leaf: x509.Certificate, issuer: x509.Certificate, *, url: str | None = None
) -> dict[str, Any]:
    name = name_of(leaf, issuer, HashAlgorithm.SHA256)
    data = {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": name.issuer_name,
        "issuerKeyHash": name.issuer_key,
        "serialNumber": name.serial,
    }
    return data if url is None else data | {"responderURL": url}


def pems(chain: list[x509.Certificate]) -> str:
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in chain)


Chain = tuple[str, list[x509.Certificate]]


async def authorize(wire: Wire, version: str, payload: dict[str, Any]) -> tuple[str, str | None]:
    """(of the token, of the certificate)"""
    if version == "1.6":
        said = {"vendorId": PNC, "messageId": "Authorize", "data": json.dumps(payload)}
        wrapped = await wire.call("DataTransfer", said)
        assert wrapped["status"] == "Accepted"
        answer = json.loads(wrapped["data"])
    else:
        answer = await wire.call("Authorize", payload)
    return answer["idTokenInfo"]["status"], answer.get("certificateStatus")


@pytest.mark.parametrize("version", VERSIONS)
class TestAContract:
    TOKEN: Final = {"idToken": EMAID, "type": "eMAID"}

    async def test_the_whole_chain(self, yard: Yard, contract: Chain, version: str) -> None:
        _, wire = await yard.station(version)
        _, chain = contract
        payload = {"idToken": self.TOKEN, "certificate": pems(chain[:-1])}
        assert await authorize(wire, version, payload) == ("Accepted", "Accepted")

    async def test_by_hashes(self, yard: Yard, contract: Chain, version: str) -> None:
        _, wire = await yard.station(version)
        _, (leaf, sub, root) = contract
        asked = [hash_data(leaf, sub, url=""), hash_data(sub, root, url="")]
        payload = {"idToken": self.TOKEN, "iso15118CertificateHashData": asked}
        assert await authorize(wire, version, payload) == ("Accepted", "Accepted")

    async def test_another_spelling_is_the_same_contract(
        self, yard: Yard, contract: Chain, version: str
    ) -> None:
        _, wire = await yard.station(version)
        token = {"idToken": "de-8aa-c12345678", "type": "eMAID"}
        payload = {"idToken": token, "certificate": pems(contract[1][:-1])}
        assert await authorize(wire, version, payload) == ("Accepted", "Accepted")

    async def test_a_contract_that_is_blocked(
        self, yard: Yard, contract: Chain, version: str
    ) -> None:
        _, wire = await yard.station(version)
        await yard.rooms.access.change(yard.ctx, EMAID, status=TokenStatus.BLOCKED)
        payload = {"idToken": self.TOKEN, "certificate": pems(contract[1][:-1])}
        assert await authorize(wire, version, payload) == ("Blocked", "ContractCancelled")

    async def test_revoked(self, yard: Yard, contract: Chain, version: str) -> None:
        _, wire = await yard.station(version)
        made, (leaf, sub, root) = contract
        await yard.rooms.security.statuses.revoke(yard.ctx, made, Reason.KEY_COMPROMISE)
        for more in (
            {"certificate": pems([leaf, sub])},
            {"iso15118CertificateHashData": [hash_data(leaf, sub, url="")]},
        ):
            found = await authorize(wire, version, {"idToken": self.TOKEN, **more})
            assert found == ("Invalid", "CertificateRevoked")
        assert root.subject == sub.issuer

    async def test_a_strangers_chain(self, yard: Yard, contract: Chain, version: str) -> None:
        _, wire = await yard.station(version)
        _, (leaf, sub, root) = contract
        foreign = Foreign("MO Sub-CA", yard.ctx.now)
        for chain in ([foreign.leaf(), foreign.certificate], [foreign.leaf(), sub], [root, leaf]):
            payload = {"idToken": self.TOKEN, "certificate": pems(chain)}
            found = await authorize(wire, version, payload)
            assert found == ("Invalid", "CertChainError")
        strange = hash_data(root, leaf, url="http://127.0.0.1:1/ocsp")
        hashes = {"idToken": self.TOKEN, "iso15118CertificateHashData": [strange]}
        assert await authorize(wire, version, hashes) == ("Invalid", "CertChainError")

    async def test_somebody_elses_name(self, yard: Yard, contract: Chain, version: str) -> None:
        _, wire = await yard.station(version)
        for uid in ("DE8AAC87654321", "no contract"):
            payload = {
                "idToken": {"idToken": uid, "type": "eMAID"},
                "certificate": pems(contract[1][:-1]),
            }
            assert await authorize(wire, version, payload) == ("Invalid", "CertChainError")


async def test_in_16_a_token_may_be_plain_text(yard: Yard, contract: Chain) -> None:
    _, wire = await yard.station("1.6")
    payload = {"idToken": EMAID, "certificate": pems(contract[1][:-1])}
    assert await authorize(wire, "1.6", payload) == ("Accepted", "Accepted")


@pytest.mark.parametrize(
    ("message", "data", "status"),
    [
        ("Reset", "{}", "UnknownMessageId"),
        ("", "{}", "UnknownMessageId"),
        ("Authorize", "", "Rejected"),
        ("Authorize", "{", "Rejected"),
        ("Authorize", "[]", "Rejected"),
        ("Authorize", '{"idToken": 7}', "Rejected"),
        ("Authorize", "[" * 100_000, "Rejected"),
        ("SignCertificate", '{"csr": "x", "more": 1}', "Rejected"),
    ],
)
async def test_in_16_what_is_no_message(yard: Yard, message: str, data: str, status: str) -> None:
    _, wire = await yard.station("1.6")
    said = {"vendorId": PNC, "messageId": message, "data": data}
    assert (await wire.call("DataTransfer", said))["status"] == status


@pytest.mark.parametrize("version", VERSIONS)
class TestCertificateStatus:
    async def ask(self, wire: Wire, version: str, data: dict[str, Any]) -> dict[str, Any]:
        payload = {"ocspRequestData": data}
        if version != "1.6":
            return await wire.call("GetCertificateStatus", payload)
        said = {"vendorId": PNC, "messageId": "GetCertificateStatus", "data": json.dumps(payload)}
        answer: dict[str, Any] = json.loads((await wire.call("DataTransfer", said))["data"])
        return answer

    async def test_of_ours(self, yard: Yard, contract: Chain, version: str) -> None:
        _, wire = await yard.station(version)
        made, (leaf, sub, _) = contract
        words = []
        for revoke in (False, True):
            if revoke:
                await yard.rooms.security.statuses.revoke(yard.ctx, made, Reason.UNSPECIFIED)
            answer = await self.ask(wire, version, hash_data(leaf, sub, url="http://not.asked"))
            assert answer["status"] == "Accepted"
            response = ocsp.load_der_ocsp_response(base64.b64decode(answer["ocspResult"]))
            assert serial_hex(response.serial_number) == serial_hex(leaf.serial_number)
            words.append(response.certificate_status)
        assert words == [ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED]

    async def test_whom_nobody_can_ask(self, yard: Yard, contract: Chain, version: str) -> None:
        _, wire = await yard.station(version)
        leaf, sub, _ = contract[1]
        # An address of our own network, which a station would like us to visit.
        strange = hash_data(sub, leaf, url="http://127.0.0.1:5432/")
        answer = await self.ask(wire, version, strange)
        assert (answer["status"], answer.get("ocspResult")) == ("Failed", None)
        assert "our own network" in answer["statusInfo"]["additionalInfo"]

    async def test_a_name_that_is_none(self, yard: Yard, version: str) -> None:
        _, wire = await yard.station(version)
        data = {
            "hashAlgorithm": "SHA512",
            "issuerNameHash": "zz",
            "issuerKeyHash": "",
            "serialNumber": "",
            "responderURL": "http://example.com",
        }
        assert (await self.ask(wire, version, data))["status"] == "Failed"


async def test_get_certificate_chain_status(yard: Yard, contract: Chain) -> None:
    _, wire = await yard.station("2.1")
    made, (leaf, sub, root) = contract
    strange = {
        "certificateHashData": hash_data(root, leaf),
        "source": "OCSP",
        "urls": ["http://[::1]/"],
    }
    asked = [
        {
            "certificateHashData": hash_data(leaf, sub),
            "source": "CRL",
            "urls": ["http://a.example"],
        },
        {
            "certificateHashData": hash_data(sub, root),
            "source": "OCSP",
            "urls": ["http://a.example"],
        },
        strange,
    ]
    answer = await wire.call("GetCertificateChainStatus", {"certificateStatusRequests": asked})
    assert [one["status"] for one in answer["certificateStatus"]] == ["Good", "Good", "Failed"]
    await yard.rooms.security.statuses.revoke(yard.ctx, made, Reason.SUPERSEDED)
    answer = await wire.call("GetCertificateChainStatus", {"certificateStatusRequests": asked[:1]})
    (state,) = answer["certificateStatus"]
    assert (state["status"], state["source"]) == ("Revoked", "CRL")
    assert state["certificateHashData"] == asked[0]["certificateHashData"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_get_15118_ev_certificate_without_a_provider(yard: Yard, version: str) -> None:
    _, wire = await yard.station(version)
    payload = {
        "iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef",
        "action": "Install",
        "exiRequest": "gJgCE...",
    }
    if version == "1.6":
        said = {"vendorId": PNC, "messageId": "Get15118EVCertificate", "data": json.dumps(payload)}
        answer = json.loads((await wire.call("DataTransfer", said))["data"])
    else:
        answer = await wire.call("Get15118EVCertificate", payload)
    assert (answer["status"], answer["exiResponse"]) == ("Failed", "")
    assert answer["statusInfo"]["reasonCode"] == "NoContract"
    assert "no provider" in answer["statusInfo"]["additionalInfo"]


async def test_the_house_forgets_nobody(yard: Yard) -> None:
    """What is signed waits in the database, not in anybody's memory."""
    name, wire = await yard.station("1.6")
    await wire.call("SignCertificate", {"csr": csr_pem(name)})
    call, _ = await wire.asked("CertificateSigned")
    state = "SELECT state FROM signing_requests WHERE station_id = $1"
    assert await yard.value(state, name) == "signed"
    wire.answer(call, {"status": "Accepted"})
    await settled(yard, name)
    await until(lambda: yard.gateway is not None)
