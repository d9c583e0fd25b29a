"""Templates, variables and drift as a shell sees them; applying beside a platform that runs."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.sync.client import connect

from forecourt.cli.template import wanted
from forecourt.domain.devices import Wanted
from tests.cli.test_commands import Ran, Shell


@pytest.fixture
def shell(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    database_url: str,
) -> Shell:
    """Commands on a database of their own."""
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path / "data", database_url, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("HeartbeatInterval=60", Wanted(variable="HeartbeatInterval", value="60")),
        ("C.V=a=b.c", Wanted(component="C", variable="V", value="a=b.c")),
        (
            "C[i]@1.2.V[L1]=",
            Wanted(
                component="C",
                component_instance="i",
                evse=1,
                connector=2,
                variable="V",
                instance="L1",
                value="",
            ),
        ),
        ("EVSE@3.Power=1", Wanted(component="EVSE", evse=3, variable="Power", value="1")),
    ],
)
def test_how_a_variable_is_written(text: str, meant: Wanted) -> None:
    assert wanted(text) == meant


@pytest.mark.parametrize("text", ["HeartbeatInterval", "C@x.V=1"])
def test_what_is_no_variable(text: str) -> None:
    with pytest.raises(BaseException, match="1"):
        wanted(text)


def test_templates_from_addition_to_removal(shell: Shell) -> None:
    made = shell.good(
        *("template", "add", "Acme", "heartbeatinterval=60", "C.V=1"),
        *("--vendor", "Acme*", "--firmware-from", "1.2", "--auto", "--json"),
    ).json
    assert (made["vendor"], made["firmware_from"], made["auto"]) == ("Acme*", "1.2", True)
    assert made["values"][0]["component"] == "OCPPCommCtrlr"
    shown = shell.good("template", "show", "Acme").out
    assert "OCPPCommCtrlr.HeartbeatInterval = 60" in shown
    assert "maker Acme*, firmware from 1.2" in shell.good("template", "list").out
    twice = shell.run("template", "add", "Acme", "C.V=2")
    assert (twice.code, "(template.exists)" in twice.err) == (1, True)
    shell.good("template", "add", "Acme", "C.V=2", "--replace")
    (only,) = shell.good("template", "list", "--json").json["items"]
    assert ([v["value"] for v in only["values"]], only["auto"]) == (["2"], False)
    shell.good("template", "remove", "Acme")
    gone = shell.run("template", "show", "Acme")
    assert (gone.code, "(template.unknown)" in gone.err) == (1, True)


def test_a_station_that_told_nothing(shell: Shell) -> None:
    shell.good("station", "add", "CP1")
    assert shell.good("station", "variables", "CP1", "--json").json == {"items": []}
    assert shell.good("station", "drift", "CP1", "--json").json["state"] == "unmanaged"
    shell.good("template", "add", "T", "C.V=1", "--station", "CP1")
    assert "unknown: the station has not told of it" in shell.good("station", "drift", "CP1").out
    assert shell.good("station", "drift", "--json").json == {"items": []}
    away = shell.run("station", "apply", "CP1")
    assert (away.code, "(platform.away)" in away.err) == (1, True)
    unknown = shell.run("station", "variables", "CP2")
    assert (unknown.code, "(station.unknown)" in unknown.err) == (1, True)


def test_told_drifted_and_applied_beside_a_platform(shell: Shell) -> None:
    shell.good("station", "add", "CP1")
    shell.good("template", "add", "T", "HeartbeatInterval=60", "AcmeLamp=on")
    command = [sys.executable, "-m", *shell.spelled("serve", "--ocpp-port=0", "--http-port=0")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            said = dict(word.split("=", 1) for word in process.stdout.readline().split()[1:])
            with connect(f"{said['ocpp']}/CP1", subprotocols=["ocpp1.6"]) as wire:  # type: ignore[list-item]  # a NewType of str
                who = {"chargePointVendor": "Acme", "chargePointModel": "One"}
                wire.send(json.dumps([2, "1", "BootNotification", who]))
                wire.recv(timeout=30)
                keys = [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]
                asked = start(shell, "command", "CP1", "get-report", "--json")
                call = json.loads(wire.recv(timeout=30))
                wire.send(json.dumps([3, call[1], {"configurationKey": keys}]))
                assert asked.wait(timeout=60) == 0
                drifted = until(shell, lambda ran: "drifted" in ran.out, "station", "drift")
                assert "HeartbeatInterval" in drifted.out
                lines = shell.good("station", "drift", "CP1").out
                assert "set: it is '300'" in lines
                assert "unknown: the station has no such variable" in lines
                dry = shell.good("station", "apply", "CP1", "--dry-run").out
                assert "OCPPCommCtrlr.HeartbeatInterval = 60 set" in dry

                applying = start(shell, "station", "apply", "CP1", "--json")
                call = json.loads(wire.recv(timeout=30))
                assert call[2:] == [
                    "ChangeConfiguration",
                    {"key": "HeartbeatInterval", "value": "60"},
                ]
                wire.send(json.dumps([3, call[1], {"status": "Accepted"}]))
                assert applying.wait(timeout=60) == 0
                table = until(shell, lambda ran: " 60 " in ran.out, "station", "variables", "CP1")
                assert "OCPPCommCtrlr.HeartbeatInterval" in table.out
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0


def start(shell: Shell, *arguments: str) -> subprocess.Popen[str]:
    """A command that runs while the station answers it."""
    command = [sys.executable, "-m", *shell.spelled(*arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, text=True)


def until(shell: Shell, true: Callable[[Ran], bool], *arguments: str) -> Ran:
    """Run a command until it shows what comes about soon."""
    ran = shell.good(*arguments)
    for _ in range(40):
        if true(ran):
            return ran
        time.sleep(0.25)
        ran = shell.good(*arguments)
    pytest.fail(f"{' '.join(arguments)} shows: {ran.out}")
