"""Logs: one event a line, to standard error, and no secret in it."""

import json
import logging
from collections.abc import Generator
from typing import Any, Literal

import pytest
import structlog

from forecourt.infra import log

SECRET = "correct-horse-battery"


@pytest.fixture(autouse=True)
def as_it_was() -> Generator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.parametrize(
    "name", ["password", "new_password", "client_secret", "Authorization", "api_key", "digest"]
)
def test_secrets_are_not_shown(
    capsys: pytest.CaptureFixture[str], style: Literal["json", "console"], name: str
) -> None:
    log.configure("info", style)
    structlog.get_logger("t").info("station.added", station="CP1", **{name: SECRET})
    said = capsys.readouterr().err
    assert SECRET not in said
    assert log.HIDDEN in said
    assert "CP1" in said


@pytest.mark.parametrize("style", ["json", "console"])
def test_secrets_inside_of_things_are_not_shown(
    capsys: pytest.CaptureFixture[str], style: Literal["json", "console"]
) -> None:
    log.configure("info", style)
    structlog.get_logger("t").info(
        "http.asked",
        headers={"Authorization": f"Basic {SECRET}", "Host": "h"},
        rows=[{"station": "CP1", "password": SECRET}],
        url=f"postgresql://forecourt:{SECRET}@db.example/forecourt",
        error=f"cannot connect to wss://CP1:{SECRET}@csms.example/CP1",
    )
    said = capsys.readouterr().err
    assert SECRET not in said
    assert "CP1" in said
    assert "db.example" in said


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_trace_does_not_show_what_variables_held(
    capsys: pytest.CaptureFixture[str], style: Literal["json", "console"]
) -> None:
    def check(password: str) -> None:
        raise LookupError(f"no station for {len(password)} letters")

    log.configure("info", style)
    try:
        check(SECRET)
    except LookupError:
        structlog.get_logger("t").exception("door.failed")
        logging.getLogger("library").exception("it failed there too")
    said = capsys.readouterr().err
    assert said.count("LookupError") >= 2
    assert "in check" in said
    assert SECRET not in said


def test_one_event_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", "json")
    structlog.get_logger("t").warning("station.odd", station="CP1\nCP2", note="größer")
    [line] = lines(capsys)
    assert (line["event"], line["level"], line["station"]) == ("station.odd", "warning", "CP1\nCP2")
    assert line["note"] == "größer"
    assert line["timestamp"].endswith("Z")


def test_what_is_below_the_level_is_not_worth_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("warning", "json")
    structlog.get_logger("t").info("quiet")
    structlog.get_logger("t").warning("loud")
    assert [line["event"] for line in lines(capsys)] == ["loud"]


def test_libraries_speak_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", "json")
    logging.getLogger("library").info("chatter")
    logging.getLogger("library").warning("careful with %s", "this")
    [line] = lines(capsys)
    assert (line["event"], line["level"]) == ("careful with this", "warning")


def test_auto_is_json_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", "auto")
    structlog.get_logger("t").info("seen")
    assert lines(capsys)[0]["event"] == "seen"


@pytest.mark.parametrize("name", ["picows.server", "uvicorn.error", "litestar"])
def test_libraries_do_not_tell_of_each_connection(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    log.configure("debug", "json")
    logging.getLogger().setLevel(logging.DEBUG)  # As somebody else's set-up would have it.
    logging.getLogger(name).info("new connection")
    logging.getLogger(name).warning("odd")
    assert [line["event"] for line in lines(capsys)] == ["odd"]
