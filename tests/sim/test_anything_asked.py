"""Whatever a central system may ask by the schemas, the station answers by the schemas."""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecourt.sim.world import FEATURES, Version
from tests.protocol.schemas import official, payloads, validator
from tests.sim.csms import WORDS, Bench
from tests.sim.test_everything import FOLDERS

ACTIONS = [
    (version, one)
    for version, folder in FOLDERS.items()
    for one in official(folder)
    if one.name in WORDS[version].DIALECT.from_csms
]
RESPONSES = {(of.version, of.name): of for folder in FOLDERS.values() for of in official(folder)}


@cache
def a_bench(version: Version) -> Bench:
    """One station for everything, so that what was asked before is still there."""
    bench = Bench(version, "Duo 22", features=FEATURES)
    bench.session(seconds=30)
    return bench


@pytest.mark.parametrize(("version", "asked"), ACTIONS, ids=str)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_any_request_has_a_valid_answer(version: Version, asked: Any, data: st.DataObject) -> None:
    bench = a_bench(version)
    payload = data.draw(payloads(asked))
    station = bench.station
    if not station.online or bench.connection is None:
        bench.up = True
        bench.move(120, step_s=5)
    said: list[bytes] = []
    kept, station.talk._send = station.talk._send, said.append
    try:
        frame = json.dumps([2, "any", asked.name, payload])
        station.talk.receive(frame.encode())
    finally:
        station.talk._send = kept
    bench.move(2)
    answers = [json.loads(one) for one in said if one.startswith((b"[3", b"[4"))]
    assert len(answers) == 1
    if answers[0][0] == 3:
        schema = RESPONSES[asked.version, f"{asked.name}Response"]
        assert [e.message for e in validator(schema).iter_errors(answers[0][2])] == []
    else:
        assert answers[0][2] in {
            "PropertyConstraintViolation", "FormationViolation", "FormatViolation",
            "TypeConstraintViolation", "OccurrenceConstraintViolation",
        }  # fmt: skip
