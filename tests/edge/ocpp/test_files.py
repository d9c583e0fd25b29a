"""Firmware and logs: what stations tell while they take and give files, in three versions."""

from typing import Any, Final

import pytest

from forecourt.base.ids import StationId
from forecourt.domain.firmware import UNNAMED, Job
from tests.edge.ocpp.house import IN_THE_HOUSE, Yard
from tests.edge.ocpp.wire import Wire

pytestmark = [IN_THE_HOUSE, pytest.mark.storage]

V2X: Final = pytest.mark.parametrize("version", ["2.0.1", "2.1"])


async def tell(wire: Wire, action: str, *words: str, **more: Any) -> None:
    for word in words:
        assert await wire.call(action, {"status": word, **more}) == {}


async def job(yard: Yard, station: StationId) -> Job:
    (found,) = await yard.rooms.firmware.jobs(yard.ctx, station)
    return found


class TestSixteen:
    """1.6: no numbers, but in the security extension."""

    async def test_an_update_and_the_next(self, yard: Yard) -> None:
        station, wire = await yard.station("1.6")
        action = "FirmwareStatusNotification"
        await tell(wire, action, "Downloading", "Downloading", "Downloaded", "Installing")
        running = await job(yard, station)
        assert (running.request_id, running.phase, running.status) == (
            UNNAMED,
            "running",
            "Installing",
        )
        assert [step.status for step in running.steps] == [
            "Downloading",
            "Downloaded",
            "Installing",
        ]
        await tell(wire, action, "Installed")
        assert (await job(yard, station)).phase == "done"
        assert len(await yard.events(station, "firmware.status")) == 4
        await tell(wire, action, "Downloading", "DownloadFailed")
        again = await job(yard, station)
        assert (again.phase, len(again.steps)) == ("failed", 2)

    async def test_what_was_lost(self, yard: Yard) -> None:
        station, wire = await yard.station("1.6")
        await tell(wire, "FirmwareStatusNotification", "Idle", "Downloading", "Idle")
        lost = await job(yard, station)
        assert (lost.phase, lost.status) == ("failed", "Idle")

    async def test_a_signed_update(self, yard: Yard) -> None:
        station, wire = await yard.station("1.6")
        action = "SignedFirmwareStatusNotification"
        await tell(wire, action, "Downloaded", "InvalidSignature", requestId=4)
        refused = await job(yard, station)
        assert (refused.kind, refused.request_id, refused.phase) == ("update", 4, "failed")

    async def test_diagnostics(self, yard: Yard) -> None:
        station, wire = await yard.station("1.6")
        await tell(wire, "DiagnosticsStatusNotification", "Idle", "Uploading", "Uploaded")
        done = await job(yard, station)
        assert (done.kind, done.phase) == ("diagnostics", "done")
        assert len(await yard.events(station, "log.uploaded")) == 1


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
class TestLogs:
    async def test_two_uploads_side_by_side(self, yard: Yard, version: str) -> None:
        station, wire = await yard.station(version)
        await tell(wire, "LogStatusNotification", "Uploading", "PermissionDenied", requestId=1)
        await tell(wire, "LogStatusNotification", "Uploading", "Uploaded", requestId=2)
        second, first = await yard.rooms.firmware.jobs(yard.ctx, station)
        assert (first.request_id, first.phase) == (1, "failed")
        assert (second.request_id, second.phase) == (2, "done")
        assert len(await yard.events(station, "log.uploaded")) == 1
        assert len(await yard.events(station, "log.status")) == 4


@V2X
class TestFirmware:
    async def test_an_update(self, yard: Yard, version: str) -> None:
        station, wire = await yard.station(version)
        action = "FirmwareStatusNotification"
        await tell(wire, action, "DownloadScheduled", "Downloading", requestId=12)
        more: dict[str, Any] = {"requestId": 12}
        if version == "2.1":
            more["statusInfo"] = {"reasonCode": "Unspecified", "additionalInfo": "disk is full"}
        await tell(wire, action, "InstallationFailed", **more)
        failed = await job(yard, station)
        assert (failed.request_id, failed.phase) == (12, "failed")
        said = "Unspecified disk is full" if version == "2.1" else ""
        assert failed.steps[-1].info == said

    async def test_a_planned_update_is_not_lost_when_nothing_goes_on(
        self, yard: Yard, version: str
    ) -> None:
        station, wire = await yard.station(version)
        await tell(wire, "FirmwareStatusNotification", "InstallScheduled", requestId=1)
        await tell(wire, "FirmwareStatusNotification", "Idle")
        assert (await job(yard, station)).phase == "waiting"

    async def test_what_is_published_for_the_neighbours(self, yard: Yard, version: str) -> None:
        station, wire = await yard.station(version)
        action = "PublishFirmwareStatusNotification"
        await tell(wire, action, "Downloading", "ChecksumVerified", requestId=2)
        await tell(wire, action, "Published", requestId=2, location=["http://10.0.0.1/fw.bin"])
        done = await job(yard, station)
        assert (done.kind, done.phase, done.places) == (
            "publish",
            "done",
            ("http://10.0.0.1/fw.bin",),
        )
