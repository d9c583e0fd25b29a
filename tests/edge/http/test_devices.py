"""The routes of the device model: templates, drift, applying, and values that are ruled out."""

import asyncio
from typing import Any

import httpx
import pytest

from forecourt.base.ids import StationId
from forecourt.domain import devices, stations
from forecourt.domain.stations import Answer, Outcome, SetVariables, Variable, VariableResult
from forecourt.infra.commit import Changes, Committer
from tests.edge.http.conftest import Door

TEMPLATES = "/api/v1/templates"
BEAT: dict[str, Any] = {"component": "OCPPCommCtrlr", "variable": "HeartbeatInterval"}
WHOLE: dict[str, Any] = {
    "component_instance": "",
    "evse": 0,
    "connector": 0,
    "instance": "",
    "attribute": "Actual",
}


async def tell(door: Door, station: str, *variables: Variable) -> None:
    """A station tells of its variables; committed."""
    changes = Changes()
    door.rooms.devices.reported(door.ctx(), StationId(station), variables, changes)
    committer = Committer(door.db.raw, order=(*stations.WRITES, *devices.WRITES))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(committer.run())
        await committer.commit(changes)
        running.cancel()


class TestTemplates:
    async def test_from_addition_to_removal(
        self, acme: httpx.AsyncClient, other: httpx.AsyncClient
    ) -> None:
        body = {
            "name": "Hof",
            "site": "Hof",
            "auto": True,
            "values": [{"variable": "heartbeatinterval", "value": "60"}],
        }
        added = await acme.post(TEMPLATES, json=body)
        assert added.status_code == 201
        made = added.json()
        assert made["values"] == [{**WHOLE, **BEAT, "value": "60"}], "in the device model's names"
        assert (await acme.get(f"{TEMPLATES}/Hof")).json() == made
        assert (await acme.post(TEMPLATES, json=body)).json()["code"] == "template.exists"
        assert (await acme.get(TEMPLATES)).json()["items"] == [made]
        assert (await other.get(TEMPLATES)).json()["items"] == []
        assert (await other.get(f"{TEMPLATES}/Hof")).json()["code"] == "template.unknown"
        assert (await other.delete(f"{TEMPLATES}/Hof")).status_code == 404

        again = {"values": [{**BEAT, "value": "90"}], "rank": 7}
        changed = (await acme.put(f"{TEMPLATES}/Hof", json=again)).json()
        assert (changed["rank"], changed["site"], changed["auto"]) == (7, "", False)
        assert (await acme.delete(f"{TEMPLATES}/Hof")).status_code == 204
        assert (await acme.put(f"{TEMPLATES}/Hof", json=again)).status_code == 404

    @pytest.mark.parametrize(
        "body",
        [
            {"values": []},
            {"values": [{"variable": "", "value": "1"}]},
            {"values": [{"variable": "HeartbeatInterval", "value": "soon"}]},
            {"values": [{"variable": "AuthorizationKey", "value": "0123456789abcdef"}]},
            {"values": [{"variable": "V", "value": "1\x00"}]},
            {"values": [{"variable": "V", "value": "1", "attribute": "Whim"}]},
            {"values": [{"variable": "V", "value": "1"}], "site": "a\nb"},
            {"values": [{"variable": "V", "value": "1"}], "colour": "red"},
        ],
    )
    async def test_what_cannot_be_a_template(
        self, acme: httpx.AsyncClient, body: dict[str, Any]
    ) -> None:
        answer = await acme.post(TEMPLATES, json={"name": "T", **body})
        assert answer.status_code == 400
        assert (await acme.get(TEMPLATES)).json()["items"] == []


class TestDrift:
    async def test_told_planned_applied(
        self, door: Door, acme: httpx.AsyncClient, other: httpx.AsyncClient
    ) -> None:
        await door.add_station("CP1")
        path = "/api/v1/stations/CP1"
        assert (await acme.get(f"{path}/drift")).json()["state"] == "unmanaged"
        values = [{**BEAT, "value": "60"}, {"variable": "AcmeLamp", "value": "on"}]
        await acme.post(TEMPLATES, json={"name": "T", "values": values})
        assert (await acme.get(f"{path}/drift")).json()["state"] == "unknown"

        beat = Variable(
            component="OCPPCommCtrlr",
            variable="HeartbeatInterval",
            value="300",
            mutability="ReadWrite",
            data_type="integer",
            unit="s",
            max_limit=900,
        )
        await tell(door, "CP1", beat)
        drift = (await acme.get(f"{path}/drift")).json()
        assert [(line["step"], line["found"]) for line in drift["lines"]] == [
            ("set", "300"),
            ("unknown", None),
        ]
        (shown,) = (await acme.get(f"{path}/variables?variable=heartbeatinterval")).json()["items"]
        assert (shown["value"], shown["key"], shown["max_limit"]) == (
            "300",
            "HeartbeatInterval",
            900,
        )
        assert (await acme.get(f"{path}/variables?component=Moon")).json()["items"] == []
        for read in ("variables", "drift"):
            assert (await other.get(f"{path}/{read}")).json()["code"] == "station.unknown"

        dry = (await acme.post(f"{path}/apply", json={"dry_run": True})).json()
        assert (dry["lines"], dry["applied"]) == (drift["lines"], [])
        away = await acme.post(f"{path}/apply", json={})
        assert away.json()["code"] == "station.offline"
        link = door.connect("CP1")
        link.answer = Answer(
            outcome=Outcome.REJECTED,
            variables=(VariableResult(variable="HeartbeatInterval", status="Rejected"),),
        )
        done = (await acme.post(f"{path}/apply", json={})).json()["applied"]
        assert [(line["outcome"], line["status"]) for line in done] == [("rejected", "Rejected")]
        (asked,) = link.asked
        assert isinstance(asked, SetVariables)
        assert asked.variables[0].value == "60"
        drift = (await acme.get(f"{path}/drift")).json()
        assert drift["lines"][0]["step"] == "waiting"
        assert (await other.post(f"{path}/apply", json={})).status_code == 404

    async def test_networks_are_wanted_and_shown(
        self, door: Door, acme: httpx.AsyncClient, other: httpx.AsyncClient
    ) -> None:
        await door.add_station("CP1")
        network = {"slot": 1, "url": "wss://a/b", "security_profile": 2}
        made = await acme.post(TEMPLATES, json={"name": "N", "networks": [network]})
        assert made.status_code == 201
        assert made.json()["networks"][0]["message_timeout_s"] == 30
        bad = {**network, "password": "hush"}
        assert (
            await acme.post(TEMPLATES, json={"name": "M", "networks": [bad]})
        ).status_code == 400
        path = "/api/v1/stations/CP1"
        (line,) = (await acme.get(f"{path}/drift")).json()["lines"]
        assert (line["step"], line["wanted"]["component_instance"]) == ("set", "1")
        assert (await acme.get(f"{path}/networks")).json() == {
            "items": [],
            "priority": None,
            "next": None,
        }
        link = door.connect("CP1")
        done = (await acme.post(f"{path}/apply", json={})).json()["applied"]
        assert [line["outcome"] for line in done] == ["accepted"]
        assert [type(asked).__name__ for asked in link.asked] == ["SetNetworkProfile"]
        (given,) = (await acme.get(f"{path}/networks")).json()["items"]
        assert (given["slot"], given["url"], given["identity"]) == (1, "wss://a/b", None)
        assert (await acme.get(f"{path}/drift")).json()["state"] == "conforms"
        assert (await other.get(f"{path}/networks")).status_code == 404

    async def test_where_all_stations_stand(
        self, door: Door, acme: httpx.AsyncClient, other: httpx.AsyncClient
    ) -> None:
        for number in range(5):
            station = await door.add_station(f"CP{number}")
            variable = Variable(component="C", variable="V", value=str(number % 2))
            await tell(door, station, variable)
        values = [{"component": "C", "variable": "V", "value": "1"}]
        await acme.post(TEMPLATES, json={"name": "T", "values": values})
        for number in range(5):
            await door.rooms.devices.tend(door.ctx(), StationId(f"CP{number}"))
        first = (await acme.get("/api/v1/drift?limit=2")).json()
        rest = (await acme.get(f"/api/v1/drift?cursor={first['next']}")).json()
        items = first["items"] + rest["items"]
        assert [item["station"] for item in items] == [f"CP{n}" for n in range(5)]
        assert [item["state"] for item in items] == ["drifted", "conforms"] * 2 + ["drifted"]
        assert items[0]["drifting"] == ["C.V"]
        drifted = (await acme.get("/api/v1/drift?state=drifted")).json()["items"]
        assert [item["station"] for item in drifted] == ["CP0", "CP2", "CP4"]
        assert (await acme.get("/api/v1/drift?state=whim")).status_code == 400
        assert (await other.get("/api/v1/drift")).json()["items"] == []


async def test_a_value_that_the_characteristics_rule_out_is_not_sent(
    door: Door, acme: httpx.AsyncClient
) -> None:
    await door.add_station("CP1")
    link = door.connect("CP1")
    low = Variable(
        component="C", variable="V", value="1", data_type="OptionList", values_list="1,2"
    )
    await tell(door, "CP1", low)
    path = "/api/v1/stations/CP1/commands"
    for variable, value, code in (
        ({"component": "c", "variable": "v"}, "3", "variable.value_invalid"),
        ({"variable": "HeartbeatInterval"}, "soon", "variable.value_invalid"),
        ({"component": "c", "variable": "v"}, "2", None),
        ({"component": "C", "variable": "Other"}, "anything", None),
    ):
        command = {"command": "set_variables", "variables": [{**variable, "value": value}]}
        answer = await acme.post(path, json=command)
        assert answer.json().get("code") == code
    assert len(link.asked) == 2
