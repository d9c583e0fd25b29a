"""What the routes do, on a true database."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from asyncpg import connect

from forecourt.domain.stations import (
    Answer,
    Outcome,
    Reset,
    SetVariables,
    Start,
    Stop,
    VariableResult,
)
from tests.edge.http import rows
from tests.edge.http.conftest import NOW, Door

STATIONS = "/api/v1/stations"

pytestmark = pytest.mark.storage


class TestStations:
    async def test_from_addition_to_removal(self, acme: httpx.AsyncClient) -> None:
        asked = {"id": "CP1", "password": "0123456789abcdef", "site": "Hof", "log_all": True}
        added = await acme.post("/api/v1/stations", json=asked)
        assert added.status_code == 201
        station = added.json()
        assert (station["id"], station["site"], station["log_all"]) == ("CP1", "Hof", True)
        assert (station["connected"], station["connectors"]) == (False, [])
        assert "password" not in station
        assert (await acme.get("/api/v1/stations/CP1")).json() == station

        changed = await acme.patch("/api/v1/stations/CP1", json={"admission": "blocked"})
        assert changed.json() == {**station, "admission": "blocked"}
        assert (await acme.delete("/api/v1/stations/CP1")).status_code == 204
        assert (await acme.get("/api/v1/stations/CP1")).json()["code"] == "station.unknown"

    async def test_the_security_profile_only_rises(self, acme: httpx.AsyncClient) -> None:
        path = "/api/v1/stations/CP1"
        added = await acme.post("/api/v1/stations", json={"id": "CP1", "password": "x" * 16})
        assert (added.json()["security_profile"], added.json()["has_password"]) == (1, True)
        raised = await acme.patch(path, json={"security_profile": 2, "ping": "never"})
        assert (raised.json()["security_profile"], raised.json()["ping"]) == (2, "never")
        lower = await acme.patch(path, json={"security_profile": 1})
        assert (lower.status_code, lower.json()["code"]) == (409, "station.security_downgrade")
        bare = await acme.patch(path, json={"no_password": True})
        assert (bare.status_code, bare.json()["code"]) == (409, "station.password_needed")
        # Nobody lowers it by the API, whatever they ask for besides.
        assert (await acme.patch(path, json={"lower": True})).status_code == 400
        added = await acme.post("/api/v1/stations", json={"id": "CP2", "security_profile": 2})
        assert added.json()["code"] == "station.password_needed"

    async def test_a_new_password(self, door: Door, acme: httpx.AsyncClient) -> None:
        await door.add_station("CP1")
        path = "/api/v1/stations/CP1/password"
        made = (await acme.post(path, json={"send": False})).json()
        assert made["outcome"] == "made"
        assert len(bytes.fromhex(made["password"])) == 20
        assert (await acme.post(path, json={})).json()["code"] == "station.offline"
        link = door.connect("CP1")
        sent = await acme.post(path, json={})
        assert sent.json() == {"outcome": "accepted", "status": "", "reason": "", "password": None}
        [asked] = link.asked
        assert isinstance(asked, SetVariables)
        station = (await acme.get("/api/v1/stations/CP1")).json()
        assert station["password_changing"]
        link.answer = Answer(outcome=Outcome.REJECTED)
        assert (await acme.post(path, json={})).json()["outcome"] == "rejected"
        assert not (await acme.get("/api/v1/stations/CP1")).json()["password_changing"]

    async def test_a_higher_profile_is_planned_and_begun(
        self, door: Door, acme: httpx.AsyncClient
    ) -> None:
        await door.add_station("CP1")
        path = "/api/v1/stations/CP1/security-profile"
        wish = {"profile": 2, "url": "wss://csms.example/ocpp"}
        plan = (await acme.post(path, json=wish | {"dry_run": True})).json()
        names = ["password", "root", "network_profile", "priority", "profile", "reset", "return"]
        assert [step["name"] for step in plan["steps"]] == names
        assert all(step["because"] and step["outcome"] is None for step in plan["steps"])
        assert (await acme.post(path, json=wish)).json()["code"] == "station.offline"
        assert (await acme.get("/api/v1/stations/CP1")).json()["profile_wanted"] is None
        link = door.connect("CP1")
        done = (await acme.post(path, json=wish)).json()
        asked = [step["name"] for step in done["steps"] if step["outcome"] == "accepted"]
        assert asked == ["password", "network_profile", "priority", "reset"]
        [given, *_] = link.asked
        assert isinstance(given, SetVariables)
        assert given.variables[0].value not in str(done)
        assert (await acme.get("/api/v1/stations/CP1")).json()["profile_wanted"] == 2
        for wrong in ({"profile": 0}, {"url": "https://x"}, {"url": "wss://x y"}, {"slot": -1}):
            assert (await acme.post(path, json=wish | wrong)).status_code == 400

    async def test_quirks_are_chosen_and_shown(
        self, acme: httpx.AsyncClient, database_url: str
    ) -> None:
        added = await acme.post("/api/v1/stations", json={"id": "CP1", "quirks": "keba"})
        assert added.json()["quirks"] == "keba"
        conn = await connect(database_url)
        await rows.quirk_use(conn, "id_tag_cut", 3, NOW)
        await conn.close()
        found = (await acme.get("/api/v1/stations/CP1/quirks")).json()
        assert (found["choice"], found["profile"], found["lenient"]) == ("keba", "keba", False)
        assert found["title"] == "KEBA P30 and P40"
        assert len(found["advice"]) == 1
        assert [(u["fix"], u["uses"]) for u in found["uses"]] == [("id_tag_cut", 3)]
        changed = await acme.patch("/api/v1/stations/CP1", json={"quirks": "strict"})
        assert changed.json()["quirks"] == "strict"
        assert (await acme.get("/api/v1/stations/CP1/quirks")).json()["profile"] is None
        wrong = await acme.patch("/api/v1/stations/CP1", json={"quirks": "no-such"})
        assert (wrong.status_code, wrong.json()["code"]) == (400, "quirks.choice_invalid")
        nobody = await acme.get("/api/v1/stations/CP9/quirks")
        assert nobody.json()["code"] == "station.unknown"

    async def test_quirk_profiles_can_be_read(self, acme: httpx.AsyncClient) -> None:
        items = (await acme.get("/api/v1/quirk-profiles")).json()["items"]
        assert len(items) >= 20
        one = (await acme.get("/api/v1/quirk-profiles/mennekes-amtron")).json()
        assert one in items
        assert one["keys"] == {"min_meter_interval_s": 60, "boot_timeout_s": 900}
        assert one["match"] == {"vendor": ["*Mennekes*"], "model": ["*"], "firmware": ""}
        gone = await acme.get("/api/v1/quirk-profiles/none-such")
        assert (gone.status_code, gone.json()["code"]) == (404, "quirks.unknown")

    @pytest.mark.parametrize("name", ["a|b:c", "A 1", "x@y.z", "*-_=:+|@. ~()x", "1%"])
    async def test_odd_identities_travel_encoded(
        self, door: Door, acme: httpx.AsyncClient, name: str
    ) -> None:
        added = await acme.post("/api/v1/stations", json={"id": name})
        if "%" in name:
            assert added.json()["code"] == "station.id_invalid"
            return
        encoded = "".join(f"%{byte:02X}" for byte in name.encode())
        assert (await acme.get(f"/api/v1/stations/{encoded}")).json()["id"] == name
        answer = await acme.get(f"/api/v1/stations/{encoded}/messages")
        assert answer.json() == {"items": [], "next": None}

    async def test_pages_are_stable_while_stations_come(
        self, door: Door, acme: httpx.AsyncClient
    ) -> None:
        for number in range(0, 50, 2):
            await door.add_station(f"CP{number:02}")
        seen, between = list[str](), iter(range(1, 50, 8))
        cursor: str | None = ""
        while cursor is not None:
            answer = (await acme.get(f"/api/v1/stations?limit=10&cursor={cursor}")).json()
            seen += [station["id"] for station in answer["items"]]
            cursor = answer["next"]
            await door.add_station(f"CP{next(between):02}")
        there = [f"CP{number:02}" for number in range(0, 50, 2)]
        assert [name for name in seen if name in there] == there
        assert len(seen) == len(set(seen))

    async def test_filters(self, door: Door, acme: httpx.AsyncClient) -> None:
        await door.add_station("CP1")
        await acme.post("/api/v1/stations", json={"id": "CP2", "site": "Hof"})
        for query, expected in (
            ("site=Hof", ["CP2"]),
            ("connected=false", ["CP1", "CP2"]),
            ("connected=true", []),
        ):
            found = (await acme.get(f"/api/v1/stations?{query}")).json()["items"]
            assert [station["id"] for station in found] == expected

    async def test_many_at_once(
        self, door: Door, acme: httpx.AsyncClient, other: httpx.AsyncClient
    ) -> None:
        await door.add_station("CP1")
        await acme.patch("/api/v1/stations/CP1", json={"site": "Hof"})
        new = [{"id": f"CP{n}", "site": "Bern", "password": f"secret-of-{n}"} for n in range(1, 4)]
        path = "/api/v1/station-imports"
        answer = await acme.post(path, json={"items": new})
        assert answer.json() == {"added": ["CP2", "CP3"], "known": ["CP1"]}
        sites = {one["id"]: one["site"] for one in (await acme.get(STATIONS)).json()["items"]}
        assert sites == {"CP1": "Hof", "CP2": "Bern", "CP3": "Bern"}
        assert (await acme.get(f"{STATIONS}/CP2")).json()["has_password"]
        deed = (await acme.get("/api/v1/audit?limit=1")).json()["items"][0]
        assert (deed["action"], deed["subject"]) == ("import_stations", path)
        assert "CP3" in deed["after"]
        assert "secret-of" not in deed["after"]
        # All or none.
        for wrong, pointer in (
            ([{"id": "CP8"}, {"id": "CP8"}], "/items"),
            ([{"id": "CP8"}, {"id": " CP9"}], None),
            ([{"id": "CP8"}, {"id": "CP9", "quirks": "no-such"}], None),
            ([{"id": "CP8"}, {"id": "CP9", "more": 1}], "/items/1/more"),
            ([], "/items"),
            ([{"id": f"X{n}"} for n in range(1_001)], "/items"),
        ):
            refused = await acme.post(path, json={"items": wrong})
            assert 400 <= refused.status_code < 500, refused.text
            if pointer is not None:
                assert refused.json()["errors"][0]["pointer"] == pointer
        assert len((await acme.get(STATIONS)).json()["items"]) == 3
        assert (await other.get(STATIONS)).json()["items"] == []
        whole = [{"id": f"X{n}"} for n in range(1_000)]
        assert len((await acme.post(path, json={"items": whole})).json()["added"]) == 1_000

    async def test_messages_of_one_moment_are_told_apart(
        self, door: Door, acme: httpx.AsyncClient, database_url: str
    ) -> None:
        await door.add_station("CP1")
        conn = await connect(database_url)
        for second in range(4):
            for direction in ("in", "out"):
                at = NOW + timedelta(seconds=second)
                await rows.message(conn, at, direction, f"[{second}]")
        await conn.close()
        first = (await acme.get("/api/v1/stations/CP1/messages?limit=3")).json()
        assert [item["frame"] for item in first["items"]] == ["[3]", "[3]", "[2]"]
        path = f"/api/v1/stations/CP1/messages?cursor={first['next']}"
        second_page = (await acme.get(path)).json()
        there = [item["frame"] for item in second_page["items"]]
        assert there == ["[2]", "[1]", "[1]", "[0]", "[0]"]
        assert second_page["next"] is None


class TestSessions:
    async def test_newest_first_and_no_page_moves(
        self, acme: httpx.AsyncClient, database_url: str
    ) -> None:
        conn = await connect(database_url)
        for number in range(5):
            state = "active" if number == 4 else "ended"
            await rows.session(conn, f"ses_{number}", NOW, state=state)
        first = (await acme.get("/api/v1/sessions?limit=2")).json()
        await rows.session(conn, "ses_5", NOW)
        rest = (await acme.get(f"/api/v1/sessions?cursor={first['next']}")).json()
        names = [session["id"] for session in first["items"] + rest["items"]]
        assert names == ["ses_4", "ses_3", "ses_2", "ses_1", "ses_0"]

        running = (await acme.get("/api/v1/sessions?state=active&station=CP1")).json()["items"]
        assert [session["id"] for session in running] == ["ses_5", "ses_4"]
        assert (await acme.get("/api/v1/sessions?station=CP2")).json()["items"] == []
        await conn.close()

    async def test_a_session_and_its_readings(
        self, acme: httpx.AsyncClient, database_url: str
    ) -> None:
        conn = await connect(database_url)
        await rows.session(conn, "ses_1", NOW, state="ended")
        for number in range(3):
            at = NOW + timedelta(minutes=number)
            await rows.reading(conn, "ses_1", at, digest=number, energy_wh=1000 + number)
        await conn.close()
        session = (await acme.get("/api/v1/sessions/ses_1")).json()
        assert (session["energy_wh"], session["standing"]) == (12345, "accepted")
        assert (session["evse"], session["flags"]) == (1, [])
        first = (await acme.get("/api/v1/sessions/ses_1/readings?limit=2")).json()
        assert [reading["energy_wh"] for reading in first["items"]] == [1000, 1001]
        assert first["items"][0]["samples"] == [{"value": "1"}]
        path = f"/api/v1/sessions/ses_1/readings?cursor={first['next']}"
        assert [r["energy_wh"] for r in (await acme.get(path)).json()["items"]] == [1002]

    async def test_one_is_ended_by_hand_while_its_station_is_away(
        self, door: Door, acme: httpx.AsyncClient, database_url: str
    ) -> None:
        await door.add_station("CP1")
        conn = await connect(database_url)
        await rows.session(conn, "ses_1", NOW)
        await conn.execute("UPDATE stations SET connected = true")
        path = "/api/v1/sessions/ses_1/end"
        there = await acme.post(path)
        assert (there.status_code, there.json()["code"]) == (409, "session.station_connected")
        await conn.execute("UPDATE stations SET connected = false")
        await conn.close()
        over = (await acme.post(path)).json()
        assert (over["state"], over["energy_wh"], over["flags"]) == (
            *("ended", 12345),
            ["stop_missing"],
        )
        again = await acme.post(path)
        assert (again.status_code, again.json()["code"]) == (409, "session.over")
        assert (await acme.get("/api/v1/sessions/ses_1")).json() == over
        trail = (await acme.get("/api/v1/audit?q=end_session")).json()["items"]
        assert [entry["action"] for entry in trail] == ["end_session"]


class TestTokens:
    async def test_from_addition_to_removal(self, acme: httpx.AsyncClient) -> None:
        asked = {"uid": "AbC", "valid_until": "2030-01-01T00:00:00Z", "sessions_max": None}
        added = await acme.post("/api/v1/tokens", json=asked)
        assert added.status_code == 201
        assert added.json()["sessions_max"] is None
        again = await acme.post("/api/v1/tokens", json={"uid": "abc"})
        assert (again.status_code, again.json()["code"]) == (409, "token.exists")
        changed = await acme.patch("/api/v1/tokens/ABC", json={"status": "blocked"})
        assert changed.json() == {**added.json(), "status": "blocked"}
        assert (await acme.delete("/api/v1/tokens/abc")).status_code == 204
        assert (await acme.get("/api/v1/tokens/abc")).json()["code"] == "token.unknown"

    async def test_pages(self, acme: httpx.AsyncClient) -> None:
        for uid in ("b", "A", "C"):
            await acme.post("/api/v1/tokens", json={"uid": uid})
        first = (await acme.get("/api/v1/tokens?limit=2")).json()
        assert [token["uid"] for token in first["items"]] == ["A", "b"]
        rest = (await acme.get(f"/api/v1/tokens?cursor={first['next']}")).json()
        assert ([token["uid"] for token in rest["items"]], rest["next"]) == (["C"], None)


class TestCommands:
    PATH = "/api/v1/stations/CP1/commands"

    async def test_the_stations_own_answer(self, door: Door, acme: httpx.AsyncClient) -> None:
        await door.add_station("CP1")
        link = door.connect("CP1")
        link.answer = Answer(
            outcome=Outcome.REJECTED,
            status="Rejected",
            variables=(VariableResult(variable="v", status="Accepted", value="1"),),
        )
        answer = await acme.post(self.PATH, json={"command": "reset", "mode": "hard"})
        assert answer.status_code == 200
        said = answer.json()
        assert (said["outcome"], said["status"]) == ("rejected", "Rejected")
        assert said["variables"][0]["value"] == "1"
        assert link.asked == [Reset(mode="hard")]

    async def test_who_may_not_charge_is_not_started(
        self, door: Door, acme: httpx.AsyncClient
    ) -> None:
        await door.add_station("CP1")
        link = door.connect("CP1")
        await acme.post("/api/v1/tokens", json={"uid": "GOOD"})
        await acme.post("/api/v1/tokens", json={"uid": "BAD", "status": "blocked"})
        for uid in ("BAD", "NOBODY", "with\0nul"):
            answer = await acme.post(self.PATH, json={"command": "start", "token": uid})
            assert (answer.status_code, answer.json()["code"]) == (409, "token.refused"), uid
        assert link.asked == []
        answer = await acme.post(self.PATH, json={"command": "start", "token": "GOOD", "evse": 2})
        assert answer.json()["outcome"] == "accepted"
        assert link.asked == [Start(token="GOOD", evse=2)]

    async def test_stop_by_session_or_by_transaction(
        self, door: Door, acme: httpx.AsyncClient, database_url: str
    ) -> None:
        await door.add_station("CP1")
        link = door.connect("CP1")
        conn = await connect(database_url)
        await rows.session(conn, "ses_1", NOW)
        await rows.session(conn, "ses_2", NOW, station="CP2")
        await conn.close()
        refused: tuple[tuple[dict[str, Any], int, str], ...] = (
            ({"session": "ses_2"}, 404, "session.unknown"),
            ({"session": "ses_none"}, 404, "session.unknown"),
            ({}, 400, "session.stop_unclear"),
            ({"session": "ses_1", "transaction": "7"}, 400, "session.stop_unclear"),
        )
        for asked, status, code in refused:
            answer = await acme.post(self.PATH, json={"command": "stop", **asked})
            assert (answer.status_code, answer.json()["code"]) == (status, code)
        for named in ({"session": "ses_1"}, {"transaction": "7"}):
            assert (await acme.post(self.PATH, json={"command": "stop", **named})).is_success
        assert link.asked == [Stop(transaction="tx-ses_1"), Stop(transaction="7")]

    async def test_nobody_to_ask(self, door: Door, acme: httpx.AsyncClient) -> None:
        answer = await acme.post(self.PATH, json={"command": "clear_cache"})
        assert (answer.status_code, answer.json()["code"]) == (404, "station.unknown")
        await door.add_station("CP1")
        answer = await acme.post(self.PATH, json={"command": "clear_cache"})
        assert (answer.status_code, answer.json()["code"]) == (503, "station.offline")
        assert int(answer.headers["retry-after"]) > 0
