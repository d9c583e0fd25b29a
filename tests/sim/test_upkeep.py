"""Firmware, logs, keys, certificates and network profiles: each step told, each with its effect."""

from datetime import timedelta
from typing import Any

import pytest

from forecourt.protocol.ocpp import v16
from forecourt.sim.upkeep import next_version
from forecourt.sim.vault import HashData, Vault, hash_data, same
from forecourt.sim.world import Version
from tests.sim.csms import Bench
from tests.sim.pki import FROM, Authority
from tests.sim.tour import SIGNATURE, at

TWO: tuple[Version, ...] = ("2.0.1", "2.1")


def statuses(bench: Bench, action: str) -> list[str]:
    return [str(m.status) for m in bench.heard_of(action)]


def test_16_updates_its_firmware_step_by_step() -> None:
    bench = Bench("1.6", "Duo 22")
    location = "ftp://fw.example/duo-5.0.0.bin"
    bench.command(v16.UpdateFirmware(location=location, retrieve_date=at(bench, 60)))
    bench.move(900, step_s=5)
    told = statuses(bench, "FirmwareStatusNotification")
    assert told == ["Downloading", "Downloaded", "Installing", "Installed"]
    boots = [m.firmware_version for m in bench.heard_of("BootNotification")]
    assert boots == ["4.2.1", "5.0.0"]


def update_2x(bench: Bench, **more: Any) -> str:
    words = bench.words
    firmware = {
        "location": "https://fw.example/duo-6.1.bin",
        "retrieve_date_time": at(bench, 30),
        **more,
    }
    request = words.UpdateFirmware(request_id=7, firmware=words.Firmware(**firmware), retries=1)
    answer: Any = bench.command(request)
    return str(answer.status)


@pytest.mark.parametrize("version", TWO)
def test_2x_updates_signed_firmware_and_boots_for_it(version: Version) -> None:
    bench = Bench(version, "Duo 22")
    pem = Authority().pem
    assert update_2x(bench, signing_certificate=pem, signature=SIGNATURE) == "Accepted"
    bench.move(500)
    assert statuses(bench, "FirmwareStatusNotification") == [
        "DownloadScheduled", "Downloading", "Downloaded", "SignatureVerified", "Installing",
        "InstallRebooting", "Installed",
    ]  # fmt: skip
    assert {m.request_id for m in bench.heard_of("FirmwareStatusNotification")} == {7}
    last = bench.heard_of("BootNotification")[-1]
    assert (last.reason, last.charging_station.firmware_version) == ("FirmwareUpdate", "6.1")
    assert "FirmwareUpdated" in [m.type for m in bench.heard_of("SecurityEventNotification")]


@pytest.mark.parametrize("version", TWO)
def test_2x_believes_no_stranger(version: Version) -> None:
    bench = Bench(version, "Duo 22")
    words, maker = bench.words, Authority("Maker")
    bench.command(
        words.InstallCertificate(
            certificate_type="ManufacturerRootCertificate", certificate=maker.pem
        )
    )
    stranger = Authority("Stranger").pem
    status = update_2x(bench, signing_certificate=stranger, signature=SIGNATURE)
    assert status == "InvalidCertificate"
    assert update_2x(bench, signing_certificate="nonsense") == "InvalidCertificate"
    assert update_2x(bench, signing_certificate=maker.pem, signature="short") == "Accepted"
    bench.move(300, step_s=5)
    assert statuses(bench, "FirmwareStatusNotification")[-1] == "InvalidSignature"
    assert bench.station.firmware == "4.2.1"


@pytest.mark.parametrize("version", TWO)
def test_2x_fails_by_chance_and_tries_again(version: Version) -> None:
    bench = Bench(version, "Duo 22")
    bench.station.knobs.fail_share = 1.0
    update_2x(bench)
    bench.move(900, step_s=5)
    told = statuses(bench, "FirmwareStatusNotification")
    assert told.count("DownloadFailed") == 2, "once more, as was asked"
    log = bench.words.LogParameters(remote_location="https://logs.example/")
    bench.command(bench.words.GetLog(log=log, log_type="DiagnosticsLog", request_id=9))
    bench.move(60)
    assert statuses(bench, "LogStatusNotification") == ["Uploading", "UploadFailure"]


@pytest.mark.parametrize("version", TWO)
def test_2x_lets_people_charge_before_it_installs(version: Version) -> None:
    bench = Bench(version, "Duo 22")
    outlet = bench.session(seconds=30)
    update_2x(bench)
    bench.move(400, step_s=5)
    assert "Installing" not in statuses(bench, "FirmwareStatusNotification")
    assert outlet.energised
    bench.station.unplug(outlet)
    bench.move(400, step_s=5)
    assert statuses(bench, "FirmwareStatusNotification")[-1] == "Installed"


@pytest.mark.parametrize("version", TWO)
def test_2x_a_new_log_request_ends_the_old_one(version: Version) -> None:
    bench = Bench(version, "Duo 22")
    log = bench.words.LogParameters(remote_location="https://logs.example/")
    answers: list[Any] = [
        bench.command(bench.words.GetLog(log=log, log_type="SecurityLog", request_id=n))
        for n in (1, 2)
    ]
    assert [a.status for a in answers] == ["Accepted", "AcceptedCanceled"]
    bench.move(100)
    told = [(m.request_id, m.status) for m in bench.heard_of("LogStatusNotification")]
    assert told == [(1, "AcceptedCanceled"), (2, "Uploading"), (2, "Uploaded")]


def test_the_next_version_is_what_the_file_promises() -> None:
    assert next_version("ftp://x/duo-5.0.1.bin", "4.2.1") == "5.0.1"
    assert next_version("ftp://x/latest", "4.2.1") == "4.2.2"
    assert next_version("https://10.0.0.1/image", "2019.11") == "2019.12"


# --- Certificates ---------------------------------------------------------------------------------


def test_a_vault_takes_only_what_belongs_to_its_key() -> None:
    vault, authority, now = Vault(), Authority(), FROM + timedelta(days=90)
    assert vault.take(authority.pem, now) == "NoRequestWaits"
    csr = vault.request("S1", "Forecourt")
    foreign = Vault().request("S2", "Forecourt")
    assert vault.take("nonsense", now) == "Unreadable"
    assert vault.take(authority.sign(foreign), now) == "KeyMismatch"
    assert vault.take(authority.sign(csr), now + timedelta(days=9_999)) == "OutOfDate"
    leaf = authority.sign(csr).removesuffix(authority.pem)
    assert vault.take(leaf + Authority("Test root").pem, now) == "BrokenChain"
    assert vault.take(authority.sign(csr), now) is None
    assert vault.chain is not None
    assert b"PRIVATE KEY" in vault.key_pem()


def test_a_vault_trusts_roots_that_are_in_date_and_forgets_them_by_their_names() -> None:
    vault, authority, now = Vault(), Authority(), FROM + timedelta(days=90)
    assert vault.install("CSMSRoot", "nonsense", now) == "Rejected"
    late = now + timedelta(days=9_999)
    assert vault.install("CSMSRoot", authority.pem, late) == "Rejected"
    leaf = authority.sign(Vault().request("S1", "F")).removesuffix(authority.pem)
    assert vault.install("CSMSRoot", leaf, now) == "Rejected", "no authority"
    assert vault.install("CSMSRoot", authority.pem, now) == "Accepted"
    ((use, names, below),) = vault.listed(["CSMSRoot", "MORoot"])
    assert (use, below) == ("CSMSRoot", [])
    assert names == hash_data(authority.certificate, authority.certificate)
    shouted = HashData(
        "SHA256", names.issuer_name.upper(), names.issuer_key.upper(), f"00{names.serial.upper()}"
    )
    assert same(names, shouted)
    assert vault.delete(shouted)
    assert not vault.delete(shouted)


@pytest.mark.parametrize("version", TWO)
def test_2x_asks_again_for_a_certificate_that_does_not_come(version: Version) -> None:
    bench = Bench(version, "Duo 22")
    bench.command(bench.words.TriggerMessage(requested_message="SignChargingStationCertificate"))
    bench.move(400, step_s=5)
    requests = bench.heard_of("SignCertificate")
    assert len(requests) == 3, "CertSigningRepeatTimes is 2"
    stale = bench.command(
        bench.words.CertificateSigned(certificate_chain=Authority().sign(requests[0].csr))
    )
    rejected: Any = stale
    assert rejected.status == "Rejected", "of a key that it has given up"
    events = [m.type for m in bench.heard_of("SecurityEventNotification")]
    assert "InvalidChargingStationCertificate" in events
    bench.command(
        bench.words.CertificateSigned(certificate_chain=Authority().sign(requests[-1].csr))
    )
    assert bench.station.has_identity


# --- Passwords and networks -----------------------------------------------------------------------


def test_16_a_new_key_is_used_at_once() -> None:
    bench = Bench("1.6", "Duo 22")
    before = bench.connects
    answer: Any = bench.command(v16.ChangeConfiguration(key="AuthorizationKey", value="short"))
    assert answer.status == "Rejected"
    key = "00112233445566778899aabbccddeeff"
    answer = bench.command(v16.ChangeConfiguration(key="AuthorizationKey", value=key))
    assert answer.status == "Accepted"
    bench.move(20)
    assert bench.connects == before + 1
    assert bench.station.knobs.password == key
    assert len(bench.heard_of("BootNotification")) == 1, "a mere reconnection"


def test_16_security_goes_upwards_only_and_with_what_it_needs() -> None:
    bench = Bench("1.6", "Duo 22")

    def to(profile: int) -> str:
        change = v16.ChangeConfiguration(key="SecurityProfile", value=str(profile))
        answer: Any = bench.command(change)
        bench.move(20)
        return str(answer.status)

    assert to(2) == "Rejected", "it trusts nobody yet"
    bench.command(
        v16.InstallCertificate(
            certificate_type="CentralSystemRootCertificate", certificate=Authority().pem
        )
    )
    assert to(2) == "Accepted"
    assert to(3) == "Rejected", "it has no certificate of its own"
    assert to(1) == "Rejected"
    assert bench.station.knobs.security_profile == 2


@pytest.mark.parametrize("version", TWO)
def test_2x_uses_another_network_profile_after_a_boot(version: Version) -> None:
    bench = Bench(version, "Duo 22")
    words = bench.words

    def prioritise(slots: str) -> str:
        write = words.SetVariableData(
            component=words.Component(name="OCPPCommCtrlr"),
            variable=words.Variable(name="NetworkConfigurationPriority"),
            attribute_value=slots,
        )
        answer: Any = bench.command(words.SetVariables(set_variable_data=(write,)))
        return str(answer.set_variable_result[0].attribute_status)

    assert prioritise("1,0") == "Rejected", "the slot is empty"
    profile = {
        "ocpp_version": "OCPP20",
        "ocpp_transport": "JSON",
        "ocpp_csms_url": "wss://other.example/ocpp",
        "message_timeout": 30,
        "security_profile": 2,
        "ocpp_interface": "Wired0",
    }

    def put(slot: int, **more: Any) -> str:
        data = words.NetworkConnectionProfile(**{**profile, **more})
        request = words.SetNetworkProfile(configuration_slot=slot, connection_data=data)
        answer: Any = bench.command(request)
        return str(answer.status)

    assert put(0) == "Rejected", "in use"
    assert put(1, ocpp_csms_url="ws://other.example") == "Rejected", "profile 2 is TLS"
    assert put(1) == "Accepted"
    assert prioritise("1,0") == "RebootRequired"
    assert bench.station.network.slot == 0, "not before the boot"
    bench.command(words.Reset(type="Immediate"))
    bench.move(60)
    endpoint = bench.station.network.endpoint
    assert endpoint is not None
    assert endpoint.url == "wss://other.example/ocpp"
    assert bench.station.knobs.security_profile == 2
    bench.cut()
    tried = set()
    for _ in range(200):
        bench.move(1)
        tried.add(bench.station.network.slot)
    assert tried == {0, 1}, "after some attempts the next slot is tried"


def test_16_goes_back_when_the_safer_way_leads_nowhere() -> None:
    bench = Bench("1.6", "Duo 22")
    bench.command(
        v16.InstallCertificate(
            certificate_type="CentralSystemRootCertificate", certificate=Authority().pem
        )
    )
    bench.command(v16.ChangeConfiguration(key="SecurityProfile", value="2"))
    bench.up = False
    bench.move(20)
    assert bench.station.knobs.security_profile == 2
    bench.move(120)
    assert bench.station.knobs.security_profile == 1, "three attempts were enough"
    bench.up = True
    bench.move(200)
    assert bench.station.online


@pytest.mark.parametrize("version", TWO)
def test_2x_tells_every_status_after_a_long_silence(version: Version) -> None:
    bench = Bench(version, "Duo 22")

    def told_after(silence_s: float) -> int:
        before = len(bench.heard_of("StatusNotification"))
        bench.station.link_cut(silence_s)
        bench.connection = None
        bench.move(silence_s + 30)
        return len(bench.heard_of("StatusNotification")) - before

    assert told_after(20) == 0, "nothing has changed"
    assert told_after(120) == 2
