"""OCPP 1.6: certificates, by the security extension; those of Plug & Charge inside DataTransfer.

The Open Charge Alliance's white paper on 1.6 and ISO 15118 wraps the messages of 2.0.1 for what
1.6 has no word for.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from forecourt.domain.stations import (
    Answer,
    CertificateSigned,
    DeleteCertificate,
    GetInstalledCertificateIds,
    InstallCertificate,
    Installed,
    InstalledCertificates,
    InstalledUse,
)
from forecourt.edge.ocpp.asks import certificates as common
from forecourt.edge.ocpp.asks.table import Facts, Rows, Told, outcome, row
from forecourt.edge.ocpp.asks.v16.pnc import unwrapped, wrapped
from forecourt.protocol.ocpp import v16, v21

USES: Final[Mapping[str, v16.CertificateUseEnum]] = {
    "csms_root": "CentralSystemRootCertificate",
    "manufacturer_root": "ManufacturerRootCertificate",
}


def signed(command: CertificateSigned, _: Facts) -> v16.CertificateSigned | v16.DataTransfer:
    if command.use == "station":
        return v16.CertificateSigned(certificate_chain=command.chain)
    return wrapped(
        v21.CertificateSigned(
            certificate_chain=command.chain, certificate_type=common.SIGNED_USES[command.use]
        )
    )


def install(command: InstallCertificate, _: Facts) -> v16.InstallCertificate | v16.DataTransfer:
    use = USES.get(command.use)
    if use is not None:
        return v16.InstallCertificate(certificate_type=use, certificate=command.certificate)
    return wrapped(
        v21.InstallCertificate(
            certificate_type=common.ROOT_USES[command.use], certificate=command.certificate
        )
    )


def delete(command: DeleteCertificate, _: Facts) -> v16.DeleteCertificate | v16.DataTransfer:
    if command.use is not None and command.use not in USES:
        data = common.hashed(command.certificate, v21.CertificateHashData)
        return wrapped(v21.DeleteCertificate(certificate_hash_data=data))
    return v16.DeleteCertificate(
        certificate_hash_data=common.hashed(command.certificate, v16.CertificateHashData)
    )


def installed_ids(
    command: GetInstalledCertificateIds, _: Facts
) -> Sequence[v16.GetInstalledCertificateIds | v16.DataTransfer]:
    """1.6 asks for one kind at a time."""
    asked: list[v16.GetInstalledCertificateIds | v16.DataTransfer] = [
        v16.GetInstalledCertificateIds(certificate_type=USES[use])
        for use in command.uses or USES
        if use in USES
    ]
    pnc = [use for use in command.uses if use not in USES]
    if pnc:
        types = tuple(common.INSTALLED_USES[use] for use in pnc)
        asked.append(wrapped(v21.GetInstalledCertificateIds(certificate_type=types)))
    return asked


def found(
    command: GetInstalledCertificateIds,
    request: v16.GetInstalledCertificateIds | v16.DataTransfer,
    response: v16.GetInstalledCertificateIdsResponse | v16.DataTransferResponse,
) -> Told:
    """Certificates of one kind, or those of Plug & Charge."""
    if isinstance(response, v16.DataTransferResponse):
        return unwrapped(command, request, response)
    assert isinstance(request, v16.GetInstalledCertificateIds)
    names: dict[v16.CertificateUseEnum, InstalledUse] = {
        "CentralSystemRootCertificate": "csms_root",
        "ManufacturerRootCertificate": "manufacturer_root",
    }
    held = tuple(
        Installed(use=names[request.certificate_type], certificate=common.plain(each))
        for each in response.certificate_hash_data or ()
    )
    word = response.status
    answer = Answer(
        outcome=outcome(word), status=word, details=InstalledCertificates(certificates=held)
    )
    return Told(answer)


ROWS: Final[Rows] = dict(
    [
        row(
            CertificateSigned,
            v16.CertificateSigned,
            v16.DataTransfer,
            say=signed,
            understand=unwrapped,
        ),
        row(
            InstallCertificate,
            v16.InstallCertificate,
            v16.DataTransfer,
            say=install,
            understand=unwrapped,
        ),
        row(
            DeleteCertificate,
            v16.DeleteCertificate,
            v16.DataTransfer,
            say=delete,
            understand=unwrapped,
        ),
        row(
            GetInstalledCertificateIds,
            v16.GetInstalledCertificateIds,
            v16.DataTransfer,
            say=installed_ids,
            understand=found,
            independent=True,
        ),
    ]
)
