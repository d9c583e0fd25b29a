"""No command and no message is left out: the tables of cases, taken together."""

from collections.abc import Sequence
from typing import Final

import pytest

from forecourt.domain.stations import COMMANDS, Raw
from forecourt.edge.ocpp.asks.v2x import SPEECH_21, SPEECH_201
from forecourt.edge.ocpp.asks.v16 import SPEECH as SPEECH_16
from tests.edge.ocpp import (
    test_asks_certificates,
    test_asks_charging,
    test_asks_core,
    test_asks_grid,
    test_asks_service,
)
from tests.edge.ocpp.asked import Case

CASES: Final[Sequence[Case]] = [
    *test_asks_core.CORE,
    *test_asks_core.DEVICES,
    *test_asks_charging.CHARGING,
    *test_asks_grid.GRID,
    *test_asks_grid.TARIFFS,
    *test_asks_service.DRIVERS,
    *test_asks_service.FILES,
    *test_asks_certificates.CERTIFICATES,
]
SPEECHES: Final = {"1.6": SPEECH_16, "2.0.1": SPEECH_201, "2.1": SPEECH_21}


@pytest.mark.parametrize("version", SPEECHES)
def test_every_message_that_we_may_send_is_sent(version: str) -> None:
    sent = {said.action for case in CASES for said in case.said.get(version, ())}
    assert sent == SPEECHES[version].dialect.from_csms


@pytest.mark.parametrize("version", SPEECHES)
def test_every_command_that_a_version_has_is_put(version: str) -> None:
    put = {type(case.command) for case in CASES if version in case.said}
    assert put | {Raw} == set(SPEECHES[version].rows)


def test_every_command_is_put_somewhere() -> None:
    assert {type(case.command) for case in CASES} | {Raw} == set(COMMANDS)
