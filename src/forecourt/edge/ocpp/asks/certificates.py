"""What certificates are called on the wire, in 2.x and in what 1.6 borrows from it."""

from collections.abc import Mapping
from typing import Final, TypeVar

from forecourt.domain.stations import (
    Answer,
    Ask,
    CertificateHash,
    Installed,
    InstalledCertificates,
    InstalledUse,
    Outcome,
)
from forecourt.edge.ocpp.asks.table import Told, outcome, why
from forecourt.protocol.ocpp import v16, v21, v201
from forecourt.protocol.ocpp.values import Message

NONSENSE: Final = Outcome.FAILED
NONSENSE_KEPT_MAX: Final = 1_000

SIGNED_USES: Final[Mapping[str, v21.CertificateSigningUseEnum]] = {
    "station": "ChargingStationCertificate",
    "v2g": "V2GCertificate",
    "v2g20": "V2G20Certificate",
}
ROOT_USES: Final[Mapping[str, v21.InstallCertificateUseEnum]] = {
    "csms_root": "CSMSRootCertificate",
    "manufacturer_root": "ManufacturerRootCertificate",
    "v2g_root": "V2GRootCertificate",
    "mo_root": "MORootCertificate",
    "oem_root": "OEMRootCertificate",
}
INSTALLED_USES: Final[Mapping[InstalledUse, v21.GetCertificateIdUseEnum]] = {
    "csms_root": "CSMSRootCertificate",
    "manufacturer_root": "ManufacturerRootCertificate",
    "v2g_root": "V2GRootCertificate",
    "mo_root": "MORootCertificate",
    "oem_root": "OEMRootCertificate",
    "v2g_chain": "V2GCertificateChain",
}
INSTALLED_NAMES: Final[Mapping[str, InstalledUse]] = {
    word: use for use, word in INSTALLED_USES.items()
}

HashT = TypeVar("HashT", v16.CertificateHashData, v201.CertificateHashData, v21.CertificateHashData)


def hashed(certificate: CertificateHash, kind: type[HashT]) -> HashT:
    """The name of a certificate, in a version's own type."""
    return kind(
        hash_algorithm=certificate.algorithm,
        issuer_name_hash=certificate.issuer_name_hash,
        issuer_key_hash=certificate.issuer_key_hash,
        serial_number=certificate.serial,
    )


def plain(
    data: v16.CertificateHashData | v201.CertificateHashData | v21.CertificateHashData,
) -> CertificateHash:
    """The name of a certificate, in nobody's type."""
    return CertificateHash(
        algorithm=data.hash_algorithm,
        issuer_name_hash=data.issuer_name_hash,
        issuer_key_hash=data.issuer_key_hash,
        serial=data.serial_number,
    )


def found(
    _: Ask,
    _request: Message,
    response: v201.GetInstalledCertificateIdsResponse | v21.GetInstalledCertificateIdsResponse,
) -> Told:
    """The certificates that a station has."""
    held = tuple(
        Installed(
            use=INSTALLED_NAMES[chain.certificate_type],
            certificate=plain(chain.certificate_hash_data),
            children=tuple(map(plain, chain.child_certificate_hash_data or ())),
        )
        for chain in response.certificate_hash_data_chain or ()
    )
    return Told(
        Answer(
            outcome=outcome(response.status),
            status=response.status,
            reason=why(response),
            details=InstalledCertificates(certificates=held),
        )
    )
