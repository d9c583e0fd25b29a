"""An independent client (PyPI ``ocpp`` over ``websockets``) takes a 1.6 station through its day."""

# The client has no types.
# mypy: disable-error-code="import-untyped,misc,untyped-decorator"

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import websockets
from ocpp.routing import after, on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.datatypes import IdTagInfo, MeterValue, SampledValue
from ocpp.v16.enums import Action, AuthorizationStatus, RegistrationStatus

from forecourt.base.ids import StationId
from forecourt.domain.access import Standing
from forecourt.domain.sessions import SessionState
from forecourt.domain.stations import (
    Availability,
    ClearCache,
    Command,
    ConnectorState,
    DataTransfer,
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
from tests.edge.ocpp.house import IN_THE_HOUSE, Yard, until
from tests.edge.ocpp.wire import basic

pytestmark = IN_THE_HOUSE

PASSWORD = b"a password that is long and random"


class Client(ChargePoint):
    """A charge point that does what it is told."""

    def __init__(self, name: str, connection: Any, card: str, yard: Yard) -> None:
        super().__init__(name, connection)
        self.card = card
        self.yard = yard
        self.transaction: int | None = None
        self.meter_wh = 1_000
        self.told: list[str] = []
        self.finished = self.reported = False
        self.settings = {"HeartbeatInterval": "300", "Sold": "yes"}

    async def begin(self) -> int:
        started = await self.call(
            call.StartTransaction(
                connector_id=1,
                id_tag=self.card,
                meter_start=self.meter_wh,
                timestamp=self.yard.at(-60),
            )
        )
        assert started.id_tag_info["status"] == AuthorizationStatus.accepted
        self.transaction = int(started.transaction_id)
        return self.transaction

    async def measure(self, seconds: float, wh: int) -> None:
        self.meter_wh += wh
        sample = SampledValue(value=str(self.meter_wh), measurand="Energy.Active.Import.Register")
        power = SampledValue(value="7.2", measurand="Power.Active.Import", unit="kW")
        value = MeterValue(timestamp=self.yard.at(seconds), sampled_value=[sample, power])
        await self.call(
            call.MeterValues(connector_id=1, transaction_id=self.transaction, meter_value=[value])
        )

    async def finish(self) -> None:
        assert self.transaction is not None
        await self.call(
            call.StopTransaction(
                transaction_id=self.transaction,
                meter_stop=self.meter_wh,
                timestamp=self.yard.at(),
                id_tag=self.card,
                reason="Remote",
            )
        )
        self.finished = True

    @on(Action.remote_start_transaction)
    def on_start(self, **_: Any) -> Any:
        return call_result.RemoteStartTransaction(status="Accepted")

    @after(Action.remote_start_transaction)
    async def after_start(self, id_tag: str, **_: Any) -> None:
        self.card = id_tag
        await self.begin()

    @on(Action.remote_stop_transaction)
    def on_stop(self, transaction_id: int) -> Any:
        mine = transaction_id == self.transaction
        return call_result.RemoteStopTransaction(status="Accepted" if mine else "Rejected")

    @after(Action.remote_stop_transaction)
    async def after_stop(self, transaction_id: int) -> None:
        if transaction_id == self.transaction:
            await self.finish()

    @on(Action.reset)
    def on_reset(self, type: str) -> Any:  # noqa: A002 (the wire's word)
        self.told.append(f"reset {type}")
        return call_result.Reset(status="Accepted")

    @on(Action.unlock_connector)
    def on_unlock(self, connector_id: int) -> Any:
        return call_result.UnlockConnector(
            status="Unlocked" if connector_id == 1 else "NotSupported"
        )

    @on(Action.change_availability)
    def on_availability(self, connector_id: int, type: str) -> Any:  # noqa: A002 (the wire's word)
        return call_result.ChangeAvailability(status="Scheduled" if connector_id else "Accepted")

    @on(Action.trigger_message)
    def on_trigger(self, requested_message: str, **_: Any) -> Any:
        self.told.append(f"trigger {requested_message}")
        return call_result.TriggerMessage(status="Accepted")

    @after(Action.trigger_message)
    async def after_trigger(self, **_: Any) -> None:
        await self.call(
            call.StatusNotification(connector_id=1, error_code="NoError", status="Finishing")
        )
        self.reported = True

    @on(Action.get_configuration)
    def on_get(self, key: list[str] | None = None) -> Any:
        wanted = list(self.settings) if key is None else key
        return call_result.GetConfiguration(
            configuration_key=[
                {"key": name, "readonly": name == "Sold", "value": self.settings[name]}
                for name in wanted
                if name in self.settings
            ],
            unknown_key=[name for name in wanted if name not in self.settings],
        )

    @on(Action.change_configuration)
    def on_set(self, key: str, value: str) -> Any:
        if key not in self.settings:
            return call_result.ChangeConfiguration(status="NotSupported")
        if key == "Sold":
            return call_result.ChangeConfiguration(status="Rejected")
        self.settings[key] = value
        return call_result.ChangeConfiguration(status="RebootRequired")

    @on(Action.data_transfer)
    def on_data(self, vendor_id: str, **more: Any) -> Any:
        return call_result.DataTransfer(status="Accepted", data=f"{vendor_id} {more.get('data')}")

    @on(Action.clear_cache)
    def on_clear(self) -> Any:
        return call_result.ClearCache(status="Rejected")


@asynccontextmanager
async def a_client(yard: Yard) -> AsyncGenerator[tuple[StationId, Client]]:
    """A station with a password, and a card that may charge."""
    name = await yard.add(password=PASSWORD)
    card = await yard.token()
    url = f"{yard.house.ocpp_url}/ocpp/{name}"
    async with (
        websockets.connect(
            url,
            subprotocols=[websockets.Subprotocol("ocpp1.6")],
            additional_headers=basic(name, PASSWORD),
        ) as socket,
        asyncio.TaskGroup() as tasks,
    ):
        client = Client(name, socket, card, yard)
        listening = tasks.create_task(client.start())
        booted = await client.call(
            call.BootNotification(
                charge_point_vendor="Acme",
                charge_point_model="One",
                charge_point_serial_number="S-1",
                firmware_version="1.2.3",
            )
        )
        assert booted.status == RegistrationStatus.accepted
        assert booted.interval == 300
        yield name, client
        listening.cancel()


async def test_from_plug_to_record(yard: Yard) -> None:
    async with a_client(yard) as (name, client):
        assert (await client.call(call.Heartbeat())).current_time
        info: IdTagInfo | Any = (await client.call(call.Authorize(id_tag=client.card))).id_tag_info
        assert info["status"] == AuthorizationStatus.accepted
        for state in ("Available", "Preparing"):
            await client.call(
                call.StatusNotification(connector_id=1, error_code="NoError", status=state)
            )
        number = await client.begin()
        await client.call(
            call.StatusNotification(connector_id=1, error_code="NoError", status="Charging")
        )
        for n in range(1, 4):
            await client.measure(-60 + 15 * n, 500)
        running = await yard.session(name)
        assert (running.state, running.progress.energy_wh) == (SessionState.ACTIVE, 1_500)
        assert running.progress.power_w == 7_200
        client.meter_wh += 250
        await client.finish()

        session = await yard.session(name)
        assert session.transaction == str(number)
        assert session.state is SessionState.ENDED
        assert (session.token, session.standing) == (client.card, Standing.ACCEPTED)
        assert (session.meter_start_wh, session.meter_stop_wh) == (1_000, 2_750)
        assert (session.progress.energy_wh, session.progress.flags) == (1_750, ())
        assert session.stop_reason == "Remote"
        assert [r["energy_wh"] for r in await yard.readings(name)] == [1_500, 2_000, 2_500]
        (ended,) = await yard.events(name, "session.ended")
        assert '"energy_wh":1750' in ended["body"]
        station, (connector,) = await yard.rooms.stations.read(yard.ctx, name)
        assert (station.vendor, station.serial, station.firmware) == ("Acme", "S-1", "1.2.3")
        assert station.connected
        assert station.protocol == "ocpp1.6"
        assert connector.state is ConnectorState.CHARGING
    await until(lambda: name not in yard.gateway._links)
    await yard.house.committer.drained()
    gone, _ = await yard.rooms.stations.read(yard.ctx, name)
    assert not gone.connected


async def test_started_and_stopped_from_afar(yard: Yard) -> None:
    async with a_client(yard) as (name, client):
        other = await yard.token()
        answer = await yard.rooms.stations.command(yard.ctx, name, Start(token=other, evse=1))
        assert answer.outcome is Outcome.ACCEPTED
        await until(lambda: client.transaction is not None)
        session = await yard.session(name)
        assert (session.token, session.state) == (other, SessionState.ACTIVE)
        wrong = await yard.rooms.stations.command(yard.ctx, name, Stop(transaction="999999"))
        assert wrong.outcome is Outcome.REJECTED
        answer = await yard.rooms.stations.command(
            yard.ctx, name, Stop(transaction=session.transaction)
        )
        assert answer.outcome is Outcome.ACCEPTED
        await until(lambda: client.finished)
        assert (await yard.session(name)).state is SessionState.ENDED


async def test_what_a_station_can_be_told(yard: Yard) -> None:
    cases: list[tuple[Command, Outcome, str]] = [
        (Reset(), Outcome.ACCEPTED, "Accepted"),
        (Reset(mode="hard"), Outcome.ACCEPTED, "Accepted"),
        (Reset(evse=1), Outcome.UNSUPPORTED, ""),
        (Unlock(evse=1), Outcome.ACCEPTED, "Unlocked"),
        (Unlock(evse=2), Outcome.UNSUPPORTED, "NotSupported"),
        (Availability(operative=False), Outcome.ACCEPTED, "Accepted"),
        (Availability(operative=True, evse=1), Outcome.SCHEDULED, "Scheduled"),
        (ClearCache(), Outcome.REJECTED, "Rejected"),
        (Trigger(message="transaction"), Outcome.UNSUPPORTED, ""),
        (Trigger(message="status", evse=1), Outcome.ACCEPTED, "Accepted"),
        (Stop(transaction="tx-of-2.0.1"), Outcome.UNSUPPORTED, ""),
        (Start(token="a token that 1.6 has no room for"), Outcome.UNSUPPORTED, ""),
    ]
    async with a_client(yard) as (name, client):
        for command, outcome, status in cases:
            answer = await yard.rooms.stations.command(yard.ctx, name, command)
            assert (answer.outcome, answer.status) == (outcome, status), command
        assert client.told == ["reset Soft", "reset Hard", "trigger StatusNotification"]
        told = await yard.rooms.stations.command(
            yard.ctx, name, DataTransfer(vendor="acme", data="hello")
        )
        assert told.data == "acme hello"
        await until(lambda: client.reported)
        _, (connector,) = await yard.rooms.stations.read(yard.ctx, name)
        assert connector.state is ConnectorState.FINISHING
    kept = await yard.rows(
        "SELECT outcome FROM commands WHERE station_id = $1 ORDER BY asked_at", name
    )
    assert [row["outcome"] for row in kept] == [o.value for _, o, _ in cases] + ["accepted"]


async def test_configuration_is_read_and_written(yard: Yard) -> None:
    async with a_client(yard) as (name, client):
        ask = yard.rooms.stations.command
        names = (VariableName(variable="HeartbeatInterval"), VariableName(variable="Moon"))
        read = await ask(yard.ctx, name, GetVariables(variables=names))
        assert [(v.variable, v.status, v.value) for v in read.variables] == [
            ("HeartbeatInterval", "Accepted", "300"),
            ("Moon", "UnknownVariable", None),
        ]
        new = VariableValue(variable="HeartbeatInterval", value="60")
        written = await ask(yard.ctx, name, SetVariables(variables=(new,)))
        assert (written.outcome, written.status) == (Outcome.ACCEPTED, "RebootRequired")
        assert client.settings["HeartbeatInterval"] == "60"
        no = VariableValue(variable="Sold", value="no")
        refused = await ask(yard.ctx, name, SetVariables(variables=(no,)))
        assert refused.outcome is Outcome.REJECTED
        everything = await ask(yard.ctx, name, GetReport())
        assert {v.variable for v in everything.variables} == {"HeartbeatInterval", "Sold"}
        await yard.house.committer.drained()
        known = await yard.rooms.stations.variables(yard.ctx, name)
        assert [(v.component, v.variable, v.value, v.mutability) for v in known] == [
            ("", "Sold", "yes", "ReadOnly"),
            ("OCPPCommCtrlr", "HeartbeatInterval", "60", "ReadWrite"),
        ]
