"""What stations reported, read by HTTP: each route shows what its room holds."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from forecourt.base.ids import StationId
from forecourt.domain.access import ReservationState
from forecourt.domain.billing import Settlement, SettlementState
from forecourt.domain.energy import (
    Battery,
    ExternalLimit,
    GridControl,
    InstalledProfile,
    Needs,
    Swap,
)
from forecourt.domain.firmware import JobKind
from forecourt.domain.monitoring import (
    AlarmName,
    AlarmSource,
    Cause,
    Display,
    Monitor,
    Origin,
    Page,
    Point,
    ReportKind,
    Stream,
    VariableEvent,
)
from forecourt.domain.tariffs import StationCost, TransactionLimit
from forecourt.infra.commit import Changes
from tests.edge.http.conftest import NOW, Door

CP1 = StationId("CP1")
POINT = Point(component="EVSE", variable="Problem", evse_no=2)


def noticed(number: int, seconds: int = 0, **more: Any) -> VariableEvent:
    return VariableEvent(
        event_no=number,
        at=NOW + timedelta(seconds=seconds),
        cause=more.pop("cause", Cause.ALERTING),
        origin=Origin.CUSTOM,
        point=POINT,
        value="true",
        **more,
    )


def page(kind: ReportKind, **more: Any) -> Page:
    return Page(kind=kind, request_id=5, rows=1, generated_at=NOW, **more)


class Reading:
    """One station, and what the API shows of it."""

    def __init__(self, door: Door, client: httpx.AsyncClient) -> None:
        self.door = door
        self.rooms = door.rooms
        self.ctx = door.ctx()
        self._client = client

    async def items(self, route: str, **query: Any) -> list[dict[str, Any]]:
        answer = await self._client.get(f"/api/v1/stations/CP1/{route}", params=query)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def call(self, method: str, route: str, **more: Any) -> httpx.Response:
        return await self._client.request(method, f"/api/v1/stations/CP1/{route}", **more)


@pytest.fixture
async def station(door: Door, acme: httpx.AsyncClient) -> Reading:
    await door.add_station("CP1")
    return Reading(door, acme)


async def test_alarms_and_what_raised_them(station: Reading) -> None:
    noting = station.rooms.monitoring
    await noting.noticed(station.ctx, CP1, [noticed(1, severity=2), noticed(2, 1, monitor_no=9)])
    worst, other = await station.items("alarms")
    assert (worst["severity"], worst["key"], worst["text"]) == (
        2,
        "EVSE.Problem@2.0",
        "EVSE Problem of EVSE 2 is true",
    )
    assert other["key"] == "monitor 9"
    newest, _ = await station.items("variable-events")
    assert (newest["event"], newest["monitor"], newest["point"]["evse"]) == (2, 9, 2)
    name = {"source": "variable", "key": "monitor 9"}
    assert (await station.call("POST", "alarms/acknowledgements", json=name)).status_code == 204
    unknown = name | {"key": "monitor 8"}
    again = await station.call("POST", "alarms/acknowledgements", json=unknown)
    assert (again.status_code, again.json()["code"]) == (404, "alarm.unknown")
    seen = {alarm["key"]: alarm["acknowledged_at"] for alarm in await station.items("alarms")}
    assert seen == {"EVSE.Problem@2.0": None, "monitor 9": NOW.isoformat().replace("+00:00", "Z")}
    await station.rooms.monitoring.take_down(
        station.ctx, [AlarmName(station=CP1, source=AlarmSource.VARIABLE, key="monitor 9")]
    )
    assert len(await station.items("alarms", up="false")) == 1


async def test_events_page_by_page(station: Reading) -> None:
    many = [noticed(number, number, cause=Cause.DELTA) for number in range(5)]
    await station.rooms.monitoring.noticed(station.ctx, CP1, many)
    first = (await station.call("GET", "variable-events", params={"limit": 3})).json()
    assert [item["event"] for item in first["items"]] == [4, 3, 2]
    rest = await station.items("variable-events", cursor=first["next"])
    assert [item["event"] for item in rest] == [1, 0]


async def test_the_timeline_page_by_page(station: Reading) -> None:
    await station.rooms.monitoring.noticed(station.ctx, CP1, [noticed(1)])
    told, cursor = [], ""
    while True:
        answer = (
            await station.call("GET", "timeline", params={"limit": 1, "cursor": cursor})
        ).json()
        told += [item["type"] for item in answer["items"]]
        if (cursor := answer["next"]) is None:
            break
    assert told == ["station.added", "station.variable_event", "alarm.raised"]
    later = await station.items("timeline", since=(NOW + timedelta(days=1)).isoformat())
    assert later == []
    for bad in ("x", "1", "1-", "-1", "1-2-3", f"{'9' * 40}-1"):
        refused = await station.call("GET", "timeline", params={"cursor": bad})
        assert (refused.status_code, refused.json()["code"]) == (400, "cursor.invalid"), bad


async def test_reports_monitors_displays(station: Reading) -> None:
    noting, ctx = station.rooms.monitoring, station.ctx
    watched = Monitor(monitor_no=1, point=POINT, type="Delta", value=2.5, severity=8)
    await noting.monitors_reported(
        ctx, CP1, page(ReportKind.MONITORS, number=1, last=True), [watched]
    )
    shown = Display(message_no=3, priority="InFront", content="hello", format="UTF8")
    await noting.displays_reported(ctx, CP1, page(ReportKind.DISPLAYS, last=True), [shown])
    (monitor,) = await station.items("monitors")
    assert (monitor["monitor"], monitor["value"], monitor["origin"]) == (1, 2.5, None)
    (display,) = await station.items("display-messages")
    assert (display["message"], display["content"]) == (3, "hello")
    reports = {report["kind"]: report for report in await station.items("reports")}
    assert reports["monitors"]["state"] == "open"
    assert reports["monitors"]["missing"] == [0]
    assert reports["displays"]["state"] == "complete"


async def test_customer_information_only_as_a_whole(station: Reading) -> None:
    noting, ctx = station.rooms.monitoring, station.ctx
    route = "customer-information/5"
    missing = await station.call("GET", route)
    assert (missing.status_code, missing.json()["code"]) == (404, "report.unknown")
    first = page(ReportKind.CUSTOMER, number=0, last=False)
    await noting.customer_reported(ctx, CP1, first, "Jane ")
    half = await station.call("GET", route)
    assert (half.status_code, half.json()["code"]) == (409, "report.unfinished")
    last = page(ReportKind.CUSTOMER, number=1, last=True)
    await noting.customer_reported(ctx, CP1, last, "Doe")
    assert (await station.call("GET", route)).json() == {"request_id": 5, "text": "Jane Doe"}


async def test_streams(station: Reading) -> None:
    opened = Stream(stream_no=2, monitor_no=7, interval_s=10, values=None, opened_at=NOW)
    assert await station.rooms.monitoring.open_stream(station.ctx, CP1, opened) is None
    (stream,) = await station.items("streams")
    assert (stream["stream"], stream["monitor"], stream["closed_at"]) == (2, 7, None)
    assert await station.items("streams/2/values") == []


async def test_reservations_and_the_local_list(station: Reading) -> None:
    access, ctx = station.rooms.access, station.ctx
    later = NOW + timedelta(hours=1)
    await access.reserved(ctx, CP1, 7, evse_no=2, token="ABC", expires_at=later)
    await access.reservation_over(ctx, CP1, 9, ReservationState.REMOVED)
    held = {item["reservation"]: item for item in await station.items("reservations")}
    assert (held[7]["state"], held[7]["evse"], held[9]["state"]) == ("made", 2, "removed")
    assert (await station.call("GET", "local-list")).json()["version"] is None
    await access.listed(ctx, CP1, 4, entries=12)
    local = (await station.call("GET", "local-list")).json()
    assert (local["version"], local["entries"]) == (4, 12)


async def test_power(station: Reading) -> None:
    energy, ctx = station.rooms.energy, station.ctx
    await energy.limit_told(ctx, CP1, ExternalLimit(evse_no=2, source="EMS", since_at=NOW))
    needs = Needs(transfer="DC", energy_wh=20_000, body={"requestedEnergyTransfer": "DC"})
    assert not await energy.needs_told(ctx, CP1, 2, needs, Changes(), transaction="")
    held = InstalledProfile(
        evse_no=2,
        profile=1,
        source="CSO",
        purpose="TxProfile",
        kind="Absolute",
        stack_level=0,
        request_id=5,
        body={"id": 1},
        reported_at=NOW,
    )
    await energy.profiles_reported(ctx, CP1, page(ReportKind.PROFILES, last=True), [held])
    await energy.dynamic_set(ctx, CP1, 9, {"limit": 11_000.0, "setpoint": None})
    await energy.mode_told(ctx, CP1, "tx1", priority=True)
    control = GridControl(control="c", kind="VoltVar")
    await energy.controls_reported(ctx, CP1, page(ReportKind.DER_CONTROLS, last=True), [control])
    battery = Battery(slot=1, serial="B", soc_pct=50, soh_pct=99)
    swap = Swap(request_id=1, event="BatteryIn", token="ABC", batteries=(battery,), at=NOW)
    await energy.swapped(ctx, CP1, swap)
    (limit,) = await station.items("external-limits")
    assert (limit["evse"], limit["source"]) == (2, "EMS")
    (plan,) = await station.items("vehicle-plans")
    assert (plan["evse"], plan["needs"]["energy_wh"]) == (2, 20_000)
    (profile,) = await station.items("charging-profiles")
    assert (profile["evse"], profile["profile"], profile["body"]) == (2, 1, {"id": 1})
    (dynamic,) = await station.items("dynamic-schedules")
    assert (dynamic["profile"], dynamic["values"]) == (9, {"limit": 11_000.0})
    (mode,) = await station.items("transaction-modes")
    assert (mode["transaction"], mode["priority"]) == ("tx1", True)
    (rule,) = await station.items("grid-controls")
    assert (rule["control"], rule["kind"], rule["running"]) == ("c", "VoltVar", None)
    (swapped,) = await station.items("battery-swaps")
    assert swapped["batteries"][0]["serial"] == "B"


async def test_money_is_exact(station: Reading) -> None:
    settlement = Settlement(
        reference="psp",
        state=SettlementState.SETTLED,
        amount=Decimal("17.10"),
        settled_at=NOW,
        received_at=NOW,
    )
    await station.rooms.billing.settled(station.ctx, CP1, settlement)
    cost = StationCost(
        transaction="tx1",
        currency="EUR",
        incl_tax=Decimal("0.1"),
        limit=TransactionLimit(cost_max=Decimal("20.20")),
        changed_at=NOW,
    )
    await station.rooms.tariffs.cost_told(station.ctx, CP1, cost)
    (settled,) = await station.items("settlements")
    assert (settled["amount"], settled["company"]) == ("17.10", None)
    (reckoned,) = await station.items("costs")
    assert (reckoned["incl_tax"], reckoned["limit"]["cost_max"]) == ("0.1", "20.20")


async def test_files(station: Reading) -> None:
    for status in ("Downloading", "Installed"):
        await station.rooms.firmware.reported(
            station.ctx, CP1, kind=JobKind.UPDATE, request_id=None, status=status
        )
    (job,) = await station.items("file-jobs")
    assert (job["kind"], job["request_id"], job["phase"]) == ("update", None, "done")
    assert [step["status"] for step in job["steps"]] == ["Downloading", "Installed"]


async def test_a_station_that_is_removed_is_forgotten(station: Reading) -> None:
    rooms, ctx = station.rooms, station.ctx
    await rooms.monitoring.noticed(ctx, CP1, [noticed(1)])
    await rooms.energy.limit_told(ctx, CP1, ExternalLimit(evse_no=2, source="EMS", since_at=NOW))
    await rooms.access.listed(ctx, CP1, 4)
    for room in (rooms.monitoring, rooms.energy, rooms.access):
        await room.forget(ctx, CP1)
    assert await station.items("alarms") == []
    assert await station.items("external-limits") == []
    assert (await station.call("GET", "local-list")).json()["version"] is None
    assert len(await station.items("variable-events")) == 1
