"""An independent client (PyPI ``ocpp`` over ``websockets``) as a station of 2.0.1, and of 2.1."""

# The client has no types.
# mypy: disable-error-code="import-untyped,misc,untyped-decorator"

import asyncio
import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

import pytest
import websockets
from ocpp import v21, v201
from ocpp.charge_point import ChargePoint
from ocpp.routing import after, on

from forecourt.base.ids import StationId
from forecourt.domain.access import Standing
from forecourt.domain.sessions import SessionState
from forecourt.domain.stations import (
    ConnectorState,
    GetReport,
    GetVariables,
    Outcome,
    Reset,
    SetVariables,
    Start,
    Stop,
    Trigger,
    Unlock,
    VariableName,
    VariableValue,
)
from tests.edge.ocpp.house import IN_THE_HOUSE, SUBPROTOCOLS, Yard, until

pytestmark = IN_THE_HOUSE

CLIENTS: dict[str, ModuleType] = {"2.0.1": v201, "2.1": v21}
versions = pytest.mark.parametrize("version", CLIENTS)


class Doings:
    """What a station of either version does, beside the client's own class for it."""

    words: ModuleType

    def begin_life(self, card: str, yard: Yard) -> None:
        self.card = {"idToken": card, "type": "ISO14443"}
        self.yard = yard
        self.seq_no = itertools.count()
        self.transaction = ""
        self.told: list[str] = []
        self.variables = {("OCPPCommCtrlr", "HeartbeatInterval"): "300"}

    async def say(self, action: str, **content: Any) -> Any:
        assert isinstance(self, ChargePoint)
        return await self.call(getattr(self.words.call, action)(**content), suppress=False)

    async def event(self, kind: str, trigger: str, wh: int, at_s: float = 0, **more: Any) -> Any:
        context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}
        value = {
            "value": wh,
            "context": context.get(kind, "Sample.Periodic"),
            "measurand": "Energy.Active.Import.Register",
            "unitOfMeasure": {"unit": "Wh"},
        }
        info = {"transactionId": self.transaction, **more.pop("info", {})}
        return await self.say(
            "TransactionEvent",
            event_type=kind,
            timestamp=self.yard.at(at_s),
            trigger_reason=trigger,
            seq_no=next(self.seq_no),
            transaction_info=info,
            meter_value=[{"timestamp": self.yard.at(at_s), "sampledValue": [value]}],
            **more,
        )

    def result(self, action: str, **content: Any) -> Any:
        return getattr(self.words.call_result, action)(**content)

    @on("RequestStartTransaction")
    def on_start(self, **_: Any) -> Any:
        self.transaction = "from-afar"
        return self.result(
            "RequestStartTransaction", status="Accepted", transaction_id=self.transaction
        )

    @after("RequestStartTransaction")
    async def after_start(self, id_token: Any, remote_start_id: int, **_: Any) -> None:
        await self.event(
            "Started",
            "RemoteStart",
            0,
            id_token=id_token,
            evse={"id": 1, "connectorId": 1},
            info={"remoteStartId": remote_start_id},
        )
        self.told.append("started")

    @on("RequestStopTransaction")
    def on_stop(self, transaction_id: str) -> Any:
        mine = transaction_id == self.transaction
        return self.result("RequestStopTransaction", status="Accepted" if mine else "Rejected")

    @after("RequestStopTransaction")
    async def after_stop(self, transaction_id: str) -> None:
        if transaction_id == self.transaction:
            await self.event("Ended", "RemoteStop", 10, info={"stoppedReason": "Remote"})
            self.told.append("stopped")

    @on("Reset")
    def on_reset(self, type: str, **_: Any) -> Any:  # noqa: A002 (the wire's word)
        return self.result(
            "Reset", status="Scheduled", status_info={"reasonCode": "Busy", "additionalInfo": type}
        )

    @on("UnlockConnector")
    def on_unlock(self, evse_id: int, connector_id: int) -> Any:
        return self.result("UnlockConnector", status="Unlocked")

    @on("TriggerMessage")
    def on_trigger(self, requested_message: str, **_: Any) -> Any:
        self.told.append(f"trigger {requested_message}")
        return self.result("TriggerMessage", status="NotImplemented")

    @on("GetVariables")
    def on_get(self, get_variable_data: list[dict[str, Any]]) -> Any:
        found = []
        for data in get_variable_data:
            value = self.variables.get((data["component"]["name"], data["variable"]["name"]))
            status = "UnknownVariable" if value is None else "Accepted"
            result = {"attributeStatus": status, "component": data["component"]}
            result |= {"variable": data["variable"]}
            found.append(result if value is None else {**result, "attributeValue": value})
        return self.result("GetVariables", get_variable_result=found)

    @on("SetVariables")
    def on_set(self, set_variable_data: list[dict[str, Any]]) -> Any:
        done = []
        for data in set_variable_data:
            key = (data["component"]["name"], data["variable"]["name"])
            known = key in self.variables
            if known:
                self.variables[key] = data["attribute_value"]
            status = "Accepted" if known else "UnknownComponent"
            done.append(
                {
                    "attributeStatus": status,
                    "component": data["component"],
                    "variable": data["variable"],
                }
            )
        return self.result("SetVariables", set_variable_result=done)

    @on("GetBaseReport")
    def on_report(self, **_: Any) -> Any:
        return self.result("GetBaseReport", status="Accepted")

    @after("GetBaseReport")
    async def after_report(self, request_id: int, **_: Any) -> None:
        for seq_no, phase in enumerate(("L1", "L2")):
            data = {
                "component": {"name": "EVSE", "evse": {"id": 1}},
                "variable": {"name": "Power", "instance": phase},
                "variableAttribute": [{"value": "11000", "mutability": "ReadOnly"}],
                "variableCharacteristics": {
                    "unit": "W",
                    "dataType": "decimal",
                    "supportsMonitoring": False,
                },
            }
            await self.say(
                "NotifyReport",
                request_id=request_id,
                generated_at=self.yard.at(),
                seq_no=seq_no,
                tbc=seq_no == 0,
                report_data=[data],
            )
        self.told.append("reported")


class Client201(Doings, v201.ChargePoint):
    words = v201


class Client21(Doings, v21.ChargePoint):
    words = v21


@asynccontextmanager
async def a_client(yard: Yard, version: str) -> AsyncGenerator[tuple[StationId, Any]]:
    """A station, booted, and a card that may charge."""
    name, card = await yard.add(), await yard.token()
    protocol = websockets.Subprotocol(SUBPROTOCOLS[version])
    async with (
        websockets.connect(f"{yard.house.ocpp_url}/{name}", subprotocols=[protocol]) as socket,
        asyncio.TaskGroup() as tasks,
    ):
        client = (Client21 if version == "2.1" else Client201)(name, socket)
        client.begin_life(card, yard)
        listening = tasks.create_task(client.start())
        booted = await client.say(
            "BootNotification",
            charging_station={"vendorName": "Acme", "model": "Two", "serialNumber": "S-2"},
            reason="PowerUp",
        )
        assert booted.status == "Accepted"
        yield name, client
        listening.cancel()


@versions
async def test_from_plug_to_record(yard: Yard, version: str) -> None:
    async with a_client(yard, version) as (name, client):
        assert (await client.say("Heartbeat")).current_time
        authorized = await client.say("Authorize", id_token=client.card)
        assert authorized.id_token_info["status"] == "Accepted"
        await client.say(
            "StatusNotification",
            timestamp=yard.at(),
            connector_status="Occupied",
            evse_id=1,
            connector_id=1,
        )
        client.transaction = "tx-1"
        evse = {"id": 1, "connectorId": 1}
        await client.event("Started", "CablePluggedIn", 100, -90, evse=evse)
        told = await client.event("Updated", "Authorized", 100, -80, id_token=client.card)
        assert told.id_token_info["status"] == "Accepted"
        charging = {"chargingState": "Charging"}
        for n in range(4):
            told = await client.event(
                "Updated", "MeterValuePeriodic", 100 + 50 * n, -70 + 10 * n, info=charging
            )
            assert told.id_token_info is None
        stopped = {"stoppedReason": "EVDisconnected"}
        await client.event("Ended", "EVCommunicationLost", 300, 0, info=stopped)

        session = await yard.session(name)
        assert (session.transaction, session.state) == ("tx-1", SessionState.ENDED)
        assert (session.token, session.standing) == (client.card["idToken"], Standing.ACCEPTED)
        assert (session.evse_no, session.connector_no) == (1, 1)
        assert (session.meter_start_wh, session.meter_stop_wh) == (100, 300)
        assert (session.progress.energy_wh, session.progress.flags) == (200, ())
        assert session.progress.seq_next == 7
        assert session.stop_reason == "EVDisconnected"
        assert [r["energy_wh"] for r in await yard.readings(name)] == [
            100, 100, 100, 150, 200, 250, 300,
        ]  # fmt: skip
        station, (connector,) = await yard.rooms.stations.read(yard.ctx, name)
        assert (station.protocol, station.serial) == (SUBPROTOCOLS[version], "S-2")
        assert connector.state is ConnectorState.OCCUPIED


@versions
async def test_started_and_stopped_from_afar(yard: Yard, version: str) -> None:
    async with a_client(yard, version) as (name, client):
        ask = yard.rooms.stations.command
        begun = await ask(yard.ctx, name, Start(token=client.card["idToken"], evse=1))
        assert begun.outcome is Outcome.ACCEPTED
        await until(lambda: "started" in client.told)
        session = await yard.session(name)
        assert session.remote_start_id == begun.request_id
        wrong = await ask(yard.ctx, name, Stop(transaction="another"))
        assert wrong.outcome is Outcome.REJECTED
        ended = await ask(yard.ctx, name, Stop(transaction="from-afar"))
        assert ended.outcome is Outcome.ACCEPTED
        await until(lambda: "stopped" in client.told)
        session = await yard.session(name)
        assert (session.state, session.stop_reason) == (SessionState.ENDED, "Remote")
        assert session.progress.energy_wh == 10


@versions
async def test_what_a_station_can_be_told(yard: Yard, version: str) -> None:
    async with a_client(yard, version) as (name, client):
        ask = yard.rooms.stations.command
        reset = await ask(yard.ctx, name, Reset(mode="soft"))
        assert (reset.outcome, reset.reason) == (Outcome.SCHEDULED, "Busy OnIdle")
        assert (await ask(yard.ctx, name, Unlock(evse=1))).outcome is Outcome.ACCEPTED
        trigger = await ask(yard.ctx, name, Trigger(message="status", evse=1))
        assert trigger.outcome is Outcome.UNSUPPORTED
        assert client.told == ["trigger StatusNotification"]


@versions
async def test_variables_are_read_written_and_reported(yard: Yard, version: str) -> None:
    async with a_client(yard, version) as (name, client):
        ask = yard.rooms.stations.command
        names = (
            VariableName(component="OCPPCommCtrlr", variable="HeartbeatInterval"),
            VariableName(component="Moon", variable="Phase"),
        )
        read = await ask(yard.ctx, name, GetVariables(variables=names))
        assert [(v.component, v.status, v.value) for v in read.variables] == [
            ("OCPPCommCtrlr", "Accepted", "300"),
            ("Moon", "UnknownVariable", None),
        ]
        new = VariableValue(component="OCPPCommCtrlr", variable="HeartbeatInterval", value="60")
        wrong = VariableValue(component="Moon", variable="Phase", value="new")
        assert (
            await ask(yard.ctx, name, SetVariables(variables=(new,)))
        ).outcome is Outcome.ACCEPTED
        both = await ask(yard.ctx, name, SetVariables(variables=(new, wrong)))
        assert both.outcome is Outcome.REJECTED
        assert [v.status for v in both.variables] == ["Accepted", "UnknownComponent"]
        report = await ask(yard.ctx, name, GetReport())
        assert report.outcome is Outcome.ACCEPTED
        await until(lambda: "reported" in client.told)
        known = await yard.rooms.stations.variables(yard.ctx, name)
        assert [(v.component, v.variable, v.variable_instance, v.value) for v in known] == [
            ("EVSE", "Power", "L1", "11000"),
            ("EVSE", "Power", "L2", "11000"),
            ("OCPPCommCtrlr", "HeartbeatInterval", "", "60"),
        ]
        assert [v.unit for v in known] == ["W", "W", ""]
