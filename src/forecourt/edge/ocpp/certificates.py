"""Certificate messages of all versions, and Plug & Charge, in the house's own words.

2.0.1 has them, 2.1 adds to them, 1.6 has one of them as its security extension. Decides nothing:
what a certificate is worth the security room says.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.domain.access import Authorization, Standing
from forecourt.domain.rooms import Rooms
from forecourt.domain.security import (
    CertificateName,
    Checked,
    ExiAnswer,
    ExiRequest,
    HashAlgorithm,
    Status,
    Unfit,
    Use,
    Verdict,
    certificate_name,
    emaid,
    spellings,
)
from forecourt.domain.stations import (
    Answer,
    Ask,
    CertificateHash,
    DeleteCertificate,
    GetInstalledCertificateIds,
    InstallCertificate,
    Installed,
    InstalledCertificates,
    Outcome,
)
from forecourt.edge.ocpp.routes import Call
from forecourt.protocol.ocpp import v16, v21, v201
from forecourt.protocol.ocpp.values import Message

USES: Final[Mapping[str, Use]] = {
    "ChargingStationCertificate": Use.STATION,
    "V2GCertificate": Use.V2G,
    "V2G20Certificate": Use.V2G20,
}
HASHES: Final[Mapping[str, HashAlgorithm]] = {
    "SHA256": HashAlgorithm.SHA256,
    "SHA384": HashAlgorithm.SHA384,
    "SHA512": HashAlgorithm.SHA512,
}
EMAID: Final = "eMAID"
NO_CONTRACT: Final = "NoContract"
REASON_MAX: Final = 512
# What a station may say once it knows that the contract is worth nothing (errata of 2.0.1, C07).
WORTHLESS: Final = frozenset({Standing.BLOCKED, Standing.EXPIRED, Standing.UNKNOWN})
VERDICTS: Final[Mapping[Verdict, v201.AuthorizeCertificateStatusEnum]] = {
    Verdict.GOOD: "Accepted",
    Verdict.EXPIRED: "CertificateExpired",
    Verdict.REVOKED: "CertificateRevoked",
    Verdict.BROKEN: "CertChainError",
    Verdict.CANCELLED: "ContractCancelled",
}
REFUSED: Final[Mapping[Verdict, v201.AuthorizationStatusEnum]] = {
    Verdict.EXPIRED: "Expired",
    Verdict.REVOKED: "Invalid",
    Verdict.BROKEN: "Invalid",
    Verdict.CANCELLED: "Blocked",
}
STATES: Final[Mapping[Status, v21.CertificateStatusEnum]] = {
    Status.GOOD: "Good",
    Status.REVOKED: "Revoked",
    Status.UNKNOWN: "Unknown",
    Status.UNAVAILABLE: "Failed",
}
OCSP_RESULT_MAX: Final[Mapping[type[Message], int]] = {
    v201.GetCertificateStatus: 5_500,
    v21.GetCertificateStatus: 18_000,
}


# ---- certificates for stations ------------------------------------------------------------------


async def on_sign_certificate_16(call: Call, msg: v16.SignCertificate) -> Message:
    """Security white paper, A02 and A03."""
    refused = await _ask(call, msg.csr, Use.STATION, None)
    return v16.SignCertificateResponse(status="Rejected" if refused else "Accepted")


async def on_sign_certificate(
    call: Call, msg: v201.SignCertificate | v21.SignCertificate
) -> Message:
    """A02, A03. Without a type it is for both, and then our door is what it must open."""
    use = Use.STATION if msg.certificate_type is None else USES[msg.certificate_type]
    reference = msg.request_id if isinstance(msg, v21.SignCertificate) else None
    refused = await _ask(call, msg.csr, use, reference)
    return v201.SignCertificateResponse(
        status="Rejected" if refused else "Accepted",
        status_info=_info("InvalidCSR", refused) if refused else None,
    )


async def _ask(call: Call, csr: str, use: Use, reference: int | None) -> str:
    """Have the request taken; why not, or nothing."""
    station = call.station.station
    taken = await call.rooms.security.signing.ask(
        call.ctx,
        station.id,
        csr,
        use,
        names=frozenset({station.id, station.serial} - {""}),
        reference=reference,
    )
    return taken.reason if isinstance(taken, Unfit) else ""


# ---- what certificates are worth ----------------------------------------------------------------


async def on_certificate_status(
    call: Call, msg: v201.GetCertificateStatus | v21.GetCertificateStatus
) -> Message:
    """M06: an OCSP response, which the station gives to the car."""
    data = msg.ocsp_request_data
    name = _named(data)
    if name is None:
        return _no_status("PropertyConstraintViolation", "no certificate is named so")
    found = await call.rooms.security.statuses.of(call.ctx, name, [data.responder_url])
    if found.proof is None:
        return _no_status("NotFound", found.reason)
    result = msgspec.to_builtins(found.proof)
    assert isinstance(result, str), "bytes are Base64 in JSON"
    if len(result) > OCSP_RESULT_MAX[type(msg)]:
        return _no_status("TooLong", "the responder's answer does not fit into the message")
    kind = (
        v201.GetCertificateStatusResponse
        if isinstance(msg, v201.GetCertificateStatus)
        else v21.GetCertificateStatusResponse
    )
    return kind(status="Accepted", ocsp_result=result)


async def on_chain_status(call: Call, msg: v21.GetCertificateChainStatus) -> Message:
    """M07 of 2.1: the state of each, by OCSP or by list, in our words."""
    return v21.GetCertificateChainStatusResponse(
        certificate_status=tuple(
            [await _chain_status(call, one) for one in msg.certificate_status_requests]
        )
    )


async def _chain_status(
    call: Call, asked: v21.CertificateStatusRequestInfo
) -> v21.CertificateStatus:
    name = _named(asked.certificate_hash_data)
    state: v21.CertificateStatusEnum = "Unknown"
    until = call.ctx.now
    if name is not None:
        found = await call.rooms.security.statuses.of(
            call.ctx, name, asked.urls, lists=asked.source == "CRL"
        )
        state, until = STATES[found.status], found.until
    return v21.CertificateStatus(
        certificate_hash_data=asked.certificate_hash_data,
        source=asked.source,
        status=state,
        next_update=until,
    )


# ---- contracts ----------------------------------------------------------------------------------


async def on_ev_certificate(
    call: Call, msg: v201.Get15118EVCertificate | v21.Get15118EVCertificate
) -> Message:
    """M01, M02: what the car says to the issuer of contracts, and what that answers."""
    asked = ExiRequest(
        iso15118_schema_version=msg.iso15118_schema_version,
        action=msg.action,
        exi_request=msg.exi_request,
    )
    if isinstance(msg, v21.Get15118EVCertificate):
        asked = msgspec.structs.replace(
            asked,
            maximum_contract_certificate_chains=msg.maximum_contract_certificate_chains,
            prioritized_emaids=msg.prioritized_emaids or (),
        )
    answer = await call.rooms.security.provider.exchange(asked)
    if isinstance(msg, v201.Get15118EVCertificate):
        good, exi, reason = _passed_on(answer, 7_500)
        return v201.Get15118EVCertificateResponse(
            status="Accepted" if good else "Failed",
            exi_response=exi,
            status_info=None if good else _info(NO_CONTRACT, reason),
        )
    good, exi, reason = _passed_on(answer, 17_000)
    return v21.Get15118EVCertificateResponse(
        status="Accepted" if good else "Failed",
        exi_response=exi,
        status_info=None
        if good
        else v21.StatusInfo(reason_code=NO_CONTRACT, additional_info=reason[:REASON_MAX] or None),
        remaining_contracts=answer.remaining_contracts,
    )


def _passed_on(answer: ExiAnswer, longest: int) -> tuple[bool, str, str]:
    """Whether the car gets what it wants, what it gets, and why not."""
    if len(answer.exi_response) > longest:
        return False, "", "the provider's answer does not fit into the message"
    good = answer.status == "Accepted" and bool(answer.exi_response)
    return good, answer.exi_response, answer.reason or "the provider refused"


async def check_contract(call: Call, msg: v201.Authorize | v21.Authorize) -> Checked | None:
    """C07: what the contract's certificate is worth; None when the message brings none."""
    contracts = call.rooms.security.contracts
    if msg.certificate:
        return await contracts.check_chain(call.ctx, msg.id_token.id_token, msg.certificate)
    if msg.iso15118_certificate_hash_data:
        asked = [(_named(one), one.responder_url) for one in msg.iso15118_certificate_hash_data]
        known = [(name, url) for name, url in asked if name is not None]
        if len(known) < len(asked):
            return Checked(verdict=Verdict.BROKEN, emaid=None, reason="a name that is none")
        return await contracts.check_names(call.ctx, msg.id_token.id_token, known)
    return None


def contract_answer(checked: Checked, info: v201.IdTokenInfo, standing: Standing) -> Message:
    """C07.FR.13 to 17 (errata 2023-12): certificate and contract, each with its word."""
    verdict = checked.verdict
    if verdict is not Verdict.GOOD:
        info = v201.IdTokenInfo(status=REFUSED[verdict])
    elif standing in WORTHLESS:
        verdict = Verdict.CANCELLED
    return v201.AuthorizeResponse(id_token_info=info, certificate_status=VERDICTS[verdict])


async def authorize_contract(call: Call, uid: str) -> Authorization:
    """What a contract is worth: by its name as it was sent, or as an operator may have spelt it."""
    access = call.rooms.access
    found = await access.authorize(call.ctx, uid)
    short = emaid(uid)
    if found.standing is not Standing.UNKNOWN or short is None:
        return found
    for spelling in spellings(short):
        found = await access.authorize(call.ctx, spelling)
        if found.standing is not Standing.UNKNOWN:
            break
    return found


# ---- what stations hold -------------------------------------------------------------------------


async def remember(
    rooms: Rooms, ctx: Context, station: StationId, command: Ask, answer: Answer
) -> None:
    """Keep what a station told of the certificates that it holds (M03), or that it has changed."""
    inventory = rooms.security.inventory
    match command, answer:
        case GetInstalledCertificateIds(), Answer(details=InstalledCertificates() as told):
            if answer.outcome in (Outcome.ACCEPTED, Outcome.NOTHING):
                found = [place for one in told.certificates for place in _places(one)]
                await inventory.told(ctx, station, command.uses or None, found)
        case InstallCertificate(), Answer(outcome=Outcome.ACCEPTED):
            await inventory.installed(ctx, station, command.use, command.certificate)
        case DeleteCertificate(), Answer(outcome=Outcome.ACCEPTED | Outcome.NOTHING):
            name = _plain(command.certificate)
            if name is not None:
                await inventory.deleted(ctx, station, name)
        case _:
            pass


def _places(one: Installed) -> list[tuple[str, CertificateName, str]]:
    """A certificate and those below it, each with the serial number of the first."""
    names = [_plain(each) for each in (one.certificate, *one.children)]
    return [(one.use, name, one.certificate.serial) for name in names if name is not None]


def _plain(told: CertificateHash) -> CertificateName | None:
    return certificate_name(
        HASHES[told.algorithm], told.issuer_name_hash, told.issuer_key_hash, told.serial
    )


# ---- inside -------------------------------------------------------------------------------------

HashData = (
    v201.OCSPRequestData | v21.OCSPRequestData | v201.CertificateHashData | v21.CertificateHashData
)


def _named(data: HashData) -> CertificateName | None:
    return certificate_name(
        HASHES[data.hash_algorithm],
        data.issuer_name_hash,
        data.issuer_key_hash,
        data.serial_number,
    )


def _no_status(code: str, reason: str) -> Message:
    return v201.GetCertificateStatusResponse(status="Failed", status_info=_info(code, reason))


def _info(code: str, reason: str) -> v201.StatusInfo:
    return v201.StatusInfo(reason_code=code, additional_info=reason[:REASON_MAX] or None)
