"""What commands change is in the audit trail: by whom, without secrets, and in one chain."""

import asyncio
import json
import os
import pwd
from pathlib import Path

import pytest
from asyncpg import connect

from forecourt.app.rooms import open_rooms
from forecourt.base.clock import SystemClock
from forecourt.base.context import Context
from forecourt.base.ids import TenantId
from forecourt.base.pages import Wanted
from forecourt.cli.options import changing, in_rooms, tell
from forecourt.domain.access import NewToken, Token
from forecourt.domain.rooms import Rooms
from forecourt.domain.tenants import AuditEntry
from forecourt.infra.database import DatabaseAway
from forecourt.settings import load
from tests.cli.test_commands import Shell
from tests.edge.http import rows
from tests.fixtures.pki import csr_pem

ME = f"cli:{pwd.getpwuid(os.geteuid()).pw_name}"
SECRET = "hunter2hunter2hunter2"
# Every command that changes something, and what the trail has of it: the operations of the
# routes that do the same, and what they were about.
DONE: list[tuple[str, list[tuple[str, str]]]] = [
    ("site add Hof --city Oslo", [("add_site", "Hof")]),
    ("site set Hof --city Bergen", [("change_site", "Hof")]),
    (f"station add CP1 CP2 --password {SECRET}", [("add_station", "CP1"), ("add_station", "CP2")]),
    (f"station set CP1 --strict --password {SECRET}2", [("change_station", "CP1")]),
    ("station set CP1 --rotate-password", [("change_station", "CP1")]),
    ("station import {folder}/stations.csv", [("import_stations", "stations.csv")]),
    ("station remove CP1", [("remove_station", "CP1")]),
    ("template add T HeartbeatInterval=60", [("add_template", "T")]),
    ("template add T HeartbeatInterval=90 --replace", [("save_template", "T")]),
    ("template remove T", [("remove_template", "T")]),
    ("token add ABC", [("add_token", "ABC")]),
    ("token block ABC", [("change_token", "ABC")]),
    ("token unblock ABC", [("change_token", "ABC")]),
    ("token remove ABC", [("remove_token", "ABC")]),
    ("user add a@b.example --role owner --password-stdin", [("add_user", "usr_")]),
    ("user add c@b.example", [("add_user", "usr_")]),
    ("user set c@b.example --role technician --new-password", [("change_user", "usr_")]),
    ("user reset-link c@b.example", [("make_reset_link", "usr_")]),
    ("user remove c@b.example", [("remove_user", "usr_")]),
    ("apikey add night --scope raw", [("add_api_key", "key_")]),
    ("apikey revoke night", [("revoke_api_key", "key_")]),
    ("pki init", [("make_authority", "aut_")]),
    ("pki sign {folder}/csr.pem", [("sign_certificate", "crt_")]),
    ("pki issue CP9 --to {folder}", [("issue_certificate", "crt_")]),
]
QUIET = (
    *("site list", "site show Hof", "station list", "station show CP2", "station quirks"),
    *("station watch CP2 --once", "station drift", "template list", "token list", "user list"),
    *("apikey list", "session list", "pki show", "pki list"),
)


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


async def a_session(url: str) -> None:
    """One that runs at a station which is away."""
    conn = await connect(url)
    await rows.session(conn, "ses_1", SystemClock().now(), tenant="default")
    await conn.close()


async def trail(url: str, folder: Path) -> list[AuditEntry]:
    """All that was told, oldest first; the chain is whole."""
    settings = load({"data_dir": folder, "database_url": url})
    async with open_rooms(settings, SystemClock()) as (rooms, _):
        ctx = Context(actor="test", tenant=TenantId("default"), now=SystemClock().now())
        found = (await rooms.audit.list(ctx, Wanted(limit=1_000, sort="seq"))).items
        assert await rooms.audit.verify(ctx) == (len(found), None)
    return [*found]


def told(shell: Shell) -> list[AuditEntry]:
    assert shell.database_url is not None
    return asyncio.run(trail(shell.database_url, shell.data_dir))


def test_each_command_that_changes_something_tells_it(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "stations.csv").write_text(f"id,password,site\nCP5,{SECRET},Hof\nCP6,,Hof\n")
    (tmp_path / "csr.pem").write_text(csr_pem("CP2"))
    seen = 0
    for line, expected in DONE:
        ran = shell.good(*line.format(folder=tmp_path).split(), stdin=f"{SECRET}\n")
        entries = told(shell)
        fresh, seen = entries[seen:], len(entries)
        assert {entry.actor for entry in fresh} == {ME}, line
        names = [(entry.action, entry.subject) for entry in fresh]
        if line == "pki init":
            names = list({(action, "aut_") for action, _ in names})  # One for each role.
        assert len(names) == len(expected), (line, names)
        for (action, subject), (wanted, about) in zip(names, expected, strict=True):
            assert (action, subject.startswith(about)) == (wanted, True), (line, names)
        # What was printed once is written nowhere.
        printed = [word for word in ran.out.split() if len(word) >= 16]
        text = json.dumps([[entry.before, entry.after] for entry in fresh])
        assert SECRET not in text, line
        if line.startswith(("user", "apikey add")):
            assert not any(word in text for word in printed if "@" not in word), line
    changed = next(entry for entry in told(shell) if entry.action == "change_site")
    assert '"city": "Oslo"' in changed.before
    assert changed.after == '{"city": "Bergen"}'
    [strict, rotated] = [e for e in told(shell) if e.action == "change_station"]
    assert json.loads(strict.after) == {"lenient": False, "password": "…"}
    assert json.loads(rotated.after) == {"rotate_password": True}
    for line in QUIET:
        shell.good(*line.split())
    assert len(told(shell)) == seen, "who looks tells nothing"


def test_what_is_refused_is_no_deed(shell: Shell) -> None:
    shell.good("token", "add", "ABC")
    assert shell.run("token", "add", "ABC").code == 1
    assert shell.run("station", "set", "CP1", "--site", "Hof").code == 1
    assert shell.run("station", "remove", "CP1").code == 1
    assert [entry.action for entry in told(shell)] == ["add_token"]


def test_a_link_from_the_terminal_is_the_only_place_that_has_its_secret(shell: Shell) -> None:
    shell.good("user", "add", "a@b.example")
    made = shell.good("user", "reset-link", "a@b.example", "--json").json
    secret = made["reset_link"].partition("/reset#")[2]
    assert len(secret) == 43
    assert secret not in str(told(shell))
    assert shell.run("user", "reset-link", "nobody@b.example").code == 1


def test_a_session_is_ended_by_hand(shell: Shell) -> None:
    shell.good("station", "add", "CP1")
    assert shell.database_url is not None
    asyncio.run(a_session(shell.database_url))
    assert shell.run("session", "end", "ses_2").code == 1
    assert shell.good("session", "end", "ses_1", "--json").json["stop_reason"] == "EndedByOperator"
    assert shell.run("session", "end", "ses_1").code == 1
    assert [(e.action, e.subject) for e in told(shell)][1:] == [("end_session", "ses_1")]


class Failure(Exception):
    """What goes wrong after the deed was done."""


def test_the_deed_and_its_entry_are_there_together_or_not_at_all(shell: Shell) -> None:
    async def work(rooms: Rooms, ctx: Context) -> None:
        await rooms.access.add(ctx, NewToken(uid="ABC"))
        await tell(rooms, ctx, "add_token", "ABC")
        raise Failure

    with pytest.raises(Failure):
        changing(shell.data_dir, shell.database_url, work)
    assert told(shell) == []
    assert shell.good("token", "list", "--json").json == {"items": []}


def test_who_only_looks_changes_nothing(shell: Shell) -> None:
    """A command that changes something without ``changing`` fails when it is first tried."""
    shell.good("token", "list")

    async def work(rooms: Rooms, ctx: Context) -> Token:
        return await rooms.access.add(ctx, NewToken(uid="ABC"))

    with pytest.raises(DatabaseAway) as refused:
        in_rooms(shell.data_dir, shell.database_url, work)
    assert "read-only transaction" in str(refused.value.context["cause"])
