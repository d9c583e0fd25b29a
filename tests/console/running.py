"""Platforms that run beside the tests, as processes, the way a user starts them."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

ROOT = Path(__file__).parents[2]
# Generous: the machine is busy with other tests. Nothing waits longer than it must.
START_S = 120
STOP_S = 60
PATIENCE_S = 60
POLL_S = 0.1

# Something happens all the time: hours at twenty times their speed, for as long as the tests run.
LIVELY = ("--past", "6", "--speed", "20")

T = TypeVar("T")


def until(what: str, look: Callable[[], T | None], *, within_s: float = PATIENCE_S) -> T:
    """What ``look`` finds, as soon as it does; otherwise a failure that says what was missing."""
    end = time.monotonic() + within_s
    while not (found := look()):
        if time.monotonic() > end:
            raise AssertionError(f"after {within_s:g} s there is still no {what}")
        time.sleep(POLL_S)
    return found


@dataclass(frozen=True)
class Platform:
    """What a user knows of a platform that runs."""

    url: str
    email: str = ""
    password: str = ""
    key: str = ""
    code: str = ""
    ocpp_url: str = ""
    data: Path = Path()
    """Its folder."""

    def api(self, method: str, path: str, body: object = None) -> Any:
        """Ask with the API key, as another program would."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        answer = httpx.request(
            method, f"{self.url}/api/v1{path}", json=body, headers=headers, timeout=PATIENCE_S
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None


class Forecourt:
    """A command of ours that runs until it is stopped, and what it says meanwhile."""

    def __init__(self, out: Path, *arguments: str) -> None:
        self._out = out
        self._arguments = arguments
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}  # noqa: TID251 (a child's)
        with out.open("w", encoding="utf-8") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "forecourt.cli", *arguments],
                stdout=file,
                stderr=subprocess.STDOUT,
                env=environment,
            )

    def said(self, pattern: str) -> re.Match[str]:
        """What it printed, as soon as it did."""

        def look() -> re.Match[str] | None:
            ended = self._process.poll() is not None
            text = self._out.read_text(encoding="utf-8")
            if (found := re.search(pattern, text, re.DOTALL)) is None and ended:
                raise AssertionError(f"{' '.join(self._arguments)} has ended:\n{text}")
            return found

        try:
            return until(f"/{pattern}/ of {self._arguments[0]}", look, within_s=START_S)
        except AssertionError as error:
            error.add_note(self._out.read_text(encoding="utf-8"))
            raise

    def stop(self) -> None:
        """As Ctrl-C does, and harder when that is not enough."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Served:
    """``forecourt serve`` in a folder: may be stopped, and started again where it was."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = ("0", "0")
        self._process: Forecourt | None = None

    def start(self) -> Platform:
        """The set-up code is known as long as nobody has used it."""
        http, ocpp = self._ports
        data = str(self._folder / "data")
        ports = ("--http-port", http, "--ocpp-port", ocpp)
        self._process = Forecourt(self._folder / "out", "serve", *ports, "--data-dir", data)
        found = self._process.said(r"ocpp=(ws://\S+?)/?\s+http=(http://\S+?)/?\s")
        self.ocpp_url, url = found.groups()
        self._ports = (str(urlsplit(url).port), str(urlsplit(self.ocpp_url).port))
        out = (self._folder / "out").read_text(encoding="utf-8")
        code = re.search(r"set-up code (\S+)", out)
        return Platform(url=url, code="" if code is None else code.group(1))

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None
