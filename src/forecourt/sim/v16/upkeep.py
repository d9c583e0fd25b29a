"""What a 1.6 station does about firmware, logs and certificates."""

from collections.abc import Mapping
from typing import Final

from forecourt.protocol.ocpp import v16
from forecourt.protocol.ocpp.values import Message
from forecourt.sim.readings import moment
from forecourt.sim.signing import signature_ok, signer_fault
from forecourt.sim.station import Station
from forecourt.sim.upkeep import Update
from forecourt.sim.v16.table import Command, Speaker, entry
from forecourt.sim.vault import HashData, Use

_USES: Final[Mapping[v16.CertificateUseEnum, Use]] = {
    "CentralSystemRootCertificate": "CSMSRoot",
    "ManufacturerRootCertificate": "ManufacturerRoot",
}
_RETRY_S: Final = 60


def on_update(_station: Station, speaker: Speaker, request: v16.UpdateFirmware) -> Message:
    speaker.upkeep.update(
        Update(
            request_id=None,
            location=request.location,
            retrieve_at=request.retrieve_date.timestamp(),
            retries=request.retries or 0,
            retry_s=float(request.retry_interval or _RETRY_S),
            plain=True,
        )
    )
    return v16.UpdateFirmwareResponse()


def on_signed_update(
    station: Station, speaker: Speaker, request: v16.SignedUpdateFirmware
) -> Message:
    respond, firmware = v16.SignedUpdateFirmwareResponse, request.firmware
    roots = station.vault.roots("ManufacturerRoot")
    wrong = signer_fault(firmware.signing_certificate, roots, moment(station.world.now))
    if wrong is not None:
        speaker.security_event("InvalidFirmwareSigningCertificate", wrong)
        return respond(status="InvalidCertificate")
    install = firmware.install_date_time
    taken = speaker.upkeep.update(
        Update(
            request_id=request.request_id,
            location=firmware.location,
            retrieve_at=firmware.retrieve_date_time.timestamp(),
            install_at=install.timestamp() if install is not None else None,
            retries=request.retries or 0,
            retry_s=float(request.retry_interval or _RETRY_S),
            signature_ok=signature_ok(firmware.signature),
        )
    )
    return respond(status=taken)


def on_diagnostics(_station: Station, speaker: Speaker, request: v16.GetDiagnostics) -> Message:
    speaker.upkeep.upload(
        request_id=None,
        retries=request.retries or 0,
        retry_s=float(request.retry_interval or _RETRY_S),
    )
    return v16.GetDiagnosticsResponse(file_name=speaker.upkeep.log_name("DiagnosticsLog"))


def on_log(_station: Station, speaker: Speaker, request: v16.GetLog) -> Message:
    taken = speaker.upkeep.upload(
        request_id=request.request_id,
        retries=request.retries or 0,
        retry_s=float(request.retry_interval or _RETRY_S),
    )
    name = speaker.upkeep.log_name(request.log_type)
    return v16.GetLogResponse(status=taken, filename=name)


def on_signed(station: Station, speaker: Speaker, request: v16.CertificateSigned) -> Message:
    wrong = station.vault.take(request.certificate_chain, moment(station.world.now))
    if wrong is not None:
        speaker.security_event("InvalidChargePointCertificate", wrong)
        return v16.CertificateSignedResponse(status="Rejected")
    if station.knobs.security_profile == 3:  # noqa: PLR2004 - the profile with client certificates
        station.talk.after_answer(station.reconnect)
    return v16.CertificateSignedResponse(status="Accepted")


def on_install(station: Station, speaker: Speaker, request: v16.InstallCertificate) -> Message:
    use = _USES[request.certificate_type]
    now = moment(station.world.now)
    verdict = station.vault.install(use, request.certificate, now)
    if verdict == "Rejected":
        speaker.security_event("InvalidCentralSystemCertificate")
    return v16.InstallCertificateResponse(status=verdict)


def on_delete(station: Station, _: Speaker, request: v16.DeleteCertificate) -> Message:
    names = request.certificate_hash_data
    gone = station.vault.delete(
        HashData(
            names.hash_algorithm,
            names.issuer_name_hash,
            names.issuer_key_hash,
            names.serial_number,
        )
    )
    return v16.DeleteCertificateResponse(status="Accepted" if gone else "NotFound")


def on_installed(station: Station, _: Speaker, request: v16.GetInstalledCertificateIds) -> Message:
    found = station.vault.listed([_USES[request.certificate_type]])
    if not found:
        return v16.GetInstalledCertificateIdsResponse(status="NotFound")
    return v16.GetInstalledCertificateIdsResponse(
        status="Accepted",
        certificate_hash_data=tuple(
            v16.CertificateHashData(
                hash_algorithm="SHA256",
                issuer_name_hash=names.issuer_name,
                issuer_key_hash=names.issuer_key,
                serial_number=names.serial,
            )
            for _use, names, _below in found
        ),
    )


COMMANDS: Final[Mapping[type[Message], Command[Message]]] = dict(
    [
        entry(v16.UpdateFirmware, on_update),
        entry(v16.SignedUpdateFirmware, on_signed_update),
        entry(v16.GetDiagnostics, on_diagnostics),
        entry(v16.GetLog, on_log),
        entry(v16.CertificateSigned, on_signed),
        entry(v16.InstallCertificate, on_install),
        entry(v16.DeleteCertificate, on_delete),
        entry(v16.GetInstalledCertificateIds, on_installed),
    ]
)
