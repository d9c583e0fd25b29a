"""Another authority plugs in: EST (RFC 7030) over a true connection, in place of our own."""

import base64
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from forecourt.domain.security import (
    Authority,
    EstAuthority,
    Holder,
    Issued,
    Profile,
    Reason,
    RequestState,
    Security,
    Untrusted,
    Use,
)
from forecourt.infra.outbound import Outbound
from tests.domain.conftest import CP1, KEY, NOW, Site
from tests.fixtures.pki import Foreign, csr_pem
from tests.fixtures.web import Asked, Said, Web, web

NAMES: Final = frozenset({CP1})


class Est:
    """An EST server: what it says can be anything."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now
        self.root = Foreign("Outside Root", now)
        self.sub = Foreign("Outside Sub", now, above=self.root)
        self.status = 200
        self.name: str | None = None
        self.signer = self.sub

    def says(self, asked: Asked) -> Said:
        if asked.headers.get("authorization") != "Basic " + base64.b64encode(b"me:pw").decode():
            return 401, {}, b""
        if asked.path == "/est/cacerts":
            return 200, {}, self.certs([self.root.certificate, self.sub.certificate])
        assert asked.path == "/est/simpleenroll"
        assert asked.headers["content-type"] == "application/pkcs10"
        if self.status != 200:
            return self.status, {"Retry-After": "60"}, b""
        request = x509.load_der_x509_csr(base64.b64decode(asked.body))
        subject = request.subject
        if self.name is not None:
            subject = x509.Name.from_rfc4514_string(f"CN={self.name}")
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.signer.subject)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - timedelta(days=1))
            .not_valid_after(self.now + timedelta(days=90))
            .sign(self.signer.key, SHA256())
        )
        return 200, {}, self.certs([made])

    @staticmethod
    def certs(found: list[x509.Certificate]) -> bytes:
        return base64.encodebytes(pkcs7.serialize_certificates(found, Encoding.DER))


class Outside:
    """The room with an authority outside."""

    def __init__(self, site: Site, est: Est, server: Web, credentials: str = "me:pw") -> None:
        outbound = Outbound(hosts=frozenset({"127.0.0.1"}))
        self.authority = EstAuthority(outbound, f"{server.url}/est/", credentials=credentials)
        self.security = Security(
            site.db, secret_key=KEY, outbound=outbound, outside={Use.STATION: self.authority}
        )
        self.site, self.est = site, est

    async def ask(self) -> str:
        taken = await self.security.signing.ask(
            self.site.ctx, CP1, csr_pem(CP1), Use.STATION, names=NAMES
        )
        return getattr(taken, "id", "")

    async def serve(self) -> RequestState:
        """What the courier does, up to the station's door."""
        for task in await self.security.signing.claim(self.site.ctx.now, most=10):
            await self.security.signing.sign(self.site.ctx, task)
        return (await self.security.signing.list(self.site.ctx)).items[0].state


@pytest.fixture
async def outside(site: Site) -> AsyncGenerator[Outside]:
    est = Est()
    async with web(est.says) as server:
        yield Outside(site, est, server)


async def test_it_signs_what_stations_ask(outside: Outside) -> None:
    assert await outside.ask()
    assert await outside.serve() is RequestState.SIGNED
    (made,) = (await outside.security.inventory.certificates(outside.site.ctx)).items
    leaf, sub = (x509.load_der_x509_certificate(der) for der in made.chain)
    assert sub == outside.est.sub.certificate
    leaf.verify_directly_issued_by(sub)
    # Whoever signs for us is known from now on: the listener trusts it, the door knows the station.
    trust = await outside.security.station_trust_pem()
    assert set(x509.load_pem_x509_certificates(trust.encode())) == {
        outside.est.sub.certificate,
        outside.est.root.certificate,
    }
    await outside.security.refresh()
    found = outside.security.station_of(made.chain[0], NOW)
    assert isinstance(found, Holder)
    assert (found.name, found.tenant) == (CP1, outside.site.ctx.tenant)
    # It takes no news of revocations; our own door knows all the same.
    told = await outside.security.statuses.revoke(outside.site.ctx, made.id, Reason.KEY_COMPROMISE)
    assert told is False
    await outside.security.refresh()
    assert isinstance(outside.security.station_of(made.chain[0], NOW), Untrusted)


@pytest.mark.parametrize("status", [202, 401, 429, 500, 503])
async def test_not_now_is_asked_again(outside: Outside, status: int) -> None:
    await outside.ask()
    outside.est.status = status
    assert await outside.serve() is RequestState.REQUESTED
    assert await outside.serve() is RequestState.REQUESTED, "not before its time"
    outside.est.status = 200
    outside.site.clock.advance(61)
    assert await outside.serve() is RequestState.SIGNED


async def test_after_a_day_somebody_must_look(outside: Outside) -> None:
    await outside.ask()
    outside.est.status = 503
    for _ in range(12):
        await outside.serve()
        outside.site.clock.advance(8 * 3_600)
    (request,) = (await outside.security.signing.list(outside.site.ctx)).items
    assert request.state is RequestState.FAILED
    assert "503" in request.detail
    assert await outside.site.count("events WHERE type = 'certificate.failed'") == 1


async def test_no_is_no(outside: Outside) -> None:
    await outside.ask()
    outside.est.status = 400
    assert await outside.serve() is RequestState.FAILED


@pytest.mark.parametrize("trick", ["another name", "another signer"])
async def test_an_answer_that_is_not_ours(outside: Outside, trick: str) -> None:
    await outside.ask()
    if trick == "another name":
        outside.est.name = "CP2"
    else:
        outside.est.signer = Foreign("Outside Sub", NOW)
    assert await outside.serve() is RequestState.FAILED
    assert await outside.site.count("certificates") == 0


async def test_nobody_there(site: Site) -> None:
    est = Est()
    async with web(est.says) as server:
        gone = Outside(site, est, server)
    await gone.ask()
    assert await gone.serve() is RequestState.REQUESTED


async def test_any_authority_will_do(site: Site) -> None:
    """Nothing but the interface is needed: here a hand of a test signs."""
    hand = Foreign("By Hand", NOW)

    class ByHand:
        async def sign(self, csr: bytes, profile: Profile, now: object) -> Issued:
            leaf = hand.leaf(profile.subject)
            ders = [one.public_bytes(Encoding.DER) for one in (leaf, hand.certificate)]
            return Issued(chain=(ders[0],), issuers=(ders[1],))

        async def revoke(self, serial: str, reason: Reason, now: object) -> bool:
            return True

        async def chain(self, now: object) -> list[bytes]:
            return [hand.certificate.public_bytes(Encoding.DER)]

        async def crl(self, now: object) -> bytes | None:
            return hand.crl()

    authority: Authority = ByHand()
    security = Security(site.db, secret_key=KEY, outside={Use.STATION: authority})
    made = await security.sign(site.ctx, csr_pem("CP1"), Use.STATION)
    assert await security.statuses.revoke(site.ctx, made.id, Reason.SUPERSEDED)
    crl = await security.authority(site.ctx, Use.STATION).crl(NOW)
    assert crl is not None
    assert x509.load_der_x509_crl(crl).issuer == hand.subject


async def test_our_own_behind_the_same_interface(site: Site) -> None:
    made = await site.security.sign(site.ctx, csr_pem("CP1"), Use.STATION)
    authority = site.security.authority(site.ctx, Use.STATION)
    chain = [x509.load_der_x509_certificate(der) for der in await authority.chain(NOW)]
    assert chain[-1].subject == chain[-1].issuer
    await site.security.statuses.revoke(site.ctx, made.id, Reason.SUPERSEDED)
    der = await authority.crl(NOW)
    assert der is not None
    assert {f"{one.serial_number:x}" for one in x509.load_der_x509_crl(der)} == {made.serial}
