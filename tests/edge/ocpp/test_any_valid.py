"""Whatever the schemas allow a station to say is answered, and never by "our own mistake"."""

from typing import Any, Final

import pytest
from hypothesis import Phase, given, settings

from forecourt.edge.ocpp.versions import VERSIONS
from tests.edge.ocpp.house import IN_THE_HOUSE, SUBPROTOCOLS, Yard
from tests.edge.ocpp.wire import CallError, Wire
from tests.protocol.schemas import Official, official, payloads

pytestmark = IN_THE_HOUSE

EXAMPLES: Final = 12
SCHEMAS: Final = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}


def messages(version: str) -> list[Official]:
    """The requests that a station may send and wants an answer to, by their schemas."""
    dialect = VERSIONS[SUBPROTOCOLS[version]].dialect
    wanted = dialect.from_station - dialect.sends.keys()
    return [of for of in official(SCHEMAS[version]) if of.name in wanted]


def drawn(of: Official) -> list[dict[str, Any]]:
    """Some valid payloads of one message, the same ones each time."""
    found: list[dict[str, Any]] = []

    @settings(max_examples=EXAMPLES, phases=[Phase.generate])
    @given(payloads(of))
    def collect(payload: dict[str, Any]) -> None:
        found.append(payload)

    collect()
    return found


async def said(wire: Wire, action: str, payload: dict[str, Any]) -> str:
    """How it was answered: the code of the error, or nothing."""
    try:
        await wire.call(action, payload)
    except CallError as refused:
        return refused.code
    return ""


@pytest.mark.parametrize("version", SUBPROTOCOLS)
async def test_what_is_valid_is_answered(yard: Yard, version: str) -> None:
    _, wire = await yard.station(version)
    broken = []
    for of in messages(version):
        for payload in drawn(of):
            code = await said(wire, of.name, payload)
            if code == "InternalError":
                broken.append((of.name, payload))
    assert broken == []
    assert await wire.call("Heartbeat", {})
