"""OCPP 1.6: Plug & Charge, in messages of 2.0.1 that travel inside of DataTransfer.

The Open Charge Alliance's application note on 1.6 and ISO 15118. What such a message means, the
functions for 2.0.1 know; this module unwraps it, and wraps the answer.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec

from forecourt.domain.access import Standing
from forecourt.edge.ocpp import certificates
from forecourt.edge.ocpp.routes import Call, Reply, Speaks
from forecourt.protocol.ocpp import v201
from forecourt.protocol.ocpp.values import Message, decode_custom

VENDOR: Final = "org.openchargealliance.iso15118pnc"
STANDINGS: Final[Mapping[Standing, v201.AuthorizationStatusEnum]] = {
    Standing.ACCEPTED: "Accepted",
    Standing.BLOCKED: "Blocked",
    Standing.EXPIRED: "Expired",
    Standing.UNKNOWN: "Unknown",
    Standing.CONCURRENT: "ConcurrentTx",
}

Shape = TypeVar("Shape", bound=Message)


def wrapped(
    shape: type[Shape], handler: Callable[[Call, Shape], Awaitable[Message]]
) -> tuple[str, Speaks]:
    """A message of 2.0.1 and who answers it, for the table of vendors."""

    async def speak(call: Call, data: Any) -> Reply:
        try:
            inside = msgspec.json.decode(unwrapped(data), type=shape, dec_hook=decode_custom)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return Reply("Rejected")
        answer = await handler(call, inside)
        return Reply("Accepted", msgspec.json.encode(answer).decode())

    return shape.__name__, speak


def unwrapped(data: Any) -> bytes:
    """The message; a token may be written as the plain text that it is in 1.6.

    Raises DecodeError, UnicodeEncodeError, RecursionError.
    """
    if not isinstance(data, str):
        raise msgspec.DecodeError("1.6 sends text")
    raw = msgspec.json.decode(data)
    if isinstance(raw, dict) and isinstance(raw.get("idToken"), str):
        raw["idToken"] = {"idToken": raw["idToken"], "type": certificates.EMAID}
    return msgspec.json.encode(raw)


async def on_authorize(call: Call, msg: v201.Authorize) -> Message:
    """C07, in 1.6."""
    checked = await certificates.check_contract(call, msg)
    found = await certificates.authorize_contract(call, msg.id_token.id_token)
    info = v201.IdTokenInfo(
        status=STANDINGS[found.standing], cache_expiry_date_time=found.valid_until
    )
    if checked is None:
        return v201.AuthorizeResponse(id_token_info=info)
    return certificates.contract_answer(checked, info, found.standing)


async def on_sign_certificate(call: Call, msg: v201.SignCertificate) -> Message:
    """A certificate is for cars here, unless it says something else."""
    if msg.certificate_type is None:
        msg = msgspec.structs.replace(msg, certificate_type="V2GCertificate")
    return await certificates.on_sign_certificate(call, msg)


MESSAGES: Final[Mapping[str, Speaks]] = dict(
    [
        wrapped(v201.Authorize, on_authorize),
        wrapped(v201.Get15118EVCertificate, certificates.on_ev_certificate),
        wrapped(v201.GetCertificateStatus, certificates.on_certificate_status),
        wrapped(v201.SignCertificate, on_sign_certificate),
    ]
)
