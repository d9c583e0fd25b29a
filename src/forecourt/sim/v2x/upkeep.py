"""What a 2.x station does about firmware, logs, certificates and network profiles."""

from collections.abc import Mapping
from typing import Any, Final

from forecourt.sim.network import SLOTS, Endpoint
from forecourt.sim.readings import moment
from forecourt.sim.signing import signature_ok, signer_fault
from forecourt.sim.timeline import Timer
from forecourt.sim.upkeep import Topic, Update, Upkeep
from forecourt.sim.v2x.table import Commands, Speaker
from forecourt.sim.vault import HashData, Use

_USES: Final[Mapping[str, Use]] = {
    "CSMSRootCertificate": "CSMSRoot",
    "ManufacturerRootCertificate": "ManufacturerRoot",
    "V2GRootCertificate": "V2GRoot",
    "MORootCertificate": "MORoot",
    "OEMRootCertificate": "OEMRoot",
    "V2GCertificateChain": "V2GChain",
}
_WORDS: Final[Mapping[Use, str]] = {use: word for word, use in _USES.items()}
_RETRY_S: Final = 60
_CLIENT_CERTIFICATES: Final = 3
_V2G: Final = frozenset({"V2GCertificate", "V2G20Certificate"})


class Jobs(Upkeep):
    """Upkeep in the words of 2.x."""

    def __init__(self, speaker: Speaker) -> None:
        super().__init__(speaker.station, self._tell)
        self._speaker = speaker

    def _tell(self, topic: Topic, status: str, request_id: int | None) -> None:
        words = self._speaker.words
        if topic == "firmware":
            said = words.FirmwareStatusNotification(status=status, request_id=request_id)
            if status == "Installed":
                self._speaker.security_event("FirmwareUpdated")
        elif topic == "log":
            said = words.LogStatusNotification(status=status, request_id=request_id)
        else:
            where = tuple(self.published.values())[-1:] if status == "Published" else None
            said = words.PublishFirmwareStatusNotification(
                status=status, request_id=request_id, location=where
            )
        self._speaker.ask(said, early=True)

    def tell_again(self, topic: Topic) -> None:
        """A trigger: the status that stands, or idle."""
        status, request_id = self.status(topic)
        self._tell(topic, status, request_id)


# --- Firmware and logs ----------------------------------------------------------------------------


def on_update(speaker: Speaker, request: Any) -> Any:
    station, respond = speaker.station, speaker.words.UpdateFirmwareResponse
    firmware = request.firmware
    verified = None
    if firmware.signing_certificate is not None:
        roots = station.vault.roots("ManufacturerRoot")
        wrong = signer_fault(firmware.signing_certificate, roots, moment(station.world.now))
        if wrong is not None:
            speaker.security_event("InvalidFirmwareSigningCertificate", wrong)
            return respond(status="InvalidCertificate")
        verified = signature_ok(firmware.signature or "")
    install = firmware.install_date_time
    taken = speaker.organ(Jobs).update(
        Update(
            request_id=request.request_id,
            location=firmware.location,
            retrieve_at=firmware.retrieve_date_time.timestamp(),
            install_at=install.timestamp() if install is not None else None,
            retries=request.retries or 0,
            retry_s=float(request.retry_interval or _RETRY_S),
            signature_ok=verified,
        )
    )
    return respond(status=taken)


def on_publish(speaker: Speaker, request: Any) -> Any:
    respond = speaker.words.PublishFirmwareResponse
    if "controller" not in speaker.station.plan.features:
        return respond(status="Rejected")
    speaker.organ(Jobs).publish(
        request_id=request.request_id,
        location=request.location,
        checksum=request.checksum,
        retries=request.retries or 0,
    )
    return respond(status="Accepted")


def on_unpublish(speaker: Speaker, request: Any) -> Any:
    status = speaker.organ(Jobs).unpublish(request.checksum)
    return speaker.words.UnpublishFirmwareResponse(status=status)


def on_log(speaker: Speaker, request: Any) -> Any:
    jobs = speaker.organ(Jobs)
    taken = jobs.upload(
        request_id=request.request_id,
        retries=request.retries or 0,
        retry_s=float(request.retry_interval or _RETRY_S),
    )
    return speaker.words.GetLogResponse(status=taken, filename=jobs.log_name(request.log_type))


# --- Certificates ---------------------------------------------------------------------------------


class Signing:
    """Requests for certificates, sent again when no certificate comes (A02.FR.17 to 19)."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._timers: dict[str, Timer] = {}
        self._request_id = 0

    def ask(self, use: str, tries: int = 0) -> None:
        station, words = self._speaker.station, self._speaker.words
        knobs, v2g = station.knobs, use in _V2G
        csr = station.vault.request(station.plan.serial, knobs.organization, v2g=v2g)
        more = {}
        if self._speaker.newest:
            self._request_id += 1
            more = {"request_id": self._request_id}
        self._speaker.ask(words.SignCertificate(csr=csr, certificate_type=use, **more), early=True)
        self.settled(use)
        if tries < knobs.csr_repeats:
            wait_s = knobs.csr_wait_s * 2**tries
            self._timers[use] = station.wire.after(wait_s, lambda: self.ask(use, tries + 1))

    def settled(self, use: str) -> None:
        timer = self._timers.pop(use, None)
        if timer is not None:
            timer.cancel()


def on_signed(speaker: Speaker, request: Any) -> Any:
    station, respond = speaker.station, speaker.words.CertificateSignedResponse
    use = request.certificate_type or "ChargingStationCertificate"
    now = moment(station.world.now)
    wrong = station.vault.take(request.certificate_chain, now, v2g=use in _V2G)
    if wrong is not None:
        speaker.security_event("InvalidChargingStationCertificate", wrong)
        info = speaker.words.StatusInfo(reason_code="InvalidCertificate", additional_info=wrong)
        return respond(status="Rejected", status_info=info)
    speaker.organ(Signing).settled(use)
    if use not in _V2G and station.knobs.security_profile == _CLIENT_CERTIFICATES:
        station.talk.after_answer(station.reconnect)
    return respond(status="Accepted")


def on_install(speaker: Speaker, request: Any) -> Any:
    station, respond = speaker.station, speaker.words.InstallCertificateResponse
    use = _USES[request.certificate_type]
    verdict = station.vault.install(use, request.certificate, moment(station.world.now))
    if verdict == "Rejected" and use == "CSMSRoot":
        speaker.security_event("InvalidCsmsCertificate")
    return respond(status=verdict)


def on_delete(speaker: Speaker, request: Any) -> Any:
    names = request.certificate_hash_data
    gone = speaker.station.vault.delete(
        HashData(
            names.hash_algorithm,
            names.issuer_name_hash,
            names.issuer_key_hash,
            names.serial_number,
        )
    )
    return speaker.words.DeleteCertificateResponse(status="Accepted" if gone else "NotFound")


def hash_words(words: Any, names: HashData) -> Any:
    return words.CertificateHashData(
        hash_algorithm="SHA256",
        issuer_name_hash=names.issuer_name,
        issuer_key_hash=names.issuer_key,
        serial_number=names.serial,
    )


def on_installed(speaker: Speaker, request: Any) -> Any:
    words = speaker.words
    uses = [_USES[word] for word in request.certificate_type or _USES]
    found = speaker.station.vault.listed(uses)
    if not found:
        return words.GetInstalledCertificateIdsResponse(status="NotFound")
    return words.GetInstalledCertificateIdsResponse(
        status="Accepted",
        certificate_hash_data_chain=tuple(
            words.CertificateHashDataChain(
                certificate_type=_WORDS[use],
                certificate_hash_data=hash_words(words, names),
                child_certificate_hash_data=tuple(hash_words(words, one) for one in below) or None,
            )
            for use, names, below in found
        ),
    )


# --- Network profiles -----------------------------------------------------------------------------


def on_network(speaker: Speaker, request: Any) -> Any:
    """B09: a profile is kept, and used after a boot when the priorities name its slot."""
    station, respond = speaker.station, speaker.words.SetNetworkProfileResponse
    data, slot = request.connection_data, request.configuration_slot
    in_use = slot == station.network.slot
    downgrade = data.security_profile < station.knobs.security_profile
    secure = data.ocpp_csms_url.startswith("wss://")
    if slot not in SLOTS or slot == 0 or in_use or data.ocpp_transport != "JSON":
        return respond(status="Rejected")
    if downgrade or (data.security_profile > 1 and not secure):
        return respond(status="Rejected")
    if not data.ocpp_csms_url.startswith(("ws://", "wss://")):
        return respond(status="Failed")
    station.network.slots[slot] = Endpoint(
        url=data.ocpp_csms_url,
        security_profile=data.security_profile,
        identity=getattr(data, "identity", None),
        password=getattr(data, "basic_auth_password", None),
    )
    return respond(status="Accepted")


COMMANDS: Final[Commands] = {
    "UpdateFirmware": on_update,
    "PublishFirmware": on_publish,
    "UnpublishFirmware": on_unpublish,
    "GetLog": on_log,
    "CertificateSigned": on_signed,
    "InstallCertificate": on_install,
    "DeleteCertificate": on_delete,
    "GetInstalledCertificateIds": on_installed,
    "SetNetworkProfile": on_network,
}
