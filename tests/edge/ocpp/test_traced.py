"""Traces, from a station's real socket to a real collector: where the time of a message went."""

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from prometheus_client.parser import text_string_to_metric_families

from forecourt.domain.stations import Admission
from tests.edge.ocpp.house import IN_THE_HOUSE, Yard, a_yard, until
from tests.edge.ocpp.wire import CallError
from tests.fixtures.otlp import Collected, a_collector, told

pytestmark = IN_THE_HOUSE


class Traced:
    """A house all of whose messages are traced, and who is told."""

    def __init__(self, yard: Yard, collector: Collected) -> None:
        self.yard = yard
        self.collector = collector


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def traced(house_url: str, house_folder: Path) -> AsyncGenerator[Traced]:
    async with (
        a_collector() as collector,
        a_yard(house_url, house_folder, otlp_endpoint=collector.url, trace_sample_ratio=1) as yard,
    ):
        yield Traced(yard, collector)


def meter(wh: int, at: str) -> dict[str, object]:
    return {
        "connectorId": 1,
        "meterValue": [{"timestamp": at, "sampledValue": [{"value": str(wh)}]}],
    }


def in_order(*spans: Span) -> bool:
    """Each begins where the one before ended."""
    return all(
        one.start_time_unix_nano <= one.end_time_unix_nano == next_.start_time_unix_nano
        for one, next_ in pairwise(spans)
    )


async def test_a_message_from_its_frame_to_its_commit(traced: Traced) -> None:
    yard, collector = traced.yard, traced.collector
    name, wire = await yard.station()
    assert await wire.call("MeterValues", meter(4_250, yard.at())) == {}
    whole = await collector.one("ocpp MeterValues", ocpp_station=name)
    assert told(whole) == {
        "ocpp_station": name,
        "ocpp_action": "MeterValues",
        "ocpp_version": "ocpp1.6",
        "ocpp_message_id": told(whole)["ocpp_message_id"],
        "ocpp_bytes": told(whole)["ocpp_bytes"],
        "forecourt_tenant": "default",
    }
    assert whole.kind == Span.SPAN_KIND_SERVER
    assert not whole.parent_span_id
    parts = await collector.parts(whole, "decode", "decide", "queue", "commit", "answer")
    assert set(parts) == {"decode", "decide", "queue", "commit", "answer"}
    assert {span.trace_id for span in parts.values()} == {whole.trace_id}
    assert in_order(*(parts[n] for n in ("decode", "decide", "queue", "commit", "answer")))
    assert parts["decode"].start_time_unix_nano == whole.start_time_unix_nano
    assert parts["answer"].end_time_unix_nano == whole.end_time_unix_nano
    # The commit is shared: a trace of its own, and each knows the other.
    (link,) = parts["commit"].links
    batch = next(s for s in collector.spans if s.span_id == link.span_id)
    assert (batch.name, batch.trace_id) == ("commit batch", link.trace_id)
    assert batch.trace_id != whole.trace_id
    assert whole.span_id in [back.span_id for back in batch.links]
    assert told(batch)["commit_messages"] == 1
    assert [row["energy_wh"] for row in await yard.readings(name)] == [4_250]
    assert collector.resource["service.name"] == "forecourt"
    assert collector.resource["service.instance.id"] == "gateway-1"


async def test_one_that_must_read_first(traced: Traced) -> None:
    yard = traced.yard
    name, wire = await yard.station("2.0.1")
    started = {
        "eventType": "Started",
        "timestamp": yard.at(),
        "triggerReason": "CablePluggedIn",
        "seqNo": 0,
        "transactionInfo": {"transactionId": "t1"},
        "evse": {"id": 1, "connectorId": 1},
    }
    await wire.call("TransactionEvent", started)
    whole = await traced.collector.one("ocpp TransactionEvent", ocpp_station=name)
    parts = await traced.collector.parts(whole, "decide", "commit", "answer")
    assert parts["commit"].end_time_unix_nano <= whole.end_time_unix_nano
    assert told(whole)["ocpp_version"] == "ocpp2.0.1"


async def test_one_that_changes_nothing_has_no_commit(traced: Traced) -> None:
    yard = traced.yard
    name, wire = await yard.station()
    await yard.rooms.stations.change(yard.ctx, name, log_all=False)
    await until(lambda: not yard.gateway._links[name].door.log_all)
    await wire.call("Heartbeat", {})
    whole = await traced.collector.one("ocpp Heartbeat", ocpp_station=name)
    parts = await traced.collector.parts(whole, "decode", "decide", "answer")
    assert set(parts) == {"decode", "decide", "answer"}


async def test_one_that_waits_in_line(traced: Traced) -> None:
    yard = traced.yard
    name, wire = await yard.station()
    link = yard.gateway._links[name]
    first = wire.ask("MeterValues", meter(1, yard.at()))
    second = wire.ask("MeterValues", meter(2, yard.at(1)))
    await wire.answer_to(first)
    await wire.answer_to(second)
    assert link._inbox is None
    # One at a time is followed: the second came while the first was on its way.
    whole = await traced.collector.one("ocpp MeterValues", ocpp_station=name)
    assert told(whole)["ocpp_message_id"] == first


async def test_one_that_comes_before_the_state_is_loaded(traced: Traced) -> None:
    yard = traced.yard
    name = await yard.add()
    wire = await yard.connect(name)
    yard.gateway._links[name].hold()
    sent = wire.ask("BootNotification", {"chargePointVendor": "A", "chargePointModel": "B"})
    await until(lambda: yard.gateway._links[name]._inbox)
    yard.gateway.reload(yard.gateway._links[name])
    if yard.gateway._links[name].live is not None:
        yard.gateway._load(yard.gateway._links[name])
    await wire.answer_to(sent)
    whole = await traced.collector.one("ocpp BootNotification", ocpp_station=name)
    parts = await traced.collector.parts(whole, "decode", "in line", "decide", "commit")
    assert in_order(parts["decode"], parts["in line"], parts["decide"], parts["queue"])


async def test_one_that_is_refused(traced: Traced) -> None:
    yard = traced.yard
    name = await yard.add(admission=Admission.PENDING)
    wire = await yard.connect(name)
    with pytest.raises(CallError):
        await wire.call("Heartbeat", {})
    whole = await traced.collector.one("ocpp Heartbeat", ocpp_station=name)
    assert whole.status.code == Status.STATUS_CODE_ERROR
    assert whole.status.message == "security: not accepted yet: boot first"


async def test_what_is_no_message_is_no_trace(traced: Traced) -> None:
    yard = traced.yard
    name, wire = await yard.station()
    wire.text("nonsense")
    wire.text(json.dumps([3, "nobody-asked", {}]))
    await wire.call("Heartbeat", {})
    await traced.collector.one("ocpp Heartbeat", ocpp_station=name)


async def test_commands_from_the_request_to_the_stations_answer(traced: Traced) -> None:
    yard, collector = traced.yard, traced.collector
    name, wire = await yard.station()
    key = (await yard.rooms.tenants.add_key(yard.ctx, name)).secret
    trace, caller = secrets.token_hex(16), secrets.token_hex(8)
    headers = {"Authorization": f"Bearer {key}", "traceparent": f"00-{trace}-{caller}-01"}
    url = f"{yard.house.http_url}/api/v1/stations/{name}/commands"
    async with httpx.AsyncClient(headers=headers) as client, asyncio.TaskGroup() as tasks:
        asking = [
            tasks.create_task(client.post(url, json={"command": "clear_cache"})) for _ in range(2)
        ]
        await until(lambda: yard.gateway._links[name]._conn.waiting == 2)
        await asyncio.sleep(0.05)
        for _ in range(2):
            asked, _ = await wire.asked("ClearCache")
            wire.answer(asked, {"status": "Accepted"})
    assert [task.result().status_code // 100 for task in asking] == [2, 2]
    queued = []
    for _ in range(2):
        request = await collector.one("POST /api/v1/stations/{station_id}/commands")
        collector.spans.remove(request)
        assert request.trace_id.hex() == trace
        assert request.parent_span_id.hex() == caller
        assert told(request)["http_response_status_code"] in (200, 201)
        command = (await collector.parts(request, "command clear_cache"))["command clear_cache"]
        assert told(command)["command_outcome"] == "accepted"
        call = (await collector.parts(command, "ocpp ClearCache"))["ocpp ClearCache"]
        assert call.kind == Span.SPAN_KIND_CLIENT
        parts = await collector.parts(call, "queue", "answer")
        assert in_order(parts["queue"], parts["answer"])
        wait = parts["queue"]
        queued.append(wait.end_time_unix_nano - wait.start_time_unix_nano)
    # One call is open at a time: the second waited for the first one's answer.
    assert min(queued) < 50_000_000 <= max(queued)


async def test_a_command_that_nobody_answers(traced: Traced) -> None:
    yard, collector = traced.yard, traced.collector
    name, wire = await yard.station()
    key = (await yard.rooms.tenants.add_key(yard.ctx, name)).secret
    url = f"{yard.house.http_url}/api/v1/stations/{name}/commands"
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(headers=headers) as client, asyncio.TaskGroup() as tasks:
        tasks.create_task(client.post(url, json={"command": "clear_cache"}))
        await wire.asked("ClearCache")
        await wire.close(None)
    command = await collector.one("command clear_cache", ocpp_station=name)
    assert told(command)["command_outcome"] == "disconnected"
    assert command.status.code == Status.STATUS_CODE_ERROR


async def test_the_trace_is_in_the_problem_and_probes_leave_none(traced: Traced) -> None:
    yard, collector = traced.yard, traced.collector
    trace = secrets.token_hex(16)
    async with httpx.AsyncClient(base_url=yard.house.http_url) as client:
        # Not sampled by its caller: so it is not by us, and has the caller's name all the same.
        headers = {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-00"}
        refused = await client.get("/api/v1/tokens", headers=headers)
        assert (refused.status_code, refused.json()["trace"]) == (401, trace)
        mine = await client.get("/api/v1/sessions")
        assert (await client.get("/healthz")).status_code == 200
    request = await collector.one("GET /api/v1/sessions")
    assert request.trace_id.hex() == mine.json()["trace"]
    names = {span.name for span in collector.spans}
    assert not names & {"GET /api/v1/tokens", "GET /healthz"}


async def test_a_collector_that_is_away_costs_nobody_anything(
    house_url: str, tmp_path: Path
) -> None:
    away = "http://127.0.0.1:1"
    own = {"gateway_name": "gateway-2", "otlp_endpoint": away, "trace_sample_ratio": 1}
    async with a_yard(house_url, tmp_path, clock=None, **own) as yard:
        _, wire = await yard.station()
        for wh in range(20):
            assert await wire.call("MeterValues", meter(wh, yard.at(wh))) == {}
        tracing = yard.house.committer.tracing
        assert tracing is not None
        for _ in range(10_000):
            tracing.end(tracing.begin("too much"))
        async with httpx.AsyncClient() as client:
            page = (await client.get(f"{yard.house.http_url}/metrics")).text
        found = {
            sample.name: sample.value
            for family in text_string_to_metric_families(page)
            for sample in family.samples
        }
        assert found["forecourt_trace_spans_dropped_total"] > 1_000
        assert found["forecourt_trace_spans_sent_total"] == 0
        assert found["forecourt_trace_spans_waiting"] <= 8_192
        await yard.hang_up()
