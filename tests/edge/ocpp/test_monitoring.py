"""What stations notice and report by themselves: events, alarms, monitors, displays, streams."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace

from forecourt.domain.monitoring import AlarmName, AlarmSource, ReportState, ReportUnfinished
from forecourt.domain.monitoring.api import report_view
from forecourt.domain.monitoring.rules import state
from tests.edge.ocpp.house import IN_THE_HOUSE, Yard, a_yard
from tests.edge.ocpp.wire import CallError

pytestmark = [IN_THE_HOUSE, pytest.mark.storage]

V2X: Final = pytest.mark.parametrize("version", ["2.0.1", "2.1"])
CABINET: Final = {
    "component": {"name": "ChargingStation"},
    "variable": {"name": "Temperature"},
}
OUTLET: Final = {
    "component": {"name": "EVSE", "evse": {"id": 2, "connectorId": 1}},
    "variable": {"name": "Power", "instance": "L1"},
}


def noticed(number: int, at: str, value: str = "1", **more: Any) -> dict[str, Any]:
    """One EventData."""
    return {
        "eventId": number,
        "timestamp": at,
        "trigger": "Alerting",
        "actualValue": value,
        "eventNotificationType": "CustomMonitor",
        **CABINET,
        **more,
    }


def report(at: str, *events: dict[str, Any]) -> dict[str, Any]:
    """NotifyEvent."""
    return {"generatedAt": at, "seqNo": 0, "eventData": list(events)}


def monitored(number: int, severity: int, version: str, **more: Any) -> dict[str, Any]:
    """One MonitoringData of one monitor."""
    kind = {} if version == "2.0.1" else {"eventNotificationType": "CustomMonitor"}
    monitor = {
        "id": number,
        "transaction": False,
        "value": 70,
        "type": "UpperThreshold",
        "severity": severity,
        **kind,
    }
    return {**CABINET, "variableMonitoring": [monitor], **more}


@V2X
class TestVariableEvents:
    async def test_an_alert_raises_an_alarm_and_its_end_takes_it_down(
        self, yard: Yard, version: str
    ) -> None:
        station, wire = await yard.station(version)
        at = yard.at()
        alert = noticed(1, at, "82", variableMonitoringId=7, techInfo="fan stands")
        assert await wire.call("NotifyEvent", report(at, alert)) == {}
        (alarm,) = await yard.rooms.monitoring.alarms(yard.ctx, station)
        assert (alarm.source, alarm.key) == (AlarmSource.VARIABLE, "monitor 7")
        assert alarm.text == "ChargingStation Temperature is 82: fan stands"
        assert len(await yard.events(station, "alarm.raised")) == 1
        # Said again, it is one row and no second alarm.
        await wire.call("NotifyEvent", report(at, alert))
        assert len((await yard.rooms.monitoring.events(yard.ctx, station)).items) == 1
        assert len(await yard.events(station, "alarm.raised")) == 1
        over = noticed(2, yard.at(1), "60", variableMonitoringId=7, cleared=True, cause=1)
        await wire.call("NotifyEvent", report(at, over))
        assert await yard.rooms.monitoring.alarms(yard.ctx, station) == []
        (cleared,) = await yard.events(station, "alarm.cleared")
        assert '"by":"station:' in cleared["body"].replace(" ", "")

    async def test_values_are_kept_without_an_alarm(self, yard: Yard, version: str) -> None:
        station, wire = await yard.station(version)
        at = yard.at()
        wired = "HardWiredMonitor"
        await wire.call(
            "NotifyEvent",
            report(
                at,
                noticed(1, at, "11000", **OUTLET, trigger="Periodic", eventNotificationType=wired),
                noticed(2, at, "on", trigger="Delta", transactionId="tx1"),
            ),
        )
        second, first = (await yard.rooms.monitoring.events(yard.ctx, station)).items
        assert (first.point.evse_no, first.point.variable_instance) == (2, "L1")
        assert (first.origin, first.cause) == ("hardwired_monitor", "periodic")
        assert (second.value, second.transaction) == ("on", "tx1")
        assert await yard.rooms.monitoring.alarms(yard.ctx, station) == []
        told = await yard.events(station, "station.variable_event")
        assert len(told) == 2

    async def test_an_alert_is_as_bad_as_its_monitor(self, yard: Yard, version: str) -> None:
        station, wire = await yard.station(version)
        at = yard.at()
        await wire.call(
            "NotifyMonitoringReport",
            {"requestId": 5, "seqNo": 0, "generatedAt": at, "monitor": [monitored(7, 2, version)]},
        )
        # 2.0.1 leaves the severity to the monitor; 2.1 may leave it out as well.
        await wire.call("NotifyEvent", report(at, noticed(1, at, "82", variableMonitoringId=7)))
        (alarm,) = await yard.rooms.monitoring.alarms(yard.ctx, station)
        assert alarm.severity == 2
        (event,) = (await yard.rooms.monitoring.events(yard.ctx, station)).items
        assert event.severity == 2

    async def test_too_many_at_once_are_refused(self, yard: Yard, version: str) -> None:
        _, wire = await yard.station(version)
        at = yard.at()
        flood = [noticed(n, at, trigger="Delta") for n in range(1_001)]
        with pytest.raises(CallError, match="no more than 1000 events"):
            await wire.call("NotifyEvent", report(at, *flood))
        assert await wire.call("NotifyEvent", report(at, flood[0])) == {}

    async def test_somebody_has_looked(self, yard: Yard, version: str) -> None:
        station, wire = await yard.station(version)
        at = yard.at()
        await wire.call("NotifyEvent", report(at, noticed(1, at, "82", **OUTLET)))
        (alarm,) = await yard.rooms.monitoring.alarms(yard.ctx, station)
        assert alarm.key == "EVSE.Power@2.1"
        name = AlarmName(station=station, source=alarm.source, key=alarm.key)
        await yard.rooms.monitoring.acknowledge(yard.ctx, [name])
        (seen,) = await yard.rooms.monitoring.alarms(yard.ctx, station)
        assert (seen.cleared_at, seen.acknowledged_by) == (None, yard.ctx.actor)
        # Who comes later does not take the first one's place; what got worse is open again.
        await yard.rooms.monitoring.acknowledge(replace(yard.ctx, actor="other"), [name])
        (again,) = await yard.rooms.monitoring.alarms(yard.ctx, station)
        assert again.acknowledged_by == yard.ctx.actor
        await yard.rooms.monitoring.raise_alarm(yard.ctx, station, replace(alarm, severity=0))
        (worse,) = await yard.rooms.monitoring.alarms(yard.ctx, station)
        assert (worse.acknowledged_at, worse.acknowledged_by) == (None, "")
        await yard.rooms.monitoring.take_down(yard.ctx, [name])
        assert await yard.rooms.monitoring.alarms(yard.ctx, station) == []


async def test_2_1_says_itself_how_bad_it_is(yard: Yard) -> None:
    station, wire = await yard.station("2.1")
    at = yard.at()
    await wire.call("NotifyEvent", report(at, noticed(1, at, "82", severity=0)))
    (alarm,) = await yard.rooms.monitoring.alarms(yard.ctx, station)
    assert alarm.severity == 0


@V2X
class TestReports:
    async def test_pages_of_monitors_in_any_order(self, yard: Yard, version: str) -> None:
        station, wire = await yard.station(version)
        at = yard.at()
        page = {"requestId": 9, "generatedAt": at}
        one, two = monitored(1, 4, version), monitored(2, 9, version)
        last = {**page, "seqNo": 1, "tbc": False, "monitor": [two]}
        await wire.call("NotifyMonitoringReport", last)
        (half,) = await yard.rooms.monitoring.reports(yard.ctx, station)
        assert report_view(half, yard.clock.now()).missing == [0]
        assert state(half, yard.clock.now()) is ReportState.OPEN
        assert state(half, yard.clock.now() + timedelta(minutes=11)) is ReportState.BROKEN
        await wire.call(
            "NotifyMonitoringReport", {**page, "seqNo": 0, "tbc": True, "monitor": [one]}
        )
        (whole,) = await yard.rooms.monitoring.reports(yard.ctx, station)
        assert state(whole, yard.clock.now()) is ReportState.COMPLETE
        assert whole.rows == 2
        found = await yard.rooms.monitoring.monitors(yard.ctx, station)
        assert [(monitor.monitor_no, monitor.severity) for monitor, _ in found] == [(1, 4), (2, 9)]
        # A page that comes again changes nothing.
        await wire.call("NotifyMonitoringReport", last)
        (again,) = await yard.rooms.monitoring.reports(yard.ctx, station)
        assert (again.rows, again.pages) == (2, (0, 1))
        assert len(await yard.events(station, "report.ended")) == 2

    async def test_a_report_that_never_ends(self, yard: Yard, version: str) -> None:
        station, wire = await yard.station(version)
        page = {"requestId": 3, "generatedAt": yard.at(), "seqNo": 0, "tbc": True}
        await wire.call("NotifyMonitoringReport", page)
        (begun,) = await yard.rooms.monitoring.reports(yard.ctx, station)
        assert state(begun, yard.clock.now()) is ReportState.OPEN
        assert state(begun, yard.clock.now() + timedelta(minutes=11)) is ReportState.TIMED_OUT

    async def test_the_device_model_is_a_report_too(self, yard: Yard, version: str) -> None:
        station, wire = await yard.station(version)
        data = {**CABINET, "variableAttribute": [{"value": "40"}]}
        page = {"requestId": 4, "generatedAt": yard.at(), "seqNo": 0, "reportData": [data]}
        await wire.call("NotifyReport", page)
        (found,) = await yard.rooms.monitoring.reports(yard.ctx, station)
        assert (found.kind, found.request_id, found.rows) == ("variables", 4, 1)
        assert state(found, yard.clock.now()) is ReportState.COMPLETE

    async def test_what_is_shown(self, yard: Yard, version: str) -> None:
        station, wire = await yard.station(version)
        content = {"format": "UTF8", "content": "closed on Sundays", "language": "en"}
        shown = {"id": 3, "priority": "AlwaysFront", "state": "Idle", "message": content}
        page = {"requestId": 8, "tbc": False, "messageInfo": [shown]}
        assert await wire.call("NotifyDisplayMessages", page) == {}
        ((found, _),) = await yard.rooms.monitoring.displays(yard.ctx, station)
        assert (found.message_no, found.content, found.state) == (3, "closed on Sundays", "Idle")
        (told,) = await yard.rooms.monitoring.reports(yard.ctx, station)
        assert state(told, yard.clock.now()) is ReportState.COMPLETE

    async def test_what_a_station_knows_of_a_customer(self, yard: Yard, version: str) -> None:
        station, wire = await yard.station(version)
        page = {"requestId": 6, "generatedAt": yard.at()}
        await wire.call(
            "NotifyCustomerInformation", {**page, "seqNo": 0, "tbc": True, "data": "Jane "}
        )
        with pytest.raises(ReportUnfinished, match="is open"):
            await yard.rooms.monitoring.customer(yard.ctx, station, 6)
        await wire.call("NotifyCustomerInformation", {**page, "seqNo": 1, "data": "Doe"})
        assert await yard.rooms.monitoring.customer(yard.ctx, station, 6) == "Jane Doe"
        # What is told of a customer is in no event, and in no raw log.
        bodies = await yard.rows("SELECT body FROM events WHERE subject = $1", station)
        assert not any("Jane" in row["body"] for row in bodies)
        frames = (await yard.rooms.stations.history.messages(yard.ctx, station)).items
        told = [row for row in frames if row.action == "NotifyCustomerInformation"]
        assert [row.note for row in told if row.direction == "in"] == ["tells of a person"] * 2
        assert not any("Jane" in row.frame for row in frames)


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
class TestSecurityEvents:
    async def test_tampering_alarms_and_booting_does_not(self, yard: Yard, version: str) -> None:
        station, wire = await yard.station(version)
        at = yard.at()
        for kind in ("StartupOfTheDevice", "TamperDetectionActivated", "AcmeOwnThing"):
            body = {"type": kind, "timestamp": at, "techInfo": "door 1"}
            assert await wire.call("SecurityEventNotification", body) == {}
        (alarm,) = await yard.rooms.monitoring.alarms(yard.ctx, station)
        assert (alarm.source, alarm.text) == ("security", "TamperDetectionActivated: door 1")
        told = await yard.events(station, "station.security")
        assert ['"critical":true' in row["body"].replace(" ", "") for row in told] == [
            True,
            True,
            False,
        ]


class TestStreams:
    async def test_a_stream_from_its_opening_to_its_end(self, yard: Yard) -> None:
        station, wire = await yard.station("2.1")
        params = {"interval": 10, "values": 2}
        opened = {"id": 1, "variableMonitoringId": 7, "params": params}
        answer = await wire.call("OpenPeriodicEventStream", {"constantStreamData": opened})
        assert answer == {"status": "Accepted"}
        data = [{"t": 0, "v": "1.5"}, {"t": 2.5, "v": "1.75"}]
        sent = {"id": 1, "pending": 0, "basetime": yard.at(-10), "data": data}
        wire.send("NotifyPeriodicEventStream", sent)
        wire.send("NotifyPeriodicEventStream", {**sent, "id": 99})  # Nobody opened it.
        await wire.call("Heartbeat", {})
        second, first = await self.values(yard, station, 1, 2)
        assert (first.value, second.value) == ("1.5", "1.75")
        assert second.at - first.at == timedelta(seconds=2.5)
        assert (await yard.rooms.monitoring.stream_values(yard.ctx, station, 99)).items == []
        assert await wire.call("ClosePeriodicEventStream", {"id": 1}) == {}
        (stream,) = await yard.rooms.monitoring.streams(yard.ctx, station)
        assert stream.closed_at is not None
        wire.send("NotifyPeriodicEventStream", {**sent, "basetime": yard.at()})
        await wire.call("Heartbeat", {})
        await yard.house.committer.drained()
        assert len((await yard.rooms.monitoring.stream_values(yard.ctx, station, 1)).items) == 2

    async def test_too_many_and_too_fast(self, yard: Yard) -> None:
        _, wire = await yard.station("2.1")
        for number in range(16):
            opened = {"id": number, "variableMonitoringId": 7, "params": {}}
            answer = await wire.call("OpenPeriodicEventStream", {"constantStreamData": opened})
            assert answer["status"] == "Accepted"
        opened = {"id": 16, "variableMonitoringId": 7, "params": {}}
        answer = await wire.call("OpenPeriodicEventStream", {"constantStreamData": opened})
        assert answer["status"] == "Rejected"
        assert answer["statusInfo"]["additionalInfo"] == "16 streams are open already"
        fast = {"id": 1, "variableMonitoringId": 7, "params": {"interval": 1, "values": 500}}
        answer = await wire.call("OpenPeriodicEventStream", {"constantStreamData": fast})
        assert answer["statusInfo"]["additionalInfo"] == "more than 100 values a second"

    async def test_a_station_may_send_so_many_in_a_minute(self, yard: Yard) -> None:
        station, wire = await yard.station("2.1")
        opened = {"id": 1, "variableMonitoringId": 7, "params": {}}
        await wire.call("OpenPeriodicEventStream", {"constantStreamData": opened})
        for part in range(7):
            data = [{"t": part * 1000 + n / 1000, "v": "1"} for n in range(1_000)]
            sent = {"id": 1, "pending": 0, "basetime": yard.at(-9_000), "data": data}
            wire.send("NotifyPeriodicEventStream", sent)
        await wire.call("Heartbeat", {})
        await yard.house.committer.drained()
        count = "SELECT count(*) FROM stream_values WHERE station_id = $1"
        assert await yard.value(count, station) == 6_000

    async def values(self, yard: Yard, station: Any, stream: int, count: int) -> Any:
        await yard.house.committer.drained()
        found = (await yard.rooms.monitoring.stream_values(yard.ctx, station, stream)).items
        assert len(found) == count
        return found


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
class TestDataTransfer:
    async def test_an_unknown_vendor(self, yard: Yard, version: str) -> None:
        station, wire = await yard.station(version)
        asked = {"vendorId": "com.nobody", "messageId": "x", "data": "y"}
        assert await wire.call("DataTransfer", asked) == {"status": "UnknownVendorId"}
        (kept,) = await yard.events(station, "station.notified")
        assert "com.nobody" in kept["body"]

    async def test_a_vendor_that_the_operator_wants_to_hear(
        self, version: str, database_url: str, tmp_path: Path
    ) -> None:
        async with a_yard(database_url, tmp_path, data_transfer_vendors=("com.acme",)) as yard:
            station, wire = await yard.station(version)
            asked = {"vendorId": "com.ACME", "messageId": "door", "data": "open"}
            assert await wire.call("DataTransfer", asked) == {"status": "Accepted"}
            (told,) = await yard.events(station, "station.vendor_said")
            body = json.loads(told["body"])
            assert (body["vendor"], body["message"], body["data"]) == ("com.ACME", "door", '"open"')
