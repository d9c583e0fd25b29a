"""The way to the issuer of drivers' contracts: what cars ask goes there, its answer comes back.

The content is encoded and signed for the car alone; nobody between the two can read a meaning
into it, and we do not try.
"""

from typing import Final

import msgspec

from forecourt.domain.security.model import ExiAnswer, ExiRequest
from forecourt.infra.outbound import Outbound, OutboundAway, OutboundRefused

OK: Final = 200
# A car waits a minute at most (ISO 15118-2, V2G_EVCC_Msg_Timeout for certificates: 5 s to 40 s).
TIMEOUT_S: Final = 25.0
BYTES_MAX: Final = 200_000


class ContractProvider:
    """Speaks JSON with one provider, in the words of the OCPP messages that carry it."""

    def __init__(self, outbound: Outbound, url: str, *, token: str = "") -> None:
        self._outbound = outbound
        self._url = url
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    async def exchange(self, asked: ExiRequest) -> ExiAnswer:
        """The provider's answer, or a failure with the reason why there is none. Never raises."""
        if not self._url:
            return ExiAnswer(status="Failed", reason="no provider of contracts is set up")
        try:
            reply = await self._outbound.send(
                "POST",
                self._url,
                body=msgspec.json.encode(asked),
                headers=self._headers,
                bytes_max=BYTES_MAX,
                timeout_s=TIMEOUT_S,
            )
        except (OutboundAway, OutboundRefused) as error:
            return ExiAnswer(status="Failed", reason=error.message)
        if reply.status != OK:
            return ExiAnswer(status="Failed", reason=f"the provider says HTTP {reply.status}")
        try:
            return msgspec.json.decode(reply.body, type=ExiAnswer)
        except msgspec.DecodeError:
            return ExiAnswer(status="Failed", reason="the provider's answer cannot be read")
