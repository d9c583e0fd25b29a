"""Every OCPP message has a way in or out of the house, or a listed reason why not yet."""

import importlib
from collections.abc import Mapping
from typing import Any, Final

import pytest

from forecourt.edge.ocpp.asks.v2x import SPEECH_21, SPEECH_201
from forecourt.edge.ocpp.asks.v16 import SPEECH as SPEECH_16
from forecourt.protocol.ocpp import v16, v21, v201
from forecourt.protocol.ocpp.dialect import Dialect

DIALECTS: Final = {"v16": v16.DIALECT, "v201": v201.DIALECT, "v21": v21.DIALECT}
SPEECHES: Final = {"v16": SPEECH_16, "v201": SPEECH_201, "v21": SPEECH_21}

# What we may ask of a station, and do not as yet: reason -> actions.
UNASKED: Final[dict[str, frozenset[str]]] = {}


EXCUSED: Final = frozenset().union(*UNASKED.values())


def tables(version: str, name: str) -> Mapping[Any, Any]:
    """What this version's door, and what 2.x have in common, say under one name."""
    shared = [] if version == "v16" else ["v2x"]
    doors = (importlib.import_module(f"forecourt.edge.ocpp.{door}") for door in [version, *shared])
    return {key: value for door in doors for key, value in getattr(door, name, {}).items()}


def routed(version: str) -> set[str]:
    return {kind.__name__ for name in ("ROUTES", "SENT") for kind in tables(version, name)}


def spoken(version: str) -> set[str]:
    """The messages that commands become in this version."""
    speech = SPEECHES[version]
    said = {kind.__name__ for row in speech.rows.values() for kind in row.messages}
    return said & speech.dialect.requests.keys()


@pytest.mark.parametrize(("version", "dialect"), DIALECTS.items())
class TestOneVersion:
    def test_what_a_station_says_is_answered(self, version: str, dialect: Dialect) -> None:
        later = tables(version, "LATER")
        assert dialect.from_station - routed(version) == later.keys() & dialect.from_station
        assert all(len(reason.split()) > 1 for reason in later.values())

    def test_what_cannot_come_has_no_route(self, version: str, dialect: Dialect) -> None:
        assert routed(version) <= dialect.from_station

    def test_what_is_asked_may_be(self, version: str, dialect: Dialect) -> None:
        assert spoken(version) <= dialect.from_csms

    def test_what_we_may_ask_is_asked(self, version: str, dialect: Dialect) -> None:
        assert dialect.from_csms - spoken(version) <= EXCUSED


def test_an_excuse_has_a_need() -> None:
    unasked = {action for v, d in DIALECTS.items() for action in d.from_csms - spoken(v)}
    assert unasked >= EXCUSED
