"""The security room's decisions: requests, contract names, chains, answers of responders."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as some

from forecourt.domain.security import HashAlgorithm, Status, Unfit, Use, Verdict, rules
from forecourt.domain.security.model import Sound
from tests.domain.conftest import NOW
from tests.fixtures.pki import EMAID, Foreign, csr_pem, new_key, pem, subject

NAMES = frozenset({"CP1", "SN-0815"})


def read(text: str, use: Use = Use.STATION, organization: str | None = None) -> Sound | Unfit:
    return rules.read_csr(text, use, names=NAMES, organization=organization)


class TestRequests:
    @pytest.mark.parametrize("name", ["CP1", "SN-0815"])
    def test_a_station_by_its_identity_or_its_serial(self, name: str) -> None:
        found = read(csr_pem(name))
        assert isinstance(found, Sound)
        assert (found.subject, found.organization) == (name, "Forecourt")
        assert x509.load_der_x509_csr(found.der).is_signature_valid

    @pytest.mark.parametrize(
        "key",
        [
            ec.generate_private_key(ec.SECP384R1()),
            ec.generate_private_key(ec.SECP521R1()),
            rsa.generate_private_key(65_537, 2_048),
        ],
        ids=["P-384", "P-521", "RSA"],
    )
    def test_good_keys(self, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
        assert isinstance(read(csr_pem("CP1", key=key, algorithm=SHA384())), Sound)

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (csr_pem("CP2"), "identity"),
            (csr_pem(None), "one common name"),
            (csr_pem("CP1", ca=True), "authority"),
            (csr_pem("CP1", key=rsa.generate_private_key(65_537, 1_024)), "2048"),
            (csr_pem("CP1", key=ec.generate_private_key(ec.SECP224R1())), "curve"),
            (csr_pem("CP1", key=ec.generate_private_key(ec.BrainpoolP256R1())), "curve"),
            (csr_pem("CP1").replace("CERTIFICATE REQUEST", "CERTIFICATE"), "read"),
            (csr_pem("CP1")[:200], "read"),
            ("", "read"),
            (
                "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----",
                "read",
            ),
            (csr_pem("CP1") + " " * 5_500, "5500"),
        ],
    )
    def test_bad_ones(self, text: str, reason: str) -> None:
        found = read(text)
        assert isinstance(found, Unfit)
        assert reason in found.reason

    def test_no_other_kind_of_key(self) -> None:
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject("CP1"))
        made = builder.sign(ed25519.Ed25519PrivateKey.generate(), None)
        found = read(made.public_bytes(Encoding.PEM).decode())
        assert isinstance(found, Unfit)
        assert "neither" in found.reason

    def test_two_common_names_are_none(self) -> None:
        two = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in ("CP1", "CP2")])
        builder = x509.CertificateSigningRequestBuilder().subject_name(two)
        found = read(builder.sign(new_key(), SHA256()).public_bytes(Encoding.PEM).decode())
        assert isinstance(found, Unfit)

    @pytest.mark.parametrize("name", ["10.0.0.1", "wss://csms.example.com/CP1", "::1"])
    def test_an_address_is_no_stations_name(self, name: str) -> None:
        found = rules.read_csr(
            csr_pem(name), Use.STATION, names=frozenset({name}), organization=None
        )
        assert isinstance(found, Unfit)
        assert "address" in found.reason

    def test_whom_it_belongs_to(self) -> None:
        assert isinstance(read(csr_pem("CP1", organization="Evil"), organization="ACME"), Unfit)
        assert isinstance(read(csr_pem("CP1", organization="ACME"), organization="ACME"), Sound)
        # Whoever says nothing gets the operator's name from us.
        unnamed = read(csr_pem("CP1", organization=None), organization="ACME")
        assert isinstance(unnamed, Sound)
        assert unnamed.organization == ""

    def test_before_cars_a_station_has_another_name(self) -> None:
        found = read(csr_pem("DE*ICE*S1"), Use.V2G)
        assert isinstance(found, Sound)

    @given(some.integers(0, 10_000), some.integers(1, 255))
    def test_a_changed_byte_is_never_signed(self, place: int, change: int) -> None:
        der = bytearray(x509.load_pem_x509_csr(CSR.encode()).public_bytes(Encoding.DER))
        der[place % len(der)] ^= change
        try:
            text = x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM).decode()
        except ValueError:
            return
        assert isinstance(read(text), Unfit)

    @given(some.text(max_size=300))
    def test_any_text_is_refused_in_good_order(self, text: str) -> None:
        assert isinstance(read(text), Unfit)
        framed = f"-----BEGIN CERTIFICATE REQUEST-----\n{text}\n-----END CERTIFICATE REQUEST-----\n"
        assert isinstance(read(framed), Unfit)
        assert rules.name_in_csr(framed) == ""


CSR = csr_pem("CP1")

letters = some.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
bodies = some.builds(
    "{}{}{}".format,
    some.text(some.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), min_size=2, max_size=2),
    some.text(letters, min_size=3, max_size=3),
    some.text(letters, min_size=9, max_size=9),
)


class TestContractNames:
    @pytest.mark.parametrize(
        ("text", "short"),
        [
            # Published by eMI³ and by ISO 15118-2's readers with these digits.
            ("NL-TNM-000122045-U", "NLTNM000122045"),
            ("NL-TNM-C00122045-K", "NLTNMC00122045"),
            ("nltnmc00122045k", "NLTNMC00122045"),
            ("DE8AAC12345678", "DE8AAC12345678"),
            (" DE-8AA-C12345678 ", "DE8AAC12345678"),
        ],
    )
    def test_good_ones(self, text: str, short: str) -> None:
        assert rules.emaid(text) == short

    @pytest.mark.parametrize(
        "text",
        [
            *("", "NL-TNM-000122045-X", "NLTNM000122045X", "NL-TNM000122045", "NLTNM-000122045"),
            *("N1TNM000122045", "NLTNM00012204", "NLTNM0001220456U", "NL*TNM*000122045*U"),
            *("NL-TNM-00012204é", "A" * 5_000),
        ],
    )
    def test_bad_ones(self, text: str) -> None:
        assert rules.emaid(text) is None

    @given(bodies)
    def test_all_spellings_are_one(self, body: str) -> None:
        spelt = rules.spellings(body)
        assert len(set(spelt)) == 4
        assert {rules.emaid(one) for one in spelt} == {body}

    @given(bodies, some.integers(0, 13), letters)
    def test_one_wrong_letter_is_noticed(self, body: str, place: int, letter: str) -> None:
        wrong = body[:place] + letter + body[place + 1 :]
        if wrong != body and wrong[:2].isalpha():
            assert rules.emaid(wrong + rules.check_digit(body)) is None

    @given(bodies, some.integers(2, 12))
    def test_two_swapped_letters_are_noticed(self, body: str, at: int) -> None:
        wrong = body[:at] + body[at + 1] + body[at] + body[at + 2 :]
        if wrong != body:
            assert rules.emaid(wrong + rules.check_digit(body)) is None


ROOT = Foreign("MO Root", NOW)
SUB = Foreign("MO Sub 1", NOW, above=ROOT)
SUB2 = Foreign("MO Sub 2", NOW, above=SUB)
LEAF = SUB2.leaf()


class TestChains:
    def test_to_the_root_in_any_order(self) -> None:
        for chain in (
            [LEAF, SUB2.certificate, SUB.certificate],
            [LEAF, SUB.certificate, SUB2.certificate, ROOT.certificate],
        ):
            path = rules.verify(chain, [ROOT.certificate], NOW)
            assert path.verdict is Verdict.GOOD
            assert path.certificates == (LEAF, SUB2.certificate, SUB.certificate, ROOT.certificate)

    def test_to_a_trusted_authority_below_a_root(self) -> None:
        assert rules.verify([LEAF], [SUB2.certificate], NOW).verdict is Verdict.GOOD

    def test_a_gap_and_a_stranger(self) -> None:
        assert (
            rules.verify([LEAF, SUB.certificate], [ROOT.certificate], NOW).verdict is Verdict.BROKEN
        )
        other = Foreign("MO Root", NOW)
        whole = [LEAF, SUB2.certificate, SUB.certificate]
        assert rules.verify(whole, [other.certificate], NOW).verdict is Verdict.BROKEN
        assert rules.verify(whole, [], NOW).verdict is Verdict.BROKEN

    def test_who_is_no_authority_vouches_for_nobody(self) -> None:
        fake = Foreign("MO Sub 1", NOW, above=ROOT, ca=False)
        chain = [fake.leaf(), fake.certificate]
        assert rules.verify(chain, [ROOT.certificate], NOW).verdict is Verdict.BROKEN

    def test_a_path_that_is_too_long(self) -> None:
        short = Foreign("Short", NOW, path_length=0)
        below = Foreign("Below", NOW, above=short)
        assert rules.verify([short.leaf()], [short.certificate], NOW).verdict is Verdict.GOOD
        chain = [below.leaf(), below.certificate]
        assert rules.verify(chain, [short.certificate], NOW).verdict is Verdict.BROKEN

    @pytest.mark.parametrize("days", [-800, 400])
    def test_out_of_its_time(self, days: int) -> None:
        chain = [LEAF, SUB2.certificate, SUB.certificate]
        found = rules.verify(chain, [ROOT.certificate], NOW + timedelta(days=days))
        assert found.verdict is Verdict.EXPIRED

    def test_a_demand_that_we_do_not_understand(self) -> None:
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
        for critical, verdict in ((True, Verdict.BROKEN), (False, Verdict.GOOD)):

            def demand(
                one: x509.CertificateBuilder, *, critical: bool = critical
            ) -> x509.CertificateBuilder:
                return one.add_extension(unknown, critical=critical)

            leaf = SUB.leaf(extend=demand)
            found = rules.verify([leaf, SUB.certificate], [ROOT.certificate], NOW)
            assert found.verdict is verdict

    def test_a_loop_ends(self) -> None:
        one, other = Foreign("One", NOW), Foreign("Other", NOW)
        found = rules.verify([one.leaf(), other.certificate, one.certificate], [], NOW)
        assert found.verdict is Verdict.BROKEN

    def test_reading(self) -> None:
        assert rules.read_chain(pem(LEAF, SUB2.certificate)) == (LEAF, SUB2.certificate)
        assert rules.read_chain("") is None
        assert rules.read_chain("junk") is None
        assert rules.read_chain(pem(*[LEAF] * 7)) is None


class TestNames:
    @pytest.mark.parametrize("algorithm", list(HashAlgorithm))
    def test_as_rfc_6960_has_them(self, algorithm: HashAlgorithm) -> None:
        name = rules.name_of(LEAF, SUB2.certificate, algorithm)
        asked = ocsp.load_der_ocsp_request(rules.question(name))
        assert asked.serial_number == LEAF.serial_number
        builder = ocsp.OCSPRequestBuilder().add_certificate(
            LEAF, SUB2.certificate, rules.ALGORITHMS[algorithm]
        )
        theirs = builder.build()
        assert (asked.issuer_name_hash, asked.issuer_key_hash, asked.serial_number) == (
            theirs.issuer_name_hash,
            theirs.issuer_key_hash,
            theirs.serial_number,
        )

    def test_from_outside(self) -> None:
        good = ("AB" * 32, "cd" * 32)
        found = rules.certificate_name(HashAlgorithm.SHA256, *good, "00AB")
        assert found is not None
        assert (found.issuer_name, found.serial) == ("ab" * 32, "ab")
        assert rules.certificate_name(HashAlgorithm.SHA256, *good, "") is not None
        for bad in (
            ("ab" * 31, good[1], "1"),
            (good[0], "zz" * 32, "1"),
            (*good, "-1"),
            (*good, "0x1"),
            (*good, "f" * 40),
            (good[0], "é" * 64, "1"),
        ):
            assert rules.certificate_name(HashAlgorithm.SHA256, *bad) is None


NAME = rules.name_of(LEAF, SUB2.certificate, HashAlgorithm.SHA256)
ISSUERS = [ROOT.certificate, SUB.certificate, SUB2.certificate]


def forged(answer: bytes) -> bytes:
    """The same answer, with another signature."""
    return answer[:-1] + bytes([answer[-1] ^ 1])


class TestResponders:
    @pytest.mark.parametrize(
        ("word", "status"),
        [
            (ocsp.OCSPCertStatus.GOOD, Status.GOOD),
            (ocsp.OCSPCertStatus.REVOKED, Status.REVOKED),
            (ocsp.OCSPCertStatus.UNKNOWN, Status.UNKNOWN),
        ],
    )
    def test_the_issuer_itself(self, word: ocsp.OCSPCertStatus, status: Status) -> None:
        found, until = rules.believed(SUB2.answer(LEAF, word), NAME, ISSUERS, NOW)
        assert (found, until) == (status, NOW + timedelta(days=1))

    def test_its_delegate(self) -> None:
        answer = SUB2.answer(LEAF, delegate=SUB2.responder())
        assert rules.believed(answer, NAME, ISSUERS, NOW)[0] is Status.GOOD

    def test_who_only_says_so(self) -> None:
        for answer in (
            SUB2.answer(LEAF, delegate=SUB2.responder(good=False)),
            SUB2.answer(LEAF, delegate=SUB.responder()),
            forged(SUB2.answer(LEAF)),
        ):
            assert rules.believed(answer, NAME, ISSUERS, NOW)[0] is Status.UNAVAILABLE

    def test_another_certificate(self) -> None:
        answer = SUB2.answer(SUB2.leaf())
        assert rules.believed(answer, NAME, ISSUERS, NOW)[0] is Status.UNAVAILABLE

    @pytest.mark.parametrize("days", [-3, 3])
    def test_an_old_answer_said_again(self, days: int) -> None:
        answer = SUB2.answer(LEAF, at=NOW + timedelta(days=days))
        assert rules.believed(answer, NAME, ISSUERS, NOW)[0] is Status.UNAVAILABLE

    def test_an_issuer_that_we_do_not_know(self) -> None:
        assert (
            rules.believed(SUB2.answer(LEAF), NAME, [ROOT.certificate], NOW)[0]
            is Status.UNAVAILABLE
        )

    @given(some.binary(max_size=200))
    def test_junk(self, junk: bytes) -> None:
        assert rules.believed(junk, NAME, ISSUERS, NOW)[0] is Status.UNAVAILABLE
        assert not rules.is_answer(junk)
        assert rules.asked(junk) is None
        assert rules.listed(junk, NAME, ISSUERS, NOW)[0] is Status.UNAVAILABLE


class TestLists:
    def test_good_and_revoked(self) -> None:
        assert rules.listed(SUB2.crl(), NAME, ISSUERS, NOW)[0] is Status.GOOD
        assert rules.listed(SUB2.crl(LEAF), NAME, ISSUERS, NOW)[0] is Status.REVOKED

    def test_not_believed(self) -> None:
        for der in (
            SUB.crl(),
            Foreign("MO Sub 2", NOW).crl(),
            SUB2.crl(at=NOW - timedelta(days=2)),
        ):
            assert rules.listed(der, NAME, ISSUERS, NOW)[0] is Status.UNAVAILABLE


def test_two_thirds() -> None:
    assert rules.renew_at(NOW, NOW + timedelta(days=90)) == NOW + timedelta(days=60)


def test_the_contract_of_the_tests() -> None:
    assert rules.emaid(EMAID) == EMAID
    assert SHA1.name == HashAlgorithm.SHA1.value
