"""Errors and events say what a door needs to know of them."""

from datetime import UTC, datetime
from typing import ClassVar

import msgspec
import pytest

from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.events import Event
from forecourt.base.ids import TenantId


class Missing(ForecourtError):
    """Nothing there."""

    kind: ClassVar[Kind] = Kind.NOT_FOUND
    code: ClassVar[str] = "thing.missing"


class Mute(Event, frozen=True, kw_only=True, tag="thing.mute"):
    """Does not say what it is about."""


def test_an_error_keeps_what_is_shown_from_what_is_logged() -> None:
    error = Missing("there is no such thing", secret_place="cellar")
    assert (str(error), error.kind, error.code) == (
        "there is no such thing",
        Kind.NOT_FOUND,
        "thing.missing",
    )
    assert "cellar" not in error.message
    assert error.context == {"secret_place": "cellar"}


def test_there_are_eight_kinds() -> None:
    assert len(Kind) == 8


def test_an_event_is_tagged_and_must_say_its_subject() -> None:
    event = Mute(tenant=TenantId("acme"), at=datetime(2026, 3, 1, tzinfo=UTC))
    assert msgspec.json.decode(msgspec.json.encode(event))["type"] == "thing.mute"
    with pytest.raises(TypeError, match="Mute"):
        print(event.subject)
