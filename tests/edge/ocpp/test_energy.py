"""What stations tell of power: limits from outside, vehicles, profiles, the grid, batteries."""

import asyncio
from typing import Any, Final

import pytest

from forecourt.domain.monitoring.rules import state
from forecourt.domain.stations import UpdateDynamicSchedule
from tests.edge.ocpp.house import IN_THE_HOUSE, PATIENCE_S, Yard
from tests.edge.ocpp.says import event
from tests.edge.ocpp.wire import CallError

pytestmark = [IN_THE_HOUSE, pytest.mark.storage]

V2X: Final = pytest.mark.parametrize("version", ["2.0.1", "2.1"])
SCHEDULE: Final = {
    "id": 1,
    "chargingRateUnit": "W",
    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 11_000}],
}


def profile(number: int, **more: Any) -> dict[str, Any]:
    """A ChargingProfile."""
    return {
        "id": number,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [SCHEDULE],
        **more,
    }


@V2X
class TestBothVersions:
    async def test_a_limit_from_outside_until_it_is_cleared(self, yard: Yard, version: str) -> None:
        station, wire = await yard.station(version)
        told = {"chargingLimitSource": "SO", "isGridCritical": True}
        body = {"chargingLimit": told, "chargingSchedule": [SCHEDULE], "evseId": 1}
        assert await wire.call("NotifyChargingLimit", body) == {}
        await wire.call("NotifyChargingLimit", {"chargingLimit": {"chargingLimitSource": "EMS"}})
        whole, outlet = await yard.rooms.energy.limits(yard.ctx, station)
        assert (whole.evse_no, whole.source, whole.grid_critical) == (0, "EMS", None)
        assert (outlet.evse_no, outlet.source, outlet.grid_critical) == (1, "SO", True)
        assert outlet.schedules == [SCHEDULE]
        cleared = {"chargingLimitSource": "SO", "evseId": 1}
        assert await wire.call("ClearedChargingLimit", cleared) == {}
        assert await wire.call("ClearedChargingLimit", cleared) == {}
        (left,) = await yard.rooms.energy.limits(yard.ctx, station)
        assert left.source == "EMS"
        assert len(await yard.events(station, "energy.limit_told")) == 2
        assert len(await yard.events(station, "energy.limit_cleared")) == 1
        over = await yard.rooms.energy.limits(yard.ctx, station, in_force=False)
        assert [limit.source for limit in over] == ["SO"]

    async def test_what_a_vehicle_wants_and_what_it_chooses(self, yard: Yard, version: str) -> None:
        station, wire = await yard.station(version)
        direct = {"evMaxCurrent": 200, "evMaxVoltage": 800, "energyAmount": 30_000}
        needs = {
            "requestedEnergyTransfer": "DC",
            "departureTime": yard.at(3_600),
            "dcChargingParameters": {**direct, "evMaxPower": 150_000, "stateOfCharge": 20},
        }
        body = {"evseId": 1, "maxScheduleTuples": 12, "chargingNeeds": needs}
        answer = await wire.call("NotifyEVChargingNeeds", body)
        # There is no transaction that a profile could be for.
        assert answer == {"status": "Rejected" if version == "2.0.1" else "NoChargingProfile"}
        (plan,) = await yard.rooms.energy.plans(yard.ctx, station)
        assert plan.needs is not None
        assert (plan.needs.energy_wh, plan.needs.power_w_max, plan.needs.soc_pct) == (
            30_000,
            150_000,
            20,
        )
        assert plan.schedule is None
        chosen = {"timeBase": yard.at(), "chargingSchedule": SCHEDULE, "evseId": 1}
        answer = await wire.call("NotifyEVChargingSchedule", chosen)
        assert answer == {"status": "Accepted"}
        (plan,) = await yard.rooms.energy.plans(yard.ctx, station)
        assert plan.schedule == SCHEDULE
        assert plan.needs is not None
        # The next vehicle has chosen nothing yet.
        await wire.call("NotifyEVChargingNeeds", body)
        (plan,) = await yard.rooms.energy.plans(yard.ctx, station)
        assert plan.schedule is None

    @pytest.mark.parametrize(
        ("needs", "period", "unit"),
        [
            (
                {
                    "requestedEnergyTransfer": "AC_three_phase",
                    "acChargingParameters": {
                        "energyAmount": 20_000,
                        "evMinCurrent": 6,
                        "evMaxCurrent": 16,
                        "evMaxVoltage": 400,
                    },
                },
                {"startPeriod": 0, "limit": 16.0, "numberPhases": 3},
                "A",
            ),
            (
                {
                    "requestedEnergyTransfer": "DC",
                    "dcChargingParameters": {
                        "evMaxCurrent": 200,
                        "evMaxVoltage": 800,
                        "evMaxPower": 90_000,
                    },
                },
                {"startPeriod": 0, "limit": 90_000.0},
                "W",
            ),
        ],
    )
    async def test_a_vehicle_is_offered_what_it_can_take(
        self, yard: Yard, version: str, needs: dict[str, Any], period: dict[str, Any], unit: str
    ) -> None:
        _, wire = await yard.station(version)
        await wire.call("TransactionEvent", event("Started", "tx-iso", 0, yard.at(), evse=1))
        body = {"evseId": 1, "chargingNeeds": needs}
        answer = await wire.call("NotifyEVChargingNeeds", body)
        assert answer == {"status": "Accepted"}
        message_id, asked = await wire.asked("SetChargingProfile")
        wire.answer(message_id, {"status": "Accepted"})
        offered = asked["chargingProfile"]
        assert (asked["evseId"], offered["transactionId"]) == (1, "tx-iso")
        assert offered["chargingProfilePurpose"] == "TxProfile"
        (schedule,) = offered["chargingSchedule"]
        assert schedule["chargingRateUnit"] == unit
        assert schedule["chargingSchedulePeriod"] == [period]
        chosen = {"timeBase": yard.at(), "chargingSchedule": SCHEDULE, "evseId": 1}
        assert await wire.call("NotifyEVChargingSchedule", chosen) == {"status": "Accepted"}

    async def test_the_profiles_that_a_station_keeps(self, yard: Yard, version: str) -> None:
        station, wire = await yard.station(version)
        page = {"requestId": 7, "chargingLimitSource": "CSO", "evseId": 1}
        first = {**page, "tbc": True, "chargingProfile": [profile(1), profile(2, stackLevel=3)]}
        assert await wire.call("ReportChargingProfiles", first) == {}
        (told,) = await yard.rooms.monitoring.reports(yard.ctx, station)
        assert (told.kind, state(told, yard.clock.now())) == ("profiles", "open")
        await wire.call(
            "ReportChargingProfiles",
            {**page, "evseId": 0, "chargingLimitSource": "EMS", "chargingProfile": [profile(9)]},
        )
        (told,) = await yard.rooms.monitoring.reports(yard.ctx, station)
        assert (told.rows, state(told, yard.clock.now())) == (3, "complete")
        found = await yard.rooms.energy.profiles(yard.ctx, station)
        assert [(held.evse_no, held.profile, held.source) for held in found] == [
            (0, 9, "EMS"),
            (1, 1, "CSO"),
            (1, 2, "CSO"),
        ]
        assert found[2].stack_level == 3
        assert found[0].body["chargingSchedule"] == [SCHEDULE]

    async def test_more_profiles_than_a_station_can_have(self, yard: Yard, version: str) -> None:
        station, wire = await yard.station(version)
        many = [profile(number) for number in range(2_001)]
        page = {"requestId": 1, "chargingLimitSource": "CSO", "evseId": 1, "chargingProfile": many}
        with pytest.raises(CallError, match="no more than 2000 rows"):
            await wire.call("ReportChargingProfiles", page)
        assert await yard.rooms.energy.profiles(yard.ctx, station) == []
        assert await wire.call("Heartbeat", {})


class TestVehicleToGrid:
    async def test_what_a_bidirectional_vehicle_wants(self, yard: Yard) -> None:
        station, wire = await yard.station("2.1")
        needs = {
            "requestedEnergyTransfer": "DC_BPT",
            "controlMode": "DynamicControl",
            "v2xChargingParameters": {
                "maxChargePower": 11_000,
                "maxDischargePower": 9_000,
                "evTargetEnergyRequest": 20_000,
            },
        }
        await wire.call("NotifyEVChargingNeeds", {"evseId": 2, "chargingNeeds": needs})
        (plan,) = await yard.rooms.energy.plans(yard.ctx, station)
        assert plan.needs is not None
        assert (plan.needs.transfer, plan.needs.energy_wh, plan.needs.power_w_max) == (
            "DC_BPT",
            20_000,
            11_000,
        )
        assert plan.needs.body["v2xChargingParameters"]["maxDischargePower"] == 9_000

    async def test_a_transaction_that_gives_back(self, yard: Yard) -> None:
        station, wire = await yard.station("2.1")
        info = {"operationMode": "CentralSetpoint"}
        begun = event("Started", "tx-v2x", 0, yard.at(-60), evse=1, info=info)
        await wire.call("TransactionEvent", begun)
        switched = event("Updated", "tx-v2x", 1, yard.at(-30), info={"operationMode": "Idle"})
        switched["triggerReason"] = "OperationModeChanged"
        await wire.call("TransactionEvent", switched)
        # The same mode again is nothing new, and the session goes on as ever.
        await wire.call(
            "TransactionEvent",
            event("Updated", "tx-v2x", 2, yard.at(-20), 500, info={"operationMode": "Idle"}),
        )
        (mode,) = await yard.rooms.energy.modes(yard.ctx, station)
        assert (mode.transaction, mode.operation_mode) == ("tx-v2x", "Idle")
        assert len(await yard.events(station, "energy.mode_changed")) == 2
        assert (await yard.session(station)).progress.seq_next == 3
        assert [reading["energy_wh"] for reading in await yard.readings(station)] == [500]

    async def test_priority(self, yard: Yard) -> None:
        station, wire = await yard.station("2.1")
        asked = {"transactionId": "tx1", "activated": True}
        assert await wire.call("NotifyPriorityCharging", asked) == {}
        assert await wire.call("NotifyPriorityCharging", asked) == {}
        (mode,) = await yard.rooms.energy.modes(yard.ctx, station)
        assert (mode.priority, mode.operation_mode) == (True, None)
        await wire.call("NotifyPriorityCharging", {**asked, "activated": False})
        (mode,) = await yard.rooms.energy.modes(yard.ctx, station)
        assert mode.priority is False
        assert len(await yard.events(station, "energy.mode_changed")) == 2

    async def test_a_station_that_missed_an_update_pulls_it(self, yard: Yard) -> None:
        station, wire = await yard.station("2.1")
        answer = await wire.call("PullDynamicScheduleUpdate", {"chargingProfileId": 5})
        assert answer["status"] == "Rejected"
        assert answer["statusInfo"]["reasonCode"] == "NotFound"
        told = {"setpoint": -4_000.0, "limit_l2": 16, "profile": 5, "command": "x"}
        await yard.rooms.energy.dynamic_set(yard.ctx, station, 5, told)
        answer = await wire.call("PullDynamicScheduleUpdate", {"chargingProfileId": 5})
        assert answer == {
            "status": "Accepted",
            "scheduleUpdate": {"setpoint": -4_000.0, "limit_L2": 16.0},
        }

    async def test_what_we_set_last_is_what_is_pulled(self, yard: Yard) -> None:
        station, wire = await yard.station("2.1")
        asked = UpdateDynamicSchedule(profile=6, setpoint=-2_000.0)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(yard.rooms.stations.command(yard.ctx, station, asked))
            message_id, _ = await wire.asked("UpdateDynamicSchedule")
            wire.answer(message_id, {"status": "Accepted"})
        async with asyncio.timeout(PATIENCE_S):
            while True:
                answer = await wire.call("PullDynamicScheduleUpdate", {"chargingProfileId": 6})
                if answer["status"] == "Accepted":
                    break
                await asyncio.sleep(0.01)
        assert answer["scheduleUpdate"] == {"setpoint": -2_000.0}


class TestGrid:
    async def test_a_grid_that_fails_and_recovers(self, yard: Yard) -> None:
        station, wire = await yard.station("2.1")
        at = yard.at()
        fault = {"controlType": "HVMustTrip", "gridEventFault": "OverVoltage", "timestamp": at}
        assert await wire.call("NotifyDERAlarm", fault) == {}
        (alarm,) = await yard.rooms.monitoring.alarms(yard.ctx, station)
        assert (alarm.source, alarm.key, alarm.severity) == ("grid", "HVMustTrip", 3)
        assert alarm.text == "grid: OverVoltage, control HVMustTrip called for"
        over = {"controlType": "HVMustTrip", "timestamp": at, "alarmEnded": True}
        await wire.call("NotifyDERAlarm", over)
        assert await yard.rooms.monitoring.alarms(yard.ctx, station) == []

    async def test_rules_that_replace_each_other(self, yard: Yard) -> None:
        station, wire = await yard.station("2.1")
        page = {"requestId": 3, "tbc": True}
        fixed = {"priority": 1, "displacement": 0.95, "excitation": True}
        power_factor = {"id": "pf", "isDefault": True, "isSuperseded": False, "fixedPF": fixed}
        assert await wire.call("ReportDERControl", {**page, "fixedPFInject": [power_factor]}) == {}
        curve = {"priority": 0, "yUnit": "PctMaxVar", "curveData": [{"x": 97, "y": 50}]}
        volt_var = {"id": "vv", "isDefault": False, "isSuperseded": False, "curveType": "VoltVar"}
        await wire.call(
            "ReportDERControl", {"requestId": 3, "curve": [{**volt_var, "curve": curve}]}
        )
        told = {"controlId": "vv", "started": True, "timestamp": yard.at(), "supersededIds": ["pf"]}
        assert await wire.call("NotifyDERStartStop", told) == {}
        first, second = await yard.rooms.energy.controls(yard.ctx, station)
        assert (first.control, first.kind, first.superseded, first.running) == (
            "pf",
            "FixedPFInject",
            True,
            None,
        )
        assert (second.control, second.kind, second.running) == ("vv", "VoltVar", True)
        assert first.body["fixedPF"]["displacement"] == 0.95
        (report,) = await yard.rooms.monitoring.reports(yard.ctx, station)
        assert (report.rows, state(report, yard.clock.now())) == (2, "complete")
        await wire.call("NotifyDERStartStop", {**told, "started": False, "supersededIds": ["pf"]})
        assert len(await yard.events(station, "energy.grid_control")) == 2


async def test_batteries_in_and_out(yard: Yard) -> None:
    station, wire = await yard.station("2.1")
    battery = {"evseId": 3, "serialNumber": "B-1", "soC": 12.5, "soH": 97}
    body = {
        "requestId": 11,
        "eventType": "BatteryIn",
        "idToken": {"idToken": "CARD", "type": "ISO14443"},
        "batteryData": [battery],
    }
    assert await wire.call("BatterySwap", body) == {}
    assert await wire.call("BatterySwap", body) == {}
    full = {**battery, "serialNumber": "B-2", "soC": 100}
    await wire.call("BatterySwap", {**body, "eventType": "BatteryOut", "batteryData": [full]})
    out, into = (await yard.rooms.energy.swaps(yard.ctx, station)).items
    assert (into.event, into.batteries[0].serial, into.batteries[0].soc_pct) == (
        "BatteryIn",
        "B-1",
        12.5,
    )
    assert (out.event, out.request_id, out.token) == ("BatteryOut", 11, "CARD")
    assert len(await yard.events(station, "energy.battery_swapped")) == 2
