"""OCPP 1.6: what it has no word for, as a message of 2.0.1 inside DataTransfer.

So the Open Charge Alliance's application note on 1.6 and ISO 15118 (Plug & Charge) has it.
"""

from typing import Final

import msgspec

from forecourt.domain.stations import Answer, Ask
from forecourt.edge.ocpp.asks import certificates as common
from forecourt.edge.ocpp.asks.table import Told, fitted, status
from forecourt.protocol.ocpp import v16, v201
from forecourt.protocol.ocpp.values import Message

PNC_VENDOR: Final = "org.openchargealliance.iso15118pnc"


def wrapped(message: Message) -> v16.DataTransfer:
    """A message of 2.0.1 inside one of 1.6. Raises ValidationError where 2.0.1 has none."""
    return v16.DataTransfer(
        vendor_id=PNC_VENDOR,
        message_id=type(message).__name__,
        data=msgspec.json.encode(fitted(v201.DIALECT, message)).decode(),
    )


def unwrapped(
    command: Ask,
    request: Message,
    response: Message,
) -> Told:
    """An answer of 2.0.1 inside one of 1.6; a plain answer as it is."""
    if not isinstance(response, v16.DataTransferResponse) or response.data is None:
        return status(command, request, response)
    assert isinstance(request, v16.DataTransfer)
    kind = v201.DIALECT.responses[request.message_id or ""]
    try:
        inside = msgspec.json.decode(response.data, type=kind)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        # Its own fault, and no reason to drop the answer: the outer one said something too.
        return Told(
            Answer(
                outcome=common.NONSENSE,
                status=response.status,
                reason=f"BadAnswer {error}",
                data=response.data[: common.NONSENSE_KEPT_MAX],
            )
        )
    if isinstance(inside, v201.GetInstalledCertificateIdsResponse):
        return common.found(command, request, inside)
    return status(command, request, inside)
