"""Certificates over HTTP; and what the world asks of a PKI, checked by OpenSSL where it is."""

import base64
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509 import ocsp

from forecourt.domain.security import Certificate, HashAlgorithm, Reason, Role, Use
from forecourt.domain.security.rules import name_of, question
from tests.edge.http.conftest import NOW, Door
from tests.fixtures.pki import EMAID, Foreign, csr_pem, new_key, pem

pytestmark = pytest.mark.storage

OPENSSL = shutil.which("openssl")
BASE = "/api/v1/certificates"
with_openssl = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")


async def issued(door: Door, use: Use = Use.STATION, name: str = "CP1") -> Certificate:
    made, _ = await door.rooms.security.issue(door.ctx(), use, name)
    return made


async def everything(door: Door) -> dict[str, bytes]:
    """All rows of all tables, as bytes: binary columns as they are, the rest as text."""
    conn = await asyncpg.connect(door.db.url)
    try:
        tables = [
            row[0]
            for row in await conn.fetch(
                "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
            )
        ]
        return {
            table: b"\n".join(
                value if isinstance(value, bytes) else str(value).encode()
                for row in await conn.fetch(f'SELECT * FROM "{table}"')
                for value in row.values()
            )
            for table in tables
        }
    finally:
        await conn.close()


async def roots(door: Door, role: Role) -> x509.Certificate:
    known = await door.rooms.security.authorities(door.ctx())
    found = next(one for one in known if one.role is role)
    return x509.load_der_x509_certificate(found.certificate)


def openssl(folder: Path, *arguments: str) -> str:
    assert OPENSSL is not None
    done = subprocess.run(
        [OPENSSL, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


class TestForOperators:
    async def test_sign_list_read_revoke(self, door: Door, acme: httpx.AsyncClient) -> None:
        key = new_key()
        body = {"csr": csr_pem("CP7", key=key), "use": "station", "days": 30}
        made = await acme.post(BASE, json=body)
        assert made.status_code == 201
        told = made.json()
        assert (told["subject"], told["use"], told["revoked_at"]) == ("CP7", "station", None)
        leaf, sub = x509.load_pem_x509_certificates(told["chain_pem"].encode())
        form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        assert leaf.public_key().public_bytes(*form) == key.public_key().public_bytes(*form)
        leaf.verify_directly_issued_by(sub)
        assert (await acme.get(f"{BASE}/{told['id']}")).json() == told
        assert (await acme.get(f"{BASE}/{told['fingerprint'].upper()}")).json() == told
        page = (await acme.get(BASE, params={"use": "station"})).json()
        assert page == {"items": [told], "next": None}
        assert (await acme.get(BASE, params={"use": "v2g"})).json()["items"] == []
        for reason in ("keyCompromise", "superseded"):
            gone = await acme.post(f"{BASE}/{told['id']}/revoke", json={"reason": reason})
            assert (gone.status_code, gone.json()) == (201, {"authority_told": True})
        assert (await acme.get(f"{BASE}/{told['id']}")).json()[
            "revoked_at"
        ] == "2026-03-01T12:00:00Z"
        kinds = "SELECT count(*) FROM events WHERE type = 'certificate.revoked'"
        async with door.db.house_unit() as unit:
            assert (await unit.conn.exec_driver_sql(kinds)).scalar_one() == 1

    async def test_a_key_of_our_making(self, door: Door, acme: httpx.AsyncClient) -> None:
        body = {"name": "csms.example", "use": "server", "hosts": ["csms.example", "192.0.2.1"]}
        made = await acme.post(f"{BASE}/issue", json={**body, "days": 30})
        assert made.status_code == 201
        assert made.headers["cache-control"] == "no-store"
        told = made.json()
        key = load_pem_private_key(told.pop("key_pem").encode(), None)
        leaf, sub = x509.load_pem_x509_certificates(told["chain_pem"].encode())
        form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        assert leaf.public_key().public_bytes(*form) == key.public_key().public_bytes(*form)
        leaf.verify_directly_issued_by(sub)
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert [str(one.value) for one in names] == body["hosts"]
        assert leaf.not_valid_after_utc == NOW + timedelta(days=30)
        assert (await acme.get(f"{BASE}/{told['id']}")).json() == told
        assert (await acme.get(BASE)).json() == {"items": [told], "next": None}

    async def test_its_key_lies_nowhere_in_clear(
        self, door: Door, acme: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        body, once = {"name": "CP1", "use": "station"}, {"Idempotency-Key": "k"}
        made = await acme.post(f"{BASE}/issue", json=body, headers=once)
        again = await acme.post(f"{BASE}/issue", json=body, headers=once)
        assert (again.content, again.headers["idempotent-replayed"]) == (made.content, "true")
        key = load_pem_private_key(made.json()["key_pem"].encode(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        number = key.private_numbers().private_value.to_bytes(32, "big")
        dumped = await everything(door)
        assert b'"CP1"' in dumped["audit"]  # What was asked stands there.
        assert b"issue_certificate" in dumped["audit"]
        spelt = (made.json()["key_pem"].splitlines()[1].encode(), number, number.hex().encode())
        for table, rows in dumped.items():
            assert not any(one in rows for one in spelt), table
        assert spelt[0].decode() not in caplog.text
        page = (await acme.get(BASE)).json()["items"]
        assert len(page) == 1, "asked twice, made once"

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"name": "CP1"},
            {"use": "station"},
            {"name": "", "use": "station"},
            {"name": "a\nb", "use": "station"},
            {"name": "x" * 65, "use": "station"},
            {"name": "ü" * 33, "use": "station"},
            {"name": "CP1", "use": "root"},
            {"name": "CP1", "use": "station", "days": 0},
            {"name": "CP1", "use": "station", "days": 3_651},
            {"name": "CP1", "use": "station", "days": True},
            {"name": "CP1", "use": "station", "hosts": ["a.example"]},
            {"name": "münchen.example", "use": "server"},
            {"name": "two words", "use": "server"},
            {"name": "a.example", "use": "server", "hosts": ["a.example", "bad host"]},
            {"name": "a.example", "use": "server", "hosts": ["fe80::1%eth0"]},
            {"name": "a.example", "use": "server", "hosts": ["a" * 254]},
            {"name": "a.example", "use": "server", "hosts": ["a.example"] * 101},
            {"name": "a.example", "use": "server", "hosts": "a.example"},
            {"name": "CP1", "use": "station", "key_pem": "mine"},
            [],
            None,
        ],
    )
    async def test_what_is_not_made(self, acme: httpx.AsyncClient, body: Any) -> None:
        answer = await acme.post(f"{BASE}/issue", json=body)
        assert answer.status_code == 400, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert (await acme.get(BASE)).json()["items"] == []

    async def test_our_authorities_before_they_sign(
        self, door: Door, acme: httpx.AsyncClient, other: httpx.AsyncClient
    ) -> None:
        assert (await acme.get(f"{BASE}/trust")).json() == {"certificates_pem": ""}
        made = await acme.post(f"{BASE}/authorities/own")
        assert (made.status_code, len(made.json()["items"])) == (201, 7)
        assert (await acme.post(f"{BASE}/authorities/own")).json()["items"] == []
        known = (await acme.get(f"{BASE}/authorities")).json()["items"]
        assert sorted(one["id"] for one in known) == sorted(
            one["id"] for one in made.json()["items"]
        )
        trusted = (await acme.get(f"{BASE}/trust")).json()["certificates_pem"]
        found = {one["certificate_pem"] for one in made.json()["items"]}
        blocks = x509.load_pem_x509_certificates(trusted.encode())
        assert {pem(one) for one in blocks} < found
        assert len(blocks) == 2
        assert (await other.get(f"{BASE}/trust")).json() == {"certificates_pem": ""}

    async def test_pages(self, door: Door, acme: httpx.AsyncClient) -> None:
        made = [(await issued(door, name=f"CP{n}")).id for n in range(3)]
        first = (await acme.get(BASE, params={"limit": 2})).json()
        rest = (await acme.get(BASE, params={"limit": 2, "cursor": first["next"]})).json()
        found = [one["id"] for one in (*first["items"], *rest["items"])]
        assert (sorted(found), rest["next"]) == (sorted(made), None)

    async def test_what_ends_soon(self, door: Door, acme: httpx.AsyncClient) -> None:
        await door.rooms.security.issue(door.ctx(), Use.STATION, "CP1", days=10)
        await issued(door, name="CP2")
        soon = (NOW + timedelta(days=20)).isoformat()
        found = (await acme.get(BASE, params={"expires_before": soon})).json()["items"]
        assert [one["subject"] for one in found] == ["CP1"]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"csr": "junk", "use": "station"},
            {"csr": csr_pem("CP1", ca=True), "use": "station"},
            {"csr": csr_pem(None), "use": "server"},
            {"csr": csr_pem("CP1"), "use": "root"},
            {"csr": csr_pem("CP1"), "use": "station", "days": 0},
            {"csr": "x" * 6_000, "use": "station"},
            {"csr": csr_pem("münchen.example"), "use": "server"},
            {"csr": csr_pem("two words"), "use": "server"},
        ],
    )
    async def test_what_is_not_signed(self, acme: httpx.AsyncClient, body: dict[str, Any]) -> None:
        assert (await acme.post(BASE, json=body)).status_code == 400

    async def test_whom_we_trust(self, door: Door, acme: httpx.AsyncClient) -> None:
        root = Foreign("Somebody's V2G Root", NOW)
        body = {"certificates": pem(root.certificate), "role": "v2g_root"}
        (made,) = (await acme.post(f"{BASE}/authorities", json=body)).json()["items"]
        assert (made["own"], made["name"]) == (False, "Somebody's V2G Root")
        again = await acme.post(f"{BASE}/authorities", json=body)
        assert (again.status_code, again.json()["code"]) == (409, "authority.exists")
        leaf = {"certificates": pem(root.leaf()), "role": "v2g_root"}
        refused = await acme.post(f"{BASE}/authorities", json=leaf)
        assert (refused.status_code, refused.json()["code"]) == (400, "certificate.invalid")
        assert (await acme.delete(f"{BASE}/authorities/{made['id']}")).status_code == 204
        assert (await acme.get(f"{BASE}/authorities")).json()["items"] == []
        await door.rooms.security.ensure(door.ctx())
        own = (await acme.get(f"{BASE}/authorities")).json()["items"]
        assert len(own) == 7
        kept = await acme.delete(f"{BASE}/authorities/{own[0]['id']}")
        assert (kept.status_code, kept.json()["code"]) == (404, "authority.unknown")

    async def test_a_contract_seen_and_ended(self, door: Door, acme: httpx.AsyncClient) -> None:
        made = await issued(door, Use.CONTRACT, EMAID)
        chain = "".join(pem(x509.load_der_x509_certificate(der)) for der in made.chain)
        contracts = door.rooms.security.contracts
        assert (await contracts.check_chain(door.ctx(), EMAID, chain)).verdict == "good"
        (seen,) = (await acme.get(f"{BASE}/contracts")).json()["items"]
        assert (seen["emaid"], seen["fingerprint"]) == (EMAID, made.fingerprint)
        ended = await acme.post(f"{BASE}/contracts/DE-8AA-C12345678/cancel")
        assert ended.json() == {"certificates": 1}
        assert (await contracts.check_chain(door.ctx(), EMAID, chain)).verdict == "cancelled"
        leaf, sub = (x509.load_der_x509_certificate(der) for der in made.chain)
        asked = [(name_of(leaf, sub, HashAlgorithm.SHA512), "")]
        assert (await contracts.check_names(door.ctx(), EMAID, asked)).verdict == "cancelled"

    async def test_another_tenant_sees_nothing(
        self, door: Door, acme: httpx.AsyncClient, other: httpx.AsyncClient
    ) -> None:
        made = await issued(door)
        for path in ("", "/requests", "/authorities", "/contracts", "/stations/CP1"):
            assert (await other.get(BASE + path)).json()["items"] == []
        assert (await other.get(f"{BASE}/{made.id}")).status_code == 404
        gone = await other.post(f"{BASE}/{made.id}/revoke", json={})
        assert (gone.status_code, gone.json()["code"]) == (404, "certificate.unknown")
        known = (await acme.get(f"{BASE}/authorities")).json()["items"]
        assert (await other.delete(f"{BASE}/authorities/{known[0]['id']}")).status_code == 404


class TestForTheWorld:
    async def ask(self, stranger: httpx.AsyncClient, request: bytes) -> ocsp.OCSPResponse:
        answer = await stranger.post(
            "/pki/ocsp", content=request, headers={"Content-Type": "application/ocsp-request"}
        )
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/ocsp-response"
        by_path = await stranger.get("/pki/ocsp/" + base64.b64encode(request).decode())
        assert by_path.status_code == 200
        found = ocsp.load_der_ocsp_response(answer.content)
        assert ocsp.load_der_ocsp_response(by_path.content).response_status is found.response_status
        return found

    @pytest.mark.parametrize("algorithm", list(HashAlgorithm))
    async def test_good_then_revoked(
        self, door: Door, stranger: httpx.AsyncClient, algorithm: HashAlgorithm
    ) -> None:
        made = await issued(door)
        leaf, sub = (x509.load_der_x509_certificate(der) for der in made.chain)
        request = question(name_of(leaf, sub, algorithm))
        assert (await self.ask(stranger, request)).certificate_status is ocsp.OCSPCertStatus.GOOD
        await door.rooms.security.statuses.revoke(door.ctx(), made.id, Reason.KEY_COMPROMISE)
        found = await self.ask(stranger, request)
        assert found.certificate_status is ocsp.OCSPCertStatus.REVOKED
        assert found.revocation_time_utc == NOW
        assert found.revocation_reason is x509.ReasonFlags.key_compromise

    async def test_of_an_authority(self, door: Door, stranger: httpx.AsyncClient) -> None:
        made = await issued(door)
        sub = x509.load_der_x509_certificate(made.chain[1])
        root = await roots(door, Role.CSMS_ROOT)
        request = question(name_of(sub, root, HashAlgorithm.SHA1))
        assert (await self.ask(stranger, request)).certificate_status is ocsp.OCSPCertStatus.GOOD

    async def test_what_we_never_signed(self, door: Door, stranger: httpx.AsyncClient) -> None:
        await issued(door)
        station_ca = await roots(door, Role.STATION)
        forged = Foreign("x", NOW).leaf()
        found = await self.ask(
            stranger, question(name_of(forged, station_ca, HashAlgorithm.SHA256))
        )
        assert found.certificate_status is ocsp.OCSPCertStatus.UNKNOWN
        somebody = Foreign("x", NOW)
        name = name_of(somebody.leaf(), somebody.certificate, HashAlgorithm.SHA256)
        refused = await self.ask(stranger, question(name))
        assert refused.response_status is ocsp.OCSPResponseStatus.UNAUTHORIZED

    @pytest.mark.parametrize("junk", [b"", b"junk", bytes(4_000)])
    async def test_junk(self, stranger: httpx.AsyncClient, junk: bytes) -> None:
        answer = await stranger.post("/pki/ocsp", content=junk)
        found = ocsp.load_der_ocsp_response(answer.content)
        assert found.response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST

    async def test_too_much(self, stranger: httpx.AsyncClient) -> None:
        assert (await stranger.post("/pki/ocsp", content=bytes(5_000))).status_code == 413

    async def test_the_list(self, door: Door, stranger: httpx.AsyncClient) -> None:
        made = [await issued(door, name=f"CP{n}") for n in range(3)]
        for one, reason in zip(made, (Reason.UNSPECIFIED, Reason.CESSATION), strict=False):
            await door.rooms.security.statuses.revoke(door.ctx(), one.id, reason)
        answer = await stranger.get(f"/pki/crl/{made[0].authority}.crl")
        assert answer.headers["content-type"] == "application/pkix-crl"
        found = x509.load_der_x509_crl(answer.content)
        issuer = await roots(door, Role.STATION)
        key: Any = issuer.public_key()
        assert found.is_signature_valid(key)
        assert {f"{one.serial_number:x}" for one in found} == {one.serial for one in made[:2]}
        assert (found.last_update_utc, found.next_update_utc) == (NOW, NOW + timedelta(days=7))
        assert (await stranger.get("/pki/crl/aut_none.crl")).status_code == 404

    @with_openssl
    async def test_openssl_asks_and_believes(
        self, door: Door, stranger: httpx.AsyncClient, tmp_path: Path
    ) -> None:
        made = await issued(door)
        leaf, sub = (x509.load_der_x509_certificate(der) for der in made.chain)
        root = await roots(door, Role.CSMS_ROOT)
        for name, one in (("leaf", leaf), ("sub", sub), ("root", root)):
            (tmp_path / f"{name}.pem").write_text(pem(one))
        said = []
        for revoke in (False, True):
            if revoke:
                await door.rooms.security.statuses.revoke(door.ctx(), made.id, Reason.SUPERSEDED)
            openssl(
                tmp_path,
                *("ocsp", "-issuer", "sub.pem", "-cert", "leaf.pem", "-reqout", "asked.der"),
            )
            asked = (tmp_path / "asked.der").read_bytes()
            answer = await stranger.post("/pki/ocsp", content=asked)
            (tmp_path / "said.der").write_bytes(answer.content)
            request, response = ocsp.load_der_ocsp_request(asked), answer.content
            nonces = [
                one.extensions.get_extension_for_class(x509.OCSPNonce).value
                for one in (request, ocsp.load_der_ocsp_response(response))
            ]
            assert nonces[0] == nonces[1]
            said.append(
                openssl(
                    tmp_path,
                    *("ocsp", "-issuer", "sub.pem", "-cert", "leaf.pem", "-respin", "said.der"),
                    *("-no_nonce", "-CAfile", "root.pem", "-verify_other", "sub.pem"),
                    # The test's clock is not the machine's, and this one cannot be told.
                    *("-attime", str(int(NOW.timestamp()) + 1), "-validity_period", "1000000000"),
                )
            )
        assert "Response verify OK" in said[0]
        assert "leaf.pem: good" in said[0]
        assert "leaf.pem: revoked" in said[1]
        assert "Reason: superseded" in said[1]

    @with_openssl
    async def test_openssl_checks_against_the_list(
        self, door: Door, stranger: httpx.AsyncClient, tmp_path: Path
    ) -> None:
        good, bad = [await issued(door, name=name) for name in ("CP1", "CP2")]
        await door.rooms.security.statuses.revoke(door.ctx(), bad.id, Reason.KEY_COMPROMISE)
        crl = await stranger.get(f"/pki/crl/{good.authority}.crl")
        (tmp_path / "list.der").write_bytes(crl.content)
        openssl(tmp_path, "crl", "-inform", "DER", "-in", "list.der", "-out", "list.pem")
        (tmp_path / "root.pem").write_text(pem(await roots(door, Role.CSMS_ROOT)))
        said = []
        for one in (good, bad):
            leaf, sub = (x509.load_der_x509_certificate(der) for der in one.chain)
            (tmp_path / "leaf.pem").write_text(pem(leaf))
            (tmp_path / "sub.pem").write_text(pem(sub))
            said.append(
                openssl(
                    tmp_path,
                    *("verify", "-crl_check", "-CRLfile", "list.pem", "-CAfile", "root.pem"),
                    *(
                        "-untrusted",
                        "sub.pem",
                        "-attime",
                        str(int(NOW.timestamp()) + 1),
                        "leaf.pem",
                    ),
                )
            )
        assert said[0] == "leaf.pem: OK\n"
        assert "certificate revoked" in said[1]
