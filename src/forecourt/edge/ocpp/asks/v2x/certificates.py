"""OCPP 2.x: the certificates that a station holds."""

from typing import Final

from forecourt.domain.stations import (
    CertificateSigned,
    DeleteCertificate,
    GetInstalledCertificateIds,
    InstallCertificate,
)
from forecourt.edge.ocpp.asks import certificates as common
from forecourt.edge.ocpp.asks.table import Facts, Rows, row
from forecourt.protocol.ocpp import v21


def signed(command: CertificateSigned, _: Facts) -> v21.CertificateSigned:
    return v21.CertificateSigned(
        certificate_chain=command.chain,
        certificate_type=common.SIGNED_USES[command.use],
        request_id=command.request,
    )


def install(command: InstallCertificate, _: Facts) -> v21.InstallCertificate:
    return v21.InstallCertificate(
        certificate_type=common.ROOT_USES[command.use], certificate=command.certificate
    )


def delete(command: DeleteCertificate, _: Facts) -> v21.DeleteCertificate:
    return v21.DeleteCertificate(
        certificate_hash_data=common.hashed(command.certificate, v21.CertificateHashData)
    )


def installed_ids(command: GetInstalledCertificateIds, _: Facts) -> v21.GetInstalledCertificateIds:
    uses = tuple(common.INSTALLED_USES[use] for use in command.uses)
    return v21.GetInstalledCertificateIds(certificate_type=uses or None)


ROWS: Final[Rows] = dict(
    [
        row(CertificateSigned, v21.CertificateSigned, say=signed),
        row(InstallCertificate, v21.InstallCertificate, say=install),
        row(DeleteCertificate, v21.DeleteCertificate, say=delete),
        row(
            GetInstalledCertificateIds,
            v21.GetInstalledCertificateIds,
            say=installed_ids,
            understand=common.found,
        ),
    ]
)
