"""Commands about certificates: what each version's station hears."""

import json
from typing import Any, Final

import pytest

from forecourt.domain.stations import (
    CertificateHash,
    CertificateSigned,
    DeleteCertificate,
    GetInstalledCertificateIds,
    InstallCertificate,
    Installed,
    InstalledCertificates,
    Outcome,
    Trigger,
)
from tests.edge.ocpp.asked import (
    ACCEPTED,
    Case,
    Said,
    check,
    converse,
    every,
    in_2x,
    in_16,
    in_21,
    in_all,
)
from tests.edge.ocpp.house import IN_THE_HOUSE, Yard

pytestmark = [IN_THE_HOUSE, pytest.mark.storage]

# ---- certificates --------------------------------------------------------------------------------

HASH: Final = CertificateHash(
    algorithm="SHA256", issuer_name_hash="aa", issuer_key_hash="bb", serial="01"
)
HASH_SAID: Final = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "aa",
    "issuerKeyHash": "bb",
    "serialNumber": "01",
}
PNC: Final = "org.openchargealliance.iso15118pnc"


def wrapped(action: str, payload: dict[str, Any], answer: dict[str, Any]) -> Said:
    """A message of 2.0.1 inside one of 1.6, as the white paper on Plug & Charge has it."""
    return Said(
        "DataTransfer",
        {
            "vendorId": PNC,
            "messageId": action,
            "data": json.dumps(payload, separators=(",", ":")),
        },
        {"status": "Accepted", "data": json.dumps(answer)},
    )


CERTIFICATES: Final = [
    Case(
        CertificateSigned(chain="PEM"),
        in_16(Said("CertificateSigned", {"certificateChain": "PEM"}, {"status": "Rejected"}))
        | in_2x(
            Said(
                "CertificateSigned",
                {"certificateChain": "PEM", "certificateType": "ChargingStationCertificate"},
                {"status": "Rejected", "statusInfo": {"reasonCode": "InvalidCSR"}},
            )
        ),
        outcome=Outcome.REJECTED,
    ),
    Case(
        CertificateSigned(chain="PEM", use="v2g20", request=12),
        in_21(
            Said(
                "CertificateSigned",
                {"certificateChain": "PEM", "certificateType": "V2G20Certificate", "requestId": 12},
            )
        ),
    ),
    Case(
        InstallCertificate(use="csms_root", certificate="PEM"),
        in_16(
            Said(
                "InstallCertificate",
                {"certificateType": "CentralSystemRootCertificate", "certificate": "PEM"},
            )
        )
        | in_2x(
            Said(
                "InstallCertificate",
                {"certificateType": "CSMSRootCertificate", "certificate": "PEM"},
            )
        ),
    ),
    Case(
        InstallCertificate(use="mo_root", certificate="PEM"),
        in_16(
            wrapped(
                "InstallCertificate",
                {"certificateType": "MORootCertificate", "certificate": "PEM"},
                {"status": "Accepted"},
            )
        )
        | in_2x(
            Said(
                "InstallCertificate", {"certificateType": "MORootCertificate", "certificate": "PEM"}
            )
        ),
    ),
    Case(
        InstallCertificate(use="oem_root", certificate="PEM"),
        in_21(
            Said(
                "InstallCertificate",
                {"certificateType": "OEMRootCertificate", "certificate": "PEM"},
            )
        ),
    ),
    Case(
        DeleteCertificate(certificate=HASH, use="v2g_root"),
        in_16(
            wrapped("DeleteCertificate", {"certificateHashData": HASH_SAID}, {"status": "NotFound"})
        )
        | in_2x(
            Said("DeleteCertificate", {"certificateHashData": HASH_SAID}, {"status": "NotFound"})
        ),
        outcome=Outcome.NOTHING,
    ),
    Case(
        Trigger(message="sign_v2g_certificate"),
        in_16(
            wrapped(
                "TriggerMessage", {"requestedMessage": "SignV2GCertificate"}, {"status": "Accepted"}
            )
        )
        | in_2x(Said("TriggerMessage", {"requestedMessage": "SignV2GCertificate"})),
    ),
    Case(
        DeleteCertificate(certificate=HASH),
        in_all(
            Said("DeleteCertificate", {"certificateHashData": HASH_SAID}, {"status": "NotFound"})
        ),
        outcome=Outcome.NOTHING,
    ),
    Case(
        GetInstalledCertificateIds(uses=("csms_root",)),
        in_16(
            Said(
                "GetInstalledCertificateIds",
                {"certificateType": "CentralSystemRootCertificate"},
                {"status": "Accepted", "certificateHashData": [HASH_SAID]},
            )
        )
        | in_2x(
            Said(
                "GetInstalledCertificateIds",
                {"certificateType": ["CSMSRootCertificate"]},
                {
                    "status": "Accepted",
                    "certificateHashDataChain": [
                        {
                            "certificateType": "CSMSRootCertificate",
                            "certificateHashData": HASH_SAID,
                        }
                    ],
                },
            )
        ),
        details=InstalledCertificates(certificates=(Installed(use="csms_root", certificate=HASH),)),
    ),
]


@every(CERTIFICATES)
async def test_certificate_commands(yard: Yard, case: Case, version: str) -> None:
    await check(yard, case, version)


async def test_all_certificates_of_a_16_station(yard: Yard) -> None:
    """1.6 asks for one kind at a time; those of Plug & Charge are asked for by name."""
    name, wire = await yard.station("1.6")
    chain = {
        "certificateType": "V2GCertificateChain",
        "certificateHashData": HASH_SAID,
        "childCertificateHashData": [HASH_SAID],
    }
    expected = [
        Said(
            "GetInstalledCertificateIds",
            {"certificateType": "CentralSystemRootCertificate"},
            {"status": "NotFound"},
        ),
        Said(
            "GetInstalledCertificateIds",
            {"certificateType": "ManufacturerRootCertificate"},
            {"status": "Accepted", "certificateHashData": [HASH_SAID]},
        ),
    ]
    answer = await converse(yard, name, wire, GetInstalledCertificateIds(), expected, "1.6")
    held = Installed(use="manufacturer_root", certificate=HASH)
    assert answer.outcome is Outcome.ACCEPTED
    assert answer.details == InstalledCertificates(certificates=(held,))
    said = wrapped(
        "GetInstalledCertificateIds",
        {"certificateType": ["V2GCertificateChain"]},
        {"status": "Accepted", "certificateHashDataChain": [chain]},
    )
    command = GetInstalledCertificateIds(uses=("v2g_chain",))
    answer = await converse(yard, name, wire, command, [said], "1.6")
    held = Installed(use="v2g_chain", certificate=HASH, children=(HASH,))
    assert answer.details == InstalledCertificates(certificates=(held,))


async def test_nonsense_inside_a_good_answer(yard: Yard) -> None:
    name, wire = await yard.station("1.6")
    for nonsense in ("{", '{"status":"Perhaps"}', "[]", "\ud800"):
        payload = {"certificateType": "V2GRootCertificate", "certificate": "PEM"}
        good = wrapped("InstallCertificate", payload, {})
        said = Said(good.action, good.payload, {**ACCEPTED, "data": nonsense})
        command = InstallCertificate(use="v2g_root", certificate="PEM")
        answer = await converse(yard, name, wire, command, [said], "1.6")
        assert answer.outcome is Outcome.FAILED
