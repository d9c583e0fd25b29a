"""Messages to begin from: one of each action and answer, with every field that its schema has."""

import json
from functools import cache
from types import ModuleType
from typing import Any, Final

from forecourt.protocol.ocpp import v16, v21, v201
from forecourt.protocol.ocpp.dialect import Dialect
from forecourt.protocol.ocpp.values import Message
from tests.protocol.schemas import full, official

MODULES: Final[dict[str, ModuleType]] = {"1.6": v16, "2.0.1": v201, "2.1": v21}
DIALECTS: Final[dict[str, Dialect]] = {name: m.DIALECT for name, m in MODULES.items()}


@cache
def payloads(version: str) -> dict[str, dict[str, Any]]:
    """By the name of our type: requests bear their action's name, answers end in Response."""
    schemas = official(MODULES[version].__name__.rpartition(".")[2])
    return {schema.name: full(schema, schema.schema) for schema in schemas}


@cache
def messages(version: str) -> dict[str, Message]:
    """The same as messages, as many as the types take."""
    dialect = DIALECTS[version]
    kinds = {kind.__name__: decoder for kind, decoder in dialect.payloads.items()}
    return {
        name: kinds[name].decode(json.dumps(payload).encode())
        for name, payload in payloads(version).items()
        if name in kinds
    }


@cache
def calls(version: str, sender: str) -> tuple[Message, ...]:
    """What one end ("station" or "csms") may call, in the order of the names."""
    dialect = DIALECTS[version]
    actions = dialect.from_station if sender == "station" else dialect.from_csms
    known = messages(version)
    return tuple(known[action] for action in sorted(actions & dialect.requests.keys()))


def answer(version: str, request: Message) -> Message:
    """An answer to ``request``."""
    return messages(version)[f"{type(request).__name__}Response"]
