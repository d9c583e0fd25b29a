"""The built-in authorities on a true database, checked by OpenSSL where it is installed."""

import asyncio
import shutil
import ssl
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from forecourt.base.context import Context
from forecourt.base.ids import TenantId
from forecourt.base.seal import SealBroken
from forecourt.domain.security import (
    AuthorityUnknown,
    Holder,
    Profile,
    Role,
    Security,
    SecurityOptions,
    Untrusted,
    Use,
)
from tests.domain.conftest import ACME, NOW, Site

OPENSSL = shutil.which("openssl")
HOSTS = ["csms.example.com", "127.0.0.1"]


def openssl_verify(folder: Path, *, roots: str, chain: str, purpose: str) -> str:
    """What ``openssl verify`` says of a chain, the leaf first."""
    (folder / "roots.pem").write_text(roots)
    leaf, *rest = [
        part + "-----END CERTIFICATE-----\n"
        for part in chain.split("-----END CERTIFICATE-----\n")[:-1]
    ]
    (folder / "leaf.pem").write_text(leaf)
    (folder / "rest.pem").write_text("".join(rest))
    assert OPENSSL is not None
    done = subprocess.run(
        [
            *(OPENSSL, "verify", "-x509_strict", "-purpose", purpose),
            *("-attime", str(int(NOW.timestamp())), "-CAfile", "roots.pem"),
            *("-untrusted", "rest.pem", "leaf.pem"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def csr(common_name: str = "CP1", organization: str = "Forecourt") -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


def profile(use: Use = Use.STATION, days: int = 30) -> Profile:
    return Profile(use=use, subject="CP1", organization="Forecourt", days=days)


async def test_three_hierarchies_made_once(site: Site) -> None:
    made = await site.security.ensure(site.ctx)
    assert {one.role for one in made} == {
        *(Role.CSMS_ROOT, Role.SERVER, Role.STATION, Role.V2G_ROOT, Role.V2G),
        *(Role.MO_ROOT, Role.CONTRACT),
    }
    assert await site.security.ensure(site.ctx) == []
    assert await site.count("authorities") == 7
    assert await site.count("events WHERE type = 'authority.added'") == 7


async def test_two_at_once_make_one_hierarchy(site: Site) -> None:
    made = await asyncio.gather(*(site.security.ensure(site.ctx) for _ in range(4)))
    assert sorted(map(len, made)) == [0, 0, 0, 7]


async def test_a_tenant_has_its_own(site: Site) -> None:
    other = Context(actor="test", tenant=TenantId("other"), now=NOW)
    await site.tenants.ensure(other.tenant, "Other", NOW)
    await site.security.ensure(site.ctx)
    await site.security.ensure(other)
    ours, theirs, all_of_them = [
        await site.security.station_trust_pem(ctx) for ctx in (site.ctx, other, None)
    ]
    assert ours != theirs
    assert set(x509.load_pem_x509_certificates(all_of_them.encode())) == {
        *x509.load_pem_x509_certificates(ours.encode()),
        *x509.load_pem_x509_certificates(theirs.encode()),
    }


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
async def test_openssl_likes_our_server(site: Site, tmp_path: Path) -> None:
    made = await site.security.server_certificate(site.ctx, HOSTS)
    roots = await site.security.station_trust_pem(site.ctx)
    said = openssl_verify(tmp_path, roots=roots, chain=made.chain_pem, purpose="sslserver")
    assert said == "leaf.pem: OK\n"
    # The same roots vouch for stations; our server's certificate does not make it one.
    said = openssl_verify(tmp_path, roots=roots, chain=made.chain_pem, purpose="sslclient")
    assert "purpose" in said


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
@pytest.mark.parametrize("use", [Use.STATION, Use.V2G20])
async def test_openssl_likes_a_station(site: Site, tmp_path: Path, use: Use) -> None:
    await site.security.ensure(site.ctx)
    authority = site.security.authority(site.ctx, use)
    issued = await authority.sign(csr(), profile(use), NOW)
    chain = [x509.load_der_x509_certificate(der) for der in issued.chain]
    root = x509.load_der_x509_certificate((await authority.chain(NOW))[-1])
    text = "".join(one.public_bytes(Encoding.PEM).decode() for one in chain)
    roots = root.public_bytes(Encoding.PEM).decode()
    assert (
        openssl_verify(tmp_path, roots=roots, chain=text, purpose="sslclient") == "leaf.pem: OK\n"
    )


async def test_what_stands_in_a_station_certificate(site: Site) -> None:
    security = Security(
        site.db,
        secret_key=bytes(range(32)),
        options=SecurityOptions(organization="ACME", url="https://pki.example.com/"),
    )
    await security.ensure(site.ctx)
    issued = await security.authority(site.ctx, Use.STATION).sign(csr(), profile(), NOW)
    leaf = x509.load_der_x509_certificate(issued.chain[0])
    assert leaf.subject.rfc4514_string() == "CN=CP1,O=Forecourt"
    held = leaf.extensions
    purpose = held.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purpose) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    # A name for servers would make it one (A00.FR.511).
    with pytest.raises(x509.ExtensionNotFound):
        held.get_extension_for_class(x509.SubjectAlternativeName)
    assert held.get_extension_for_class(x509.BasicConstraints).value.ca is False
    point = held.get_extension_for_class(x509.CRLDistributionPoints).value[0].full_name
    assert point is not None
    assert point[0].value == f"https://pki.example.com/pki/crl/{issued.authority}.crl"
    place = held.get_extension_for_class(x509.AuthorityInformationAccess).value[0]
    assert place.access_location.value == "https://pki.example.com/pki/ocsp"
    sub = x509.load_der_x509_certificate(issued.chain[1])
    own = sub.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert (
        held.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        == own.key_identifier
    )
    assert leaf.not_valid_before_utc < NOW < leaf.not_valid_after_utc == NOW + timedelta(days=30)


async def test_nothing_outlives_its_issuer(site: Site) -> None:
    await site.security.ensure(site.ctx)
    issued = await site.security.authority(site.ctx, Use.STATION).sign(
        csr(), profile(days=9_999), NOW
    )
    leaf, sub = [x509.load_der_x509_certificate(der) for der in issued.chain]
    assert leaf.not_valid_after_utc == sub.not_valid_after_utc


async def test_no_authority_no_certificate(site: Site) -> None:
    with pytest.raises(AuthorityUnknown):
        await site.security.authority(site.ctx, Use.STATION).sign(csr(), profile(), NOW)


class TestTheListenersOwn:
    async def test_a_listener_can_use_it(self, site: Site, tmp_path: Path) -> None:
        made = await site.security.server_certificate(site.ctx, HOSTS)
        (tmp_path / "chain.pem").write_text(made.chain_pem)
        (tmp_path / "key.pem").write_text(made.key_pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")
        context.load_verify_locations(cadata=await site.security.station_trust_pem())
        assert context.cert_store_stats()["x509_ca"] == 2
        leaf = x509.load_pem_x509_certificates(made.chain_pem.encode())[0]
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["csms.example.com"]
        assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
        assert leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == HOSTS[0]
        assert made.key_pem not in repr(made)

    async def test_it_stays_until_two_thirds_of_its_life(self, site: Site) -> None:
        first = await site.security.server_certificate(site.ctx, HOSTS)
        site.clock.advance((first.renew_at - site.clock.now()).total_seconds() - 1)
        assert (await site.security.server_certificate(site.ctx, HOSTS)).id == first.id
        site.clock.advance(1)
        second = await site.security.server_certificate(site.ctx, HOSTS)
        assert (second.id != first.id, second.key_pem != first.key_pem) == (True, True)
        assert (await site.security.server_certificate(site.ctx, HOSTS)).id == second.id

    async def test_other_names_another_certificate(self, site: Site) -> None:
        first = await site.security.server_certificate(site.ctx, HOSTS)
        assert (
            await site.security.server_certificate(site.ctx, ["CSMS.example.com", *HOSTS[1:]])
        ).id == first.id
        assert (await site.security.server_certificate(site.ctx, HOSTS[:1])).id != first.id


async def test_keys_cannot_be_read_in_a_dump(site: Site) -> None:
    made = await site.security.server_certificate(site.ctx, HOSTS)
    key = load_pem_private_key(made.key_pem.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    secret = key.private_numbers().private_value.to_bytes(32)
    async with site.db.house_unit() as unit:
        dumps: list[str] = []
        for table in ("authorities", "certificates", "events"):
            found = await unit.conn.exec_driver_sql(f"SELECT to_jsonb(t)::text FROM {table} t")
            dumps += found.scalars().all()
        sealed = (await unit.conn.exec_driver_sql("SELECT key FROM certificates")).scalar_one()
    dump = "\n".join(dumps)
    assert made.id in dump
    assert secret.hex() not in dump
    assert secret not in sealed
    thief = Security(site.db, secret_key=bytes(32))
    with pytest.raises(SealBroken):
        await thief.server_certificate(site.ctx, HOSTS)


class TestWhoseItIs:
    async def test_a_station_of_ours(self, site: Site) -> None:
        await site.security.ensure(site.ctx)
        issued = await site.security.authority(site.ctx, Use.STATION).sign(csr(), profile(), NOW)
        await site.security.refresh()
        found = site.security.station_of(issued.chain[0], NOW)
        assert isinstance(found, Holder)
        assert (found.tenant, found.name) == (ACME, "CP1")

    async def test_not_yet_and_no_more(self, site: Site) -> None:
        await site.security.ensure(site.ctx)
        issued = await site.security.authority(site.ctx, Use.STATION).sign(csr(), profile(), NOW)
        await site.security.refresh()
        for at in (NOW - timedelta(days=1), NOW + timedelta(days=30)):
            assert isinstance(site.security.station_of(issued.chain[0], at), Untrusted)

    @pytest.mark.parametrize("use", [Use.SERVER, Use.V2G20, Use.CONTRACT])
    async def test_what_is_for_something_else(self, site: Site, use: Use) -> None:
        await site.security.ensure(site.ctx)
        issued = await site.security.authority(site.ctx, use).sign(csr(), profile(use), NOW)
        await site.security.refresh()
        assert isinstance(site.security.station_of(issued.chain[0], NOW), Untrusted)

    async def test_somebody_elses_authority_of_the_same_name(self, site: Site) -> None:
        other = Context(actor="test", tenant=TenantId("other"), now=NOW)
        await site.tenants.ensure(other.tenant, "Other", NOW)
        await site.security.ensure(site.ctx)
        await site.security.ensure(other)
        await site.security.refresh()
        issued = await site.security.authority(other, Use.STATION).sign(csr(), profile(), NOW)
        found = site.security.station_of(issued.chain[0], NOW)
        assert isinstance(found, Holder)
        assert found.tenant == other.tenant

    @pytest.mark.parametrize("junk", [b"", b"junk", b"\x30\x80", bytes(5_000)])
    async def test_junk(self, site: Site, junk: bytes) -> None:
        assert isinstance(site.security.station_of(junk, NOW), Untrusted)
