"""The commands as a shell sees them: output, JSON, exit codes; with and without a platform."""

import asyncio
import io
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from forecourt.app.rooms import open_rooms
from forecourt.base.clock import SystemClock
from forecourt.base.context import Context
from forecourt.base.ids import StationId, TenantId
from forecourt.cli import main
from forecourt.cli.station_csv import parse
from forecourt.domain.energy import ExternalLimit
from forecourt.domain.firmware import JobKind
from forecourt.domain.monitoring import Alarm, AlarmSource
from forecourt.settings import load
from tests.fixtures.pki import csr_pem


@dataclass
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Shell:
    """Runs commands on one data folder, in this process."""

    data_dir: Path
    database_url: str | None
    patch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    def spelled(self, *arguments: str) -> list[str]:
        command = ["forecourt.cli", *arguments, "--data-dir", str(self.data_dir)]
        return command + (["--database-url", self.database_url] if self.database_url else [])

    def run(self, *arguments: str, stdin: str = "") -> Ran:
        self.capture.readouterr()
        self.patch.setattr(sys, "argv", self.spelled(*arguments))
        self.patch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self.capture.readouterr()
        return Ran(int(ended.value.code or 0), out, err)

    def good(self, *arguments: str, stdin: str = "") -> Ran:
        ran = self.run(*arguments, stdin=stdin)
        assert ran.code == 0, ran.err
        return ran


@pytest.fixture
def shell_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str | None], Shell]:
    """Commands on a database of one's choice."""
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.chdir(tmp_path)
    return lambda url: Shell(tmp_path / "data", url, monkeypatch, capsys)


@pytest.fixture
def shell(shell_on: Callable[[str | None], Shell], database_url: str) -> Shell:
    """Commands on a database of their own, no platform running."""
    return shell_on(database_url)


@dataclass
class Platform:
    """A platform that runs, and commands beside it."""

    shell: Shell
    ocpp: str
    http: str


@pytest.fixture
def platform(shell: Shell) -> Generator[Platform]:
    """``forecourt serve`` in a process of its own."""
    command = [sys.executable, "-m", *shell.spelled("serve", "--ocpp-port=0", "--http-port=0")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert said.startswith("ready "), said
            words = dict(word.split("=", 1) for word in said.split()[1:])
            yield Platform(shell, words["ocpp"], words["http"])
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0


async def told_at_night(shell: Shell) -> datetime:
    """What a station told: something is wrong, somebody limits it, it is being updated."""
    assert shell.database_url is not None
    settings = load({"data_dir": shell.data_dir, "database_url": shell.database_url})
    clock, station = SystemClock(), StationId("CP1")
    async with open_rooms(settings, clock) as (rooms, _):
        ctx = Context(actor="test", tenant=TenantId("default"), now=clock.now())
        alarm = Alarm(
            source=AlarmSource.VARIABLE,
            key="k",
            severity=1,
            text="EVSE Problem is true",
            raised_at=ctx.now,
        )
        await rooms.monitoring.raise_alarm(ctx, station, alarm)
        limit = ExternalLimit(evse_no=2, source="SO", grid_critical=True, since_at=ctx.now)
        await rooms.energy.limit_told(ctx, station, limit)
        later = ctx.now + timedelta(hours=1)
        await rooms.access.reserved(ctx, station, 7, evse_no=2, token="CARD", expires_at=later)
        for kind, status in ((JobKind.LOG, "Uploaded"), (JobKind.UPDATE, "Installing")):
            at = msgspec.structs.replace(ctx, now=clock.now())
            await rooms.firmware.reported(at, station, kind=kind, request_id=1, status=status)
        return ctx.now


class TestStation:
    def test_add_list_show_set_remove(self, shell: Shell) -> None:
        made = shell.good("station", "add", "CP1", "A|2", "--generate-password", "--site", "Hof")
        assert made.out.count("password") == 2
        listed = shell.good("station", "list", "--json").json["items"]
        assert [(s["id"], s["site"], s["connected"]) for s in listed] == [
            ("A|2", "Hof", False),
            ("CP1", "Hof", False),
        ]
        assert "Hof" in shell.good("station", "list").out
        changed = shell.good("station", "set", "CP1", "--admission", "blocked", "--json").json
        assert (changed["admission"], changed["site"]) == ("blocked", "Hof")
        assert shell.good("station", "show", "CP1", "--json").json == changed
        shell.good("station", "remove", "CP1")
        gone = shell.run("station", "show", "CP1")
        assert (gone.code, gone.out) == (1, "")
        assert gone.err == "error: there is no station 'CP1' (station.unknown)\n"

    def test_what_somebody_who_is_woken_must_know(self, shell: Shell) -> None:
        shell.good("station", "add", "CP1")
        night = asyncio.run(told_at_night(shell))
        shown = shell.good("station", "show", "CP1", "--json").json
        assert [(alarm["severity"], alarm["text"]) for alarm in shown["alarms"]] == [
            (1, "EVSE Problem is true")
        ]
        assert [(limit["evse"], limit["source"]) for limit in shown["external_limits"]] == [
            (2, "SO")
        ]
        assert [(held["number"], held["evse"]) for held in shown["reservations"]] == [(7, 2)]
        assert [(job["kind"], job["status"]) for job in shown["file_jobs"]] == [
            ("update", "Installing"),
            ("log", "Uploaded"),
        ]
        people = shell.good("station", "show", "CP1").out
        assert "EVSE Problem is true" in people
        assert f"{night:%Y-%m-%d}" in people

    def test_a_known_station_stays_as_it_is(self, shell: Shell) -> None:
        shell.good("station", "add", "CP1", "--site", "first")
        again = shell.run("station", "add", "CP1", "CP2", "--site", "second", "--json")
        assert again.code == 1
        assert again.json == {"added": [{"id": "CP2"}], "known": ["CP1"]}
        assert shell.good("station", "show", "CP1", "--json").json["site"] == "first"

    def test_quirks_are_listed_chosen_and_shown(self, shell: Shell) -> None:
        listed = shell.good("station", "quirks").out
        assert "abb-terra-ac-1-8" in listed
        one = shell.good("station", "quirks", "easee", "--json").json["items"]
        assert [(p["name"], p["min_meter_interval_s"]) for p in one] == [("easee", 30)]
        assert "min_meter_interval_s" in shell.good("station", "quirks", "easee").out
        assert shell.run("station", "quirks", "none-such").code == 1
        shell.good("station", "add", "CP1", "--quirks", "easee")
        shown = shell.good("station", "show", "CP1", "--json").json
        assert (shown["quirks"], shown["quirk_profile"], shown["quirk_uses"]) == (
            "easee",
            "easee",
            [],
        )
        assert len(shown["advice"]) == 2
        assert shell.good("station", "set", "CP1", "--quirks", "none", "--json").json["quirks"] == (
            "none"
        )
        wrong = shell.run("station", "set", "CP1", "--quirks", "easy")
        assert (wrong.code, "'easy'" in wrong.err) == (1, True)

    def test_quirk_profiles_of_ones_own(self, shell: Shell, tmp_path: Path) -> None:
        own = tmp_path / "own.toml"
        own.write_text('[mine]\ntitle = "Mine"\nfixes = ["no-zone"]\n')
        shell.patch.setenv("FORECOURT_QUIRKS_FILE", str(own))
        assert shell.good("station", "quirks", "--json").json["items"][0]["name"] == "mine"
        own.write_text('[mine]\ntitle = "Mine"\nfixes = ["no-such"]\n')
        wrong = shell.run("station", "quirks")
        assert wrong.code == 1
        assert "[mine]: Invalid enum value 'no-such'" in wrong.err

    def test_a_generated_password_is_printed_for_machines_too(self, shell: Shell) -> None:
        made = shell.good("station", "add", "CP1", "--generate-password", "--json")
        assert 16 <= len(made.json["added"][0]["password"]) <= 20
        both = shell.run("station", "add", "CP2", "--generate-password", "--password", "x")
        assert (both.code, "not both" in both.err) == (1, True)

    def test_a_table_in_a_pipe_is_not_wrapped(self, shell: Shell) -> None:
        shell.patch.setenv("COLUMNS", "40")
        name, site = "C" * 48, "S" * 60
        shell.good("station", "add", name, "--site", site)
        assert any(
            name in line and site in line for line in shell.good("station", "list").out.splitlines()
        )

    def test_what_happened_to_it(self, shell: Shell) -> None:
        shell.good("station", "add", "CP1", "CP2")
        shell.good("station", "set", "CP1", "--site", "Hof")
        # What is told in order waits for older transactions, also those of other tests' databases.
        lines: list[str] = []
        for _ in range(50):
            lines = shell.good("station", "watch", "CP1", "--once", "--json").out.splitlines()
            if len(lines) > 1:
                break
            time.sleep(0.2)
        assert [json.loads(line)["type"] for line in lines] == ["station.added", "station.changed"]

    def test_import(self, shell: Shell, tmp_path: Path) -> None:
        file = tmp_path / "stations.csv"
        rows = "".join(f"CP{n:05},secret-of-{n:05},site{n % 7}\n" for n in range(10_000))
        file.write_text(f"\ufeffid,password,site\n{rows}", encoding="utf-8")
        assert "added 10,000 stations" in shell.good("station", "import", str(file)).out
        again = shell.good("station", "import", "-", "--json", stdin="id\nCP00000\nNEW\n")
        assert again.json == {"added": 1, "known": 1}
        listed = shell.good("station", "list", "--json", "--limit", "100000", "--site", "site3")
        assert len(listed.json["items"]) == len(range(3, 10_000, 7))

    def test_a_file_with_mistakes_imports_nothing(self, shell: Shell, tmp_path: Path) -> None:
        file = tmp_path / "stations.csv"
        file.write_text("id,password\nCP1,\na/b,x\nCP1,\n")
        failed = shell.run("station", "import", str(file))
        assert failed.code == 1
        assert "line 3: a station's identity" in failed.err
        assert "line 4: CP1 is there twice" in failed.err
        assert shell.good("station", "list", "--json").json == {"items": []}
        missing = shell.run("station", "import", str(tmp_path / "none.csv"))
        assert (missing.code, "(file.unreadable)" in missing.err) == (1, True)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the first line must name"),
        ("name\nCP1\n", "the first line must name"),
        ("id;password\nCP1;x\n", "the first line must name"),
        ("id\n\n,\nCP1,extra\n", "line 3"),
    ],
)
def test_a_list_that_is_none(text: str, complaint: str) -> None:
    _, complaints = parse(text.splitlines(keepends=True))
    assert complaints[0].startswith(complaint)


def test_columns_in_any_order_and_case() -> None:
    found, complaints = parse(['Site, ID ,"password"\n', 'Hof,CP1,"a,b"\n', ",CP2,\n"])
    assert complaints == []
    assert [(s.id, s.password, s.site) for s in found] == [
        ("CP1", b"a,b", "Hof"),
        ("CP2", None, ""),
    ]


class TestToken:
    def test_add_block_unblock_remove(self, shell: Shell) -> None:
        added = shell.good(
            *("token", "add", "AbC", "--type", "eMAID", "--group", "family"),
            *("--expires", "2030-01-31", "--unlimited", "--json"),
        ).json
        assert (added["type"], added["group"], added["sessions_max"]) == ("eMAID", "family", None)
        assert added["valid_until"] == "2030-01-31T00:00:00Z"
        assert shell.good("token", "block", "abc", "--json").json["status"] == "blocked"
        assert "blocked" in shell.good("token", "list").out
        assert shell.good("token", "unblock", "abc", "--json").json["status"] == "accepted"
        twice = shell.run("token", "add", "ABC")
        assert (twice.code, "(token.exists)" in twice.err) == (1, True)
        shell.good("token", "remove", "ABC")
        assert shell.good("token", "list", "--json").json == {"items": []}


class TestApiKey:
    def test_it_is_shown_once(self, shell: Shell) -> None:
        made = shell.good("apikey", "add", "robot", "--json").json
        assert set(made) == {"id", "name", "key"}
        assert made["key"].startswith("fck_")
        plain = shell.good("apikey", "add", "other").out
        assert plain.startswith("fck_")
        listed = shell.good("apikey", "list", "--json")
        assert [key["name"] for key in listed.json["items"]] == ["robot", "other"]
        assert "fck_" not in listed.out
        assert shell.run("apikey", "add", "robot").code == 1
        shell.good("apikey", "revoke", "robot")
        assert shell.good("apikey", "add", "robot").out.startswith("fck_")

    def test_the_installations_key_is_its_owners(self, shell: Shell) -> None:
        shell.good("apikey", "add", "robot")
        assert (shell.data_dir / "secret.key").stat().st_mode & 0o777 == 0o600


class TestSession:
    def test_none_yet(self, shell: Shell) -> None:
        assert shell.good("session", "list", "--json").json == {"items": []}
        none = shell.run("session", "show", "ses_1")
        assert (none.code, "(session.unknown)" in none.err) == (1, True)


class TestDatabase:
    def test_upgrade_and_check(
        self, shell_on: Callable[[str | None], Shell], empty_database_url: str
    ) -> None:
        shell = shell_on(empty_database_url)
        behind = shell.run("db", "check")
        assert (behind.code, "run 'forecourt db upgrade'" in behind.err) == (1, True)
        revision = shell.good("db", "upgrade", "--json").json
        assert shell.good("db", "check", "--json").json == revision

    @pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/none", "not a url"])
    def test_a_database_that_cannot_be_used(
        self, shell_on: Callable[[str | None], Shell], url: str
    ) -> None:
        failed = shell_on(url).run("station", "list")
        assert failed.code == 1
        assert failed.err.count("\n") == 1
        assert "(database.unreachable)" in failed.err


class TestConfig:
    def test_secrets_are_hidden(self, shell: Shell) -> None:
        shown = shell.good("config", "show", "--json").json
        assert (shown["database_url"], shown["ocpp_port"]) == ("•••", 9220)
        changed = shell.good("config", "show", "--changed").out
        assert "•••" in changed
        assert "ocpp_port" not in changed


class TestPki:
    def test_from_nothing_to_a_revoked_certificate(self, shell: Shell, tmp_path: Path) -> None:
        made = shell.good("pki", "init", "--json").json["items"]
        assert len(made) == 7
        assert "all authorities are there" in shell.good("pki", "init").out
        shown = shell.good("pki", "show").out
        assert all(one["id"] in shown for one in made)
        shell.good("pki", "issue", "CP1", "--to", str(tmp_path / "made"), "--days", "10")
        key = tmp_path / "made" / "CP1.key"
        assert key.stat().st_mode & 0o777 == 0o600
        load_pem_private_key(key.read_bytes(), None)
        leaf, sub = x509.load_pem_x509_certificates((tmp_path / "made/CP1.pem").read_bytes())
        leaf.verify_directly_issued_by(sub)
        trust = x509.load_pem_x509_certificates(shell.good("pki", "show", "--pem").out.encode())
        assert sub in trust
        (tmp_path / "asked.csr").write_text(csr_pem("CP2"))
        signed = shell.good("pki", "sign", str(tmp_path / "asked.csr")).out
        assert len(x509.load_pem_x509_certificates(signed.encode())) == 2
        first, second = shell.good("pki", "list", "--json").json["items"]
        assert (first["subject"], second["subject"]) == ("CP1", "CP2")
        shell.good("pki", "revoke", first["id"], "--reason", "keyCompromise")
        lines = shell.good("pki", "list").out.splitlines()
        assert len(lines[1].split()) == len(lines[2].split()) + 1

    def test_failures_are_one_line(self, shell: Shell, tmp_path: Path) -> None:
        (tmp_path / "junk").write_text("junk")
        for arguments, code in (
            (("revoke", "crt_none"), "certificate.unknown"),
            (("sign", str(tmp_path / "junk")), "certificate.invalid"),
            (("trust", str(tmp_path / "junk"), "--role", "v2g_root"), "certificate.invalid"),
            (("distrust", "aut_none"), "authority.unknown"),
        ):
            ran = shell.run("pki", *arguments)
            assert (ran.code, code in ran.err, ran.err.count("\n")) == (1, True, 1)

    @pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
    def test_a_whole_chain_for_trying(self, shell: Shell, tmp_path: Path) -> None:
        folder = tmp_path / "chain"
        arguments = ["forecourt.cli", "pki", "test-chain", str(folder), "--station", "CP9"]
        shell.patch.setattr(sys, "argv", arguments)
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        for root, leaf, purpose in (
            ("csms-root", "server", "sslserver"),
            ("csms-root", "station", "sslclient"),
            ("v2g-root", "secc", "sslserver"),
            ("mo-root", "contract", "any"),
        ):
            done = subprocess.run(
                [
                    *("openssl", "verify", "-x509_strict", "-purpose", purpose),
                    *("-CAfile", f"{root}.pem", "-untrusted", f"{leaf}-chain.pem", f"{leaf}.pem"),
                ],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.stdout == f"{leaf}.pem: OK\n", done.stderr
        station = x509.load_pem_x509_certificate((folder / "station.pem").read_bytes())
        assert "CN=CP9" in station.subject.rfc4514_string()
        assert len(x509.load_pem_x509_certificates((folder / "secc-chain.pem").read_bytes())) == 3
        # A platform that is told to trust it lets its station in, and knows its contract.
        made = shell.good("pki", "trust", str(folder / "mo-root.pem"), "--role", "mo_root").out
        assert "MO Root CA" in made
        wrong = [*arguments[:4], "--contract", "DE8AAC12345678Z"]
        shell.patch.setattr(sys, "argv", wrong)
        with pytest.raises(SystemExit) as refused:
            main()
        assert refused.value.code == 1


def test_help_lists_every_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "forecourt.cli", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    for name in ("serve", "station", "token", "apikey", "session", "command", "db", "sim", "bench"):
        assert f" {name} " in done.stdout


def test_without_a_server_commands_bring_their_own_database(
    shell_on: Callable[[str | None], Shell],
) -> None:
    shell = shell_on(None)
    made = shell.good("station", "add", "CP1", "--json")
    assert made.json == {"added": [{"id": "CP1"}], "known": []}
    assert shell.good("station", "list", "--json").json["items"][0]["id"] == "CP1"
    away = shell.run("command", "CP1", "reset")
    assert (away.code, "forecourt serve" in away.err) == (1, True)


def test_beside_a_platform(platform: Platform) -> None:
    """What a command makes known is let in at once; a command's answer is the station's."""
    shell = platform.shell
    password = shell.good("station", "add", "CP1", "--generate-password", "--json").json
    key = shell.good("apikey", "add", "robot", "--json").json["key"]
    headers = {"Authorization": f"Bearer {key}"}
    there = httpx.get(f"{platform.http}/api/v1/stations/CP1", headers=headers)
    assert (there.status_code, there.json()["connected"]) == (200, False)

    offline = shell.run("command", "CP1", "reset", "--mode", "soft")
    assert (offline.code, "(station.offline)" in offline.err) == (1, True)
    assert (shell.data_dir / "cli.key").stat().st_mode & 0o777 == 0o600
    unknown = shell.run("command", "CP9", "clear-cache")
    assert (unknown.code, "(station.unknown)" in unknown.err) == (1, True)

    secret = password["added"][0]["password"]
    host = platform.ocpp.removeprefix("ws://")
    with connect(f"ws://CP1:{secret}@{host}/CP1", subprotocols=["ocpp1.6"]) as socket:  # type: ignore[list-item]  # a NewType of str
        boot = {"chargePointVendor": "Maker", "chargePointModel": "One"}
        socket.send(json.dumps([2, "1", "BootNotification", boot]))
        assert json.loads(socket.recv())[2]["status"] == "Accepted"
        command = shell.spelled("command", "CP1", "reset", "--json")
        command = [sys.executable, "-m", *command]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as asking:
            call = json.loads(socket.recv(timeout=30))
            assert call[2:] == ["Reset", {"type": "Soft"}]
            socket.send(json.dumps([3, call[1], {"status": "Rejected"}]))
            out, _ = asking.communicate(timeout=30)
        assert asking.returncode == 1
        assert json.loads(out)["outcome"] == "rejected"
        shown = shell.good("station", "show", "CP1", "--json").json
        assert (shown["connected"], shown["vendor"]) == (True, "Maker")
        # The platform hears of it, and ends the connection.
        shell.good("station", "set", "CP1", "--admission", "blocked")
        with pytest.raises(Exception, match="1008"):
            socket.recv(timeout=10)


def dial(url: str, *, within_s: float = 10.0) -> ClientConnection:
    """A station's socket; the platform hears of new stations a moment after they were added."""
    until_s = time.monotonic() + within_s
    while True:
        try:
            return connect(url, subprotocols=["ocpp1.6"])  # type: ignore[list-item]  # a NewType of str
        except InvalidStatus:
            if time.monotonic() > until_s:
                raise
            time.sleep(0.1)


@contextmanager
def obedient(platform: Platform, name: str) -> Generator[list[Any]]:
    """A 1.6 station that does what it is asked, in a thread; what it was asked."""
    asked: list[Any] = []
    with dial(f"{platform.ocpp}/{name}") as socket:
        boot = {"chargePointVendor": "Maker", "chargePointModel": "One"}
        socket.send(json.dumps([2, "1", "BootNotification", boot]))
        assert json.loads(socket.recv())[2]["status"] == "Accepted"

        def work() -> None:
            with suppress(ConnectionClosed):
                for text in socket:
                    _, message_id, action, payload = json.loads(text)
                    answer = {} if action == "GetConfiguration" else {"status": "Accepted"}
                    if action != "GetConfiguration":  # The house asks by itself.
                        asked.append([action, payload])
                    socket.send(json.dumps([3, message_id, answer]))

        thread = threading.Thread(target=work)
        thread.start()
        yield asked
    thread.join(timeout=10)


def test_commands_to_one_and_to_many(platform: Platform, tmp_path: Path) -> None:
    shell = platform.shell
    shell.good("station", "add", "CP1", "CP2", "CP3", "--site", "Hof")
    with obedient(platform, "CP1") as one, obedient(platform, "CP2") as two:
        limited = shell.good("command", "CP1", "set-limit", "--limit-w", "7400")
        assert "accepted" in limited.out
        profile = one[-1][1]["csChargingProfiles"]
        assert profile["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] == 7400
        listed = '[{"token": "CARD"}]'
        shell.good("command", "CP1", "send-local-list", "--version", "3", "--entries", listed)
        assert one[-1][1]["localAuthorizationList"][0]["idTag"] == "CARD"
        (tmp_path / "entries.json").write_text(listed)
        from_file = f"@{tmp_path / 'entries.json'}"
        shell.good("command", "CP1", "send-local-list", "--version", "4", "--entries", from_file)
        assert one[-1][1]["listVersion"] == 4
        raw = shell.good("command", "CP1", "raw", "ClearCache", "--json")
        assert raw.json["details"] == {"kind": "response", "payload": {"status": "Accepted"}}
        for wrong, complaint in (
            (("set-limit", "--limit-w", "-1"), "$.limit_w"),
            (("send-local-list", "--version", "3", "--entries", "{"), "--entries"),
            (("raw", "ClearCache", "[]"), "no JSON object"),
        ):
            ran = shell.run("command", "CP1", *wrong)
            assert (ran.code, complaint in ran.err) == (1, True), ran.err
        refused = shell.run("command", "CP1", "get-tariffs")
        assert (refused.code, "unsupported" in refused.out) == (1, True)

        many = shell.run("command", "--site", "Hof", "clear-cache", "--json")
        assert many.code == 1, "one is away"
        assert many.json["progress"]["outcomes"] == {"accepted": 2, "away": 1}
        assert [line["station"] for line in many.json["items"]] == ["CP1", "CP2", "CP3"]
        here = shell.good("command", "--all", "--connected", "--at-once", "1", "reset")
        assert here.out.count("accepted") == 2
        assert ["Reset", {"type": "Soft"}] in two
        nobody = shell.run("command", "--model", "None such", "reset")
        assert (nobody.code, "(command.invalid)" in nobody.err) == (1, True)
        later = shell.good("command", "--wait-hours", "1", "--no-follow", "--all", "clear-cache")
        assert "CP3" in later.out
