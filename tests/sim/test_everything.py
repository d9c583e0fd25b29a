"""Every command of every version is answered, as the official schemas want it; and everything that
a station can say is said."""

import json
from functools import cache
from typing import Any

import pytest

from forecourt.protocol.ocpp.events import Answered
from forecourt.sim.world import Version
from tests.protocol.schemas import Official, official, validator
from tests.sim.csms import Bench
from tests.sim.tour import toured

FOLDERS: dict[Version, str] = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
pytestmark = pytest.mark.parametrize("version", FOLDERS)


@cache
def the_day(version: Version) -> tuple[Bench, set[str]]:
    return toured(version)


def test_every_command_is_answered(version: Version) -> None:
    bench, asked = the_day(version)
    dialect = bench.words.DIALECT
    assert asked == dialect.from_csms
    refused = [a for a in bench.answers if not isinstance(a, Answered)]
    assert refused == [], "none of them is beyond this station"
    judged = [
        (type(a.request).__name__, a.response.status)
        for a in bench.answers
        if isinstance(a, Answered) and hasattr(a.response, "status")
    ]
    good = {"Accepted", "Unlocked", "Unpublished", "Scheduled", "OngoingAuthorizedTransaction"}
    assert [pair for pair in judged if pair[1] not in good] == []


def test_everything_that_a_station_can_say_is_said(version: Version) -> None:
    bench, _ = the_day(version)
    dialect = bench.words.DIALECT
    said = {type(message).__name__ for message in bench.heard}
    assert said == dialect.from_station


def test_every_frame_obeys_the_official_schema(version: Version) -> None:
    bench, _ = the_day(version)
    schemas: dict[str, Official] = {one.name: one for one in official(FOLDERS[version])}
    answered = {
        a.message_id: type(a.request).__name__ for a in bench.answers if isinstance(a, Answered)
    }
    wrong: list[tuple[str, str]] = []
    for frame in bench.said:
        elements: list[Any] = json.loads(frame)
        match elements:
            case [2 | 6, _, action, payload]:
                name = action
            case [3, message_id, payload]:
                name = f"{answered[message_id]}Response"
            case _:
                raise AssertionError(frame)
        wrong.extend(
            (name, error.message) for error in validator(schemas[name]).iter_errors(payload)
        )
    assert wrong == []
    assert len(bench.said) > 80
