"""Any message that a version lets us send, once its own type takes it."""

from typing import Any

import msgspec

from forecourt.domain.stations import Answer, Outcome, Raw, RawResponse
from forecourt.edge.ocpp.asks.table import Facts, Rows, Told, outcome, row, unsupported, why
from forecourt.protocol.ocpp.dialect import Dialect
from forecourt.protocol.ocpp.values import Message


def raw(dialect: Dialect) -> Rows:
    """The row of the raw command in one version."""

    def say(command: Raw, _: Facts) -> Message | Answer:
        if command.action not in dialect.from_csms:
            return unsupported(f"there is no {command.action!r} that we may send")
        kind = dialect.requests[command.action]
        return dialect.payloads[kind].decode(msgspec.json.encode(command.payload))

    return dict([row(Raw, say=say, understand=answered)])


def answered(_: Raw, _request: Any, response: Message) -> Told:
    """The answer as it stands, and what its status says, if it has one."""
    word = str(getattr(response, "status", ""))
    return Told(
        Answer(
            outcome=outcome(word) if word else Outcome.ACCEPTED,
            status=word,
            reason=why(response),
            details=RawResponse(payload=msgspec.to_builtins(response)),
        )
    )
