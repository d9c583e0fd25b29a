"""Commands put to a station over a real websocket: what goes out, what comes back.

A table of cases says what each command becomes in each version; a version that is not named has no
such thing, and nothing may be sent to it. Must not know how commands are translated.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import pytest

from forecourt.base.ids import StationId
from forecourt.domain.stations import Answer, Ask, Outcome, Variable
from forecourt.edge.ocpp.asks import names
from forecourt.infra.commit import Changes
from tests.edge.ocpp.house import Yard, until
from tests.edge.ocpp.wire import Wire
from tests.protocol.schemas import Official, official

VERSIONS: Final = ("1.6", "2.0.1", "2.1")
SCHEMAS: Final = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
ACCEPTED: Final[Mapping[str, Any]] = {"status": "Accepted"}


class Some:
    """Equal to every value of a type: a moment or a number that the house chose."""

    def __init__(self, kind: type) -> None:
        self.kind = kind

    def __eq__(self, other: object) -> bool:
        return type(other) is self.kind

    __hash__ = None  # type: ignore[assignment]  # it is equal to many

    def __repr__(self) -> str:
        return f"some {self.kind.__name__}"


NUMBER: Final = Some(int)
MOMENT: Final = Some(str)


@dataclass(frozen=True)
class Said:
    """One message that must go out, and what the station answers."""

    action: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    answer: Mapping[str, Any] = field(default_factory=lambda: ACCEPTED)


@dataclass(frozen=True)
class Case:
    """One command, in each version that has it."""

    command: Ask
    said: Mapping[str, Sequence[Said]]
    outcome: Outcome = Outcome.ACCEPTED
    details: Any = None
    variables: tuple[tuple[str, str], ...] = ()
    """(Variable, status) in the answer."""

    def __repr__(self) -> str:
        tag = self.command.__struct_config__.tag
        return f"{tag}-{next(iter(self.said.values()))[0].action if self.said else 'nowhere'}"


def in_16(*said: Said) -> dict[str, Sequence[Said]]:
    return {"1.6": said}


def in_2x(*said: Said) -> dict[str, Sequence[Said]]:
    return {"2.0.1": said, "2.1": said}


def in_21(*said: Said) -> dict[str, Sequence[Said]]:
    return {"2.1": said}


def in_all(*said: Said) -> dict[str, Sequence[Said]]:
    return dict.fromkeys(VERSIONS, said)


def every(cases: Sequence[Case]) -> pytest.MarkDecorator:
    """Each case in each version, those too that must refuse it."""
    return pytest.mark.parametrize(
        ("case", "version"),
        [pytest.param(c, v, id=f"{n}-{c!r}-{v}") for n, c in enumerate(cases) for v in VERSIONS],
    )


async def check(yard: Yard, case: Case, version: str) -> None:
    """The command becomes these messages and no others; the answer is understood."""
    name, wire = await yard.station(version)
    expected = case.said.get(version)
    if expected is None:
        refused = await put(yard, name, case.command)
        assert refused.outcome is Outcome.UNSUPPORTED, refused
        assert refused.reason
        assert await quiet(wire), "nothing is sent that cannot be"
        return
    answer = await converse(yard, name, wire, case.command, expected, version)
    assert answer.outcome is case.outcome, answer
    assert answer.details == case.details
    assert tuple((each.variable, each.status) for each in answer.variables) == case.variables


async def converse(  # noqa: PLR0917 (who asks whom what, and what is to come of it)
    yard: Yard,
    name: StationId,
    wire: Wire,
    command: Ask,
    expected: Sequence[Said],
    version: str,
) -> Answer:
    """Answer each message as the case says, and see that both are valid."""
    async with asyncio.TaskGroup() as tasks:
        told = tasks.create_task(put(yard, name, command))
        for said in expected:
            message_id, action, payload = await heard(wire, said)
            assert (action, payload) == (said.action, said.payload)
            schemas = schemas_of(version)
            assert schemas[said.action].accepts(payload), payload
            assert schemas[f"{said.action}Response"].accepts(said.answer), "a good station's answer"
            wire.answer(message_id, said.answer)
    assert await quiet(wire), "nothing else is sent"
    return told.result()


# The house asks for a whole report by itself, of a station that told something of its variables.
UPKEEP: Final = (
    Said("GetBaseReport", {"requestId": NUMBER, "reportBase": "FullInventory"}),
    Said("GetConfiguration", {}, {}),
)


async def heard(wire: Wire, expected: Said | None = None) -> tuple[str, str, Any]:
    """The next call of the house that is not about its own upkeep, which is answered here."""
    while True:
        kind, message_id, *rest = await wire.message()
        assert kind == 2, (kind, rest)
        action, payload = rest
        own = next((u for u in UPKEEP if (u.action, u.payload) == (action, payload)), None)
        if own is None or (expected and (own.action, own.payload) == (expected.action, payload)):
            return message_id, action, payload
        wire.answer(message_id, own.answer)


async def quiet(wire: Wire, for_s: float = 0.05) -> bool:
    """Whether the house asks for nothing, but for its upkeep."""
    try:
        async with asyncio.timeout(for_s):
            await heard(wire)
    except TimeoutError:
        return True
    return False


async def put(yard: Yard, name: StationId, command: Ask) -> Answer:
    """Ask a station."""
    return await yard.rooms.stations.command(yard.ctx, name, command)


async def knows(yard: Yard, name: StationId, *variables: Variable) -> None:
    """What a station told of itself, as if it had just reported it; without a component, by key."""
    done = asyncio.Event()
    changes = Changes("test", "variables")
    told = [
        v if v.component else names.variable_of(v.variable, v.value, readonly=True)
        for v in variables
    ]
    yard.rooms.stations.variables_reported(yard.ctx, name, told, changes)
    yard.gateway.submit(changes, lambda _: done.set())
    await until(done.is_set)


@cache
def schemas_of(version: str) -> dict[str, Official]:
    """The official schemas, by our names of the messages."""
    return {schema.name: schema for schema in official(SCHEMAS[version])}
