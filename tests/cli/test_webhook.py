"""Customers' endpoints as a shell sees them."""

from pathlib import Path

import pytest

from tests.cli.test_commands import Shell


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


class TestWebhook:
    def test_an_endpoint_from_its_beginning_to_a_replay(self, shell: Shell) -> None:
        added = shell.good(
            *("webhook", "add", "https://hooks.example/a", "--type", "session."),
            *("--site", "Oslo", "--description", "ERP", "--json"),
        ).json
        assert added["secret"].startswith("whsec_")
        name = added["webhook"]["id"]
        [listed] = shell.good("webhook", "list", "--json").json["items"]
        assert (listed["id"], listed["enabled"], listed["health"]["waiting"]) == (name, True, 0)
        shown = shell.good("webhook", "show", name, "--json").json
        assert (shown["types"], shown["sites"]) == (["session."], ["Oslo"])
        assert "hooks.example" in shell.good("webhook", "show", name).out
        fresh = shell.good("webhook", "rotate", name, "--json").json["secret"]
        assert fresh != added["secret"]
        assert "on its way" in shell.good("webhook", "test", name).out
        assert shell.good("webhook", "deliveries", name, "--json").json == {"items": []}
        since = ("--since", "2026-01-01")
        assert shell.good("webhook", "replay", name, *since, "--json").json == {"deliveries": 0}

        assert "disabled" in shell.good("webhook", "disable", name).out
        assert "off: person" in shell.good("webhook", "list").out
        off = shell.run("webhook", "test", name)
        assert (off.code, "(webhook.off)" in off.err) == (1, True)
        assert shell.good("webhook", "enable", name, "--json").json["enabled"] is True

    def test_what_cannot_be_is_refused(self, shell: Shell) -> None:
        for arguments, code in (
            (("add", "http://127.0.0.1/x"), "outbound.refused"),
            (("add", "https://hooks.example", "--type", "No type"), "webhook.invalid"),
            (("show", "whk_none"), "webhook.unknown"),
            (("replay", "whk_none", "evt_1"), "webhook.unknown"),
        ):
            ran = shell.run("webhook", *arguments)
            assert (ran.code, f"({code})" in ran.err) == (1, True), ran.err
        assert shell.run("webhook", "replay", "whk_none").code == 2, "a delivery, or a range"
